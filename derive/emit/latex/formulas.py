"""Matrix notation as LaTeX: one row for each operator of :data:`OPERATORS`.

As in :mod:`derive.emit.text`, a table of precedences decides on brackets; what stands under a root
or above a line needs none. Brackets grow with what they hold. What the language leaves to
broadcasting is written out: a column that is added to every column of a matrix as ``b 1ᵀ``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from derive.emit.latex.indexed import Entries
from derive.emit.latex.names import BOLD, LatexStyle, is_raised, latex_dim, latex_name
from derive.emit.latex.signs import (
    ENCLOSED,
    RELATIONS,
    applied,
    between,
    bracketed,
    constant_sign,
    function_sign,
    number_sign,
    ones_sign,
    script,
)
from derive.emit.latex.spelling import (
    is_matrix,
    is_relation,
    spelled_out,
    split_fraction,
)
from derive.emit.text import has_decimals, is_root
from derive.notation.expression import Expr, Index, is_entrywise
from derive.notation.raising import raised
from derive.shapes import ONE, Dim, same
from derive.tensor.nodes import Tensor
from derive.tensor.printing import alphabet

__all__ = [
    "ENTRYWISE",
    "PRODUCT",
    "SUM",
    "Writer",
    "gap",
    "latex",
    "latex_indexed",
    "latex_shape",
    "underbraced",
]

SUM: Final = 1
ENTRYWISE: Final = 2
PRODUCT: Final = 3
QUOTIENT: Final = 4
POSTFIX: Final = 5
ATOM: Final = 6

LEVELS: Final[Mapping[str, int]] = {
    "add": SUM, "negative": SUM, "hadamard": ENTRYWISE, "quotient": ENTRYWISE,
    "product": PRODUCT, "jacobian": QUOTIENT, "power": POSTFIX, "transpose": POSTFIX,
    "index": 0, "sum_over": 0,
}  # fmt: skip
"""Precedence of each operator; of those that are not here, that of an atom."""

CALL_LEVELS: Final[Mapping[str, int]] = {
    "inv": POSTFIX, "pinv": POSTFIX, "power": POSTFIX, "square": POSTFIX, "kron": ENTRYWISE,
    "sqrt": QUOTIENT, "where": SUM, "logdet": QUOTIENT,
}  # fmt: skip
"""Precedence of the functions that are set otherwise than as a name before brackets."""

LONG_NAME: Final = re.compile(r"(\\(hat|bar|overline|widehat|widetilde)\{)*\\math(rm|bf)\{[^}]{2}")
APPLIED: Final = re.compile(
    r"\\(?!left|[bB]ig)([a-z]+|operatorname\{.*)(\\!\\left|\\[bB]ig+l)?\(.*\)$"
)
"""A name, and a function of something, from which a thin space keeps what stands beside it."""

REMEMBERED: Final = 4096
"""Formulas that are not written again; each target prints the same ones."""

NUMBER_AHEAD: Final = re.compile(r"\d|\\(frac|sqrt)\{\d")
NUMBER_BEHIND: Final = re.compile(r"\d\}*$")


@lru_cache(maxsize=REMEMBERED)
def latex(expr: Expr, style: LatexStyle = BOLD) -> str:
    """The expression as one formula, without dollar signs."""
    inner = expr.args[0] if expr.op == "negative" else expr
    if inner.op == "number" and not inner.is_scalar:
        return _constant_array(inner, expr.op == "negative", style)
    return Writer(style, has_decimals(expr)).write(expr, 0)


def latex_indexed(tensor: Tensor, style: LatexStyle = BOLD, letters: str | None = None) -> str:
    """A tensor in index notation, ``\\sum_j A_{ij} x_j``.

    Args:
        tensor: Of any order.
        style: How names are set.
        letters: Letters of its axes; ``ijk...`` by default.
    """
    free = alphabet(tensor)
    axes = tuple(letters or free[: tensor.order])
    writer = Entries(style, free, lambda part: _whole(part, style))
    written = writer.show(tensor, axes)
    return writer.held.get(written, written)


def _whole(tensor: Tensor, style: LatexStyle) -> str | None:
    """A whole array in matrix notation, as a base of subscripts."""
    form = raised(tensor) if tensor.order <= 2 else None
    return (
        None
        if form is None or form.has_index
        else Writer(style).write(form, ATOM if tensor.order else PRODUCT)
    )


def latex_shape(shape: Sequence[Dim]) -> str:
    """A shape, ``n \\times m``; 1 for a scalar."""
    return r" \times ".join(map(_factor, shape)) or "1"


def _factor(dim: Dim) -> str:
    return f"({latex_dim(dim)})" if dim.is_Add else latex_dim(dim)


def underbraced(expr: Expr, style: LatexStyle = BOLD) -> str:
    """The formula with the shape of each array of its product under a brace."""
    return Writer(style, has_decimals(expr), braces=True).write(expr, 0)


def _constant_array(expr: Expr, below_zero: bool, style: LatexStyle) -> str:
    """An array all of whose entries are one number, with its sizes."""
    digit = r"\mathbf{%s}" if style.bold else "%s"
    if expr.value == 0:
        sizes = (expr.rows,) if expr.is_column else (expr.rows, expr.cols)
        return f"{digit % 0}_{{{latex_shape(sizes)}}}"
    front = "-" if below_zero else ""
    if expr.value != 1:
        front += f"{number_sign(expr.value)} " + ("" if style.bold else r"\cdot ")
    column = f"{digit % 1}_{{{latex_dim(expr.rows)}}}"
    row = rf"{digit % 1}_{{{latex_dim(expr.cols)}}}^\top"
    if expr.is_column:
        return front + column
    return front + (row if same(expr.rows, ONE) else f"{column} {row}")


class Writer:
    """Writes expressions in one style.

    Attributes:
        style: How names are set.
        decimals: Whether numbers are written with a point where they can be.
        flat: Whether a fraction is written in line, because it stands in another one.
        braces: Whether the outermost product has the shapes of its factors below it.
    """

    def __init__(
        self, style: LatexStyle, decimals: bool = False, flat: bool = False, braces: bool = False
    ) -> None:
        self.style, self.decimals, self.flat, self.braces = style, decimals, flat, braces

    def write(self, expr: Expr, least: int = 0) -> str:
        """The formula, in brackets where it binds less than its place demands."""
        expr = spelled_out(expr)
        body = str(getattr(self, f"_{expr.op}", self._function)(expr))
        return bracketed(body) if self.level(expr) < least else body

    def inline(self, expr: Expr, least: int = 0) -> str:
        """The formula where a fraction in it would be a fraction within a fraction."""
        return Writer(self.style, self.decimals, flat=True).write(expr, least)

    def level(self, expr: Expr) -> int:
        """Precedence of the formula as it is written."""
        expr = spelled_out(expr)
        own = getattr(self, f"_level_of_{expr.op}", None)
        return own(expr) if own is not None else LEVELS.get(expr.op, ATOM)

    def _level_of_broadcast(self, expr: Expr) -> int:
        return self.level(expr.args[0])

    def _level_of_symbol(self, expr: Expr) -> int:
        if expr.value.role == "jacobian":
            return QUOTIENT
        return POSTFIX if is_raised(expr.value.name, self.style) else ATOM

    def _level_of_number(self, expr: Expr) -> int:
        written = self._number(expr)
        if written.isdigit():
            return ATOM
        for sign, level in (("/", PRODUCT), (r"\frac", QUOTIENT), (r"\cdot", PRODUCT)):
            if sign in written:
                return level
        return POSTFIX if "^" in written else ATOM

    def _level_of_constant(self, expr: Expr) -> int:
        value = expr.value
        if value.is_Atom:
            return ATOM
        return SUM if value.is_Add else QUOTIENT if is_root(value) else PRODUCT

    def _level_of_ones(self, expr: Expr) -> int:
        return ATOM if expr.is_column else POSTFIX if same(expr.rows, ONE) else PRODUCT

    def _level_of_fraction(self, expr: Expr) -> int:
        _, rest = split_fraction(expr)
        if rest is None:
            return PRODUCT if self.flat else QUOTIENT
        inner = self.level(rest)
        return inner if inner == ENTRYWISE else PRODUCT

    def _level_of_norm(self, expr: Expr) -> int:
        return ATOM

    def _level_of_power(self, expr: Expr) -> int:
        return QUOTIENT if expr.value == Fraction(1, 2) else POSTFIX

    def _level_of_hadamard_power(self, expr: Expr) -> int:
        if expr.value == -1:
            return ENTRYWISE
        return QUOTIENT if expr.value == Fraction(1, 2) else POSTFIX

    def _level_of_call(self, expr: Expr) -> int:
        return CALL_LEVELS.get(expr.value, ATOM)

    def _symbol(self, expr: Expr) -> str:
        return latex_name(expr.value, self.style)

    def _number(self, expr: Expr) -> str:
        return number_sign(expr.value, self.decimals, self.flat)

    def _constant(self, expr: Expr) -> str:
        return constant_sign(expr.value)

    def _identity(self, expr: Expr) -> str:
        return r"\bm{I}" if self.style.bold else "I"

    @property
    def one(self) -> str:
        """An array of ones."""
        return ones_sign(self.style.bold)

    def _ones(self, expr: Expr) -> str:
        if expr.is_column:
            return self.one
        row = rf"{self.one}^\top"
        return row if same(expr.rows, ONE) else f"{self.one} {row}"

    def _add(self, expr: Expr) -> str:
        pieces = [self.write(expr.args[0], SUM)]
        for term in expr.args[1:]:
            below = term.op == "negative"
            inner = self.write(term.args[0] if below else term, ENTRYWISE)
            pieces.append(f"{'-' if below else '+'} {inner}")
        return " ".join(pieces)

    def _negative(self, expr: Expr) -> str:
        return "-" + self.write(expr.args[0], ENTRYWISE)

    def _product(self, expr: Expr) -> str:
        inner = Writer(self.style, self.decimals, self.flat) if self.braces else self
        return self.beside([inner.factor(arg, n) for n, arg in enumerate(expr.args)], expr.args)

    def factor(self, arg: Expr, position: int) -> str:
        """A factor at its place in a product."""
        arg = spelled_out(arg)
        opened = arg.op == "product" and not (arg.is_scalar or arg.args[0].is_scalar)
        joins = opened or arg.op in ("number", "constant", "ones")
        joins = joins or (position == 0 and arg.op == "fraction")
        return self.write(arg, PRODUCT if joins and self.level(arg) == PRODUCT else QUOTIENT)

    def beside(self, pieces: Sequence[str], factors: Sequence[Expr]) -> str:
        """Factors beside each other, with a point between two numbers."""
        braced = self.braces and sum(not factor.is_scalar for factor in factors) > 1
        written = last = ""
        for piece, factor in zip(pieces, factors, strict=True):
            written += gap(last, piece) if written else ""
            if braced and not factor.is_scalar:
                extent = latex_shape((factor.rows, factor.cols))
                piece = rf"\underbrace{{{piece}}}_{{{extent}}}"
            written, last = written + piece, piece
        return written

    def _fraction(self, expr: Expr) -> str:
        front, rest = split_fraction(expr)
        below = expr.args[1]
        if self.flat:
            if rest is not None:
                front = expr.args[0]
            return f"{self.write(front, PRODUCT)} / {self.write(below, QUOTIENT)}"
        line = rf"\frac{{{self.inline(front)}}}{{{self.inline(below)}}}"
        return line if rest is None else f"{line} {self.write(rest, ENTRYWISE)}"

    def _hadamard(self, expr: Expr) -> str:
        return r" \odot ".join(map(self.entrywise, expr.args))

    def entrywise(self, arg: Expr) -> str:
        """A factor of an entrywise product."""
        arg = spelled_out(arg)
        nests = arg.op in ("hadamard", "quotient") or _is_kronecker(arg)
        return self.write(arg, PRODUCT if nests else ENTRYWISE)

    def _quotient(self, expr: Expr) -> str:
        above, below = expr.args
        left = self.write(above, PRODUCT if _is_kronecker(above) else ENTRYWISE)
        return rf"{left} \oslash {self.write(below, PRODUCT)}"

    def _power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            return rf"\sqrt{{{self.write(base)}}}"
        if base.op == "call" and base.value == "inv":
            base, exponent = base.args[0], -exponent
        return f"{self.write(base, ATOM)}^{script(str(exponent))}"

    def _hadamard_power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            return rf"\sqrt{{{self.write(base)}}}"
        if exponent == -1:
            return rf"1 \oslash {self.write(base, PRODUCT)}"
        inner = self.write(base, ATOM)
        if expr.is_column and exponent.denominator == 1 and exponent > 0:
            return f"{inner}^{script(str(exponent))}"
        return rf"{inner}^{{\odot {exponent}}}"

    def _transpose(self, expr: Expr) -> str:
        inner = expr.args[0]
        if inner.op == "call" and inner.value == "inv":
            return rf"{self.write(inner.args[0], ATOM)}^{{-\top}}"
        if inner.op == "call" and inner.value == "pinv":
            return rf"{self.write(inner.args[0], ATOM)}^{{+\top}}"
        return rf"{self.write(inner, ATOM)}^\top"

    def _function(self, expr: Expr) -> str:
        return applied(function_sign(expr.op, self.style.spelled), self.write(expr.args[0]))

    def _norm(self, expr: Expr) -> str:
        (inner,) = expr.args
        right = r"\rVert_{\mathrm{F}}" if is_matrix(inner) else r"\rVert"
        return between(r"\lVert", self.write(inner), right)

    def _jacobian(self, expr: Expr) -> str:
        above, below = (latex_name(variable, self.style) for variable in expr.value)
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def _broadcast(self, expr: Expr) -> str:
        return self.write(expr.args[0])

    def _index(self, expr: Expr) -> str:
        return latex_indexed(expr.value, self.style)

    def _sum_over(self, expr: Expr) -> str:
        return rf"\sum_{{{expr.value[0]}}} {self.write(expr.args[0], ENTRYWISE)}"

    def _slice(self, expr: Expr) -> str:
        (inner,) = expr.args
        rows, cols = expr.value
        chosen = [_choice(rows, inner.rows)]
        if not inner.is_column or cols is not None:
            chosen.append(_choice(cols, inner.cols))
        return f"{self.write(inner, ATOM)}[{', '.join(chosen)}]"

    def _call(self, expr: Expr) -> str:
        name = expr.value
        special = getattr(self, f"_call_{name}", None)
        if special is not None:
            return str(special(expr.args))
        if name in RELATIONS:
            return self.one + bracketed(self._relation(expr), "[", "]")
        if name in ENCLOSED:
            (arg,) = expr.args
            inner = self.write(arg)
            if name != "abs" and is_matrix(arg):
                inner = applied(r"\operatorname{vec}", inner)
            left, right = ENCLOSED[name]
            return between(left, inner, right)
        shown = self.write if is_entrywise(name) else self._block
        return applied(function_sign(name, self.style.spelled), ", ".join(map(shown, expr.args)))

    def _block(self, expr: Expr) -> str:
        """An array beside others: zeros as 0, other constant ones with their size."""
        if expr.op == "number" and expr.value == 0 and not expr.is_scalar:
            return r"\mathbf{0}" if self.style.bold else "0"
        inner = expr.args[0] if expr.op == "negative" else expr
        constant = inner.op == "number" and not inner.is_scalar
        return latex(expr, self.style) if constant else self.write(expr)

    def _relation(self, expr: Expr, otherwise: bool = False) -> str:
        left, right = map(self.write, expr.args)
        return f"{left} {RELATIONS[expr.value][otherwise]} {right}"

    def _call_where(self, args: Sequence[Expr]) -> str:
        condition, first, second = args
        if is_relation(condition):
            holds, fails = self._relation(condition), self._relation(condition, True)
        else:
            inner = self.write(condition, ENTRYWISE)
            holds, fails = rf"{inner} \ne 0", f"{inner} = 0"
        rows = rf"{self.write(first)} & {holds} \\ {self.write(second)} & {fails}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def _call_power(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{{self.inline(args[1])}}}"

    def _call_sqrt(self, args: Sequence[Expr]) -> str:
        return rf"\sqrt{{{self.write(args[0])}}}"

    def _call_square(self, args: Sequence[Expr]) -> str:
        sign = "2" if args[0].is_column else r"{\odot 2}"
        return f"{self.write(args[0], ATOM)}^{sign}"

    def _call_dot(self, args: Sequence[Expr]) -> str:
        left, right = map(self.write, args)
        return rf"\langle {left}, {right} \rangle"

    def _call_log1p(self, args: Sequence[Expr]) -> str:
        return applied(r"\log", f"1 + {self.write(args[0], ENTRYWISE)}")

    def _call_inv(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{-1}}"

    def _call_pinv(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{+}}"

    def _call_logdet(self, args: Sequence[Expr]) -> str:
        return rf"\log\det {self.write(args[0], ATOM)}"

    def _call_kron(self, args: Sequence[Expr]) -> str:
        filled = [arg.op == "number" and not arg.is_scalar for arg in args]
        parts = zip(args, filled, strict=True)
        return r" \otimes ".join(
            self._block(arg) if whole else self.write(arg, PRODUCT) for arg, whole in parts
        )

    def _call_commutation(self, args: Sequence[Expr]) -> str:
        sizes = [self.write(arg) for arg in args]
        between = "" if all(len(size) == 1 and size.isalpha() for size in sizes) else ","
        matrix = r"\bm{K}" if self.style.bold else "K"
        return f"{matrix}_{{{between.join(sizes)}}}"

    def _call_unvec(self, args: Sequence[Expr]) -> str:
        sizes = r" \times ".join(self.write(arg, PRODUCT) for arg in args[1:])
        name = rf"\operatorname{{unvec}}_{{{sizes}}}" if sizes else r"\operatorname{unvec}"
        return applied(name, self.write(args[0]))

    def _call_hcat(self, args: Sequence[Expr]) -> str:
        return rf"\begin{{bmatrix}} {self._beside(args)} \end{{bmatrix}}"

    def _beside(self, args: Sequence[Expr]) -> str:
        return " & ".join(map(self._block, args))

    def _call_vcat(self, args: Sequence[Expr]) -> str:
        blocks = _are_rows_of_blocks(args)
        lines = [self._beside(arg.args) if blocks else self._block(arg) for arg in args]
        inner = r" \\ ".join(lines)
        return rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"


def _are_rows_of_blocks(args: Sequence[Expr]) -> bool:
    """Whether every part is a row of blocks, those of all rows equally wide."""
    widths = {tuple(part.cols for part in arg.args) for arg in args}
    return len(widths) == 1 and all(arg.op == "call" and arg.value == "hcat" for arg in args)


def gap(before: str, piece: str) -> str:
    """What stands between two factors: a point between two numbers, a thin space behind names.

    Brackets that stretch have a space of their own.
    """
    if NUMBER_BEHIND.search(before) and NUMBER_AHEAD.match(piece):
        return r" \cdot "
    named = LONG_NAME.match(before) or LONG_NAME.match(piece)
    apart = (
        named or before.endswith("]") or (APPLIED.match(before) and not piece.startswith(r"\left"))
    )
    return r" \, " if apart else " "


def _is_kronecker(expr: Expr) -> bool:
    return expr.op == "call" and expr.value == "kron"


def _choice(choice: Index, size: Dim) -> str:
    """Which rows or columns, as in :mod:`derive.emit.text`."""
    if choice is None:
        return "{:}"
    if not isinstance(choice, tuple):
        return _place(choice, size)
    start, stop = choice
    whole = size.is_Integer
    first = "" if start == 0 and not whole else _place(start, size)
    last = "" if stop == size and not whole else _place(stop, size)
    return f"{first}{{:}}{last}"


def _place(index: Dim, size: Dim) -> str:
    behind = index - size
    return latex_dim(behind if behind.is_Integer and not index.is_Integer else index)
