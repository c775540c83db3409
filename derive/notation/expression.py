"""Matrix notation as a tree: what every printer prints.

A node has an operator, arguments, and an extent: rows and columns of what it stands for, a vector
being a column. Which operators there are is :data:`OPERATORS`; each printer has one row for each.
The constructors keep the tree as a person would write it: no product of products, no transpose of
a transpose, numbers in front, minus signs outermost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any, Final, TypeAlias

from derive.calculus.layout import Layout
from derive.shapes import ONE, Dim, same
from derive.tensor.facts import is_symmetric
from derive.tensor.nodes import Variable
from derive.vocabulary import FUNCTIONS

__all__ = [
    "DOWN_COLUMNS",
    "OPERATORS",
    "Expr",
    "Index",
    "block",
    "call",
    "diag",
    "fraction",
    "hadamard",
    "identity",
    "is_decimal",
    "is_entrywise",
    "is_triangle_of_ones",
    "local_jacobian",
    "negative",
    "number",
    "ones",
    "oriented",
    "power",
    "product",
    "scaled",
    "symbol",
    "total",
    "transposed",
]

LARGEST_DIVISOR: Final = 1000
"""By no larger number than this is anything divided that can be multiplied by a decimal."""

OPERATORS: Final = {
    "symbol": "a named quantity; value is its Variable",
    "number": "a rational number, repeated over the extent",
    "constant": "an irrational number or a size; value is SymPy's",
    "identity": "I",
    "ones": "an array of ones",
    "add": "sum of arguments of one extent, minus signs in front of those that are negative",
    "negative": "minus the argument",
    "product": "matrix product of the arguments, scalars in front",
    "fraction": "first argument divided by the second, a scalar",
    "hadamard": "entrywise product",
    "quotient": "first argument divided entry by entry by the second",
    "power": "a scalar, or a square matrix, to a power; value is the exponent",
    "hadamard_power": "entrywise power; value is the exponent",
    "transpose": "transpose",
    "diag": "diagonal matrix of a vector",
    "diagonal": "diagonal of a matrix, as a vector",
    "trace": "trace",
    "sum": "sum of all entries",
    "rowsum": "sum of each row, a column",
    "colsum": "sum of each column, a row",
    "norm": "Euclidean or Frobenius norm",
    "call": "a function of the language; value is its name",
    "slice": "rows and columns of the argument; value is the pair of what is taken",
    "broadcast": "the argument repeated along its axes of size 1",
    "jacobian": "the local Jacobian du/dv; value is the pair of Variables (u, v)",
    "sum_over": "sum of the argument over an index; value is the index, its size and the tensor",
    "index": "index notation; value is a tensor of order at most 2",
}
"""Every operator, and what its node stands for."""


UNWRITTEN: Final = frozenset({"product", "add", "negative", "transpose"})
"""Operators that do not count where an expression is measured."""

Index: TypeAlias = Dim | tuple[Dim, Dim] | None
"""What a slice takes along one axis: an index, a start and a stop, or everything."""


@dataclass(frozen=True, slots=True)
class Expr:
    """One node of matrix notation.

    Attributes:
        op: A key of :data:`OPERATORS`.
        args: Parts, in the order in which they are written.
        rows, cols: The extent.
        value: A name, number, exponent or tensor, as the operator says.
        transposes: Number of transposes in it.
        has_index: Whether a part of it has no matrix form.
        size: Number of symbols and operators that are written.
    """

    op: str
    args: tuple[Expr, ...]
    rows: Dim
    cols: Dim
    value: Any = None
    transposes: int = field(init=False, compare=False, repr=False)
    has_index: bool = field(init=False, compare=False, repr=False)
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        index, inner = self.op == "index", self.args
        own = int(self.value.size) if index else not inner or self.op not in UNWRITTEN
        known = {
            "transposes": (self.op == "transpose") + sum(arg.transposes for arg in inner),
            "has_index": index or self.op == "sum_over" or any(arg.has_index for arg in inner),
            "size": own + sum(arg.size for arg in inner),
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number."""
        return same(self.rows, ONE) and same(self.cols, ONE)

    @property
    def is_column(self) -> bool:
        """Whether it has one column (a scalar has)."""
        return same(self.cols, ONE)


def symbol(variable: Variable, rows: Dim, cols: Dim) -> Expr:
    """A named quantity."""
    return Expr("symbol", (), rows, cols, variable)


