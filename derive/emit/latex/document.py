"""The notes as a LaTeX document, or as a fragment for somebody else's."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Template

from derive.emit.latex.breaking import broken
from derive.emit.latex.formulas import latex_shape, underbraced
from derive.emit.latex.listing import LITERATE, listed
from derive.emit.latex.names import BOLD, PLAIN, LatexStyle, escaped, style_for
from derive.emit.latex.rows import Row, Side, aligned, below_heading, narrowest, parted
from derive.emit.latex.widths import width
from derive.emit.latex.words import latex_formula
from derive.emit.page import Line, Page, Section, StepLines
from derive.emit.plain import formula_text
from derive.emit.statement import statement
from derive.emit.templates import environment
from derive.emit.text import LANGUAGE
from derive.emit.words import Formula, Wording, Words
from derive.notation.expression import Expr
from derive.shapes import Shape

__all__ = ["PACKAGES", "latex_notes"]

PACKAGES: Final = ("amsmath", "mathtools", "bm", "booktabs", "array", "graphicx", "xcolor")
"""What the formulas and tables need."""

LISTING: Final = ("listings",)
CHINESE: Final = ("CJKutf8",)

DOCUMENT_ROOM: Final = 81.0
FRAGMENT_ROOM: Final = 67.0
"""The width of the text in digits: A4 with margins of 25 mm in 11 pt; a plain article in 10 pt."""

MARGIN: Final = 20.0
"""How much less room there is for words than for the widest of lines."""

COLUMN: Final = 2.2
"""The space between two columns of a table."""

LONGEST: Final = 24.0
"""A name that is wider is made smaller in a table."""

SMALL: Final = 0.85
LARGE: Final = 1.6
"""Size of the words beside a formula, and of a title."""

FIGURE: Final = re.compile(r"\b(\d)e(-?\d+)\b")
"""An error in the check."""

ENORMOUS: Final = 1000.0
"""A formula is not set as one if more than this stays on one line; TeX has no such widths."""

TABLE_ROWS: Final = 34
"""A table with more rows is divided, since it stays on one page."""

IDEOGRAPHS: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]+")
"""Characters that fonts for Chinese have."""

PAUSES: Final = re.compile(r"[\u3001\u3002\uff0c\uff1a\uff1b]$")
"""Signs at the end of Chinese words behind which a line may end, before a formula too."""


def latex_notes(page: Page, *, code: str = "", style: str = "bold", fragment: bool = False) -> str:
    """The page as LaTeX.

    Args:
        page: What to print.
        code: The module to list, or "".
        style: ``bold`` or ``plain``.
        fragment: Whether it is to be a part of somebody else's document, set in lines of at least
            345 pt; it says in comments which packages it needs.
    """
    names = page.derivation.names.values()
    printer = _Printer(
        page,
        style_for(names, BOLD if style == "bold" else PLAIN),
        FRAGMENT_ROOM if fragment else DOCUMENT_ROOM,
    )
    posed = "" if fragment else listed(statement(page.derivation))
    listing = listed(code)
    return _template().render(
        fragment=fragment,
        packages=(*PACKAGES, *(LISTING if code or posed else ())),
        literate=[row for row in LITERATE if row[0] in listing + posed],
        characters=sorted({sign for sign in listing + posed if not sign.isascii()}),
        chinese=page.say.language == "zh",
        code=listing,
        posed=posed,
        words=_titles(page.say),
        page=printer.page_parts(),
    )


def _titles(say: Wording) -> dict[str, str]:
    """Titles of parts and heads of columns."""
    return {
        "symbols": say.text("Symbols"),
        "symbol": say.text("symbol"),
        "shape": say.text("shape"),
        "known": say.text("what is known"),
        "forward": say.text("Forward pass"),
        "derivation": say.text("Derivation"),
        "answers": say.text("Closed forms"),
        "with": say.text("with"),
        "remarks": say.text("Remarks"),
        "check": say.text("Check"),
        "failed": say.text("FAILED"),
        "posed": say.text("The problem as it was posed"),
        "code": say.text("NumPy code"),
    }


@cache
def _template() -> Template:
    own = environment().overlay(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    return own.get_template("notes.tex.jinja")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of three cells, and how the last of them is set: in one line or in several."""

    columns: str
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What the template sets of one section; every text in it is LaTeX."""

    title: str
    symbols: tuple[Table, ...]
    forward: str
    conventions: tuple[str, ...]
    steps: str
    answers: str
    meanings: str


@dataclass(frozen=True, slots=True)
class Whole:
    """What the template sets of a page."""

    name: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    check: str
    failed: tuple[str, ...]


class _Printer:
    """Prints one page in one style."""

    def __init__(self, page: Page, style: LatexStyle, room: float) -> None:
        self.page, self.style, self.room = page, style, room
        self.say = page.say

    def page_parts(self) -> Whole:
        """All parts of the page."""
        report = self.page.report
        failed = () if report is None or report.passed else tuple(str(report).splitlines()[1:])
        return Whole(
            self.prose(self.page.name),
            tuple(map(self.part, self.page.sections)),
            tuple(map(self.words, self.page.notes)),
            FIGURE.sub(r"$\1 \\cdot 10^{\2}$", self.words(self.page.check)),
            tuple(map(self.prose, failed)),
        )

    def part(self, section: Section) -> Part:
        """One section."""
        told = self.page.detail != "result"
        meanings = list(self.meanings(section))
        return Part(
            self.words(section.title, LARGE),
            tuple(self.symbols(section)) if told else (),
            self.display(self.forward(section)) if told else "",
            tuple(map(self.words, section.conventions if told else _layout(section))),
            self.display(self.steps(section)) if told else "",
            self.display(self.answers(section, told)),
            aligned(meanings, self.room) if meanings else "",
        )

    def display(self, rows: Iterable[Row]) -> str:
        """Rows below a heading; "" for none."""
        found = list(rows)
        return below_heading(found, self.room) if found else ""

    # Words and formulas.

    def prose(self, text: str) -> str:
        """Text in which nothing is a command."""
        pieces = []
        place = 0
        for found in IDEOGRAPHS.finditer(text):
            ideographs = PAUSES.sub(r"\g<0>\\allowbreak{}", found[0])
            pieces += [escaped(text[place : found.start()]), ideographs]
            place = found.end()
        return "".join((*pieces, escaped(text[place:])))

    def words(self, words: Words, size: float = 1.0) -> str:
        """Prose with its formulas, in type of some size beside that of the text."""
        room = (self.room - MARGIN) / size
        return "".join(
            self.prose(piece) if isinstance(piece, str) else _inline(self.formula(piece), room)
            for piece in words
        )

    def formula(self, formula: Formula) -> str:
        """A formula on one line."""
        return latex_formula(formula, self.style)

    def side(self, formula: Formula, factors: Sequence[Expr] = ()) -> Side:
        """A formula behind an equals sign, with the shapes of its factors below it."""
        written = self.formula(formula)
        if narrowest(written) > ENORMOUS:
            return Side(written, lambda room: _spelled(formula, room))
        if not isinstance(formula, Expr):
            return Side(written, lambda room: parted(written, room))
        expr = formula
        if len(factors) > 1 and _factors(expr) == tuple(factors):
            written = underbraced(expr, self.style)
        return Side(written, lambda room: broken(expr, self.style, int(room)))

    # The parts of a section.

    def symbols(self, section: Section) -> Iterator[Table]:
        """Name, shape and facts of what is given, in tables that fit a page."""
        given = [
            (self.formula(symbol.name), latex_shape(symbol.shape), self.words(symbol.remark))
            for symbol in section.symbols
        ]
        names, shapes = (max((width(row[k]) for row in given), default=0.0) for k in (0, 1))
        room = max(self.room - min(names, LONGEST) - shapes - 2 * COLUMN, MARGIN)
        wraps = any(len(remark) > room for _, _, remark in given)
        last = rf">{{\raggedright\arraybackslash}}p{{{room / 2:.1f}em}}" if wraps else "l"
        rows = [
            (_inline(name, LONGEST, f"{LONGEST / 2}em"), f"${shape}$", remark)
            for name, shape, remark in given
        ]
        for start in range(0, len(rows), TABLE_ROWS):
            yield Table(f"@{{}}ll{last}@{{}}", tuple(rows[start : start + TABLE_ROWS]))

    def forward(self, section: Section) -> Iterator[Row]:
        """How the quantities are computed."""
        for known in section.forward:
            yield Row(
                self.formula(known.name),
                (self.side(known.form),),
                self.beside(known.shape, known.remark),
            )

    def beside(self, shape: Shape, remark: Words) -> str:
        """A shape, and what else is to be known."""
        words = f"${latex_shape(shape)}$"
        return self.say.comma.join((words, self.words(remark))) if remark else words

    def steps(self, section: Section) -> Iterator[Row]:
        """The derivation."""
        for step in section.steps:
            for number, line in enumerate(step.lines):
                yield self.step_line(step, line, number == 0)

    def step_line(self, step: StepLines, line: Line, first: bool) -> Row:
        """One line of a step."""
        left = ""
        if first:
            left = self.formula(line.left)
            whole = line.factors[0]
            if len(line.factors) == 1 and isinstance(line.left, Expr) and not whole.is_scalar:
                left = rf"\underbrace{{{left}}}_{{{latex_shape((whole.rows, whole.cols))}}}"
        return Row(
            left,
            tuple(self.side(side, line.factors) for side in line.sides),
            self.say.stop.join(map(self.words, line.reasons)),
            max((self.least(words) for words in line.reasons), default=0.0),
            tuple(part for words in line.proof for part in self.proof(words)),
            str(step.number) if first else "",
            first,
        )

    def proof(self, words: Words) -> Iterator[str]:
        """A line in entries; a formula alone is set as large as one on a line of its own."""
        if len(words) != 1 or isinstance(words[0], str):
            yield self.words(words)
            return
        room = (self.room - MARGIN) / SMALL
        for number, part in enumerate(parted(self.formula(words[0]), room)):
            whole = rf"\displaystyle {{}}{part}" if number else rf"\displaystyle {part}"
            yield (r"\quad " if number else "") + _inline(whole, room)

    def least(self, words: Words) -> float:
        """The width of the widest formula in words, in small type."""
        formulas = (piece for piece in words if not isinstance(piece, str))
        return SMALL * max((narrowest(self.formula(f)) for f in formulas), default=0.0)

    def answers(self, section: Section, told: bool) -> Iterator[Row]:
        """The closed forms."""
        for answer in section.answers:
            beside = self.beside(answer.shape, answer.remark)
            yield Row(self.formula(answer.left), (self.side(answer.form),), beside, apart=True)
            for form, remark in answer.others if told else ():
                yield Row("", (self.side(form),), self.words(remark), equals=False)

    def meanings(self, section: Section) -> Iterator[Row]:
        """What the names in the closed forms stand for."""
        for meaning in section.meanings:
            left, *sides = meaning.sides
            yield Row(self.formula(left), tuple(map(self.side, sides)))


def _layout(section: Section) -> tuple[Words, ...]:
    """In which layout Jacobians are, where there are any."""
    jacobians = any(answer.result.kind != "grad" for answer in section.answers)
    return section.conventions[:1] if jacobians else ()


def _spelled(formula: Formula, room: float) -> tuple[str, ...]:
    """A formula that no line can hold, as it is written in the problem language."""
    lines = textwrap.wrap(formula_text(formula, LANGUAGE), int(room / SMALL))
    return tuple(rf"\text{{\ttfamily\footnotesize {escaped(line)}}}" for line in lines)


def _inline(written: str, room: float, extent: str = r"0.95\linewidth") -> str:
    """A formula among words; where it is too long for a line, it is made smaller."""
    return f"${written}$" if narrowest(written) <= room else rf"\fitted{{{extent}}}{{{written}}}"


def _factors(expr: Expr) -> tuple[Expr, ...]:
    """The arrays that a product is made of, below a sign and above a line."""
    inner = expr.args[0] if expr.op == "negative" else expr
    if inner.op == "fraction":
        inner = inner.args[0]
    return tuple(arg for arg in inner.args if not arg.is_scalar) if inner.op == "product" else ()
