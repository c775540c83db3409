"""A derivation as claims that the judge can check: every line, as a SymPy expression.

The judge knows gradients of scalars. A Jacobian J of y is right when, for random weights C, the
gradient of ``sum(C .* y)`` is ``J' vec(C)``, shaped like the variable: so a matrix of derivatives
is claimed as one gradient at each point, with other weights at each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from derive.calculus.derivation import Derivation, Result, Step, Sweep
from derive.notation.answers import closed_form, closed_tensor
from derive.notation.board import BoardStep, board, definition_form
from derive.notation.expression import (
    Expr,
    fraction,
    negative,
    oriented,
    product,
    total,
    transposed,
)
from derive.notation.expression import call as written_call
from derive.notation.raising import raised
from derive.notation.sympy_form import sympy_form
from derive.problem import Problem, symbol_of
from derive.problem import Variable as Given
from derive.shapes import ONE, Shape
from derive.tensor import incidence
from derive.tensor.algebra import contract
from derive.tensor.facts import VARIED, is_symmetric
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.simplification import expand
from derive.tensor.substitution import substitute, variables_of
from derive.verify.claims import Claim
from derive.vocabulary import Expression, call, multiply, transpose

__all__ = ["answer_label", "auxiliary", "claimed", "claims", "step_label", "weighted_problem"]

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
            found[variable.name] = sympy_form(definition_form(_loosened(variable)))
    for sweep in derivation.sweeps:
        if sweep.kind != "grad":
            found |= _of_jacobian_sweep(derivation, sweep)
    return found


def _loosened(variable: Variable) -> Variable:
    """A quantity whose formula holds wherever the quantities in it move.

    A definition that comes out symmetric may be written without its transposes, but not where it
    is itself what moves.
    """
    assert variable.value is not None
    value = _with_forms(variable.value)
    loose = {
        part: Variable(part.name, part.shape, frozenset({VARIED}), None, part.role, part.row)
        for part in variables_of(value)
        if part.value is not None and is_symmetric(part)
    }
    value = substitute(value, loose)
    return Variable(
        variable.name, variable.shape, variable.facts, value, variable.role, variable.row
    )


def _with_forms(tensor: Tensor) -> Tensor:
    """A formula with what Jacobians that cannot be written as a matrix stand for."""
    while unnamed := {v: v.value for v in variables_of(tensor) if _has_no_form(v)}:
        tensor = substitute(tensor, unnamed)
    return tensor


def weighted_problem(derivation: Derivation) -> Problem:
    """The problem, with an array of weights for each quantity that has a Jacobian."""
    problem = derivation.problem
    weights = {
        _weight(sweep): Given(_weight(sweep), _own_shape(sweep))
        for sweep in derivation.sweeps
        if sweep.kind != "grad"
    }
    return replace(problem, variables={**problem.variables, **weights}) if weights else problem


def _weight(sweep: Sweep) -> str:
    return f"weight of {sweep.of.name}"


def _own_shape(sweep: Sweep) -> Shape:
    """The shape of what is differentiated, without axes of size 1; a row is a matrix."""
    return (ONE, *sweep.of.shape) if sweep.of.row else sweep.of.shape


def _weighted(sweep: Sweep) -> str:
    return f"weighted {sweep.of.name}"


def _of_jacobian_sweep(derivation: Derivation, sweep: Sweep) -> dict[str, Expression]:
    """Adjoints, Jacobians and the weighted sum, by what they are."""
    found: dict[str, Expression] = {}
    for variable in (*sweep.forward, *(step.adjoint for step in sweep.steps)):
        if variable.role in ("adjoint", "jacobian") and not _has_no_form(variable):
            found[variable.name] = sympy_form(definition_form(_loosened(variable)))
    shape = _own_shape(sweep)
    pair = (symbol_of(_weight(sweep), shape), symbol_of(sweep.of.name, shape))
    found[_weighted(sweep)] = call("dot", *pair) if shape else multiply(*pair)
    return found


def claims(derivation: Derivation) -> tuple[Claim, ...]:
    """One claim for each step and each answer, in the order of the derivation."""
    found: list[Claim] = []
    for sweep in derivation.sweeps:
        if sweep.kind == "grad":
            found.extend(_of_step(sweep, step) for step in board(sweep))
            found.extend(_of_result(sweep, result, derivation) for result in sweep.results)
            continue
        for step in board(sweep):
            found.append(_of_jacobian_step(sweep, step))
        found.extend(_of_jacobian(derivation, sweep, result) for result in sweep.results)
    return tuple(claim for claim in found if claim.expressions)


def _of_step(sweep: Sweep, written: BoardStep) -> Claim:
    step = written.step
    forms: list[Expr] = []
    for row in written.rows:
        if any(reason.law in STRUCTURE for reason in row.reasons):
            forms.clear()
        forms.extend(row.forms)
    forms.append(oriented(raised(step.result), step.adjoint.row))
    return Claim(
        sweep.of.name,
        step.quantity.name,
        step.adjoint.name,
        tuple(_checkable(forms)),
        step_label(step),
    )


def _of_result(sweep: Sweep, result: Result, derivation: Derivation) -> Claim:
    label = answer_label(result)
    lines = tuple(_checkable([closed_form(result, derivation)]))
    return Claim(sweep.of.name, result.wrt, label, lines, label, "gradient")


def _of_jacobian_step(sweep: Sweep, written: BoardStep) -> Claim:
    step = written.step
    pairs = [
        (form, tensor)
        for row in written.rows
        for form, tensor in zip(row.forms[::-1], row.tensors[:1], strict=False)
    ]
    pairs.append((oriented(raised(step.result), step.adjoint.row), step.result))
    lines = _weighed(sweep, step.quantity, pairs)
    label = step_label(step)
    name = f"weighted {step.adjoint.name}"
    return Claim(_weighted(sweep), step.quantity.name, name, lines, label)


def _of_jacobian(derivation: Derivation, sweep: Sweep, result: Result) -> Claim:
    pair = (closed_form(result, derivation), closed_tensor(result, derivation))
    lines = _weighed(sweep, derivation.names[result.wrt], [pair])
    label = answer_label(result)
    return Claim(_weighted(sweep), result.wrt, label, lines, label, ANSWERS[result.kind])


ANSWERS: Final[Mapping[str, str]] = {
    "grad": "gradient", "jacobian": "Jacobian", "hessian": "Hessian",
    "derivative": "higher derivative",
}  # fmt: skip
"""What each kind of answer is called."""


def step_label(step: Step) -> str:
    """What a report calls a step."""
    return f"step {step.adjoint.name}"


def answer_label(result: Result) -> str:
    """What a report calls an answer."""
    wrt = f"{result.by}, {result.wrt}" if result.by else result.wrt
    if result.through:
        wrt = ", ".join(result.through)
    return f"{ANSWERS[result.kind]} of {result.of} with respect to {wrt}"


def _weighed(
    sweep: Sweep, variable: Variable, pairs: Sequence[tuple[Expr, Tensor]]
) -> tuple[Expression, ...]:
    """``J' vec(C)`` in the shape of the variable, for forms of J and the tensors they stand for.

    In a sum over an index it is done for each term, so that the judge need not walk through all
    entries of a large matrix; where there is no matrix form, on the tensor.
    """
    found: dict[Expression, None] = {}
    for form, tensor in pairs:
        written = _with_forms(tensor)
        applied = _applied(form, _weights(sweep)) if written is tensor else None
        if applied is None:
            whole = _summed(sweep, variable, written)
            found[sympy_form(oriented(raised(whole), variable.row))] = None
        elif not _has_symbolic_jacobian(form):
            found[_shaped(sympy_form(applied), variable)] = None
    return tuple(found)


def _weights(sweep: Sweep) -> Expr:
    """The weights as one column."""
    of = sweep.of
    own = raised(Variable(_weight(sweep), of.shape, row=of.row))
    rows = own.rows * own.cols
    return written_call("vec", [own], rows, ONE) if of.order == 2 else own


def _applied(form: Expr, weights: Expr) -> Expr | None:
    """The transpose of a form times a column, done inside sums over an index.

    Returns:
        The product; None where a part has no matrix form.
    """
    if not form.has_index:
        both = [transposed(form), weights]
        return product(both[::-1] if weights.is_scalar else both)
    *scalars, last = form.args if form.op == "product" else (form.args or (form,))[:1]
    if form.op == "add":
        terms = [_applied(arg, weights) for arg in form.args]
        whole = [term for term in terms if term is not None]
        return total(whole) if len(whole) == len(terms) else None
    if form.op not in APPLIED or not all(s.is_scalar and not s.has_index for s in scalars):
        return None
    inner = _applied(last, weights)
    if inner is None:
        return None
    if form.op == "negative":
        return negative(inner)
    if form.op == "fraction":
        return None if form.args[1].has_index else fraction(inner, form.args[1])
    if form.op == "product":
        return product([*scalars, inner])
    return Expr("sum_over", (inner,), form.cols, ONE, form.value)


APPLIED: Final = frozenset({"negative", "fraction", "product", "sum_over"})
"""Operators under which a form may be multiplied."""


def _has_no_form(variable: Variable) -> bool:
    """Whether a Jacobian cannot be written as a matrix."""
    if variable.role != "jacobian" or variable.value is None:
        return False
    return raised(variable.value).has_index


def claimed(derivation: Derivation, result: Result, expression: Expression) -> Claim:
    """That an expression is the answer to a request: a gradient, a Jacobian or a Hessian."""
    label = f"the answer for {result.wrt}"
    if result.kind == "grad":
        return Claim(result.of, result.wrt, label, (expression,), label, "gradient")
    sweep = next(s for s in derivation.sweeps if result in s.results)
    variable = derivation.names[result.wrt]
    line = _multiplied(sweep, variable, expression)
    return Claim(_weighted(sweep), result.wrt, label, (line,), label, result.kind)


def _multiplied(sweep: Sweep, variable: Variable, jacobian: Expression) -> Expression:
    return _shaped(multiply(transpose(jacobian), sympy_form(_weights(sweep))), variable)


def _shaped(column: Expression, variable: Variable) -> Expression:
    """A vec in the shape of the variable."""
    if variable.row:
        return transpose(column)
    return call("unvec", column, *variable.shape) if variable.order == 2 else column


def _summed(sweep: Sweep, variable: Variable, jacobian: Tensor) -> Tensor:
    """The product on tensors."""
    weights = Variable(_weight(sweep), sweep.of.shape, row=sweep.of.row)
    own, others = tuple(range(sweep.of.order)), tuple(range(10, 10 + variable.order))
    factors: list[tuple[Tensor, tuple[int, ...]]] = [(weights, own)]
    along: list[int] = []
    for letters, shape, whole in ((own, sweep.of.shape, 20), (others, variable.shape, 21)):
        if len(letters) == 2:
            pair = incidence.pair(shape[1], shape[0])
            factors.append((pair, (whole, letters[1], letters[0])))
            along.append(whole)
        else:
            along.extend(letters)
    factors.append((jacobian, tuple(along)))
    dims = dict(zip(others, variable.shape, strict=True))
    return expand(contract(1, factors, others, dims))


def _checkable(forms: list[Expr]) -> Iterator[Expression]:
    """The forms that say a value, each once."""
    seen: set[Expr] = set()
    for form in forms:
        if form not in seen and not _has_symbolic_jacobian(form):
            seen.add(form)
            yield sympy_form(form)


def _has_symbolic_jacobian(form: Expr) -> bool:
    return form.op == "jacobian" or any(_has_symbolic_jacobian(arg) for arg in form.args)