def number(value: Fraction | int, rows: Dim = ONE, cols: Dim = ONE) -> Expr:
    """A rational number in every entry."""
    fraction_ = Fraction(value)
    if fraction_ < 0:
        return Expr("negative", (number(-fraction_, rows, cols),), rows, cols)
    return Expr("number", (), rows, cols, fraction_)


def ones(rows: Dim, cols: Dim) -> Expr:
    """An array of ones; the number 1 if it has one entry."""
    if same(rows, ONE) and same(cols, ONE):
        return number(1)
    return Expr("ones", (), rows, cols)


def identity(dim: Dim) -> Expr:
    """The identity matrix."""
    return Expr("identity", (), dim, dim)


def local_jacobian(above: Variable, below: Variable, layout: Layout = "numerator") -> Expr:
    """``∂u/∂v``: rows are the entries of u, columns those of v, a matrix column by column.

    In denominator layout rows are the entries of v, columns those of u.
    """
    sizes = [prod(variable.shape, start=ONE) for variable in (above, below)]
    rows, cols = sizes if layout == "numerator" else sizes[::-1]
    return Expr("jacobian", (), rows, cols, (above, below))


def total(terms: Sequence[Expr]) -> Expr:
    """The sum; positive terms come first, longer products before shorter ones."""
    if len(terms) == 1:
        return terms[0]
    ordered = sorted(terms, key=lambda term: term.op == "negative")
    return Expr("add", tuple(ordered), terms[0].rows, terms[0].cols)


def product(factors: Sequence[Expr]) -> Expr:
    """The matrix product; scalars come first, equal neighbours become a power."""
    scalars: list[Expr] = []
    arrays: list[Expr] = []
    sign = False
    queue = list(factors)
    while queue:
        factor = queue.pop(0)
        if factor.op == "negative":
            sign = not sign
            queue.insert(0, factor.args[0])
        elif factor.op == "product" and (len(factors) == 1 or _may_be_opened(factor)):
            queue[:0] = factor.args
        elif factor.is_scalar:
            scalars.append(factor)
        elif factor.op != "identity" or (not arrays and not any(not f.is_scalar for f in queue)):
            arrays.append(factor)
    scalars = sorted(_merged_numbers(scalars), key=_scalar_order)
    arrays = _merged_powers(arrays)
    parts = [*scalars, *arrays]
    if not parts:
        found = number(1)
    elif len(parts) == 1:
        found = parts[0]
    else:
        rows = arrays[0].rows if arrays else ONE
        cols = arrays[-1].cols if arrays else ONE
        found = Expr("product", tuple(parts), rows, cols)
    return negative(found) if sign else found


def _may_be_opened(expr: Expr) -> bool:
    """Whether a product's factors may stand among others: ``aᵀ b`` in ``(aᵀ b) p`` may not."""
    return not expr.is_scalar or all(arg.is_scalar for arg in expr.args)


def _scalar_order(expr: Expr) -> int:
    """Numbers stand first, then constants, names, and what is longer."""
    return {"number": 0, "constant": 1, "symbol": 2}.get(expr.op, 3)


def negative(expr: Expr) -> Expr:
    """Minus an expression."""
    if expr.op == "negative":
        return expr.args[0]
    return Expr("negative", (expr,), expr.rows, expr.cols)


def _merged_numbers(scalars: list[Expr]) -> list[Expr]:
    value = Fraction(1)
    others = []
    for scalar in scalars:
        if scalar.op == "number":
            value *= scalar.value
        else:
            others.append(scalar)
    return [number(value), *others] if value != 1 else others


def _merged_powers(arrays: list[Expr]) -> list[Expr]:
    merged: list[Expr] = []
    for array in arrays:
        last = merged[-1] if merged else None
        base, exponent = _power_of(array)
        if last is not None and same(array.rows, array.cols):
            known, count = _power_of(last)
            if known == base:
                merged[-1] = _matrix_power(base, Fraction(count + exponent))
                continue
        merged.append(array)
    return merged


def _power_of(expr: Expr) -> tuple[Expr, Fraction]:
    """A matrix as a power of another one; a transposed power as a power of the transpose."""
    if expr.op == "power":
        return expr.args[0], expr.value
    if expr.op == "transpose" and expr.args[0].op == "power":
        return transposed(expr.args[0].args[0]), expr.args[0].value
    return expr, Fraction(1)


def _matrix_power(base: Expr, exponent: Fraction) -> Expr:
    if base.op == "transpose":
        inner = _matrix_power(base.args[0], exponent)
        return Expr("transpose", (inner,), base.rows, base.cols)
    return Expr("power", (base,), base.rows, base.cols, exponent)


