"""Quotients of exponentials, shifted so that the largest exponential is 1.

A factor ``1/(a exp(s) + b exp(t) + ...)`` overflows in its sum, and what it is multiplied by
overflows too, so that ``inf/inf`` remains. With ``m = max(s, t, ...)`` it is
``exp(-m)/(a exp(s - m) + ...)``, and all exponentials of the product are put into one exponent.
``sinh(t)/cosh(t)`` is tanh(t) and ``1/cosh(t)`` is sech(t).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from derive.emit.numpy_code.matching import argument_of, axes_of, mapped, value_of
from derive.tensor.algebra import ONE, add, contract, negate, number, relabel
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Sum, Tensor, Variable
from derive.tensor.recognition import recognise

__all__ = ["shifted", "without_cosh"]


def without_cosh(tensor: Contraction) -> Tensor:
    """The product with hyperbolic cosines below the line written as ``tanh`` and ``sech``."""
    for place, (factor, letters, power) in enumerate(tensor.factors):
        t = argument_of(factor, "cosh")
        if t is None or power >= 0 or power.denominator != 1:
            continue
        rest: list[Factor] = []
        left = -power
        for at, (other, along, degree) in enumerate(tensor.factors):
            paired = argument_of(other, "sinh") is t and along == letters and degree > 0
            if paired and degree.denominator == 1:
                both = min(degree, left)
                rest.append((mapped("tanh", t), letters, both))
                left, degree = left - both, degree - both
            if at != place and degree:
                rest.append((other, along, degree))
        if left:
            rest.append((mapped("sech", t), letters, left))
        return _product(tensor, rest)
    return tensor


def shifted(tensor: Contraction) -> Tensor:
    """The product with its exponentials shifted, where it is divided by sums of them."""
    opened = _opened(tensor)
    if not isinstance(opened, Contraction):
        return opened
    tensor = opened
    sums = [_below(factor) for factor in tensor.factors]
    if not any(sums):
        return tensor
    rest: list[Factor] = []
    exponents: list[tuple[Tensor, Letters]] = []
    totals: list[tuple[list[_Exponential], Letters]] = []
    for factor, total in zip(tensor.factors, sums, strict=True):
        inner, letters, power = factor
        exponent = argument_of(inner, "exp")
        above = _exponentials(inner) if power == 1 and total is None else None
        if total is not None:
            largest = _largest(total, inner)
            exponents.append(
                (contract(power, [(largest, axes_of(inner))], axes_of(inner)), letters)
            )
            rest.append((_sum_of(total, negate(largest), inner), letters, power))
        elif exponent is not None:
            axes = axes_of(exponent)
            exponents.append((contract(power, [(exponent, axes)], axes), letters))
        elif above is not None and isinstance(value_of(inner), Sum):
            totals.append((above, letters))
        else:
            rest.append(factor)
    if len(totals) > 1:
        return tensor
    letters = tuple(dict.fromkeys(x for _, ls in (*exponents, *totals) for x in ls))
    if len(letters) > 2:
        return tensor
    shape = tuple(tensor.dims[x] for x in letters)
    dims = dict(enumerate(shape))

    def placed(item: Tensor, along: Letters) -> Tensor:
        return contract(1, [(item, tuple(map(letters.index, along)))], axes, dims)

    axes = tuple(range(len(letters)))
    common = add([placed(item, along) for item, along in exponents], shape)
    above = totals[0][0] if totals else [_Exponential(number(1), number(0))]
    along = totals[0][1] if totals else ()
    terms = [
        contract(
            1,
            [
                (placed(part.scale, along), axes),
                (mapped("exp", add([placed(part.exponent, along), common], shape)), axes),
            ],
            axes,
            dims,
        )
        for part in above
    ]
    rest.append((add(terms, shape), letters, ONE))
    return _product(tensor, rest)


@dataclass(frozen=True, slots=True)
class _Exponential:
    """``scale * exp(exponent)``, both of the shape of the sum that it is a term of.

    Attributes:
        summed: For a term that is a sum over a last axis, its parts with that axis.
    """

    scale: Tensor
    exponent: Tensor
    summed: bool = False


def _product(like: Tensor, factors: list[Factor]) -> Tensor:
    coefficient = like.coefficient if isinstance(like, Contraction) else 1
    return contract(coefficient, factors, axes_of(like), dict(enumerate(like.shape)))


def _opened(tensor: Contraction) -> Tensor:
    """The product with names below the line that stand for sums of exponentials written out."""
    factors = []
    for factor, letters, power in tensor.factors:
        value = value_of(factor)
        is_name = isinstance(factor, Variable) and value is not factor
        if is_name and power < 0 and _has_exponential(value):
            factor = value
        factors.append((factor, letters, power))
    if all(new[0] is old[0] for new, old in zip(factors, tensor.factors, strict=True)):
        return tensor
    return recognise(_product(tensor, factors))


def _has_exponential(tensor: Tensor) -> bool:
    if isinstance(tensor, Sum):
        return any(_has_exponential(term) for term in tensor.terms)
    if isinstance(tensor, Contraction):
        return any(
            argument_of(factor, "exp") is not None or _has_exponential(factor)
            for factor, _, _ in tensor.factors
        )
    return False


def _below(factor: Factor) -> list[_Exponential] | None:
    """The terms of a sum of exponentials that is divided by."""
    tensor, _, power = factor
    return _exponentials(tensor) if power < 0 else None


def _exponentials(tensor: Tensor) -> list[_Exponential] | None:
    """A sum as multiples of exponentials; None if it holds none."""
    value = value_of(tensor)
    if not isinstance(value, Sum | Contraction):
        return None
    terms = value.terms if isinstance(value, Sum) else (value,)
    if isinstance(value, Contraction) and not value.summed:
        return None
    found = [_exponential(term) for term in terms]
    complete = [part for part in found if part is not None]
    if len(complete) < len(found) or not any(map(_has_exponential, terms)):
        return None
    return complete


def _exponential(term: Contraction) -> _Exponential | None:
    """A term as a multiple of one exponential."""
    letters = tuple(range(term.order))
    if len(term.summed) > 1:
        return None
    if term.summed:
        letters = (*letters, *term.summed)
    dims = dict(enumerate(tuple(term.dims[x] for x in letters)))
    axes = tuple(range(len(letters)))
    scales: list[Factor] = []
    exponents: list[Tensor] = []
    for factor, along, power in term.factors:
        places = tuple(map(letters.index, along))
        exponent = argument_of(factor, "exp")
        if exponent is None:
            scales.append((factor, places, power))
        else:
            exponents.append(contract(power, [(exponent, places)], axes, dims))
    shape = tuple(dims[axis] for axis in axes)
    if term.summed and not exponents:
        scale = contract(term.coefficient, term.factors, axes_of(term), dict(enumerate(term.shape)))
        return _Exponential(scale, number(0, term.shape))
    if any(_has_exponential(factor) for factor, _, _ in scales):
        return None
    scale = contract(term.coefficient, scales, axes, dims)
    return _Exponential(scale, add(exponents, shape), bool(term.summed))


def _largest(parts: list[_Exponential], like: Tensor) -> Tensor:
    """The largest exponent of a sum, entry by entry."""
    found: dict[Tensor, None] = {}
    for part in parts:
        exponent = part.exponent
        if part.summed:
            exponent = Call("amax", (exponent,), exponent.shape[:-1])
        found[exponent] = None
    return reduce(lambda one, other: mapped("max", one, other), found)


def _sum_of(parts: list[_Exponential], shift: Tensor, like: Tensor) -> Tensor:
    """A sum of exponentials with something added to every exponent."""
    terms = []
    for part in parts:
        shape = part.exponent.shape
        along = axes_of(like)
        moved = add([part.exponent, relabel(shift, along, shape)], shape)
        axes = tuple(range(len(shape)))
        factors = [(part.scale, axes), (mapped("exp", moved), axes)]
        terms.append(contract(1, factors, along, dict(enumerate(shape))))
    return add(terms, like.shape)
