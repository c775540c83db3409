"""The text of a problem: read with care, and able to say where something stands in it."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from derive.errors import InputError, Place, suggest

__all__ = ["ASKING", "DEEPEST", "LONGEST", "Source", "clean", "lay_out", "read_source"]

LONGEST: Final = 250_000
"""Bytes that a problem may hold."""

DEEPEST: Final = 100
"""Brackets that may be open at once, and operations that may be nested."""

ASKING: Final = "Ask for a derivative, as in: grad norm2(A*x - b)^2 wrt x"

_PAIRS: Final = {"(": ")", "[": "]"}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_STRUCTURE: Final = re.compile(r"[()\[\]\n;]|#[^\n]*")


@dataclass(frozen=True)
class Source:
    """Text with a name; places in it are counted in characters from its start.

    Attributes:
        text: With ``\\n`` at the end of lines, and no tabs.
        name: File name, ``"<stdin>"`` or ``"<expression>"``.
    """

    text: str
    name: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_of(self, position: int) -> int:
        """The number of the line, from 1, in which a position lies."""
        return bisect_right(self._starts, position)

    def place(self, *spans: tuple[int, int]) -> Place:
        """The line of the first span, with every span that begins in it underlined."""
        line = self.line_of(spans[0][0])
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        text = self.text[start : end if end >= 0 else None]
        inside = tuple(
            (low - start, min(high - start, len(text)))
            for low, high in spans
            if self.line_of(low) == line
        )
        return Place(self.name, line, text, inside)

    def excerpt(self, start: int, end: int) -> str:
        """The text of a span in one line, shortened where it is long."""
        text = " ".join(self.text[start:end].split())
        return text if len(text) <= 60 else text[:57] + "..."


def read_source(path: Path | str) -> tuple[str, str]:
    """The text of a file, or of standard input for ``-``, and the name it goes by.

    Raises:
        InputError: There is no such file, or it is a folder, too large, or not text.
    """
    name = "<stdin>" if str(path) == "-" else str(path)
    try:
        if name == "<stdin>":
            data = sys.stdin.buffer.read(LONGEST + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise InputError(f"there is no file {name}", _near(Path(path))) from None
    except IsADirectoryError:
        raise InputError(
            f"{name} is a folder, not a file", ("Name a file in it: a problem is one file.",)
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name} cannot be read: {reason}") from None
    if len(data) > LONGEST:
        raise _too_large(name)
    try:
        return data.decode("utf-8-sig"), name
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not text: byte {error.start + 1} is not UTF-8",
            ("A problem is a text file in UTF-8.",),
        ) from None


def _near(path: Path) -> tuple[str, ...]:
    """What a missing file could have been meant to be."""
    try:
        names = [str(entry) for entry in path.parent.glob("*.derive")]
    except OSError:
        return ()
    return suggest(str(path), names)


def _too_large(name: str) -> InputError:
    return InputError(
        f"{name} is too large: a problem holds at most {LONGEST:,} bytes",
        ("A problem is what a person writes before deriving; data do not belong in it.",),
    )


def clean(text: str, name: str) -> Source:
    """The source of a text: its lines made uniform, control characters refused.

    Raises:
        InputError: It is too large, or holds control characters.
    """
    if len(text) > LONGEST:
        raise _too_large(name)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\t", " ")
    found = _CONTROL.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(
            f"{name} is not text: line {line} holds the control character "
            f"U+{ord(found.group()):04X}",
            ("A problem is a text file in UTF-8.",),
        )
    return Source(text, name)


def lay_out(source: Source) -> str:
    """The text as the grammar reads it, every character in its place.

    Comments, line breaks inside brackets and those before a ``=`` are blanked.

    Raises:
        InputError: A bracket without its partner, or too many of them nested.
    """
    pieces: list[str] = []
    opened: list[int] = []
    done = 0
    for match in _STRUCTURE.finditer(source.text):
        mark, position = match.group(), match.start()
        if mark[0] == "#" or (mark == "\n" and opened):
            pieces += (source.text[done:position], " " * len(mark))
            done = match.end()
        elif mark in _PAIRS:
            opened.append(position)
            if len(opened) > DEEPEST:
                raise InputError(
                    "nested too deeply",
                    (f"At most {DEEPEST} brackets may be open at once. Name a part of it.",),
                    source.place((position, position + 1)),
                )
        elif mark == ";" and opened:
            raise _unclosed(source, opened[-1])
        elif mark in ")]":
            _close(source, opened, position)
    if opened:
        raise _unclosed(source, opened[-1])
    pieces.append(source.text[done:])
    return re.sub(r"\n(?= *=)", " ", "".join(pieces))


def _close(source: Source, opened: list[int], position: int) -> None:
    """Take the partner of the closing bracket at ``position`` off the open ones."""
    mark = source.text[position]
    if not opened:
        raise InputError(
            f"the bracket {mark} was never opened", (), source.place((position, position + 1))
        )
    start = opened.pop()
    if _PAIRS[source.text[start]] != mark:
        raise InputError(
            f"the bracket {source.text[start]} is closed by {mark}",
            (f"Write {_PAIRS[source.text[start]]} there.",),
            source.place((start, start + 1), (position, position + 1)),
        )


def _unclosed(source: Source, position: int) -> InputError:
    mark = source.text[position]
    return InputError(
        f"the bracket {mark} is not closed",
        (f"Write {_PAIRS[mark]} where it ends.",),
        source.place((position, position + 1)),
    )
