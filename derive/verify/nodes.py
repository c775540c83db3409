"""How the judge evaluates each node of SymPy and of the vocabulary: one row each.

A row names the arguments that are evaluated first, and what is made of their values. Values may
carry batch axes in front, as in :mod:`derive.verify.functions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
import sympy
from sympy.matrices import expressions as matrices
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from derive.errors import InputError, UnsupportedError
from derive.verify.functions import (
    ENTRYWISE,
    EVALUATIONS,
    NUMBERS,
    SCALAR_EVALUATIONS,
    integer_power,
)
from derive.verify.indexed import add_up, pick_block, pick_entry, stack, tabulate
from derive.verify.linear_algebra import Misfit, inverse, kronecker
from derive.vocabulary import COMPARISONS, SYNONYMS, MatrixCall, ScalarCall

__all__ = ["NODES", "Misfit", "Row", "lift", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of node is evaluated: which arguments first, and what is made of them."""

    operands: Callable[[Any], Sequence[Any]]
    value: Callable[..., Any]


def lift(value: Any) -> Any:
    return np.asarray(value)[..., None, None]


def _is_matrix(node: Any) -> bool:
    return isinstance(node, sympy.MatrixExpr)


def row_of(node: Any) -> Row:
    for kind in type(node).__mro__:
        if kind in NODES:
            return NODES[kind]
    name = type(node).__name__
    if name in SCALAR_EVALUATIONS:
        return _SCALAR_FUNCTION
    raise UnsupportedError(f"the judge cannot evaluate {name}, met in {node}")


def _look_up(walker: Any, node: Any) -> Any:
    try:
        value = np.asarray(walker.environment[node.name])
    except KeyError:
        raise InputError(f"{node.name} has no value to be evaluated at") from None
    value = value if value.dtype.kind in "fc" else value.astype(float)
    if not _is_matrix(node):
        return value[..., 0, 0] if value.shape[-2:] == (1, 1) else value
    if value.ndim == 0:
        return lift(value)
    if value.ndim < 2:
        raise InputError(
            f"{node.name} is a matrix: expected an array with 2 axes, got {value.ndim}"
        )
    return value


def _product(walker: Any, node: Any, *values: Any) -> Any:
    """Scalars times matrices, from left to right."""
    scalar, matrix, guards = None, None, []
    for operand, value in zip(node.args, values, strict=True):
        if not _is_matrix(operand):
            scalar = value if scalar is None else scalar * value
            guards += [value] if _is_indicator(operand) else []
        else:
            matrix = value if matrix is None else matrix @ value
    if scalar is None:
        return matrix
    product = scalar if matrix is None else lift(scalar) * matrix
    return _guarded(product, guards if matrix is None else map(lift, guards))


def _entrywise_product(walker: Any, node: Any, *values: Any) -> Any:
    product = reduce(lambda a, b: a * b, _fitting(node, values))
    pairs = zip(node.args, values, strict=True)
    return _guarded(product, [value for operand, value in pairs if _is_indicator(operand)])


def _is_indicator(node: Any) -> bool:
    return isinstance(node, MatrixCall | ScalarCall) and node.name in COMPARISONS.values()


def _guarded(product: Any, indicators: Iterable[Any]) -> Any:
    """A product, 0 where an indicator among its factors is 0, whatever the others are there."""
    for indicator in indicators:
        product = np.where(indicator == 0, 0.0, product)
    return product


def _fitting(node: Any, values: Sequence[Any]) -> Sequence[Any]:
    """The values themselves; SymPy's matrices do not broadcast, and NumPy's arrays would."""
    if len({value.shape[-2:] for value in values}) > 1:
        raise Misfit(f"the shapes in {node} do not fit each other")
    return values


