"""The JSON notes: a page and what it was printed from, as a :class:`~derive.emit.record.Record`."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from derive.calculus import derivation as derived
from derive.calculus.rules import RULES
from derive.emit import page as pages
from derive.emit import record
from derive.emit.claims import answer_label, step_label
from derive.emit.latex import BOLD, PLAIN, LatexStyle, style_for
from derive.emit.latex.words import latex_formula
from derive.emit.plain import formula_text
from derive.emit.reasons import named, reason_words
from derive.emit.statement import problem_form, readable, statement
from derive.emit.text import LANGUAGE, text
from derive.emit.words import Equation, Formula, Words, joined
from derive.notation.board import written_form
from derive.notation.examples import over_wholes
from derive.notation.expression import Expr, oriented
from derive.notation.raising import raised
from derive.shapes import Shape, size_text
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor
from derive.verify.report import Check, Report
from derive.vocabulary import FACTS

__all__ = ["json_notes", "recorded"]


def json_notes(
    page: pages.Page, *, code: str = "", style: str = "bold", fragment: bool = False
) -> str:
    """The page and all that it was printed from, as JSON; a fragment has no code.

    Args:
        page: What is recorded.
        code: The module that is listed, or "".
        style: ``bold`` or ``plain``: how the LaTeX in it sets arrays.
        fragment: Whether to leave out the code.
    """
    return recorded(page, code="" if fragment else code, style=style).text()


def recorded(page: pages.Page, *, code: str = "", style: str = "bold") -> record.Record:
    """The record of a page."""
    return _Recorder(page, BOLD if style == "bold" else PLAIN).whole(code)


class _Recorder:
    """Makes the parts of one record."""

    def __init__(self, page: pages.Page, style: LatexStyle) -> None:
        self.page, self.say = page, page.say
        self.style = style_for(page.derivation.names.values(), style)
        self.checks: Mapping[str, deque[Check]] = defaultdict(deque)
        for check in page.report.checks if page.report else ():
            self.checks[check.label].append(check)

    def whole(self, code: str) -> record.Record:
        """The whole."""
        page = self.page
        return record.Record(
            record.VERSION,
            page.name,
            page.detail,
            page.notation,
            page.layout,
            self.say.language,
            self.problem(),
            tuple(map(self.section, page.sections)),
            tuple(map(self.words, page.notes)),
            None if page.report is None else self.report(page.report),
            code or None,
        )

    # Formulas and words.

    def formula(self, formula: Formula) -> record.Formula:
        """A formula in all three ways."""
        language = None
        if isinstance(formula, Expr):
            said = over_wholes(formula)
            language = text(said, LANGUAGE) if readable(said) else None
        return record.Formula(formula_text(formula), latex_formula(formula, self.style), language)

    def tensor(self, tensor: Tensor, row: bool = False) -> record.Formula:
        """A tensor in matrix notation."""
        return self.formula(oriented(raised(tensor), row))

    def words(self, words: Words) -> record.Words:
        """Prose with its formulas."""
        return tuple(x if isinstance(x, str) else self.formula(x) for x in words)

    def all_words(self, several: Iterable[Words]) -> tuple[record.Words, ...]:
        """Several sentences."""
        return tuple(map(self.words, several))

    # The problem.

    def problem(self) -> record.Problem:
        """The problem as it was posed."""
        derivation, problem = self.page.derivation, self.page.problem
        definitions = []
        for name, known in problem.definitions.items():
            form = problem_form(known, derivation)
            form = written_form(derivation.names[name], derivation) if form is None else form
            shape = sizes(known.shape)
            definitions.append(record.Definition(name, shape, self.formula(form), known.given))
        return record.Problem(
            problem.name,
            statement(derivation) or None,
            problem.sizes,
            tuple(
                record.Variable(x.name, sizes(x.shape), tuple(sorted(x.facts)), x.inferred)
                for x in problem.variables.values()
            ),
            tuple(definitions),
            tuple(record.Request(x.kind, x.of, x.wrt, x.joint) for x in problem.requests),
            problem.notes,
        )

    # The sections.

    def section(self, section: pages.Section) -> record.Section:
        """Everything about one quantity that is differentiated."""
        return record.Section(
            section.sweeps[0].kind,
            tuple(self.formula(named(sweep.of)) for sweep in section.sweeps),
            self.words(section.title),
            tuple(
                record.Symbol(self.formula(x.name), sizes(x.shape), self.words(x.remark))
                for x in section.symbols
            ),
            tuple(
                record.Forward(
                    self.formula(x.name), self.formula(x.form), sizes(x.shape), self.words(x.remark)
                )
                for x in section.forward
            ),
            self.all_words(section.conventions),
            tuple(map(self.step, section.steps)),
            tuple(map(self.answer, section.answers)),
            tuple(map(self.meaning, section.meanings)),
        )

    def step(self, written: pages.StepLines) -> record.Step:
        """One step; laws and facts each once."""
        step = written.step
        reasons = [reason for line in written.lines for reason in line.laws]
        reasons += [reason for source in step.sources for reason in source.laws]
        reasons += [reason for line in step.lines for reason in line.reasons]
        laws = {reason.law: reason for reason in reversed(reasons)}
        facts = {
            (reason.law.removesuffix("_variable"), subject): None
            for reason in reasons
            for subject in reason.subjects
        }
        return record.Step(
            written.number,
            self.formula(written.quantity),
            self.formula(named(step.adjoint)),
            extent(named(step.adjoint)),
            written.sought,
            tuple(self.contribution(source, step) for source in step.sources),
            tuple(self.law(laws[name]) for name in dict.fromkeys(x.law for x in reasons)),
            tuple(
                record.Fact(fact, self.formula(named(of))) for fact, of in facts if fact in FACTS
            ),
            tuple(map(self.line, written.lines)),
            self.tensor(step.result, step.adjoint.row),
            self.check(step_label(step)),
        )

    def contribution(self, source: derived.Source, step: derived.Step) -> record.Contribution:
        """What one quantity sends back."""
        known, local = source.adjoint, source.jacobian
        return record.Contribution(
            self.formula(named(source.user)),
            None if known is None else self.formula(named(known)),
            None if local is None else self.tensor(local),
            self.tensor(source.sent, step.adjoint.row),
            tuple(reason.law for reason in source.laws),
        )

    def law(self, reason: Reason) -> record.Law:
        """A law by its name; what has no row among the rules states itself."""
        rule = RULES.get(reason.law)
        if rule is None:
            stated = joined(reason_words(reason, self.say), self.say.stop)
            return record.Law(reason.law, self.words(stated), None, "everywhere", ())
        kink = rule.kink and self.say(rule.kink)
        return record.Law(
            reason.law,
            self.words(self.say(rule.statement)),
            rule.source,
            rule.domain,
            self.words(kink or ()),
        )

    def line(self, line: pages.Line) -> record.Line:
        """One line with its reasons, by name and in words."""
        return record.Line(
            self.formula(line.left),
            tuple(map(self.formula, line.sides)),
            tuple(record.Factor(self.formula(x), extent(x)) for x in line.factors),
            tuple(map(self.reason, line.laws)),
            self.all_words(line.reasons),
            self.all_words(line.proof),
        )

    def reason(self, reason: Reason) -> record.Reason:
        """A reason by its name and in words."""
        return record.Reason(
            reason.law,
            tuple(self.formula(named(subject)) for subject in reason.subjects),
            self.all_words(reason_words(reason, self.say)),
        )

    def answer(self, answer: pages.Answer) -> record.Answer:
        """A closed form."""
        result = answer.result
        return record.Answer(
            result.kind,
            result.of,
            result.by or None,
            result.wrt,
            self.formula(answer.left),
            self.formula(answer.form),
            sizes(answer.shape),
            result.structure or None,
            result.occurs,
            self.words(answer.remark),
            tuple(record.Form(self.formula(x), self.words(words)) for x, words in answer.others),
            self.check(answer_label(result)),
        )

    def meaning(self, meaning: Equation) -> record.Meaning:
        """What a name in an answer stands for."""
        name, form = map(self.formula, meaning.sides)
        return record.Meaning(name, form)

    # The judge.

    def check(self, label: str) -> record.Check | None:
        """What the judge found about what it calls so."""
        found = self.checks.get(label)
        return checked(found.popleft()) if found else None

    def report(self, report: Report) -> record.Report:
        """What the judge did and found."""
        return record.Report(
            report.passed,
            self.words(self.page.check),
            report.points,
            report.seed,
            tuple(dict(at) for at in report.sizes),
            {method: rounded(error) for method, error in report.worst.items()},
            report.through,
            report.notes,
            tuple(map(checked, report.checks)),
        )


def checked(check: Check) -> record.Check:
    """What was found about one thing."""
    return record.Check(
        check.label,
        check.kind,
        check.passed,
        check.method,
        rounded(check.error),
        check.point,
        figure(check.expected),
        figure(check.got),
        check.problem,
    )


def figure(value: float | None) -> float | None:
    """A number that JSON has, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


def rounded(error: float) -> float | None:
    """An error, of which two digits tell enough."""
    return figure(float(f"{error:.1e}"))


def sizes(shape: Shape) -> record.Shape:
    """A shape in the problem language."""
    return tuple(map(size_text, shape))


def extent(expr: Expr) -> record.Shape:
    """The shape of a formula: none for a scalar, one size for a column."""
    if expr.is_scalar:
        return ()
    return sizes((expr.rows,) if expr.is_column else (expr.rows, expr.cols))