def scaled(coefficient: Fraction, expr: Expr) -> Expr:
    """A rational multiple: an integer in front, a denominator below."""
    if coefficient == 1:
        return expr
    if coefficient < 0:
        return negative(scaled(-coefficient, expr))
    if expr.op == "number" and expr.is_scalar:
        return number(coefficient * expr.value)
    if coefficient.denominator == 1 or is_decimal(coefficient):
        return product([number(coefficient), expr])
    above = product([number(coefficient.numerator), expr])
    return fraction(above, number(coefficient.denominator))


def is_decimal(value: Fraction) -> bool:
    """Whether a multiple is written ``0.044715 x`` and not ``8943 x/200000``; so not ``x/20``."""
    terminates = 10 ** value.denominator.bit_length() % value.denominator == 0
    return terminates and value.denominator > (LARGEST_DIVISOR if abs(value.numerator) == 1 else 9)


def fraction(above: Expr, below: Expr) -> Expr:
    """Division by a scalar; two numbers become one."""
    if below.op == "number" and below.value == 1:
        return above
    if above.op == "negative":
        return negative(fraction(above.args[0], below))
    if above.op == "number" and below.op == "number" and above.is_scalar:
        return number(above.value / below.value)
    if above.op == "fraction":
        return fraction(above.args[0], product([above.args[1], below]))
    return Expr("fraction", (above, below), above.rows, above.cols)


def hadamard(factors: Sequence[Expr], divisors: Sequence[Expr] = ()) -> Expr:
    """The entrywise product of arrays of one extent, divided by others."""
    like = (*factors, *divisors)[0]
    rows, cols = like.rows, like.cols
    flat: list[Expr] = []
    sign = False
    for factor in factors:
        if factor.op == "negative":
            sign, factor = not sign, factor.args[0]
        flat.extend(factor.args if factor.op == "hadamard" else (factor,))
    if len(flat) > 1:
        triangle = next((f for f in flat if is_triangle_of_ones(f)), None)
        if triangle is not None:
            rest = [factor for factor in flat if factor is not triangle]
            found = _cut(triangle.value, hadamard(rest, divisors))
            return negative(found) if sign else found
        flat = [part for factor in flat for part in _written_out(factor)]
    if like.is_scalar:
        above = product(flat) if flat else number(1)
        found = fraction(above, product(list(divisors))) if divisors else above
        return negative(found) if sign else found
    above = flat[0] if len(flat) == 1 else Expr("hadamard", tuple(flat), rows, cols)
    if not flat:
        above = number(1, rows, cols)
    if divisors:
        below = divisors[0] if len(divisors) == 1 else hadamard(divisors)
        above = Expr("quotient", (above, below), rows, cols)
    return negative(above) if sign else above


def _cut(function: str, expr: Expr) -> Expr:
    """A triangle of a matrix; of a transpose, the transpose of the other triangle."""
    if expr.op == "transpose":
        return transposed(_cut(TURNED_TRIANGLE[function], expr.args[0]))
    return call(function, [expr], expr.rows, expr.cols)


def is_triangle_of_ones(expr: Expr) -> bool:
    """Whether it is ``tril(ones(m,n))`` or ``triu(ones(m,n))``."""
    return expr.op == "call" and expr.value in TURNED_TRIANGLE and expr.args[0].op == "ones"


TURNED_TRIANGLE: Final = {"tril": "triu", "triu": "tril"}
TURNED: Final = {**TURNED_TRIANGLE, "hcat": "vcat", "vcat": "hcat"}
"""What is called of transposes where the transpose of the whole is meant."""
DOWN_COLUMNS: Final = {
    "rowmax": "colmax",
    "rowmin": "colmin",
    "rowvar": "colvar",
    "rowlayernorm": "batchnorm",
}
"""Functions of each row, and what they are called when the argument and the value are turned."""


def _written_out(factor: Expr) -> tuple[Expr, ...]:
    """The square of a named matrix as two factors, ``M ⊙ M``."""
    squared = factor.op == "hadamard_power" and factor.value == 2
    if squared and not factor.is_column and factor.args[0].op == "symbol":
        return (factor.args[0], factor.args[0])
    return (factor,)


