"""Quotients by norms, in which no power of a norm overflows or underflows.

With ``u = x/norm2(x)``, whatever is divided by a norm of x and has x in it is written with ``u``:
``c/norm2(x) - (c'x) x/norm2(x)^3`` as ``(c - (c'u) u)/norm2(x)``. The norm of rows likewise.
"""

from __future__ import annotations

from fractions import Fraction

from derive.emit.numpy_code.matching import axes_of
from derive.tensor.algebra import add, contract
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Sum, Tensor, Variable

__all__ = ["normed_part", "with_units"]

HALF = Fraction(1, 2)


def normed_part(tensor: Tensor) -> tuple[Tensor, int] | None:
    """x and the number of its axes that are summed, if the tensor is the sum of ``x**2`` over them.

    These are all axes, or the last one.
    """
    if not isinstance(tensor, Contraction) or tensor.coefficient != 1 or len(tensor.factors) != 1:
        return None
    factor, letters, power = tensor.factors[0]
    if power != 2 or len(set(letters)) < len(letters) or not tensor.summed:
        return None
    if letters[: tensor.order] != axes_of(tensor) or len(tensor.summed) not in (1, factor.order):
        return None
    return factor, len(tensor.summed)


def with_units(tensor: Contraction) -> Tensor:
    """The quotient with each array divided by its own norm as one array of length 1."""
    for factor, letters, power in tensor.factors:
        found = normed_part(factor) if power < 0 and power.denominator == 2 else None
        if found is not None:
            array, count = found
            return _Quotient(tensor, factor, array, count).written(letters, power)
    return tensor


class _Quotient:
    """A product with a negative power of the squared norm of an array."""

    def __init__(self, tensor: Contraction, square: Tensor, array: Tensor, count: int) -> None:
        self.tensor, self.square, self.array = tensor, square, array
        self.unit = Call("unit" if count == array.order else "row_unit", (array,), array.shape)
        self.norm = Variable(f"norm of {array.key}", square.shape)

    def written(self, letters: Letters, power: Fraction) -> Tensor:
        axes, dims = axes_of(self.tensor), dict(enumerate(self.tensor.shape))
        rest = [f for f in self.tensor.factors if f[0] is not self.square]
        own = [f for f in self.tensor.factors if f[0] is self.square]
        if len(own) > 1:
            return self.tensor
        factors = [*map(self._in_units, rest), (self.norm, letters, 2 * power)]
        return self._restored(contract(self.tensor.coefficient, factors, axes, dims))

    def _in_units(self, factor: Factor) -> Factor:
        """A factor with the norm times the unit array in place of the array."""
        tensor, letters, power = factor
        return self._replaced(tensor), letters, power

    def _replaced(self, tensor: Tensor) -> Tensor:
        axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))
        leading = tuple(range(self.norm.order))
        if tensor is self.array:
            return contract(1, [(self.norm, leading), (self.unit, axes)], axes, dims)
        if tensor is self.square:
            return contract(1, [(self.norm, axes, Fraction(2))], axes, dims)
        if isinstance(tensor, Contraction):
            factors = [self._in_units(factor) for factor in tensor.factors]
            return contract(tensor.coefficient, factors, axes, dims)
        if isinstance(tensor, Sum):
            return self._common(tensor)
        return tensor

    def _common(self, tensor: Sum) -> Tensor:
        """A sum with the power of the norm that all its terms have taken out."""
        terms = [self._replaced(term) for term in tensor.terms]
        found: list[tuple[Letters, Fraction]] = []
        for term in terms:
            factors = term.factors if isinstance(term, Contraction) else ()
            own = [(ls, power) for factor, ls, power in factors if factor is self.norm]
            single = len(own) == 1 and max(own[0][0], default=-1) < tensor.order
            found.append(own[0] if single else ((), Fraction(0)))
        letters = {ls for ls, power in found if power}
        axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))
        lowest = min(power for _, power in found)
        if len(letters) != 1 or lowest <= 0:
            return add(terms, tensor.shape)
        (along,) = letters
        rest = [contract(1, [(t, axes), (self.norm, along, -lowest)], axes, dims) for t in terms]
        return contract(
            1, [(self.norm, along, lowest), (add(rest, tensor.shape), axes)], axes, dims
        )

    def _restored(self, tensor: Tensor) -> Tensor:
        """The squared norm's root in place of the name that stood for the norm."""
        axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))
        if isinstance(tensor, Sum):
            return add([self._restored(term) for term in tensor.terms], tensor.shape)
        if not isinstance(tensor, Contraction):
            return tensor
        factors: list[Factor] = [
            (self.square, ls, power * HALF) if f is self.norm else (self._restored(f), ls, power)
            for f, ls, power in tensor.factors
        ]
        return contract(tensor.coefficient, factors, axes, dims)
