"""SymPy matrix expressions lowered to tensors in index notation.

One table for SymPy's nodes (:data:`NODES`); the functions of the language have theirs in
:mod:`derive.tensor.definitions`. A matrix of r rows and c columns becomes a tensor whose axes are
its rows and columns, without those of size 1. What is in neither table is an UnsupportedError that
names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf

from derive.errors import InputError, UnsupportedError
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, Extent, Shape, as_dim, same
from derive.tensor.algebra import (
    add,
    apply,
    contract,
    invoke,
    multiply,
    number,
    ones,
    relabel,
    scale,
    transpose,
    zero,
)
from derive.tensor.definitions import ALONG_COLUMNS, ALONG_ROWS, WHOLE, inverted, total_product
from derive.tensor.nodes import Constant, Delta, Letters, Tensor
from derive.tensor.recognition import recognise
from derive.vocabulary import Expression, MatrixCall, ScalarCall, extent_of

__all__ = ["is_row", "lower", "tensor_shape"]

HALF = Fraction(1, 2)


def tensor_shape(shape: Shape) -> Shape:
    """The shape of a quantity's tensor: axes of size 1 left out."""
    return tuple(dim for dim in shape if not same(dim, ONE_DIM))


def is_row(shape: Shape) -> bool:
    """Whether a quantity of this shape is one row."""
    return len(shape) == 2 and same(shape[0], ONE_DIM) and not same(shape[1], ONE_DIM)


def lower(expression: Expression, names: Mapping[str, Tensor]) -> Tensor:
    """The tensor that a SymPy expression denotes.

    Args:
        expression: Over the symbols of ``names`` and sizes.
        names: Tensor of each variable and of each definition used.

    Raises:
        UnsupportedError: A node or function for which there is no row.
        InputError: A division by zero, or a symbol that is not declared.
    """
    try:
        return _Lowering(names).lower(expression)
    except ZeroDivisionError:
        raise InputError(f"division by zero in {expression}") from None


class _Lowering:
    def __init__(self, names: Mapping[str, Tensor]) -> None:
        self.names = names
        self.known: dict[Expression, Tensor] = {}

    def lower(self, expression: Expression) -> Tensor:
        known = self.known.get(expression)
        if known is None:
            for kind in type(expression).__mro__:
                handler = NODES.get(kind)
                if handler is not None:
                    break
            else:
                raise UnsupportedError(
                    f"there is no law for {type(expression).__name__}, in {expression}"
                )
            if handler in OF_SCALARS and any(arg.is_Matrix for arg in expression.args):
                raise UnsupportedError(
                    f"there is no law for the matrix function {expression}",
                    ("entry by entry it is applyfunc, or the function of that name in derive",),
                )
            known = recognise(handler(self, expression))
            self.known[expression] = known
        return known

    def letters(self, expression: Expression, row: int, column: int) -> Letters:
        """The letters of an expression's tensor when its rows and columns carry these."""
        return axes_of(extent_of(expression), row, column)


def axes_of(extent: Extent, row: int, column: int) -> Letters:
    """Which of two letters are axes of the tensor of a matrix of this extent."""
    rows, columns = extent
    found = () if same(rows, ONE_DIM) else (row,)
    return found if same(columns, ONE_DIM) else (*found, column)


def _dims(extent: Extent) -> dict[int, Dim]:
    return dict(enumerate(extent))


def _shape(expression: Expression) -> Shape:
    return tensor_shape(extent_of(expression))


def _spread(low: _Lowering, expression: Expression, extent: Extent) -> tuple[Tensor, Letters]:
    """An operand's tensor, with the axes of a result of this extent that it lies along."""
    tensor = low.lower(expression)
    result = axes_of(extent, 0, 1)
    own = axes_of(extent_of(expression), 0, 1)
    return tensor, tuple(result.index(axis) for axis in own)


def _number(_: _Lowering, expression: Any) -> Tensor:
    if isinstance(expression, sympy.Rational):
        return number(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, sympy.Float):
        return number(Fraction(float(expression)))
    if expression.is_finite is False or expression.is_real is False:
        raise UnsupportedError(f"{expression} is not a real number")
    return Constant(expression)


def _symbol(low: _Lowering, expression: Any) -> Tensor:
    known = low.names.get(expression.name)
    return known if known is not None else Constant(as_dim(expression))


def _matrix_symbol(low: _Lowering, expression: Any) -> Tensor:
    known = low.names.get(expression.name)
    if known is None:
        raise InputError(f"{expression.name} is not declared")
    return known


def _add(low: _Lowering, expression: Any) -> Tensor:
    shape = _shape(expression)
    return add((low.lower(term) for term in expression.args), shape)


def _scalar_product(low: _Lowering, expression: Any) -> Tensor:
    return contract(1, [(low.lower(factor), ()) for factor in expression.args])


