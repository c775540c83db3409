"""A Hessian by several variables as one matrix of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.text import LANGUAGE, UNICODE, text
from derive.language import parse
from derive.notation.answers import block_form, explained, explanation
from derive.notation.sympy_form import sympy_form
from derive.verify.evaluation import evaluate

STEP = 1e-4

PROBLEMS = {
    "a vector and a scalar": "X:(4,3); w:(3); b:(); hessian sum(sigmoid(X*w + b)) wrt (w, b)",
    "the scalar first": "X:(4,3); w:(3); b:(); J = sum(exp(X*w + b)); hessian J wrt (b, w)",
    "two vectors": "x:(3); y:(4); A:(3,4); J = exp(x'*A*y) + x'*x; hessian J wrt (x, y)",
    "two matrices": "U:(3,2); V:(4,2); T:(3,4); J = norm2(T - U*V')^2; hessian J wrt (U, V)",
    "a row and a matrix": "x:(1,3); A:(3,2); J = sum(tanh(x*A)); hessian J wrt (x, A)",
    "three": "x:(2); s:(); t:(); J = sum(sin(s*x + t)) + s^3; hessian J wrt (x, s, t)",
    "one without influence": "x:(3); y:(2); J = sum(exp(x)); hessian J wrt (x, y)",
    "none with influence": "x:(3); y:(2); c:(); J = c^2; hessian J wrt (x, y)",
    "names that are kept": (
        "X:(4,3); w:(3); b:(); y:(4); z = X*w + b; J = mse(sigmoid(z), y); hessian J wrt (w, b)"
    ),
}


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


def point(derivation: Derivation, rng: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, given in derivation.problem.variables.items():
        extent = (*(int(dim) for dim in given.shape), 1)[:2] if given.shape else ()
        values[name] = np.asarray(rng.uniform(-1, 1, extent))
    return values


def differenced(derivation: Derivation, values: dict[str, Any]) -> Any:
    """The Hessian by central differences, every variable by its vec."""
    (request,) = derivation.problem.requests
    ends = np.cumsum([0, *(np.size(values[name]) for name in request.wrt)])

    def scalar(direction: Any) -> float:
        known = dict(values)
        for name, start, end in zip(request.wrt, ends[:-1], ends[1:], strict=True):
            moved = direction[start:end].reshape(np.shape(values[name]), order="F")
            known[name] = values[name] + moved
        for name, definition in derivation.problem.definitions.items():
            known[name] = evaluate(definition.expression, known)
        return float(np.squeeze(known[request.of]))

    units = STEP * np.eye(ends[-1])
    pairs = [((1, 1), 1), ((1, -1), -1), ((-1, 1), -1), ((-1, -1), 1)]
    return np.array(
        [
            [sum(sign * scalar(a * u + b * v) for (a, b), sign in pairs) for v in units]
            for u in units
        ]
    ) / (4 * STEP**2)


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_by_value(problem: str, layout: Any, rng: np.random.Generator) -> None:
    derivation = derived(problem)
    (request,) = derivation.problem.requests
    values = point(derivation, rng)
    expected = differenced(derivation, values)
    for name, definition in derivation.problem.definitions.items():
        values[name] = evaluate(definition.expression, values)
    for result in derivation.results:
        for variable in explained(result, derivation, layout):
            form = sympy_form(explanation(variable, derivation, layout))
            values[variable.name] = evaluate(form, values)
    form = block_form(request.of, request.wrt, derivation, layout)
    assert (form.rows, form.cols) == expected.shape
    np.testing.assert_allclose(evaluate(sympy_form(form), values), expected, rtol=1e-5, atol=1e-6)


FORMS = [
    (
        "A:(n,m); x:(n); y:(m); hessian x'*A*y wrt (x, y)",
        "[0, A; Aᵀ, 0]",
        "vcat(hcat(zeros(n,n), A), hcat(A', zeros(m,m)))",
    ),
    (
        "X:(N,d); w:(d); b:(); y:(N); hessian norm2(X*w + b - y)^2 wrt (w, b)",
        "[2 Xᵀ X, 2 colsum(X)ᵀ; 2 colsum(X), 2 N]",
        "vcat(hcat(2*X'*X, 2*colsum(X)'), hcat(2*colsum(X), 2*N))",
    ),
    ("x:(n); hessian x'*x wrt (x)", "2 I", "2*I(n)"),
]


@pytest.mark.parametrize(("problem", "unicode", "language"), FORMS)
def test_by_form(problem: str, unicode: str, language: str) -> None:
    derivation = derived(problem)
    (request,) = derivation.problem.requests
    form = block_form(request.of, request.wrt, derivation)
    assert (text(form, UNICODE), text(form, LANGUAGE)) == (unicode, language)


def test_each_block_of_a_variable_without_influence_is_an_answer() -> None:
    derivation = derived("x:(n); y:(m); J = sum(exp(x)); hessian J wrt (x, y)")
    found = {(r.by, r.wrt): r.occurs for r in derivation.results if r.kind == "hessian"}
    assert found == {("x", "x"): True, ("x", "y"): False, ("y", "x"): False, ("y", "y"): False}
