"""Derivatives of matrices by matrices: their forms, and what sums that are printed stand for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
import sympy

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit import claims
from derive.emit.text import UNICODE, text
from derive.language import parse
from derive.notation.answers import closed_form, explained
from derive.notation.board import board, definition_form
from derive.notation.examples import over_wholes
from derive.notation.expression import Expr, scaled
from derive.notation.raising import raised
from derive.notation.sympy_form import sympy_form
from derive.verify.evaluation import evaluate
from derive.workflow import check

REGRESSION = "X:(N,d); Y:(N,k) onehot; W:(d,k); b:(k); Z = X*W + b'; P = rowsoftmax(Z);"

FORMS = {
    "a softmax of each row": (
        "X:(m,n); P = rowsoftmax(X); jacobian P wrt X",
        "diag(vec(P)) − diag(vec(P)) (ones(n,n) ⊗ I) diag(vec(P))",
    ),
    "a log softmax of each row": (
        "X:(m,n); jacobian rowlog_softmax(X) wrt X",
        "I − (ones(n,n) ⊗ I) diag(vec(rowsoftmax(X)))",
    ),
    "sums of rows": (
        "X:(m,n); jacobian rowsum(X.^2) wrt X",
        "2 (1ᵀ ⊗ I) diag(vec(X))",
    ),
    "a layer before weights": (
        "X:(N,d); W:(d,h); v:(h); A = tanh(X*W); y = A*v; jacobian y wrt W",
        "(v ⊗ I)ᵀ diag(vec(1 − A^⊙²)) (I ⊗ X)",
    ),
    "a layer behind weights": (
        "X:(N,d); W:(d,h); v:(N); A = tanh(X*W); y = A'*v; jacobian y wrt X",
        "(I ⊗ v)ᵀ diag(vec(1 − A^⊙²)) (Wᵀ ⊗ I)",
    ),
    "sums of the rows of a layer": (
        "X:(N,d); W:(d,h); A = tanh(X*W); y = rowsum(A); jacobian y wrt W",
        "(1ᵀ ⊗ I) diag(vec(1 − A^⊙²)) (I ⊗ X)",
    ),
    "sums of columns": (
        "X:(m,n); jacobian colsum(X.^2) wrt X",
        "2 (I ⊗ 1ᵀ) diag(vec(X))",
    ),
    "logsumexp of each row": (
        "X:(m,n); jacobian rowlogsumexp(X) wrt X",
        "(1ᵀ ⊗ I) diag(vec(rowsoftmax(X)))",
    ),
    "rows scaled by their sums": (
        "X:(m,n); jacobian X .* rowsum(X) wrt X",
        "diag(vec(X)) (ones(n,n) ⊗ I) + diag(ones(n) ⊗ rowsum(X))",
    ),
    "an attention by its queries": (
        "Q:(m,d); K:(n,d); V:(n,k); M = Q*K'; P = rowsoftmax(M); Y = P*V; jacobian Y wrt Q",
        "(V ⊗ I)ᵀ (diag(vec(P)) − diag(vec(P)) (ones(n,n) ⊗ I) diag(vec(P))) (K ⊗ I)",
    ),
    "a batch through two layers": (
        "X:(N,d); W:(d,h); V:(h,k); A = tanh(X*W); Y = A*V; jacobian Y wrt W",
        "(V ⊗ I)ᵀ diag(vec(1 − A^⊙²)) (I ⊗ X)",
    ),
    "softmax regression by W": (
        f"{REGRESSION} hessian cross_entropy(P, Y)/N wrt W",
        "(Σ_i (diag(P[i, :]ᵀ) − P[i, :]ᵀ P[i, :]) ⊗ X[i, :]ᵀ X[i, :]) / N",
    ),
}


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


@pytest.mark.parametrize(("problem", "form"), FORMS.values(), ids=FORMS.keys())
def test_by_form(problem: str, form: str) -> None:
    derivation = derived(problem)
    result = next(r for r in derivation.results if r.kind != "grad")
    written = text(closed_form(result, derivation), UNICODE)
    names = {v.name: definition_form(v) for v in explained(result, derivation) if v.value}
    assert written == form, names


SIZED = "X:(4,3); Y:(4,2) onehot; W:(3,2); b:(2); Z = X*W + b'; P = rowsoftmax(Z);"

SUMS = {
    "softmax regression": f"{SIZED} J = cross_entropy(P, Y); hessian J wrt (W, b)",
    "softmax regression, scaled": f"{SIZED} J = 2*cross_entropy(P, Y)/3; hessian J wrt (W, b)",
    "a row of softmax in another": "X:(3,4); A:(4,2); jacobian rowsoftmax(X*A) wrt X, A",
    "softmax of rows of softmax": "X:(3,4); jacobian rowsoftmax(rowsoftmax(X)) wrt X",
    "a layer of columns": (
        "X:(3,4); W:(2,3); V:(1,2); y:(1,4); J = norm2(V*tanh(W*X) - y)^2; hessian J wrt W"
    ),
    "normalised rows": "X:(3,4); A:(4,2); jacobian rowlayernorm(X*A) wrt A",
    "sums of squares of rows": "X:(3,4); A:(4,2); jacobian rowsum((X*A).^2) wrt A, X",
    "a Cholesky factor": "S:(3,3); jacobian cholesky(S*S' + I(3)) wrt S",
    "a network of two layers": (
        "X:(4,3); W:(3,2); V:(2,2); Y:(4,2) onehot; A = tanh(X*W); P = rowsoftmax(A*V);"
        "J = cross_entropy(P, Y)/4; hessian J wrt (W, V)"
    ),
    "three layers": (
        "X:(4,3); W:(3,2); V:(2,3); U:(3,2); jacobian sigmoid(tanh(X*W)*V)*U wrt W, V, U, X"
    ),
    "masked rows": "M:(3,4); X:(3,4); A:(4,2); jacobian rowsoftmax((M .* X)*A) wrt X, M",
    "a kernel": "X:(4,2); q = rowsum(X.^2); jacobian exp(2*X*X' - q - q') wrt X",
    "attention": "Q:(3,2); K:(4,2); V:(4,2); jacobian attention(Q, K, V) wrt Q, K, V",
}


class Numbers:
    """What the names of a derivation stand for, at one point."""

    def __init__(self, derivation: Derivation, rng: np.random.Generator) -> None:
        self.names: dict[str, Any] = {}
        for name, given in derivation.problem.variables.items():
            rows, cols = (*(int(dim) for dim in given.shape), 1, 1)[:2]
            self.names[name] = rng.uniform(0.2, 1.2, (rows, cols))
        for variable in derivation.names.values():
            self.add(variable)
        for sweep in derivation.sweeps:
            for variable in (*sweep.forward, *(step.adjoint for step in sweep.steps)):
                self.add(variable)

    def add(self, variable: Any) -> None:
        if variable.value is not None and variable.name not in self.names:
            form = definition_form(variable)
            self.names[variable.name] = evaluate(sympy_form(form), self.names)

    def of(self, form: Expr) -> Any:
        """The value of a form; of a sum over an index by its terms, of parts by themselves."""
        if form.op == "sum_over":
            index, size, _ = form.value
            values = []
            for place in range(int(size)):
                values.append(self.of(at(form.args[0], {index: place})))
            return sum(values)
        if form.op == "add":
            return sum(self.of(arg) for arg in form.args)
        if form.op == "negative":
            return -self.of(form.args[0])
        if form.op == "fraction":
            return self.of(form.args[0]) / self.of(form.args[1])
        if form.op == "transpose":
            return self.of(form.args[0]).T
        if form.op == "product" and form.has_index:
            found: Any = 1.0
            for arg in form.args:
                value = self.of(arg)
                found = found * value if not (np.ndim(found) and np.ndim(value)) else found @ value
            return found
        return evaluate(sympy_form(form), self.names)


def at(form: Expr, place: dict[Any, int]) -> Expr:
    """A form for one value of an index."""
    args, value = tuple(at(arg, place) for arg in form.args), form.value
    if form.op == "slice":
        value = tuple(x.subs(place) if isinstance(x, sympy.Basic) else x for x in value)
    return replace(form, args=args, value=value)


def has_names_of_jacobians(form: Expr) -> bool:
    return form.op == "jacobian" or any(map(has_names_of_jacobians, form.args))


def holds_sum(form: Expr) -> bool:
    return form.op == "sum_over" or any(map(holds_sum, form.args))


@pytest.mark.parametrize("problem", SUMS.values(), ids=SUMS.keys())
def test_what_is_printed_is_what_it_stands_for(problem: str, rng: np.random.Generator) -> None:
    derivation = derived(problem)
    numbers = Numbers(derivation, rng)
    for sweep in derivation.sweeps:
        for step in board(sweep) if sweep.kind == "jacobian" else ():
            expected = numbers.names[step.step.adjoint.name]
            written = [form for row in step.rows for form in row.forms]
            for form in (form for form in written if not has_names_of_jacobians(form)):
                assert form.op != "index", text(form, UNICODE)
                np.testing.assert_allclose(numbers.of(form), expected, rtol=1e-10, atol=1e-12)
        for result in sweep.results if sweep.kind == "jacobian" else ():
            form = closed_form(result, derivation)
            adjoints = (x.adjoint for x in sweep.steps if x.quantity.name == result.wrt)
            expected = numbers.names[next(adjoints).name]
            np.testing.assert_allclose(numbers.of(form), expected, rtol=1e-10, atol=1e-12)
            whole = numbers.of(over_wholes(form))
            np.testing.assert_allclose(whole, expected, rtol=1e-10, atol=1e-12)


LAYERS: Final = "X:(N,d); W:(d,h); v:(h); y:(N); A = tanh(X*W); r = A*v - y; J = r'*r; "

ONE_BY_ONE: Final = {
    LAYERS + "hessian J wrt W": (
        "Σ_i (2 (v ⊙ (1 − A^⊙²)[i, :]ᵀ) (vᵀ ⊙ (1 − A^⊙²)[i, :]) "
        "+ 4 r[i] diag(v ⊙ A[i, :]ᵀ ⊙ (A^⊙² − 1)[i, :]ᵀ)) ⊗ X[i, :]ᵀ X[i, :]"
    ),
    "X:(d,N); W:(h,d); w:(1,h); y:(1,N); z = w*relu(W*X); "
    "J = bce_with_logits(z, y); hessian J wrt W": (
        "Σ_i σ(zᵀ)[i] (1 − σ(zᵀ))[i] "
        "(X[:, i] X[:, i]ᵀ ⊗ (wᵀ ⊙ 1[U > 0][:, i]) (w ⊙ 1[U > 0][:, i]ᵀ)) / N"
    ),
    "X:(N,n); w:(n); y:(N) signs; J = sum(log(1 + exp(-y .* (X*w)))); hessian J wrt w": (
        "Xᵀ diag(σ(X w) ⊙ (1 − σ(X w))) X"
    ),
}
"""Hessians of losses over examples, and how their closed forms are written."""


@pytest.mark.parametrize(("problem", "expected"), ONE_BY_ONE.items(), ids=["rows", "columns", "w"])
def test_a_loss_over_examples_is_summed_over_them(problem: str, expected: str) -> None:
    derivation = derived(problem)
    (result,) = [result for result in derivation.results if result.kind == "hessian"]
    assert text(closed_form(result, derivation), UNICODE) == expected


def test_the_index_of_a_sum_is_no_size_behind_it() -> None:
    derivation = derived(
        "X:(N,d); W:(d,h); v:(h); y:(i); A = tanh(X*W); r = A*v; J = r'*r/i + sum(y);"
        "hessian J wrt W"
    )
    (result,) = [result for result in derivation.results if result.kind == "hessian"]
    written = text(closed_form(result, derivation), UNICODE)
    assert written.startswith("Σ_j") and "/ i" in written and "[i" not in written


def test_an_error_behind_the_sum_is_caught(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    derivation = derived(LAYERS + "hessian J wrt W")
    assert check(derivation, seed).passed
    right = claims.closed_form

    def wrong(result: Any, *others: Any) -> Expr:
        form = right(result, *others)
        if form.op != "sum_over":
            return form
        return replace(form, args=(scaled(Fraction(1001, 1000), form.args[0]),))

    monkeypatch.setattr(claims, "closed_form", wrong)
    assert [failure.label for failure in check(derivation, seed).failures] == [
        "Hessian of J with respect to W, W"
    ]


def test_sums_are_among_what_is_printed() -> None:
    """The test above would say nothing if no sum were printed any more."""
    found = 0
    for problem in SUMS.values():
        for sweep in derived(problem).sweeps:
            found += sum(holds_sum(raised(step.result)) for step in sweep.steps)
    assert found >= 3
