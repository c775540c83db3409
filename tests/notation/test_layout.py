"""Denominator layout: every line of a Jacobian's derivation is the transpose of the usual one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Sweep
from derive.emit.text import UNICODE, text
from derive.errors import InputError
from derive.language import parse
from derive.notation.answers import (
    closed_form,
    closed_tensor,
    explained,
    explanation,
    explanation_tensor,
)
from derive.notation.board import board, definition_form
from derive.notation.expression import Expr
from derive.notation.raising import raised
from derive.notation.sympy_form import sympy_form
from derive.shapes import as_dim
from derive.tensor.algebra import transpose
from derive.tensor.nodes import Variable
from derive.verify.evaluation import evaluate

NET = (
    "x:(4); W:(3,4); b:(3); V:(2,3); a = tanh(W*x + b); y = softmax(V*a); z = y .* y;"
    "jacobian z wrt x, b, a, W, V"
)
PROBLEMS = {
    "a vector by a vector": "A:(3,4); x:(4); jacobian exp(A*x) wrt x",
    "a scalar by a vector": "A:(3,3); x:(3); jacobian x'*A*x wrt x",
    "a vector by a scalar": "x:(3); t:(); jacobian sin(t*x) wrt t, x",
    "a scalar by a scalar": "s:(); t:(); jacobian sin(t*s) wrt t",
    "a row by a row": "x:(1,3); A:(3,4); jacobian tanh(x*A) wrt x, A",
    "a matrix by a matrix": "A:(2,3); X:(3,4); B:(4,5); jacobian A*X*B wrt X",
    "a transpose": "X:(3,4); jacobian X' wrt X",
    "an inverse": "X:(3,3); Y = inv(X*X); jacobian Y wrt X",
    "a network": NET,
    "names that are kept": (
        "x:(4); A:(4,4); B:(4,4); u = sin(A*x); v = u .* (B*u); w = tanh(v) .* u;"
        "y = exp(w) .* v ./ (1 + w.^2); jacobian y wrt x"
    ),
    "through two ways": "x:(3); u = x.^2; v = u + sin(x .* u); jacobian v .* x wrt x",
    "a Hessian": "X:(5,3); w:(3); J = sum(log(1 + exp(X*w))); hessian J wrt w",
    "a block Hessian": "X:(5,3); w:(3); b:(); J = sum(sigmoid(X*w + b)); hessian J wrt (w, b)",
    "a factorisation": "U:(3,2); V:(4,2); T:(3,4); hessian norm2(T - U*V')^2 wrt (U, V)",
}


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


class Values:
    """The numbers that the names of a sweep stand for, and its local Jacobians."""

    def __init__(self, derivation: Derivation, rng: np.random.Generator) -> None:
        self.names: dict[str, Any] = {}
        self.local: dict[Any, Any] = {}
        for name, given in derivation.problem.variables.items():
            rows, cols = (*(int(dim) for dim in given.shape), 1, 1)[:2]
            size = (rows, cols) if given.shape else ()
            self.names[name] = np.asarray(rng.uniform(0.2, 1.2, size))
        for variable in derivation.names.values():
            self.enter(variable)
        for sweep in derivation.sweeps:
            self.take(sweep)

    def enter(self, variable: Variable) -> None:
        if variable.value is not None:
            self.names[variable.name] = self.of(definition_form(variable))

    def take(self, sweep: Sweep) -> None:
        """The quantities of a sweep and its local Jacobians."""
        for variable in sweep.forward:
            self.enter(variable)
        self.local |= {
            (source.user, step.quantity): self.of(raised(source.jacobian))
            for step in sweep.steps
            for source in step.sources
            if source.jacobian is not None
        }

    def of(self, form: Expr) -> Any:
        """The value of a form, whose local Jacobians are by their names."""
        if form.op == "add":
            return sum(self.of(arg) for arg in form.args)
        if form.op == "jacobian":
            return self._turned(self.local[form.value], form)
        if form.op == "product" and any(arg.op == "jacobian" for arg in form.args):
            return np.linalg.multi_dot([*map(self._matrix, form.args), np.eye(int(form.cols))])
        return evaluate(sympy_form(form), self.names)

    def _matrix(self, form: Expr) -> Any:
        return self._turned(self.of(form), form)

    @staticmethod
    def _turned(value: Any, form: Expr) -> Any:
        """A value as a matrix, a vector turned to the extent that its form states."""
        array, extent = np.atleast_2d(value), (int(form.rows), int(form.cols))
        return array if array.shape == extent else array.T


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_every_line_is_the_transpose(problem: str, rng: np.random.Generator) -> None:
    derivation = derived(problem)
    sweeps = [sweep for sweep in derivation.sweeps if sweep.kind == "jacobian"]
    assert sweeps
    usual, turned = Values(derivation, rng), Values(derivation, rng)
    turned.names = dict(usual.names)
    turned.local = {pair: np.transpose(value) for pair, value in usual.local.items()}
    for sweep in sweeps:
        pairs = zip(board(sweep), board(sweep, layout="denominator"), strict=True)
        for step, other in pairs:
            expected = usual.of(step.rows[-1].forms[-1])
            for row in other.rows:
                for form in row.forms:
                    extent = tuple(int(dim) for dim in (form.rows, form.cols))
                    assert np.atleast_2d(expected).T.shape == extent, text(form, UNICODE)
                    np.testing.assert_allclose(
                        turned.of(form), np.transpose(expected), rtol=1e-10, atol=1e-12
                    )
            usual.names[step.step.adjoint.name] = expected
            turned.names[step.step.adjoint.name] = np.transpose(expected)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_every_answer_is_the_transpose(problem: str, rng: np.random.Generator) -> None:
    derivation = derived(problem)
    values = Values(derivation, rng)
    for sweep in derivation.sweeps:
        for result in sweep.results:
            found = []
            for layout in ("numerator", "denominator"):
                names = dict(values.names)
                for name in explained(result, derivation, layout=layout):
                    form = explanation(name, derivation, layout=layout)
                    names[name.name] = evaluate(sympy_form(form), names)
                form = closed_form(result, derivation, layout=layout)
                found.append(evaluate(sympy_form(form), names))
            if result.kind == "grad":
                np.testing.assert_allclose(found[0], found[1])
            else:
                np.testing.assert_allclose(found[0].T, found[1], rtol=1e-10, atol=1e-12)


CHAINS: Mapping[str, tuple[str, str]] = {
    "A:(m,n); x:(n); u = A*x; jacobian exp(u) wrt x": ("(∂f/∂u) (∂u/∂x)", "(∂u/∂x) (∂f/∂u)"),
    "x:(n); u = x.^2; y = u .* x; jacobian y wrt x": (
        "diag(u) + (∂y/∂u) (∂u/∂x)",
        "diag(u) + (∂u/∂x) (∂y/∂u)",
    ),
}


@pytest.mark.parametrize(("problem", "chains"), CHAINS.items())
def test_the_chain_is_turned_round(problem: str, chains: tuple[str, str]) -> None:
    (sweep,) = derived(problem).sweeps
    written = [
        text(board(sweep, layout=layout)[-1].rows[0].forms[0], UNICODE)
        for layout in ("numerator", "denominator")
    ]
    assert tuple(written) == chains


def test_a_gradient_is_multiplied_by_the_local_jacobian_as_the_layout_has_it() -> None:
    problem = "z:(n); y:(n) probability; p = softmax(z); J = -sum(y .* log(p)); grad J wrt z"
    (sweep,) = derived(problem).sweeps
    chains = [
        {text(row.forms[0], UNICODE) for step in board(sweep, layout) for row in step.rows}
        for layout in ("numerator", "denominator")
    ]
    assert "(∂p/∂z)ᵀ p̄" in chains[0]
    assert "(∂p/∂z) p̄" in chains[1]


def test_tensors_are_turned_as_well() -> None:
    derivation = derived("A:(m,n); x:(n); jacobian exp(A*x) wrt x")
    (result,) = derivation.results
    turned = closed_tensor(result, derivation, layout="denominator")
    assert turned is transpose(closed_tensor(result, derivation))
    assert turned.shape == tuple(map(as_dim, "nm"))


def test_a_name_in_an_answer_is_explained_in_its_layout() -> None:
    derivation = derived(PROBLEMS["names that are kept"])
    (result,) = derivation.results
    jacobians = [
        [v for v in explained(result, derivation, layout) if v.role == "jacobian"]
        for layout in ("numerator", "denominator")
    ]
    for usual, turned in zip(*jacobians, strict=True):
        assert usual.name == turned.name
        assert explanation_tensor(turned, derivation, "denominator").order == 2


def test_another_layout_is_refused() -> None:
    derivation = derived("x:(n); jacobian exp(x) wrt x")
    with pytest.raises(InputError, match="mixed is no layout") as caught:
        board(derivation.sweeps[0], layout="mixed")  # type: ignore[arg-type]
    assert "Layouts are numerator and denominator." in str(caught.value)
