"""The record of a derivation: everything that was derived and found, as data that outlives it.

A :class:`Record` is what the JSON notes hold. :func:`read_record` reads them again, and
:meth:`Record.text` writes the same bytes that were read. ``record.schema.json`` beside this module
is the published schema, a property for each attribute; names of attributes are the names in JSON.

Every formula is there three times: as Unicode text, as LaTeX, and in the problem language where
that can say it. Names in the language's formulas are those of the problem, of the forward pass and
of the steps' adjoints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from derive.errors import InputError

__all__ = ["VERSION", "Record", "read_record"]

VERSION: Final = 1
"""Of the format; it changes when an attribute does."""

WIDTH: Final = 100
"""Of a line of JSON, as far as its members can be parted."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula: Unicode text, LaTeX, and the problem language, if that can say it.

    The language has no sums over an index; there they are products of whole arrays, if any are.
    """

    text: str
    latex: str
    language: str | None


Words: TypeAlias = tuple[str | Formula, ...]
"""Prose and formulas in turn."""

Shape: TypeAlias = tuple[str, ...]
"""Sizes; none for a scalar, one for a column vector, in index notation one for each letter."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A symbol that is given."""

    name: str
    shape: Shape
    facts: tuple[str, ...]
    inferred: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """A name for an expression; ``given`` if the name was chosen by who posed the problem."""

    name: str
    shape: Shape
    form: Formula
    given: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A question: ``grad``, ``jacobian`` or ``hessian`` of a quantity with respect to others."""

    kind: str
    of: str
    wrt: tuple[str, ...]
    joint: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """The problem, as text in the problem language and taken apart.

    ``text`` is None where the problem was made of SymPy expressions that the language cannot say.
    """

    name: str
    text: str | None
    sizes: tuple[str, ...]
    variables: tuple[Variable, ...]
    definitions: tuple[Definition, ...]
    requests: tuple[Request, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A quantity that a section is given."""

    name: Formula
    shape: Shape
    remark: Words


@dataclass(frozen=True, slots=True)
class Forward:
    """One line of the forward pass."""

    name: Formula
    form: Formula
    shape: Shape
    remark: Words


@dataclass(frozen=True, slots=True)
class Law:
    """A law of differentiation, a fact or a rewrite: its name, statement, source and domain."""

    name: str
    statement: Words
    source: str | None
    domain: str
    kink: Words


@dataclass(frozen=True, slots=True)
class Fact:
    """A declared property that a step used, and of what."""

    name: str
    of: Formula


@dataclass(frozen=True, slots=True)
class Check:
    """What the judge found about one thing, at all points; figures are null if not finite."""

    label: str
    kind: str
    passed: bool
    method: str
    error: float | None
    point: str
    expected: float | None
    got: float | None
    problem: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one quantity, computed from that of the step, sends back to it by which laws."""

    user: Formula
    adjoint: Formula | None
    jacobian: Formula | None
    sent: Formula
    laws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of a product, with its shape."""

    form: Formula
    shape: Shape


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line equals the one before: the name of the law, of what it was used, and in words."""

    law: str
    of: tuple[Formula, ...]
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """``left = side = side``; ``told`` are the reasons as the notes print them."""

    left: Formula
    sides: tuple[Formula, ...]
    factors: tuple[Factor, ...]
    reasons: tuple[Reason, ...]
    told: tuple[Words, ...]
    proof: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the adjoint of a quantity, from the chain rule to the result."""

    number: int
    quantity: Formula
    adjoint: Formula
    shape: Shape
    sought: bool
    contributions: tuple[Contribution, ...]
    laws: tuple[Law, ...]
    facts: tuple[Fact, ...]
    lines: tuple[Line, ...]
    result: Formula
    check: Check | None


@dataclass(frozen=True, slots=True)
class Form:
    """A further form of an answer, and what it is."""

    form: Formula
    remark: Words


