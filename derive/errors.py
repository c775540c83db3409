"""What goes wrong, said so that a person can mend it.

Every failure a user can meet is a :class:`DeriveError`, of one of three kinds: what was
written is wrong (:class:`InputError`), it is right and not supported yet
(:class:`UnsupportedError`), or what was derived failed its check (:class:`CheckError`). All print
one sentence first, then where it is, then what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["CheckError", "DeriveError", "InputError", "Place", "UnsupportedError", "suggest"]

LONGEST_LINE = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of source text that a message points at.

    Attributes:
        source: Name of the file, ``"<stdin>"`` or ``"<expression>"``.
        line: Line number, from 1.
        text: The whole line.
        spans: Pairs ``(start, end)`` of columns, from 0, end exclusive, to underline.
    """

    source: str
    line: int
    text: str
    spans: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        """The place as two lines: the source line, and marks under the spans."""
        start = min((low for low, _ in self.spans), default=0)
        text, offset = self.text, 0
        if len(text) > LONGEST_LINE:
            offset = max(0, start - LONGEST_LINE // 2)
            text = text[offset : offset + LONGEST_LINE]
        head = f"  {self.source}, line {self.line}:   "
        marks = [" "] * (len(text) + 1)
        for low, high in self.spans:
            mark = "^" if len(self.spans) == 1 and high - low <= 1 else "~"
            for column in range(max(low - offset, 0), min(max(high, low + 1) - offset, len(marks))):
                marks[column] = mark
        return f"{head}{text}\n{' ' * len(head)}{''.join(marks).rstrip()}"


class DeriveError(Exception):
    """A failure with a message for the user.

    Args:
        summary: One sentence, without a full stop at the end.
        details: Further lines: the bindings, what to do.
        place: Where in the source, if it came from text.
    """

    def __init__(self, summary: str, details: Sequence[str] = (), place: Place | None = None):
        super().__init__(summary)
        self.summary = summary
        self.details = tuple(details)
        self.place = place

    def at(self, place: Place) -> DeriveError:
        """The same failure, pointing at ``place`` (an inner place, once set, stays)."""
        if self.place is None:
            self.place = place
        return self

    def __str__(self) -> str:
        lines = [self.summary]
        if self.place is not None:
            lines.append(str(self.place))
        lines.extend(f"  {detail}" for detail in self.details)
        return "\n".join(lines)


class InputError(DeriveError):
    """What was written is wrong: a name, a shape, a bracket, a question that has no answer."""


class UnsupportedError(DeriveError):
    """What was written is meaningful, but there is no law for it here."""


class CheckError(DeriveError):
    """What was derived does not agree with the numbers; nothing is written then."""


def suggest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """A line that proposes the known name most like ``name``; no line if none is like it.

    >>> suggest("sigmod", ("sigmoid", "sign"))
    ('Did you mean sigmoid?',)
    """
    names = sorted(set(known))
    folded = [other for other in names if other.casefold() == name.casefold()]
    close = folded or difflib.get_close_matches(name, names, 1)
    return (f"Did you mean {close[0]}?",) if close else ()
