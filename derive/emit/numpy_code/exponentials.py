"""Quotients of exponentials, shifted so that the largest exponential is 1.

A factor ``1/(a exp(s) + b exp(t) + ...)`` overflows in its sum, and what it is multiplied by
overflows too, so that ``inf/inf`` remains. With ``m = max(s, t, ...)`` it is
``exp(-m)/(a exp(s - m) + ...)``, and all exponentials of the product are put into one exponent.
``sinh(t)/cosh(t)`` is tanh(t) and ``1/cosh(t)`` is sech(t).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
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
    taken = _Taken(opened)
    return opened if taken.is_none else taken.written()


class _Taken:
    """The exponentials of a product, apart from what else is in it."""

    def __init__(self, tensor: Contraction) -> None:
        self.tensor = tensor
        self.rest: list[Factor] = []
        self.exponents: list[tuple[Tensor, Letters]] = []
        self.totals: list[tuple[list[_Exponential], Letters]] = []
        self.divides = False
        for factor in tensor.factors:
            self._take(*factor)

    @property
    def is_none(self) -> bool:
        """Whether nothing is to be shifted, or it cannot be put into one exponent."""
        every = [set(letters) for _, letters in (*self.exponents, *self.totals)]
        return not self.divides or len(self.totals) > 1 or set(self._letters) not in every

    @property
    def _letters(self) -> Letters:
        """The letters of the common exponent."""
        every = (*self.exponents, *self.totals)
        return tuple(dict.fromkeys(x for _, letters in every for x in letters))

    def _take(self, inner: Tensor, letters: Letters, power: Fraction) -> None:
        exponent = argument_of(inner, "exp")
        total = _exponentials(inner) if power < 0 or power == 1 else None
        if exponent is not None:
            self._multiply(exponent, power, letters)
        elif total is not None and power < 0:
            self.divides = True
            largest = _largest(total)
            self._multiply(largest, power, letters)
            self.rest.append((_sum_of(total, negate(largest), inner), letters, power))
        elif total is not None and isinstance(value_of(inner), Sum):
            self.totals.append((total, letters))
        else:
            self.rest.append((inner, letters, power))

    def _multiply(self, exponent: Tensor, power: Fraction, letters: Letters) -> None:
        axes = axes_of(exponent)
        self.exponents.append((contract(power, [(exponent, axes)], axes), letters))

    def written(self) -> Tensor:
        """The product with one exponent, over the sums divided by their largest terms."""
        letters = self._letters
        axes, shape = tuple(range(len(letters))), tuple(self.tensor.dims[x] for x in letters)
        dims = dict(enumerate(shape))

        common = [(item, tuple(map(letters.index, along))) for item, along in self.exponents]
        above, along = self.totals[0] if self.totals else ([_Exponential(number(1), number(0))], ())
        terms = []
        for part in above:
            places = tuple(map(letters.index, along))
            within, sizes = axes, dims
            if part.summed:
                places, within = (*places, len(axes)), (*axes, len(axes))
                sizes = {**dims, len(axes): part.exponent.shape[-1]}
            exponents = [
                contract(1, [item], within, sizes) for item in ((part.exponent, places), *common)
            ]
            exponent = add(exponents, tuple(sizes[x] for x in within))
            factors = [(part.scale, places), (mapped("exp", exponent), within)]
            terms.append(contract(1, factors, axes, sizes))
        return _product(self.tensor, [*self.rest, (add(terms, shape), letters, ONE)])


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


def _largest(parts: list[_Exponential]) -> Tensor:
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
