"""Points at which a problem is checked: sizes, and generic values inside the domain.

Sizes are those of :mod:`derive.verify.sizes`; no matrix is symmetric unless it is declared so.
Values obey the declared facts. Where a function demands a domain (a logarithm, a determinant, a
probability), other kinds of values are tried, in turn, for the variables that lead to the failure,
until every definition is finite and no kink is near; then other sizes. When none is found, that is
said.

A value that is too large or too small for a floating-point number, or nearly so, is outside the
domain too: nothing could be compared there. Where a size is 1, so is a point at the very edge of a
domain, such as the norm of a vector that is 0; elsewhere it is taken when there is no other.

A matrix that is inverted, or whose logarithm of the determinant is taken, is outside the domain
when it is singular to rounding. So is one whose determinant is taken, since its gradient is written
with the inverse, unless it is singular at all sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from derive.errors import InputError
from derive.problem import Problem
from derive.verify.evaluation import Watch, names_in
from derive.verify.functions import Array
from derive.verify.program import Program
from derive.verify.sizes import alternatives, bindings, size_assignments
from derive.verify.values import KINDS, NoPoint, SingularMatrix, draw_value

__all__ = ["AT_EDGE", "Draw", "NoPoint", "Point", "draw"]


@dataclass(frozen=True)
class Point:
    """Values of all names, inside the domain.

    Attributes:
        sizes: Of the symbolic dimensions.
        inputs: Of the variables: 2-D, or 0-D for a scalar.
        environment: Of everything: sizes, variables, definitions.
        distance: From the nearest kink or edge of a domain.
        edge: Distance from the nearest edge.
        kinked: Functions with a kink that the definitions pass through.
        closest: Smallest reciprocal condition number of a matrix that has to be regular.
    """

    sizes: Mapping[str, int]
    inputs: Mapping[str, Array]
    environment: Mapping[str, Array]
    distance: float = np.inf
    edge: float = np.inf
    kinked: frozenset[str] = field(default_factory=frozenset)
    closest: float = np.inf


@dataclass(frozen=True)
class Draw:
    """The points of one run.

    Attributes:
        points: In order.
        notes: Which assignments of sizes were left out, and why.
        failure: Why there is no generic point, if there is none.
    """

    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    failure: NoPoint | None = None


PLAIN_ATTEMPTS: Final = 3
"""How many times normal entries are tried for everything."""

REVIVALS: Final = 8
"""How many times the variables are drawn anew on which a definition depends that is all 0."""

ATTEMPTS: Final = 400
"""How many points are tried before giving up."""

REFINEMENTS: Final = 60
"""After how many attempts a point inside the domain is taken, however near a kink."""

SINGULAR_ATTEMPTS: Final = 24
"""After how many attempts a matrix that was always singular is taken to be so by its shape."""

SMALLEST_DISTANCES: Final = ((4, 1e-2), (12, 1e-3), (30, 1e-4), (ATTEMPTS, 1e-6))
"""How far from kinks and edges a point has to be, before an attempt's number."""


LARGEST: Final = 1e200
SMALLEST: Final = 1e-200
"""Values beyond these are not compared: their products would be beyond all numbers."""

AT_EDGE: Final = 1e-12
"""At this distance from the edge of a domain, a function has no derivative any more."""


def draw(problem: Problem, program: Program, count: int, seed: int) -> Draw:
    """Points for a problem, one for each assignment of sizes.

    Sizes that leave a domain (a Gram matrix of more columns than rows, a variance divided by
    N - 1) are left out, others are tried in their place, and that is noted. Failing at all generic
    sizes is a failure; sizes of 1 may have to do without a point.
    """
    found = _draw(problem, program, count, seed)
    if isinstance(found.failure, SingularMatrix) and not found.points:
        lenient = _draw(problem, program, count, seed, singular_determinants=True)
        said = (
            f"{found.failure.culprit} at all sizes that were tried: its determinant is 0, and a "
            "formula with its inverse has no value",
        )
        if lenient.failure is None:
            return replace(lenient, notes=(*lenient.notes, *said))
    return found


