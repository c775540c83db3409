"""Matrix notation as one line of text: Unicode mathematics, or the problem language itself.

Two styles, each a table of precedences and one of templates. ``UNICODE`` is what a lecturer writes
(``W2ᵀ (p − y) ⊙ 1[z1 > 0]``); ``LANGUAGE`` can be read again as a problem
(``(W2'*(p - y)) .* where(z1 > 0, 1, 0)``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import sympy

from derive.notation.expression import Expr, Index, is_entrywise
from derive.shapes import Dim, size_text
from derive.tensor.nodes import Variable
from derive.tensor.printing import UNICODE as UNICODE_SIGNS
from derive.tensor.printing import index_notation
from derive.vocabulary import FUNCTIONS

__all__ = [
    "LANGUAGE",
    "UNICODE",
    "Style",
    "has_decimals",
    "is_root",
    "name_of",
    "number_text",
    "text",
]

GREEK: Final[Mapping[str, str]] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip

WORD: Final = re.compile(r"[^\W\d_]+")
"""The letters of a name between digits and underscores."""

SUPERSCRIPTS: Final = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")
FUNCTION_TEXT: Final = {"sigmoid": "σ", "inv": "inv"}
ENCLOSED: Final = {
    "abs": ("|", "|"), "norm1": ("‖", "‖₁"), "norminf": ("‖", "‖∞"), "hcat": ("[", "]"),
}  # fmt: skip
"""Functions written as brackets around their arguments."""
RELATIONS: Final = {"gt": ">", "lt": "<", "ge": "≥", "le": "≤"}
ASCII_RELATIONS: Final = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}


@dataclass(frozen=True)
class Style:
    """How one kind of text writes each operator.

    Attributes:
        levels: Precedence of each operator; a part below what its place demands gets brackets.
        symbols: The sign of each operator.
        name: How a variable's name is written.
        ascii: Whether only ASCII characters may appear.
    """

    levels: Mapping[str, int]
    symbols: Mapping[str, str]
    name: Callable[[Variable], str]
    ascii: bool


def name_of(variable: Variable) -> str:
    """A variable's name in Unicode: ``z̄2`` for the adjoint of z2, ``λ`` for lambda, ``x̂``."""
    name = variable.name
    if variable.role == "jacobian":
        return "/".join(f"∂{_written_name(part[1:])}" for part in name.split("/"))
    return _written_name(name, variable.role == "adjoint")


def _written_name(name: str, bar: bool | None = None) -> str:
    bar = name.endswith("_bar") if bar is None else bar
    if bar:
        name = name.removesuffix("_bar")
    name = WORD.sub(lambda match: GREEK.get(match.group(), match.group()), name)
    stem = name.rstrip("0123456789")
    tail = name[len(stem) :]
    head, _, rest = stem.partition("_")
    if rest == "hat" and len(head) == 1:
        return head + "\u0302" + ("\u0304" if bar else "") + tail
    if bar:
        head = head + "\u0304" if len(head) == 1 else "".join(c + "\u0305" for c in head)
    return head + ("_" + rest if rest else "") + tail


UNICODE: Final = Style(
    {"add": 1, "negative": 1, "hadamard": 2, "quotient": 2, "product": 3, "fraction": 3},
    {
        "add": " + ", "subtract": " − ", "negative": "−", "product": " ", "hadamard": " ⊙ ",
        "quotient": " ⊘ ", "fraction": " / ", "transpose": "ᵀ",
    },
    name_of,
    False,
)  # fmt: skip

LANGUAGE: Final = Style(
    {"add": 1, "negative": 1, "product": 2, "fraction": 2, "hadamard": 2, "quotient": 2},
    {
        "add": " + ", "subtract": " - ", "negative": "-", "product": "*", "hadamard": " .* ",
        "quotient": " ./ ", "fraction": "/", "transpose": "'",
    },
    lambda variable: variable.name.replace("∂", "d").replace("/", "_"),
    True,
)  # fmt: skip

