"""Notes in Markdown, with mathematics as GitHub and Jupyter both set it.

GitHub reads Markdown before it looks for mathematics, and its MathJax knows fewer commands. So what
either would take for its own is written otherwise here: an underscore that could begin emphasis has
blanks around it, a sign behind a backslash is called by its name, and no command is used that
GitHub refuses (``\\operatorname``, ``\\phantom``, ``\\bm``). Jupyter shows the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from derive.emit.latex import BOLD, PLAIN, LatexStyle, broken, latex_shape, style_for, width
from derive.emit.latex.formulas import underbraced
from derive.emit.latex.words import latex_formula
from derive.emit.page import Answer, Line, Page, Section, StepLines
from derive.emit.plain import words_text
from derive.emit.statement import statement
from derive.emit.templates import template
from derive.emit.words import Equation, Formula, Words, joined
from derive.notation.expression import Expr
from derive.shapes import Shape

__all__ = ["markdown_math", "markdown_notes", "markdown_text", "markdown_words"]

ROOM: Final = 66
"""Width of a formula on one line, in digits."""

LINE: Final = 104
"""Width of a formula with its reasons beside it."""

BLANKS: Final = re.compile(r" {2,}")

SAFE: Final = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"\\bm\b", r"\\boldsymbol"),
        (r"\\operatorname\*?\{(\w*)\}", r"\\mathop{\\mathrm{\1}}\\nolimits"),
        (r"\\\\", r"\\cr "),
        (r"\\,", r"\\thinspace "),
        (r"\\[:;]", r"\\enspace "),
        (r"\\!", r"\\negthinspace "),
        (r"\\\{", r"\\lbrace "),
        (r"\\\}", r"\\rbrace "),
        (r"\\\|", r"\\Vert "),
        (r"\\_", r"\\underline{\\enspace}"),
        (r"<", r"\\lt "),
        (r">", r"\\gt "),
        (r"\|", r"\\vert "),
        (r"\*", r"\\ast "),
        (r"~", r"\\enspace "),
        (r"\](?=[(\[])", r"] "),
        (r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r" _ "),
        (BLANKS.pattern, " "),
    )
)
"""What is written in place of what GitHub would take for Markdown, or does not know."""

MARKS: Final = re.compile(r"([\\`*_{}\[\]<>|$~#&])")
"""Characters of prose that mean something in Markdown."""

WIDE: Final = {ord(sign): ord(sign) + 0xFEE0 for sign in "\\{}$&#%_^~<>|*"}
"""Signs of prose inside of mathematics, in full width, in which they mean nothing."""

OPENING: Final = (" ", "(", "\n")
CLOSING: Final = tuple(" .,;:!?)\n")
"""What may stand before the dollar sign that opens a formula, and behind the one that closes it."""


def markdown_math(source: str) -> str:
    """A formula in LaTeX as both GitHub and Jupyter set it, without dollar signs.

    >>> markdown_math(r"\\operatorname{tr}(\\bm{A}_{12} \\bm{b}_1)")
    '\\\\mathop{\\\\mathrm{tr}}\\\\nolimits(\\\\boldsymbol{A} _ {12} \\\\boldsymbol{b} _ 1)'
    """
    for pattern, written in SAFE:
        source = pattern.sub(written, source)
    return source.strip()


def markdown_text(prose: str) -> str:
    """Prose that Markdown shows as it is."""
    return MARKS.sub(r"\\\1", prose)


def markdown_words(words: Words, style: LatexStyle = BOLD) -> str:
    """Prose with its formulas between dollar signs, apart from the letters around them."""
    written = ""
    for piece in words:
        if isinstance(piece, str):
            apart = written.endswith("$") and not piece.startswith(CLOSING)
            written += (" " if apart else "") + markdown_text(piece)
            continue
        apart = bool(written) and not written.endswith(OPENING)
        written += (" " if apart else "") + f"${markdown_math(latex_formula(piece, style))}$"
    return written


def markdown_notes(
    page: Page, *, code: str = "", style: str = "bold", fragment: bool = False
) -> str:
    """The page in Markdown; a fragment has no title, and the problem is not in it.

    Args:
        page: What is printed.
        code: The module that is listed, or "".
        style: ``bold`` or ``plain``.
        fragment: Whether to leave out the title and the problem as it was posed.
    """
    printer = _Printer(
        page, style_for(page.derivation.names.values(), BOLD if style == "bold" else PLAIN)
    )
    title = page.name or page.say.text("Derivation")
    problem = "" if fragment else statement(page.derivation).strip()
    written = template("notes.md.jinja").render(
        title="" if fragment else markdown_text(title),
        sections=[printer.section(section) for section in page.sections],
        notes=[printer.words(note) for note in page.notes],
        check=printer.words(page.check),
        failure="" if page.report is None or page.report.passed else str(page.report),
        problem=problem,
        code=code.rstrip("\n"),
        fence="`" * max(3, 1 + max(map(len, re.findall("`+", code + problem)), default=0)),
        detail=page.detail,
        say=page.say.text,
    )
    return written.rstrip("\n") + "\n"


class _Printer:
    """The parts of one page as strings, for the template."""

    def __init__(self, page: Page, style: LatexStyle) -> None:
        self.page, self.style = page, style

    def words(self, words: Words) -> str:
        """Prose with its formulas."""
        return markdown_words(words, self.style)

    def math(self, formula: Formula) -> str:
        """A formula, without dollar signs."""
        return markdown_math(latex_formula(formula, self.style))

    def section(self, section: Section) -> dict[str, object]:
        """What the template shows of a section."""
        known = [(self.equation(x.name, x.form), x.shape, x.remark) for x in section.forward]
        found = [row for answer in section.answers for row in self.answer(answer)]
        return {
            "title": self.words(section.title),
            "symbols": [self.row(self.math(x.name), x.shape, x.remark) for x in section.symbols],
            "forward": [self.row(*parts) for parts in known],
            "conventions": list(map(self.words, section.conventions)),
            "steps": [self.step(step) for step in section.steps],
            "answers": [self.row(*parts) for parts in found],
            "meanings": block(row for x in section.meanings for row in self.meaning(x)),
        }

    def row(self, formula: str, shape: Shape, remark: Words) -> tuple[str, str, str]:
        """A row of a table."""
        return f"${formula}$", self.shape(shape), self.words(remark)

    def shape(self, shape: Shape) -> str:
        """Rows and columns."""
        return f"${markdown_math(latex_shape(shape))}$"

    def equation(self, left: Formula, right: Formula) -> str:
        """``left = right`` for a cell of a table, in rows where it is too long for one."""
        first, *more = self.pieces(right)
        if not more:
            return rf"\displaystyle {self.math(left)} = {first}"
        rows = r" \cr ".join([f"{self.math(left)} & = {first}", *map(continued, more)])
        return rf"\begin{{aligned}} {rows} \end{{aligned}}"

    def pieces(self, formula: Formula) -> Sequence[str]:
        """A formula in pieces that fit on a line."""
        if isinstance(formula, Expr):
            return [markdown_math(piece) for piece in broken(formula, self.style, ROOM)]
        return [self.math(formula)]

    def step(self, step: StepLines) -> dict[str, object]:
        """What a step is about, its lines, and what is proved of them."""
        rows = [row for place, line in enumerate(step.lines) for row in self.line(line, not place)]
        about: list[Words] = [(step.quantity,)]
        if step.sought:
            about.append((self.page.say.text("sought"),))
        sizes = (step.quantity.rows, step.quantity.cols)
        return {
            "number": step.number,
            "about": self.words(joined(about, self.page.say.comma)),
            "shape": self.shape(sizes[:1] if step.quantity.is_column else sizes),
            "block": block(rows),
            "proof": [self.proof(proof) for line in step.lines for proof in line.proof],
        }

    def proof(self, words: Words) -> str:
        """One equality in entries; a formula alone is set as in a display."""
        if len(words) == 1 and not isinstance(words[0], str):
            return rf"$\displaystyle {self.math(words[0])}$"
        return self.words(words)

    def line(self, line: Line, first: bool) -> Iterator[str]:
        """The rows of one line: its formulas, and why."""
        left = f"{self.math(line.left)} " if first else ""
        formula, *more = self.sides(line)
        reason = joined(line.reasons, self.page.say.stop)
        fits = width(formula) + len(words_text(reason)) <= LINE
        beside = f" && {self.inside(reason)}" if reason and fits else ""
        yield f"{left}& = {formula}{beside}"
        yield from (f"& {row}" for row in more)
        if not fits:
            yield from (rf"& \qquad {self.inside(part)}" for part in self.packed(line))

    def sides(self, line: Line) -> Iterator[str]:
        """The formulas of a line, as many in a row as fit."""
        row = ""
        for side in line.sides:
            first, *more = self.side(side, line)
            longer = f"{row} = {first}" if row else first
            if row and (more or width(longer) > ROOM):
                yield row
                longer = f"= {first}"
            row = longer
            for piece in more:
                yield row
                row = rf"\quad {piece}"
        yield row

    def side(self, side: Formula, line: Line) -> Sequence[str]:
        """One formula of a line, with shapes under the factors of a product."""
        if isinstance(side, Expr) and len(line.factors) > 1 and _arrays(side) == line.factors:
            return [markdown_math(underbraced(side, self.style))]
        return self.pieces(side)

    def packed(self, line: Line) -> Iterator[Words]:
        """Reasons in rows, as many in one as fit."""
        row: Words = ()
        for reason in line.reasons:
            longer = joined([row, reason], self.page.say.stop) if row else reason
            if row and len(words_text(longer)) > LINE:
                yield row
                longer = reason
            row = longer
        yield row

    def inside(self, words: Words) -> str:
        """Prose with formulas, inside of mathematics."""
        return "".join(
            rf"\text{{{BLANKS.sub(' ', piece.translate(WIDE))}}}"
            if isinstance(piece, str)
            else self.math(piece)
            for piece in words
        )

    def answer(self, answer: Answer) -> Iterator[tuple[str, Shape, Words]]:
        """The rows of one answer in the table of results."""
        yield self.equation(answer.left, answer.form), answer.shape, answer.remark
        for form, remark in answer.others if self.page.detail != "result" else ():
            yield rf"\displaystyle \quad = {self.math(form)}", answer.shape, remark

    def meaning(self, meaning: Equation) -> Iterator[str]:
        """What a name stands for, in rows that fit."""
        left, right = meaning.sides
        first, *more = self.pieces(right)
        yield f"{self.math(left)} & = {first}"
        yield from map(continued, more)


def _arrays(expr: Expr) -> tuple[Expr, ...]:
    """The arrays in a product; those of ``-A B`` and of ``A B/m`` are its arrays, too."""
    while expr.op in ("negative", "fraction"):
        expr = expr.args[0]
    return tuple(arg for arg in expr.args if not arg.is_scalar) if expr.op == "product" else ()


def continued(piece: str) -> str:
    """A row that goes on with the formula of the row above it."""
    return rf"& \quad {piece}"


def block(rows: Iterable[str]) -> str:
    """Rows as one display; nothing if there are none."""
    inner = " \\cr\n".join(rows)
    return f"$$\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n$$" if inner else ""