def _draw(
    problem: Problem, program: Program, count: int, seed: int, singular_determinants: bool = False
) -> Draw:
    points: list[Point] = []
    left_out: dict[str, list[str]] = {}
    for number, sizes in enumerate(size_assignments(problem, count, seed)):
        rng = np.random.default_rng([seed, 2, number])
        search = _Search(problem, program, rng, singular_determinants, number == 0)
        try:
            points.append(search.sample(sizes))
            continue
        except InputError as error:
            failure = error if isinstance(error, NoPoint) else NoPoint(error.summary, error.details)
        left_out.setdefault(failure.summary, []).append(bindings(sizes))
        generic = [point.sizes for point in points if 1 not in point.sizes.values()]
        other = search.sample_elsewhere(sizes, generic[-1] if generic else None)
        if other is not None:
            points.append(other)
        elif 1 not in sizes.values() or not points:
            return Draw(tuple(points), (), failure)
    notes = (f"left out the sizes {'; '.join(of)}: {reason}" for reason, of in left_out.items())
    return Draw(tuple(points), tuple(notes))


@dataclass(frozen=True)
class _Trial:
    """One set of values that was tried.

    Attributes:
        kinds: Which kind of entries each variable has, by its place in ``KINDS``.
        failed: The first definition that is outside the domain; empty when none is.
        how: In which way.
        suspects: The variables that the first value that is not finite is computed from.
        sound: How many values were finite before it.
        is_singular: Whether it is a matrix that should be regular and is not.
        is_hidden: Whether rounding chose the side of a kink.
    """

    kinds: Mapping[str, int]
    point: Point
    failed: str
    how: str
    suspects: tuple[str, ...]
    sound: int
    is_singular: bool = False
    is_hidden: bool = False

    @property
    def score(self) -> tuple[bool, bool, float]:
        """What is better comes later."""
        distance = self.sound if self.failed else self.point.distance
        return (not self.failed, not self.failed and not self.is_hidden, distance)


@dataclass(frozen=True)
class _Search:
    """The search for one point.

    Attributes:
        problem: With the facts of variables.
        program: The definitions.
        rng: For all values.
        singular_determinants: Whether a determinant may be taken of a singular matrix.
        avoids_zero: Whether values of one entry should not be 0 either; else both sides of
            ``max(0, w'*x)`` are met.
    """

    problem: Problem
    program: Program
    rng: np.random.Generator
    singular_determinants: bool = False
    avoids_zero: bool = False

    def sample(self, sizes: Mapping[str, int], attempts: int = ATTEMPTS) -> Point:
        """A generic point inside the domain, at the given sizes.

        Raises:
            NoPoint: None was found; the message names the definition that is not finite.
        """
        best: _Trial | None = None
        are_singular = True
        for attempt in range(attempts):
            kinds, kept = _next_kinds(self.problem, attempt, best, self.rng)
            inputs = {
                name: draw_value(variable, sizes, kinds[name], self.rng)
                for name, variable in self.problem.variables.items()
                if name not in kept
            }
            inputs.update(kept)
            trial = self._try(sizes, inputs, kinds)
            are_singular = are_singular and trial.is_singular
            if best is None or trial.score >= best.score:
                best = trial
            wanted = next(distance for last, distance in SMALLEST_DISTANCES if attempt < last)
            if not best.failed and (best.point.distance >= wanted or attempt >= REFINEMENTS):
                break
            if (are_singular and attempt >= SINGULAR_ATTEMPTS) or best.how == EMPTY:
                break
        assert best is not None
        if best.failed:
            raise _no_point(best, sizes, attempt + 1)
        if best.point.edge <= AT_EDGE and 1 in sizes.values():
            raise NoPoint("a function is at the edge of its domain, where it has no derivative")
        return best.point

    def sample_elsewhere(
        self, sizes: Mapping[str, int], earlier: Mapping[str, int] | None
    ) -> Point | None:
        """A point at other sizes than the ones that failed."""
        for other in alternatives(self.problem, sizes, earlier, self.rng):
            try:
                return self.sample(other, REFINEMENTS)
            except InputError:
                continue
        return None

    def _try(
        self, sizes: Mapping[str, int], inputs: Mapping[str, Array], kinds: Mapping[str, int]
    ) -> _Trial:
        """Evaluate all definitions, up to the first that is not finite."""
        watch = Watch(singular_determinants=self.singular_determinants)
        environment: dict[str, Array] = {
            name: np.asarray(float(size)) for name, size in sizes.items()
        }
        environment.update(inputs)
        failed = how = ""
        for name in self.program.names:
            watch.underflow = False
            value = self.program.compute(name, environment, watch)
            for _ in range(REVIVALS):
                if np.any(value) or (value.size == 1 and not self.avoids_zero):
                    break
                value = self._revive(name, value, sizes, environment, kinds, watch)
            how = _complaint(value, watch)
            if how:
                failed = name
                break
            environment[name] = value
        near = min(watch.kink, watch.edge)
        inputs = {name: environment[name] for name in inputs}
        kinked = frozenset(watch.kinked)
        point = Point(sizes, inputs, environment, near, watch.edge, kinked, watch.closest)
        culprit = watch.broken if how == NOT_FINITE else watch.singular
        suspects = self._suspects(failed, culprit) if failed else ()
        is_singular = watch.singular is not None
        return _Trial(
            kinds, point, failed, how, suspects, watch.sound, is_singular, watch.is_hidden
        )

    def _revive(
        self,
        name: str,
        value: Array,
        sizes: Mapping[str, int],
        environment: dict[str, Array],
        kinds: Mapping[str, int],
        watch: Watch,
    ) -> Array:
        """Another value of a definition whose entries all are 0, as of a layer that is dead.

        Nothing passes through it backwards, so no error before it would be seen. The variables
        are drawn anew that enter it, or a definition that it uses, and that nothing else so far
        is computed from.
        """
        inside = [used for used in self.program.names if used in self.program.uses[name]]
        near = self.program.uses[name].union(*(self.program.uses[used] for used in inside))
        done = [n for n in self.program.names if n in environment and n not in inside]
        settled = frozenset[str]().union(*(self.program.sources(n) for n in done))
        variables = self.problem.variables
        own = (near & variables.keys()) - settled
        for variable in sorted(own):
            environment[variable] = draw_value(
                variables[variable], sizes, kinds[variable], self.rng
            )
        if not own:
            return value
        for used in inside:
            environment[used] = self.program.compute(used, environment, watch)
        return self.program.compute(name, environment, watch)

    def _suspects(self, failed: str, culprit: Any) -> tuple[str, ...]:
        """The variables that a value which is not finite is computed from."""
        names = names_in(self.program.expressions[failed] if culprit is None else culprit)
        sources = names.union(*(self.program.sources(name) for name in names))
        return tuple(sorted(sources & self.problem.variables.keys()))


