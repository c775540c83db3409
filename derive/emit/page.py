"""A derivation as a page: the words and formulas that every printing shows, in their order.

Terminal, LaTeX, HTML, Markdown and JSON print one :class:`Page`. It knows no target's signs:
formulas are trees, tensors with letters, or names of derivatives; prose is in its language already.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from derive.calculus.derivation import Derivation, Result, Step, Sweep
from derive.calculus.higher import of_entries
from derive.calculus.jacobians import by_entries
from derive.calculus.layout import Layout
from derive.calculus.rules import RULES
from derive.emit.proofs import proof_lines
from derive.emit.reasons import named, reasons_words
from derive.emit.text import name_of, text
from derive.emit.words import (
    ENGLISH,
    Derivative,
    Equation,
    Formula,
    Indexed,
    Piece,
    Signs,
    Wording,
    Words,
    joined,
    phrase,
)
from derive.notation.answers import (
    block_form,
    closed_form,
    closed_tensor,
    explained_together,
    explanation,
    explanation_tensor,
    independent_form,
)
from derive.notation.board import BoardStep, Row, board, quantity_form, written_form
from derive.notation.expression import Expr, block, call, product, symbol, transposed
from derive.notation.recognised import recognised_names
from derive.notation.signs import differences, with_signs
from derive.problem import Problem
from derive.shapes import ONE, Shape
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import alphabet
from derive.tensor.substitution import variables_of
from derive.verify.report import CENTRAL_DIFFERENCES, COMPLEX_STEP, Report

__all__ = [
    "Answer",
    "Definition",
    "Layout",
    "Line",
    "Page",
    "Section",
    "StepLines",
    "Symbol",
    "page",
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A quantity that is given: its name, rows and columns, and what is known of it."""

    name: Expr
    shape: Shape
    remark: Words


