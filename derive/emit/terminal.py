"""The derivation in the terminal: Unicode mathematics, with shapes and reasons beside it."""

from __future__ import annotations

import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from derive.calculus.derivation import Derivation, Result, Step, Sweep
from derive.calculus.rules import RULES
from derive.emit.proofs import proof_lines
from derive.emit.reasons import reasons_text
from derive.emit.text import LANGUAGE, UNICODE, Style, name_of, text
from derive.notation.answers import (
    closed_form,
    closed_tensor,
    explained,
    explanation,
    explanation_tensor,
    independent_form,
)
from derive.notation.board import (
    BoardStep,
    Row,
    board,
    written_form,
)
from derive.notation.expression import Expr
from derive.notation.raising import raised
from derive.notation.recognised import recognised_names
from derive.notation.signs import differences, with_signs
from derive.shapes import ONE, Shape, same, size_text
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import LETTERS, index_notation
from derive.tensor.printing import UNICODE as UNICODE_SIGNS
from derive.verify.report import Report

__all__ = ["ascii_text", "make_console", "print_derivation"]

WIDTH_WHEN_PIPED: Final = 110
REASON_WIDTH: Final = 46
"""Room that is kept for reasons beside a step."""

PLACEHOLDERS: Final = (("u", "v"), ("y", "x"), ("t", "s"), ("q", "p"), ("c", "b"))
"""Letters for two quantities that stand for any, of which a problem may have its own."""

ASCII: Final = str.maketrans(
    {
        "−": "-", "ᵀ": "'", "·": ".", "×": "x", "⊙": ".*", "⊘": "./", "′": "'", "σ": "sigmoid",
        "∂": "d", "Σ": "sum", "δ": "delta", "λ": "lambda", "α": "alpha", "Φ": "Phi", "φ": "phi",
        "π": "pi", "√": "sqrt", "²": "^2", "³": "^3", "⁻": "^-", "¹": "1", "ᵏ": "^k", "‖": "|",
        "≥": ">=", "≤": "<=", "…": "...", "⟨": "<", "⟩": ">", "\u0304": "_bar", "\u0305": "",
        "μ": "mu", "’": "'", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k",
    }
)  # fmt: skip


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


def ascii_text(line: str) -> str:
    """A line of Unicode mathematics in ASCII."""
    plain = unicodedata.normalize("NFD", line).translate(ASCII)
    return plain.encode("ascii", "replace").decode()


def print_derivation(
    derivation: Derivation,
    report: Report | None,
    console: Console,
    *,
    detail: str = "steps",
    notation: str = "matrix",
) -> None:
    """Print a derivation.

    Args:
        derivation: What was derived.
        report: What the judge found; None if it was not asked.
        console: From :func:`make_console`.
        detail: ``result``, ``steps`` or ``proof``.
        notation: ``matrix`` or ``index``.
    """
    _Page(derivation, console, detail, notation).print(report)


