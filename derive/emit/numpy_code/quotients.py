"""Quotients of products by their own factors, which are defined where a factor is 0 too.

What ``prod`` sends back, ``prod(x)/x[i]``, is the product of the other entries: ``others(x)``.
"""

from __future__ import annotations

from itertools import combinations
from typing import TypeGuard

from derive.emit.numpy_code.matching import axes_of, opened, value_of
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, is_at_least
from derive.tensor.algebra import ONE, add, as_contraction, contract, size_of, terms_of
from derive.tensor.incidence import is_incidence, offset_of
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Sum, Tensor

__all__ = ["without_quotient"]


def without_quotient(tensor: Contraction) -> Tensor:
    """The product with a product of entries over one of its factors as that of the others."""
    factors = opened(tensor)
    for place, (factor, letters, power) in enumerate(factors):
        value = value_of(factor)
        if power < 1 or not isinstance(value, Call) or value.function != "prod":
            continue
        if value.order not in (0, value.args[0].order - 1):
            continue
        rest = [f for at, f in enumerate(factors) if at != place]
        if power > 1:
            rest.append((factor, letters, power - 1))
        found = _of_others(tensor, value, letters, rest)
        if found is not None:
            return without_quotient(found) if isinstance(found, Contraction) else found
    for place, (factor, letters, power) in enumerate(factors):
        rest = [f for at, f in enumerate(factors) if at != place]
        if isinstance(factor, Sum) and power == 1 and _is_divided(factor, rest):
            return _term_by_term(tensor, rest, factor, letters)
    return tensor


def _is_divided(total: Sum, rest: list[Factor]) -> bool:
    """Whether a term of a sum has a product one of whose factors the sum is divided by."""
    values = (value_of(f) for term in total.terms for f, _, power in term.factors if power >= 1)
    return any(_is_divided_product(value, rest) for value in values)


def _is_divided_product(value: Tensor, rest: list[Factor]) -> bool:
    """Whether a value is a product one of whose factors is divided by."""
    if not isinstance(value, Call) or value.function != "prod":
        return False
    parts = _parts_of(value.args[0])
    return any(power < 0 and factor in parts for factor, _, power in rest)


def _parts_of(x: Tensor) -> set[Tensor]:
    """An array and its factors, those of the products among them included."""
    parts = {x}
    for part, _, _ in as_contraction(x).factors:
        value = value_of(part)
        parts.add(part)
        if isinstance(value, Call) and value.function == "prod":
            parts |= _parts_of(value.args[0])
    return parts


def _term_by_term(tensor: Contraction, rest: list[Factor], total: Sum, letters: Letters) -> Tensor:
    """A product with a sum among its factors, multiplied out, each term without quotients."""
    terms = [
        contract(tensor.coefficient, [*rest, (term, letters, ONE)], axes_of(tensor), tensor.dims)
        for term in terms_of(total)
    ]
    new = [without_quotient(t) if isinstance(t, Contraction) else t for t in terms]
    return add(new, tensor.shape)


def _of_others(
    tensor: Contraction, product: Call, letters: Letters, rest: list[Factor]
) -> Tensor | None:
    """The product with ``others(x)`` for ``prod(x)``, if x or a part of it is divided by."""
    (x,) = product.args
    axes, dims = axes_of(tensor), tensor.dims
    parts = as_contraction(x)
    for at, (factor, along, power) in enumerate(rest):
        left = [f for k, f in enumerate(rest) if k != at]
        if isinstance(factor, Sum) and power == 1 and _divides(factor, _parts_of(x)):
            if set(letters) <= set(along):
                inside = tuple(along.index(letter) for letter in letters)
                within = (_times(factor, (product, inside, ONE)), along, ONE)
                return contract(tensor.coefficient, [*left, within], axes, dims)
            return _term_by_term(tensor, [*left, (product, letters, ONE)], factor, along)
        if power < 0 and isinstance(x, Sum):
            placed = _placed_in(x, product, factor, along, letters)
            if placed is not None:
                every = [*rest, placed, (factor, along, ONE)]
                return contract(tensor.coefficient, every, axes, dims)
        fresh = 1 + max((*axes, *letters, *(k for _, ls, _ in rest for k in ls)), default=0)
        own = _axes_in(x, parts, factor, along, letters, fresh) if power < 0 else None
        if own is not None and own[: len(letters)] == letters and len(set(own)) == len(own):
            if factor is x:
                left += [(x, along, power + 1)] if power != -1 else []
            else:
                left += [rest[at], (x, own, ONE)]
                left += [
                    (size_of(d), (), -ONE) for d, k in zip(x.shape, own, strict=True) if k >= fresh
                ]
            every = [*left, (_others(product), own, ONE)]
            return contract(tensor.coefficient, every, axes, dims)
    return _by_entries(tensor, product, letters, rest)


