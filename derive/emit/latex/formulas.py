"""Matrix notation as LaTeX: one row for each operator of :data:`OPERATORS`.

As in :mod:`derive.emit.text`, a table of precedences decides on brackets; a fraction and a root
need none inside. Brackets grow with what they hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import sympy

from derive.emit.latex.indexed import latex_indexed
from derive.emit.latex.names import (
    BOLD,
    LatexStyle,
    escaped,
    is_raised,
    latex_dim,
    latex_name,
)
from derive.emit.text import number_text
from derive.notation.expression import Expr, Index, is_entrywise, product, transposed
from derive.shapes import ONE, Dim, same
from derive.vocabulary import FUNCTIONS

__all__ = ["bracketed", "latex", "latex_shape", "underbraced"]

SUM: Final = 1
ENTRYWISE: Final = 2
PRODUCT: Final = 3
QUOTIENT: Final = 4
POSTFIX: Final = 5
ATOM: Final = 6

LEVELS: Final[Mapping[str, int]] = {
    "add": SUM, "negative": SUM, "hadamard": ENTRYWISE, "quotient": ENTRYWISE,
    "product": PRODUCT, "rowsum": PRODUCT, "colsum": PRODUCT, "jacobian": QUOTIENT,
    "power": POSTFIX, "hadamard_power": POSTFIX, "transpose": POSTFIX,
    "index": 0, "sum_over": 0,
}  # fmt: skip
"""Precedence of each operator; of those that are not here, that of an atom."""

COMMANDS: Final[Mapping[str, str]] = {
    "exp": r"\exp", "log": r"\log", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sinh": r"\sinh",
    "cosh": r"\cosh", "tanh": r"\tanh", "sigmoid": r"\sigma", "det": r"\det",
    "max": r"\max", "min": r"\min", "amax": r"\max", "amin": r"\min",
    "gelu_tanh": r"\operatorname{GELU}_{\tanh}", "log_softmax": r"\log\operatorname{softmax}",
    "rowlog_softmax": r"\log\operatorname{rowsoftmax}", "expm_frechet": r"L_{\exp}",
    "softmax_cross_entropy": r"\operatorname{softmax\text{-}cross\text{-}entropy}",
}  # fmt: skip
"""Functions that are set by a command of their own."""

WORDS: Final[Mapping[str, str]] = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU",
    "silu": "SiLU", "cholesky": "chol", "trace": "tr", "tr": "tr", "sse": "SSE", "mse": "MSE",
    "mae": "MAE", "bce": "BCE", "kl": "KL", "nll": "NLL",
}  # fmt: skip
"""Functions that are set by another word than that by which they are called."""

RELATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "gt": (">", r"\le"), "lt": ("<", r"\ge"), "ge": (r"\ge", "<"), "le": (r"\le", ">"),
}  # fmt: skip
"""Comparisons, and what holds where they do not."""

ENCLOSED: Final[Mapping[str, tuple[str, str]]] = {
    "abs": (r"\lvert", r"\rvert"),
    "norm1": (r"\lVert", r"\rVert_1"),
    "norminf": (r"\lVert", r"\rVert_\infty"),
}
"""Functions that are set as bars around their argument."""

MEANS: Final[Mapping[str, str]] = {"rowmean": "rowsum", "colmean": "colsum"}
"""Means of rows and columns, and the sums that they are a multiple of."""

TALL: Final = re.compile(r"\\(frac|sum|prod|begin|underbrace|left)\b")
SIZES: Final = (("", "", ""), (r"\bigl", r"\bigr", "("), (r"\Bigl", r"\Bigr", r"\bigl"))


def latex(expr: Expr, style: LatexStyle = BOLD) -> str:
    """The expression as one formula, without dollar signs."""
    inner = expr.args[0] if expr.op == "negative" else expr
    if inner.op == "number" and not inner.is_scalar:
        return _constant_array(inner, expr.op == "negative")
    return _Writer(style).write(expr, 0)


def latex_shape(shape: Sequence[Dim]) -> str:
    """A shape, ``n \\times m``; 1 for a scalar."""
    return r" \times ".join(map(latex_dim, shape)) or "1"


def underbraced(expr: Expr, style: LatexStyle = BOLD) -> str:
    """The formula with the shape of each array of its product under a brace."""
    return _Writer(style, braces=True).write(expr, 0)


def bracketed(inner: str, left: str = "(", right: str = ")") -> str:
    """A formula in brackets of its own height."""
    if TALL.search(_level_ground(inner)):
        return rf"\left{left} {inner} \right{right}"
    for before, after, held in reversed(SIZES):
        if not held or held in inner:
            return f"{before}{left} {inner} {after}{right}" if before else f"{left}{inner}{right}"
    raise AssertionError(inner)


def _level_ground(source: str) -> str:
    """A formula without its subscripts and superscripts, which do not make brackets grow."""
    kept: list[str] = []
    depth = skipped = 0
    for position, character in enumerate(source):
        if character == "{" and not skipped and position and source[position - 1] in "_^":
            skipped = depth + 1
        depth += (character == "{") - (character == "}")
        if not skipped:
            kept.append(character)
        elif depth < skipped:
            skipped = 0
    return "".join(kept)


def _constant_array(expr: Expr, below_zero: bool) -> str:
    """An array all of whose entries are one number, with its sizes."""
    sizes = latex_dim(expr.rows) if expr.is_column else latex_shape((expr.rows, expr.cols))
    if expr.value == 0:
        return rf"\mathbf{{0}}_{{{sizes}}}"
    front = ("-" if below_zero else "") + ("" if expr.value == 1 else rf"{_rational(expr.value)}\,")
    return rf"{front}\mathbf{{1}}_{{{sizes}}}"


def _rational(value: Fraction) -> str:
    """A rational number; a denominator below a line, tiny ones as a power of ten."""
    text = number_text(value)
    if "/" in text:
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    found = re.fullmatch(r"(-?[\d.]+)[eE]([+-]?)0*(\d+)", text)
    if not found:
        return text
    power = f"10^{{{found[2].replace('+', '')}{found[3]}}}"
    return power if found[1] == "1" else rf"{found[1]} \cdot {power}"


class _Writer:
    def __init__(self, style: LatexStyle, braces: bool = False) -> None:
        self.style, self.braces = style, braces

    def write(self, expr: Expr, least: int) -> str:
        """The formula, in brackets where it binds less than its place demands."""
        expr = _spelled_out(expr)
        body = self._body(expr)
        return bracketed(body) if self._level(expr) < least else body

    def _body(self, expr: Expr) -> str:
        return str(getattr(self, f"_{expr.op}", self._function)(expr))

    def _level(self, expr: Expr) -> int:
        if expr.op == "broadcast":
            return self._level(_spelled_out(expr.args[0]))
        if expr.op == "symbol":
            if expr.value.role == "jacobian":
                return QUOTIENT
            return POSTFIX if is_raised(expr.value.name, self.style) else ATOM
        if expr.op == "number":
            text = _rational(expr.value)
            return (
                QUOTIENT
                if "frac" in text
                else PRODUCT
                if "cdot" in text
                else (POSTFIX if "^" in text else ATOM)
            )
        if expr.op == "constant":
            return ATOM if expr.value.is_Atom else QUOTIENT if expr.value.is_Pow else PRODUCT
        if expr.op == "ones":
            return ATOM if expr.is_column else POSTFIX if expr.rows == 1 else PRODUCT
        if expr.op == "fraction":
            _, rest = _front(expr)
            return QUOTIENT if rest is None else min(PRODUCT, self._level(_spelled_out(rest)))
        if expr.op == "sum":
            return PRODUCT if _is_vector_sum(expr) else ATOM
        if expr.op == "norm" or (expr.op == "call" and expr.value in ENCLOSED):
            return POSTFIX if expr.op == "norm" and _is_matrix(expr.args[0]) else ATOM
        if expr.op == "power" and expr.value == Fraction(1, 2):
            return QUOTIENT
        if expr.op == "hadamard_power":
            return (
                ENTRYWISE
                if expr.value == -1
                else QUOTIENT
                if expr.value == Fraction(1, 2)
                else POSTFIX
            )
        if expr.op == "call":
            return self._call_level(expr)
        return LEVELS.get(expr.op, ATOM)

    def _call_level(self, expr: Expr) -> int:
        name = expr.value
        if name in ("inv", "pinv", "power", "square"):
            return POSTFIX
        if name == "kron":
            return ENTRYWISE
        if name == "sqrt":
            return QUOTIENT
        if name == "where":
            return SUM
        return ATOM

    def _symbol(self, expr: Expr) -> str:
        return latex_name(expr.value, self.style)

    def _number(self, expr: Expr) -> str:
        return _rational(expr.value)

    def _constant(self, expr: Expr) -> str:
        value = expr.value
        if value == sympy.E:
            return "e"
        if value.free_symbols:
            return latex_dim(value)
        powers = (value**2).atoms(sympy.Pow)
        if not value.is_Atom and value.is_positive and all(p.exp.is_Integer for p in powers):
            return rf"\sqrt{{{sympy.latex(value**2)}}}"
        return str(sympy.latex(value))

    def _identity(self, expr: Expr) -> str:
        return r"\bm{I}" if self.style.bold else "I"

    def _one(self) -> str:
        return r"\mathbf{1}" if self.style.bold else "1"

    def _ones(self, expr: Expr) -> str:
        if expr.is_column:
            return self._one()
        row = rf"{self._one()}^\top"
        return row if expr.rows == 1 else f"{self._one()} {row}"

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
        return self._joined(expr.args)

    def _joined(self, factors: Sequence[Expr]) -> str:
        """Factors beside each other, with a point between two numbers."""
        pieces: list[str] = []
        for factor in factors:
            piece = self.write(
                factor,
                PRODUCT
                + (
                    factor.op in ("product", "fraction", "rowsum", "colsum", "sum", "ones")
                    and len(factors) > 1
                ),
            )
            if (
                pieces
                and re.match(r"\d|\\frac\{\d|\\sqrt\{\d", piece)
                and re.search(r"\d\}?$", pieces[-1])
            ):
                piece = rf"\cdot {piece}"
            pieces.append(piece)
        return " ".join(pieces)

    def _fraction(self, expr: Expr) -> str:
        front, rest = _front(expr)
        above = self.write(front, 0)
        below = self.write(expr.args[1], 0)
        line = rf"\frac{{{above}}}{{{below}}}"
        return line if rest is None else f"{line} {self.write(rest, ENTRYWISE)}"

    def _hadamard(self, expr: Expr) -> str:
        return r" \odot ".join(
            self.write(
                arg,
                ENTRYWISE
                + (_spelled_out(arg).op in ("hadamard", "quotient") or _is_kronecker(arg)),
            )
            for arg in expr.args
        )

    def _quotient(self, expr: Expr) -> str:
        above, below = expr.args
        left = self.write(above, ENTRYWISE + _is_kronecker(above))
        return rf"{left} \oslash {self.write(below, PRODUCT)}"

    def _power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            return rf"\sqrt{{{self.write(base, 0)}}}"
        if base.op == "call" and base.value == "inv":
            base, exponent = base.args[0], -exponent
        if base.op == "norm":
            return f"{self.write(base, 0)}^{_script(str(exponent))}"
        return f"{self.write(base, ATOM)}^{_script(str(exponent))}"

    def _hadamard_power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            return rf"\sqrt{{{self.write(base, 0)}}}"
        if exponent == -1:
            return rf"1 \oslash {self.write(base, PRODUCT)}"
        inner = self.write(base, ATOM)
        if expr.is_column and exponent.denominator == 1 and exponent > 0:
            return f"{inner}^{_script(str(exponent))}"
        return rf"{inner}^{{\odot {exponent}}}"

    def _transpose(self, expr: Expr) -> str:
        inner = expr.args[0]
        if inner.op == "call" and inner.value == "inv":
            return rf"{self.write(inner.args[0], ATOM)}^{{-\top}}"
        return rf"{self.write(inner, ATOM)}^\top"

    def _function(self, expr: Expr) -> str:
        return self._applied(_function_name(expr.op), expr.args)

    def _applied(self, name: str, args: Sequence[Expr]) -> str:
        inner = ", ".join(self.write(arg, 0) for arg in args)
        held = bracketed(inner)
        return name + (r"\!" if held.startswith(r"\left") else "") + held

    def _norm(self, expr: Expr) -> str:
        (inner,) = expr.args
        right = r"\rVert_{\mathrm{F}}" if _is_matrix(inner) else r"\rVert"
        return self._between(r"\lVert", self.write(inner, 0), right)

    def _between(self, left: str, inner: str, right: str) -> str:
        if TALL.search(_level_ground(inner)):
            return rf"\left{left} {inner} \right{right}"
        return f"{left} {inner} {right}"

    def _sum(self, expr: Expr) -> str:
        if _is_vector_sum(expr):
            inner = expr.args[0]
            if inner.op == "transpose":
                return rf"{self._one()}^\top {self.write(inner.args[0], PRODUCT)}"
            if inner.is_column:
                return rf"{self._one()}^\top {self.write(inner, PRODUCT)}"
            return f"{self.write(inner, PRODUCT)} {self._one()}"
        return self._function(expr)

    def _rowsum(self, expr: Expr) -> str:
        return f"{self.write(expr.args[0], PRODUCT)} {self._one()}"

    def _colsum(self, expr: Expr) -> str:
        return rf"{self._one()}^\top {self.write(expr.args[0], PRODUCT)}"

    def _jacobian(self, expr: Expr) -> str:
        above, below = (latex_name(variable, self.style) for variable in expr.value)
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def _broadcast(self, expr: Expr) -> str:
        return self.write(expr.args[0], 0)

    def _index(self, expr: Expr) -> str:
        return latex_indexed(expr.value, self.style)

    def _sum_over(self, expr: Expr) -> str:
        index = expr.value[0]
        return rf"\sum_{{{index}}} {self.write(expr.args[0], ENTRYWISE)}"

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
            return f"{self._one()}{bracketed(self._relation(expr), '[', ']')}"
        if name in ENCLOSED:
            left, right = ENCLOSED[name]
            (arg,) = expr.args
            inner = self.write(arg, 0)
            if name != "abs" and _is_matrix(arg):
                inner = self._applied(r"\operatorname{vec}", [arg])
            return self._between(left, inner, right)
        if not is_entrywise(name):
            inner = ", ".join(self._block(arg) for arg in expr.args)
            held = bracketed(inner)
            return _function_name(name) + (r"\!" if held.startswith(r"\left") else "") + held
        return self._applied(_function_name(name), expr.args)

    def _block(self, expr: Expr) -> str:
        """An array beside others: zeros as 0, other constant ones with their size."""
        if expr.op == "number" and expr.value == 0:
            return r"\mathbf{0}" if not expr.is_scalar else "0"
        return latex(expr, self.style)

    def _relation(self, expr: Expr, otherwise: bool = False) -> str:
        left, right = (self.write(arg, 0) for arg in expr.args)
        return f"{left} {RELATIONS[expr.value][otherwise]} {right}"

    def _call_where(self, args: Sequence[Expr]) -> str:
        condition, first, second = args
        if condition.op == "call" and condition.value in RELATIONS:
            holds, fails = self._relation(condition), self._relation(condition, True)
        else:
            inner = self.write(condition, ENTRYWISE)
            holds, fails = rf"{inner} \ne 0", f"{inner} = 0"
        rows = rf"{self.write(first, 0)} & {holds} \\ {self.write(second, 0)} & {fails}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def _call_power(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{{self.write(args[1], 0)}}}"

    def _call_sqrt(self, args: Sequence[Expr]) -> str:
        return rf"\sqrt{{{self.write(args[0], 0)}}}"

    def _call_square(self, args: Sequence[Expr]) -> str:
        sign = "2" if args[0].is_column else r"{\odot 2}"
        return f"{self.write(args[0], ATOM)}^{sign}"

    def _call_log1p(self, args: Sequence[Expr]) -> str:
        inner = f"1 + {self.write(args[0], ENTRYWISE)}"
        held = bracketed(inner)
        return r"\log" + (r"\!" if held.startswith(r"\left") else "") + held

    def _call_inv(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{-1}}"

    def _call_pinv(self, args: Sequence[Expr]) -> str:
        return f"{self.write(args[0], ATOM)}^{{+}}"

    def _call_logdet(self, args: Sequence[Expr]) -> str:
        return rf"\log\det {self.write(args[0], ATOM)}"

    def _call_kron(self, args: Sequence[Expr]) -> str:
        return r" \otimes ".join(
            latex(arg, self.style)
            if arg.op == "number" and not arg.is_scalar
            else self.write(arg, PRODUCT)
            for arg in args
        )

    def _call_commutation(self, args: Sequence[Expr]) -> str:
        sizes = [self.write(arg, 0) for arg in args]
        between = "" if all(len(size) == 1 and size.isalpha() for size in sizes) else ","
        matrix = r"\bm{K}" if self.style.bold else "K"
        return f"{matrix}_{{{between.join(sizes)}}}"

    def _call_unvec(self, args: Sequence[Expr]) -> str:
        sizes = r" \times ".join(self.write(arg, 0) for arg in args[1:])
        return self._applied(rf"\operatorname{{unvec}}_{{{sizes}}}", args[:1])

    def _call_hcat(self, args: Sequence[Expr]) -> str:
        return rf"\begin{{bmatrix}} {' & '.join(map(self._block, args))} \end{{bmatrix}}"

    def _call_vcat(self, args: Sequence[Expr]) -> str:
        inner = r" \\ ".join(map(self._block, args))
        return rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"


def _function_name(name: str) -> str:
    """The sign of a function."""
    if name in COMMANDS:
        return COMMANDS[name]
    word = WORDS.get(name, FUNCTIONS[name].written if name in FUNCTIONS else name)
    inner = escaped(word).replace(r"\_", r"\text{-}")
    return rf"\operatorname{{{inner}}}"


def _spelled_out(expr: Expr) -> Expr:
    """A mean of rows or columns as a multiple of their sum, a solution by an inverse."""
    if expr.op != "call":
        return expr
    name, args = expr.value, expr.args
    if name in MEANS:
        count = args[0].cols if name == "rowmean" else args[0].rows
        inner = Expr(MEANS[name], args, expr.rows, expr.cols)
        if same(count, ONE):
            return inner
        below = (
            Expr("constant", (), ONE, ONE, count)
            if not count.is_Integer
            else Expr("number", (), ONE, ONE, Fraction(int(count)))
        )
        return Expr("fraction", (inner, below), expr.rows, expr.cols)
    if name == "solve":
        inverse = Expr("call", args[:1], args[0].rows, args[0].cols, "inv")
        return Expr("product", (inverse, args[1]), expr.rows, expr.cols)
    if name == "outer":
        return Expr("product", (args[0], transposed(args[1])), expr.rows, expr.cols)
    if name == "transpose":
        return Expr("transpose", args, expr.rows, expr.cols)
    if name == "affine":
        first = product(args[:2])
        return Expr("add", (first, args[2]), expr.rows, expr.cols)
    return expr


def _front(expr: Expr) -> tuple[Expr, Expr | None]:
    """What stands above the line of a fraction, and what behind it."""
    above, below = expr.args
    one = Expr("number", (), ONE, ONE, Fraction(1))
    simple = below.op in ("number", "constant", "symbol")
    if above.op == "product":
        scalars = [arg for arg in above.args if arg.is_scalar]
        arrays = [arg for arg in above.args if not arg.is_scalar]
        if arrays and (not above.is_scalar or simple):
            rest = product(arrays) if len(arrays) > 1 else arrays[0]
            return (product(scalars) if scalars else one), rest
        if (
            not arrays
            and below.op == "number"
            and scalars[-1].op not in ("symbol", "constant", "number")
        ):
            front = [arg for arg in scalars if arg.op in ("number",)]
            rest_ = [arg for arg in scalars if arg.op not in ("number",)]
            return (product(front) if front else one), product(rest_)
        return above, None
    if not above.is_scalar:
        return one, above
    if below.op == "number" and above.op in ("power", "add", "call", "sum", "trace", "norm"):
        return one, above
    return above, None


def _is_matrix(expr: Expr) -> bool:
    return not (expr.is_column or same(expr.rows, ONE))


def _is_kronecker(expr: Expr) -> bool:
    return expr.op == "call" and expr.value == "kron"


def _is_vector_sum(expr: Expr) -> bool:
    inner = expr.args[0]
    if inner.op == "transpose":
        inner = inner.args[0]
    return expr.op == "sum" and inner.op == "symbol" and not _is_matrix(inner)


def _script(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


def _choice(choice: Index, size: Dim) -> str:
    """Which rows or columns, as in :mod:`derive.emit.text`."""
    if choice is None:
        return ":"
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
