"""Lines of formulas aligned at their equals signs, with words beside them or below.

Widths are in digits, as in :mod:`derive.emit.latex.widths`; two are one em. What is decided here
is where a line ends and where the words of a line stand; everything else is TeX's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from derive.emit.latex.widths import TOKEN, width

__all__ = ["Row", "Side", "aligned", "below_heading", "narrowest", "parted"]

MARK: Final = 4.0
"""Room for the number of a step."""

EQUALS: Final = 2.8
"""An equals sign and the space around it."""

GAP: Final = 4.0
"""Between a formula and what stands beside it."""

LEFT_MOST: Final = 16.0
"""A left side that is wider stands on a line of its own."""

BESIDE_MOST: Final = 34.0
BESIDE_LEAST: Final = 21.0
"""Room for words beside a formula."""


TOGETHER: Final = 6
"""As many lines of a step stay on one page."""

INDENT: Final = 2.0
"""Before a line that goes on."""

BREAKS: Final = frozenset({"+", "-", "=", "<", ">", r"\odot", r"\oslash", r"\otimes"})
"""Signs before which a formula may be parted."""

HARD: Final = {"{": 1, r"\left": 1, r"\begin": 1, "}": -1, r"\right": -1, r"\end": -1}
SOFT: Final = {"(": 1, "[": 1, ")": -1, "]": -1}
"""Brackets in which a formula stays on its line: in any case, and as long as there is room."""


def _unparted(source: str, opened: bool = False) -> list[str]:
    """The parts of a formula that stay on one line: up to signs that stand in no brackets.

    Args:
        source: The formula.
        opened: Whether it may be parted within brackets that do not stretch.
    """
    parts, hard, soft = [""], 0, 0
    for token in TOKEN.findall(source):
        hard += HARD.get(token, 0)
        soft += SOFT.get(token, 0)
        if token in BREAKS and not hard and (opened or soft <= 0) and parts[-1].strip():
            parts.append("")
        parts[-1] += token
    return parts


def narrowest(source: str) -> float:
    """The room that a formula needs, parted wherever it can be."""
    return max(map(width, _unparted(source)))


def parted(source: str, room: float) -> tuple[str, ...]:
    """A formula in lines of a width, where that can be; each but the first begins with a sign.

    What is longer than a line within brackets is parted there, at brackets of one size.
    """
    parts: list[str] = []
    for part in _unparted(source):
        if width(part) <= room - INDENT:
            parts.append(part)
        else:
            parts += _unparted(STRETCHING.sub(_of_one_size, part), opened=True)
    lines: list[str] = []
    for part in parts:
        if lines and width(lines[-1] + part) <= room - INDENT:
            lines[-1] += part
        else:
            lines.append(part)
    return tuple(line.strip() for line in lines)


STRETCHING: Final = re.compile(r"\\(left|right)(?![a-zA-Z])")


def _of_one_size(found: re.Match[str]) -> str:
    return rf"\bigg{found[1][0]}"


@dataclass(frozen=True, slots=True)
class Side:
    """A formula behind an equals sign.

    Attributes:
        formula: It on one line.
        pieces: It in lines of a width.
    """

    formula: str
    pieces: Callable[[float], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of formulas that equal each other and the line before.

    Attributes:
        left: What stands before the first equals sign; "" where it is that of the line before.
        sides: What stands behind each.
        beside: Words to the right of it, or below it where there is no room.
        least: How much room the widest formula in these words needs.
        below: Paragraphs under it.
        mark: A number before it.
        apart: Whether there is space between it and the line before.
        equals: Whether its sides stand behind equals signs.
    """

    left: str
    sides: tuple[Side, ...]
    beside: str = ""
    least: float = 0.0
    below: tuple[str, ...] = ()
    mark: str = ""
    apart: bool = False
    equals: bool = True


@dataclass(frozen=True, slots=True)
class _Printed:
    """One printed line: what stands in it from its equals sign on, and how wide that is."""

    source: str
    width: float


def aligned(rows: Sequence[Row], room: float) -> str:
    """The rows as one display that may be broken between pages.

    Args:
        rows: At least one.
        room: The width of the text.
    """
    return _Display(rows, room).source()


def below_heading(rows: Sequence[Row], room: float) -> str:
    """The rows as a display that follows a heading or a paragraph without an empty line."""
    tall = any(r"\frac" in source for source in (rows[0].left, rows[0].sides[0].formula))
    return f"\\closer{{{0.5 if tall else 1}}}\n{aligned(rows, room)}"


