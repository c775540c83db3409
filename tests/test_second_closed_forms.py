"""Jacobians and Hessians that people know by heart, by value and by form.

As in :mod:`tests.test_closed_forms`; a matrix counts as its vec, column by column.
"""

from __future__ import annotations

import re

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Result
from derive.emit.claims import auxiliary, claimed, claims, weighted_problem
from derive.errors import UnsupportedError
from derive.language import parse, parse_expression
from derive.verify import judge
from tests.test_closed_forms import COSTLY, printed, substituted, tokens

ROWS = [
    ("23", "x:(n); jacobian x/norm2(x) wrt x", "(I(n) - x*x'/norm2(x)^2)/norm2(x)", {}),
    ("33", "w:(n); x:(n); jacobian w + x wrt w", "I(n)", {}),
    ("34", "w:(n); x:(n); jacobian w - x wrt x", "-I(n)", {}),
    ("35", "w:(n); x:(n); jacobian w .* x wrt w", "diag(x)", {}),
    ("36", "w:(n); x:(n); jacobian w ./ x wrt w", "diag(1 ./ x)", {}),
    ("37", "w:(n); x:(n); jacobian w ./ x wrt x", "-diag(w ./ x.^2)", {}),
    ("38", "z:(); x:(n); jacobian x + z wrt z", "ones(n)", {}),
    ("39", "z:(); x:(n); jacobian z*x wrt x", "z*I(n)", {}),
    ("40", "z:(); x:(n); jacobian z*x wrt z", "x", {}),
    ("41", "x:(n); jacobian sum(x) wrt x", "ones(n)'", {}),
    ("42", "z:(); x:(n); jacobian sum(z*x) wrt x", "z*ones(n)'", {}),
    ("43", "A:(m,n); x:(n); jacobian exp(A*x) wrt x", "diag(exp(A*x))*A", {}),
    ("50", "z:(n); jacobian softmax(z) wrt z", "diag(p) - p*p'", {"p": "softmax(z)"}),
    (
        "56",
        "X:(N,n); w:(n); y:(N) signs; hessian sum(log(1 + exp(-y .* (X*w)))) wrt w",
        "X'*diag(s .* (1 - s))*X",
        {"s": "sigmoid(X*w)"},
    ),
    ("62", "A:(n,n); x:(n); hessian x'*A*x wrt x", "A + A'", {}),
    ("63", "A:(m,n); x:(n); b:(m); hessian norm2(A*x - b)^2 wrt x", "2*A'*A", {}),
    ("64", "x:(n); hessian logsumexp(x) wrt x", "diag(p) - p*p'", {"p": "softmax(x)"}),
    (
        "65",
        "U:(m,k); V:(n,k); T:(m,n); hessian norm2(T - U*V')^2 wrt U",
        "kron(2*V'*V, I(m))",
        {},
    ),
    ("66", "A:(p,m); X:(m,n); B:(n,q); jacobian A*X*B wrt X", "kron(B', A)", {}),
    ("67", "X:(m,n); jacobian X' wrt X", "commutation(m, n)", {}),
    (
        "68",
        "X:(n,n); hessian logdet(X) wrt X",
        "-commutation(n, n)*kron(inv(X)', inv(X))",
        {},
    ),
    (
        "69",
        "W:(k,n); x:(n); y:(k) probability; z = W*x; hessian cross_entropy(softmax(z), y) wrt W",
        "kron(x*x', diag(p) - p*p')",
        {"p": "softmax(z)"},
    ),
    ("a gradient is a row", "X:(m,n); jacobian norm2(X) wrt X", "vec(X)'/norm2(X)", {}),
    ("by a row", "x:(1,n); A:(m,n); jacobian A*x' wrt x", "A", {}),
    ("an outer product", "x:(n); jacobian x*x' wrt x", "kron(I(n), x) + kron(x, I(n))", {}),
    (
        "a Gram matrix",
        "X:(m,n); jacobian X'*X wrt X",
        "((kron(I(n), X))*commutation(n, n) + kron(I(n), X))'",
        {},
    ),
    (
        "a cube",
        "X:(n,n); jacobian X^3 wrt X",
        "kron(X', X) + kron(I(n), X^2) + kron((X^2)', I(n))",
        {},
    ),
    ("entry by entry", "X:(m,n); jacobian tanh(X) wrt X", "diag(vec(1 - tanh(X).^2))", {}),
    ("an inverse", "X:(n,n); jacobian inv(X) wrt X", "-kron(inv(X)', inv(X))", {}),
    (
        "a softmax of each row",
        "X:(m,n); P = rowsoftmax(X); jacobian P wrt X",
        "diag(vec(P)) - diag(vec(P))*kron(ones(n,n), I(m))*diag(vec(P))",
        {},
    ),
    (
        "the larger of two",
        "w:(n); x:(n); jacobian max(w, x) wrt x",
        "diag(heaviside(x - w))",
        {},
    ),
    ("a comparison", "w:(n); x:(n); jacobian (w > x) wrt x", "zeros(n,n)", {}),
    (
        "a neuron",
        "w:(n); x:(n); b:(); jacobian max(0, w'*x + b) wrt w",
        "where(w'*x + b > 0, 1, 0)*x'",
        {},
    ),
    (
        "a Hessian without second derivatives",
        "X:(N,d); w:(d); hessian sum(relu(X*w)) wrt w",
        "zeros(d,d)",
        {},
    ),
]