ATOMS: Final = frozenset({"symbol", "constant", "number"})
ONES: Final = "1 1ᵀ"
"""A matrix of ones, as the product that it is."""

POSTFIX: Final = 5
ATOM: Final = 6


def text(expr: Expr, style: Style = UNICODE) -> str:
    """The expression as one line."""
    inner = expr.args[0] if expr.op == "negative" else expr
    if inner.op == "number" and not inner.is_scalar:
        return _constant_array(inner, expr.op == "negative", style)
    return _Writer(style, has_decimals(expr)).write(expr, 0)


def _constant_array(expr: Expr, below_zero: bool, style: Style) -> str:
    """An array all of whose entries are one number."""
    sizes = f"({_sizes(expr)})"
    if expr.value == 0:
        return f"zeros{sizes}" if style.ascii else "0"
    sign = style.symbols["negative"] if below_zero else ""
    if expr.rows == 1 and not style.ascii:
        return f"{sign}1ᵀ" if expr.value == 1 else f"{sign}{number_text(expr.value)} · 1ᵀ"
    front = "" if expr.value == 1 else number_text(expr.value) + style.symbols["product"]
    return f"{sign}{front}ones{sizes}"


def _sizes(expr: Expr) -> str:
    """Rows and columns, of a column the rows alone."""
    sizes = (expr.rows,) if expr.is_column else (expr.rows, expr.cols)
    return ",".join(map(size_text, sizes))


def number_text(value: Fraction, decimals: bool = False) -> str:
    """A rational number as people write it: ``3``, ``1/2``, ``0.01``.

    Args:
        value: The number.
        decimals: Whether it stands among numbers that are written with a point.
    """
    if value.denominator == 1:
        return str(value.numerator)
    if decimals and _terminates(value):
        return _decimal(value)
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    if below != 1 or value.denominator <= 9:
        return str(value)
    return _decimal(value)


def _decimal(value: Fraction) -> str:
    short = repr(float(value)).replace("e-0", "e-")
    return short if float(short) else f"{Decimal(value.numerator) / Decimal(value.denominator):E}"


def _terminates(value: Fraction) -> bool:
    """Whether a number can be written with finitely many digits behind its point."""
    return 10 ** value.denominator.bit_length() % value.denominator == 0


def is_root(value: sympy.Expr) -> bool:
    """Whether a number is the root of one without roots, as sqrt(2) and sqrt(2/pi) are."""
    powers = (value**2).atoms(sympy.Pow)
    return not value.is_Atom and not value.free_symbols and all(p.exp.is_Integer for p in powers)


def has_decimals(expr: Expr) -> bool:
    """Whether a number in a formula is written with a point."""
    if expr.op == "number":
        return "/" not in number_text(expr.value) and expr.value.denominator != 1
    return any(has_decimals(arg) for arg in expr.args)


