"""The derivation in the terminal: Unicode mathematics, with shapes and reasons beside it."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from typing import IO, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from derive.emit.page import Line, Page, Section
from derive.emit.plain import ascii_text, formula_text, words_text
from derive.emit.text import LANGUAGE, UNICODE, Style
from derive.emit.words import Formula, Words
from derive.notation.expression import Expr
from derive.shapes import ONE, Dim, Shape, same, size_text

__all__ = ["make_console", "print_page", "text_notes"]

WIDTH_WHEN_PIPED: Final = 110
REASON_WIDTH: Final = 46
"""Room that is kept for reasons beside a step."""


class PageConsole(Console):
    """A console that knows whether it may print more than ASCII."""

    ascii_only: bool = False


def make_console(ascii: bool = False, file: IO[str] | None = None) -> PageConsole:
    """A console that is plain when it is piped; with ``ascii`` it prints ASCII only."""
    stream = file or sys.stdout
    if stream is not None and not stream.closed and stream.isatty():
        console = PageConsole(file=file, highlight=False)
    else:
        console = PageConsole(
            file=file,
            highlight=False,
            force_terminal=False,
            width=WIDTH_WHEN_PIPED,
            no_color=True,
            color_system=None,
        )
    console.ascii_only = ascii
    return console


def print_page(page: Page, console: Console) -> None:
    """Print a page on a console from :func:`make_console`."""
    _Printer(page, console).print()


def text_notes(page: Page, *, code: str = "", style: str = "bold", fragment: bool = False) -> str:
    """The page as a file of plain text, the code behind it; there is one style and no fragment."""
    printed = io.StringIO()
    print_page(page, make_console(file=printed))
    if code and not fragment:
        printed.write(f"\n{code}")
    return printed.getvalue()


class _Printer:
    """One page on one console."""

    def __init__(self, page: Page, console: Console) -> None:
        self.page, self.console = page, console
        self.ascii = isinstance(console, PageConsole) and console.ascii_only
        self.style: Style = LANGUAGE if self.ascii else UNICODE
        names = [v for v in page.derivation.names.values() if v.order]
        bars = [
            step.adjoint
            for sweep in page.derivation.sweeps
            for step in sweep.steps
            if step.quantity.order
        ]
        options = "|".join(
            re.escape(name)
            for group in (bars, names)
            for name in sorted(map(self.style.name, group), key=len, reverse=True)
        )
        letter = "[A-Za-z0-9_\u0370-\u03ff\u0304\u0305]"
        self.bold = re.compile(rf"(?<!{letter})(?:{options})(?!{letter})") if options else None

    def print(self) -> None:
        """The whole page."""
        page = self.page
        for number, section in enumerate(page.sections):
            if number:
                self.line()
            self._title(section)
            if page.detail != "result":
                self._setting(section)
                for convention in section.conventions:
                    self.line(self.words(convention))
                if section.conventions:
                    self.line()
                self._steps(section)
            self._answers(section)
        for note in page.notes:
            self.line(self.words(note))
        if page.check:
            self.line()
            self._check()

    def _check(self) -> None:
        report = self.page.report
        assert report is not None
        if report.passed:
            checked = self.page.say.text("Checked")
            self.line(f"{checked}  {self.words(self.page.check)}")
        else:
            failed = self.page.say.text("FAILED")
            self.line(f"{failed}  {report}")

    # Writing.

    def plain(self, line: str) -> str:
        """The line in the characters that may be used."""
        return ascii_text(line) if self.ascii else line

    def words(self, words: Words) -> str:
        """Prose with its formulas."""
        return words_text(words, self.style)

    def written(self, formula: Formula) -> str:
        """A formula on one line."""
        return formula_text(formula, self.style)

    def said(self, phrase: str) -> str:
        """A phrase of the page's language."""
        return self.plain(self.page.say.text(phrase))

    def line(self, words: str = "", style: str = "") -> None:
        """One paragraph."""
        for part in self._wrapped(words):
            self.console.print(Text(part, style=style), soft_wrap=True)

    def _wrapped(self, words: str) -> list[str]:
        width = self.console.width
        if cell_len(words) <= width:
            return [self.plain(words)]
        return self._folded(self.plain(words), width)

    def formula(self, line: str) -> Text:
        """A formula with the vectors and matrices in it bold."""
        found = Text(line)
        if self.bold is not None:
            found.highlight_regex(self.bold, "bold")
        return found

    def shape(self, shape: Shape) -> Text:
        """Rows and columns."""
        sizes = [_factor(dim) if len(shape) > 1 else size_text(dim) for dim in shape]
        return Text(self.plain(" × ".join(sizes) or "1"), style="dim")

    # The parts of the page.

    def _print_trimmed(self, table: Table) -> None:
        """A table without blanks at the ends of its lines."""
        if self.console.is_terminal:
            self.console.print(table)
            return
        with self.console.capture() as captured:
            self.console.print(table)
        for line in captured.get().splitlines():
            self.console.print(Text(line.rstrip()), soft_wrap=True)

    def _title(self, section: Section) -> None:
        title, name = words_text(section.title), self.page.name
        gap = max(2, min(self.console.width, 100) - cell_len(title) - cell_len(name))
        self.line(f"{title}{' ' * gap}{name}" if name else title, "bold")
        self.line()

    def _setting(self, section: Section) -> None:
        symbols, forward = self._symbols(section), self._forward(section)
        both = Table.grid(padding=(0, 4))
        widths = [self.console.measure(table).maximum for table in (symbols, forward)]
        if sum(widths) + 4 <= self.console.width:
            both.add_row(symbols, forward)
            self._print_trimmed(both)
        else:
            for table in (symbols, forward):
                table.columns[0].no_wrap = widths[1] < self.console.width
                table.columns[0].overflow = "fold"
            self._print_trimmed(symbols)
            self.line()
            self._print_trimmed(forward)
        self.line()

    def _symbols(self, section: Section) -> Table:
        table = _columns(3)
        table.add_row(Text(self.said("Symbols"), style="bold"))
        for symbol in section.symbols:
            name = self.formula(f"  {self.written(symbol.name)}")
            table.add_row(name, self.shape(symbol.shape), Text(self.words(symbol.remark)))
        return table

    def _forward(self, section: Section) -> Table:
        table = _columns(3)
        table.add_row(Text(self.said("Forward pass"), style="bold"))
        for known in section.forward:
            formula = f"  {self.written(known.name)} = {self.written(known.form)}"
            remark = Text(self.words(known.remark))
            table.add_row(self.formula(formula), self.shape(known.shape), remark)
        return table

    def _steps(self, section: Section) -> None:
        pages = [
            [self._pieces(line, not place) for place, line in enumerate(step.lines)]
            for step in section.steps
        ]
        lines = [piece for page in pages for pieces in page for piece in pieces]
        shapes = max((cell_len(shape) for _, shape in lines), default=0)
        room = max(30, self.console.width - shapes - REASON_WIDTH)
        width = min(max((cell_len(formula) for formula, _ in lines), default=0), room)
        for step, page in zip(section.steps, pages, strict=True):
            mark = str(step.number)
            for line, pieces in zip(step.lines, page, strict=True):
                reasons = [self.plain(self.words(reason)) for reason in line.reasons]
                for formula, shape in pieces:
                    self._step_line(mark, formula, (shape, shapes), reasons, width)
                    mark, reasons = "", []
                for proof in line.proof:
                    words = self.plain(f"        {self.words(proof)}")
                    self.console.print(Text(words, style="dim"), soft_wrap=True)
        self.line()

    def _step_line(
        self, mark: str, formula: str, shape: tuple[str, int], reasons: Sequence[str], width: int
    ) -> None:
        """One line in columns; a formula that is too long stands on a line of its own."""
        written, shapes = self.plain(shape[0]), shape[1]
        head = Text(f"{mark:>2}  ") + self.formula(formula)
        if cell_len(formula) > width:
            self.console.print(head, soft_wrap=True)
            head = Text("    ")
            if not (written or reasons):
                return
            formula = ""
        head.append(" " * (width - cell_len(formula) + 2))
        head.append(written + " " * (shapes - cell_len(written) + 2), "dim")
        margin = head.cell_len
        wrapped = self._packed_reasons(reasons, max(20, self.console.width - margin))
        head.append(wrapped[0])
        head.rstrip()
        self.console.print(head, soft_wrap=True)
        for more in wrapped[1:]:
            self.console.print(Text(" " * margin + more), soft_wrap=True)

    def _packed_reasons(self, reasons: Sequence[str], room: int) -> list[str]:
        """Reasons in lines of a width; a line ends behind a reason where that is possible."""
        stop = self.plain(self.page.say.stop)
        lines: list[str] = []
        for reason in reasons:
            if lines and cell_len(f"{lines[-1]}{stop}{reason}") <= room:
                lines[-1] = f"{lines[-1]}{stop}{reason}"
                continue
            if lines:
                lines[-1] += stop.rstrip()
            lines.extend(self._folded(reason, room))
        return lines or [""]

    def _folded(self, words: str, room: int) -> list[str]:
        """Words in lines of a width."""
        return [str(part).rstrip() for part in Text(words).wrap(self.console, room)]

    def _pieces(self, line: Line, first: bool) -> list[tuple[str, str]]:
        """A line in pieces that fit: each a formula, the first with its shapes."""
        left = self.written(line.left)
        margin = cell_len(left)
        shapes = " · ".join(_extent(factor) for factor in line.factors)
        forms = list(dict.fromkeys(map(self.written, line.sides)))
        pieces = []
        for place, piece in enumerate(self._packed(forms, margin)):
            head = left if first and not place else " " * margin
            pieces.append((f"{head} = {piece}", "" if place else shapes))
        return pieces

    def _packed(self, forms: Sequence[str], margin: int) -> list[str]:
        """As many equal forms on a line as there is room for."""
        room = self.console.width - REASON_WIDTH - 10 - margin
        packed = [forms[0]]
        for form in forms[1:]:
            longer = f"{packed[-1]} = {form}"
            if cell_len(longer) <= room:
                packed[-1] = longer
            else:
                packed.append(form)
        return packed

    def _answers(self, section: Section) -> None:
        if self.page.detail != "result":
            self.line(self.said("Closed forms"), "bold")
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        for answer in section.answers:
            left = f"  {self.written(answer.left)} = "
            formula = self.formula(f"{left}{self.written(answer.form)}")
            shape = self.shape(answer.shape)
            table.add_row(formula, shape, Text(self.words(answer.remark)))
            for form, remark in answer.others if self.page.detail != "result" else ():
                other = self.formula(f"{' ' * cell_len(left)}{self.plain(self.written(form))}")
                table.add_row(other, shape, Text(self.words(remark)))
        self._print_trimmed(table)
        if section.meanings:
            self.line(self.said("with"))
        for meaning in section.meanings:
            self.console.print(self.formula(f"  {self.written(meaning)}"), soft_wrap=True)


def _columns(count: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(count):
        table.add_column(no_wrap=True)
    return table


def _factor(dim: Dim) -> str:
    """A size beside another one."""
    written = size_text(dim)
    return f"({written})" if " " in written else written


def _extent(expr: Expr) -> str:
    if same(expr.cols, ONE):
        return size_text(expr.rows)
    return f"{_factor(expr.rows)}×{_factor(expr.cols)}"
