"""Gradients through every array function and layer: the right one passes, each planted error not.

The gradients are written by hand in the language itself; the derivation has no part in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sympy

from derive.language import parse
from derive.problem import Problem
from derive.verify import Claim, Report, judge
from derive.vocabulary import Expression, add, multiply, negate, transpose

MATRIX = "X : (m, n)\nC : (m, n)\n"
SQUARE = "A : (n, n)\nC : (n, n)\n"
LAYER = "x : (n)\nc : (n)\ng : (n)\nb : (n)\n"
ROWS = "X : (m, n)\nC : (m, n)\ng : (1, n)\nb : (1, n)\n"
ATTENTION = """Q : (m, d)
K : (n, d)
V : (n, k)
C : (m, k)
P = rowsoftmax(Q*K'/sqrt(d))
J = sum(C .* attention(Q, K, V))
B = C*V'
S = P .* (B - rowsum(P .* B))/sqrt(d)
"""
CHOLESKY = """L = cholesky(S)
M = L'*tril(C)
P = tril(M) - diag(diagonal(M))/2
T = inv(L)'*P*inv(L)
"""

RIGHT: dict[str, tuple[str, str, str]] = {
    # What stands before, with J; the variable; the gradient.
    "prod": ("X : (m, n)\nJ = prod(X)", "X", "prod(X)./X"),
    "amax": ("X : (m, n)\nJ = max(X)", "X", "X >= max(X)"),
    "amin": ("X : (m, n)\nJ = min(X)", "X", "X <= min(X)"),
    "norminf": ("X : (m, n)\nJ = norminf(X)", "X", "sign(X) .* (abs(X) >= norminf(X))"),
    "rowmax": (
        "X : (m, n)\nw : (m)\nJ = w'*rowmax(X)",
        "X",
        "(w*ones(1, n)) .* (X >= rowmax(X))",
    ),
    "rowmin": (
        "X : (m, n)\nw : (m)\nJ = w'*rowmin(X)",
        "X",
        "(w*ones(1, n)) .* (X <= rowmin(X))",
    ),
    "colmax": ("X : (m, n)\nw : (n)\nJ = colmax(X)*w", "X", "(ones(m)*w') .* (X >= colmax(X))"),
    "colmin": ("X : (m, n)\nw : (n)\nJ = colmin(X)*w", "X", "(ones(m)*w') .* (X <= colmin(X))"),
    "a tie of all entries": ("v : (n)\nz = vcat(v, v)\nJ = max(z)", "z", "(z >= max(z))/2"),
    "a tie by row": (
        "X : (m, n)\nw : (m)\nZ = hcat(X, X)\nJ = w'*rowmin(Z)",
        "Z",
        "(w*ones(1, 2*n)) .* (Z <= rowmin(Z))/2",
    ),
    "a tie of two": ("X : (n, n)\nC : (n, n)\nJ = sum(C .* max(X, X'))", "X",
                     "(C + C') .* ((X > X') + (X >= X'))/2"),
    "var": ("X : (m, n)\nJ = var(X)", "X", "2*(X - mean(X))/(m*n)"),
    "rowvar": ("X : (m, n)\nw : (m)\nJ = w'*rowvar(X)", "X", "2*(X - rowmean(X)) .* w/n"),
    "colvar": ("X : (m, n)\nw : (n)\nJ = colvar(X)*w", "X", "2*(X - colmean(X)) .* w'/m"),
    "pinv": (
        "X : (m, n)\nC : (n, m)\nP = pinv(X)\nJ = sum(C .* P)",
        "X",
        "-P'*C*P' + (I(m) - X*P)*C'*P*P' + P'*P*C'*(I(n) - P*X)",
    ),
    "solve, the matrix": (
        "A : (n, n)\nB : (n, k)\nC : (n, k)\nJ = sum(C .* solve(A, B))",
        "A",
        "-solve(A', C)*solve(A, B)'",
    ),
    "solve, the right side": (
        "A : (n, n)\nB : (n, k)\nC : (n, k)\nJ = sum(C .* solve(A, B))",
        "B",
        "solve(A', C)",
    ),
    "cholesky": (
        "S : (n, n) positive_definite\nC : (n, n)\n" + CHOLESKY + "J = sum(C .* L)",
        "S",
        "(T + T')/2",
    ),
    "cholesky of a definition": (
        "X : (m, n)\nC : (n, n)\nS = X'*X + I(n)\n" + CHOLESKY + "J = sum(C .* L)",
        "S",
        "(T + T')/2",
    ),
    "cholesky of an expression": (
        "X : (m, n)\nC : (n, n)\nS = X'*X + I(n)\n" + CHOLESKY + "J = sum(C .* L)",
        "X",
        "X*(T + T')",
    ),
    "expm": (SQUARE + "J = sum(C .* expm(A))", "A", "expm_frechet(A', C)"),
    "expm_frechet": (
        SQUARE + "E : (n, n)\nJ = sum(C .* expm_frechet(A, E))",
        "E",
        "expm_frechet(A', C)",
    ),
    "expm_frechet, the place": (
        SQUARE + "E : (n, n)\nZ = zeros(n, n)\n"
        "F = expm_frechet(vcat(hcat(A, E), hcat(Z, A))', vcat(hcat(Z, C), hcat(Z, Z)))\n"
        "J = sum(C .* expm_frechet(A, E))",
        "A",
        "F[0:n, 0:n] + F[n:2*n, n:2*n]",
    ),
    "kron": (
        "A : (m, n)\nB : (p, q)\nJ = sum(kron(A, B).^3)",
        "A",
        "3*A.^2*sum(B.^3)",
    ),
    "kron of squares": ("A : (n, n)\nB : (p, p)\nC : (n, n)\nJ = tr(kron(A*C, B))", "A",
                        "tr(B)*C'"),
    "vec": ("X : (m, n)\nJ = c'*vec(X)", "X", "unvec(c, m, n)"),
    "unvec": ("C : (m, n)\nJ = sum(C .* unvec(v, m, n))", "v", "vec(C)"),
    "tril": (MATRIX + "J = sum(C .* tril(X))", "X", "tril(C)"),
    "triu": (MATRIX + "J = sum(C .* triu(X))", "X", "triu(C)"),
    "hcat": (
        "A : (m, n)\nB : (m, k)\nJ = sum(C .* hcat(A, B))",
        "B",
        "C[:, n:n+k]",
    ),
    "vcat": (
        "A : (m, n)\nB : (k, n)\nJ = sum(C .* vcat(A, B))",
        "A",
        "C[0:m, :]",
    ),
    "an entry": (
        "A : (4, 4)\nJ = A[1, 2]^2",
        "A",
        "2*A[1, 2]*outer(I(4)[:, 1], I(4)[:, 2])",
    ),
    "a block": (
        "A : (5, 4)\nB : (2, 3)\nJ = sum(B .* A[1:3, 1:4])",
        "A",
        "I(5)[:, 1:3]*B*I(4)[1:4, :]",
    ),
    "layernorm": (
        LAYER + "y = layernorm(x)\nJ = c'*layernorm(x, g, b)",
        "x",
        "(g .* c - mean(g .* c) - y*mean(g .* c .* y))/sqrt(var(x) + 1/100000)",
    ),
    "layernorm, gamma": (LAYER + "J = c'*layernorm(x, g, b)", "g", "c .* layernorm(x)"),
    "layernorm, beta": (LAYER + "J = c'*layernorm(x, g, b)", "b", "c"),
    "layernorm, eps": (
        "x : (n)\nc : (n)\nt : () positive\nJ = c'*layernorm(x, 1, 0, t)",
        "t",
        "-c'*(x - mean(x))/(var(x) + t)^(3/2)/2",
    ),
    "rowlayernorm": (
        ROWS + "Y = rowlayernorm(X)\nD = C .* g\nJ = sum(C .* rowlayernorm(X, g, b))",
        "X",
        "(D - rowmean(D) - Y .* rowmean(D .* Y))./sqrt(rowvar(X) + 1/100000)",
    ),
    "rowlayernorm, gamma": (
        ROWS + "J = sum(C .* rowlayernorm(X, g, b))",
        "g",
        "colsum(C .* rowlayernorm(X))",
    ),
    "batchnorm": (
        ROWS + "Y = batchnorm(X)\nD = C .* g\nJ = sum(C .* batchnorm(X, g, b))",
        "X",
        "(D - colmean(D) - Y .* colmean(D .* Y))./sqrt(colvar(X) + 1/100000)",
    ),
    "batchnorm, gamma": (
        ROWS + "J = sum(C .* batchnorm(X, g, b))",
        "g",
        "colsum(C .* batchnorm(X))",
    ),
    "rmsnorm": (
        LAYER + "y = rmsnorm(x)\nJ = c'*rmsnorm(x, g)",
        "x",
        "(g .* c - y*mean(g .* c .* y))/sqrt(mean(x.^2) + 1/100000)",
    ),
    "rowrmsnorm": (
        ROWS + "Y = rowrmsnorm(X)\nD = C .* g\nJ = sum(C .* rowrmsnorm(X, g))",
        "X",
        "(D - Y .* rowmean(D .* Y))./sqrt(rowmean(X.^2) + 1/100000)",
    ),
    "attention, queries": (ATTENTION, "Q", "S*K"),
    "attention, keys": (ATTENTION, "K", "S'*Q"),
    "attention, values": (ATTENTION, "V", "P'*C"),
}  # fmt: skip

WRONG: dict[str, tuple[str, ...]] = {
    # Errors that people make, each in the gradient of the row of that name.
    "a tie of all entries": ("z >= max(z)", "(z >= max(z))/(2*n)"),
    "a tie by row": ("(w*ones(1, 2*n)) .* (Z <= rowmin(Z))",),
    "a tie of two": ("(C + C') .* (X > X')", "(C + C') .* (X >= X')", "C .* (X >= X')"),
    "amax": ("X <= min(X)", "ones(m, n)/(m*n)"),
    "rowmax": ("(w*ones(1, n)) .* (X >= max(X))", "X >= rowmax(X)"),
    "norminf": ("abs(X) >= norminf(X)",),
    "var": ("2*X/(m*n)", "2*(X - mean(X))/(m*n - 1)", "2*(X - mean(X))/n"),
    "rowvar": ("2*(X - mean(X)) .* w/n", "2*(X - rowmean(X)) .* w/m"),
    "pinv": ("-P'*C*P'", "-P'*C*P' + (I(m) - X*P)*C'*P*P'", "-P'*C*P' + P'*P*C'*(I(n) - P*X)"),
    "solve, the matrix": ("-solve(A, C)*solve(A, B)'", "-solve(A', C)*B'"),
    "solve, the right side": ("solve(A, C)",),
    "cholesky": ("inv(L)'*(tril(M) + tril(M)')*inv(L)/2", "inv(L)'*M*inv(L)", "T"),
    "cholesky of a definition": ("T", "T'", "inv(L)'*tril(M)*inv(L)"),
    "cholesky of an expression": ("X*T", "X*(T + T')/2"),
    "expm": ("expm(A)'*C", "expm_frechet(A, C)", "expm_frechet(A', C')"),
    "expm_frechet, the place": ("F[0:n, 0:n]", "F[n:2*n, n:2*n]"),
    "kron": ("3*A.^2*sum(B.^2)", "3*A.^2"),
    "vec": ("unvec(c, n, m)'",),
    "unvec": ("vec(C')",),
    "tril": ("C", "triu(C)", "tril(C) - triu(tril(C))"),
    "hcat": ("C[:, 0:k]",),
    "vcat": ("C[k:m+k, :]",),
    "layernorm": (
        "(g .* c - mean(g .* c))/sqrt(var(x) + 1/100000)",
        "(c - mean(c) - y*mean(c .* y))/sqrt(var(x) + 1/100000)",
        "(g .* c - mean(g .* c) - y*mean(g .* c .* y))/sqrt(var(x))",
    ),
    "batchnorm": ("(D - rowmean(D) - Y .* rowmean(D .* Y))./sqrt(colvar(X) + 1/100000)",),
    "rmsnorm": (
        "g .* c/sqrt(mean(x.^2) + 1/100000)",
        "(g .* c - y*sum(g .* c .* y))/sqrt(mean(x.^2) + 1/100000)",
    ),
    "attention, queries": ("P .* B/sqrt(d)*K", "S*K*sqrt(d)"),
    "attention, keys": ("S'*Q*sqrt(d)",),
}


def written(name: str, gradient: str) -> tuple[Problem, Claim]:
    """The problem of a row, and the claim that a gradient is right."""
    text, wrt, _ = RIGHT[name]
    problem = parse(f"{text}\nanswer = ({gradient})\ngrad J wrt {wrt}")
    definitions = dict(problem.definitions)
    line = definitions.pop("answer").expression
    claim = Claim("J", wrt, f"{wrt}_bar", (line,), f"gradient wrt {wrt}", "gradient")
    return replace(problem, definitions=definitions), claim


def report_on(name: str, seed: int, gradient: str | None = None) -> Report:
    problem, claim = written(name, gradient or RIGHT[name][2])
    return judge(problem, [claim], seed=seed)


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_gradient_passes(name: str, seed: int) -> None:
    report = report_on(name, seed)
    assert report.passed, str(report)
    assert report.points >= 3


def spoiled(line: Expression) -> Iterator[tuple[str, Expression]]:
    """Lines that are nearly right."""
    yield "wrong sign", negate(line)
    yield "factor 2", multiply(sympy.S(2), line)
    yield "half", multiply(sympy.S(1) / 2, line)
    yield "slightly more", multiply(sympy.Float("1.000001"), line)
    yield "not at all", multiply(sympy.S(0), line)
    if isinstance(line, sympy.MatrixExpr):
        rows, columns = line.shape
        yield "one more", add(line, sympy.OneMatrix(rows, columns))
        if rows == columns:
            yield "transposed", transpose(line)


SYMMETRIC = {"cholesky", "cholesky of a definition"}
"""Rows whose gradient is its own transpose."""


@pytest.mark.parametrize("name", RIGHT)
def test_each_planted_error_is_caught(name: str, seed: int) -> None:
    problem, claim = written(name, RIGHT[name][2])
    wrong = [
        replace(claim, expressions=(line,), name=f"unused {number}", label=label)
        for number, (label, line) in enumerate(spoiled(claim.expressions[0]))
        if label != "transposed" or name not in SYMMETRIC
    ]
    report = judge(problem, wrong, seed=seed)
    assert [check.label for check in report.failures] == [c.label for c in wrong], str(report)


@pytest.mark.parametrize(
    ("name", "gradient"), [(name, line) for name, lines in WRONG.items() for line in lines]
)
def test_each_error_that_people_make_is_caught(name: str, gradient: str, seed: int) -> None:
    report = report_on(name, seed, gradient)
    assert [failure.kind for failure in report.failures] == ["gradient"], str(report)
