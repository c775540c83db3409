"""Formulas and words of a page as one line of text, in Unicode or in ASCII."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import Final

from derive.emit.text import UNICODE, Style, text
from derive.emit.words import Derivative, Equation, Formula, Indexed, Part, Signs, Words
from derive.tensor.nodes import Variable
from derive.tensor.printing import UNICODE as UNICODE_SIGNS
from derive.tensor.printing import index_notation

__all__ = ["ascii_text", "formula_text", "words_text"]

ASCII: Final = str.maketrans(
    {
        "−": "-", "ᵀ": "'", "·": ".", "×": "x", "⊙": ".*", "⊘": "./", "′": "'", "σ": "sigmoid",
        "∂": "d", "Σ": "sum", "δ": "delta", "λ": "lambda", "α": "alpha", "Φ": "Phi", "φ": "phi",
        "π": "pi", "√": "sqrt", "²": "^2", "³": "^3", "⁻": "^-", "¹": "1", "ᵏ": "^k", "‖": "|",
        "≥": ">=", "≤": "<=", "…": "...", "⟨": "<", "⟩": ">", "\u0304": "_bar", "\u0305": "",
        "μ": "mu", "’": "'", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "⊗": "kron", "±": "+/-",
    }
)  # fmt: skip

SUPERSCRIPTS: Final = UNICODE_SIGNS["digits"]


def ascii_text(line: str) -> str:
    """A line of Unicode mathematics in ASCII."""
    plain = unicodedata.normalize("NFD", line).translate(ASCII)
    return plain.encode("ascii", "replace").decode()


def words_text(words: Words, style: Style = UNICODE) -> str:
    """Prose with its formulas."""
    return "".join(
        piece if isinstance(piece, str) else formula_text(piece, style) for piece in words
    )


def formula_text(formula: Formula, style: Style = UNICODE) -> str:
    """A formula on one line."""
    if isinstance(formula, Signs):
        return formula.text
    if isinstance(formula, Indexed):
        signs = {} if style.ascii else {"signs": UNICODE_SIGNS}
        return index_notation(formula.tensor, formula.letters, style.name, **signs)
    if isinstance(formula, Equation):
        return " = ".join(formula_text(side, style) for side in formula.sides)
    if isinstance(formula, Derivative):
        return _derivative_text(formula, style)
    return text(formula, style)


def _derivative_text(formula: Derivative, style: Style) -> str:
    sign = "d" if style.ascii else "∂"
    below = "".join(
        sign + _part(by, style) + _exponent(len(list(same)), style)
        for by, same in groupby(formula.by)
    )
    above = sign + _exponent(len(formula.by), style) + _part(formula.of, style)
    letters = f"[{','.join(formula.letters)}]" if formula.letters else ""
    return f"{above}/{below}{letters}"


def _exponent(count: int, style: Style) -> str:
    if count == 1:
        return ""
    return f"^{count}" if style.ascii else "".join(SUPERSCRIPTS[int(digit)] for digit in str(count))


def _part(part: Part, style: Style) -> str:
    if isinstance(part, tuple):
        return f"({', '.join(map(style.name, part))})"
    return style.name(part) if isinstance(part, Variable) else formula_text(part, style)
