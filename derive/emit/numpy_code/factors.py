"""The factors of a Jacobian or Hessian: diagonal, Kronecker, of low rank, and sums of these.

Found in its terms: identity matrices between all of its axes make a diagonal, factors that fall
into two groups a Kronecker product, and factors on either side of summed letters a product of low
rank, weighted along these letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias

from derive.emit.numpy_code.entries import Entries, Part, count_of
from derive.emit.numpy_code.order import entries_in
from derive.shapes import Dim, Shape
from derive.tensor.algebra import ONE, as_contraction, contract, ones
from derive.tensor.nodes import Contraction, Delta, Factor, Letters, Tensor

__all__ = ["Form", "Leaf", "factored"]

MOST_CUT: Final = 2
"""So many summed letters may lie between the two sides of a product of low rank."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array among the factors.

    Attributes:
        value: A tensor.
        shape: What its entries are counted in; of one or two axes.
        turned: Whether the transpose is meant.
    """

    value: Tensor
    shape: Shape
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A matrix in factors.

    Attributes:
        kind: A class of :mod:`derive.emit.numpy_code.operators`.
        parts: Its arguments: arrays, forms, or sizes.
    """

    kind: str
    parts: tuple[Form | Leaf | Dim, ...]


Matrix: TypeAlias = Form | Leaf


def factored(whole: Entries) -> Form | None:
    """The factors of a matrix; None where there is no structure to keep."""
    sides = whole.shape[: whole.rows], whole.shape[whole.rows :]
    if not all(sides) or not whole.parts:
        return None
    found = []
    for part in whole.parts:
        form = _form(part, whole.rows, True)
        if form is None:
            return None
        found.append(form)
    return found[0] if len(found) == 1 else Form("Sum", tuple(found))


def _form(part: Part, rows: int, deep: bool) -> Form | None:
    """The form of one term; sums between two sides are looked for only if ``deep``."""
    above, beside = part.axes[:rows], part.axes[rows:]
    if above == beside:
        return _diagonal(part.value, above)
    found = _kronecker(part, rows)
    if found is None and len(set(above)) == len(set(beside)) == len(above) == len(beside) == 2:
        found = _swapped(part)
    return found or _low_rank(part, rows, deep)


def _swapped(part: Part) -> Form | None:
    """A diagonal or Kronecker product behind the commutation matrix."""
    *above, first, second = part.axes
    turned = Part((*above, second, first), part.value)
    columns, rows = (part.value.shape[x] for x in (first, second))
    swap = Form("Commutation", (rows, columns))
    if above != [second, first]:
        inner = _kronecker(turned, 2)
        return None if inner is None else Form("Product", (inner, swap))
    if part.value is ones(part.value.shape):
        return swap
    return Form("Product", (_diagonal(part.value, (second, first)), swap))


def _diagonal(value: Tensor, axes: Letters) -> Form:
    """The diagonal matrix of a tensor whose axes lie along some axes; 0 where equal ones differ."""
    order = tuple(range(len(axes)))
    factors: list[Factor] = [(value, tuple(map(axes.index, range(value.order))), ONE)]
    for at, axis in enumerate(axes):
        if axes.index(axis) < at:
            factors.append((Delta(value.shape[axis]), (axes.index(axis), at), ONE))
    whole = contract(1, factors, order, {at: value.shape[axis] for at, axis in enumerate(axes)})
    return Form("Diagonal", (Leaf(whole, (count_of(whole.shape),)),))


def _groups(factors: Sequence[Factor], through: frozenset[int]) -> list[list[Factor]]:
    """Factors in groups that are connected by some letters."""
    groups: list[tuple[list[Factor], set[int]]] = []
    for factor in factors:
        own, letters = [factor], set(factor[1]) & through
        for other in [group for group in groups if group[1] & letters]:
            groups.remove(other)
            own, letters = [*other[0], *own], letters | other[1]
        groups.append((own, letters))
    return [own for own, _ in groups]


def _letters(factors: Sequence[Factor]) -> frozenset[int]:
    return frozenset(letter for _, letters, _ in factors for letter in letters)


def _kronecker(part: Part, rows: int) -> Form | None:
    """The term as the Kronecker product of what lies on some first axes with the rest."""
    above, beside = part.axes[:rows], part.axes[rows:]
    body = as_contraction(part.value)
    for row in range(len(above) + 1):
        for column in range(len(beside) + 1):
            left = (*above[:row], *beside[:column])
            right = (*above[row:], *beside[column:])
            if set(left) & set(right) or not _is_split(row, len(above), column, len(beside)):
                continue
            sides = _separated(body, set(left))
            if sides is None:
                continue
            one = _side(body, sides[0], (above[:row], beside[:column]), True)
            other = _side(body, sides[1], (above[row:], beside[column:]), False)
            if one is not None and other is not None:
                return Form("Kronecker", (one, other))
    return None


