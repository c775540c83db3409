"""Matrix notation spelled out for paper: sums and means as products with ones, fractions apart.

What the language has functions for, or leaves to broadcasting, is written on paper with an array of
ones: the sum of each row is ``A 1``, a column that is added to every column is ``b 1ᵀ``. What is
made here is the same quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from derive.emit.latex.signs import RELATIONS
from derive.notation.expression import Expr, number, product, transposed
from derive.shapes import ONE, Dim, same
from derive.vocabulary import SYNONYMS

__all__ = ["is_matrix", "is_relation", "spelled_out", "split_fraction"]

OWN_OPERATORS: Final[Mapping[str, str]] = {
    "sum": "sum", "rowsum": "rowsum", "colsum": "colsum", "norm2": "norm", "tr": "trace",
    "diag": "diag", "diagonal": "diagonal",
}  # fmt: skip
"""Functions for which matrix notation has an operator of its own."""

SIMPLE: Final = frozenset({"number", "constant", "symbol"})
"""Operators of what stands above a line as a coefficient, not behind it."""

APART: Final = frozenset({"sum", "trace", "call", "add", "norm"})
"""Operators of scalars that stand behind a fraction rather than above its line."""


def spelled_out(expr: Expr) -> Expr:
    """The outermost operator as it is written on paper; the same quantity."""
    if expr.op == "call":
        return _spelled_call(expr)
    if expr.op == "transpose":
        inner = spelled_out(expr.args[0])
        return expr if inner is expr.args[0] else transposed(inner)
    rule = OPERATORS.get(expr.op)
    return expr if rule is None else rule(expr)


def _spelled_call(expr: Expr) -> Expr:
    name = SYNONYMS.get(expr.value, expr.value)
    if name in OWN_OPERATORS:
        return spelled_out(Expr(OWN_OPERATORS[name], expr.args, expr.rows, expr.cols))
    if name in CALLS:
        return CALLS[name](expr)
    return expr if name == expr.value else Expr("call", expr.args, expr.rows, expr.cols, name)


def _ones(rows: Dim, cols: Dim) -> Expr:
    return Expr("ones", (), rows, cols)


def _times(*factors: Expr) -> Expr:
    """A product that keeps its factors in their order."""
    flat: list[Expr] = []
    for factor in factors:
        inner = spelled_out(factor)
        opened = inner.op == "product" and not inner.is_scalar
        flat.extend(inner.args if opened else (inner,))
    return Expr("product", tuple(flat), factors[0].rows, factors[-1].cols)


def _rowsum(expr: Expr) -> Expr:
    return _times(expr.args[0], _ones(expr.args[0].cols, ONE))


def _colsum(expr: Expr) -> Expr:
    return _times(_ones(ONE, expr.args[0].rows), expr.args[0])


def _sum(expr: Expr) -> Expr:
    """The sum of a vector that has a name, as a product with ones."""
    inner = expr.args[0]
    named = inner.args[0] if inner.op == "transpose" else inner
    if named.op != "symbol" or is_matrix(named):
        return expr
    if named.is_column:
        return _times(_ones(ONE, named.rows), named)
    return _times(named, _ones(named.cols, ONE))


def _repeated(expr: Expr) -> Expr:
    """What is repeated: a column ``b`` as ``b 1ᵀ``, a row ``c`` as ``1 c``; a scalar as it is."""
    inner = expr.args[0]
    if inner.is_scalar or not is_matrix(expr):
        return expr
    inner = spelled_out(inner)
    if inner.op == "fraction":
        above = _repeated(Expr("broadcast", inner.args[:1], expr.rows, expr.cols))
        return Expr("fraction", (above, inner.args[1]), expr.rows, expr.cols)
    if inner.is_column:
        return _times(inner, _ones(ONE, expr.cols))
    return _times(_ones(expr.rows, ONE), inner)


OPERATORS: Final[Mapping[str, Callable[[Expr], Expr]]] = {
    "rowsum": _rowsum, "colsum": _colsum, "sum": _sum, "broadcast": _repeated,
}  # fmt: skip
"""Operators that are written otherwise."""


def _rowmean(expr: Expr) -> Expr:
    return _divided(_rowsum(expr), expr.args[0].cols)


def _colmean(expr: Expr) -> Expr:
    return _divided(_colsum(expr), expr.args[0].rows)


def _divided(total: Expr, count: Dim) -> Expr:
    """A sum divided by the number of its terms."""
    if same(count, ONE):
        return total
    below = number(int(count)) if count.is_Integer else Expr("constant", (), ONE, ONE, count)
    return Expr("fraction", (total, below), total.rows, total.cols)


def _solve(expr: Expr) -> Expr:
    matrix, right = expr.args
    return _times(Expr("call", (matrix,), matrix.rows, matrix.cols, "inv"), right)


def _affine(expr: Expr) -> Expr:
    shift = Expr("broadcast", expr.args[2:], expr.rows, expr.cols)
    return Expr("add", (_times(*expr.args[:2]), shift), expr.rows, expr.cols)


def _dot(expr: Expr) -> Expr:
    left, right = expr.args
    return _times(transposed(left), right) if left.is_column else expr


def _where(expr: Expr) -> Expr:
    """1 where something holds, and 0 elsewhere, as the indicator of it."""
    condition, *branches = expr.args
    values = [part.value for part in branches if part.op == "number"]
    return condition if values == [1, 0] and is_relation(condition) else expr


CALLS: Final[Mapping[str, Callable[[Expr], Expr]]] = {
    "rowmean": _rowmean, "colmean": _colmean, "solve": _solve, "affine": _affine, "dot": _dot,
    "where": _where, "outer": lambda expr: _times(expr.args[0], transposed(expr.args[1])),
    "transpose": lambda expr: transposed(expr.args[0]),
}  # fmt: skip
"""Functions that are written otherwise."""


def split_fraction(expr: Expr) -> tuple[Expr, Expr | None]:
    """What stands above the line of a fraction, and what behind it."""
    above, below = expr.args
    one = Expr("number", (), ONE, ONE, Fraction(1))
    simple = _is_coefficient(below)
    if above.op != "product":
        if simple or _has_fraction(above):
            base = above.args[0] if above.op == "power" else above
            return (above, None) if above.is_scalar and base.op not in APART else (one, above)
        return above, None
    arrays = [arg for arg in above.args if not arg.is_scalar]
    if arrays and not simple and (above.is_scalar or _is_short(above)):
        return above, None
    front = [arg for arg in above.args if arg.is_scalar and (arrays or _is_coefficient(arg))]
    rest = [arg for arg in above.args if not any(arg is part for part in front)]
    if not rest:
        return above, None
    behind = rest[0] if len(rest) == 1 else Expr("product", tuple(rest), above.rows, above.cols)
    return product(front) if front else one, behind


def _has_fraction(expr: Expr) -> bool:
    return expr.op == "fraction" or any(map(_has_fraction, expr.args))


def _is_short(expr: Expr) -> bool:
    """Whether a product is one of two names, transposed or not."""
    bases = [arg.args[0] if arg.op == "transpose" else arg for arg in expr.args]
    return len(bases) == 2 and all(base.op == "symbol" for base in bases)


def _is_coefficient(expr: Expr) -> bool:
    """Whether a scalar is made of numbers, names and powers of them."""
    if expr.op == "product":
        return all(map(_is_coefficient, expr.args))
    return expr.op in SIMPLE or (expr.op == "power" and expr.args[0].op in SIMPLE)


def is_matrix(expr: Expr) -> bool:
    """Whether it has several rows and several columns."""
    return not (expr.is_column or same(expr.rows, ONE))


def is_relation(expr: Expr) -> bool:
    """Whether it is a comparison."""
    return expr.op == "call" and expr.value in RELATIONS
