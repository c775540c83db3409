"""A derivation as claims that the judge can check: every line, as a SymPy expression."""

from __future__ import annotations

from collections.abc import Iterator

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.notation.answers import closed_form
from derive.notation.board import BoardStep, board, definition_form
from derive.notation.expression import Expr, oriented
from derive.notation.raising import raised
from derive.notation.sympy_form import sympy_form
from derive.tensor.substitution import variables_of
from derive.verify.claims import Claim
from derive.vocabulary import Expression

__all__ = ["auxiliary", "claims"]

STRUCTURE = frozenset({"symmetric_variable", "diagonal_variable", "lower_triangular_variable"})


def auxiliary(derivation: Derivation) -> dict[str, Expression]:
    """The names that were introduced, and the definitions rewritten with them."""
    found: dict[str, Expression] = {}
    defined = derivation.problem.definitions
    for variable in derivation.names.values():
        if variable.value is None:
            continue
        rewritten = any(
            part.role == "introduced" and part.name not in defined
            for part in variables_of(variable.value)
        )
        if variable.name not in defined or rewritten:
            found[variable.name] = sympy_form(definition_form(variable))
    return found


def claims(derivation: Derivation) -> tuple[Claim, ...]:
    """One claim for each step and each answer, in the order of the derivation."""
    found: list[Claim] = []
    for sweep in derivation.sweeps:
        found.extend(_of_step(sweep, step) for step in board(sweep))
        found.extend(_of_result(sweep, result, derivation) for result in sweep.results)
    return tuple(claim for claim in found if claim.expressions)


def _of_step(sweep: Sweep, written: BoardStep) -> Claim:
    step = written.step
    forms: list[Expr] = []
    for row in written.rows:
        if any(reason.law in STRUCTURE for reason in row.reasons):
            forms.clear()
        forms.extend(row.forms)
    forms.append(oriented(raised(step.result), step.quantity.row))
    return Claim(
        sweep.of.name,
        step.quantity.name,
        step.adjoint.name,
        tuple(_checkable(forms)),
        f"step {step.adjoint.name}",
    )


def _of_result(sweep: Sweep, result: Result, derivation: Derivation) -> Claim:
    return Claim(
        sweep.of.name,
        result.wrt,
        f"gradient of {result.of} with respect to {result.wrt}",
        tuple(_checkable([closed_form(result, derivation)])),
        f"gradient of {result.of} with respect to {result.wrt}",
        "gradient",
    )


def _checkable(forms: list[Expr]) -> Iterator[Expression]:
    """The forms that say a value, each once."""
    seen: set[Expr] = set()
    for form in forms:
        if form not in seen and not _has_symbolic_jacobian(form):
            seen.add(form)
            yield sympy_form(form)


def _has_symbolic_jacobian(form: Expr) -> bool:
    return form.op == "jacobian" or any(_has_symbolic_jacobian(arg) for arg in form.args)
