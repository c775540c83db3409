"""The words that the language keeps for itself, and what each of them is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from derive.language.tree import Node
from derive.vocabulary import COMPARISONS, FACTS, FUNCTIONS, REDUCTIONS, Function

__all__ = [
    "CALLABLE",
    "CONSTANTS",
    "FILLED",
    "default_kind",
    "function_of",
    "in_latin",
    "role_of",
    "spelled_out",
]

CONSTANTS: Final[Mapping[str, tuple[int, int]]] = {
    "I": (0, 1),
    "eye": (0, 1),
    "ones": (1, 2),
    "zeros": (1, 2),
}
"""Constant arrays: the least and the greatest number of sizes in their brackets."""

FILLED: Final = frozenset({"vector", "matrix"})
"""``vector(c)`` and ``matrix(c)``: c in every entry, the size inferred."""

CALLABLE: Final = frozenset((*FUNCTIONS, *CONSTANTS, *FILLED)) - frozenset(
    (*COMPARISONS.values(), *REDUCTIONS.values())
)
"""What may stand before a bracket."""

_STATEMENTS: Final = frozenset({"grad", "jacobian", "hessian", "derivative", "check", "wrt"})
_NUMBERS: Final = frozenset({"e", "pi"})

_GREEK: Final = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma "
    "tau upsilon phi chi psi omega".split()
)


_GREEK_LETTER: Final = re.compile(r"(?<![^\W\d_])[α-ρσ-ωΑ-Ω](?![^\W\d_])")
_LOOK_ALIKES: Final = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅԚԜοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwABEKMHOPCTYXIJSQWoABEZHIKMNOPTYX",
)


def spelled_out(name: str) -> str:
    """A name with the names of its Greek letters in place of those that stand alone.

    >>> [spelled_out(name) for name in ("α", "σ2", "x_β", "Δx")]
    ['alpha', 'sigma2', 'x_beta', 'Δx']
    """
    return _GREEK_LETTER.sub(lambda match: _letter_name(match.group()), name)


def _letter_name(letter: str) -> str:
    *_, size, _, word = unicodedata.name(letter).split()
    word = word.lower().replace("lamda", "lambda")
    return word.capitalize() if size == "CAPITAL" else word


def in_latin(name: str) -> str:
    """A name with Latin letters in place of those of other alphabets that look like them."""
    return name.translate(_LOOK_ALIKES)


def role_of(name: str) -> str | None:
    """What the language uses a name for; None when it is free."""
    if name in _STATEMENTS:
        return "a word of the language"
    if name in _NUMBERS or name in CONSTANTS:
        return "a constant"
    if name in CALLABLE:
        return "a function"
    return "a fact" if name in FACTS else None


def function_of(call: Node) -> Function:
    """The function that a call applies: with one argument, ``max`` is a reduction."""
    name = REDUCTIONS.get(call.value, call.value) if len(call.children) == 1 else call.value
    return FUNCTIONS[name]


def default_kind(name: str) -> str:
    """What a name is when nothing is declared: ``matrix``, ``vector`` or ``scalar``.

    >>> [default_kind(name) for name in ("W1", "x_hat", "sigma2", "lambda")]
    ['matrix', 'vector', 'scalar', 'scalar']
    """
    stem = name.split("_")[0].rstrip("0123456789")
    if stem in _GREEK:
        return "scalar"
    return "matrix" if name[0].isupper() else "vector"
