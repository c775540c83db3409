"""Closed forms that are published, row by row: the judge agrees with all, and with none scaled."""

from __future__ import annotations

from typing import Final

import pytest
import sympy

from derive.language import parse
from derive.verify import Claim, Report, judge
from derive.vocabulary import multiply

# Declarations; J; the name it is differentiated by; the gradient.
ROWS: Final = [
    ("A : (m, n); X : (n, m)", "tr(A*X)", "X", "A'"),
    ("A : (m, n); X : (m, n)", "tr(X'*A)", "X", "A"),
    ("A : (m, n); X : (n, k); B : (k, m)", "tr(A*X*B)", "X", "A'*B'"),
    ("A : (n, n); X : (n, m)", "tr(X'*A*X)", "X", "(A + A')*X"),
    ("A : (n, n) symmetric; X : (n, m)", "tr(X'*A*X)", "X", "2*A*X"),
    ("A : (n, n); X : (n, m); B : (m, m)", "tr(A*X*B*X')", "X", "A'*X*B' + A*X*B"),
    ("X : (n, n)", "tr(X^3)", "X", "3*(X^2)'"),
    ("A : (n, n); x : (n)", "x'*A*x", "x", "(A + A')*x"),
    ("A : (n, n) symmetric; x : (n)", "x'*A*x", "x", "2*A*x"),
    ("A : (m, n); x : (m); y : (n)", "x'*A*y", "A", "x*y'"),
    ("X : (m, n); a : (n); b : (n)", "a'*X'*X*b", "X", "X*(a*b' + b*a')"),
    ("x : (n)", "(x'*x)^3", "x", "6*(x'*x)^2*x"),
    ("A : (n, n) symmetric; x : (n)", "exp(x'*A*x)", "x", "2*exp(x'*A*x)*A*x"),
    ("A : (m, n); x : (n); b : (m)", "norm2(A*x - b)^2", "x", "2*A'*(A*x - b)"),
    ("A : (m, n); x : (n); b : (m)", "norm2(A*x - b)", "x", "A'*(A*x - b)/norm2(A*x - b)"),
    ("A : (m, n); x : (n); b : (m)", "norm1(A*x - b)", "x", "A'*sign(A*x - b)"),
    ("X : (m, n); W : (n, k); Y : (m, k)", "norm2(X*W - Y)^2", "W", "2*X'*(X*W - Y)"),
    ("X : (m, n); w : (n); y : (m); c : ()", "norm2(X*w - y)^2 + c*norm2(w)^2", "w",
     "2*X'*(X*w - y) + 2*c*w"),
    ("T : (m, n); U : (m, k); V : (n, k)", "norm2(T - U*V')^2", "V", "2*(U*V' - T)'*U"),
    ("M : (m, n); T : (m, n); U : (m, k); V : (n, k)", "norm2(M .* (T - U*V'))^2", "U",
     "2*(M .* M .* (U*V' - T))*V"),
    ("X : (n, n)", "det(X)", "X", "det(X)*inv(X)'"),
    ("X : (n, n)", "logdet(X)", "X", "inv(X)'"),
    ("X : (n, n) symmetric", "logdet(X)", "X", "inv(X)"),
    ("X : (n, n); a : (n); b : (n)", "a'*inv(X)*b", "X", "-inv(X)'*a*b'*inv(X)'"),
    ("A : (m, n); X : (n, n); B : (n, m)", "tr(A*inv(X)*B)", "X", "-(inv(X)*B*A*inv(X))'"),
    ("A : (n, n) positive_definite; X : (n, m)", "logdet(I(m) + X'*A*X)", "X",
     "2*A*X*inv(I(m) + X'*A*X)"),
    ("S : (n, n) symmetric; x : (n); mu : (n)", "(logdet(S) + (x-mu)'*inv(S)*(x-mu))/2", "mu",
     "inv(S)*(mu - x)"),
    ("S : (n, n) positive_definite; x : (n); mu : (n)",
     "(logdet(S) + (x-mu)'*inv(S)*(x-mu))/2", "S",
     "(inv(S) - inv(S)*(x-mu)*(x-mu)'*inv(S))/2"),
    ("P : (n, n) symmetric; C : (n, n) symmetric", "logdet(P) - tr(P*C)", "P", "inv(P) - C"),
    ("w : (n); x : (n); b : ()", "max(0, w'*x + b)", "w", "where(w'*x + b > 0, 1, 0)*x"),
    ("X : (N, n); w : (n); b : (); y : (N)", "sum((y - max(0, X*w + b)).^2)/N", "w",
     "(2/N)*X'*((max(0, X*w + b) - y) .* (X*w + b > 0))"),
    ("X : (n, m); W : (m, d); b : (d)", "sum(X*W + ones(n)*b')", "b", "n*ones(d)"),
    ("A : (m, n); x : (n)", "sum(sigmoid(A*x))", "x",
     "A'*(sigmoid(A*x) .* (1 - sigmoid(A*x)))"),
    ("X : (m, n); W : (n, k)", "sum(tanh(X*W))", "W", "X'*(1 - tanh(X*W).^2)"),
    ("z : (n)", "logsumexp(z)", "z", "softmax(z)"),
    ("z : (n); y : (n) probability", "cross_entropy(softmax(z), y)", "z", "softmax(z) - y"),
    ("z : (n); y : (n)", "cross_entropy(softmax(z), y)", "z", "sum(y)*softmax(z) - y"),
    ("z : (); y : ()", "bce_with_logits(z, y)", "z", "sigmoid(z) - y"),
    ("X : (m, n); y : (m); w : (n)", "sum(log(1 + exp(-y .* (X*w))))", "w",
     "-X'*(y .* sigmoid(-y .* (X*w)))"),
    ("z : (); y : ()", "-(y*log(sigmoid(z)) + (1-y)*log(1-sigmoid(z)))", "z", "sigmoid(z) - y"),
    ("X : (m, n); W : (n, k); Y : (m, k) probability", "-sum(Y .* rowlog_softmax(X*W))", "W",
     "X'*(rowsoftmax(X*W) - Y)"),
    ("W2 : (k, m); W1 : (m, n); x : (n); y : (k)", "norm2(W2*tanh(W1*x) - y)^2/2", "W1",
     "(W2'*(W2*tanh(W1*x) - y) .* (1 - tanh(W1*x).^2))*x'"),
]  # fmt: skip


def judge_row(declarations: str, value: str, wrt: str, gradient: str, scale: str) -> Report:
    text = f"{declarations}; J = {value}; G = {gradient}; grad J wrt {wrt}".replace("; ", "\n")
    problem = parse(text)
    expression = multiply(sympy.Rational(scale), problem.definitions["G"].expression)
    return judge(problem, [Claim("J", wrt, "G_bar", (expression,), f"dJ/d{wrt}")])


@pytest.mark.parametrize(("declarations", "value", "wrt", "gradient"), ROWS)
def test_published_gradient(declarations: str, value: str, wrt: str, gradient: str) -> None:
    report = judge_row(declarations, value, wrt, gradient, "1")
    assert report.passed, str(report)
    assert report.worst["complex step"] < 1e-11


@pytest.mark.parametrize(("declarations", "value", "wrt", "gradient"), ROWS)
def test_scaled_gradient(declarations: str, value: str, wrt: str, gradient: str) -> None:
    assert not judge_row(declarations, value, wrt, gradient, "1.0005").passed