@dataclass(frozen=True, slots=True)
class Definition:
    """One line of the forward pass; the remark says so where the name is derive's."""

    name: Expr
    form: Expr
    shape: Shape
    remark: Words


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a step: ``left = side = side``.

    Attributes:
        left: What the line is about; every line of a step has the same.
        sides: Formulas that equal each other and the line before.
        factors: The factors of the product whose shapes explain it, or the result alone.
        reasons: Why.
        proof: The equalities in entries, in full detail.
        laws: The record that the reasons are the words of.
    """

    left: Formula
    sides: tuple[Formula, ...]
    factors: tuple[Expr, ...]
    reasons: tuple[Words, ...]
    proof: tuple[Words, ...] = ()
    laws: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class StepLines:
    """One step of a derivation.

    Attributes:
        number: From 1.
        quantity: What the step differentiates by.
        sought: Whether that was asked for.
        lines: From the chain rule to the result.
        step: The record that is printed.
    """

    number: int
    quantity: Expr
    sought: bool
    lines: tuple[Line, ...]
    step: Step


@dataclass(frozen=True, slots=True)
class Answer:
    """One closed form.

    Attributes:
        left: The derivative by its name.
        form: The closed form.
        shape: Its rows and columns.
        remark: What the reader should know of it.
        others: Further forms of it, and what each is.
        result: The record that is printed.
    """

    left: Derivative
    form: Formula
    shape: Shape
    remark: Words
    others: tuple[tuple[Formula, Words], ...]
    result: Result


@dataclass(frozen=True, slots=True)
class Section:
    """Everything about one quantity that is differentiated, or about several Jacobians.

    Attributes:
        title: What is asked.
        symbols: The quantities that are given.
        forward: How the others are computed.
        conventions: What the signs in the steps mean, said once a page.
        steps: Backwards.
        answers: One a variable.
        meanings: What the names in the answers stand for.
        sweeps: The record that is printed.
    """

    title: Words
    symbols: tuple[Symbol, ...]
    forward: tuple[Definition, ...]
    conventions: tuple[Words, ...]
    steps: tuple[StepLines, ...]
    answers: tuple[Answer, ...]
    meanings: tuple[Equation, ...]
    sweeps: tuple[Sweep, ...]


@dataclass(frozen=True)
class Page:
    """A derivation as it is read.

    Attributes:
        name: The problem's name, or "" where nobody gave it one.
        detail: ``result``, ``steps`` or ``proof``.
        notation: ``matrix`` or ``index``.
        layout: Of Jacobians: ``numerator`` or ``denominator``.
        sections: One for each quantity that is differentiated.
        notes: Sentences about the answers.
        check: What was checked, and how far off the worst of it was.
        derivation: The record that is printed.
        report: What the judge found.
        say: The language.
    """

    name: str
    detail: str
    notation: str
    layout: Layout
    sections: tuple[Section, ...]
    notes: tuple[Words, ...]
    check: Words
    derivation: Derivation
    report: Report | None
    say: Wording

    @property
    def problem(self) -> Problem:
        """The problem as it was posed."""
        return self.derivation.problem


PLACEHOLDERS: Final = (("u", "v"), ("y", "x"), ("t", "s"), ("q", "p"), ("c", "b"))
"""Letters for two quantities that stand for any, of which a problem may have its own."""

RESULTS: Final = "yzfghrw"
"""Letters for what is differentiated, likewise."""

SYMMETRIC: Final = ("symmetric", "positive_definite")
"""Structures of a gradient beside which its form for the independent entries is printed."""

REPEATABLE: Final = frozenset(
    "left_factor right_factor addend repeated_columns repeated_rows mixed d_left_factor "
    "d_right_factor d_two_sided d_applied d_outer d_addend d_scaled d_multiple d_hadamard "
    "d_inner_product d_summed d_transposed".split()
)
"""Laws of sums and products that need not be told twice."""

CONVENTIONS: Final = {
    ("grad", "numerator"): (
        "Write ${v_bar}$ for the gradient of {scalars} with respect to ${v}$; it has the shape of "
        "${v}$. In $∂{u}/∂{v}$, row $i$ belongs to ${u}ᵢ$, column $j$ to ${v}ⱼ$.",
        "Chain rule, backwards: ${v_bar} = Σ (∂{u}/∂{v})ᵀ {u_bar}$ over every ${u}$ that is "
        "computed from ${v}$.",
    ),
    ("grad", "denominator"): (
        "Write ${v_bar}$ for the gradient of {scalars} with respect to ${v}$; it has the shape of "
        "${v}$. In $∂{u}/∂{v}$, row $i$ belongs to ${v}ᵢ$, column $j$ to ${u}ⱼ$ (denominator "
        "layout, the transpose of numerator layout).",
        "Chain rule, backwards: ${v_bar} = Σ (∂{u}/∂{v}) {u_bar}$ over every ${u}$ that is "
        "computed from ${v}$.",
    ),
    ("jacobian", "numerator"): (
        "In $∂{u}/∂{v}$, row $i$ belongs to entry $i$ of ${u}$, column $j$ to entry $j$ of ${v}$ "
        "(numerator layout); the entries of a matrix are counted column by column (vec).",
        "Chain rule, backwards: $∂{y}/∂{v} = Σ (∂{y}/∂{u}) (∂{u}/∂{v})$ over every ${u}$ that is "
        "computed from ${v}$.",
    ),
    ("jacobian", "denominator"): (
        "In $∂{u}/∂{v}$, row $i$ belongs to entry $i$ of ${v}$, column $j$ to entry $j$ of ${u}$ "
        "(denominator layout, the transpose of numerator layout); the entries of a matrix are "
        "counted column by column (vec).",
        "Chain rule, backwards: $∂{y}/∂{v} = Σ (∂{u}/∂{v}) (∂{y}/∂{u})$ over every ${u}$ that is "
        "computed from ${v}$.",
    ),
}
"""What the bars and quotients of a kind of sweep mean, in each layout."""

KRONECKER: Final = phrase("$A ⊗ B$ is the Kronecker product: $vec(B X Aᵀ) = (A ⊗ B) vec(X)$.")
COMMUTATION: Final = phrase("{matrix} is the commutation matrix: {equation}.")
TERMS: Final = phrase("{row} is row {index} of {matrix}, {column} its column {index}, from 0 on.")
MATRICES: Final = ("X", "M", "Z", "A", "B")
"""Letters for a matrix that stands for any, of which a problem may have its own."""

INNER_PRODUCT: Final = "$⟨A, B⟩$ is the sum of all entries of $A ⊙ B$."
INDEPENDENT: Final = "by the independent entries"
INDEPENDENT_OF: Final = (
    phrase("{of} does not depend on {wrt}"),
    phrase("its gradient in {by} does not depend on {wrt}"),
)
"""What is said of a derivative that is zero since the variable does not occur."""

DOUBLED: Final = (
    "{wrt} is symmetric, and so is the gradient $G$ with respect to it. With respect to the "
    "independent entries, off-diagonal ones count twice: $2 G − diag(diagonal(G))$."
)


def page(
    derivation: Derivation,
    report: Report | None = None,
    *,
    detail: str = "steps",
    notation: str = "matrix",
    layout: Layout = "numerator",
    say: Wording = ENGLISH,
) -> Page:
    """A derivation as a page.

    Args:
        derivation: What was derived.
        report: What the judge found; None if it was not asked.
        detail: ``result``, ``steps`` or ``proof``.
        notation: ``matrix`` or ``index``.
        layout: Of Jacobians, ``numerator`` or ``denominator``.
        say: The language.
    """
    writer = _Writer(derivation, detail, notation, layout, say)
    kinds: list[str] = []
    sections = []
    for _, group in groupby(enumerate(derivation.sweeps), _together):
        sweeps = [sweep for _, sweep in group]
        sections.append(writer.section(sweeps, sweeps[0].kind not in kinds))
        kinds.append(sweeps[0].kind)
    name = derivation.problem.name
    return Page(
        "" if name == "problem" else name,
        detail,
        notation,
        layout,
        tuple(sections),
        tuple(writer.notes()),
        () if report is None else check_words(report, say),
        derivation,
        report,
        say,
    )


COUNTED: Final = {
    "step": ("{count} step", "{count} steps"),
    "gradient": ("{count} gradient", "{count} gradients"),
    "Jacobian": ("{count} Jacobian", "{count} Jacobians"),
    "Hessian": ("{count} Hessian", "{count} Hessians"),
    "higher derivative": ("{count} higher derivative", "{count} higher derivatives"),
    "function": ("{count} function", "{count} functions"),
}
"""How many there are of each kind of check."""


def check_words(report: Report, say: Wording = ENGLISH) -> Words:
    """What was checked, at how many points, and how far off the worst of it was."""
    kinds = [check.kind for check in report.checks]
    counted = [
        say.count(kinds.count(kind), one, many)
        for kind, (one, many) in COUNTED.items()
        if kind in kinds
    ]
    places: dict[str, Piece | Words] = {
        "counted": say.listed(counted) or say("nothing"),
        "points": say.count(report.points, "{count} random point", "{count} random points"),
        "seed": str(report.seed),
    }
    if not report.passed:
        failed = str(len(report.failures))
        return say(
            "{counted}, each at {points}, seed {seed}: {failed} failed", failed=failed, **places
        )
    through = say.comma.join(report.through)
    errors = []
    for method in (method for method in METHODS if method in report.worst):
        error, told = report.worst[method], METHODS[method][bool(through)]
        errors.append(say(told, error=f"{error:.0e}" if error else "0", functions=through))
    return say(
        "{counted}, each at {points}, seed {seed}: largest relative error {errors}",
        errors=joined(errors, say.comma),
        **places,
    )


METHODS: Final = {
    COMPLEX_STEP: ("{error} (complex step)", "{error} (complex step)"),
    CENTRAL_DIFFERENCES: (
        "{error} (central differences)",
        "{error} (central differences, through {functions})",
    ),
}
"""The largest error by a method, alone and where functions with a kink are differenced."""


class _Writer:
    """Writes the parts of one page."""

    def __init__(
        self, derivation: Derivation, detail: str, notation: str, layout: Layout, say: Wording
    ) -> None:
        self.derivation, self.detail = derivation, detail
        self.indexed, self.layout, self.say = notation == "index", layout, say
        self.forms = {v: written_form(v, derivation) for v in derivation.names.values() if v.value}
        self.explained: set[str] = set()
        self.differences = {part for form in self.forms.values() for part in differences(form)}

    def written(self, form: Expr) -> Expr:
        """A form with differences the way round in which they were written."""
        return with_signs(form, self.differences)

    def entries(self, tensor: Tensor) -> Indexed:
        """A tensor in index notation."""
        return Indexed(tensor, alphabet(tensor)[: tensor.order])

    # The parts of a section.

    def section(self, sweeps: Sequence[Sweep], first: bool) -> Section:
        """Sweeps that are printed together, the ``first`` of their kind on the page or not."""
        steps = tuple(self.steps(sweeps))
        results = [result for sweep in sweeps for result in sweep.results]
        answers = (*map(self.answer, results), *self.wholes(sweeps[-1]))
        written = [side for step in steps for line in step.lines for side in line.sides]
        signs = tuple(self.signs([*written, *(answer.form for answer in answers)]))
        return Section(
            self.title(sweeps, results),
            tuple(self.symbols(sweeps, results)),
            tuple(self.forward(sweeps)),
            (*(self.conventions(sweeps[0].kind) if first else ()), *signs),
            steps,
            answers,
            tuple(self.meanings(results)),
            tuple(sweeps),
        )

    def title(self, sweeps: Sequence[Sweep], results: Sequence[Result]) -> Words:
        """What is differentiated, how often, and by what."""
        names = self.derivation.names
        wrt = joined(
            list(dict.fromkeys(named(names[result.wrt]) for result in results)), self.say.comma
        )
        if len(sweeps) > 1:
            return self.say("Jacobians with respect to {wrt}", wrt=wrt)
        of, first = named(sweeps[0].of), results[0]
        if first.kind == "grad":
            return self.say("{of} with respect to {wrt}", of=of, wrt=wrt)
        if first.kind == "jacobian":
            return self.say("Jacobian of {of} with respect to {wrt}", of=of, wrt=wrt)
        scalar = named(names[first.of])
        if first.through:
            return self.say(
                "Derivative of order {order} of {scalar}: {of} with respect to {wrt}",
                order=str(len(first.through)),
                scalar=scalar,
                of=of,
                wrt=wrt,
            )
        return self.say(
            "Hessian of {scalar}: {of} with respect to {wrt}", scalar=scalar, of=of, wrt=wrt
        )

    def symbols(self, sweeps: Iterable[Sweep], results: Iterable[Result]) -> Iterator[Symbol]:
        """The quantities that are given."""
        used = {v.name for sweep in sweeps for v in _all_variables(sweep)}
        sought = {result.wrt for result in results}
        for variable in self.derivation.names.values():
            if variable.value is not None or variable.name not in used | sought:
                continue
            declared = self.derivation.problem.variables[variable.name]
            words = ["sought" if variable.name in sought else "given"]
            words += sorted(fact.replace("_", " ") for fact in declared.facts)
            if declared.inferred:
                words.append("shape inferred")
            remark = joined([self.say.text(word) for word in words], self.say.comma)
            yield Symbol(named(variable), declared.shape, remark)

    def forward(self, sweeps: Iterable[Sweep]) -> Iterator[Definition]:
        """How the quantities of a section are computed."""
        definitions = self.derivation.problem.definitions
        for variable in dict.fromkeys(v for sweep in sweeps for v in sweep.forward):
            own = variable.name in definitions
            shape = definitions[variable.name].shape if own else _extent(variable)
            remark = () if own else self.say("named here")
            form = self.forms.get(variable) or written_form(variable, self.derivation)
            yield Definition(named(variable), self.written(form), shape, remark)

    def conventions(self, kind: str) -> Iterator[Words]:
        """What bars and quotients mean."""
        swept = (sweep.of for sweep in self.derivation.sweeps if sweep.kind == kind)
        differentiated = list(dict.fromkeys(swept))
        own = self.derivation.names.keys()
        u, v = next((pair for pair in PLACEHOLDERS if own.isdisjoint(pair)), PLACEHOLDERS[0])
        y = next(letter for letter in RESULTS if letter not in (u, v))
        u_bar, v_bar = (unicodedata.normalize("NFC", f"{letter}\u0304") for letter in (u, v))
        y = name_of(differentiated[0]) if len(differentiated) == 1 else y
        scalars = joined([named(v) for v in differentiated], self.say.text(" or "))
        for told in CONVENTIONS[kind, self.layout]:
            yield self.say(told, u=u, v=v, u_bar=u_bar, v_bar=v_bar, scalars=scalars, y=y)
        if self.detail == "proof" and kind == "grad":
            yield self.say(INNER_PRODUCT)

    def signs(self, forms: Iterable[Formula]) -> Iterator[Words]:
        """What signs mean that Jacobians of matrices are written with, where they first appear."""
        found = [part for form in forms if isinstance(form, Expr) for part in _signs(form)]
        kinds = [(part.value if part.op == "call" else part.op, part) for part in reversed(found)]
        new = {kind: part for kind, part in kinds if kind not in self.explained}
        self.explained |= new.keys()
        own = self.derivation.names.keys()
        letter = next((letter for letter in MATRICES if letter not in own), MATRICES[0])
        if "kron" in new:
            yield self.say(KRONECKER)
        if "commutation" in new:
            matrix = new["commutation"]
            rows, columns = (part.value for part in matrix.args)
            any_ = symbol(Variable(letter, (rows, columns)), rows, columns)
            sides = (
                product([matrix, _vec(any_)]),
                _vec(transposed(any_)),
            )
            yield self.say(COMMUTATION, matrix=matrix, equation=Equation(sides))
        if "sum_over" in new:
            index, size, _ = new["sum_over"].value
            any_ = symbol(Variable(letter, (size, size)), size, size)
            row, column = block(any_, index, None), block(any_, None, index)
            counter = Expr("constant", (), ONE, ONE, index)
            yield self.say(TERMS, row=row, column=column, matrix=any_, index=counter)

    def steps(self, sweeps: Iterable[Sweep]) -> Iterator[StepLines]:
        """The steps, with laws told once and equalities in entries proved once."""
        told: dict[tuple[Reason, ...], int] = {}
        proved: Words = ()
        layout: Layout = "numerator" if self.indexed else self.layout
        boards = ((sweep, step) for sweep in sweeps for step in board(sweep, layout))
        for number, (sweep, step) in enumerate(boards, start=1):
            lines: list[Line] = []
            for place, row in enumerate(step.rows):
                again = self.told_before(row, number, told)
                reasons = again or reasons_words(row.reasons, self.say)
                proof: list[Words] = []
                if self.detail == "proof":
                    proof = proof_lines(step.step, row, not place, not again, self.say)
                    proof = [line for line in proof if place == 0 or line != proved]
                    proved = proof[-1] if proof else proved
                left, sides = self.equation(sweep, step, row)
                if lines and self.indexed and sides == lines[-1].sides:
                    continue
                lines.append(Line(left, sides, row.factors, reasons, tuple(proof), row.reasons))
            quantity = step.step.quantity
            yield StepLines(
                number, quantity_form(quantity), step.step.sought, tuple(lines), step.step
            )

    def equation(
        self, sweep: Sweep, step: BoardStep, row: Row
    ) -> tuple[Formula, tuple[Formula, ...]]:
        """The left side of a line and what it equals, in matrix or in index notation."""
        if self.indexed and row.tensors:
            tensor, quantity = row.tensors[0], step.step.quantity
            if sweep.kind == "grad":
                entries = self.entries(tensor)
                return Indexed(step.step.adjoint, entries.letters), (entries,)
            entries = self.entries(by_entries(tensor, sweep.of, quantity))
            return self.by_letters(sweep.of, quantity, entries.letters), (entries,)
        written = list(map(self.written, row.forms))
        sides = list({text(form): form for form in reversed(written)}.values())[::-1]
        return step.left, tuple(sides)

    def told_before(
        self, row: Row, number: int, told: dict[tuple[Reason, ...], int]
    ) -> tuple[Words, ...]:
        """A reference to the step that told the same laws, if they need not be told again."""
        key = tuple(Reason(reason.law) for reason in row.reasons)
        if not key or any(r.law not in RULES and r.law not in REPEATABLE for r in row.reasons):
            return ()
        known = told.setdefault(key, number)
        return () if known == number else (self.say("as in {number}", number=str(known)),)

    def answer(self, result: Result) -> Answer:
        """A closed form."""
        names = self.derivation.names
        form = self.closed(result)
        remark: Words = ()
        if not result.occurs:
            of = names[result.by if result.through else result.of]
            places = {"of": of, "by": names.get(result.by), "wrt": names[result.wrt]}
            independent = INDEPENDENT_OF[result.kind == "hessian"]
            remark = self.say(independent, **{k: named(v) for k, v in places.items() if v})
        others: list[tuple[Formula, Words]] = []
        if result.structure in SYMMETRIC and result.occurs:
            others.append((self.independent(result), self.say(INDEPENDENT)))
        return Answer(
            self.quotient(result, form), form, self.shape(result), remark, tuple(others), result
        )

    def wholes(self, sweep: Sweep) -> Iterator[Answer]:
        """The Hessians by several variables together, behind the last of their blocks."""
        names, last = self.derivation.names, sweep.results[-1]
        later = self.derivation.results[self.derivation.results.index(last) + 1 :]
        for request in self.derivation.problem.requests:
            if request.kind != "hessian" or not request.joint or last.kind != "hessian":
                continue
            if request.of != last.of or any(r.kind == "hessian" and r.of == last.of for r in later):
                continue
            form = block_form(request.of, request.wrt, self.derivation, self.layout)
            together = tuple(names[name] for name in request.wrt)
            label = f"({', '.join(request.wrt)})"
            yield Answer(
                Derivative(names[request.of], (together, together)),
                self.written(form),
                (form.rows, form.cols),
                (),
                (),
                replace(last, by=label, wrt=label),
            )

    def shape(self, result: Result) -> Shape:
        """Rows and columns of an answer."""
        if result.kind == "grad":
            return self.derivation.problem.shape(result.wrt)
        shape = result.gradient.shape
        if result.through:
            return tuple(dim for variable in self.through(result) for dim in variable.shape)
        if self.indexed:
            names = self.derivation.names
            return (*names[result.by or result.of].shape, *names[result.wrt].shape)
        found = (ONE, *shape) if result.row else shape
        turned = self.layout == "denominator"
        return (*found, ONE, ONE)[1::-1] if turned and found else found

    def quotient(self, result: Result, form: Formula) -> Derivative:
        """``∂J/∂W``, ``∂²J/∂w∂b``; in index notation with letters."""
        of, wrt = self.derivation.names[result.of], self.derivation.names[result.wrt]
        letters = form.letters if isinstance(form, Indexed) else ""
        if result.through:
            return Derivative(of, tuple(_parts(self.through(result), letters)))
        if result.kind == "hessian":
            by = self.derivation.names[result.by]
            pair = (_part(by, letters[: by.order]), _part(wrt, letters[by.order :]))
            return Derivative(of, pair if letters else (by, wrt))
        if letters and result.kind == "grad":
            return Derivative(of, (Indexed(wrt, letters),))
        return self.by_letters(of, wrt, letters) if letters else Derivative(of, (wrt,))

    def through(self, result: Result) -> list[Variable]:
        """The variables of a derivative of third or higher order, in turn."""
        return [self.derivation.names[name] for name in result.through]

    def by_letters(self, of: Variable, wrt: Variable, letters: str) -> Derivative:
        """``∂y[i,j]/∂x[k,l]``."""
        return Derivative(_part(of, letters[: of.order]), (_part(wrt, letters[of.order :]),))

    def closed(self, result: Result) -> Formula:
        """A closed form in the notation asked for."""
        if result.through:
            tensor = closed_tensor(result, self.derivation)
            return self.entries(of_entries(tensor, self.through(result)))
        if not self.indexed:
            return self.written(closed_form(result, self.derivation, self.layout))
        tensor = closed_tensor(result, self.derivation)
        if result.kind != "grad":
            names = self.derivation.names
            tensor = by_entries(tensor, names[result.by or result.of], names[result.wrt])
        return self.entries(tensor)

    def independent(self, result: Result) -> Formula:
        """The gradient with respect to the independent entries of a symmetric matrix."""
        form = None if self.indexed else independent_form(result, self.derivation)
        return Signs("2 G − diag(diagonal(G))") if form is None else self.written(form)

    def meanings(self, results: Sequence[Result]) -> Iterator[Equation]:
        """What the names in the answers stand for."""
        given = explained_together(results, self.derivation, self.layout)
        for variable in given:
            if self.indexed:
                entries = self.entries(explanation_tensor(variable, self.derivation, self.layout))
                yield Equation((Indexed(variable, entries.letters), entries))
            else:
                value = self.written(explanation(variable, self.derivation, self.layout))
                yield Equation((named(variable), value))

    def notes(self) -> Iterator[Words]:
        """What the reader should know about the answers."""
        for note in self.derivation.problem.notes:
            yield self.say(note.phrase, **{k: self.say.text(v) for k, v in note.places.items()})
        names = self.derivation.names
        doubled = {r.wrt: None for r in self.derivation.results if r.structure in SYMMETRIC}
        for wrt in doubled:
            yield self.say(DOUBLED, wrt=named(names[wrt]))
        for spelled, name in recognised_names(self.derivation):
            yield self.say("${spelled}$ is written ${name}$.", spelled=spelled, name=name)


def _signs(form: Expr) -> Iterator[Expr]:
    """The Kronecker products, commutation matrices and sums over an index in a form."""
    if form.op == "sum_over" or (form.op == "call" and form.value in ("kron", "commutation")):
        yield form
    for part in form.args:
        yield from _signs(part)


def _vec(matrix: Expr) -> Expr:
    return call("vec", [matrix], matrix.rows * matrix.cols, ONE)


def _part(variable: Variable, letters: str) -> Variable | Indexed:
    """A quantity, or its entry where it has any."""
    return Indexed(variable, letters) if letters else variable


def _parts(variables: Sequence[Variable], letters: str) -> Iterator[Variable | Indexed]:
    """Entries of quantities, each with as many letters as it has axes."""
    for variable in variables:
        yield _part(variable, letters[: variable.order])
        letters = letters[variable.order :]


def _extent(variable: Variable) -> Shape:
    return (ONE, *variable.shape) if variable.row else variable.shape


def _together(placed: tuple[int, Sweep]) -> tuple[int, str]:
    """The same for neighbouring sweeps that are printed in one section: Jacobians."""
    place, sweep = placed
    kind = sweep.results[0].kind if sweep.results else sweep.kind
    return (0, kind) if kind == "jacobian" else (place, kind)


def _all_variables(sweep: Sweep) -> Iterable[Variable]:
    yield sweep.of
    for variable in sweep.forward:
        if variable.value is not None:
            yield from variables_of(variable.value)