def _scalar_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    if base == sympy.E:
        return apply("exp", [(low.lower(exponent), ())], ())
    if base.is_Number and isinstance(exponent, sympy.Rational):
        return _number(low, expression)
    return _entrywise_power(low.lower(base), exponent, low)


def _entrywise_power(base: Tensor, exponent: Any, low: _Lowering) -> Tensor:
    """Every entry of ``base`` to a scalar power."""
    axes = tuple(range(base.order))
    if isinstance(exponent, sympy.Rational):
        power = Fraction(int(exponent.p), int(exponent.q))
        if power == 0:
            return ones(base.shape)
        factors = [(base, axes, power)]
        return contract(1, factors, axes, dict(enumerate(base.shape)))
    return apply("power", [(base, axes), (low.lower(exponent), ())], base.shape)


def _matrix_product(low: _Lowering, expression: Any) -> Tensor:
    factors: list[tuple[Tensor, Letters]] = []
    letter = 0
    dims: dict[int, Dim] = {}
    for factor in expression.args:
        tensor = low.lower(factor)
        if not factor.is_Matrix:
            factors.append((tensor, ()))
            continue
        factors.append((tensor, low.letters(factor, letter, letter + 1)))
        dims[letter], dims[letter + 1] = factor.shape
        letter += 1
    return contract(1, factors, low.letters(expression, 0, letter), dims)


def _hadamard_product(low: _Lowering, expression: Any) -> Tensor:
    return multiply(*(low.lower(factor) for factor in expression.args))


def _hadamard_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    return _entrywise_power(low.lower(base), exponent, low)


def _transpose(low: _Lowering, expression: Any) -> Tensor:
    return transpose(low.lower(expression.args[0]))


def _inverse(low: _Lowering, expression: Any) -> Tensor:
    return inverted(low.lower(expression.args[0]))


def _matrix_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    if not isinstance(exponent, sympy.Integer):
        raise UnsupportedError(f"the exponent of {base} is not a whole number")
    tensor, count = low.lower(base), int(exponent)
    if not tensor.order:
        return _entrywise_power(tensor, exponent, low)
    if count == 0:
        return Delta(tensor.shape[0])
    if abs(count) > 64:
        raise UnsupportedError(f"a matrix power above 64, got {base}^{count}")
    if count < 0:
        tensor, count = inverted(tensor), -count
    return contract(1, [(tensor, (k, k + 1)) for k in range(count)], (0, count))


