"""Tensors entry by entry as SymPy expressions: index notation that SymPy can hold.

What has no matrix form still has a value for every entry, a sum over letters. It becomes a
``FunctionMatrix`` whose entries are SymPy sums over elements of the symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import sympy
from sympy import FunctionMatrix, Lambda, MatrixSymbol
from sympy.matrices.expressions.matexpr import MatrixElement

from derive.errors import UnsupportedError
from derive.shapes import ONE
from derive.tensor.incidence import in_order, is_incidence, offset_of, tied_letters
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.vocabulary import Expression, ScalarCall

__all__ = ["entry_form"]


def entry_form(tensor: Tensor, whole: Callable[[Tensor], Expression]) -> Expression:
    """A tensor of order at most 2, given by its entries; a vector is a column.

    Args:
        tensor: The tensor.
        whole: The SymPy form of a named function's value, whose entries are taken.

    Raises:
        UnsupportedError: The tensor has more than two axes.
    """
    if tensor.order > 2:
        raise UnsupportedError(f"{tensor!r} has {tensor.order} axes; SymPy's matrices have two")
    numbers = count()
    writer = _Entries(numbers, whole)
    letters = tuple(writer.letter() for _ in range(tensor.order))
    entry = writer.entry(tensor, letters)
    if not letters:
        return entry
    pair = (*letters, writer.letter())[:2]
    rows, cols = (*tensor.shape, ONE)[:2]
    return FunctionMatrix(rows, cols, Lambda(pair, entry))


class _Entries:
    def __init__(self, numbers: Any, whole: Callable[[Tensor], Expression]) -> None:
        self.numbers, self.whole = numbers, whole

    def letter(self) -> Any:
        """A letter that stands nowhere else."""
        return sympy.Symbol(f"_index{next(self.numbers)}", integer=True, nonnegative=True)

    def entry(self, tensor: Tensor, at: tuple[Any, ...]) -> Any:
        """One entry of a tensor."""
        if isinstance(tensor, Variable):
            return self._of_variable(tensor, at)
        if isinstance(tensor, Constant):
            return tensor.value
        if isinstance(tensor, Delta):
            return sympy.KroneckerDelta(*at)
        if isinstance(tensor, Sum):
            return sympy.Add(*(self.entry(term, at) for term in tensor.terms))
        if isinstance(tensor, Contraction):
            return self._of_contraction(tensor, at)
        if isinstance(tensor, Map):
            args = [self.entry(arg, tuple(at[x] for x in ls)) for arg, ls in tensor.args]
            if tensor.function == "power":
                return sympy.Pow(*args)
            return ScalarCall(tensor.function, *args)
        assert isinstance(tensor, Call)
        if is_incidence(tensor):
            return _incidence(tensor, at)
        form = self.whole(tensor)
        return form if not at else MatrixElement(form, *(*at, sympy.Integer(0))[:2])

    def _of_variable(self, variable: Variable, at: tuple[Any, ...]) -> Any:
        if not at:
            return sympy.Symbol(variable.name, real=True)
        zero = sympy.Integer(0)
        if variable.row:
            return MatrixElement(MatrixSymbol(variable.name, ONE, variable.shape[0]), zero, at[0])
        rows, cols = (*variable.shape, ONE)[:2]
        return MatrixElement(MatrixSymbol(variable.name, rows, cols), *(*at, zero)[:2])

    def _of_contraction(self, tensor: Contraction, at: tuple[Any, ...]) -> Any:
        names: dict[int, Any] = dict(enumerate(at))
        dims = tensor.dims
        tied = tied_letters(tensor)
        summed = sorted(tensor.summed - tied.keys())
        names.update({letter: self.letter() for letter in summed})
        factors = [f for f in tensor.factors if not any(f is g for g in tied.values())]
        for letter in in_order(tied):
            array, letters, _ = tied[letter]
            assert isinstance(array, Call)
            names[letter] = _index(array, tuple(names[x] for x in letters if x != letter))
        product: Any = sympy.Rational(tensor.coefficient.numerator, tensor.coefficient.denominator)
        for factor, letters, power in factors:
            entry = self.entry(factor, tuple(names[x] for x in letters))
            product *= entry ** sympy.Rational(power.numerator, power.denominator)
        if not summed:
            return product
        return sympy.Sum(product, *((names[x], 0, dims[x] - 1) for x in summed))


def _index(array: Call, others: tuple[Any, ...]) -> Any:
    """The letter that an array ties to the others, as a formula of them."""
    if array.function == "pair":
        return others[0] * array.shape[2] + others[1]
    return sum(others, offset_of(array))


def _incidence(tensor: Call, at: tuple[Any, ...]) -> Any:
    """One entry of an array of zeros and ones."""
    if tensor.function == "lower":
        return ScalarCall("ge", *at)
    if tensor.function == "pair":
        return sympy.KroneckerDelta(at[0], _index(tensor, at[1:]))
    return sympy.KroneckerDelta(at[-1], _index(tensor, at[:-1]))