def _power(walker: Any, node: Any, base: Any, exponent: Any) -> Any:
    """A power, entry by entry; a whole one is made of products, so that a base may be negative."""
    if _is_matrix(node) and not _is_matrix(node.args[1]):
        exponent = lift(exponent)
    first = np.ravel(exponent)[0]
    is_uniform = bool(np.all(exponent == first))
    whole = int(first.real) if is_uniform and first == np.round(first.real) else None
    if walker.watch is not None and (whole is None or whole < 0):
        walker.watch.see_edge(np.abs(base.real))
    if whole is not None:
        return integer_power(base, whole)
    root = is_uniform and first == 0.5
    value = np.sqrt(base) if root else np.exp(exponent * np.log(base))
    return np.where(base.real < 0, np.nan, value)


def _matrix_power(walker: Any, node: Any, base: Any, exponent: Any) -> Any:
    whole = round(float(np.real(exponent)))
    if whole < 0:
        base = _inverse(walker, node, base)
    result = np.broadcast_to(np.eye(base.shape[-1]), base.shape)
    for _ in range(abs(whole)):
        result = result @ base
    return result


def _inverse(walker: Any, node: Any, value: Any) -> Any:
    if walker.watch is not None:
        walker.watch.see_matrix(value)
    return inverse(value)


def _call(walker: Any, node: Any, *values: Any) -> Any:
    """A function of the language; it works on matrices, or on scalars entry by entry."""
    name, operands = SYNONYMS.get(node.name, node.name), node.operands
    if name == "max" and any(map(_is_zero, operands)):
        # max(0, x) is relu(x), whose derivative at 0 is 0.
        place = 1 if _is_zero(operands[0]) else 0
        name, operands, values = "relu", operands[place : place + 1], values[place : place + 1]
    row = EVALUATIONS.get(name)
    if row is None:
        raise UnsupportedError(f"the judge cannot evaluate {name}, met in {node}")
    if name in ENTRYWISE and not _is_matrix(node):
        return walker.call(name, row, values)
    arguments = [
        value if _is_matrix(operand) else lift(value)
        for operand, value in zip(operands, values, strict=True)
    ]
    value = walker.call(name, row, arguments)
    if _is_matrix(node):
        return lift(value) if name in NUMBERS else value
    return value if name in NUMBERS else value[..., 0, 0]


def _is_zero(node: Any) -> bool:
    return bool(node == 0) or isinstance(node, sympy.ZeroMatrix)


def _scalar_function(walker: Any, node: Any, *values: Any) -> Any:
    name = type(node).__name__
    row = SCALAR_EVALUATIONS[name]
    if name in ("Max", "Min"):
        return reduce(lambda left, right: walker.call(name, row, (left, right)), values)
    return walker.call(name, row, values)


def _entrywise(walker: Any, node: Any, value: Any) -> Any:
    """A scalar function, given as a lambda, of every entry."""
    (variable,) = node.function.variables
    inner = walker.scope({variable: value}, lifted=True).run(node.function.expr)
    return inner + np.zeros_like(value)


def _relation(compare: Callable[[Any, Any], Any]) -> Row:
    def value(walker: Any, node: Any, left: Any, right: Any) -> Any:
        row = EVALUATIONS["lt"]
        if walker.watch is not None:
            walker.watch.see_function("Piecewise", row, (left, right))
        return compare(left.real, right.real)

    return Row(_arguments, value)


def _piecewise(walker: Any, node: Any, *values: Any) -> Any:
    expressions, conditions = values[0::2], values[1::2]
    result: Any = np.nan
    for expression, condition in zip(reversed(expressions), reversed(conditions), strict=True):
        result = np.where(condition, expression, result)
    return result


def _constant(fill: Callable[[tuple[int, int]], Any]) -> Row:
    return Row(
        lambda node: (), lambda w, node: fill((w.size(node.shape[0]), w.size(node.shape[1])))
    )


def _function(name: str) -> Row:
    row = EVALUATIONS[name]
    return Row(lambda node: (node.arg,), lambda w, node, x: w.call(name, row, (x,)))


def _arguments(node: Any) -> Sequence[Any]:
    return node.args