@dataclass(frozen=True, slots=True)
class Answer:
    """A closed form: of what, by what, and for a Hessian by which gradient."""

    kind: str
    of: str
    by: str | None
    wrt: str
    left: Formula
    form: Formula
    shape: Shape
    structure: str | None
    occurs: bool
    remark: Words
    others: tuple[Form, ...]
    check: Check | None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name in an answer stands for."""

    name: Formula
    form: Formula


@dataclass(frozen=True, slots=True)
class Section:
    """Everything about one quantity that is differentiated, or about several Jacobians."""

    kind: str
    of: tuple[Formula, ...]
    title: Words
    symbols: tuple[Symbol, ...]
    forward: tuple[Forward, ...]
    conventions: tuple[Words, ...]
    steps: tuple[Step, ...]
    answers: tuple[Answer, ...]
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the judge did and found; largest errors by method, null if not finite."""

    passed: bool
    summary: Words
    points: int
    seed: int
    sizes: tuple[Mapping[str, int], ...]
    worst: Mapping[str, float | None]
    through: tuple[str, ...]
    notes: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A derivation, whole.

    Attributes:
        version: Of the format.
        name: The problem's, or "".
        detail: ``result``, ``steps`` or ``proof``: whether ``proof`` of a line is filled.
        notation: ``matrix`` or ``index``.
        layout: Of Jacobians.
        language: Of the prose.
        problem: As it was posed.
        sections: One for each quantity that is differentiated.
        notes: Sentences about the answers.
        report: What the judge found, if it was asked.
        code: The NumPy module, if it is listed.
    """

    version: int
    name: str
    detail: str
    notation: str
    layout: str
    language: str
    problem: Problem
    sections: tuple[Section, ...]
    notes: tuple[Words, ...]
    report: Report | None
    code: str | None

    def text(self) -> str:
        """The record as JSON."""
        return f"{_laid(_plain(self))}\n"


def read_record(text: str) -> Record:
    """The record that JSON notes hold.

    Raises:
        InputError: The text is no JSON, or not of this format.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError(f"the record is no JSON: {error}") from None
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION:
        raise InputError(
            f"the record is of version {version}, expected {VERSION}",
            ("Write it again with derive notes PROBLEM -o FILE.json.",),
        )
    found = _read(Record, data, "record")
    assert isinstance(found, Record)
    return found


def _plain(value: Any) -> Any:
    """Data as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {x.name: _plain(getattr(value, x.name)) for x in fields(value)}
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return dict(value) if isinstance(value, Mapping) else value


def _laid(value: Any, depth: int = 0) -> str:
    """Data as JSON: on one line where that is short, else a line for each member."""
    if isinstance(value, dict):
        left, right = "{}"
        members = [f"{json.dumps(key)}: {_laid(x, depth + 1)}" for key, x in value.items()]
    elif isinstance(value, list):
        left, right = "[]"
        members = [_laid(x, depth + 1) for x in value]
    else:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    flat = depth + sum(map(len, members)) + 2 * max(1, len(members)) <= WIDTH
    if flat and not any("\n" in member for member in members):
        return f"{left}{', '.join(members)}{right}"
    margin = "\n" + " " * depth
    return f"{left}{margin} {f',{margin} '.join(members)}{margin}{right}"


@cache
def _attributes(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, data: Any, where: str) -> Any:
    """Data of JSON as what a type says.

    Raises:
        InputError: Says where something else stands.
    """
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _read_one_of(get_args(kind), data, where)
    if origin is tuple and isinstance(data, list):
        (member,) = [part for part in get_args(kind) if part is not Ellipsis]
        return tuple(_read(member, x, f"{where}[{place}]") for place, x in enumerate(data))
    if origin is Mapping and isinstance(data, dict):
        return {key: _read(get_args(kind)[1], x, f"{where}.{key}") for key, x in data.items()}
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(data, dict):
        known = _attributes(kind)
        if data.keys() != known.keys():
            wrong = ", ".join(sorted(data.keys() ^ known.keys()))
            raise InputError(f"{where} has not the properties of a {kind.__name__}: {wrong}")
        return kind(**{key: _read(known[key], data[key], f"{where}.{key}") for key in known})
    if kind is float and type(data) in (int, float):
        return float(data)
    if isinstance(kind, type) and type(data) is kind:
        return data
    raise InputError(f"{where} is {json.dumps(data)[:40]}, expected {_called(kind)}")


def _read_one_of(kinds: tuple[Any, ...], data: Any, where: str) -> Any:
    """Data as the first of several types that fits: null, text, or what else there is."""
    if data is None and NoneType in kinds:
        return None
    if isinstance(data, str) and str in kinds:
        return data
    (rest,) = [kind for kind in kinds if kind not in (NoneType, str)] or [str]
    return _read(rest, data, where)


def _called(kind: Any) -> str:
    names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
    if get_origin(kind) is tuple:
        return "a list"
    return names.get(kind) or f"an object ({getattr(kind, '__name__', kind)})"
