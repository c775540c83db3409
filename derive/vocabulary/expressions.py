"""SymPy expressions for what SymPy has no node for, and builders that keep shapes right.

SymPy's own nodes are used wherever they exist (``MatAdd``, ``MatMul``, ``HadamardProduct``,
``Transpose``, ``Inverse``, ``Trace``, ...). For all other functions of the language there are two
nodes, :class:`MatrixCall` and :class:`ScalarCall`: a function's name and its arguments. What the
name means is a row of :data:`derive.vocabulary.functions.FUNCTIONS`.

The builders (:func:`add`, :func:`multiply`, :func:`hadamard`, ...) take scalars (SymPy scalar
expressions) and matrices (SymPy matrix expressions) alike. They resolve broadcasting, so that
SymPy's nodes only ever see operands of equal extent, and turn a 1 x 1 result into a scalar.
They raise :class:`~derive.shapes.ShapeMismatch`, with the operands at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias

import sympy
from sympy import (
    Determinant,
    HadamardPower,
    HadamardProduct,
    Inverse,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    OneMatrix,
    Trace,
    Transpose,
)
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixElement

from derive.errors import InputError, UnsupportedError
from derive.shapes import ONE, Extent, ShapeMismatch, Unification, as_dim, same, shape_text
from derive.vocabulary.functions import FUNCTIONS, REDUCTIONS, Function
from derive.vocabulary.signatures import result_extent

__all__ = [
    "Expression",
    "MatrixCall",
    "ScalarCall",
    "add",
    "call",
    "divide",
    "extent_of",
    "hadamard",
    "hadamard_divide",
    "hadamard_power",
    "multiply",
    "negate",
    "power",
    "scalar",
    "transpose",
]

HIGHEST_POWER: Final = 64
"""Up to this power of a matrix there are laws: it is a product of that many factors."""

Expression: TypeAlias = sympy.Expr | MatrixExpr


class _Call:
    """What the two nodes for a function of the language share."""

    args: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The function's name in the language."""
        return str(self.args[0])

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The arguments, without the name."""
        return tuple(self.args[1:])

    def _sympystr(self, printer: Any) -> str:
        inner = ", ".join(printer._print(operand) for operand in self.operands)
        return f"{self.name}({inner})"


class MatrixCall(_Call, MatrixExpr):
    """A function of the language whose value is a matrix or a vector."""

    def __new__(cls, name: str | Str, *operands: Expression) -> MatrixCall:
        label = name if isinstance(name, Str) else Str(name)
        return MatrixExpr.__new__(cls, label, *operands)

    @cached_property
    def shape(self) -> Extent:
        """Rows and columns."""
        function = FUNCTIONS[self.name]
        return result_extent(function, _extents(function, self.operands))

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        return MatrixElement(self, i, j)


class ScalarCall(_Call, sympy.Expr):
    """A function of the language whose value is a number."""

    is_commutative = True
    is_real = True

    def __new__(cls, name: str | Str, *operands: Expression) -> ScalarCall:
        label = name if isinstance(name, Str) else Str(name)
        return sympy.Expr.__new__(cls, label, *operands)


def extent_of(expression: Expression) -> Extent:
    """Rows and columns of an expression; (1, 1) for a scalar."""
    if isinstance(expression, MatrixExpr):
        rows, columns = expression.shape
        return (rows, columns)
    return (ONE, ONE)


def _is_scalar(expression: Expression) -> bool:
    return not isinstance(expression, MatrixExpr)


def scalar(expression: Expression) -> Expression:
    """A 1 x 1 matrix expression as the number in it; everything else as it is.

    The number is written as the trace, which is SymPy's own node for it.
    """
    if isinstance(expression, MatrixExpr):
        rows, columns = expression.shape
        if same(rows, ONE) and same(columns, ONE):
            return Trace(expression)
    return expression


def _spread(expression: Expression, extent: Extent) -> MatrixExpr:
    """The expression repeated along its axes of size 1 until it has this extent."""
    rows, columns = extent
    if _is_scalar(expression):
        ones = OneMatrix(rows, columns)
        return ones if expression == 1 else MatMul(expression, ones)
    if not same(expression.shape[0], rows):
        expression = MatMul(OneMatrix(rows, ONE), expression)
    if not same(expression.shape[1], columns):
        expression = MatMul(expression, OneMatrix(ONE, columns))
    return expression


def _common_extent(operator: str, operands: Sequence[Expression]) -> Extent:
    unification = Unification()
    rows, columns = ONE, ONE
    for position, operand in enumerate(operands):
        extent = extent_of(operand)
        grown = (
            unification.broadcast(rows, extent[0]),
            unification.broadcast(columns, extent[1]),
        )
        if grown[0] is None or grown[1] is None:
            raise ShapeMismatch(
                f"{operator} needs operands of the same shape, or of size 1 along an axis, "
                f"got {shape_text((rows, columns))} and {shape_text(extent)}",
                operands=(position - 1, position),
            )
        rows, columns = grown[0], grown[1]
    return rows, columns


def _is_one_by_one(extent: Extent) -> bool:
    return same(extent[0], ONE) and same(extent[1], ONE)


def add(*operands: Expression) -> Expression:
    """The sum, with axes of size 1 repeated as NumPy does."""
    extent = _common_extent("+", operands)
    if _is_one_by_one(extent):
        return sympy.Add(*(scalar(operand) for operand in operands))
    return MatAdd(*(_spread(operand, extent) for operand in operands))


def negate(operand: Expression) -> Expression:
    """Minus the operand."""
    return multiply(sympy.Integer(-1), operand)


def multiply(*operands: Expression) -> Expression:
    """The matrix product, from left to right; a scalar operand scales."""
    scalars: list[Expression] = []
    factors: list[MatrixExpr] = []
    extent = (ONE, ONE)
    for position, operand in enumerate(operands):
        operand = scalar(operand)
        if _is_scalar(operand):
            scalars.append(operand)
            continue
        if not factors:
            extent = operand.shape
        elif same(extent[1], operand.shape[0]):
            extent = (extent[0], operand.shape[1])
        else:
            raise _no_product(position, extent, operand.shape)
        parts = operand.args if isinstance(operand, MatMul) else (operand,)
        scalars += (part for part in parts if _is_scalar(part))
        factors += (part for part in parts if not _is_scalar(part))
        if _is_one_by_one(extent):
            scalars.append(Trace(_matrix_product(factors)))
            factors = []
    coefficient = sympy.Mul(*scalars)
    if not factors:
        return coefficient
    return _matrix_product(factors if coefficient == 1 else [coefficient, *factors])


def _matrix_product(factors: Sequence[Expression]) -> MatrixExpr:
    return MatMul(*factors) if len(factors) > 1 else factors[0]


def _no_product(position: int, left: Extent, right: Extent) -> ShapeMismatch:
    advice: tuple[str, ...] = ()
    if same(left[1], ONE) and same(right[1], ONE):
        advice = (
            "two columns have no matrix product; entry by entry it is .*, inner and outer "
            "products are written with '",
        )
    return ShapeMismatch(
        f"* needs as many columns on its left as rows on its right, "
        f"got {shape_text(left)} and {shape_text(right)}",
        advice,
        operands=(position - 1, position),
    )


def hadamard(*operands: Expression) -> Expression:
    """The entrywise product, with axes of size 1 repeated."""
    arguments = [scalar(operand) for operand in operands]
    scalars = [argument for argument in arguments if _is_scalar(argument)]
    arrays = [argument for argument in arguments if not _is_scalar(argument)]
    if not arrays:
        return sympy.Mul(*scalars)
    extent = _common_extent(".*", arrays)
    factors: list[MatrixExpr] = []
    for array in arrays:
        spread = _spread(array, extent)
        factors += spread.args if isinstance(spread, HadamardProduct) else (spread,)
    product = HadamardProduct(*factors) if len(factors) > 1 else factors[0]
    return multiply(*scalars, product)


def divide(left: Expression, right: Expression) -> Expression:
    """Division by a scalar."""
    left, right = scalar(left), scalar(right)
    if not _is_scalar(right):
        raise ShapeMismatch(
            f"/ divides by a scalar, got {shape_text(right.shape)}",
            ("entry by entry it is ./, and inv(A)*b or solve for a matrix A",),
            operands=(1,),
        )
    if right == 0:
        raise InputError("division by zero")
    return multiply(1 / right, left)


def hadamard_divide(left: Expression, right: Expression) -> Expression:
    """Entrywise division, with axes of size 1 repeated."""
    left, right = scalar(left), scalar(right)
    if _is_scalar(right):
        return divide(left, right)
    return hadamard(left, HadamardPower(right, sympy.Integer(-1)))


def power(base: Expression, exponent: Expression) -> Expression:
    """A power of a scalar, or an integer power of a square matrix (-1 its inverse)."""
    base, exponent = scalar(base), scalar(exponent)
    if not _is_scalar(exponent):
        raise ShapeMismatch("an exponent is a scalar; entry by entry it is .^", operands=(1,))
    if _is_scalar(base):
        if base == 0 and exponent.is_negative:
            raise InputError("division by zero")
        # SymPy looks for common factors in an exponent, and cannot in sums of matrices.
        return sympy.Pow(base, exponent, evaluate=not exponent.atoms(sympy.MatrixSymbol))
    if not same(*base.shape):
        raise ShapeMismatch(
            f"^ of a matrix needs a square one, got {shape_text(base.shape)}",
            ("entry by entry it is .^",),
            operands=(0,),
        )
    if not isinstance(exponent, sympy.Integer):
        kind = "is not a whole number" if exponent.is_number else "is a symbol"
        raise UnsupportedError(f"a power of a matrix with an exponent that {kind}")
    if abs(exponent) > HIGHEST_POWER:
        raise UnsupportedError(f"a power of a matrix above {HIGHEST_POWER}")
    return Inverse(base) if exponent == -1 else MatPow(base, exponent)


def hadamard_power(base: Expression, exponent: Expression) -> Expression:
    """The entrywise power; the exponent is a scalar, or an array of the same shape."""
    base, exponent = scalar(base), scalar(exponent)
    if _is_scalar(exponent):
        if _is_scalar(base):
            return power(base, exponent)
        return HadamardPower(base, exponent)
    return call("exp", hadamard(exponent, call("log", base)))


def transpose(operand: Expression) -> Expression:
    """The transpose."""
    operand = scalar(operand)
    return operand if _is_scalar(operand) else Transpose(operand)


def _extents(function: Function, operands: Sequence[Expression]) -> list[Extent]:
    """Rows and columns of each argument; of one that is a size, that size and 1."""
    return [
        (operand, ONE) if function.is_size(position) else extent_of(operand)
        for position, operand in enumerate(operands)
    ]


def call(name: str, *operands: Expression) -> Expression:
    """A function of the language applied to arguments.

    Args:
        name: The function's name, or a synonym of it.
        operands: Scalars and matrices; optional ones may be left out.

    Returns:
        A SymPy node where SymPy has one, a :class:`MatrixCall` or :class:`ScalarCall` otherwise.

    Raises:
        InputError: No such function, or the number or shapes of its arguments are wrong.
    """
    if len(operands) == 1:
        name = REDUCTIONS.get(name, name)
    function = FUNCTIONS.get(name)
    if function is None:
        raise InputError(f"there is no function {name}")
    low, high = function.arity
    if not low <= len(operands) <= high:
        raise InputError(f"{function.usage} takes {function.count}, got {len(operands)}")
    arguments = [_argument(function, place, operand) for place, operand in enumerate(operands)]
    if function.signature is None:
        arguments += [sympy.nsimplify(d) for d in function.defaults[len(operands) - low :]]
    extent = result_extent(function, _extents(function, arguments))
    node = SYMPY_NODES.get(function.name)
    if node is not None and not all(_is_scalar(argument) for argument in arguments):
        return scalar(node(*arguments))
    if _is_one_by_one(extent):
        if node is not None and function.name in ("transpose", "tr", "det"):
            return arguments[0]
        return ScalarCall(function.name, *arguments)
    return MatrixCall(function.name, *arguments)


def _argument(function: Function, position: int, operand: Any) -> Any:
    """An argument as SymPy's: a size as a size, a 1 x 1 matrix as the number in it."""
    try:
        expression = sympy.sympify(operand, strict=True)
    except sympy.SympifyError:
        kind = type(operand).__name__
        raise InputError(f"{function.usage} takes SymPy expressions, got {kind}") from None
    if not function.is_size(position):
        return scalar(expression)
    if isinstance(expression, MatrixExpr):
        raise InputError(f"{function.usage} takes a size as {function.parameters[position]}")
    as_dim(expression)
    return expression


SYMPY_NODES = {
    "transpose": Transpose,
    "inv": Inverse,
    "tr": Trace,
    "det": Determinant,
}
"""Functions of the language for which SymPy has a node."""
