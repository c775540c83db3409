"""What is wrong with text that the grammar does not accept, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from derive.errors import InputError, suggest
from derive.language.source import Source
from derive.language.words import CALLABLE, role_of

__all__ = ["explain"]

_STARTS: Final = frozenset({"NAME", "NUMBER", "LPAR"})
_ENDS: Final = frozenset({"NAME", "NUMBER", "RPAR", "RSQB", "QUOTE", "TRANSPOSED"})
_OPERATORS: Final = frozenset({"PLUS", "STAR", "CIRCUMFLEX"})
_WORDS: Final[Mapping[str, str]] = {
    "WRT": "wrt",
    "COLON": ":",
    "EQUAL": "=",
    "COMMA": "a comma",
    "RPAR": ")",
    "RSQB": "]",
    "LSQB": "[",
}
_QUESTION_WORDS: Final = ("grad", "jacobian", "hessian", "derivative", "check")
_MEANT: Final[Mapping[str, str]] = {
    **{word: word for word in (*_QUESTION_WORDS, "wrt")},
    **dict.fromkeys(("gradient", "differentiate", "diff", "derive", "nabla"), "grad"),
}
"""Words for those of the language, in small letters."""

_QUESTIONS: Final = frozenset({"GRAD", "CHECK"})


def explain(source: Source, error: UnexpectedInput) -> InputError:
    """The message for a place at which the grammar cannot go on."""
    position = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken):
        position = _position(source, error.token)
    start = max(source.text.rfind(mark, 0, position) for mark in "\n;") + 1
    first = re.compile(r" *([^\W\d]\w*) *(?![ =:])").match(source.text, start, position)
    question = _MEANT.get(first.group(1).casefold()) if first is not None else None
    if first is not None and question in _QUESTION_WORDS and question != first.group(1):
        return InputError(
            f"{first.group(1)} is not a word of the language",
            (f"Did you mean {question}?",),
            source.place(first.span(1)),
        )
    if isinstance(error, UnexpectedToken):
        token = error.token
        previous = _before(source, token)
        return _explain_token(source, token, previous, error.accepts or set(error.expected))
    assert isinstance(error, UnexpectedCharacters)
    return _explain_character(source, error.pos_in_stream or 0)


def _before(source: Source, token: Token) -> str:
    """What stands just before a token, on its line."""
    start = _position(source, token)
    line = source.text.rfind("\n", 0, start) + 1
    words = re.findall(r"\w+|[^\w\s]", source.text[line:start].split("#")[0])
    return words[-1] if words else ""


def _position(source: Source, token: Token) -> int:
    """Where a token starts; the end of the text is just after its last character."""
    if token.type == "$END":
        return len(source.text.rstrip())
    if token.type == "_END":
        line = source.text.rfind("\n", 0, token.start_pos) + 1
        written = source.text[line : token.start_pos].split("#")[0]
        return line + len(written.rstrip())
    return token.start_pos or 0


def _explain_token(source: Source, token: Token, previous: str, expected: set[str]) -> InputError:
    start = _position(source, token)
    unknown = _unknown_function(source, start)
    if unknown is not None:
        return unknown
    ends = token.type in ("_END", "$END")
    place = source.place((start, start + 1 if ends else start + len(token)))
    wanted = (f"Expected {_describe(expected)}.",)
    if _MEANT.get(str(token).casefold()) == "wrt" and "WRT" in expected:
        return InputError(f"{token} is not a word of the language", ("Write wrt.",), place)
    if "WRT" in expected and (ends or token.type in _STARTS):
        return InputError(
            "a question needs wrt and the names to differentiate by",
            ("Write, for example: grad J wrt W, b",),
            place,
        )
    misnamed = previous if token.type in ("COLON", "EQUAL") else str(token)
    starts = "GRAD" in expected or misnamed is previous
    if starts and role_of(misnamed) == "a word of the language":
        return InputError(
            f"{misnamed} is a word of the language, and cannot name a quantity",
            ("Choose another name.",),
            place,
        )
    if token.type == "COLON" and "RSQB" in expected:
        return InputError(
            "a slice goes from its start to before its stop, in steps of 1",
            ("Write A[1:3, :] for rows 1 and 2.",),
            place,
        )
    if previous == ":" and "LPAR" in expected and "RSQB" not in expected:
        return InputError(
            "a shape is written in brackets",
            ("Write (m, n) for a matrix, (n) for a column vector, () for a scalar.",),
            place,
        )
    if ends:
        after = f" after {previous}" if previous else ""
        return InputError(f"the statement breaks off{after}", wanted, place)
    if token.type in _STARTS and "STAR" in expected and re.fullmatch(r"\w+|[)\]']", previous):
        return InputError(
            f"there is no operator between {previous} and {token}",
            (f"Write {previous}*{token} for a product.",) if token.type != "LPAR" else (),
            place,
        )
    if token.type == "COMPARISON":
        wanted = ("A comparison stands in where(x > 0, x, 0), or in brackets: 1 or 0.",)
    return InputError(f"unexpected {token}", wanted, place)


def _describe(expected: set[str]) -> str:
    """The terminals that could follow, in words."""
    words = []
    if expected & _QUESTIONS:
        words.append("a statement")
    elif "NUMBER" in expected:
        words.append("an expression")
    elif "NAME" in expected:
        words.append("a name")
    if expected & _OPERATORS:
        words.append("an operator")
    words += [word for terminal, word in _WORDS.items() if terminal in expected]
    if "LPAR" in expected and "NUMBER" not in expected:
        words.append("(")
    if expected & {"_END", "$END"}:
        words.append("the end of the statement")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _unknown_function(source: Source, end: int) -> InputError | None:
    """The first name before ``end``, in its line, that is called and is no function."""
    line = source.text.rfind("\n", 0, end) + 1
    for match in re.finditer(r"([^\W\d]\w*)\s*\(", source.text[line:end].split("#")[0]):
        name = match.group(1)
        if role_of(name) is None:
            span = (line + match.start(1), line + match.end(1))
            return InputError(
                f"there is no function {name}",
                suggest(name, CALLABLE),
                source.place(span),
            )
    return None


_TRAPS: Final[Mapping[str, str]] = {
    '"': "There are no strings in the language.",
    "{": "Brackets are ( and ).",
    "}": "Brackets are ( and ).",
    "²": "Write ^2 for a square, .^2 entry by entry.",
    "³": "Write ^3 for a cube, .^3 entry by entry.",
    "!": "There is no factorial in the language.",
    "∂": "Ask for a derivative with grad, jacobian or hessian.",
    "×": "The matrix product is *, the product entry by entry .*",
    "√": "Write sqrt(x).",
    "Σ": "Write sum(x).",
    "∑": "Write sum(x).",
    "|": "Write abs(x) for absolute values, norm2(x) for a norm.",
    "‖": "Write norm2(x).",
}


def _explain_character(source: Source, position: int) -> InputError:
    unknown = _unknown_function(source, position)
    if unknown is not None:
        return unknown
    character = source.text[position]
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    advice = _TRAPS.get(character, "")
    if character == ".":
        advice = "A point stands in a number or before an operator: .* ./ .^ .T"
    return InputError(
        f"{shown} is not part of the language",
        (advice,) if advice else (),
        source.place((position, position + 1)),
    )
