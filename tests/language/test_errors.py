"""The words of every message about text, with the place that it points at: ``messages.txt``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from derive.errors import DeriveError, InputError, UnsupportedError
from derive.language import parse

PAGE: Final = (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8")


def cases() -> list[tuple[str, str]]:
    """Texts with the messages that they get."""
    found = []
    for block in PAGE.split("\n\n"):
        if block.startswith("> "):
            text, _, message = block.removeprefix("> ").partition("\n")
            found.append((text, message.rstrip("\n")))
    return found


CASES: Final = cases()


def test_the_page_is_read_whole() -> None:
    assert len(CASES) == PAGE.count("\n> ") > 100


@pytest.mark.parametrize(("text", "message"), CASES, ids=[text for text, _ in CASES])
def test_message(text: str, message: str) -> None:
    with pytest.raises(DeriveError) as failure:
        parse(text.replace("; ", "\n"), "net.derive")
    assert str(failure.value) == message
    unsupported = "not supported yet" in message or "a power of a matrix" in message
    assert type(failure.value) is (UnsupportedError if unsupported else InputError)


def test_a_failure_inside_a_long_line_is_shown_with_its_surroundings() -> None:
    text = "grad " + "sum(x) + " * 60 + "det(B) wrt x"
    with pytest.raises(InputError) as failure:
        parse(f"B : (2, 3)\n{text}", "long.derive")
    _, line, marks, *_ = str(failure.value).splitlines()
    assert len(line) < 130
    assert line[marks.index("^")] == "B"


def test_only_operands_on_one_line_are_underlined() -> None:
    with pytest.raises(InputError) as failure:
        parse("A : (3, 4)\nx : (3)\ngrad sum(A\n  *x) wrt x", "two.derive")
    assert str(failure.value).splitlines()[1:3] == [
        "  two.derive, line 3:   grad sum(A",
        "                                 ^",
    ]
