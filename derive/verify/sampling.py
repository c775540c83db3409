"""Points at which a problem is checked: sizes, and generic values inside the domain.

No two sizes are equal, except in the assignments that set sizes to 1; no matrix is symmetric
unless it is declared so. Values obey the declared facts. Where a function demands a domain (a
logarithm, a determinant, a probability), other kinds of values are tried, in turn, for the
variables that lead to the failure, until every definition is finite and no kink is near. When none
is found, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from derive.errors import InputError
from derive.problem import Definition, Problem, Variable
from derive.verify.evaluation import Watch, names_in
from derive.verify.facts import impose, obeys
from derive.verify.functions import Array
from derive.verify.program import Program, sized

__all__ = ["Draw", "NoPoint", "Point", "draw", "sample", "size_assignments"]

Kind = Callable[[np.random.Generator, tuple[int, int]], Array]


class NoPoint(InputError):
    """No point was found inside the domain of all functions."""


@dataclass(frozen=True)
class Point:
    """Values of all names, inside the domain.

    Attributes:
        sizes: Of the symbolic dimensions.
        inputs: Of the variables: 2-D, or 0-D for a scalar.
        environment: Of everything: sizes, variables, definitions.
        distance: From the nearest kink or edge of a domain.
        kinked: Functions with a kink that the definitions pass through.
    """

    sizes: Mapping[str, int]
    inputs: Mapping[str, Array]
    environment: Mapping[str, Array]
    distance: float = np.inf
    kinked: frozenset[str] = field(default_factory=frozenset)


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


def _normal(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    return rng.standard_normal(extent)


def _tame(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    """Normal entries, scaled so that a long chain of products stays near 1."""
    return rng.standard_normal(extent) / np.sqrt(max(extent))


def _near_identity(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    """A positive definite matrix where the extent is square, normal entries elsewhere."""
    value = rng.standard_normal(extent)
    if extent[0] != extent[1]:
        return value
    return value @ value.T / extent[0] + 0.5 * np.eye(extent[0])


def _wide(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    return 10 ** rng.uniform(0, 3, extent)


def _between(low: float, high: float) -> Kind:
    return lambda rng, extent: rng.uniform(low, high, extent)


KINDS: Final[tuple[Kind, ...]] = (
    _normal,
    _tame,
    _between(0.3, 2.0),
    _between(0.05, 0.95),
    _near_identity,
    lambda rng, extent: 0.2 * rng.standard_normal(extent),
    _between(1.2, 4.0),
    _between(-2.0, -0.3),
    _wide,
)
"""Kinds of entries, in the order in which they are tried."""

PLAIN_ATTEMPTS: Final = 3
"""How many times normal entries are tried for everything."""

ATTEMPTS: Final = 400
"""How many points are tried before giving up."""

REFINEMENTS: Final = 60
"""After how many attempts a point inside the domain is taken, however near a kink."""

SMALLEST_DISTANCES: Final = ((4, 1e-2), (12, 1e-3), (30, 1e-4), (ATTEMPTS, 1e-6))
"""How far from kinks and edges a point has to be, before an attempt's number."""


def draw(problem: Problem, program: Program, count: int, seed: int) -> Draw:
    """Points for a problem, one for each assignment of sizes.

    Sizes of 1 can leave a domain (a variance divided by N - 1); that is noted. Failing at generic
    sizes is a failure.
    """
    points: list[Point] = []
    notes: list[str] = []
    for number, sizes in enumerate(size_assignments(problem, count, seed)):
        try:
            rng = np.random.default_rng([seed, 2, number])
            points.append(sample(problem, program, sizes, rng))
        except InputError as failure:
            if 1 not in sizes.values() or not points:
                return Draw(tuple(points), tuple(notes), NoPoint(failure.summary, failure.details))
            notes.append(f"left out the sizes {_bindings(sizes)}: {failure.summary}")
    return Draw(tuple(points), tuple(notes))


