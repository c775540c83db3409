"""Signs of functions and numbers in LaTeX, and brackets of the height of what they hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Final

import sympy

from derive.emit.latex.names import escaped, latex_dim
from derive.emit.text import is_root, number_text
from derive.vocabulary import FUNCTIONS

__all__ = [
    "ENCLOSED",
    "RELATIONS",
    "applied",
    "between",
    "bracketed",
    "constant_sign",
    "function_sign",
    "is_tall",
    "number_sign",
    "ones_sign",
    "script",
]

COMMANDS: Final[Mapping[str, str]] = {
    "exp": r"\exp", "log": r"\log", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sinh": r"\sinh",
    "cosh": r"\cosh", "tanh": r"\tanh", "sigmoid": r"\sigma", "det": r"\det",
    "max": r"\max", "min": r"\min", "amax": r"\max", "amin": r"\min",
    "gelu_tanh": r"\operatorname{GELU}_{\tanh}", "log_softmax": r"\log\operatorname{softmax}",
    "rowlog_softmax": r"\log\operatorname{rowsoftmax}", "expm_frechet": r"L_{\exp}",
}  # fmt: skip
"""Functions that are set by a command of their own."""

WORDS: Final[Mapping[str, str]] = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU",
    "silu": "SiLU", "mish": "Mish", "cholesky": "chol", "trace": "tr", "tr": "tr", "sse": "SSE",
    "mse": "MSE", "mae": "MAE", "bce": "BCE", "kl": "KL", "nll": "NLL",
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

TALL: Final = re.compile(r"\\(frac|sum|prod|begin|underbrace|left)(?![a-zA-Z])")
SIZES: Final = (("", ""), (r"\bigl", r"\bigr"), (r"\Bigl", r"\Bigr"), (r"\biggl", r"\biggr"))
HELD: Final = ("(", r"\bigl", r"\Bigl")
"""Brackets in a formula that take those around it to the next size."""


def function_sign(name: str, spelled: Collection[str] = ()) -> str:
    """The sign of a function of the language; its name where it is to be spelled out."""
    if name in COMMANDS and name not in spelled:
        return COMMANDS[name]
    word = WORDS.get(name, FUNCTIONS[name].written if name in FUNCTIONS else name)
    inner = escaped(word).replace(r"\_", r"\text{-}")
    return rf"\operatorname{{{inner}}}"


def ones_sign(bold: bool) -> str:
    """An array of ones, or an indicator."""
    return r"\mathbf{1}" if bold else "1"


def number_sign(value: Fraction, decimals: bool = False, flat: bool = False) -> str:
    """A rational number; a denominator below a line, tiny ones as a power of ten.

    Args:
        value: The number.
        decimals: Whether it stands among numbers that are written with a point.
        flat: Whether a fraction stands in line.
    """
    text = number_text(value, decimals)
    if "/" in text:
        return text if flat else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    found = re.fullmatch(r"(-?[\d.]+)[eE]([+-]?)0*(\d+)", text)
    if not found:
        return text
    power = f"10^{{{found[2].replace('+', '')}{found[3]}}}"
    return power if found[1] == "1" else rf"{found[1]} \cdot {power}"


def constant_sign(value: sympy.Expr) -> str:
    """An irrational number, or a size."""
    if value == sympy.E:
        return "e"
    if value.free_symbols:
        return latex_dim(value)
    if is_root(value) and value.is_positive:
        return rf"\sqrt{{{sympy.latex(value**2)}}}"
    return str(sympy.latex(value))


def script(text: str) -> str:
    """A subscript or superscript, in braces where it needs them."""
    return text if len(text) == 1 else f"{{{text}}}"


def bracketed(inner: str, left: str = "(", right: str = ")", stretch: bool = True) -> str:
    """A formula in brackets of its own height.

    Args:
        inner: What they hold.
        left: The opening bracket.
        right: The closing bracket.
        stretch: Whether they may be a pair that stretches; such a pair stands on one line.
    """
    if is_tall(inner):
        if stretch:
            return rf"\left{left} {inner} \right{right}"
        return rf"\biggl{left} {inner} \biggr{right}"
    size = max((number for number, sign in enumerate(HELD, 1) if sign in inner), default=0)
    before, after = SIZES[size]
    return f"{before}{left} {inner} {after}{right}" if before else f"{left}{inner}{right}"


def applied(name: str, inner: str) -> str:
    """A function's sign before its arguments in brackets."""
    held = bracketed(inner)
    return name + (r"\!" if held.startswith(r"\left") else "") + held


def between(left: str, inner: str, right: str) -> str:
    """A formula between bars, which stretch where it is tall."""
    if is_tall(inner):
        return rf"\left{left} {inner} \right{right}"
    return f"{left} {inner} {right}"


def is_tall(source: str) -> bool:
    """Whether a formula is higher than a line of text."""
    return TALL.search(_level_ground(source)) is not None


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
