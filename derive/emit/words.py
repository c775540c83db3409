"""Prose with mathematics in it, in any language.

A phrase is a template: ``{v}`` is a place for a formula or for other words, and what stands between
two dollar signs is mathematics in Unicode, ``the inner product $⟨A, B⟩$``. A catalogue gives the
phrases of another language; formulas are the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from derive.notation.expression import Expr
from derive.tensor.nodes import Tensor, Variable

__all__ = [
    "ENGLISH",
    "Derivative",
    "Equation",
    "Formula",
    "Indexed",
    "Part",
    "Piece",
    "Signs",
    "Wording",
    "Words",
    "joined",
    "phrase",
]


@dataclass(frozen=True, slots=True)
class Signs:
    """Mathematics of a law, as its row has it: ``Z = W A``.

    Attributes:
        text: The mathematics.
        beside: All of it that is said in the same phrase; it shows what a letter stands for.
    """

    text: str
    beside: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Indexed:
    """A tensor in index notation.

    Attributes:
        tensor: Of any order.
        letters: One for each axis.
    """

    tensor: Tensor
    letters: str


Part: TypeAlias = "Variable | Indexed | tuple[Variable, ...]"
"""What one may differentiate by: an array, an entry, several arrays together."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """``∂J/∂W``, ``∂²J/∂w∂b``, ``∂y[i]/∂x[j]``: a derivative by its name.

    Attributes:
        of: What is differentiated.
        by: By what, each in turn; several variables together are a tuple.
        letters: Of the entry of the whole array, where it is one and its letters are not said.
    """

    of: Variable | Indexed
    by: tuple[Part, ...]
    letters: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """Formulas joined by equals signs."""

    sides: tuple[Formula, ...]


Formula: TypeAlias = Expr | Signs | Indexed | Derivative | Equation
Piece: TypeAlias = str | Formula
Words: TypeAlias = tuple[Piece, ...]
"""Prose and formulas in turn."""

MATHEMATICS: Final = re.compile(r"\$([^$]*)\$")
PLACE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Wording:
    """One language's phrases.

    Attributes:
        language: Its code, ``en`` or ``zh``.
        phrases: Translations of the English phrases; what is missing stays English.
        comma: What stands between the members of a list.
        stop: What stands between a formula's reasons.

    >>> ENGLISH("{n} of $xᵀ y$", n="two")
    ('two of ', Signs(text='xᵀ y'))
    """

    language: str = "en"
    phrases: Mapping[str, str] = field(default_factory=dict)
    comma: str = ", "
    stop: str = "; "

    def __call__(self, phrase: str, **places: Piece | Words) -> Words:
        """A phrase with its places filled; inside mathematics only with text."""
        template = self.phrases.get(phrase, phrase)
        parts = [tuple(_filled(part, places)) for part in MATHEMATICS.split(template)]
        signs = tuple("".join(map(str, part)) for part in parts[1::2])
        pieces: list[Piece] = []
        for number, part in enumerate(parts):
            pieces.extend([Signs(signs[number // 2], signs)] if number % 2 else part)
        return _merged(pieces)

    def text(self, phrase: str) -> str:
        """A phrase without places."""
        return self.phrases.get(phrase, phrase)

    def count(self, number: int, one: str, many: str) -> str:
        """``1 step`` or ``3 steps``; the phrases have a place ``{count}``."""
        return self.text(one if number == 1 else many).format(count=number)

    def listed(self, members: Sequence[Piece | Words]) -> Words:
        """Members of a list, with ``and`` before the last one."""
        if len(members) < 2:
            return joined(members)
        *first, last = members
        return self(AND, first=joined(first, self.comma), last=_words(last))


def _filled(part: str, places: Mapping[str, Piece | Words]) -> Iterable[Piece]:
    """Text with its places filled; braces around anything else are text."""
    for number, piece in enumerate(PLACE.split(part)):
        if number % 2 == 0:
            yield piece
        elif piece in places:
            yield from _words(places[piece])
        else:
            yield f"{{{piece}}}"


def _words(place: Piece | Words) -> Words:
    return place if isinstance(place, tuple) else (place,)


def _merged(pieces: Iterable[Piece]) -> Words:
    """Neighbouring strings as one, without empty ones."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            if found and isinstance(found[-1], str):
                found[-1] += piece
                continue
            if not piece:
                continue
        found.append(piece)
    return tuple(found)


def phrase(text: str) -> str:
    """The text, marked as one that is said later and so has to be in every catalogue."""
    return text


def joined(members: Iterable[Piece | Words], between: str = "") -> Words:
    """Words one after another, with a separator between them."""
    pieces: list[Piece] = []
    for number, member in enumerate(members):
        if number and between:
            pieces.append(between)
        pieces.extend(_words(member))
    return _merged(pieces)


AND: Final = phrase("{first} and {last}")
ENGLISH: Final = Wording()