class _Page:
    """One derivation on one console."""

    def __init__(
        self, derivation: Derivation, console: Console, detail: str, notation: str
    ) -> None:
        self.derivation, self.console = derivation, console
        self.detail, self.notation = detail, notation
        self.ascii = isinstance(console, PageConsole) and console.ascii_only
        self.style: Style = LANGUAGE if self.ascii else UNICODE
        self.proved = ""
        formulas = [written_form(v, derivation) for v in derivation.names.values() if v.value]
        self.differences = {part for formula in formulas for part in differences(formula)}
        names = [v for v in derivation.names.values() if v.order]
        written = sorted((re.escape(self.name(v)) for v in names), key=len, reverse=True)
        bars = sorted(
            (
                re.escape(self.style.name(step.adjoint))
                for sweep in derivation.sweeps
                for step in sweep.steps
                if step.quantity.order
            ),
            key=len,
            reverse=True,
        )
        options = "|".join((*bars, *written))
        letter = "[A-Za-z0-9_\u0370-\u03ff\u0304\u0305]"
        self.bold = re.compile(rf"(?<!{letter})(?:{options})(?!{letter})") if options else None

    def print(self, report: Report | None) -> None:
        """The whole page."""
        for number, sweep in enumerate(self.derivation.sweeps):
            if number:
                self.line()
            self._title(sweep)
            if self.detail != "result":
                self._setting(sweep)
                if sweep.kind not in {before.kind for before in self.derivation.sweeps[:number]}:
                    self._conventions(sweep.kind)
                self._steps(sweep)
            self._answers(sweep)
        for note in (*self.derivation.problem.notes, *_remarks(self.derivation)):
            self.line(note)
        if report is not None:
            self.line()
            self.line(f"Checked  {report.summary()}" if report.passed else f"FAILED  {report}")

    # Writing.

    def plain(self, line: str) -> str:
        """The line in the characters that may be used."""
        return ascii_text(line) if self.ascii else line

    def line(self, words: str = "", style: str = "") -> None:
        """One paragraph."""
        for part in self._wrapped(words):
            self.console.print(Text(part, style=style), soft_wrap=True)

    def _wrapped(self, words: str) -> list[str]:
        width = self.console.width
        if cell_len(words) <= width:
            return [self.plain(words)]
        return textwrap.wrap(
            self.plain(words), width, break_on_hyphens=False, replace_whitespace=False
        )

    def name(self, variable: Variable) -> str:
        """A quantity's name."""
        return self.style.name(variable)

    def formula(self, line: str) -> Text:
        """A formula with the vectors and matrices in it bold."""
        found = Text(line)
        if self.bold is not None:
            found.highlight_regex(self.bold, "bold")
        return found

    def written(self, expr: Expr) -> str:
        """An expression on one line."""
        return text(with_signs(expr, self.differences), self.style)

    def indexed(self, tensor: Tensor) -> str:
        """A tensor in index notation."""
        if self.ascii:
            return index_notation(tensor, name=self.style.name)
        return index_notation(tensor, name=self.style.name, signs=UNICODE_SIGNS)

    def subject(self, tensor: Tensor) -> str:
        """A tensor as a reason names it."""
        if isinstance(tensor, Variable):
            return self.name(tensor)
        return self.written(raised(tensor))

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

    def _title(self, sweep: Sweep) -> None:
        wrt = ", ".join(name_of(self.derivation.names[r.wrt]) for r in sweep.results)
        title = f"{self._what(sweep)} with respect to {wrt}"
        name = self.derivation.problem.name
        gap = max(2, min(self.console.width, 100) - cell_len(title) - cell_len(name))
        self.line(f"{title}{' ' * gap}{name}" if name != "problem" else title, "bold")
        self.line()

    def _what(self, sweep: Sweep) -> str:
        """What is differentiated, and how often."""
        if sweep.kind == "grad":
            return name_of(sweep.of)
        first = sweep.results[0]
        if first.kind == "jacobian":
            return f"Jacobian of {name_of(sweep.of)}"
        return f"Hessian of {name_of(self.derivation.names[first.of])}: {name_of(sweep.of)}"

    def _setting(self, sweep: Sweep) -> None:
        symbols, forward = self._symbols(sweep), self._forward(sweep)
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

    def _symbols(self, sweep: Sweep) -> Table:
        table = _columns(3)
        table.add_row(Text("Symbols", style="bold"))
        sought = {result.wrt for result in sweep.results}
        for variable in self._given(sweep):
            declared = self.derivation.problem.variables[variable.name]
            words = ["sought" if variable.name in sought else "given"]
            words += sorted(fact.replace("_", " ") for fact in declared.facts)
            if declared.inferred:
                words.append("shape inferred")
            table.add_row(
                self.formula(f"  {self.name(variable)}"),
                Text(self.plain(_shape(declared.shape)), style="dim"),
                Text(", ".join(words)),
            )
        return table

    def _given(self, sweep: Sweep) -> list[Variable]:
        used = {v.name for v in _all_variables(sweep)}
        wanted = {result.wrt for result in sweep.results}
        return [
            v
            for v in self.derivation.names.values()
            if v.value is None and (v.name in used or v.name in wanted)
        ]

    def _forward(self, sweep: Sweep) -> Table:
        table = _columns(3)
        table.add_row(Text("Forward pass", style="bold"))
        named = self.derivation.problem.definitions
        for variable in sweep.forward:
            form = written_form(variable, self.derivation)
            formula = f"  {self.name(variable)} = {self.written(form)}"
            shape = variable.shape if not variable.row else (ONE, *variable.shape)
            if variable.name in named:
                shape = named[variable.name].shape
            remark = "" if variable.name in named else "named here"
            table.add_row(
                self.formula(formula), Text(self.plain(_shape(shape)), style="dim"), Text(remark)
            )
        return table

    def _conventions(self, kind: str) -> None:
        """What the bars and quotients mean, said once."""
        swept = (sweep for sweep in self.derivation.sweeps if sweep.kind == kind)
        scalars = " or ".join(dict.fromkeys(name_of(sweep.of) for sweep in swept))
        own = self.derivation.names.keys()
        u, v = next((pair for pair in PLACEHOLDERS if own.isdisjoint(pair)), PLACEHOLDERS[0])
        if kind != "grad":
            self.line(
                f"In ∂{u}/∂{v}, row i belongs to entry i of {u}, column j to entry j of {v} "
                "(numerator layout); the entries of a matrix are counted column by column (vec)."
            )
            self.line(
                f"Chain rule, backwards: ∂{scalars}/∂{v} = Σ (∂{scalars}/∂{u}) (∂{u}/∂{v}) over "
                f"every {u} that is computed from {v}."
            )
            self.line()
            return
        u_bar, v_bar = (unicodedata.normalize("NFC", f"{letter}\u0304") for letter in (u, v))
        self.line(
            f"Write {v_bar} for the gradient of {scalars} with respect to {v}; it has the shape "
            f"of {v}. In ∂{u}/∂{v}, row i belongs to {u}ᵢ, column j to {v}ⱼ."
        )
        self.line(
            f"Chain rule, backwards: {v_bar} = Σ (∂{u}/∂{v})ᵀ {u_bar} over every {u} that is "
            f"computed from {v}."
        )
        if self.detail == "proof":
            self.line("⟨A, B⟩ is the sum of all entries of A ⊙ B.")
        self.line()

    def _steps(self, sweep: Sweep) -> None:
        steps = board(sweep)
        pages = [self._step_lines(step) for step in steps]
        lines = [line for page in pages for line in page]
        shapes = max((cell_len(shape) for _, shape, _ in lines), default=0)
        room = max(30, self.console.width - shapes - REASON_WIDTH)
        width = min(max((cell_len(formula) for formula, _, _ in lines), default=0), room)
        told: dict[tuple[Reason, ...], int] = {}
        for number, (step, page) in enumerate(zip(steps, pages, strict=True), start=1):
            for place, (formula, shape, row) in enumerate(page):
                reason = self._reason(row, number, told) if row is not None else ""
                mark = str(number) if place == 0 else ""
                self._step_line(mark, formula, (shape, shapes), reason, width)
                if self.detail == "proof" and row is not None:
                    self._proof(step.step, row, place == 0, not reason.startswith("as in "))
        self.line()

    def _step_line(
        self, mark: str, formula: str, shape: tuple[str, int], reason: str, width: int
    ) -> None:
        """One line in columns; a formula that is too long stands on a line of its own."""
        written, shapes = self.plain(shape[0]), shape[1]
        head = Text(f"{mark:>2}  ") + self.formula(formula)
        if cell_len(formula) > width:
            self.console.print(head, soft_wrap=True)
            head = Text("    ")
            if not (written or reason):
                return
            formula = ""
        head.append(" " * (width - cell_len(formula) + 2))
        head.append(written + " " * (shapes - cell_len(written) + 2), "dim")
        margin = head.cell_len
        wrapped = _packed_reasons(self.plain(reason), max(20, self.console.width - margin))
        head.append(wrapped[0])
        head.rstrip()
        self.console.print(head, soft_wrap=True)
        for more in wrapped[1:]:
            self.console.print(Text(" " * margin + more), soft_wrap=True)

    def _step_lines(self, written: BoardStep) -> list[tuple[str, str, Row | None]]:
        """The lines of a step: formula, shapes, and the row whose reasons stand beside it."""
        left = self.written(written.left) + self._letters(written.step.adjoint)
        margin = " " * cell_len(left)
        lines: list[tuple[str, str, Row | None]] = []
        for row in written.rows:
            if self.notation == "index" and row.tensors:
                forms = [self.indexed(row.tensors[0])]
            else:
                forms = list(dict.fromkeys(self.written(form) for form in row.forms))
            shapes = " · ".join(_extent(factor) for factor in row.factors)
            for place, piece in enumerate(self._packed(forms, cell_len(left))):
                head = left if not lines else margin
                lines.append((f"{head} = {piece}", "" if place else shapes, None if place else row))
        return lines

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

    def _reason(self, row: Row, number: int, told: dict[tuple[Reason, ...], int]) -> str:
        """Why; a law that was told before is only referred to."""
        key = tuple(Reason(reason.law) for reason in row.reasons)
        laws = all(reason.law in RULES or reason.law in REPEATABLE for reason in row.reasons)
        if row.reasons and laws:
            known = told.setdefault(key, number)
            if known != number:
                return f"as in {known}"
        return reasons_text(row.reasons, self.subject)

    def _proof(self, step: Step, row: Row, first: bool, lemmas: bool) -> None:
        """Every equality of a line in entries, each once."""
        lines = proof_lines(step, row, first, self.name, self.indexed, lemmas)
        for line in lines if first else [x for x in lines if x != self.proved]:
            self.proved = line
            self.console.print(Text(self.plain(f"        {line}"), style="dim"), soft_wrap=True)

    def _answers(self, sweep: Sweep) -> None:
        if self.detail != "result":
            self.line("Closed forms", "bold")
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        given: dict[Variable, None] = {}
        for result in sweep.results:
            formula = f"  {self._quotient(result)} = {self._closed(result)}"
            shape = self._shape_of(result)
            what = f"its gradient in {result.by}" if result.by else result.of
            remark = "" if result.occurs else f"{what} does not depend on {result.wrt}"
            table.add_row(
                self.formula(formula), Text(self.plain(_shape(shape)), style="dim"), Text(remark)
            )
            if result.structure in SYMMETRIC and result.occurs and self.detail != "result":
                margin = " " * cell_len(f"  {self._quotient(result)} = ")
                own = self.formula(f"{margin}{self._independent(result)}")
                table.add_row(own, Text(self.plain(_shape(shape)), style="dim"), Text(INDEPENDENT))
            given.update(dict.fromkeys(explained(result, self.derivation)))
        self._print_trimmed(table)
        if given:
            self.line("with")
        for variable in given:
            assert variable.value is not None
            if self.notation == "index":
                value = self.indexed(explanation_tensor(variable, self.derivation))
            else:
                value = self.written(explanation(variable, self.derivation))
            left = self.name(variable) + self._letters(variable)
            self.console.print(self.formula(f"  {left} = {value}"), soft_wrap=True)

    def _shape_of(self, result: Result) -> Shape:
        """Rows and columns of an answer."""
        if result.kind == "grad":
            return self.derivation.problem.shape(result.wrt)
        shape = result.gradient.shape
        return (ONE, *shape) if result.row else shape

    def _quotient(self, result: Result) -> str:
        of, wrt = self.derivation.names[result.of], self.derivation.names[result.wrt]
        sign = "d" if self.ascii else "∂"
        if result.kind == "hessian":
            square = "^2" if self.ascii else "²"
            by = self.name(self.derivation.names[result.by])
            below = f"{sign}{by}{sign}{self.name(wrt)}"
            if result.by == result.wrt:
                below = f"{sign}{by}{square}"
            return f"{sign}{square}{self.name(of)}/{below}"
        return f"{sign}{self.name(of)}/{sign}{self.name(wrt)}{self._letters(wrt)}"

    def _letters(self, variable: Variable) -> str:
        """The letters of an entry, where entries are written."""
        if self.notation == "matrix" or not variable.order:
            return ""
        return f"[{','.join(LETTERS[: variable.order])}]"

    def _independent(self, result: Result) -> str:
        """The gradient with respect to the independent entries of a symmetric matrix."""
        form = independent_form(result, self.derivation) if self.notation == "matrix" else None
        return "2 G − diag(diagonal(G))" if form is None else self.written(form)

    def _closed(self, result: Result) -> str:
        if self.notation == "index":
            return self.indexed(closed_tensor(result, self.derivation))
        return self.written(closed_form(result, self.derivation))


