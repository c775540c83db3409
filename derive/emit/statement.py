"""A problem as text in the problem language, so that it can be read again."""

from __future__ import annotations

from collections.abc import Iterator

from derive.calculus.derivation import Derivation
from derive.emit.text import LANGUAGE, text
from derive.notation.expression import Expr
from derive.notation.transcription import transcribed
from derive.problem import Definition, Request
from derive.shapes import shape_text
from derive.vocabulary import FUNCTIONS

__all__ = ["problem_form", "readable", "statement"]

UNREADABLE = frozenset({"jacobian", "sum_over", "index"})
"""Operators that the language has no words for."""


def statement(derivation: Derivation) -> str:
    """The text that the problem was read from, or one that states the same problem.

    Returns:
        Declarations, definitions and requests; "" where a formula cannot be written in the
        language.
    """
    problem = derivation.problem
    if problem.source:
        return problem.source
    forms = {name: _form(known, derivation) for name, known in problem.definitions.items()}
    if not all(forms.values()):
        return ""
    parts = (
        [
            " ".join((variable.name, ":", shape_text(variable.shape), *sorted(variable.facts)))
            for variable in problem.variables.values()
            if not variable.inferred
        ],
        [f"{name} = {form}" for name, form in forms.items() if problem.definitions[name].given],
        [_question(request, forms, derivation) for request in problem.requests],
    )
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _form(definition: Definition, derivation: Derivation) -> str:
    form = problem_form(definition, derivation)
    return text(form, LANGUAGE) if form is not None and readable(form) else ""


def problem_form(definition: Definition, derivation: Derivation) -> Expr | None:
    """A definition as the problem has it, without names that derive gave; None if it cannot be."""
    return transcribed(definition.expression, derivation.names, kept=FUNCTIONS)


def _question(request: Request, forms: dict[str, str], derivation: Derivation) -> str:
    known = derivation.problem.definitions.get(request.of)
    of = request.of if known is None or known.given else forms[request.of]
    wrt = ", ".join(request.wrt)
    return f"{request.kind} {of} wrt {f'({wrt})' if request.joint else wrt}"


def readable(form: Expr) -> bool:
    """Whether the language can say a formula, so that it can be read again."""
    return all(
        part.op not in UNREADABLE
        and (part.op != "call" or part.value in FUNCTIONS or part.value == "power")
        for part in _parts(form)
    )


def _parts(form: Expr) -> Iterator[Expr]:
    yield form
    for arg in form.args:
        yield from _parts(arg)
