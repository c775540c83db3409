"""Shapes of values by the signatures of functions: sizes matched, bound and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy

from derive.shapes import ONE, Dim, Extent, ShapeMismatch, Unification, same, shape_text
from derive.vocabulary.functions import EITHER, SIZE, Function

__all__ = ["result_extent"]


def result_extent(
    function: Function, extents: Sequence[Extent], unification: Unification | None = None
) -> Extent:
    """Rows and columns of a function's value.

    Args:
        function: The function.
        extents: Rows and columns of each argument; of one that is a size, that size and 1.
        unification: Where undeclared dimensions are bound; without it, none is.

    Raises:
        ShapeMismatch: The arguments do not fit the function's signature.
    """
    equations = unification or Unification()
    if function.signature is None:
        return _entrywise_extent(function, extents, equations)
    if not function.joins:
        return _signed_extent(function, dict(enumerate(extents)), equations)
    found = extents[0]
    for position, extent in enumerate(extents[1:], 1):
        try:
            found = _signed_extent(function, {0: found, 1: extent}, equations)
        except ShapeMismatch as error:
            raise ShapeMismatch(error.summary, error.details, operands=(position,)) from None
    return found


def _entrywise_extent(
    function: Function, extents: Sequence[Extent], equations: Unification
) -> Extent:
    rows, columns = ONE, ONE
    for position, extent in enumerate(extents):
        grown = (
            equations.broadcast(rows, extent[0]),
            equations.broadcast(columns, extent[1]),
        )
        if grown[0] is None or grown[1] is None:
            raise ShapeMismatch(
                f"{function.name} works entry by entry on arguments of the same shape, or of "
                f"size 1 along an axis, got {shape_text((rows, columns))} and "
                f"{shape_text(extent)}",
                operands=(position,),
            )
        rows, columns = grown[0], grown[1]
    return rows, columns


def _signed_extent(
    function: Function, extents: Mapping[int, Extent], equations: Unification
) -> Extent:
    """Rows and columns by a signature; arguments that are sizes are bound first."""
    bound: dict[str, Dim] = {"1": ONE}
    for position in sorted(extents, key=lambda place: not function.is_size(place)):
        axes, extent = function.axes(position), extents[position]
        for axis, dim in _axis_pairs(axes, extent, equations):
            known = _size(axis, bound, dim)
            if not equations.equate(known, dim):
                raise ShapeMismatch(
                    f"{function.written} takes {function.wants(position)}, "
                    f"got {shape_text(equations.resolve(d) for d in extent)}",
                    tuple(
                        f"{name} is {equations.resolve(size)}"
                        for name, size in bound.items()
                        if name != "1" and name in axes and not function.is_first(position, name)
                    ),
                    operands=(position,),
                )
    rows, columns = (equations.resolve(_size(axis, bound)) for axis in function.pattern[1])
    return rows, columns


def _axis_pairs(
    axes: tuple[str, str], extent: Extent, equations: Unification
) -> tuple[tuple[str, Dim], ...]:
    """What the sizes of an argument have to be, by names of the signature."""
    rows, columns = (equations.resolve(dim) for dim in extent)
    first, second = axes
    if first == SIZE:
        return ((second, rows),)
    if first != EITHER:
        return ((first, rows), (second, columns))
    if same(rows, ONE):
        return () if same(columns, ONE) else ((second, columns),)
    return ((second, rows), ("1", columns))


def _size(axis: str, bound: dict[str, Dim], otherwise: Dim | None = None) -> Dim:
    """The size that a signature's name stands for; ``otherwise`` is bound to a new one."""
    for sign, combine in (("+", sympy.Add), ("*", sympy.Mul)):
        if sign in axis:
            return sympy.expand(combine(*(_size(part, bound) for part in axis.split(sign))))
    return bound[axis] if otherwise is None else bound.setdefault(axis, otherwise)
