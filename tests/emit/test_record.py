"""The record of a derivation: JSON with a schema, that is read again and is whole."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import derive
from derive.calculus.derivation import Derivation
from derive.emit import record
from derive.emit.record import Formula, Record
from derive.emit.recorded import recorded
from derive.errors import InputError
from derive.examples import descriptions
from derive.language import parse, parse_expression
from derive.notation.board import definition_form
from derive.notation.expression import Expr, oriented
from derive.notation.raising import raised
from derive.notation.sympy_form import sympy_form
from derive.notes import notes, read_record
from derive.shapes import as_dim
from derive.verify.evaluation import evaluate
from derive.verify.program import Program
from derive.verify.sampling import draw
from derive.workflow import ask, check, code, page

SCHEMA: Final = json.loads(
    (files("derive.emit") / "record.schema.json").read_text(encoding="utf-8")
)
CLASSES: Final = [
    kind
    for kind in vars(record).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type)
]
HESSIAN: Final = "X:(n,d); y:(n); w:(d); b:(); J = norm2(X*w + b - y)^2/2; hessian J wrt (w, b)"
JACOBIAN: Final = "A:(m,n); x:(n); y = tanh(A*x); jacobian y wrt x, A"
SHAPED: Final = "S:(n,n) symmetric; L:(n,n) lower_triangular; x:(n); grad x'*S*L*x wrt S, L, x"
TEXTS: Final = (HESSIAN, JACOBIAN, SHAPED)


@cache
def derivation_of(name: str) -> Derivation:
    """An example, or a problem in the language."""
    known = derive.example(name) if name in descriptions() else parse(name)
    return derive.derive(known)


@cache
def record_of(name: str) -> Record:
    """The record of a checked derivation."""
    derivation = derivation_of(name)
    return recorded(page(derivation, check(derivation)))


def formulas(value: Any) -> Iterator[Formula]:
    """Every formula in a part of a record."""
    if isinstance(value, Formula):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from formulas(getattr(value, field.name))
    elif isinstance(value, tuple):
        for member in value:
            yield from formulas(member)


# The schema


def test_the_schema_is_one_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_schema_has_a_property_for_each_attribute_and_no_other(kind: type) -> None:
    described = SCHEMA if kind is Record else SCHEMA["$defs"][kind.__name__]
    names = [field.name for field in dataclasses.fields(kind)]
    assert list(described["properties"]) == described["required"] == names
    assert described["additionalProperties"] is False
    assert all(row["description"].endswith(".") for row in described["properties"].values())


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_records_are_as_the_schema_says(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(record_of(name).text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("layout",), "row"),
        (("sections", 0, "steps", 0, "lines", 0, "left", "latex"), None),
        (("sections", 0, "steps", 0, "check", "error"), "small"),
        (("sections", 0, "answers", 0, "shape"), [2, 3]),
        (("problem", "requests", 0, "kind"), "integral"),
        (("report", "checks", 0, "colour"), "red"),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(record_of("testnet").text())
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert not Draft202012Validator(SCHEMA).is_valid(data)


# Written, read and written again


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_a_record_is_read_and_written_again_byte_for_byte(name: str) -> None:
    known = record_of(name)
    read = read_record(known.text())
    assert read == known
    assert read.text() == known.text()


@pytest.mark.parametrize("detail", ["result", "steps", "proof"])
@pytest.mark.parametrize("notation", ["matrix", "index"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_every_way_of_writing_is_recorded(detail: str, notation: str, layout: Any) -> None:
    derivation = derivation_of(JACOBIAN)
    found = page(derivation, detail=detail, notation=notation, layout=layout, lang="zh")
    text = notes(found, "json", code="x = 1\n")
    read = read_record(text)
    assert (read.detail, read.notation, read.layout, read.language) == (
        detail, notation, layout, "zh",
    )  # fmt: skip
    assert read.code == "x = 1\n"
    assert read.text() == text
    Draft202012Validator(SCHEMA).validate(json.loads(text))


def test_a_fragment_has_no_code_and_a_plain_one_no_bold_type() -> None:
    found = page(derivation_of("testnet"))
    assert read_record(notes(found, "json", code="x = 1", fragment=True)).code is None
    assert "\\\\bm" in notes(found, "json")
    assert "\\\\bm" not in notes(found, "json", style="plain")


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_the_problem_in_a_record_has_the_same_record(name: str) -> None:
    known = recorded(page(derivation_of(name)))
    assert known.problem.text is not None
    again = derive.derive(parse(known.problem.text, name=known.problem.name))
    assert recorded(page(again)).text() == known.text()


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_a_problem_that_was_not_read_from_text_is_written_as_text(name: str) -> None:
    problem = dataclasses.replace(derivation_of(name).problem, source="")
    known = recorded(page(derive.derive(problem)))
    assert known.problem.text is not None
    again = recorded(page(derive.derive(parse(known.problem.text, name=problem.name))))
    assert again.problem.text == known.problem.text
    assert again.sections == known.sections


def test_a_problem_that_was_asked_something_else_says_so() -> None:
    problem = ask(derive.example("testnet"), ["b1"])
    known = recorded(page(derive.derive(problem)))
    assert known.problem.text is not None
    assert parse(known.problem.text).requests == problem.requests


def test_the_module_is_in_the_record() -> None:
    derivation = derivation_of("testnet")
    module = code(derivation)
    assert read_record(notes(page(derivation), "json", code=module)).code == module


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(version=2), "the record is of version 2, expected 1"),
        (lambda data: data.update(layout=3), r"record.layout is 3, expected text"),
        (lambda data: data.pop("notes"), "record has not the properties of a Record: notes"),
        (
            lambda data: data["problem"]["requests"][0].update(colour="red"),
            r"record.problem.requests\[0\] has not the properties of a Request: colour",
        ),
        (
            lambda data: data["sections"][0].update(steps={}),
            r"record.sections\[0\].steps is \{\}, expected a list",
        ),
        (
            lambda data: data["report"].update(points=True),
            "record.report.points is true, expected an integer",
        ),
    ],
)
def test_what_is_no_record_is_refused(change: Any, message: str) -> None:
    data = copy.deepcopy(json.loads(record_of("testnet").text()))
    change(data)
    with pytest.raises(InputError, match=message):
        read_record(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"text"'])
def test_what_is_no_json_or_no_object_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"the record is no JSON|the record is of version None"):
        read_record(text)


# What is in it


def test_a_step_holds_its_laws_with_sources_and_domains() -> None:
    steps = record_of("gaussian").sections[0].steps
    laws = {law.name: law for step in steps for law in step.laws}
    assert laws["logdet"].source == "[PP12] (43)"
    assert laws["logdet"].domain == "det X > 0"
    told = "".join(x if isinstance(x, str) else x.text for x in laws["logdet"].statement)
    assert told == "d log det X = tr(X⁻¹ dX)"
    kinks = {law.name: law.kink for step in record_of("testnet").sections[0].steps
             for law in step.laws}  # fmt: skip
    assert kinks["relu"] and not kinks["softmax"]


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_every_reason_is_one_of_the_laws_of_its_step(name: str) -> None:
    for section in record_of(name).sections:
        for step in section.steps:
            laws = {law.name for law in step.laws}
            assert laws >= {reason.law for line in step.lines for reason in line.reasons}
            assert laws >= {law for part in step.contributions for law in part.laws}


def test_a_step_holds_the_facts_that_it_used() -> None:
    (section,) = record_of("testnet").sections
    facts = {(fact.name, fact.of.text) for step in section.steps for fact in step.facts}
    assert ("probability", "y") in facts
    (shaped,) = record_of(SHAPED).sections
    facts = {(fact.name, fact.of.text) for step in shaped.steps for fact in step.facts}
    assert {("symmetric", "S"), ("lower_triangular", "L")} <= facts


@pytest.mark.parametrize("name", [*descriptions(), HESSIAN])
def test_every_answer_and_every_checked_step_holds_its_figures(name: str) -> None:
    known = record_of(name)
    assert known.report is not None and known.report.passed
    answers = [answer for section in known.sections for answer in section.answers]
    steps = [step for section in known.sections for step in section.steps]
    wholes = [answer for answer in answers if answer.by == "(w, b)"]
    assert len(wholes) == (name == HESSIAN) and not any(whole.check for whole in wholes)
    for answer in [answer for answer in answers if answer not in wholes]:
        assert answer.check is not None
        assert answer.check.passed and answer.wrt in answer.check.label
        assert answer.check.error is not None and answer.check.error < 1e-6
    for step in steps:
        if step.check is not None:
            assert step.check.kind == "step" and step.check.passed
    told = [x.check for x in (*steps, *answers) if x.check is not None]
    kinds = ("step", "gradient", "Jacobian", "Hessian")
    assert sorted(map(repr, told)) == sorted(
        repr(found) for found in known.report.checks if found.kind in kinds
    )


def test_two_scalars_have_figures_of_their_own() -> None:
    first, second = record_of("gaussian").sections
    labels = [[step.check.label for step in s.steps if step.check] for s in (first, second)]
    assert "step S_bar" in labels[0] and "step S_bar" in labels[1]


def test_figures_that_are_not_finite_are_null() -> None:
    derivation = derivation_of("testnet")
    report = check(derivation)
    (first, *rest) = report.checks
    broken = dataclasses.replace(first, passed=False, error=np.inf, expected=np.nan, got=1.5)
    found = recorded(page(derivation, dataclasses.replace(report, checks=(broken, *rest))))
    assert found.report is not None and not found.report.passed
    failed = found.report.checks[0]
    assert (failed.error, failed.expected, failed.got) == (None, None, 1.5)
    assert read_record(found.text()) == found


# Formulas in the language are read again


def environment(derivation: Derivation, seed: int) -> Mapping[str, Any]:
    """The values of all names of a problem at one point of its domain."""
    problem = derivation.problem
    program = Program(
        {name: known.expression for name, known in problem.definitions.items()},
        {name: known.shape for name, known in problem.definitions.items()},
    )
    return draw(problem, program, 1, seed).points[0].environment


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_formulas_are_read_again_and_have_the_same_values(name: str, seed: int) -> None:
    derivation = derivation_of(name)
    problem = derivation.problem
    known = environment(derivation, seed)
    sweeps = {sweep.of.name: sweep for sweep in derivation.sweeps}
    for section, shown in zip(record_of(name).sections, page(derivation).sections, strict=True):
        shapes: dict[str, tuple[Any, ...]] = {}
        names, values = dict(known), dict(known)
        for of in section.of:
            sweep = sweeps[str(of.language)]
            for variable in sweep.forward:
                if variable.name not in values:
                    form = sympy_form(definition_form(variable))
                    values[variable.name] = evaluate(form, values)
            for step in sweep.steps:
                form = sympy_form(oriented(raised(step.result), step.adjoint.row))
                values[step.adjoint.name] = evaluate(form, values)

        def read(formula: Formula, shapes: Any = shapes, names: Any = names) -> Any:
            assert formula.language is not None, formula.text
            return evaluate(parse_expression(formula.language, problem, shapes), names)

        for line in section.forward:
            label = str(line.name.language)
            found = read(line.form)
            if label not in names:
                names[label], shapes[label] = found, tuple(map(as_dim_text, line.shape))
            np.testing.assert_allclose(found, values[label], rtol=1e-9, atol=1e-12)
        for step in section.steps:
            if step.result.language is None:
                continue
            label = str(step.adjoint.language)
            names[label] = read(step.result)
            shapes[label] = tuple(map(as_dim_text, step.shape))
        for answer, asked in zip(section.answers, shown.answers, strict=True):
            if answer.form.language is not None:
                assert isinstance(asked.form, Expr)
                expected = evaluate(sympy_form(asked.form), values)
                np.testing.assert_allclose(read(answer.form), expected, rtol=1e-9, atol=1e-12)


def as_dim_text(size: str) -> Any:
    """A size as a record has it."""
    return as_dim(int(size)) if size.isdigit() else as_dim(size)


def test_the_language_says_every_closed_form_of_the_gallery() -> None:
    unsaid = [
        (name, answer.form.text)
        for name in descriptions()
        for section in record_of(name).sections
        for answer in section.answers
        if answer.form.language is None
    ]
    assert unsaid == []


@pytest.mark.parametrize("name", [*descriptions(), *TEXTS])
def test_every_formula_has_text_and_latex(name: str) -> None:
    found = list(formulas(record_of(name)))
    assert found
    assert all(formula.text and formula.latex for formula in found)
