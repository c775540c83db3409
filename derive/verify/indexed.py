"""How the judge evaluates what has indices: entries, blocks, sums over indices, tables.

An index of a sum or of a table takes all its values at once: they lie along a batch axis of their
own, in front of the others. Where the range of an inner index depends on it, or where there would
be too many values, it takes them one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import FunctionMatrix
from sympy.matrices.expressions.slice import MatrixSlice

from derive.verify.linear_algebra import Misfit

__all__ = ["add_up", "pick_block", "pick_entry", "stack", "tabulate"]

Array: TypeAlias = NDArray[Any]

MOST_AT_ONCE: Final = 300_000
"""More values than this are not kept in one array."""


def pick_entry(walker: Any, node: Any, value: Any, row: Any, column: Any) -> Any:
    """One entry for each value of its indices, from 0 on; negative ones count from the end."""
    rows, columns = (np.round(np.real(index)).astype(int) for index in (row, column))
    for places, size in zip((rows, columns), value.shape[-2:], strict=True):
        if places.size and not -size <= places.min() <= places.max() < size:
            raise Misfit(f"{node} is out of range: {_extent_text(value)}")
    if rows.size == columns.size == 1:
        return value[..., rows.item(), columns.item()]
    depth = value.ndim - 2
    before = [
        np.arange(size).reshape(size, *(1 for _ in range(depth - axis - 1)))
        for axis, size in enumerate(value.shape[:-2])
    ]
    return value[(*before, rows % value.shape[-2], columns % value.shape[-1])]


def pick_block(walker: Any, node: Any, value: Any, *bounds: Any) -> Any:
    """Rows and columns from a start to before a stop, at a step."""
    numbers = [round(float(np.real(bound))) for bound in bounds]
    for (start, stop, _), size in zip((numbers[:3], numbers[3:]), value.shape[-2:], strict=True):
        if not 0 <= start < stop <= size:
            raise Misfit(f"{node} is out of range, or empty: {_extent_text(value)}")
    return value[..., slice(*numbers[:3]), slice(*numbers[3:])]


def _extent_text(value: Any) -> str:
    return "the matrix is {} x {}".format(*value.shape[-2:])


def add_up(walker: Any, node: Any) -> Any:
    """A sum over indices."""
    function, limits = node.function, node.limits
    indices = [index for index, _, _ in limits]
    if any(bound.has(*indices) for _, low, high in limits for bound in (low, high)):
        function, limits = sympy.Sum(function, *limits[:-1]), limits[-1:]
    ranges = [range(walker.size(low), walker.size(high) + 1) for _, low, high in limits]
    terms = _for_all(walker, function, indices[-len(limits) :], ranges)
    if not len(terms):
        return np.float64(0)
    total = terms.sum(axis=0) if isinstance(terms, np.ndarray) else sum(terms[1:], terms[0])
    return _trimmed(total)


def tabulate(walker: Any, node: Any) -> Any:
    """A matrix given by a function of row and column."""
    rows, columns = walker.size(node.shape[0]), walker.size(node.shape[1])
    ranges = (range(rows), range(columns))
    return stack(_for_all(walker, node.lamda.expr, node.lamda.variables, ranges), rows, columns)


def stack(entries: Sequence[Any] | Array, rows: int, columns: int) -> Any:
    """The matrix of some entries, row by row."""
    stacked = np.stack([_trimmed(entry) for entry in np.broadcast_arrays(*entries)], axis=-1)
    return stacked.reshape(*stacked.shape[:-1], rows, columns)


def _trimmed(value: Any) -> Any:
    """A number for each place of a batch, without axes in front along which there is one alone."""
    shape = np.shape(value)
    while shape and shape[0] == 1:
        shape = shape[1:]
    return np.reshape(value, shape)


def _for_all(
    walker: Any, function: Any, indices: Sequence[Any], ranges: Sequence[range]
) -> Sequence[Any] | Array:
    """The values of a function at all places, the last index fastest."""
    places = list(product(*ranges))
    if not places:
        return []
    if walker.lifted or _bounds(function, indices):
        return [
            walker.scope(dict(zip(indices, map(np.float64, place), strict=True))).run(function)
            for place in places
        ]
    if len(indices) > 1 and walker.breadth * len(places) > MOST_AT_ONCE:
        first, *others = indices
        scopes = (walker.scope({first: np.float64(number)}) for number in ranges[0])
        return [
            value for scope in scopes for value in _for_all(scope, function, others, ranges[1:])
        ]
    extent = (len(places), *(1 for _ in range(walker.depth)))
    columns = np.array(places, dtype=float).T
    bound = {index: column.reshape(extent) for index, column in zip(indices, columns, strict=True)}
    value = np.asarray(walker.scope(bound, count=len(places)).run(function))
    return np.broadcast_to(value, (*extent[: len(extent) - value.ndim], *value.shape))


def _bounds(function: Any, indices: Sequence[Any]) -> bool:
    """Whether indices bound what is inside: other indices, blocks, tables."""
    of_node: dict[type, Callable[[Any], Sequence[Any]]] = {
        sympy.Sum: lambda node: [bound for limits in node.limits for bound in limits[1:]],
        FunctionMatrix: lambda node: node.shape,
        MatrixSlice: lambda node: (*node.rowslice, *node.colslice),
    }
    return any(
        bound.has(*indices)
        for kind, bounds in of_node.items()
        for node in function.atoms(kind)
        for bound in bounds(node)
    )
