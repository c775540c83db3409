"""The judge of derivations: are the gradients that are claimed the derivatives that they claim?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
import sympy

from derive.errors import InputError, UnsupportedError
from derive.problem import Problem, symbol_of
from derive.verify.comparison import Bench, Slopes
from derive.verify.differences import Direction, Tangents
from derive.verify.evaluation import Noise, Watch, evaluate, names_in
from derive.verify.facts import obeys
from derive.verify.functions import Array
from derive.verify.ledger import Ledger, describe
from derive.verify.limits import limit
from derive.verify.linear_algebra import Misfit
from derive.verify.outcomes import TOLERANCES, Outcome, compare_values
from derive.verify.program import Program, shape_of
from derive.verify.report import CENTRAL_DIFFERENCES, COMPLEX_STEP, VALUE, Report
from derive.verify.sampling import Point, draw
from derive.vocabulary import Expression

__all__ = ["Claim", "judge"]

MANY: Final = 100
"""More claims than this are checked at fewer points."""

FEW_POINTS: Final = 2

SAFE_DISTANCE: Final = 1e-5
"""Nearer to a kink than this, central differences are not asked."""

CLEAR: Final = 0.3
"""Central differences are believed when their doubt is below this part of the tolerance."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That the gradient of a scalar is each of some expressions.

    Attributes:
        of: Name of the scalar.
        wrt: Name of a variable or definition.
        name: What the gradient is called in later claims (``z2_bar``).
        expressions: The lines of its derivation; all must be equal to the gradient. They may use
            variables, definitions, sizes, auxiliaries and the names of earlier claims, whose value
            is that of their last line, 0 where the gradient is 0 and the line nothing but rounding.
        label: What it is called in a report.
        kind: What it is counted as: ``step`` or ``gradient``.
    """

    of: str
    wrt: str
    name: str
    expressions: tuple[Expression, ...]
    label: str
    kind: str = "step"


@np.errstate(all="ignore")
def judge(
    problem: Problem,
    claims: Sequence[Claim],
    *,
    auxiliary: Mapping[str, Expression] | None = None,
    seed: int = 0,
    points: int = 5,
) -> Report:
    """Check claims at random points, each along random directions.

    Args:
        problem: With the definitions as they were written.
        claims: In an order in which each uses only earlier ones.
        auxiliary: Further names and what they stand for. A name of the problem here is that
            definition rewritten over other auxiliaries; it is checked to have the same value.
        seed: Of the random numbers.
        points: How many; fewer when there are very many claims.

    Raises:
        InputError: A claim names what is not there.
        UnsupportedError: A gradient of what is not a scalar, or a node without a row.
    """
    auxiliary = auxiliary or {}
    _refuse_unknown(problem, claims, auxiliary)
    original = Program(
        {name: d.expression for name, d in problem.definitions.items()},
        {name: d.shape for name, d in problem.definitions.items()},
    )
    program = _extend(problem, auxiliary, {claim.wrt for claim in claims})
    ledger = Ledger()
    notes: list[str] = []
    if len(claims) > MANY and points > FEW_POINTS:
        points = FEW_POINTS
        notes.append(f"{len(claims)} claims were checked at {points} points instead of more")
    found = draw(problem, original, points, seed)
    central = _SecondOpinion()
    for number, point in enumerate(found.points):
        where = describe(point, number, seed)
        point = _with_auxiliaries(point, program, original)
        bench = Bench(problem, program, point, np.random.default_rng([seed, 3, number]))
        _check_facts(problem, point, where, ledger)
        _check_rewritten(bench, original, where, ledger)
        _check_claims(bench, claims, central, where, ledger)
    notes += central.notes()
    notes += (
        f"{claim.label}: the derivative is 0 at every point that was drawn"
        for claim in claims
        if found.points and not _says_zero(claim) and ledger.are_zero(claim.of, claim.label)
    )
    return ledger.report(found, seed, notes)


def _says_zero(claim: Claim) -> bool:
    """Whether a claim is that the derivative is 0."""
    line = claim.expressions[-1] if claim.expressions else 0
    return line == 0 or isinstance(line, sympy.ZeroMatrix)


def _refuse_unknown(
    problem: Problem, claims: Sequence[Claim], auxiliary: Mapping[str, Expression]
) -> None:
    known = {*problem.variables, *problem.definitions, *auxiliary}
    for claim in claims:
        for name in (claim.of, claim.wrt):
            if name not in known:
                raise InputError(f"{claim.label}: there is no {name} in the problem")
        if claim.of not in auxiliary and problem.shape(claim.of):
            raise UnsupportedError(f"{claim.label}: {claim.of} is not a scalar")


def _extend(problem: Problem, auxiliary: Mapping[str, Expression], wrts: set[str]) -> Program:
    """The definitions over auxiliaries.

    An auxiliary that a claim differentiates with respect to, and that nothing uses yet, is put in
    place of its expression wherever that occurs.
    """
    expressions = {name: d.expression for name, d in problem.definitions.items()}
    expressions.update(auxiliary)
    shapes = {name: d.shape for name, d in problem.definitions.items()}
    shapes.update((name, shape_of(e)) for name, e in auxiliary.items() if name not in shapes)
    used = frozenset[str]().union(*Program(expressions, shapes).uses.values())
    for name, expression in auxiliary.items():
        if name in wrts and name not in used and name not in problem.definitions:
            symbol = symbol_of(name, shapes[name])
            for other in expressions.keys() - {name}:
                expressions[other] = expressions[other].xreplace({expression: symbol})
    return Program(expressions, shapes)


def _with_auxiliaries(point: Point, program: Program, original: Program) -> Point:
    """The point with values of auxiliaries, and of definitions as they are rewritten over them."""
    environment = dict(point.environment)
    if program.expressions != original.expressions:
        for name in program.names:
            environment[name] = program.compute(name, environment)
    return replace(point, environment=environment)


def _check_facts(problem: Problem, point: Point, where: str, ledger: Ledger) -> None:
    """The facts that definitions are declared to obey."""
    for name, definition in problem.definitions.items():
        for fact in sorted(definition.facts):
            value = point.environment[name]
            holds = obeys(value, fact, definition.shape, definition.facts)
            words = fact.replace("_", " ")
            wrong = "" if holds else f"{name} is declared {words} and is not"
            outcome = Outcome(0.0 if holds else np.inf, VALUE, holds, wrong)
            ledger.add(f"{name} is {words}", "fact", outcome, where)


def _check_rewritten(bench: Bench, original: Program, where: str, ledger: Ledger) -> None:
    """Definitions that were rewritten over auxiliaries still have their value."""
    program, environment = bench.program, bench.point.environment
    for name, expression in original.expressions.items():
        if program.expressions[name] is expression:
            continue
        after, largest = program.recompute(name, environment)
        before, above = original.recompute(name, environment)
        outcome = compare_values(name, before, after, max(largest, above))
        if not outcome.passed and bench.is_rounding(name, after - before, program, original):
            outcome = Outcome(0.0, VALUE, True)
        ledger.add(f"{name} rewritten", "rewriting", outcome, where)


def _check_claims(
    bench: Bench, claims: Sequence[Claim], central: _SecondOpinion, where: str, ledger: Ledger
) -> None:
    """All claims at one point, from one pass over the definitions."""
    outputs = list(dict.fromkeys(claim.of for claim in claims))
    drawn = {claim.wrt: bench.random_directions(claim.wrt) for claim in claims}
    slopes = bench.slopes([one for of_one in drawn.values() for one in of_one], outputs)
    central.ask(bench, [of_one[0] for of_one in drawn.values()], outputs)
    environment: dict[str, Any] = dict(bench.point.environment)
    earlier: dict[str, _Line] = {}
    for claim in claims:
        facing = slopes[claim.of][claim.wrt]
        lines = [_Line(line, environment, earlier, bench.program) for line in claim.expressions]
        outcomes = [_check_line(bench, claim, line, facing) for line in lines]
        for number, outcome in enumerate(outcomes):
            if not outcome.passed and len(lines) > 1:
                said = f"line {number + 1} of {len(lines)}: {outcome.problem}"
                outcome = replace(outcome, problem=said)
            ledger.add(claim.label, claim.kind, outcome, where, claim.of)
        extent = np.shape(environment[claim.wrt])
        value = _shaped(lines[-1].value, extent) if lines else None
        environment[claim.name] = np.full(extent, np.nan) if value is None else value
        if value is not None:
            earlier[claim.name] = lines[-1]
        if value is None or not all(o.passed and not o.along_facts for o in outcomes):
            continue
        environment[claim.name] = value = bench.without_rounding(value, claim.of, facing)
        second = central.compare(bench, claim, value, facing)
        if second is not None:
            ledger.add(claim.label, claim.kind, second, where, claim.of)
        if bench.may_be_zero(facing) and np.all(bench.are_zero(facing)):
            environment[claim.name] = np.zeros(extent)


class _Line:
    """The value of one line.

    Args:
        expression: The line.
        environment: Values of all names, those of earlier claims included.
        earlier: The last lines of the claims before it, by name.
        program: The definitions.

    Attributes:
        value: None where shapes do not fit; where it divides a product by a factor of 0, the limit.
        is_singular: Whether it inverts a matrix that is singular.
    """

    def __init__(
        self,
        expression: Expression,
        environment: Mapping[str, Any],
        earlier: Mapping[str, _Line],
        program: Program,
    ) -> None:
        self.expression = expression
        self.environment = environment
        self.earlier = earlier
        self.program = program
        watch = Watch()
        try:
            self.value: Array | None = evaluate(expression, environment, watch)
            if not np.all(np.isfinite(self.value)):
                found = limit(expression, program, environment)
                self.value = self.value if found is None else found
        except (ValueError, Misfit):
            self.value = None
        self.is_singular = watch.singular is not None

    def blur(self, bench: Bench, extent: tuple[int, ...]) -> Array:
        """What rounding of each entry is relative to."""
        value = _shaped(self.value, extent)
        assert value is not None
        return bench.spread(lambda noise: self._evaluate(noise).reshape(extent), value)

    def _evaluate(self, noise: Noise) -> Array:
        """The value with noise on it, on the definitions and on the earlier claims that it uses."""
        needed = set(names_in(self.expression))
        stack = list(needed)
        while stack:
            line = self.earlier.get(stack.pop())
            used = names_in(line.expression) - needed if line is not None else frozenset()
            needed |= used
            stack += used
        environment, noise = dict(self.environment), replace(noise, exact=self.environment)
        for name in self.program.needed(needed & set(self.program.names)):
            found = self.program.compute(name, environment, noise=noise)
            environment[name] = _moved(environment[name], found - environment[name])
        for name, line in self.earlier.items():
            if name in needed and line.value is not None:
                change = evaluate(line.expression, environment, noise=noise) - line.value
                environment[name] = _moved(environment[name], change)
        return evaluate(self.expression, environment, noise=noise)


def _moved(value: Any, change: Array) -> Array:
    """A value with a change, where that is a number."""
    known = np.where(np.isfinite(change), change, 0.0)
    return np.asarray(value + known.reshape(np.shape(value)))


def _shaped(value: Array | None, extent: tuple[int, ...]) -> Array | None:
    """A value in the extent of its variable; None when it does not fit."""
    if value is None:
        return None
    if value.shape != extent and value.shape in ((), (1, 1)) and extent in ((), (1, 1)):
        return value.reshape(extent)
    return value if value.shape == extent else None


def _check_line(bench: Bench, claim: Claim, line: _Line, facing: Slopes) -> Outcome:
    """One line of one claim: by random directions, and entry by entry to show where it fails."""
    extent = np.shape(bench.point.environment[claim.wrt])
    value = _shaped(line.value, extent)
    if value is None:
        wrong = f"expected the shape {extent} of {claim.wrt}, got "
        wrong += (
            "shapes that do not fit each other" if line.value is None else str(line.value.shape)
        )
        return Outcome(np.inf, COMPLEX_STEP, False, wrong)
    blur = cache(lambda: line.blur(bench, extent))
    structure = bench.check_structure(value, claim.wrt, blur)
    if structure is not None and not structure.passed:
        return structure
    outcome = bench.compare(value, facing, blur=blur)
    if outcome.passed:
        return outcome
    kept = bench.along_facts(claim.wrt)
    if kept and (along := bench.compare_along(value, kept, claim.of, blur)).passed:
        return bench.judge_along_facts(claim.wrt, along)
    if line.is_singular:
        return replace(outcome, problem="it has the inverse of a matrix that is singular there")
    shown = bench.compare_along(value, bench.entry_directions(claim.wrt), claim.of, blur)
    return outcome if shown.passed else shown


class _SecondOpinion:
    """Central differences, asked once for each claim, at the first point away from kinks."""

    def __init__(self) -> None:
        self._answers: dict[str, Tangents] = {}
        self._places: dict[str, int] = {}
        self._asked = False
        self._undecided = 0
        self._compared = 0

    def ask(self, bench: Bench, directions: Sequence[Direction], outputs: Sequence[str]) -> None:
        """Difference along one direction for each name, unless that was done at a point before."""
        self._answers = {}
        if self._asked or bench.point.distance <= SAFE_DISTANCE:
            return
        self._asked = True
        self._places = {direction.name: place for place, direction in enumerate(directions)}
        self._answers = bench.tangents(directions, outputs, CENTRAL_DIFFERENCES)

    def compare(self, bench: Bench, claim: Claim, value: Array, facing: Slopes) -> Outcome | None:
        """The outcome for a claim; None where it was not asked, or rounding leaves it open."""
        if not self._answers:
            return None
        self._compared += 1
        place = self._places[claim.wrt]
        answer = self._answers[claim.of]
        asked = replace(
            facing,
            directions=facing.directions[:1],
            values=answer.values[place : place + 1],
            flows=facing.flows[:1],
            cut=None,
            blur=lambda: facing.noise[:1] if bench.may_be_zero(facing) else np.zeros(1),
        )
        (scale,) = bench.scales(value, asked)
        is_clear = answer.uncertainties[place] <= CLEAR * TOLERANCES[CENTRAL_DIFFERENCES] * scale
        if not is_clear or not np.isfinite(asked.values[0]):
            self._undecided += 1
            return None
        return bench.compare(value, asked, CENTRAL_DIFFERENCES)

    def notes(self) -> tuple[str, ...]:
        """How often rounding left it open."""
        if not self._undecided:
            return ()
        return (
            f"central differences could not tell for {self._undecided} of {self._compared} claims",
        )
