"""Matrix notation as SymPy expressions, so that answers come back in the form of the question.

Built with the builders of :mod:`derive.vocabulary`: SymPy's nodes where it has them, the language's
functions elsewhere. One row of :data:`BUILDERS` for each operator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import sympy
from sympy import FunctionMatrix, Identity, Lambda, MatPow, MatrixSymbol, OneMatrix, ZeroMatrix
from sympy.matrices.expressions.diagonal import DiagMatrix
from sympy.matrices.expressions.matexpr import MatrixElement

from derive.notation.entries import entry_form
from derive.notation.expression import Expr
from derive.notation.raising import raised
from derive.shapes import ONE, same
from derive.tensor.nodes import Variable
from derive.vocabulary import (
    Expression,
    add,
    block,
    call,
    divide,
    hadamard,
    hadamard_divide,
    hadamard_power,
    multiply,
    negate,
    power,
    transpose,
)

__all__ = ["sympy_form"]


def sympy_form(expr: Expr) -> Expression:
    """The expression in SymPy's nodes; a vector is a matrix of one column.

    What is printed in index notation is a matrix given by its entries.
    """
    done: dict[int, Expression] = {}

    def walk(node: Expr) -> Expression:
        known = done.get(id(node))
        if known is None:
            known = done[id(node)] = BUILDERS[node.op](node, [walk(arg) for arg in node.args])
        return known

    return walk(expr)


Parts = Sequence[Expression]


def _symbol(expr: Expr, _: Parts) -> Expression:
    variable: Variable = expr.value
    if expr.is_scalar:
        return sympy.Symbol(variable.name, real=True)
    return MatrixSymbol(variable.name, expr.rows, expr.cols)


def _filled(expr: Expr, value: Any) -> Expression:
    if expr.is_scalar:
        return value
    if value == 0:
        return ZeroMatrix(expr.rows, expr.cols)
    return multiply(value, OneMatrix(expr.rows, expr.cols))


def _number(expr: Expr, _: Parts) -> Expression:
    return _filled(expr, sympy.Rational(expr.value.numerator, expr.value.denominator))


def _broadcast(expr: Expr, parts: Parts) -> Expression:
    found = parts[0]
    inner = expr.args[0]
    if not same(inner.rows, expr.rows):
        found = multiply(OneMatrix(expr.rows, ONE), found)
    if not same(inner.cols, expr.cols):
        found = multiply(found, OneMatrix(ONE, expr.cols))
    return found


def _power(expr: Expr, parts: Parts) -> Expression:
    exponent = sympy.Rational(expr.value.numerator, expr.value.denominator)
    if expr.is_scalar:
        return power(parts[0], exponent)
    return MatPow(parts[0], exponent)


def _hadamard_power(expr: Expr, parts: Parts) -> Expression:
    exponent = sympy.Rational(expr.value.numerator, expr.value.denominator)
    return hadamard_power(parts[0], exponent)


def _slice(expr: Expr, parts: Parts) -> Expression:
    choices = [(None, None) if choice is None else choice for choice in expr.value]
    return block(parts[0], *choices)


def _index(expr: Expr, _: Parts) -> Expression:
    return entry_form(expr.value, lambda tensor: sympy_form(raised(tensor)))


def _sum_over(expr: Expr, parts: Parts) -> Expression:
    """A sum of what is printed, over its index."""
    (body,), (index, size, _) = parts, expr.value
    limits = (index, 0, size - 1)
    if not isinstance(body, sympy.MatrixExpr):
        return sympy.Sum(body, limits)
    row, column = sympy.symbols("row column", integer=True, cls=sympy.Dummy)
    entry = sympy.Sum(MatrixElement(body, row, column), limits)
    return FunctionMatrix(*body.shape, Lambda((row, column), entry))


def _call(expr: Expr, parts: Parts) -> Expression:
    if expr.value == "power":
        return sympy.HadamardPower(*parts) if not expr.is_scalar else sympy.Pow(*parts)
    return call(expr.value, *parts)


def _named(name: str) -> Callable[[Expr, Parts], Expression]:
    return lambda _, parts: call(name, *parts)


BUILDERS: Final[Mapping[str, Callable[[Expr, Parts], Expression]]] = {
    "symbol": _symbol,
    "number": _number,
    "constant": lambda expr, _: expr.value,
    "identity": lambda expr, _: Identity(expr.rows),
    "ones": lambda expr, _: OneMatrix(expr.rows, expr.cols),
    "add": lambda _, parts: add(*parts),
    "negative": lambda _, parts: negate(parts[0]),
    "product": lambda _, parts: reduce(multiply, parts),
    "fraction": lambda _, parts: divide(*parts),
    "hadamard": lambda _, parts: reduce(hadamard, parts),
    "quotient": lambda _, parts: hadamard_divide(*parts),
    "power": _power,
    "hadamard_power": _hadamard_power,
    "transpose": lambda _, parts: transpose(parts[0]),
    "diag": lambda _, parts: DiagMatrix(parts[0]),
    "diagonal": _named("diagonal"),
    "trace": _named("tr"),
    "sum": _named("sum"),
    "rowsum": _named("rowsum"),
    "colsum": _named("colsum"),
    "norm": _named("norm2"),
    "call": _call,
    "slice": _slice,
    "broadcast": _broadcast,
    "index": _index,
    "sum_over": _sum_over,
}
"""How each operator is built."""
