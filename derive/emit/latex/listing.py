"""A Python module as the package ``listings`` sets it with pdfTeX, every character of it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from derive.emit.latex.names import MISSING, UNICODE_GREEK

__all__ = ["LITERATE", "listed"]

MATHEMATICS: Final = {
    "ᵀ": r"^\top", "⊙": r"\odot", "⊘": r"\oslash", "⊗": r"\otimes", "×": r"\times",
    "·": r"\cdot", "−": "-", "∂": r"\partial", "Σ": r"\Sigma", "√": r"\surd", "‖": r"\Vert",
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "⟨": r"\langle", "⟩": r"\rangle", "′": "{}'",
    "⁻": "^-", "⁺": "^+", "ᵏ": "^k", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "±": r"\pm", "∞": r"\infty",
    **{digit: f"^{number}" for number, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: f"_{number}" for number, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **UNICODE_GREEK,
}  # fmt: skip
"""Signs, and the mathematics that sets them."""

MARKS: Final = {
    "\u0304": r"\textasciimacron",
    "\u0305": r"\textasciimacron",
    "\u0302": r"\textasciicircum",
    "\u0303": r"\textasciitilde",
}
"""Marks that stand above the letter before them."""


def _above(mark: str, height: float) -> str:
    """A mark that is set over what stands before it."""
    return rf"\llap{{\raisebox{{{height}ex}}{{{mark}}}}}"


TEXT: Final = {"…": r"\ldots", "’": r"\textquotesingle", "–": "--", "—": "---"}

LITERATE: Final = (
    *((sign, f"${command}$", 1) for sign, command in MATHEMATICS.items()),
    *((sign, command, 1) for sign, command in TEXT.items()),
    *((mark, _above(command, 0.5), 0) for mark, command in MARKS.items()),
    *(
        (low + high, _above(MARKS[low], 0.5) + _above(MARKS[high], 1.1), 0)
        for low in MARKS
        for high in MARKS
        if low != high
    ),
)
"""What is set for a character, and how many columns of the listing that takes."""

KNOWN: Final = frozenset(sign for sign, _, _ in LITERATE)
END: Final = r"\end{lstlisting}"
LONG: Final = re.compile(r"\w{80}(?=\w)")
"""As much of a name as a line holds; the package parts lines between names alone."""


def listed(code: str) -> str:
    """The text of a listing: characters for which there is no type become marks."""
    plain = (_known(c) for character in code for c in _parts(character))
    text = "".join(plain).replace(END, END.replace("{", " {")).rstrip("\n")
    return LONG.sub(r"\g<0>\n", text)


def _parts(character: str) -> str:
    """A letter and the marks above it; a sign that is known as it is."""
    return character if character in KNOWN else unicodedata.normalize("NFD", character)


def _known(character: str) -> str:
    """A character that can be set."""
    if character in KNOWN or character == "\n":
        return character
    if character.isascii():
        return character if character.isprintable() else " "
    return _plain(character)


def _plain(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    plain = unicodedata.normalize("NFKD", character)
    return plain if plain.isascii() and plain.isprintable() else MISSING