def _by_entries(
    tensor: Contraction, product: Call, letters: Letters, rest: list[Factor]
) -> Tensor | None:
    """Each entry of x times the others, on average, if x has a product that is divided."""
    (x,) = product.args
    parts = as_contraction(x).factors
    inner = [(value_of(part), power) for part, _, power in parts]
    if not any(_is_divided_product(value, rest) for value, power in inner if power >= 1):
        return None
    fresh = 1 + max((*axes_of(tensor), *letters, *(k for _, ls, _ in rest for k in ls)), default=0)
    own = (*letters, *range(fresh, fresh + x.order - len(letters)))
    every = [*rest, (x, own, ONE), (_others(product), own, ONE)]
    every += [(size_of(dim), (), -ONE) for dim in x.shape[len(letters) :]]
    return contract(tensor.coefficient, every, axes_of(tensor), tensor.dims)


def _times(total: Sum, factor: Factor) -> Tensor:
    """A sum, each of its terms times a factor."""
    terms = [
        contract(term.coefficient, [*term.factors, factor], axes_of(total), term.dims)
        for term in total.terms
    ]
    return add(terms, total.shape)


def _others(product: Call) -> Call:
    (x,) = product.args
    return Call("others" if product.order or x.order == 1 else "all_others", (x,), x.shape)


def _placed_in(
    x: Sum, product: Call, factor: Tensor, along: Letters, letters: Letters
) -> Factor | None:
    """The product over an array that is a block of x: that of the others, where the block is."""
    if not any(_lie_apart(x, axis) for axis in axes_of(x)):
        return None
    for term in x.terms:
        inside = [f for f in term.factors if f[0] is factor and f[2] == 1]
        selections = [f for f in term.factors if f[0] is not factor]
        only = all(is_incidence(part) and part.order < 3 for part, _, _ in selections)
        if len(inside) != 1 or not only or product.order or letters:
            continue
        own = inside[0][1]
        every: list[Factor] = [*selections, (_others(product), axes_of(x), ONE)]
        found = contract(term.coefficient, every, own, term.dims)
        return found, along, ONE
    return None


def _lie_apart(x: Sum, axis: int) -> bool:
    """Whether each term of a sum has places of its own along an axis."""
    ranges: list[tuple[Dim, Dim]] = []
    for term in x.terms:
        places = [part for part, letters, _ in term.factors if _places(part, letters, axis)]
        if len(places) != 1:
            return False
        (part,) = places
        start = offset_of(part)
        ranges.append((start, start + (part.shape[0] if part.order == 2 else ONE_DIM)))
    pairs = combinations(ranges, 2)
    return all(is_at_least(a, d) or is_at_least(c, b) for (a, b), (c, d) in pairs)


def _places(part: Tensor, letters: Letters, axis: int) -> TypeGuard[Call]:
    return isinstance(part, Call) and part.function == "select" and letters[-1] == axis


def _axes_in(
    x: Tensor,
    parts: Contraction,
    factor: Tensor,
    along: Letters,
    leading: Letters,
    fresh: int,
) -> Letters | None:
    """The letters of x, if a factor with these letters is x or a part of it.

    Along axes that the part does not have, x has the ``leading`` letters, which its product has
    too, and fresh ones behind those.
    """
    if factor is x:
        return along
    axes = axes_of(x)
    for part, letters, power in parts.factors:
        if part is factor and power > 0 and set(letters) <= set(axes):
            missing = [leading[k] if k < len(leading) else fresh + k for k in axes]
            return tuple(along[letters.index(k)] if k in letters else missing[k] for k in axes)
    return None


def _divides(tensor: Tensor, parts: set[Tensor]) -> bool:
    """Whether some term in a tensor is divided by one of these factors."""
    return isinstance(tensor, Sum | Contraction) and any(
        factor in parts if power < 0 else _divides(factor, parts)
        for term in terms_of(tensor)
        for factor, _, power in term.factors
    )
