"""A page as one HTML file, or as the article alone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from markupsafe import Markup, escape

from derive.emit.html.diagram import Picture, pictures
from derive.emit.html.listing import listing
from derive.emit.html.mathml import Mathematics, Side
from derive.emit.latex import BOLD, PLAIN, LatexStyle, style_for
from derive.emit.page import Answer, Line, Page, Section, StepLines
from derive.emit.plain import formula_text, words_text
from derive.emit.templates import template
from derive.emit.words import Formula, Words
from derive.shapes import Shape
from derive.tensor.nodes import Variable

__all__ = ["embedded_font", "html_notes"]

FONT: Final = "notes-math.woff2"
STYLES: Final = {"bold": BOLD, "plain": PLAIN}


def html_notes(page: Page, *, code: str = "", style: str = "bold", fragment: bool = False) -> str:
    """The page as HTML that needs nothing else: no network, no script.

    Args:
        page: What to print.
        code: The module to list, or "".
        style: ``bold`` or ``plain``.
        fragment: Whether to give the article alone, for a page that there is already; it has its
            style sheet with it, and takes the mathematical font of that page or its reader.

    Raises:
        UnsupportedError: A formula cannot be shown as MathML.
    """
    writer = _Writer(page, style_for(_variables(page), STYLES[style]))
    return template("notes.html.jinja").render(
        said=page.say.text,
        language=page.say.language,
        title=writer.title,
        name=page.name,
        top=writer.top,
        several=len(page.sections) > 1,
        sections=[writer.section(*numbered) for numbered in enumerate(page.sections, 1)],
        ends=list(writer.ends(code)),
        notes=[writer.mathematics.words(note) for note in page.notes],
        checked=writer.mathematics.words(page.check),
        failed="" if page.report is None or page.report.passed else str(page.report),
        source=page.problem.source.strip(),
        code=listing(code) if code else "",
        fragment=fragment,
        font="" if fragment else embedded_font(),
    )


@cache
def embedded_font() -> str:
    """The mathematical font in base64."""
    return b64encode((files("derive.emit.html") / FONT).read_bytes()).decode()


def _variables(page: Page) -> Iterator[Variable]:
    """Everything on the page that has a name."""
    yield from page.derivation.names.values()
    for sweep in page.derivation.sweeps:
        for step in sweep.steps:
            yield step.adjoint


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the page with a heading: what it is, its place and its title."""

    name: str
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a step as it is filled in."""

    left: Markup
    sides: Sequence[Side]
    shapes: Markup
    reasons: Markup
    proof: Sequence[Markup]


@dataclass(frozen=True, slots=True)
class _Step:
    """A step as it is filled in; ``result`` is what a folded one shows."""

    number: int
    left: Markup
    result: Side
    lines: Sequence[_Line]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table: what it is about, what that equals, its shape, a remark."""

    left: Markup
    sides: Sequence[Side]
    shape: Markup
    remark: Markup


@dataclass(frozen=True, slots=True)
class _Section:
    """A section as it is filled in."""

    number: int
    title: Markup
    parts: Sequence[_Part]
    symbols: Sequence[_Row]
    forward: Sequence[_Row]
    pictures: Sequence[Picture]
    conventions: Sequence[Markup]
    steps: Sequence[_Step]
    answers: Sequence[_Row]
    meanings: Sequence[_Row]


class _Writer:
    """Makes the parts of a page that the template puts in their places."""

    def __init__(self, page: Page, style: LatexStyle) -> None:
        self.page, self.say = page, page.say
        self.mathematics = Mathematics(style)

    @property
    def title(self) -> str:
        """What the file is about, in plain words."""
        titles = [words_text(section.title) for section in self.page.sections]
        first = f"{titles[0]}, …" if len(titles) > 1 else titles[0]
        return f"{self.page.name}: {first}" if self.page.name else first

    @property
    def top(self) -> Markup:
        """The title at the head of the page."""
        if len(self.page.sections) == 1:
            return self.mathematics.words(self.page.sections[0].title)
        return escape(self.page.name or self.say.text("Derivation"))

    def ends(self, code: str) -> Iterator[_Part]:
        """What stands behind the sections."""
        if self.page.notes:
            yield _Part("notes", "notes", self.say.text("Remarks"))
        if self.page.check:
            yield _Part("check", "check", self.say.text("Check"))
        if self.page.problem.source:
            yield _Part("problem", "problem", self.say.text("The problem"))
        if code:
            yield _Part("code", "code", self.say.text("NumPy code"))

    def section(self, number: int, section: Section) -> _Section:
        """One section."""
        whole = self.page.detail != "result"
        words = self.mathematics.words
        titles = {"answers": self.say.text("Closed forms")}
        if whole:
            titles = {
                "symbols": self.say.text("Symbols"),
                "forward": self.say.text("Forward pass"),
                "derivation": self.say.text("Derivation"),
            } | titles
        if not section.forward:
            titles.pop("forward", None)
        return _Section(
            number,
            words(section.title),
            [_Part(name, f"{name}-{number}", title) for name, title in titles.items()],
            [self.row(s.name, (), s.shape, s.remark) for s in section.symbols],
            [self.row(d.name, (d.form,), d.shape, d.remark) for d in section.forward],
            pictures(section, self.mathematics, self.say) if whole else (),
            [words(convention) for convention in section.conventions],
            [self.step(step) for step in section.steps] if whole else [],
            [row for answer in section.answers for row in self.answer(answer)],
            [self.row(m.sides[0], m.sides[1:], None, ()) for m in section.meanings],
        )

    def row(
        self, left: Formula | None, sides: Sequence[Formula], shape: Shape | None, remark: Words
    ) -> _Row:
        """A row of a table of equations."""
        return _Row(
            Markup("") if left is None else self.mathematics.display(left),
            [self.mathematics.side(side) for side in sides],
            Markup("") if shape is None else self.mathematics.shape(shape),
            self.mathematics.words(remark),
        )

    def answer(self, answer: Answer) -> Iterator[_Row]:
        """A closed form, and its other forms below it."""
        yield self.row(answer.left, (answer.form,), answer.shape, answer.remark)
        for form, remark in answer.others if self.page.detail != "result" else ():
            yield self.row(None, (form,), answer.shape, remark)

    def step(self, step: StepLines) -> _Step:
        """A step; every line but the first goes on from the one before."""
        lines = [self.line(line, not place) for place, line in enumerate(step.lines)]
        last = step.lines[-1]
        return _Step(
            step.number,
            self.mathematics.display(step.lines[0].left),
            self.mathematics.side(_distinct(last)[-1]),
            lines,
        )

    def line(self, line: Line, first: bool) -> _Line:
        """One line of a step."""
        return _Line(
            self.mathematics.display(line.left) if first else Markup(""),
            [self.mathematics.side(side) for side in _distinct(line)],
            self.mathematics.shapes(line.factors),
            self.mathematics.listed(line.reasons, self.say.stop),
            [self.mathematics.words(proof, True) for proof in line.proof],
        )


def _distinct(line: Line) -> list[Formula]:
    """The sides of a line, each once."""
    return list({formula_text(side): side for side in line.sides}.values())
