"""All printings of one derivation hold the same steps, lines and answers, in the same order.

Each target is searched for what its own printer makes of every formula of the page. What a printer
adds for the eye (breaks of lines, braces with shapes, sizes of brackets) is taken out first.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final, NamedTuple

import pytest

import derive
from derive.emit import terminal
from derive.emit.html.mathml import Mathematics
from derive.emit.latex import style_for
from derive.emit.latex.words import latex_formula
from derive.emit.markdown import markdown_math
from derive.emit.page import Page, StepLines
from derive.emit.plain import formula_text
from derive.emit.record import read_record
from derive.emit.words import Formula, Signs
from derive.examples import descriptions
from derive.language import parse
from derive.notes import FORMATS, notes
from derive.workflow import page

FURTHER: Final = (
    "A:(m,n); x:(n); y = tanh(A*x); jacobian y wrt x, A",
    "X:(n,d); y:(n); w:(d); b:(); J = norm2(X*w + b - y)^2/2; hessian J wrt (w, b)",
    "S:(n,n) symmetric; x:(n); grad x'*S*x wrt S, x",
)

Write = Callable[[Formula], str]


class Target(NamedTuple):
    """How one target is searched.

    Attributes:
        number: Finds the number of each step in the notes.
        bare: The notes, or a formula in them, without what is added for the eye.
        writer: What writes a formula of a page.
    """

    number: re.Pattern[str]
    bare: Callable[[str], str]
    writer: Callable[[Page], Write]


BRACE: Final = r"\underbrace{"
ADDED: Final = re.compile(
    r"\\(left|right|[bB]igg?[lr]?|thinspace|negthinspace|q?quad|displaystyle|cr|cdot)(?![A-Za-z])"
    r"|\\(begin|end)\{aligned\}|\\[,!;:\\]|[\s&$]|\{\}"
)


def without_braces(source: str) -> str:
    """LaTeX without braces below its factors."""
    while BRACE in source:
        start = source.index(BRACE)
        inner, rest = group(source[start + len(BRACE) - 1 :])
        _, rest = group(re.sub(r"^\s*_\s*", "", rest))
        source = source[:start] + inner + rest
    return source


def group(source: str) -> tuple[str, str]:
    """What stands in the braces at the beginning, and what stands behind them."""
    depth = 0
    for place, sign in enumerate(source):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return source[1:place], source[place + 1 :]
    raise AssertionError(source)


def bare_latex(source: str) -> str:
    return ADDED.sub("", without_braces(source))


def bare_text(source: str) -> str:
    return re.sub(r"\s", "", source)


def bare_html(source: str) -> str:
    """The text of all mathematics, without signs that cannot be seen."""
    mathematics = re.findall(r"<math.*?</math>", source, re.DOTALL)
    shown = html.unescape(re.sub(r"<[^>]*>", "", "".join(mathematics)))
    return re.sub("[\\s\u2061-\u2064⋅]", "", shown)


def latex_writer(found: Page) -> Write:
    style = style_for(found.derivation.names.values())
    return lambda formula: latex_formula(formula, style)


def markdown_writer(found: Page) -> Write:
    style = style_for(found.derivation.names.values())
    return lambda formula: markdown_math(latex_formula(formula, style))


def html_writer(found: Page) -> Write:
    mathematics = Mathematics(style_for(found.derivation.names.values()))
    return lambda formula: str(mathematics.display(formula))


TARGETS: Final[Mapping[str, Target]] = {
    "txt": Target(re.compile(r"^ ?(\d+)  (?=\S)", re.MULTILINE), bare_text, lambda _: formula_text),
    "tex": Target(re.compile(r"^\\step\{(\d+)\}", re.MULTILINE), bare_latex, latex_writer),
    "md": Target(re.compile(r"^\*\*(\d+)\.\*\*", re.MULTILINE), bare_latex, markdown_writer),
    "html": Target(
        re.compile(r'<span class="number" aria-hidden="true">(\d+)</span>'), bare_html, html_writer
    ),
}


@cache
def page_of(name: str) -> Page:
    """The page of an example, or of a problem in the language."""
    return page(derive.derive(derive.example(name) if name in descriptions() else parse(name)))


def told(found: Page) -> Iterator[tuple[str, Formula]]:
    """Every formula that a printing has to show, in order, with the sign before it."""
    for section in found.sections:
        for step in section.steps:
            yield "", step.lines[0].left
            for line in step.lines:
                yield from (("=", side) for side in line.sides)
        for answer in section.answers:
            yield "", answer.left
            yield "=", answer.form


def steps_of(found: Page) -> Iterator[StepLines]:
    for section in found.sections:
        yield from section.steps


def missing(ending: str, found: Page, printed: str) -> list[str]:
    """The formulas of a page that a printing does not show where they are due."""
    target = TARGETS[ending]
    write, whole = target.writer(found), target.bare(printed)
    place, lost = 0, []
    for sign, formula in told(found):
        wanted = sign + target.bare(write(formula))
        at = whole.find(wanted, place)
        if at < 0:
            lost.append(wanted)
        else:
            place = at + len(sign)
    return lost


every = pytest.mark.parametrize("name", [*descriptions(), *FURTHER])
printed_formats = pytest.mark.parametrize(
    "ending", [ending for ending in FORMATS if ending != "json"]
)


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "WIDTH_WHEN_PIPED", 100_000)


@every
@printed_formats
def test_every_printing_shows_all_steps_and_answers(name: str, ending: str) -> None:
    found = page_of(name)
    printed = notes(found, ending)
    assert missing(ending, found, printed) == []


@pytest.mark.parametrize("name", ["testnet", "attention", "gaussian", *FURTHER])
@pytest.mark.parametrize("notation", ["matrix", "index"])
@printed_formats
def test_they_agree_in_detail_in_either_notation_and_language(
    name: str, notation: str, ending: str
) -> None:
    derivation = page_of(name).derivation
    found = page(derivation, detail="proof", notation=notation, layout="denominator", lang="zh")
    assert missing(ending, found, notes(found, ending)) == []


@every
@printed_formats
def test_every_printing_counts_the_same_steps(name: str, ending: str) -> None:
    found = page_of(name)
    numbers = TARGETS[ending].number.findall(notes(found, ending))
    assert numbers == [str(step.number) for step in steps_of(found)]


@every
def test_the_record_holds_all_steps_and_answers(name: str) -> None:
    found = page_of(name)
    read = read_record(notes(found, "json"))
    write = latex_writer(found)
    assert len(read.sections) == len(found.sections)
    for kept, section in zip(read.sections, found.sections, strict=True):
        for step, written in zip(kept.steps, section.steps, strict=True):
            assert step.number == written.number
            assert step.quantity.latex == write(written.quantity)
            assert step.sought == written.sought
            for line, shown in zip(step.lines, written.lines, strict=True):
                pairs = zip((line.left, *line.sides), (shown.left, *shown.sides), strict=True)
                for formula, expected in pairs:
                    assert formula.text == formula_text(expected)
                    assert formula.latex == write(expected)
                assert len(line.told) == len(shown.reasons)
        for answer, asked in zip(kept.answers, section.answers, strict=True):
            assert answer.left.text == formula_text(asked.left)
            assert answer.form.text == formula_text(asked.form)
            assert answer.form.latex == write(asked.form)


@printed_formats
def test_a_printing_that_lacks_a_line_is_caught(ending: str) -> None:
    """A line that another page has is missed, a line that this one lacks is not looked for."""
    found = page_of("testnet")
    (section,) = found.sections
    step = section.steps[1]
    planted = replace(step.lines[-1], sides=(Signs("q + q + q"),))
    steps = (section.steps[0], replace(step, lines=(*step.lines, planted)), *section.steps[2:])
    longer = replace(found, sections=(replace(section, steps=steps),))
    (lost,) = missing(ending, longer, notes(found, ending))
    assert lost.count("q") == 3
    turned = replace(found, sections=(replace(section, steps=section.steps[::-1]),))
    assert missing(ending, turned, notes(found, ending))
