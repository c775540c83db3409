"""The entries of a Jacobian or Hessian, as terms that are written where they are not zero.

A derivative of one array by another has the axes of both. In each term an identity matrix between
two of these axes says that they agree: such a term is an array over fewer axes, written along a
diagonal, and nothing is multiplied by zeros. Terms that have a factor in common are put together
first, and an axis of pairs, as a Kronecker product has, is two axes here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from derive.calculus.jacobians import entries_of
from derive.emit.numpy_code.stable import stabilised
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, Shape
from derive.tensor.algebra import ONE, add, as_contraction, contract, terms_of
from derive.tensor.nodes import Call, Contraction, Delta, Factor, Letters, Sum, Tensor
from derive.tensor.parts import children

__all__ = ["Entries", "Part", "count_of", "entries", "gathered", "over_sums"]


@dataclass(frozen=True, slots=True)
class Part:
    """A term.

    Attributes:
        axes: For each axis of the whole, the axis of the part that lies along it; the whole is
            zero where two axes with the same one differ.
        value: The part.
    """

    axes: Letters
    value: Tensor


@dataclass(frozen=True, slots=True)
class Entries:
    """All entries of a derivative.

    Attributes:
        shape: Of the array of all entries: axes of the rows, last axis of a matrix first, then
            those of the columns.
        rows: How many of the axes are those of the rows.
        parts: What is added up.
    """

    shape: Shape
    rows: int
    parts: tuple[Part, ...]

    @property
    def matrix_shape(self) -> Shape:
        """The shape of the matrix: rows and columns counted by their vec; none for a scalar."""
        sides = self.shape[: self.rows], self.shape[self.rows :]
        return tuple(count_of(side) for side in sides if side)


def entries(
    jacobian: Tensor,
    first: Shape,
    second: Shape,
    labels: Collection[Tensor] = (),
    *,
    unfolded: bool = False,
) -> Entries:
    """The entries of a derivative.

    Args:
        jacobian: Over the vecs of two arrays.
        first, second: Their shapes.
        labels: Numbers in [0, 1] that probabilities are compared with.
        unfolded: Whether the derivative is over the axes of the arrays, not over their vecs.
    """
    if len(first) < 2 and len(second) < 2:
        whole = stabilised(jacobian, labels, True)
        terms, rows, shape = list(terms_of(whole)), len(first), whole.shape
        if not _worth_parting(terms):
            part = Part(tuple(range(len(shape))), whole)
            return Entries(shape, rows, (part,))
    else:
        if unfolded:
            whole = _turned(jacobian, len(first))
        else:
            every = [entries_of(term, first, second) for term in terms_of(jacobian)]
            whole = add(every, (*first[::-1], *second[::-1]))
        whole = over_sums(whole)
        terms, rows, shape = gathered(list(terms_of(whole))), len(first), whole.shape
        terms, rows, shape = _without_pairs(terms, rows, shape)
    parts = (_part(term) for term in terms if term.coefficient)
    stable = (Part(part.axes, stabilised(part.value, labels, True)) for part in parts)
    return Entries(shape, rows, tuple(stable))


def _worth_parting(terms: Sequence[Contraction]) -> bool:
    """Whether some terms lie on the diagonal and some do not."""
    diagonal = [any(isinstance(f, Delta) for f, _, _ in term.factors) for term in terms]
    return any(diagonal) and not all(diagonal)


def _turned(tensor: Tensor, first: int) -> Tensor:
    """A derivative with the last axis of either array first."""
    axes = tuple(range(tensor.order))
    return contract(1, [(tensor, axes)], (*axes[:first][::-1], *axes[first:][::-1]))


def over_sums(tensor: Tensor) -> Tensor:
    """The tensor multiplied out over sums of three axes or more, and those that hold pairs."""
    axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
    found: list[Tensor] = []
    left = [*terms_of(tensor)]
    while left:
        term = left.pop()
        place = next((at for at, factor in enumerate(term.factors) if _is_wide(factor)), None)
        if place is None:
            found.append(term)
            continue
        inner, letters, _ = term.factors[place]
        rest = [factor for at, factor in enumerate(term.factors) if at != place]
        for part in terms_of(inner):
            left += terms_of(contract(term.coefficient, [*rest, (part, letters)], axes, dims))
    return add(found, tensor.shape)


def _is_wide(factor: Factor) -> bool:
    tensor, _, power = factor
    return isinstance(tensor, Sum) and power == 1 and (tensor.order > 2 or _has_pair(tensor))


def _has_pair(tensor: Tensor) -> bool:
    if isinstance(tensor, Call) and tensor.function == "pair":
        return True
    return isinstance(tensor, Contraction | Sum) and any(map(_has_pair, children(tensor)))


def count_of(shape: Sequence[Dim]) -> Dim:
    """How many entries an array has."""
    size = ONE_DIM
    for dim in shape:
        size = size * dim
    return size


def _part(term: Contraction) -> Part:
    """A term without the identity matrices between its axes."""
    leader = list(range(term.order))
    factors: list[Factor] = []
    for tensor, letters, power in term.factors:
        if isinstance(tensor, Delta) and max(letters) < term.order:
            low, high = sorted(leader[x] for x in letters)
            leader = [low if x == high else x for x in leader]
        else:
            factors.append((tensor, letters, power))
    kept = sorted(set(leader))
    moved = [
        (t, tuple(leader[x] if x < term.order else x for x in letters), p)
        for t, letters, p in factors
    ]
    dims = {x: term.shape[x] for x in kept}
    value = contract(term.coefficient, moved, tuple(kept), dims)
    return Part(tuple(kept.index(x) for x in leader), value)


def _components(term: Contraction) -> dict[tuple[Tensor, Letters], None]:
    """The factors of a term in groups that share no letter, each along some of its axes."""
    groups: list[tuple[list[Factor], set[int]]] = []
    for factor in term.factors:
        own, letters = [factor], set(factor[1])
        for other in [group for group in groups if group[1] & letters]:
            groups.remove(other)
            own, letters = [*other[0], *own], letters | other[1]
        groups.append((own, letters))
    found: dict[tuple[Tensor, Letters], None] = {}
    for own, letters in groups:
        axes = tuple(x for x in range(term.order) if x in letters)
        found[contract(1, own, axes), axes] = None
    return found


def gathered(terms: list[Contraction]) -> list[Contraction]:
    """Terms with what two of them have in common taken out: A ⊗ B + A ⊗ C is A ⊗ (B + C)."""
    parts = [(term, _components(term)) for term in terms]
    while True:
        pairs = [
            (len(common), one, other)
            for one in range(len(parts))
            for other in range(one)
            if (common := _common(parts[one], parts[other]))
        ]
        if not pairs:
            return [term for term, _ in parts]
        _, one, other = max(pairs)
        whole = _together(parts[one], parts[other])
        rest = [part for place, part in enumerate(parts) if place not in (one, other)]
        parts = [*rest, *((term, _components(term)) for term in terms_of(whole))]


_Parted: TypeAlias = tuple[Contraction, dict[tuple[Tensor, Letters], None]]


def _common(one: _Parted, other: _Parted) -> frozenset[int]:
    """The axes of the factors that two terms share, if these share no letter with the rest."""
    covered = frozenset(x for part in one[1] if part in other[1] for x in part[1])
    return covered if len(covered) < one[0].order else frozenset()


def _together(one: _Parted, other: _Parted) -> Tensor:
    """The sum of two terms as what they share times the rest."""
    common = [part for part in one[1] if part in other[1]]
    covered = {x for _, letters in common for x in letters}
    order, dims = one[0].order, dict(enumerate(one[0].shape))
    left = tuple(x for x in range(order) if x not in covered)
    rests = [
        contract(term.coefficient, [part for part in own if part not in common], left, dims)
        for term, own in (one, other)
    ]
    rest = add(rests, tuple(dims[x] for x in left))
    return contract(1, [*common, (rest, left)], tuple(range(order)), dims)


def _without_pairs(
    terms: list[Contraction], rows: int, shape: Shape
) -> tuple[list[Contraction], int, Shape]:
    """Terms in which an axis of pairs is two axes, if it is one in every term."""
    axis = 0
    while axis < len(shape):
        held = [_pair_along(term, axis) for term in terms]
        sizes = {pair.shape for pair, _ in (h for h in held if h is not None)}
        if None in held or len(sizes) != 1:
            axis += 1
            continue
        (size,) = sizes
        terms = [
            _opened(term, axis, pair, place)
            for term, (pair, place) in zip(terms, (h for h in held if h is not None), strict=True)
        ]
        rows += axis < rows
        shape = (*shape[:axis], *size[1:], *shape[axis + 1 :])
    return terms, rows, shape


def _pair_along(term: Contraction, axis: int) -> tuple[Call, int] | None:
    """The array of pairs whose first axis is this axis, and its place among the factors."""
    for place, (tensor, letters, _) in enumerate(term.factors):
        pairs = isinstance(tensor, Call) and tensor.function == "pair"
        alone = sum(axis in ls for _, ls, _ in term.factors) == 1
        if pairs and alone and letters[0] == axis and axis not in letters[1:]:
            assert isinstance(tensor, Call)
            return tensor, place
    return None


def _opened(term: Contraction, axis: int, pair: Call, place: int) -> Contraction:
    """A term with an axis of pairs as two axes."""
    start = 1 + max(term.dims)
    own = (start, start + 1)
    _, first, second = term.factors[place][1]
    factors = [factor for at, factor in enumerate(term.factors) if at != place]
    ends = zip(own, (first, second), pair.shape[1:], strict=True)
    factors += [(Delta(dim), (new, old), ONE) for new, old, dim in ends]
    axes = (*range(axis), *own, *range(axis + 1, term.order))
    dims = {**term.dims, **dict(zip(own, pair.shape[1:], strict=True))}
    return as_contraction(contract(term.coefficient, factors, axes, dims))