def asked(text: str) -> tuple[Derivation, Result]:
    derivation = derive(parse(text))
    (result,) = (r for r in derivation.results if r.kind != "grad")
    return derivation, result


@pytest.mark.parametrize(("number", "problem", "answer", "names"), ROWS, ids=[r[0] for r in ROWS])
def test_by_value(number: str, problem: str, answer: str, names: dict[str, str], seed: int) -> None:
    derivation, result = asked(problem)
    expression = parse_expression(substituted(answer, names), derivation.problem)
    report = judge(
        weighted_problem(derivation),
        [*claims(derivation), claimed(derivation, result, expression)],
        auxiliary=auxiliary(derivation),
        seed=seed,
    )
    assert report.passed, f"{printed(result, derivation)}\n{report}"


@pytest.mark.parametrize(("number", "problem", "answer", "names"), ROWS, ids=[r[0] for r in ROWS])
def test_by_form(number: str, problem: str, answer: str, names: dict[str, str]) -> None:
    derivation, result = asked(problem)
    got, explained = printed(result, derivation)
    for name, meaning in explained.items():
        got = re.sub(rf"\b{name}\b", f"({meaning})", got)
    answer = substituted(answer, names)
    have, allowed = tokens(got), tokens(answer)
    assert len(have) <= len(allowed), f"{got}\n{answer}"
    for costly in COSTLY:
        assert have.count(costly) <= allowed.count(costly), f"{got}\n{answer}"


WRONG = [
    ("A:(p,m); X:(m,n); B:(n,q); jacobian A*X*B wrt X", "kron(A, B')"),
    ("X:(m,n); jacobian X' wrt X", "commutation(n, m)"),
    ("X:(n,n); jacobian inv(X) wrt X", "kron(inv(X)', inv(X))"),
    ("z:(n); jacobian softmax(z) wrt z", "diag(softmax(z))"),
    ("A:(m,n); x:(n); b:(m); hessian norm2(A*x - b)^2 wrt x", "A'*A"),
    ("X:(n,n); hessian logdet(X) wrt X", "-kron(inv(X)', inv(X))"),
]


@pytest.mark.parametrize(("problem", "answer"), WRONG)
def test_a_planted_error_is_caught(problem: str, answer: str, seed: int) -> None:
    derivation, result = asked(problem)
    expression = parse_expression(answer, derivation.problem)
    claim = claimed(derivation, result, expression)
    report = judge(
        weighted_problem(derivation), [claim], auxiliary=auxiliary(derivation), seed=seed
    )
    assert not report.passed


REFUSED = [
    (
        "S:(n,n) symmetric; hessian logdet(S) wrt S",
        "the Hessian with respect to S: S is declared symmetric",
    ),
    (
        "L:(n,n) lower_triangular; x:(n); jacobian L*x wrt L",
        "the Jacobian with respect to L: L is declared lower_triangular",
    ),
    (
        "A:(n,n); B = expm(A)*A; jacobian B wrt A",
        "the Jacobian of B with respect to A has no closed form here: expm has none",
    ),
    (
        "A:(n,n); hessian tr(expm(A)) wrt A",
        "the Jacobian of the gradient in A with respect to A has no closed form here: expm has",
    ),
]


@pytest.mark.parametrize(("problem", "message"), REFUSED)
def test_what_has_no_meaning_or_form_is_refused(problem: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^{re.escape(message)}"):
        derive(parse(problem))
