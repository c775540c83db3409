"""What the names are that a problem does not declare: by their spelling, unless that cannot be.

Where the shapes do not fit, names are tried as something else, fewest changes first. A change is
made only when the text leaves one way: if two sets of names could change, the problem is refused
with its first mismatch. Nor is a formula read as one of scalars alone merely because columns were
multiplied or a gradient of a column was asked for, since then something else was meant.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Final

from derive.errors import InputError
from derive.language.inference import Shapes
from derive.language.mismatches import Misfit, enumerate_names, taken_as
from derive.language.program import Program
from derive.language.tree import Node, in_order
from derive.language.words import default_kind
from derive.problem import Note

__all__ = ["settle"]

OTHERS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "matrix": (("vector", 1), ("scalar", 2)),
    "vector": (("scalar", 1), ("matrix", 2)),
    "scalar": (("vector", 1), ("matrix", 2)),
}
"""What else a name can be, and how far that is from what its spelling says."""

FARTHEST: Final = 5
EFFORT: Final = 20_000

Change = tuple[tuple[str, str], ...]


def settle(program: Program) -> tuple[Shapes, tuple[Note, ...]]:
    """The shapes of a program, and a note on each name that is not what its spelling says.

    Raises:
        InputError: Shapes do not fit, whatever the names that are not declared are.
    """
    kinds = {
        name: "scalar" if name in program.scalars else default_kind(name) for name in program.open
    }
    shapes = Shapes(program, kinds)
    try:
        shapes.solve()
    except Misfit as misfit:
        shapes = _search(program, kinds, misfit)
    notes = tuple(
        taken_as(name, kind, name in program.scalars)
        for name, kind in shapes.kinds.items()
        if kind != default_kind(name)
    )
    return shapes, notes


def _search(program: Program, kinds: Mapping[str, str], first: Misfit) -> Shapes:
    """The fewest changes of kind with which the shapes fit."""
    if first.final:
        raise first.error
    effort = EFFORT // (1 + len(program.open) + len(program.definitions))
    queue: list[tuple[int, Change]] = [
        (cost, ((name, kind),)) for name, kind, cost in _changes(program, kinds, (), first)
    ]
    heapq.heapify(queue)
    tried: set[frozenset[tuple[str, str]]] = set()
    found: list[tuple[frozenset[str], Shapes]] = []
    limit = FARTHEST
    while queue and effort > 0:
        cost, change = heapq.heappop(queue)
        if cost > limit:
            break
        if frozenset(change) in tried:
            continue
        tried.add(frozenset(change))
        effort -= 1
        shapes = Shapes(program, {**kinds, **dict(change)})
        try:
            shapes.solve()
        except Misfit as misfit:
            for name, kind, more in _changes(program, kinds, change, misfit):
                heapq.heappush(queue, (cost + more, (*change, (name, kind))))
            continue
        if not (first.weak and _is_all_scalar(shapes)):
            found.append((frozenset(name for name, _ in change), shapes))
            limit = cost
    return _the_only(program, found, first)


def _the_only(
    program: Program, found: list[tuple[frozenset[str], Shapes]], first: Misfit
) -> Shapes:
    if not found:
        raise first.error
    changed = {names for names, _ in found}
    if len(changed) > 1:
        names = [name for name in program.open if any(name in some for some in changed)]
        listed = enumerate_names(names, "or")
        error = first.error
        raise InputError(
            error.summary, (*error.details, f"Declare the shape of {listed}."), error.place
        )
    return found[0][1]


def _changes(
    program: Program, kinds: Mapping[str, str], change: Change, misfit: Misfit
) -> Iterable[tuple[str, str, int]]:
    """Names behind a misfit that have not changed, with what else they can be."""
    if misfit.final:
        return
    changed = {name for name, _ in change}
    behind = _names_behind(program, misfit.nodes)
    for name in program.open:
        if name in behind and name not in changed and name not in program.scalars:
            for kind, cost in OTHERS[kinds[name]]:
                yield name, kind, cost


def _names_behind(program: Program, nodes: Iterable[Node]) -> set[str]:
    """The names that these expressions use, definitions followed."""
    seen: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for node in in_order(waiting.pop()):
            if node.kind == "name" and node.value not in seen:
                seen.add(node.value)
                if node.value in program.definitions:
                    waiting.append(program.definitions[node.value])
    return seen


def _is_all_scalar(shapes: Shapes) -> bool:
    names = (*shapes.program.shapes, *shapes.program.open)
    return all(shapes.is_scalar(shapes.extents[name]) for name in names)