class _Writer:
    def __init__(self, style: Style, decimals: bool = False) -> None:
        self.style, self.decimals = style, decimals

    def write(self, expr: Expr, least: int) -> str:
        body = getattr(self, f"_{expr.op}", self._function)(expr)
        return f"({body})" if self._level(expr) < least else body

    def _level(self, expr: Expr) -> int:
        if expr.op == "broadcast":
            return self._level(expr.args[0])
        if expr.op == "number" and expr.value.denominator != 1:
            return 2 if "/" in self._number(expr) else ATOM
        if expr.op == "ones" and self._ones(expr) == ONES:
            return self.style.levels["product"]
        if expr.op in ("index", "sum_over"):
            return 0
        if expr.op == "jacobian" or (expr.op == "symbol" and expr.value.role == "jacobian"):
            return 2
        if expr.op in ("power", "hadamard_power", "transpose"):
            return POSTFIX
        if expr.op == "call" and expr.value == "power":
            return POSTFIX
        if self._is_kronecker(expr):
            return self.style.levels["hadamard"]
        if expr.op == "rowsum" or expr.op == "sum":
            return ATOM if not self._sums_vector(expr) else 2
        return self.style.levels.get(expr.op, ATOM)

    def _is_kronecker(self, expr: Expr) -> bool:
        return expr.op == "call" and expr.value == "kron" and not self.style.ascii

    def _sums_vector(self, expr: Expr) -> bool:
        inner = expr.args[0]
        if inner.op == "transpose":
            inner = inner.args[0]
        return (
            expr.op == "sum" and not self.style.ascii and inner.op == "symbol" and _is_vector(inner)
        )

    def _symbol(self, expr: Expr) -> str:
        return self.style.name(expr.value)

    def _number(self, expr: Expr) -> str:
        value = expr.value
        written = number_text(value, self.decimals)
        if self.style.ascii or "e-" not in written:
            return written
        digits, _, power = written.partition("e-")
        scale = f"10⁻{power.lstrip('0').translate(SUPERSCRIPTS)}"
        return scale if digits == "1" else f"{digits}·{scale}"

    def _constant(self, expr: Expr) -> str:
        value = expr.value
        if is_root(value):
            inner = str(value**2)
            if self.style.ascii:
                return f"sqrt({inner})"
            inner = inner.replace("pi", GREEK["pi"]).replace("*", " ")
            return f"√{inner}" if inner.isalnum() else f"√({inner})"
        written = "e" if str(value) == "E" else size_text(value)
        if self.style.ascii:
            return written if value.is_Atom else f"({written})"
        minus = self.style.symbols["negative"]
        return GREEK.get(written, written) if value.is_Atom else f"({written.replace('-', minus)})"

    def _identity(self, expr: Expr) -> str:
        return f"I({size_text(expr.rows)})" if self.style.ascii else "I"

    def _ones(self, expr: Expr) -> str:
        if not self.style.ascii and not expr.is_column:
            return "1ᵀ" if expr.rows == 1 else ONES
        return f"ones({_sizes(expr)})"

    def _add(self, expr: Expr) -> str:
        pieces = [self.write(expr.args[0], 1)]
        for term in expr.args[1:]:
            sign = "subtract" if term.op == "negative" else "add"
            inner = term.args[0] if term.op == "negative" else term
            pieces.append(self.style.symbols[sign] + self.write(inner, 2))
        return "".join(pieces)

    def _negative(self, expr: Expr) -> str:
        return self.style.symbols["negative"] + self.write(expr.args[0], 2)

    def _product(self, expr: Expr) -> str:
        level = self.style.levels["product"]
        pieces: list[str] = []
        for position, arg in enumerate(expr.args):
            least = level + 1 if arg.op == "fraction" or position else level
            if arg.op == "product":
                least = level + 1
            filled = self.style.ascii and arg.op == "number" and not arg.is_scalar
            piece = _constant_array(arg, False, self.style) if filled else self.write(arg, least)
            crowded = pieces and pieces[-1][-1].isdigit() and piece[0].isdigit()
            if crowded and not self.style.ascii:
                piece = f"· {piece}"
            pieces.append(piece)
        return self.style.symbols["product"].join(pieces)

    def _fraction(self, expr: Expr) -> str:
        level = self.style.levels["fraction"]
        above = self.write(expr.args[0], level)
        return above + self.style.symbols["fraction"] + self.write(expr.args[1], level + 1)

    def _hadamard(self, expr: Expr) -> str:
        level = self.style.levels["hadamard"]
        pieces = [
            self.write(arg, level + (self._nests(arg) and (position > 0 or not self.style.ascii)))
            for position, arg in enumerate(expr.args)
        ]
        return self.style.symbols["hadamard"].join(pieces)

    def _nests(self, arg: Expr) -> bool:
        """Whether a factor of an entrywise product has to be set in brackets."""
        return self.style.ascii or arg.op in ("quotient", "hadamard") or self._is_kronecker(arg)

    def _quotient(self, expr: Expr) -> str:
        level = self.style.levels["quotient"]
        above = self.write(expr.args[0], level + self._is_kronecker(expr.args[0]))
        return above + self.style.symbols["quotient"] + self.write(expr.args[1], level + 1)

    def _power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            if self.style.ascii:
                return f"sqrt({self.write(base, 0)})"
            inner = self.write(base, 0)
            return f"√{inner}" if base.op in ATOMS and inner.isalnum() else f"√({inner})"
        if base.op == "call" and base.value == "inv" and not self.style.ascii:
            return self.write(base.args[0], ATOM) + str(-exponent).translate(SUPERSCRIPTS)
        inner = self.write(base, ATOM if base.op != "norm" else 0)
        if self.style.ascii:
            return f"{inner}^{_exponent(exponent)}"
        return inner + str(exponent).translate(SUPERSCRIPTS)

    def _hadamard_power(self, expr: Expr) -> str:
        base, exponent = expr.args[0], expr.value
        if exponent == Fraction(1, 2):
            return f"sqrt({self.write(base, 0)})"
        if expr.is_column and not self.style.ascii and exponent.denominator == 1 and exponent > 0:
            return self.write(base, ATOM) + str(exponent).translate(SUPERSCRIPTS)
        if exponent == -1:
            return f"1{self.style.symbols['quotient']}{self.write(base, ATOM)}"
        inner = self.write(base, ATOM)
        if self.style.ascii:
            return f"{inner}.^{_exponent(exponent)}"
        return f"{inner}^⊙{str(exponent).translate(SUPERSCRIPTS)}"

    def _transpose(self, expr: Expr) -> str:
        inner = expr.args[0]
        if inner.op == "call" and inner.value == "inv" and not self.style.ascii:
            return f"{self.write(inner.args[0], ATOM)}⁻ᵀ"
        return self.write(inner, ATOM) + self.style.symbols["transpose"]

    def _norm(self, expr: Expr) -> str:
        inner = self.write(expr.args[0], 0)
        return f"norm2({inner})" if self.style.ascii else f"‖{inner}‖"

    def _sum(self, expr: Expr) -> str:
        if self._sums_vector(expr):
            inner = expr.args[0]
            if inner.op == "transpose":
                return f"{self.write(inner.args[0], 4)} 1"
            return f"1ᵀ {self.write(inner, 4)}"
        return f"sum({self.write(expr.args[0], 0)})"

    def _jacobian(self, expr: Expr) -> str:
        above, below = (self.style.name(variable) for variable in expr.value)
        return f"d{above}/d{below}" if self.style.ascii else f"∂{above}/∂{below}"

    def _broadcast(self, expr: Expr) -> str:
        return self.write(expr.args[0], 0)

    def _index(self, expr: Expr) -> str:
        if self.style.ascii:
            return index_notation(expr.value, name=self.style.name)
        return index_notation(expr.value, name=self.style.name, signs=UNICODE_SIGNS)

    def _sum_over(self, expr: Expr) -> str:
        index, _, _ = expr.value
        return f"{'sum' if self.style.ascii else 'Σ'}_{index} {self.write(expr.args[0], 2)}"

    def _block(self, expr: Expr) -> str:
        """A block beside others: an array of ones with its size; zeros, except in ASCII, as 0."""
        zero = expr.op == "number" and expr.value == 0
        return self.write(expr, 0) if zero and not self.style.ascii else text(expr, self.style)

    def _argument(self, expr: Expr) -> str:
        """An argument of a function of whole arrays; a size needs no brackets."""
        is_size = expr.op == "constant" and expr.value.free_symbols
        return size_text(expr.value) if is_size else self._block(expr)

    def _call(self, expr: Expr) -> str:
        name = expr.value
        args = [self.write(arg, 0) for arg in expr.args]
        if not is_entrywise(name):
            args = [self._argument(arg) for arg in expr.args]
        if name == "where" and expr.args[0].op == "call" and expr.args[0].value in RELATIONS:
            if not self.style.ascii and args[1:] == ["1", "0"]:
                return self.write(expr.args[0], 0)
            signs = ASCII_RELATIONS if self.style.ascii else RELATIONS
            left, right = (self.write(arg, 0) for arg in expr.args[0].args)
            return f"where({left} {signs[expr.args[0].value]} {right}, {args[1]}, {args[2]})"
        if name == "power":
            base, exponent = self.write(expr.args[0], ATOM), self.write(expr.args[1], ATOM)
            return f"{base}{'^' if expr.is_scalar or not self.style.ascii else '.^'}{exponent}"
        if name in RELATIONS:
            if self.style.ascii:
                return f"where({args[0]} {ASCII_RELATIONS[name]} {args[1]}, 1, 0)"
            return f"1[{args[0]} {RELATIONS[name]} {args[1]}]"
        if not self.style.ascii:
            both = zip(expr.args, args, strict=True)
            if name in ENCLOSED:
                left, right = ENCLOSED[name]
                return f"{left}{', '.join(args)}{right}"
            if name == "vcat":
                return f"[{'; '.join(_unbracketed(a, s) for a, s in both)}]"
            if name == "commutation":
                return f"K({','.join(args)})"
            if name == "kron":
                level = self.style.levels["product"]
                return " ⊗ ".join(
                    text(arg, self.style) if _is_filled(arg) else self.write(arg, level)
                    for arg in expr.args
                )
            if name == "pinv":
                return f"{self.write(expr.args[0], ATOM)}⁺"
            if name == "logdet":
                return f"log det {self.write(expr.args[0], ATOM)}"
            if name == "log" and expr.args[0].op == "symbol":
                return f"log {args[0]}"
            if name == "inv":
                return f"{self.write(expr.args[0], ATOM)}⁻¹"
            name = FUNCTION_TEXT.get(name, name)
        if name in FUNCTIONS:
            name = FUNCTIONS[name].written
        return f"{name}({', '.join(args)})"

    def _slice(self, expr: Expr) -> str:
        (inner,) = expr.args
        rows, cols = expr.value
        chosen = [self._choice(rows, inner.rows)]
        if not inner.is_column or cols is not None:
            chosen.append(self._choice(cols, inner.cols))
        return f"{self.write(inner, ATOM)}[{', '.join(chosen)}]"

    def _choice(self, choice: Index, size: Dim) -> str:
        """Which rows or columns; of a size that is no number, ends are left out."""
        if choice is None:
            return ":"
        if not isinstance(choice, tuple):
            return self._place(choice, size)
        start, stop = choice
        whole = size.is_Integer
        first = "" if start == 0 and not whole else self._place(start, size)
        last = "" if stop == size and not whole else self._place(stop, size)
        return f"{first}:{last}"

    def _place(self, index: Dim, size: Dim) -> str:
        """An index; just before the end of a size that is no number it counts from there."""
        behind = index - size
        shown = behind if behind.is_Integer and not index.is_Integer else index
        written = size_text(shown)
        return written if self.style.ascii else written.replace("-", "−")

    def _function(self, expr: Expr) -> str:
        names = {"trace": "tr"}
        args = ", ".join(self.write(arg, 0) for arg in expr.args)
        return f"{names.get(expr.op, expr.op)}({args})"


def _unbracketed(part: Expr, written: str) -> str:
    """A row of blocks above others, ``[A, B; C, D]``."""
    return written[1:-1] if part.op == "call" and part.value == "hcat" else written


def _is_filled(expr: Expr) -> bool:
    """Whether it is an array of one number."""
    return expr.op == "number" and not expr.is_scalar


def _is_vector(expr: Expr) -> bool:
    return expr.is_column or expr.rows == 1


def _exponent(value: Fraction) -> str:
    return str(value) if value.denominator == 1 and value > 0 else f"({value})"
