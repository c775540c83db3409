"""Numbers for the symbolic sizes of a problem.

Up to ``MOST_DISTINCT`` sizes are all different, and differ from the sizes that the problem states.
Where there are more (a deep network has one for each layer), 2 to 9 are used again and again, so
that work does not grow with the largest; sizes that meet in one shape still differ. In some
assignments sizes are 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count as counting
from itertools import permutations
from typing import Final

import numpy as np

from derive.problem import Definition, Problem, Variable
from derive.verify.evaluation import names_in

__all__ = ["alternatives", "bindings", "size_assignments"]

MOST_DISTINCT: Final = 8
"""More symbolic sizes than this are not all different."""

FEW: Final = 4
"""Up to this many sizes, all their orders are tried."""

ORDERS: Final = 24
"""How many orders of more sizes are tried."""

OTHERS: Final = 12
"""How many assignments of other numbers are tried."""

LARGEST: Final = 64
"""Sizes above the ones that a problem states are tried up to this."""


def bindings(sizes: Mapping[str, int]) -> str:
    """Sizes in words: ``m=3, n=6``."""
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def size_assignments(problem: Problem, count: int, seed: int) -> list[dict[str, int]]:
    """Numbers for the symbolic sizes, ``count`` times.

    The third assignment (the second of two) sets all sizes to 1, the fourth one of them; in the
    others no two sizes that meet are equal, and none equals a size that the problem states. What is
    larger in the first is smaller in the second: a matrix is met both tall and wide.
    """
    names = _size_names(problem)
    rng = np.random.default_rng([seed, 1])
    assignments: list[dict[str, int]] = []
    for number in range(count):
        sizes = _generic(problem, names, rng)
        if names and number == min(2, count - 1) and count > 1:
            sizes = dict.fromkeys(names, 1)
        elif number == 1 and len(names) <= MOST_DISTINCT:
            sizes = _reversed(sizes, assignments[0])
        elif len(names) > 1 and number == 3:
            sizes[names[int(rng.integers(len(names)))]] = 1
        assignments.append(sizes)
    return assignments


def _reversed(sizes: Mapping[str, int], earlier: Mapping[str, int]) -> dict[str, int]:
    """The same numbers, in the reverse order of an earlier assignment."""
    falling = sorted(sizes, key=lambda name: -earlier[name])
    chosen = dict(zip(falling, sorted(sizes.values()), strict=True))
    return {name: chosen[name] for name in sizes}


def alternatives(
    problem: Problem,
    sizes: Mapping[str, int],
    earlier: Mapping[str, int] | None,
    rng: np.random.Generator,
) -> Iterator[dict[str, int]]:
    """Assignments to try in place of one that leaves the domain, each once.

    First the same numbers in the order of an earlier assignment that was inside, then in other
    orders, then other numbers, and in the end the earlier assignment itself. A single size of 1
    stays with some name; where all sizes are 1 there is nothing to try.
    """
    seen = {tuple(sizes.values())}
    if set(sizes.values()) <= {1}:
        return
    for chosen in _candidates(problem, sizes, earlier, rng):
        if tuple(chosen.values()) not in seen:
            seen.add(tuple(chosen.values()))
            yield chosen


def _candidates(
    problem: Problem,
    sizes: Mapping[str, int],
    earlier: Mapping[str, int] | None,
    rng: np.random.Generator,
) -> Iterator[dict[str, int]]:
    names = list(sizes)
    ordered = sorted(sizes.values())
    if earlier is not None:
        by_rank = sorted(names, key=lambda name: earlier[name])
        ranked = dict(zip(by_rank, ordered, strict=True))
        yield {name: ranked[name] for name in names}
    if len(names) <= FEW:
        for order in permutations(ordered):
            yield dict(zip(names, order, strict=True))
    elif len(names) <= MOST_DISTINCT:
        yield dict(zip(names, ordered, strict=True))
        yield dict(zip(names, reversed(ordered), strict=True))
        for _ in range(ORDERS):
            yield dict(zip(names, map(int, rng.permutation(ordered)), strict=True))
    else:
        for _ in range(ORDERS):
            yield _generic(problem, names, rng)
    if 1 in ordered:
        return
    if len(names) <= MOST_DISTINCT:
        pool = _pool(problem, len(names), beyond_stated=True)
        for _ in range(OTHERS):
            chosen = map(int, rng.permutation(pool)[: len(names)])
            yield dict(zip(names, chosen, strict=True))
    if earlier is not None:
        yield dict(earlier)


def _generic(problem: Problem, names: list[str], rng: np.random.Generator) -> dict[str, int]:
    """Sizes of which no two that meet are equal."""
    pool = _pool(problem, len(names))
    if len(names) <= MOST_DISTINCT:
        chosen = map(int, rng.permutation(pool[: max(6, len(names))])[: len(names)])
        return dict(zip(names, chosen, strict=True))
    meeting = _meeting(problem, names)
    sizes: dict[str, int] = {}
    for name in names:
        taken = {sizes[other] for other in meeting[name] if other in sizes}
        free = [size for size in pool[:MOST_DISTINCT] if size not in taken]
        more = (size for size in counting(pool[MOST_DISTINCT]) if size not in taken)
        sizes[name] = int(rng.choice(free)) if free else next(more)
    return sizes


def _pool(problem: Problem, count: int, beyond_stated: bool = False) -> list[int]:
    """Sizes that the problem does not state, the smallest first."""
    stated = _stated_sizes(problem)
    largest = 9 + len(stated) + count
    if beyond_stated:
        largest = max(largest, *(size + 1 + count for size in stated if size < LARGEST), 0)
    return [size for size in range(2, largest) if size not in stated]


def _size_names(problem: Problem) -> list[str]:
    names = dict.fromkeys(problem.sizes)
    known = {*problem.variables, *problem.definitions}
    for definition in problem.definitions.values():
        names.update(dict.fromkeys(sorted(names_in(definition.expression) - known)))
    return list(names)


def _quantities(problem: Problem) -> list[Variable | Definition]:
    return [*problem.variables.values(), *problem.definitions.values()]


def _stated_sizes(problem: Problem) -> set[int]:
    shapes = (quantity.shape for quantity in _quantities(problem))
    return {int(dim) for shape in shapes for dim in shape if dim.is_Integer}


def _meeting(problem: Problem, names: list[str]) -> dict[str, set[str]]:
    """The sizes that stand beside each size in some shape."""
    meeting: dict[str, set[str]] = {name: set() for name in names}
    for quantity in _quantities(problem):
        beside = {symbol.name for dim in quantity.shape for symbol in dim.free_symbols}
        for name in beside:
            meeting.setdefault(name, set()).update(beside - {name})
    return meeting