def _bindings(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def size_assignments(problem: Problem, count: int, seed: int) -> list[dict[str, int]]:
    """Numbers for the symbolic sizes, ``count`` times.

    The third assignment (the second of two) sets all sizes to 1, the fourth one of them; in the
    others no two sizes are equal, and none equals a size that the problem states.
    """
    names = _size_names(problem)
    stated = _stated_sizes(problem)
    free = [size for size in range(2, 9 + len(stated) + len(names)) if size not in stated]
    rng = np.random.default_rng([seed, 1])
    assignments = []
    for number in range(count):
        pool = free[: max(6, len(names))]
        chosen = [int(size) for size in rng.permutation(pool)[: len(names)]]
        sizes = dict(zip(names, chosen, strict=True))
        if names and number == min(2, count - 1) and count > 1:
            sizes = dict.fromkeys(names, 1)
        elif len(names) > 1 and number == 3:
            sizes[names[int(rng.integers(len(names)))]] = 1
        assignments.append(sizes)
    return assignments


def _size_names(problem: Problem) -> list[str]:
    names = dict.fromkeys(problem.sizes)
    known = {*problem.variables, *problem.definitions}
    for definition in problem.definitions.values():
        names.update(dict.fromkeys(sorted(names_in(definition.expression) - known)))
    return list(names)


def _stated_sizes(problem: Problem) -> set[int]:
    quantities: list[Variable | Definition] = [*problem.variables.values()]
    quantities.extend(problem.definitions.values())
    return {int(dim) for quantity in quantities for dim in quantity.shape if dim.is_Integer}


@dataclass(frozen=True)
class _Trial:
    """One set of values that was tried.

    Attributes:
        kinds: Which kind of entries each variable has, by its place in ``KINDS``.
        failed: The first definition that is not finite; empty when all are.
        suspects: The variables that the first value that is not finite is computed from.
        sound: How many values were finite before it.
    """

    kinds: Mapping[str, int]
    point: Point
    failed: str
    suspects: tuple[str, ...]
    sound: int

    @property
    def score(self) -> tuple[bool, float]:
        """What is better comes later."""
        return (not self.failed, self.sound if self.failed else self.point.distance)


def sample(
    problem: Problem, program: Program, sizes: Mapping[str, int], rng: np.random.Generator
) -> Point:
    """A generic point inside the domain, at the given sizes.

    Raises:
        NoPoint: None was found; the message names the definition that is not finite.
    """
    best: _Trial | None = None
    for attempt in range(ATTEMPTS):
        kinds, kept = _next_kinds(problem, attempt, best, rng)
        inputs = {
            name: kept[name] if name in kept else _value(variable, sizes, KINDS[kinds[name]], rng)
            for name, variable in problem.variables.items()
        }
        trial = _try(program, sizes, inputs, kinds)
        if best is None or trial.score >= best.score:
            best = trial
        wanted = next(distance for last, distance in SMALLEST_DISTANCES if attempt < last)
        if not best.failed and (best.point.distance >= wanted or attempt >= REFINEMENTS):
            return best.point
    assert best is not None
    tried = f"{ATTEMPTS} points were tried"
    raise NoPoint(
        f"no point was found inside the domain: {best.failed} is not finite",
        (
            f"{tried} at {_bindings(sizes)}" if sizes else tried,
            "declare what its inputs obey: positive, probability, positive_definite, ...",
        ),
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


def _value(
    variable: Variable, sizes: Mapping[str, int], kind: Kind, rng: np.random.Generator
) -> Array:
    """A value of a variable, obeying its facts."""
    extent = sized(variable.shape, sizes)
    rows, columns = extent or (1, 1)
    value = impose(kind(rng, (rows, columns)), variable.facts, variable.shape, rng)
    for fact in sorted(variable.facts):
        if not obeys(value, fact, variable.shape, variable.facts):
            raise NoPoint(
                f"no value was found for {variable.name} that is "
                f"{' and '.join(sorted(variable.facts))}"
            )
    return value.reshape(extent)


def _try(
    program: Program,
    sizes: Mapping[str, int],
    inputs: Mapping[str, Array],
    kinds: Mapping[str, int],
) -> _Trial:
    """Evaluate all definitions, up to the first that is not finite."""
    watch = Watch()
    environment: dict[str, Array] = {name: np.asarray(float(size)) for name, size in sizes.items()}
    environment.update(inputs)
    failed = ""
    for name in program.names:
        value = program.compute(name, environment, watch)
        if not np.all(np.isfinite(value)):
            failed = name
            break
        environment[name] = value
    point = Point(sizes, inputs, environment, min(watch.kink, watch.edge), frozenset(watch.kinked))
    suspects: frozenset[str] = frozenset()
    if failed:
        names = names_in(program.expressions[failed] if watch.broken is None else watch.broken)
        suspects = names.union(*(program.sources(name) for name in names)) & inputs.keys()
    return _Trial(kinds, point, failed, tuple(sorted(suspects)), watch.sound)