NOT_FINITE: Final = "is not finite"
EMPTY: Final = "has no entries"


def _complaint(value: Array, watch: Watch) -> str:
    """Why the derivative of a value cannot be compared with anything; empty if it can."""
    if watch.singular is not None:
        return "not of full rank" if getattr(watch.singular, "name", "") == "pinv" else "singular"
    if not value.size:
        return EMPTY
    size = float(np.abs(value).max())
    if not np.isfinite(size):
        return NOT_FINITE
    if size > LARGEST:
        return "is too large for floating-point numbers"
    if size < SMALLEST and (size > 0 or watch.underflow):
        return "is too small for floating-point numbers"
    return ""


def _no_point(best: _Trial, sizes: Mapping[str, int], attempts: int) -> NoPoint:
    tried = f"{attempts} points were tried"
    where = f"{tried} at {bindings(sizes)}" if sizes else tried
    if best.is_singular:
        return SingularMatrix(best.failed, best.how, where)
    advice = "declare what its inputs obey: positive, probability, positive_definite, ..."
    if best.how != NOT_FINITE:
        advice = f"what is beyond {SMALLEST:.0e} and {LARGEST:.0e} is not compared"
    return NoPoint(
        f"no point was found inside the domain: {best.failed} {best.how}", (where, advice)
    )


def _next_kinds(
    problem: Problem, attempt: int, best: _Trial | None, rng: np.random.Generator
) -> tuple[dict[str, int], Mapping[str, Array]]:
    """Kinds for the next trial, and the values that stay.

    While a value is not finite, the variables that lead to it are given other kinds, in turn all
    of them the same and one of them any. Near a kink, the kinds stay and values are drawn anew.
    """
    if best is None or attempt < PLAIN_ATTEMPTS:
        return dict.fromkeys(problem.variables, 0), {}
    suspects = best.suspects if best.failed else tuple(problem.variables)
    if not suspects:
        return dict(best.kinds), best.point.inputs
    one = suspects[int(rng.integers(len(suspects)))]
    changed = set(suspects) if attempt % 2 else {one}
    kind = attempt // 2 % len(KINDS) if attempt % 2 else int(rng.integers(len(KINDS)))
    kinds = dict(best.kinds)
    if best.failed:
        kinds.update(dict.fromkeys(changed, kind))
    kept = {name: value for name, value in best.point.inputs.items() if name not in changed}
    return kinds, kept
