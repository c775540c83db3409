"""Inverses taken out of sums, so that one system of equations is solved for all terms.

``A inv(L) + diag(v) inv(L)`` is ``(A + diag(v)) inv(L)``: what is multiplied by an inverse can be
solved for, what is scaled by a vector would need the inverse itself.
"""

from __future__ import annotations

from derive.emit.numpy_code.matching import axes_of, value_of
from derive.tensor.algebra import ONE, add, contract
from derive.tensor.nodes import Call, Contraction, Delta, Factor, Letters, Sum, Tensor

__all__ = ["with_common_inverse"]


def with_common_inverse(tensor: Sum) -> Tensor:
    """The sum of matrices with an inverse that several terms have at the same end taken out."""
    if tensor.order != 2:
        return tensor
    for axis in (0, 1):
        places = [_place(term, axis) for term in tensor.terms]
        kinds = {
            (term.factors[p][0], term.factors[p][1].index(axis))
            for term, p in zip(tensor.terms, places, strict=True)
            if p is not None
        }
        for inverse, side in kinds:
            own = [
                (term, place)
                for term, place in zip(tensor.terms, places, strict=True)
                if place is not None
                and term.factors[place][0] is inverse
                and term.factors[place][1].index(axis) == side
            ]
            tied = [term for term, place in own if _is_scaled(term, place, axis)]
            if len(own) > 1 and tied:
                return _taken_out(tensor, inverse, side, axis, own)
    return tensor


def _place(term: Contraction, axis: int) -> int | None:
    """Where in a product an inverse stands that alone carries an axis of the result."""
    for place, (factor, letters, power) in enumerate(term.factors):
        value = value_of(factor)
        if not isinstance(value, Call) or value.function != "inverse" or power != ONE:
            continue
        alone = all(axis not in ls for at, (_, ls, _) in enumerate(term.factors) if at != place)
        if letters.count(axis) == 1 and alone and len(set(letters)) == 2:
            return place
    return None


def _is_scaled(term: Contraction, place: int, axis: int) -> bool:
    """Whether the other axis of the inverse is one of the result too."""
    letters = term.factors[place][1]
    return letters[1 - letters.index(axis)] < term.order


def _taken_out(
    tensor: Sum, inverse: Tensor, side: int, axis: int, own: list[tuple[Contraction, int]]
) -> Tensor:
    fresh = 1 + max(letter for term in tensor.terms for letter in term.dims)
    free: Letters = (1 - axis, fresh)
    parts: list[Tensor] = []
    dim = inverse.shape[1 - side]
    shape = (tensor.shape[1 - axis], dim)
    for term, place in own:
        rest: list[Factor] = [f for at, f in enumerate(term.factors) if at != place]
        other = term.factors[place][1][1 - side]
        if other < term.order:
            rest.append((Delta(dim), (other, fresh), ONE))
        else:
            rest = [(f, tuple(fresh if x == other else x for x in ls), p) for f, ls, p in rest]
        dims = {**term.dims, fresh: dim}
        parts.append(contract(term.coefficient, rest, free, dims))
    total = add(parts, shape)
    letters = (axis, fresh) if side == 0 else (fresh, axis)
    product = contract(
        1, [(total, free), (inverse, letters)], axes_of(tensor), dict(enumerate(tensor.shape))
    )
    left = [term for term in tensor.terms if all(term is not t for t, _ in own)]
    return add([product, *left], tensor.shape)
