"""Python text broken into lines as the common formatters break it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

__all__ = ["WIDTH", "aligned", "assign_from_call", "broken", "docstring", "paragraph"]

WIDTH: Final = 100
FARTHEST_COMMENT: Final = 60


def broken(start: str, items: Sequence[str], end: str, indent: int = 0) -> list[str]:
    """``start`` + items + ``end`` on one line, or on an indented line, or one item a line.

    ``start`` ends with the opening bracket, ``end`` starts with the closing one.
    """
    margin = " " * indent
    whole = f"{margin}{start}{', '.join(items)}{end}"
    if len(whole) <= WIDTH:
        return [whole]
    inner = f"{margin}    {', '.join(items)}"
    lines = [inner] if len(inner) <= WIDTH else [f"{margin}    {item}," for item in items]
    return [f"{margin}{start}", *lines, f"{margin}{end}"]


def assign_from_call(
    names: Sequence[str], function: str, indent: int, first: str = ""
) -> list[str]:
    """``a, b = function(a=a, b=b)``; on request another argument comes first."""
    keywords = [*([first] if first else []), *(f"{name}={name}" for name in names)]
    targets = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    start = f"{targets} = {function}("
    if len(start) + indent <= WIDTH:
        return broken(start, keywords, ")", indent)
    margin = " " * indent
    left = [f"{margin}(", *(f"{margin}    {name}," for name in names)]
    right = broken(f") = {function}(", keywords, ")", indent)
    return [*left, *right]


def aligned(lines: Sequence[tuple[str, str]], indent: int, mark: str = "# ") -> list[str]:
    """Lines with what stands beside each in one column, as far as the lines are short."""
    margin = " " * indent
    column = max((len(text) for text, _ in lines if len(text) <= FARTHEST_COMMENT), default=0)
    found = []
    for text, beside in lines:
        whole = f"{margin}{text:<{column}}  {mark}{beside}" if beside else margin + text
        found.append(whole if len(whole) <= WIDTH else margin + text)
    return found


def paragraph(text: str, indent: int = 0, hang: int = 0) -> list[str]:
    """A text as lines of the width of a module."""
    margin = " " * indent
    lines = textwrap.wrap(
        text,
        WIDTH - 2,
        initial_indent=margin,
        subsequent_indent=margin + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def docstring(lines: Sequence[str], indent: int) -> list[str]:
    """A docstring: on one line if there is one, else with its closing quotes on their own."""
    margin = " " * indent
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
    safe = [line.replace("\\", "\\\\").replace('"""', "'''") for line in lines]
    if len(safe) == 1:
        return [f'{margin}"""{safe[0]}"""']
    rest = [f"{margin}{line}".rstrip() for line in safe[1:]]
    return [f'{margin}"""{safe[0]}', *rest, f'{margin}"""']