def _is_split(row: int, rows: int, column: int, columns: int) -> bool:
    """Whether both sides have rows and columns, one with none where there is but one axis."""
    if rows + columns < 3:
        return False
    split_rows = 0 < row < rows or rows == 1
    return split_rows and (0 < column < columns or columns == 1)


def _separated(body: Contraction, left: set[int]) -> tuple[list[Factor], list[Factor]] | None:
    """The factors that touch some axes and those that do not, if no letter joins them."""
    sides: tuple[list[Factor], list[Factor]] = ([], [])
    for group in _groups(body.factors, _letters(body.factors)):
        axes = {x for x in _letters(group) if x < body.order}
        if axes & left and axes - left:
            return None
        sides[not axes or bool(axes & left)].extend(group)
    return sides[1], sides[0]


def _side(
    body: Contraction, factors: Sequence[Factor], axes: tuple[Letters, Letters], scaled: bool
) -> Matrix | None:
    """One side of a Kronecker product, as a form if it has one, else as an array."""
    above, beside = axes
    kept = tuple(dict.fromkeys((*above, *beside)))
    dims = {x: body.dims[x] for x in kept}
    value = contract(body.coefficient if scaled else 1, factors, kept, dims)
    part = Part(tuple(map(kept.index, (*above, *beside))), value)
    form = _form(part, len(above), False) if above and beside else None
    if form is not None or set(above) & set(beside):
        return form
    return Leaf(value, tuple(count_of([body.dims[x] for x in side]) for side in axes))


def _low_rank(part: Part, rows: int, deep: bool) -> Form | None:
    """The term as ``left diag(weights) right'``."""
    above, beside = part.axes[:rows], part.axes[rows:]
    body = as_contraction(part.value)
    both = frozenset(above) & frozenset(beside)
    if len(set(above)) < len(above) or len(set(beside)) < len(beside):
        return None
    found = [
        (entries_in(body.dims[x] for x in cut), form)
        for cut in _cuts(body, both, deep)
        if entries_in(body.dims[x] for x in cut) <= entries_in(body.dims[x] for x in above)
        and (form := _across(body, above, beside, cut)) is not None
    ]
    return min(found, key=lambda item: item[0])[1] if found else None


def _cuts(body: Contraction, both: frozenset[int], deep: bool) -> Iterator[Letters]:
    """Sets of letters between two sides: those that both have, and some that are summed."""
    start = tuple(sorted(both))
    if not both:
        yield ()
    for size in range(not both and 1, MOST_CUT + 1) if deep else ():
        for more in combinations(sorted(body.summed), size):
            if start or more:
                yield (*start, *more)


def _across(body: Contraction, above: Letters, beside: Letters, cut: Letters) -> Form | None:
    """A product whose two sides meet in a cut."""
    left, right, middle = list[Factor](), list[Factor](), list[Factor]()
    for group in _groups(body.factors, _letters(body.factors) - set(cut)):
        letters = _letters(group) - set(cut)
        touches = bool(letters & set(above)), bool(letters & set(beside))
        if all(touches):
            return None
        (left if touches[0] else right if touches[1] else middle).extend(group)
    if set(above) <= set(cut) or set(beside) <= set(cut):
        return None
    sides = [_outer(body, factors, axes, cut) for factors, axes in ((left, above), (right, beside))]
    if None in sides:
        return None
    dims = {x: body.dims[x] for x in cut}
    weights = contract(body.coefficient, middle, cut, dims)
    first, second = (side for side in sides if side is not None)
    return Form("LowRank", (first, Leaf(weights, (count_of(weights.shape),)), second))


def _outer(
    body: Contraction, factors: Sequence[Factor], axes: Letters, cut: Letters
) -> Matrix | None:
    """One side: a matrix from the cut to the axes.

    It is a Kronecker product where they share axes, and has Kronecker products for columns where
    two axes meet only in the cut.
    """
    shared = set(axes) & set(cut)
    kept = tuple(dict.fromkeys((*cut, *axes)))
    dims = {x: body.dims[x] for x in kept}
    if shared:
        value = contract(1, factors, kept, dims)
        return _kronecker(Part(tuple(map(kept.index, (*axes, *cut))), value), len(axes))
    if len(axes) == 2 and len(cut) == 1:
        columns: tuple[list[Factor], list[Factor]] = ([], [])
        for group in _groups(factors, _letters(factors) - set(cut)):
            columns[axes[1] in _letters(group)].extend(group)
        if not any(axes[0] in letters for _, letters, _ in columns[1]):
            sides = [(*cut, x) for x in axes]
            return Form(
                "KhatriRao",
                tuple(
                    Leaf(contract(1, own, side, dims), tuple(dims[x] for x in side), True)
                    for own, side in zip(columns, sides, strict=True)
                ),
            )
    shape = tuple(count_of([body.dims[x] for x in side]) for side in (cut, axes))
    return Leaf(contract(1, factors, kept, dims), shape, True)
