"""The entrywise part of a tensor as a scalar formula, and back.

Factors that carry the same letters commute and multiply as numbers, so an entrywise expression is
a scalar formula in its atoms: variables, maps, named functions, sums over letters. SymPy's scalar
algebra works on that formula; the forms it finds are cached by the formula alone, with the atoms
renamed in order, so that the layers of a network share them.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

import sympy

from derive.errors import UnsupportedError
from derive.shapes import Shape
from derive.tensor.algebra import add, apply, contract, number, relabel
from derive.tensor.nodes import Constant, Contraction, Letters, Sum, Tensor

__all__ = ["Atoms", "from_scalar", "scalar_forms", "to_scalar"]

SMALL: Final = 100
"""From this denominator on, a number in a root or divisor is a small one that keeps it from 0."""

Atoms: TypeAlias = dict[tuple[Tensor, Letters], sympy.Symbol]


@cache
def _atom(position: int) -> sympy.Symbol:
    return sympy.Symbol(f"t{position}", real=True)


def to_scalar(tensor: Tensor, letters: Letters, atoms: Atoms, counts: dict[Any, int]) -> Any:
    """The scalar formula of an entry; new atoms are entered in ``atoms``, uses counted."""
    if isinstance(tensor, Contraction) and not tensor.summed:
        product = _rational(tensor.coefficient)
        for factor, along, power in tensor.factors:
            placed = tuple(letters[x] for x in along)
            if _holds_small_number(factor, power):
                inner = _entered(factor, placed, atoms, counts)
            else:
                inner = to_scalar(factor, placed, atoms, counts)
            product *= inner ** _rational(power)
        return product
    if isinstance(tensor, Sum):
        return sympy.Add(*(to_scalar(term, letters, atoms, counts) for term in tensor.terms))
    return _entered(tensor, letters, atoms, counts)


def _entered(tensor: Tensor, letters: Letters, atoms: Atoms, counts: dict[Any, int]) -> Any:
    """The symbol of an atom."""
    symbol = atoms.setdefault((tensor, letters), _atom(len(atoms)))
    counts[symbol] = counts.get(symbol, 0) + 1
    return symbol


def _holds_small_number(tensor: Tensor, power: Fraction) -> bool:
    """A root or divisor such as ``var(x) + 1/100000``: its denominators are not cleared."""
    if not isinstance(tensor, Sum) or (power > 0 and power.denominator == 1):
        return False
    return any(term.coefficient.denominator >= SMALL for term in tensor.terms)


def _rational(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


@lru_cache(maxsize=4096)
def scalar_forms(formula: Any) -> tuple[Any, ...]:
    """Other forms of a scalar formula, by SymPy: cancelled, factored, multiplied out."""
    cancelled = sympy.cancel(formula)
    forms = {sympy.factor(cancelled): None, cancelled: None, sympy.expand(formula): None}
    return tuple(forms)


def from_scalar(formula: Any, atoms: dict[Any, tuple[Tensor, Letters]], shape: Shape) -> Tensor:
    """The tensor of this shape whose entries are given by a scalar formula.

    Args:
        formula: SymPy's, over the atoms' symbols.
        atoms: Tensor of each symbol, with the axes of ``shape`` it lies along.
        shape: Of the result.
    """
    axes = tuple(range(len(shape)))
    dims = dict(enumerate(shape))
    if formula in atoms:
        tensor, letters = atoms[formula]
        return relabel(tensor, letters, shape)
    if isinstance(formula, sympy.Rational):
        return number(Fraction(int(formula.p), int(formula.q)), shape)
    if formula.is_number:
        return contract(1, [(Constant(formula), ())], axes, dims)
    if isinstance(formula, sympy.Add):
        return add((from_scalar(term, atoms, shape) for term in formula.args), shape)
    if isinstance(formula, sympy.Mul):
        coefficient, rest = formula.as_independent(*formula.free_symbols)
        if coefficient != 1 and not coefficient.is_Rational:
            rational, constant = coefficient.as_coeff_Mul()
            scaled = from_scalar(rational * rest, atoms, shape)
            return contract(1, [(Constant(constant), ()), (scaled, axes)], axes, dims)
        parts = [(from_scalar(factor, atoms, shape), axes) for factor in formula.args]
        return contract(1, parts, axes, dims)
    if isinstance(formula, sympy.Pow) and isinstance(formula.exp, sympy.Rational):
        power = Fraction(int(formula.exp.p), int(formula.exp.q))
        return contract(1, [(from_scalar(formula.base, atoms, shape), axes, power)], axes, dims)
    if isinstance(formula, sympy.Function | sympy.exp):
        args = [(from_scalar(arg, atoms, shape), axes) for arg in formula.args]
        return apply(formula.func.__name__.lower(), args, shape)
    raise UnsupportedError(f"there is no tensor for the scalar formula {formula}")
