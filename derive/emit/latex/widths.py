"""How wide a formula is when it is set, in digits: a line of 345 pt at 10 pt holds 69.

Widths of signs are those of Computer Modern; what stands above and below a line, in scripts and in
the rows of an array is measured as it is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

__all__ = ["width"]

SCRIPT: Final = 0.72
"""Size of a script beside that of its base."""

TOKEN: Final = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}_^&]|\s+|.", re.DOTALL)

COMMANDS: Final[Mapping[str, float]] = {
    r"\odot": 2.4, r"\oslash": 2.4, r"\otimes": 2.4, r"\times": 2.4, r"\cdot": 1.4,
    r"\le": 2.7, r"\ge": 2.7, r"\ne": 2.7, r"\partial": 1.2,
    r"\left": 0.7, r"\right": 0.7, r"\bigl": 0.15, r"\bigr": 0.15, r"\Bigl": 0.4,
    r"\Bigr": 0.4, r"\biggl": 0.7, r"\biggr": 0.7,
    r"\top": 1.5, r"\infty": 2.0, r"\lVert": 1.0, r"\rVert": 1.0, r"\lvert": 0.6, r"\rvert": 0.6,
    r"\langle": 0.8, r"\rangle": 0.8, r"\ldots": 2.3, r"\dots": 2.3, r"\prime": 0.6, r"\,": 0.33,
    r"\;": 0.55, r"\:": 0.45, r"\!": -0.33, r"\quad": 2.0, r"\qquad": 4.0, r"\ ": 0.67,
    r"\{": 1.0, r"\}": 1.0, r"\_": 0.6, r"\in": 2.4, r"\to": 3.0, r"\mid": 1.6,
}  # fmt: skip
"""Widths of commands with the space around them; others are letters or switches.

Of brackets of a larger size, how much wider they are than small ones.
"""

OPERATORS: Final[Mapping[str, float]] = {r"\sum": 2.9, r"\prod": 2.6}
"""Widths of the signs that have their limits above and below."""

SWITCHES: Final = frozenset(
    {"mathrm", "mathit", "mathbb", "hat", "bar", "overline", "widehat", "widetilde", "tilde",
     "operatorname", "text", "big", "Big", "displaystyle", "textstyle", "limits"}
)  # fmt: skip
"""Commands that take no room of their own."""

BOLD: Final = frozenset({"bm", "mathbf"})
WEIGHT: Final = 1.15
"""Width of a bold letter beside that of another."""

TALL: Final = 1.0
"""How much wider brackets are around an array."""

NAMES: Final = frozenset(
    {"exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "det",
     "max", "min"}
)  # fmt: skip
"""Commands that set their own name."""

SIGNS: Final[Mapping[str, float]] = {
    "+": 2.4, "-": 2.3, "=": 2.7, "<": 2.7, ">": 2.7, ",": 0.9, ".": 0.55, "/": 1.0, "(": 0.78,
    ")": 0.78, "[": 0.56, "]": 0.56, ":": 0.6, ";": 0.9, "'": 0.5, "!": 0.56, "|": 0.56,
}  # fmt: skip

LETTERS: Final[Mapping[str, float]] = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            1.06, 0.86, 0.87, 1.04, 0.93, 1.19, 1.03, 1.15, 0.69, 0.94, 1.1, 0.64, 1.76, 1.2, 0.97,
            1.01, 0.96, 0.96, 0.94, 0.72, 1.14, 1.04, 1.49, 1.14, 1.05, 1.02,
            1.5, 1.62, 1.57, 1.71, 1.59, 1.56, 1.57, 1.82, 1.04, 1.3, 1.84, 1.36, 2.16, 1.82, 1.58,
            1.56, 1.58, 1.53, 1.34, 1.45, 1.58, 1.61, 2.17, 1.81, 1.61, 1.51,
        ),
        strict=True,
    )
)  # fmt: skip
"""Letters of mathematics with their italic corrections."""

REMEMBERED: Final = 4096
"""Formulas that are not measured again."""


@lru_cache(maxsize=REMEMBERED)
def width(source: str) -> float:
    """The width of a formula in digits."""
    return _Measure(TOKEN.findall(source)).row()[0]


class _Measure:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place = tokens, 0

    def row(self, stop: frozenset[str] = frozenset()) -> tuple[float, str]:
        """The width of what comes up to one of some tokens, and that token."""
        total = 0.0
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            if token in stop:
                self.place += 1
                return total, token
            if token in "_^" and token:
                total += self._scripts()
                continue
            self.place += 1
            total += self._one(token)
        return total, ""

    def _one(self, token: str) -> float:
        if token.isspace():
            return 0.0
        if token == "{":
            return self.row(frozenset("}"))[0]
        if not token.startswith("\\"):
            return _letter(token)
        name = token[1:]
        if token in COMMANDS:
            return COMMANDS[token]
        if token in OPERATORS:
            return max(OPERATORS[token], self._scripts()) + 0.33
        if name in BOLD:
            return WEIGHT * self._argument()
        if name == "frac":
            return max(self._argument(), self._argument()) + 0.5
        if name == "sqrt":
            return self._argument() + 1.7
        if name == "underbrace":
            inner = self._argument()
            self._skip("_")
            return max(inner, SCRIPT * self._argument())
        if name == "begin":
            return self._array()
        if name in NAMES:
            return 0.95 * len(name) + 0.33
        return 0.0 if name in SWITCHES else 1.15

    def _argument(self) -> float:
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        if self.place >= len(self.tokens):
            return 0.0
        self.place += 1
        return self._one(self.tokens[self.place - 1])

    def _skip(self, token: str) -> None:
        if self.place < len(self.tokens) and self.tokens[self.place] == token:
            self.place += 1

    def _scripts(self) -> float:
        """Subscript and superscript of one base stand above each other."""
        widest = 0.0
        while self.place < len(self.tokens) and self.tokens[self.place] in ("_", "^"):
            self.place += 1
            widest = max(widest, SCRIPT * self._argument())
        return widest + 0.1

    def _array(self) -> float:
        """An environment: the widest entry of each column."""
        self._argument()
        columns: list[float] = []
        column = 0
        for size, end in self._entries():
            columns.extend([0.0] * (column + 1 - len(columns)))
            columns[column] = max(columns[column], size)
            column = column + 1 if end == "&" else 0
        self._argument()
        return sum(columns) + 2.0 * len(columns) + TALL

    def _entries(self) -> Iterator[tuple[float, str]]:
        end = "&"
        while end not in (r"\end", ""):
            size, end = self.row(frozenset({"&", r"\\", r"\end"}))
            yield size, end


def _letter(character: str) -> float:
    if character in SIGNS:
        return SIGNS[character]
    if character.isdigit():
        return 1.0
    return LETTERS.get(character, 1.0)