def power(base: Expr, exponent: Fraction) -> Expr:
    """The entrywise power of an array, the power of a scalar."""
    if exponent == 1:
        return base
    if base.is_scalar:
        if base.op == "norm" and exponent.denominator == 1:
            return Expr("power", (base,), ONE, ONE, exponent)
        if base.op == "power":
            inner, whole = base.args[0], base.value * exponent
            signed = inner.op != "norm" and not base.value.numerator % 2
            absolute = signed and exponent.denominator != 1
            return power(call("abs", [inner], ONE, ONE) if absolute else inner, whole)
        return Expr("power", (base,), ONE, ONE, exponent)
    return Expr("hadamard_power", (base,), base.rows, base.cols, exponent)


def diag(vector: Expr) -> Expr:
    """The diagonal matrix with a column on its diagonal."""
    if vector.op == "negative":
        return negative(diag(vector.args[0]))
    return Expr("diag", (vector,), vector.rows, vector.rows)


def call(name: str, args: Sequence[Expr], rows: Dim, cols: Dim) -> Expr:
    """A function of the language."""
    return Expr("call", tuple(args), rows, cols, name)


def block(expr: Expr, rows: Index, cols: Index) -> Expr:
    """Rows and columns of a matrix, counted from 0; None for all of them."""
    if expr.op == "transpose":
        return transposed(block(expr.args[0], cols, rows))
    if expr.op == "slice":
        known_rows, known_cols = expr.value
        if (rows is None or known_rows is None) and (cols is None or known_cols is None):
            whole = expr.args[0]
            both = ((known_rows, rows), (known_cols, cols))
            return block(whole, *(new if known is None else known for known, new in both))
    extent = [
        size if index is None else index[1] - index[0] if isinstance(index, tuple) else ONE
        for size, index in ((expr.rows, rows), (expr.cols, cols))
    ]
    return Expr("slice", (expr,), extent[0], extent[1], (rows, cols))


def transposed(expr: Expr) -> Expr:
    """The transpose, pushed inwards where that leaves fewer transposes."""
    if expr.is_scalar or expr.op in ("diag", "identity"):
        return expr
    if expr.op == "transpose":
        return expr.args[0]
    if expr.op == "negative":
        return negative(transposed(expr.args[0]))
    if expr.op == "symbol" and is_symmetric(expr.value):
        return expr
    if expr.op == "call" and expr.value == "inv" and transposed(expr.args[0]) == expr.args[0]:
        return expr
    if expr.op == "power" and transposed(expr.args[0]) == expr.args[0]:
        return expr
    if expr.op == "call" and expr.value == "kron":
        inner = [transposed(arg) for arg in expr.args]
        if sum(arg.transposes for arg in inner) <= expr.transposes:
            return call("kron", inner, expr.cols, expr.rows)
    if expr.op == "call" and expr.value == "commutation":
        return call("commutation", expr.args[::-1], expr.cols, expr.rows)
    if expr.op == "call" and expr.value in TURNED:
        inner = [transposed(arg) for arg in expr.args]
        if sum(arg.transposes for arg in inner) <= expr.transposes:
            return call(TURNED[expr.value], inner, expr.cols, expr.rows)
    if expr.op == "call" and expr.value in DOWN_COLUMNS and expr.args[0].op == "transpose":
        args = [transposed(expr.args[0]), *expr.args[1:]]
        return call(DOWN_COLUMNS[expr.value], args, expr.cols, expr.rows)
    if expr.op in ("number", "ones"):
        return Expr(expr.op, (), expr.cols, expr.rows, expr.value)
    whole = Expr("transpose", (expr,), expr.cols, expr.rows)
    if expr.op == "broadcast":
        return Expr("broadcast", (transposed(expr.args[0]),), expr.cols, expr.rows)
    if expr.op == "fraction":
        return fraction(transposed(expr.args[0]), expr.args[1])
    if expr.op == "product":
        inner = [transposed(arg) for arg in reversed(expr.args)]
        scalars = [arg for arg in expr.args if arg.is_scalar]
        spread = product([*scalars, *(arg for arg in inner if not arg.is_scalar)])
        return spread if spread.transposes <= whole.transposes + 1 else whole
    entrywise = expr.op == "call" and is_entrywise(expr.value)
    if entrywise or expr.op in ("add", "hadamard", "quotient", "hadamard_power"):
        inner = [transposed(arg) for arg in expr.args]
        spread = Expr(expr.op, tuple(inner), expr.cols, expr.rows, expr.value)
        return spread if spread.transposes < whole.transposes else whole
    return whole


def is_entrywise(function: str) -> bool:
    """Whether a function works entry by entry."""
    return function not in FUNCTIONS or FUNCTIONS[function].signature is None


def oriented(expr: Expr, row: bool) -> Expr:
    """A column as the row that it stands for, where it does."""
    return transposed(expr) if row else expr
