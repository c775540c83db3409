"""The entries of a Jacobian or Hessian, as terms that are written where they are not zero.

A derivative of one array by another has the axes of both. In each term an identity matrix between
two of these axes says that they agree: such a term is an array over fewer axes, written along a
diagonal, and nothing is multiplied by zeros. Terms that have a factor in common are put together
first, and an axis of pairs, as a Kronecker product has, is two axes here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from derive.calculus.jacobians import entries_of
from derive.emit.numpy_code.stable import stabilised
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, Shape
from derive.tensor.algebra import ONE, add, as_contraction, contract, terms_of
from derive.tensor.nodes import Call, Contraction, Delta, Factor, Letters, Tensor
from derive.tensor.simplification import expand

__all__ = ["Entries", "Part", "count_of", "entries"]


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
    jacobian: Tensor, first: Shape, second: Shape, labels: Collection[Tensor] = ()
) -> Entries:
    """The entries of a derivative.

    Args:
        jacobian: Over the vecs of two arrays.
        first, second: Their shapes.
        labels: Numbers in [0, 1] that probabilities are compared with.
    """
    if len(first) < 2 and len(second) < 2:
        whole = stabilised(jacobian, labels, True)
        terms, rows, shape = list(terms_of(whole)), len(first), whole.shape
        if not _worth_parting(terms):
            part = Part(tuple(range(len(shape))), whole)
            return Entries(shape, rows, (part,))
    else:
        whole = _stable(expand(entries_of(jacobian, first, second)), labels)
        terms, rows, shape = _gathered(list(terms_of(whole))), len(first), whole.shape
        terms, rows, shape = _without_pairs(terms, rows, shape)
    return Entries(shape, rows, tuple(_part(term) for term in terms if term.coefficient))


def _worth_parting(terms: Sequence[Contraction]) -> bool:
    """Whether some terms lie on the diagonal and some do not."""
    diagonal = [any(isinstance(f, Delta) for f, _, _ in term.factors) for term in terms]
    return any(diagonal) and not all(diagonal)


def _stable(tensor: Tensor, labels: Collection[Tensor]) -> Tensor:
    """The tensor with its factors written stably."""
    terms = []
    for term in terms_of(tensor):
        factors = [
            (t if isinstance(t, Call) and t.order > 2 else stabilised(t, labels, True), ls, p)
            for t, ls, p in term.factors
        ]
        terms.append(_product(term, factors))
    return add(terms, tensor.shape)


def _product(term: Contraction, factors: Sequence[Factor]) -> Tensor:
    axes, dims = tuple(range(term.order)), dict(enumerate(term.shape))
    return contract(term.coefficient, factors, axes, dims)


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


def _gathered(terms: list[Contraction]) -> list[Contraction]:
    """Terms with what two of them have in common taken out: A ⊗ B + A ⊗ C is A ⊗ (B + C)."""
    while True:
        found = [
            (covered, one, other, whole)
            for place, one in enumerate(terms)
            for other in terms[:place]
            for covered, whole in _together(one, other)
        ]
        if not found:
            return terms
        _, one, other, whole = max(found, key=lambda item: item[0])
        terms = [*(t for t in terms if t is not one and t is not other), *terms_of(whole)]


def _together(one: Contraction, other: Contraction) -> Iterator[tuple[int, Tensor]]:
    """The sum of two terms as one product, where factors that share no letter with the rest agree.

    Yields:
        How many axes these factors cover, and the product.
    """
    first, second = _components(one), _components(other)
    common = [part for part in first if part in second]
    covered = {x for _, letters in common for x in letters}
    left = tuple(x for x in range(one.order) if x not in covered)
    if not covered or not left:
        return
    dims = dict(enumerate(one.shape))
    rests = [
        contract(term.coefficient, [part for part in own if part not in common], left, dims)
        for term, own in ((one, first), (other, second))
    ]
    rest = add(rests, tuple(dims[x] for x in left))
    yield len(covered), contract(1, [*common, (rest, left)], tuple(range(one.order)), dims)


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