def _diagonal_matrix(walker: Any, node: Any, vector: Any) -> Any:
    column = vector if vector.shape[-1] == 1 else np.swapaxes(vector, -2, -1)
    return EVALUATIONS["diag"].value(column)


NODES: Final[Mapping[type, Row]] = {
    # Numbers and names.
    sympy.Number: Row(lambda node: (), lambda w, node: np.float64(node)),
    sympy.NumberSymbol: Row(lambda node: (), lambda w, node: np.float64(node)),
    sympy.Symbol: Row(lambda node: (), _look_up),
    sympy.MatrixSymbol: Row(lambda node: (), _look_up),
    # Scalar algebra.
    sympy.Add: Row(_arguments, lambda w, node, *values: reduce(lambda a, b: a + b, values)),
    sympy.Mul: Row(_arguments, _product),
    sympy.Pow: Row(_arguments, _power),
    sympy.Piecewise: Row(
        lambda node: [part for pair in node.args for part in pair.args], _piecewise
    ),
    sympy.Sum: Row(lambda node: (), add_up),
    sympy.KroneckerDelta: Row(
        lambda node: node.args[:2], lambda w, node, i, j: np.where(i == j, 1.0, 0.0)
    ),
    # Conditions.
    sympy.StrictLessThan: _relation(np.less),
    sympy.LessThan: _relation(np.less_equal),
    sympy.StrictGreaterThan: _relation(np.greater),
    sympy.GreaterThan: _relation(np.greater_equal),
    sympy.Eq: _relation(np.equal),
    sympy.Ne: _relation(np.not_equal),
    sympy.And: Row(_arguments, lambda w, node, *values: reduce(np.logical_and, values)),
    sympy.Or: Row(_arguments, lambda w, node, *values: reduce(np.logical_or, values)),
    sympy.Not: Row(_arguments, lambda w, node, value: np.logical_not(value)),
    sympy.logic.boolalg.BooleanAtom: Row(lambda node: (), lambda w, node: np.bool_(bool(node))),
    # Matrices.
    matrices.MatAdd: Row(
        _arguments, lambda w, node, *values: reduce(lambda a, b: a + b, _fitting(node, values))
    ),
    matrices.MatMul: Row(_arguments, _product),
    matrices.HadamardProduct: Row(_arguments, _entrywise_product),
    matrices.HadamardPower: Row(_arguments, _power),
    matrices.Transpose: _function("transpose"),
    matrices.Inverse: Row(lambda node: (node.arg,), _inverse),
    matrices.MatPow: Row(_arguments, _matrix_power),
    matrices.Trace: _function("tr"),
    matrices.Determinant: _function("det"),
    matrices.DiagMatrix: Row(lambda node: (node.args[0],), _diagonal_matrix),
    matrices.DiagonalMatrix: Row(
        lambda node: (node.args[0],), lambda w, node, x: x * np.eye(*x.shape[-2:])
    ),
    matrices.DiagonalOf: _function("diagonal"),
    matrices.KroneckerProduct: Row(_arguments, lambda w, node, *values: reduce(kronecker, values)),
    matrices.OneMatrix: _constant(np.ones),
    matrices.ZeroMatrix: _constant(np.zeros),
    matrices.Identity: _constant(lambda extent: np.eye(*extent)),
    matrices.FunctionMatrix: Row(lambda node: (), tabulate),
    sympy.ImmutableDenseMatrix: Row(
        lambda node: node.args[2].args, lambda w, node, *entries: stack(entries, *node.shape)
    ),
    MatrixElement: Row(_arguments, pick_entry),
    MatrixSlice: Row(lambda node: (node.parent, *node.rowslice, *node.colslice), pick_block),
    ElementwiseApplyFunction: Row(lambda node: (node.expr,), _entrywise),
    # The language.
    MatrixCall: Row(lambda node: node.operands, _call),
    ScalarCall: Row(lambda node: node.operands, _call),
}

_SCALAR_FUNCTION: Final = Row(_arguments, _scalar_function)
