"""Whole derivations: the judge passes every line, and objects to each that is slightly wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Float, ZeroMatrix

from derive.calculus.chain_rule import derive
from derive.emit.claims import auxiliary, claims, weighted_problem
from derive.examples import descriptions, example_text
from derive.language import parse
from derive.verify import judge
from derive.vocabulary import Expression, multiply, negate

GRAM = """X : (m, n)
A : (m, m) symmetric
y : (n)
G = X'*A*X
J = y'*inv(G)*y
K = logdet(X'*X) + det(X'*X)
grad J wrt X, y
grad K wrt X
"""

LAYERS = """X : (m, n)
g : (1, n)
b : (1, n)
W : (n, d)
V : (m, k)
C : (m, k)
H = rowlayernorm(X, g, b)
Z = attention(H*W, X*W, V)
J = sum(C .* Z) + norminf(Z)
grad J wrt X, g, b, W, V
"""

ARRAYS = """A : (n, n)
S : (n, n) positive_definite
X : (n, k)
L : (n, n) lower_triangular
P = pinv(X)
R = cholesky(S)
J = sum(solve(A, X).^3) + prod(P*X + 2*P*R*X) + max(hcat(L, X)) + tr(expm(A)*R) + X[0, :]*rowvar(P)
grad J wrt A, S, X, L
"""

PROBLEMS = {name: example_text(name) for name in descriptions()} | {
    "gram": GRAM,
    "layers": LAYERS,
    "arrays": ARRAYS,
}


def slightly_more(line: Expression) -> Expression:
    return multiply(Float("1.000001"), line)


def slightly_less(line: Expression) -> Expression:
    return multiply(Float("0.999999"), line)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("spoil", [slightly_more, slightly_less, negate])
def test_every_wrong_line_is_caught(name: str, spoil: object, seed: int) -> None:
    assert callable(spoil)
    problem = parse(PROBLEMS[name])
    derivation = derive(problem)
    right = claims(derivation)
    wrong = [
        replace(
            claim,
            name=f"unused {number} {place}",
            label=f"wrong {number} {place}",
            expressions=(spoil(line),),
        )
        for number, claim in enumerate(right)
        for place, line in enumerate(claim.expressions)
        if not line.has(ZeroMatrix)  # it is 0 whatever it is multiplied by
    ]
    posed, names = weighted_problem(derivation), auxiliary(derivation)
    report = judge(posed, [*right, *wrong], auxiliary=names, seed=seed, points=4)
    assert {check.label for check in report.failures} == {claim.label for claim in wrong}, (
        f"seed {seed}\n{report}"
    )
