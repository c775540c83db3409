"""How the judge evaluates what has indices: entries, blocks, sums over indices, tables.

An index of a sum or of a table takes all its values at once: they lie along a batch axis of their
own, in front of the others. Where the range of an inner index depends on it, or where there would
be too many values, it takes them one after the other. In a sum of products each factor takes the
values of its own indices alone, and the products are summed index by index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import FunctionMatrix
from sympy.matrices.expressions.slice import MatrixSlice

from derive.errors import UnsupportedError
from derive.verify.linear_algebra import Misfit

__all__ = ["add_up", "pick_block", "pick_entry", "stack", "tabulate"]

Array: TypeAlias = NDArray[Any]

Indexed: TypeAlias = tuple[tuple[Any, ...], Array]
"""An array with an axis for each of some indices, before those of the batch."""

MOST_AT_ONCE: Final = 300_000
"""More values than this are not computed in one array."""

MOST_VALUES: Final = 60_000_000
"""A function of indices is not evaluated for more of their values than this."""

MOST_PRODUCTS: Final = 3_000_000_000
"""A sum of more products than this is not evaluated."""

MOST_ENTRIES: Final = 30_000_000
"""A sum whose value has more entries than this is not evaluated."""


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
    indices = indices[-len(limits) :]
    ranges = [range(walker.size(low), walker.size(high) + 1) for _, low, high in limits]
    if not all(ranges):
        return np.float64(0)
    if walker.lifted or _bounds(function, tuple(indices)):
        terms = _for_all(walker, function, indices, ranges)
        return _trimmed(sum(terms[1:], terms[0]))
    parts = [_contracted(walker, part, indices, ranges) for part in sympy.Add.make_args(function)]
    total = sum(parts[1:], parts[0])
    return _trimmed(total if walker.noise is None else walker.noise.blur(function, total, parts))


def _contracted(
    walker: Any, term: Any, indices: Sequence[Any], ranges: Sequence[range]
) -> Array | float:
    """A product summed over indices: each factor for all values of its own ones, then contracted.

    Each index is summed as soon as all that has it is multiplied, the cheapest one first.
    """
    sizes = dict(zip(indices, map(len, ranges), strict=True))
    values = dict(zip(indices, ranges, strict=True))
    factors: list[Indexed] = []
    for factor in sympy.Mul.make_args(term):
        own = tuple(index for index in indices if factor.has(index))
        factors.append((own, _over(walker, factor, own, [values[index] for index in own])))
    if walker.noise is not None:
        own, array = factors[0]
        factors[0] = own, walker.noise.blur(term, array)
    left = set(indices)
    while left:
        index = min(left, key=lambda x: (_products_over(x, factors, sizes), str(x)))
        left.remove(index)
        here = sorted((f for f in factors if index in f[0]), key=lambda f: f[1].size)
        factors = [f for f in factors if index not in f[0]]
        if here:
            while len(here) > 2:
                here = [_product(here[:2]), *here[2:]]
            factors.append(_product(here, index))
        else:
            factors.append(((), np.asarray(float(sizes[index]))))
    while len(factors) > 1:
        factors = [_product(factors[:2]), *factors[2:]]
    return factors[0][1]


def _over(walker: Any, factor: Any, own: Sequence[Any], ranges: Sequence[range]) -> Array:
    """The values of a factor, with an axis for each of its indices before those of the batch."""
    found = _for_all(walker, factor, own, ranges) if own else walker.run(factor)
    if not own:
        return np.asarray(found)
    array = np.stack(np.broadcast_arrays(*found)) if isinstance(found, list) else np.asarray(found)
    return array.reshape(*map(len, ranges), *array.shape[1:])


def _products_over(index: Any, factors: Sequence[Indexed], sizes: Mapping[Any, int]) -> int:
    """How many products there are to be summed over an index."""
    own = {x for letters, _ in factors if index in letters for x in letters}
    batch = [array.shape[len(ls) :] for ls, array in factors if index in ls]
    return math.prod(sizes[x] for x in own) * math.prod(np.broadcast_shapes(*batch))


def _product(factors: Sequence[Indexed], index: Any = None) -> Indexed:
    """The product of one or two factors, along all of their indices but one that is summed.

    Raises:
        UnsupportedError: There are too many entries or products.
    """
    own = tuple(dict.fromkeys(x for letters, _ in factors for x in letters))
    kept = tuple(x for x in own if x != index)
    batch = np.broadcast_shapes(*(array.shape[len(letters) :] for letters, array in factors))
    places: dict[Any, int] = {x: place for place, x in enumerate((*own, *range(-len(batch), 0)))}
    sizes: dict[Any, int] = {}
    operands: list[Any] = []
    for letters, array in factors:
        axes = (*letters, *range(len(letters) - array.ndim, 0))
        wide = [x for x, size in zip(axes, array.shape, strict=True) if size > 1 or x in own]
        sizes |= {x: size for x, size in zip(axes, array.shape, strict=True) if x in wide}
        operands += [array.reshape([sizes[x] for x in wide]), [places[x] for x in wide]]
    result = [x for x in (*kept, *range(-len(batch), 0)) if x in sizes]
    entries = math.prod(sizes[x] for x in result)
    if entries > MOST_ENTRIES or math.prod(sizes.values()) > MOST_PRODUCTS:
        raise _too_many()
    whole = np.einsum(*operands, [places[x] for x in result], optimize=True)
    return kept, whole.reshape((*(sizes[x] for x in kept), *batch))


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
    """The values of a function at all places, the last index fastest.

    Raises:
        UnsupportedError: There are too many.
    """
    if walker.breadth * math.prod(map(len, ranges)) > MOST_VALUES:
        raise _too_many()
    places = list(product(*ranges))
    if not places:
        return []
    if walker.lifted or _bounds(function, tuple(indices)):
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


def _too_many() -> UnsupportedError:
    return UnsupportedError(
        "a closed form has a sum of too many terms to be checked",
        ["It is printed without a check by derive explain and derive notes, with --no-check."],
    )


@lru_cache(maxsize=4096)
def _bounds(function: Any, indices: tuple[Any, ...]) -> bool:
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