def _trace(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return contract(1, [(tensor, (0, 0))]) if tensor.order else tensor


def _determinant(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return invoke("det", [tensor], ()) if tensor.order else tensor


def _diag(low: _Lowering, expression: Any) -> Tensor:
    argument = expression.args[0]
    tensor = low.lower(argument)
    if not tensor.order:
        return tensor
    return contract(1, [(tensor, (0,)), (Delta(tensor.shape[0]), (0, 1))], (0, 1))


def _diagonal_part(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    if tensor.order < 2:
        return tensor
    return contract(1, [(tensor, (0, 0)), (Delta(tensor.shape[0]), (0, 1))], (0, 1))


def _diagonal(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return contract(1, [(tensor, (0, 0))], (0,)) if tensor.order == 2 else tensor


def _ones(_: _Lowering, expression: Any) -> Tensor:
    return ones(_shape(expression))


def _zeros(_: _Lowering, expression: Any) -> Tensor:
    return zero(_shape(expression))


def _identity(_: _Lowering, expression: Any) -> Tensor:
    shape = _shape(expression)
    return Delta(shape[0]) if shape else number(1)


def _apply_function(low: _Lowering, expression: Any) -> Tensor:
    """``applyfunc``: a scalar function given as a SymPy lambda."""
    tensor = low.lower(expression.expr)
    (symbol,) = expression.function.variables
    return _Entrywise(symbol, tensor).lower(expression.function.expr)


class _Entrywise(_Lowering):
    """Lowers a scalar formula in one symbol, which stands for every entry of an array."""

    def __init__(self, symbol: Any, tensor: Tensor) -> None:
        super().__init__({})
        self.shape = tensor.shape
        self.known[symbol] = tensor

    def lower(self, expression: Expression) -> Tensor:
        known = self.known.get(expression)
        if known is not None:
            return known
        parts = [self.lower(part) for part in expression.args]
        axes = tuple(range(len(self.shape)))
        if isinstance(expression, sympy.Add):
            known = add((relabel(p, axes[: p.order], self.shape) for p in parts), self.shape)
        elif isinstance(expression, sympy.Mul):
            known = multiply(*parts)
        elif isinstance(expression, sympy.Pow) and expression.base != sympy.E:
            known = _entrywise_power(parts[0], expression.exp, self)
        elif type(expression) in SCALAR_FUNCTIONS:
            name = SCALAR_FUNCTIONS[type(expression)]
            known = _call_entrywise(
                name, [(part, axes[: part.order]) for part in parts], self.shape
            )
        else:
            known = super().lower(expression)
        return self.known.setdefault(expression, recognise(known))


def _affine(low: _Lowering, expression: Any) -> Tensor:
    weight, x, bias = expression.operands
    product = _matrix_product(low, sympy.MatMul(weight, x)) if weight.is_Matrix else None
    extent = extent_of(expression)
    shape = tensor_shape(extent)
    if product is None:
        product = multiply(low.lower(weight), low.lower(x))
    tensor, letters = _spread(low, bias, extent)
    return add([product, relabel(tensor, letters, shape)], shape)


def _unknown(_: _Lowering, expression: Any) -> Tensor:
    raise UnsupportedError(f"there is no law for {type(expression).__name__}, in {expression}")


def _element(low: _Lowering, expression: Any) -> Tensor:
    parent, row, column = expression.args
    tensor = low.lower(parent)
    if not tensor.order and row == 0 and column == 0:
        return tensor
    raise UnsupportedError(f"single entries such as {expression} are not supported yet")


def _scalar_function(low: _Lowering, expression: Any) -> Tensor:
    name = SCALAR_FUNCTIONS.get(type(expression))
    if name is None:
        raise UnsupportedError(f"there is no law for the function {type(expression).__name__}")
    return _call_entrywise(name, [(low.lower(arg), ()) for arg in expression.args], ())


def _call_entrywise(name: str, args: list[tuple[Tensor, Letters]], shape: Shape) -> Tensor:
    """A function of the language entry by entry, powers and piecewise forms written as such."""
    if name in ("max", "min") and len(args) > 2:
        result = _call_entrywise(name, args[:2], shape)
        axes = tuple(range(len(shape)))
        return _call_entrywise(name, [(result, axes[: result.order]), *args[2:]], shape)
    if name in ("sqrt", "square"):
        tensor, letters = args[0]
        power = HALF if name == "sqrt" else Fraction(2)
        return contract(
            1, [(tensor, letters, power)], tuple(range(len(shape))), dict(enumerate(shape))
        )
    return apply(name, args, shape)


def _call(low: _Lowering, expression: Any) -> Tensor:
    name, operands = expression.name, expression.operands
    row = WHOLE.get(name)
    if row is not None:
        return row(*(low.lower(operand) for operand in operands))
    if name in ALONG_ROWS:
        tensor = low.lower(operands[0])
        whole, single = ALONG_ROWS[name]
        return (single if same(extent_of(operands[0])[1], ONE_DIM) else whole)(tensor)
    if name in ALONG_COLUMNS:
        tensor = transpose(low.lower(operands[0]))
        whole, single = ALONG_ROWS[ALONG_COLUMNS[name]]
        return (single if same(extent_of(operands[0])[0], ONE_DIM) else whole)(tensor)
    if name == "affine":
        return _affine(low, expression)
    if name == "rowsoftmax_cross_entropy":
        logits, labels = operands
        return scale(
            -1, total_product(low.lower(labels), low.lower(MatrixCall("rowlog_softmax", logits)))
        )
    extent = extent_of(expression)
    args = [_spread(low, operand, extent) for operand in operands]
    return _call_entrywise(name, args, tensor_shape(extent))


NODES: Final[Mapping[type, Callable[[_Lowering, Any], Tensor]]] = {
    sympy.Number: _number,
    sympy.NumberSymbol: _number,
    sympy.Symbol: _symbol,
    sympy.MatrixSymbol: _matrix_symbol,
    sympy.Add: _add,
    sympy.MatAdd: _add,
    sympy.Mul: _scalar_product,
    sympy.MatMul: _matrix_product,
    sympy.Pow: _scalar_power,
    sympy.MatPow: _matrix_power,
    sympy.Inverse: _inverse,
    sympy.Transpose: _transpose,
    sympy.Trace: _trace,
    sympy.Determinant: _determinant,
    sympy.HadamardProduct: _hadamard_product,
    sympy.HadamardPower: _hadamard_power,
    sympy.OneMatrix: _ones,
    sympy.ZeroMatrix: _zeros,
    sympy.Identity: _identity,
    sympy.MatrixExpr: _unknown,
    DiagMatrix: _diag,
    DiagonalMatrix: _diagonal_part,
    DiagonalOf: _diagonal,
    ElementwiseApplyFunction: _apply_function,
    sympy.matrices.expressions.matexpr.MatrixElement: _element,
    sympy.Function: _scalar_function,
    sympy.Max: _scalar_function,
    sympy.Min: _scalar_function,
    MatrixCall: _call,
    ScalarCall: _call,
}
"""How each SymPy node is lowered; the nearest class in its ancestry counts."""

OF_SCALARS: Final = (_scalar_function, _scalar_power, _scalar_product)
"""Handlers of nodes whose arguments are numbers; with matrices in them they mean something else."""

SCALAR_FUNCTIONS: Final[Mapping[type, str]] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.erf: "erf",
    sympy.Max: "max",
    sympy.Min: "min",
}
"""SymPy's scalar functions, by their names in the language."""
