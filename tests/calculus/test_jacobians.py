"""Jacobians entry by entry: ``∂y[i,j]/∂x[k,l]`` says what the matrix over the vecs says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.calculus.jacobians import by_entries
from derive.emit.plain import formula_text
from derive.emit.words import Indexed
from derive.language import parse
from derive.tensor.nodes import Tensor
from derive.tensor.printing import alphabet
from tests.tensor.evaluation import evaluate

PROBLEMS = {
    "matrices": "A:(2,3); X:(3,4); B:(4,5); Y = A*X*B; jacobian Y wrt X, A",
    "a transpose": "X:(3,4); Y = X'; jacobian Y wrt X",
    "softmax of rows": "X:(3,4); A:(4,2); Y = rowsoftmax(X*A); jacobian Y wrt X, A",
    "a vector by a matrix": "X:(3,4); w:(4); y = tanh(X*w); jacobian y wrt X, w",
    "a matrix by a vector": "x:(3); y:(4); Y = x*y'; jacobian Y wrt x, y",
    "a row by a matrix": "x:(1,3); A:(3,4); y = exp(x*A); jacobian y wrt A, x",
    "a scalar by a matrix": "X:(3,3); y = logdet(X); jacobian y wrt X",
    "a Hessian": "X:(4,3); W:(3,2); J = sum(exp(X*W)); hessian J wrt W",
    "a Hessian of a network": (
        "X:(4,3); W:(3,2); V:(2,2); A = tanh(X*W); P = rowsoftmax(A*V);"
        "J = sum(P .* P); hessian J wrt (W, V)"
    ),
}


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


def point(derivation: Derivation, rng: np.random.Generator) -> dict[str, Any]:
    """Numbers for what is given."""
    return {
        variable.name: rng.uniform(0.2, 1.2, tuple(map(int, variable.shape)))
        for variable in derivation.names.values()
        if variable.value is None
    }


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_by_value(problem: str, rng: np.random.Generator) -> None:
    derivation = derived(problem)
    numbers = point(derivation, rng)
    results = [result for result in derivation.results if result.kind != "grad"]
    assert results
    for result in results:
        of = derivation.names[result.by or result.of]
        wrt = derivation.names[result.wrt]
        whole = evaluate(result.gradient, numbers)
        found = by_entries(result.gradient, of, wrt)
        assert found.shape == (*of.shape, *wrt.shape)
        array = np.asarray(evaluate(found, numbers))
        size = [int(np.prod(np.array(v.shape, dtype=int))) for v in (of, wrt)]
        # Columns first in either array, as vec counts them.
        axes = tuple(range(array.ndim))
        turned = np.transpose(array, (*axes[: of.order][::-1], *axes[of.order :][::-1]))
        np.testing.assert_allclose(turned.reshape(size), np.reshape(whole, size), rtol=1e-12)


FORMS = [
    ("A:(p,m); X:(m,n); B:(n,q); Y = A*X*B; jacobian Y wrt X", "A[i,k] B[l,j]"),
    ("X:(m,n); Y = X'; jacobian Y wrt X", "δ[i,l] δ[j,k]"),
    (
        "X:(m,n); P = rowsoftmax(X); jacobian P wrt X",
        "P[i,j] δ[i,k] δ[j,l] − P[i,j] δ[i,k] P[i,l]",
    ),
    ("X:(n,n); Y = inv(X); jacobian Y wrt X", "−Y[i,k] Y[l,j]"),
]


@pytest.mark.parametrize(("problem", "form"), FORMS)
def test_by_form(problem: str, form: str) -> None:
    derivation = derived(problem)
    (result,) = derivation.results
    of, wrt = derivation.names[result.of], derivation.names[result.wrt]
    found: Tensor = by_entries(result.gradient, of, wrt)
    assert formula_text(Indexed(found, alphabet(found)[:4])) == form