class _Display:
    """Rows in columns: number, left side, right side, words."""

    def __init__(self, rows: Sequence[Row], room: float) -> None:
        self.rows = rows
        self.marked = any(row.mark for row in rows)
        lefts = [width(row.left) for row in rows]
        self.left = max((wide for wide in lefts if wide <= LEFT_MOST), default=0.0)
        self.room = room - (MARK if self.marked else 0.0) - self.left
        words = any(row.beside for row in rows)
        reserved = BESIDE_LEAST + GAP if words else 0.0
        self.lines = [self._lines(row, self.room - (reserved if row.beside else 0)) for row in rows]
        widths = [line.width for lines in self.lines for line in lines]
        self.right = max((wide for wide in widths if wide <= self.room - reserved), default=0.0)
        self.words = min(BESIDE_MOST, self.room - GAP - self.right) if words else 0.0

    def _lines(self, row: Row, room: float) -> list[_Printed]:
        """As many equal forms on a line as there is room for."""
        lines: list[_Printed] = []
        for side in row.sides:
            wide = EQUALS + width(side.formula)
            if lines and lines[-1].width + wide <= room:
                last = lines.pop()
                lines.append(_Printed(f"{last.source} = {side.formula}", last.width + wide))
            elif wide <= self.room:
                sign = "=" if row.equals else r"\phantom{=}"
                lines.append(_Printed(f"{sign} {side.formula}", wide))
            else:
                lines += self._broken(side)
        return lines

    def _broken(self, side: Side) -> Iterator[_Printed]:
        """A formula that is too long for a line; what cannot be broken is made narrower."""
        inner = self.room - EQUALS
        pieces = [
            part
            for piece in side.pieces(inner)
            for part in ([piece] if width(piece) <= inner - INDENT else parted(piece, inner))
        ]
        for number, piece in enumerate(pieces):
            wide = EQUALS + width(piece) + (INDENT if number else 0.0)
            fitted = piece
            if wide > self.room:
                fitted = rf"\fitted{{{_em(inner - INDENT)}}}{{{piece}}}"
                wide = self.room
            yield _Printed(rf"\quad {{}} {fitted}" if number else f"= {fitted}", wide)

    def source(self) -> str:
        """The display."""
        printed: list[str] = []
        for row, lines in zip(self.rows, self.lines, strict=True):
            group = list(self._printed(row, lines))
            if printed:
                printed[-1] += r" \\[\stepskip]" if row.apart else r" \\"
            join = r" \\*" if len(group) <= TOGETHER else r" \\"
            printed += [line + join for line in group[:-1]] + group[-1:]
        pairs = 3 if self.marked else 2
        inner = "\n".join(printed)
        return f"\\begin{{alignat*}}{{{pairs}}}\n{inner}\n\\end{{alignat*}}"

    def _printed(self, row: Row, lines: Sequence[_Printed]) -> Iterator[str]:
        """The lines of one row, its words and what stands below it."""
        left = row.left
        if width(left) > LEFT_MOST:
            whole = self.room + self.left
            fitted = (
                left if width(left) <= whole else rf"\fitted{{{_em(whole - INDENT)}}}{{{left}}}"
            )
            yield self._cells(row.mark, rf"\wide{{{fitted}}}", "")
            left = ""
        ends = (0, len(lines) - 1)
        fitting = [n for n in ends if lines[n].width <= self.right and row.least <= self.words]
        place = fitting[0] if fitting and row.beside else None
        for number, line in enumerate(lines):
            source = line.source
            if line.width > self.right:
                source = rf"\wide{{{{}}{source}}}"
            mark = row.mark if number == 0 and width(row.left) <= LEFT_MOST else ""
            beside = rf"\why{{{_em(self.words)}}}{{{row.beside}}}" if number == place else ""
            yield self._cells(mark, left if number == 0 else "", source, beside)
        wide = _em(self.room - EQUALS)
        if row.beside and place is None:
            yield self._cells("", "", rf"\rlap{{\quad\why{{{wide}}}{{{row.beside}}}}}")
        for paragraph in row.below:
            yield self._cells("", "", rf"\rlap{{\quad\why{{{wide}}}{{{paragraph}}}}}")

    def _cells(self, mark: str, left: str, right: str, beside: str = "") -> str:
        """One line of the alignment."""
        cells = f"{left} &{right}"
        if self.marked:
            number = rf"\step{{{mark}}}" if mark else ""
            cells = f"{number} && {cells}"
        return rf"{cells} &&\qquad {beside}" if beside else cells


def _em(digits: float) -> str:
    return f"{digits / 2:.1f}em"
