"""A formula as its author wrote it: SymPy expressions set in matrix notation without rewriting.

The forward pass shows what was asked about, not what the core made of it: ``x − μ`` stays so.
What is in neither table (a loss, whose definition tells more than its name) is left to
:mod:`derive.notation.raising`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import sympy
from sympy.matrices.expressions.diagonal import DiagMatrix
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from derive.notation.expression import (
    Expr,
    Index,
    block,
    call,
    diag,
    fraction,
    hadamard,
    identity,
    negative,
    number,
    ones,
    power,
    product,
    scaled,
    symbol,
    transposed,
)
from derive.shapes import ONE, same, times
from derive.tensor.nodes import Variable
from derive.vocabulary import Expression, MatrixCall, ScalarCall, extent_of

__all__ = ["transcribed"]


def transcribed(
    expression: Expression,
    names: Mapping[str, Variable],
    parts: Mapping[Expression, Expr] = MappingProxyType({}),
    kept: Collection[str] = (),
) -> Expr | None:
    """The expression in matrix notation as it stands; None where no row of the table fits.

    Args:
        expression: The formula.
        names: Variable of each symbol in it.
        parts: What is written for parts that have a name.
        kept: Further functions that are shown by their names, such as losses.
    """
    try:
        return _Transcription(names, parts, kept).set(expression)
    except _NoForm:
        return None


class _NoForm(Exception):
    """There is no row for a node."""


class _Transcription:
    def __init__(
        self,
        names: Mapping[str, Variable],
        parts: Mapping[Expression, Expr],
        kept: Collection[str],
    ) -> None:
        self.names, self.parts, self.kept = names, parts, kept

    def set(self, expression: Any) -> Expr:
        named = self.parts.get(expression)
        if named is not None:
            return named
        for kind in type(expression).__mro__:
            row = ROWS.get(kind)
            if row is not None:
                return row(self, expression)
        raise _NoForm


def _number(_: _Transcription, expression: Any) -> Expr:
    return number(Fraction(int(expression.p), int(expression.q)))


def _constant(_: _Transcription, expression: Any) -> Expr:
    return Expr("constant", (), ONE, ONE, expression)


def _symbol(setter: _Transcription, expression: Any) -> Expr:
    variable = setter.names.get(expression.name)
    if variable is None:
        return _constant(setter, expression)
    rows, cols = extent_of(expression)
    return symbol(variable, rows, cols)


def _add(setter: _Transcription, expression: Any) -> Expr:
    rows, cols = extent_of(expression)
    terms = []
    for term in expression.args:
        form = setter.set(term)
        inner = form.args[0] if form.op == "negative" else form
        if inner.op == "number":
            inner = number(inner.value, rows, cols)
            form = negative(inner) if form.op == "negative" else inner
        terms.append(_repeated(form))
    positive = [term for term in terms if term.op != "negative"]
    ordered = terms if terms[0].op != "negative" or not positive else sorted(terms, key=_sign)
    return Expr("add", tuple(ordered), rows, cols)


def _repeated(form: Expr) -> Expr:
    """A term that is one number in every entry, without the ones that say so."""
    if form.op == "negative":
        return negative(_repeated(form.args[0]))
    if form.op == "ones":
        return number(1, form.rows, form.cols)
    if form.op == "product" and form.args[-1].op == "ones":
        return Expr("broadcast", (product(form.args[:-1]),), form.rows, form.cols)
    return form


def _sign(expr: Expr) -> bool:
    return expr.op == "negative"


def _scalar_product(setter: _Transcription, expression: Any) -> Expr:
    return _assembled(setter, expression.args)


def _assembled(setter: _Transcription, factors: Any) -> Expr:
    """Scalars in front, what divides below, matrices in their order."""
    coefficient = Fraction(1)
    above: list[Expr] = []
    below: list[Expr] = []
    arrays: list[Any] = []
    for factor in factors:
        if factor.is_Matrix:
            arrays.append(factor)
        elif isinstance(factor, sympy.Rational):
            coefficient *= Fraction(int(factor.p), int(factor.q))
        elif isinstance(factor, sympy.Pow) and factor.exp.is_negative:
            below.append(setter.set(1 / factor))
        elif isinstance(factor, sympy.Mul):
            inner, rest = factor.as_coeff_Mul()
            coefficient *= Fraction(int(inner.p), int(inner.q)) if inner.is_Rational else 1
            for part in sympy.Mul.make_args(rest if inner.is_Rational else factor):
                divides = isinstance(part, sympy.Pow) and part.exp.is_negative
                (below if divides else above).append(setter.set(1 / part if divides else part))
        else:
            above.append(setter.set(factor))
    body = [*above, *(_chain(setter, arrays))]
    inner = product(body) if body else number(1)
    found = scaled(Fraction(coefficient.numerator), inner)
    if not below:
        return scaled(Fraction(1, coefficient.denominator), found)
    return fraction(found, scaled(Fraction(coefficient.denominator), product(below)))


def _chain(setter: _Transcription, arrays: list[Any]) -> list[Expr]:
    """The matrices of a product; ones at its ends only repeat what is between."""
    if not arrays:
        return []
    rows, cols = arrays[0].shape[0], arrays[-1].shape[1]
    inner = [a for a in arrays if not isinstance(a, sympy.OneMatrix)]
    if len(inner) == len(arrays):
        return [setter.set(array) for array in arrays]
    if not inner:
        if len(arrays) > 1:
            raise _NoForm
        return [ones(rows, cols)]
    ends = (arrays[0], arrays[-1])
    stray = [a for a in arrays[1:-1] if isinstance(a, sympy.OneMatrix)]
    spread = [a for a in ends if isinstance(a, sympy.OneMatrix)]
    if stray or any(not (same(a.shape[0], ONE) or same(a.shape[1], ONE)) for a in spread):
        raise _NoForm
    middle = product([setter.set(array) for array in inner])
    if same(middle.rows, rows) and same(middle.cols, cols):
        raise _NoForm
    if middle.op == "negative":
        return [negative(Expr("broadcast", middle.args, rows, cols))]
    return [Expr("broadcast", (middle,), rows, cols)]


def _power(setter: _Transcription, expression: Any) -> Expr:
    base, exponent = expression.args
    if base == sympy.E:
        return call("exp", [setter.set(exponent)], ONE, ONE)
    if not isinstance(exponent, sympy.Rational):
        raise _NoForm
    value = Fraction(int(exponent.p), int(exponent.q))
    form = setter.set(base)
    if value < 0:
        return fraction(number(1), power(form, -value))
    return power(form, value)


def _matrix_power(setter: _Transcription, expression: Any) -> Expr:
    base, exponent = expression.args
    if not isinstance(exponent, sympy.Integer) or exponent < 1:
        raise _NoForm
    form = setter.set(base)
    return Expr("power", (form,), form.rows, form.cols, Fraction(int(exponent)))


def _inverse(setter: _Transcription, expression: Any) -> Expr:
    form = setter.set(expression.args[0])
    return call("inv", [form], form.rows, form.cols)


def _trace(setter: _Transcription, expression: Any) -> Expr:
    form = setter.set(expression.args[0])
    return form if form.is_scalar else Expr("trace", (form,), ONE, ONE)


def _determinant(setter: _Transcription, expression: Any) -> Expr:
    return call("det", [setter.set(expression.args[0])], ONE, ONE)


def _hadamard(setter: _Transcription, expression: Any) -> Expr:
    above, below = [], []
    for factor in expression.args:
        if isinstance(factor, sympy.HadamardPower) and factor.args[1] == -1:
            below.append(setter.set(factor.args[0]))
        else:
            above.append(setter.set(factor))
    return hadamard(above, below)


def _hadamard_power(setter: _Transcription, expression: Any) -> Expr:
    base, exponent = expression.args
    form = setter.set(base)
    if not isinstance(exponent, sympy.Rational):
        return call("power", [form, setter.set(exponent)], form.rows, form.cols)
    value = Fraction(int(exponent.p), int(exponent.q))
    if value == -1:
        return hadamard([], [form])
    return power(form, value)


def _call(setter: _Transcription, expression: Any) -> Expr:
    name = expression.name
    rows, cols = extent_of(expression)
    args = [setter.set(operand) for operand in expression.operands]
    if name in OPERATORS:
        return Expr(OPERATORS[name], tuple(args), rows, cols)
    if name == "diag":
        return diag(args[0])
    if name in KEPT or name in setter.kept:
        return call(name, args, rows, cols)
    if name == "square":
        return power(args[0], Fraction(2))
    if name == "sqrt":
        return power(args[0], Fraction(1, 2))
    if name == "max" and sum(arg.op == "number" and arg.value == 0 for arg in args) == 1:
        (inner,) = [arg for arg in args if not (arg.op == "number" and arg.value == 0)]
        return call("relu", [inner], rows, cols)
    raise _NoForm


def _kronecker(setter: _Transcription, expression: Any) -> Expr:
    first, *others = (setter.set(factor) for factor in expression.args)
    for other in others:
        rows, cols = times(first.rows, other.rows), times(first.cols, other.cols)
        first = call("kron", [first, other], rows, cols)
    return first


def _element(setter: _Transcription, expression: Any) -> Expr:
    parent, row, column = expression.args
    form = setter.set(parent)
    return form if form.is_scalar else block(form, row, None if form.is_column else column)


def _slice(setter: _Transcription, expression: Any) -> Expr:
    if any(step != 1 for _, _, step in (expression.rowslice, expression.colslice)):
        raise _NoForm
    return _block(setter, expression.parent, expression.rowslice[:2], expression.colslice[:2])


def _block(setter: _Transcription, parent: Any, rows: Any, columns: Any) -> Expr:
    form = setter.set(parent)
    chosen: list[Index] = []
    for (start, stop), size in zip((rows, columns), (form.rows, form.cols), strict=True):
        start, stop = sympy.sympify(start), sympy.sympify(stop)
        if same(start, sympy.Integer(0)) and same(stop, size):
            chosen.append(None)
        else:
            chosen.append(start if same(sympy.expand(stop - start), ONE) else (start, stop))
    return form if chosen == [None, None] else block(form, chosen[0], chosen[1])


OPERATORS: Final = {
    "norm2": "norm",
    "sum": "sum",
    "rowsum": "rowsum",
    "colsum": "colsum",
    "diagonal": "diagonal",
}
"""Functions of the language that have an operator of the notation."""

KEPT: Final = frozenset(
    "exp log log1p abs sign sin cos tan asin acos atan sinh cosh tanh erf sigmoid softplus relu "
    "selu gelu gelu_tanh silu mish heaviside leaky_relu elu max min clip where lt le gt ge logdet "
    "huber norm1 logsumexp rowlogsumexp softmax log_softmax rowsoftmax rowlog_softmax "
    "mean rowmean colmean prod amax amin var rowmax rowmin rowvar colmax colmin colvar norminf "
    "pinv kron vec unvec commutation solve cholesky expm expm_frechet tril triu hcat vcat "
    "layernorm rowlayernorm batchnorm rmsnorm rowrmsnorm attention".split()
)
"""Functions that are shown by their names."""

ROWS: Final[Mapping[type, Callable[[_Transcription, Any], Expr]]] = {
    sympy.Rational: _number,
    sympy.NumberSymbol: _constant,
    sympy.Symbol: _symbol,
    sympy.MatrixSymbol: _symbol,
    sympy.Add: _add,
    sympy.MatAdd: _add,
    sympy.Mul: _scalar_product,
    sympy.MatMul: _scalar_product,
    sympy.Pow: _power,
    sympy.MatPow: _matrix_power,
    sympy.Inverse: _inverse,
    sympy.Transpose: lambda setter, e: transposed(setter.set(e.args[0])),
    sympy.Trace: _trace,
    sympy.Determinant: _determinant,
    sympy.HadamardProduct: _hadamard,
    sympy.HadamardPower: _hadamard_power,
    sympy.OneMatrix: lambda _, e: ones(*e.shape),
    sympy.Identity: lambda _, e: identity(e.shape[0]),
    DiagMatrix: lambda setter, e: diag(setter.set(e.args[0])),
    MatrixElement: _element,
    MatrixSlice: _slice,
    sympy.KroneckerProduct: _kronecker,
    MatrixCall: _call,
    ScalarCall: _call,
}
"""How each node is set; the nearest class in its ancestry counts."""