SYMMETRIC: Final = ("symmetric", "positive_definite")
"""Structures of a gradient beside which its form for the independent entries is printed."""

INDEPENDENT: Final = "by the independent entries"

REPEATABLE: Final = frozenset(
    {"left_factor", "right_factor", "addend", "repeated_columns", "repeated_rows"}
)
"""Laws of sums and products that need not be told twice."""


def _packed_reasons(reasons: str, room: int) -> list[str]:
    """Reasons in lines of a width; a line ends behind a reason where that is possible."""
    lines: list[str] = []
    for piece in reasons.split("; "):
        if lines and cell_len(f"{lines[-1]}; {piece}") <= room:
            lines[-1] = f"{lines[-1]}; {piece}"
            continue
        if lines:
            lines[-1] += ";"
        lines.extend(textwrap.wrap(piece, room) or [""])
    return lines


def _columns(count: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(count):
        table.add_column(no_wrap=True)
    return table


def _all_variables(sweep: Sweep) -> Iterable[Variable]:
    from derive.tensor.substitution import variables_of

    yield sweep.of
    for variable in sweep.forward:
        if variable.value is not None:
            yield from variables_of(variable.value)


def _remarks(derivation: Derivation) -> Sequence[str]:
    """What the reader should know about the answers."""
    found = []
    for result in derivation.results:
        if result.structure in SYMMETRIC:
            found.append(
                f"{result.wrt} is symmetric, and so is the gradient G with respect to it. With "
                "respect to the independent entries, off-diagonal ones count twice: "
                "2 G − diag(diagonal(G))."
            )
    return tuple(dict.fromkeys((*found, *recognised_names(derivation))))


def _shape(shape: Shape) -> str:
    return " × ".join(map(size_text, shape)) or "1"


def _extent(expr: Expr) -> str:
    if same(expr.cols, ONE):
        return size_text(expr.rows)
    return f"{size_text(expr.rows)}×{size_text(expr.cols)}"
