"""Derivatives of third and higher order, entry by entry."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.calculus.higher import of_entries
from derive.calculus.jacobians import by_entries
from derive.emit.plain import formula_text
from derive.emit.words import Indexed
from derive.errors import InputError, UnsupportedError
from derive.language import parse
from derive.problem import Problem, Request
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import alphabet
from derive.workflow import check, code, explain
from tests.tensor.evaluation import evaluate

STEP = 1e-5

PROBLEMS = [
    "x:(3); J = logsumexp(x); derivative J wrt x, x, x",
    "x:(3); t:(); J = sum(exp(t*x)); derivative J wrt x, t, x",
    "x:(3); t:(); J = sum(exp(t*x)); derivative J wrt t, t, t",
    "t:(); J = sin(t)^2; derivative J wrt t, t, t, t",
    "x:(3); J = norm2(x); derivative J wrt x, x, x, x",
    "X:(2,3); J = norm2(X*X')^2; derivative J wrt X, X, X",
    "X:(2,2); J = logdet(X*X' + I(2)); derivative J wrt X, X, X",
    "A:(3,2); x:(3); y:(2); J = exp(x'*A*y); derivative J wrt A, x, y, A",
    "x:(1,3); J = sum(sigmoid(x).^2); derivative J wrt x, x, x",
    "x:(3); y:(2); J = sum(exp(x))*sum(sin(y)); derivative J wrt x, y, x",
    "x:(3); A:(3,3); J = x'*A*x; derivative J wrt x, x, x",
]


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


def arrays(derivation: Derivation) -> list[tuple[Tensor, Variable]]:
    """The derivatives from the second order on as arrays, each with its last variable."""
    names, found = derivation.names, []
    for result in derivation.results:
        if result.kind == "hessian":
            by, wrt = names[result.by], names[result.wrt]
            found.append((by_entries(result.gradient, by, wrt), wrt))
        elif result.through:
            chain = [names[name] for name in result.through]
            found.append((of_entries(result.gradient, chain), chain[-1]))
    return found


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_order_is_the_difference_of_the_one_before(
    problem: str, rng: np.random.Generator
) -> None:
    derivation = derived(problem)
    values: dict[str, Any] = {
        variable.name: rng.uniform(0.2, 1.2, tuple(map(int, variable.shape)))
        for variable in derivation.names.values()
        if variable.value is None
    }
    found = arrays(derivation)
    (request,) = derivation.problem.requests
    assert len(found) == len(request.wrt) - 1 > 1
    for (before, _), (array, variable) in pairwise(found):
        got = np.asarray(evaluate(array, values))
        assert got.shape == (*map(int, before.shape), *map(int, variable.shape))
        for place in np.ndindex(*map(int, variable.shape)):
            ends = []
            for sign in (1, -1):
                moved = np.array(values[variable.name])
                moved[place] += sign * STEP
                ends.append(np.asarray(evaluate(before, {**values, variable.name: moved})))
            expected = (ends[0] - ends[1]) / (2 * STEP)
            np.testing.assert_allclose(got[(..., *place)], expected, rtol=1e-5, atol=1e-7)


FORMS = [
    ("X:(n,n); J = logdet(X); derivative J wrt X, X, X",
     "X̄[i,l] X̄[k,q] X̄[p,j] + X̄[i,q] X̄[k,j] X̄[p,l]"),
    ("A:(n,n); x:(n); J = x'*A*x; derivative J wrt x, A, x", "δ[i,j] δ[k,l] + δ[i,k] δ[j,l]"),
    ("t:(); J = t^5; derivative J wrt t, t, t, t", "120 t"),
    ("x:(n); y:(n); J = sum(x.^2 .* y); derivative J wrt x, x, x", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "form"), FORMS)
def test_by_form(problem: str, form: str) -> None:
    tensor, _ = arrays(derived(problem))[-1]
    assert formula_text(Indexed(tensor, alphabet(tensor)[: tensor.order])) == form


@pytest.mark.parametrize("problem", PROBLEMS[:7])
def test_the_judge_agrees(problem: str) -> None:
    report = check(derived(problem), points=3)
    assert report.passed, report
    assert "higher derivative" in {result.kind for result in report.checks}


def test_a_planted_error_is_caught() -> None:
    problem = "x:(n); J = sum(x.^4){}; derivative J wrt x, x, x"
    derivation, other = derived(problem.format("")), derived(problem.format("/2"))
    *sweeps, last = derivation.sweeps
    wrong = replace(last.results[0], gradient=other.results[-1].gradient)
    planted = replace(derivation, sweeps=(*sweeps, replace(last, results=(wrong,))))
    report = check(planted, points=3)
    assert [failure.kind for failure in report.failures] == ["higher derivative"]


def test_it_is_printed_entry_by_entry_in_either_notation() -> None:
    derivation = derived("x:(n); J = sum(x.^3); derivative J wrt x, x, x")
    for notation in ("matrix", "index"):
        page = explain(derivation, notation=notation)
        assert "Derivative of order 3 of J: D2 with respect to x" in page
        assert "∂³J/∂x[i]∂x[j]∂x[k] = 6 δ[i,j] δ[j,k]  n × n × n" in page


def test_a_module_says_that_it_has_no_function_for_it() -> None:
    text = code(derived("x:(n); J = sum(x.^3); derivative J wrt x, x, x"))
    assert "Derivatives of third and higher order have no function here" in text
    assert "def grad_J_x(" in text


REFUSED = [
    ("x:(n); derivative sum(x.^3) wrt x", "a derivative of order 1 is asked for"),
    ("x:(n); derivative sum(x.^3) wrt x, x", "a derivative of order 2 is asked for"),
    ("x:(n); y:(n); derivative sum(x.^3 .* y) wrt (x, y, x)", "by one variable after the other"),
    ("x:(n); derivative exp(x) wrt x, x, x", "only a scalar has a higher derivative"),
]


@pytest.mark.parametrize(("problem", "message"), REFUSED)
def test_what_is_no_higher_derivative_is_refused(problem: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        derived(problem)


def test_what_has_no_second_derivative_in_closed_form_has_no_third() -> None:
    with pytest.raises(UnsupportedError, match="expm has none"):
        derived("A:(n,n); derivative tr(expm(A)) wrt A, A, A")


def test_a_request_in_python() -> None:
    problem = parse("x:(n)\nJ = sum(x.^3)\ngrad J wrt x")
    asked = Problem(
        problem.variables, problem.definitions, (Request("derivative", "J", ("x", "x", "x")),)
    )
    assert derive(asked).results[-1].through == ("x", "x", "x")
