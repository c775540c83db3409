"""The ordinary problems that people ask of such a program first, each with the answer they write.

Symbolic sizes throughout. By value, against a road that shares no code with the library: problem,
printed answer and the person's answer are read by the oracle's own reader and evaluated by
autograd, at points of no symmetry and at sizes of 1; so is the generated module. By form: what is
printed has at most as many symbols and operators, and no transpose, inverse, ``diag`` or ``ones``
more, its names explained or written out; ``LONGER`` holds the answers of which that is not true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.language import parse
from tests.oracle.comparison import SIZES, compare
from tests.oracle.oracle import Evaluation, point, reference
from tests.oracle.reading import read
from tests.oracle.tree import Task
from tests.test_closed_forms import Row, identify, printed, row, substituted, table, tokens
from tests.test_cookbook import explained, symbols
from tests.test_published_traps import excess

LOGISTIC: Final = "X:(N,d); w:(d); y:(N);"
LINEAR: Final = "A:(m,n); x:(n); b:(m);"
FEWEST: Final = 37

ROWS: Final[Sequence[Row]] = (
    # Quadratic forms.
    row("quadratic form", "x:(n); A:(n,n); grad x'*A*x wrt x, A", "(A + A')*x", "x*x'"),
    row(
        "quadratic function",
        "x:(n); A:(n,n) symmetric; b:(n); c:(); grad x'*A*x/2 - b'*x + c wrt x",
        "A*x - b",
    ),
    row(
        "Mahalanobis",
        "x:(n); mu:(n); P:(n,n) symmetric; grad (x - mu)'*P*(x - mu) wrt x, mu",
        "2*P*(x - mu)",
        "2*P*(mu - x)",
    ),
    row("bilinear form", "x:(m); A:(m,n); y:(n); grad x'*A*y wrt x, A, y", "A*y", "x*y'", "A'*x"),
    row(
        "Rayleigh quotient",
        "x:(n); A:(n,n) symmetric; grad (x'*A*x)/(x'*x) wrt x",
        "2*A*x/(x'*x) - 2*(x'*A*x)*x/(x'*x)^2",
    ),
    # Norms.
    row("norm", "x:(n); grad norm2(x) wrt x", "x/norm2(x)"),
    row("norm, a root", "x:(n); grad sqrt(x'*x) wrt x", "x/norm2(x)"),
    row("norm, squared", "x:(n); grad norm2(x)^2 wrt x", "2*x"),
    row("norm of a matrix", "X:(m,n); grad norm2(X) wrt X", "X/norm2(X)"),
    row("norm, entrywise", "x:(n); grad norm1(x) wrt x", "sign(x)"),
    row("norm of a residual", LINEAR + "grad norm2(A*x - b) wrt x", "A'*(A*x - b)/norm2(A*x - b)"),
    row(
        "norm of a residual, entrywise",
        LINEAR + "grad norm1(A*x - b) wrt x, b",
        "A'*sign(A*x - b)",
        "-sign(A*x - b)",
    ),
    row(
        "x/|x|",
        "x:(n); a:(n); grad a'*x/norm2(x) wrt x, a",
        "a/norm2(x) - (a'*x)*x/norm2(x)^3",
        "x/norm2(x)",
    ),
    row(
        "x/|x|, a root",
        "x:(n); a:(n); grad a'*(x/sqrt(x'*x)) wrt x",
        "a/norm2(x) - (a'*x)*x/norm2(x)^3",
    ),
    row("x/|x|, entrywise", "x:(n); a:(n); grad sum(a .* x ./ abs(x)) wrt x, a", "0*x", "sign(x)"),
    row(
        "cosine similarity",
        "x:(n); y:(n); grad x'*y/(norm2(x)*norm2(y)) wrt x",
        "y/(norm2(x)*norm2(y)) - (x'*y)*x/(norm2(x)^3*norm2(y))",
    ),
    # Least squares.
    row("least squares", LINEAR + "grad norm2(A*x - b)^2/2 wrt x", "A'*(A*x - b)"),
    row(
        "least squares, a product",
        LINEAR + "grad (A*x - b)'*(A*x - b) wrt x, A, b",
        "2*A'*(A*x - b)",
        "2*(A*x - b)*x'",
        "2*(b - A*x)",
    ),
    row(
        "least squares, matrices",
        "X:(N,d); W:(d,k); Y:(N,k); grad norm2(X*W - Y)^2/2 wrt W",
        "X'*(X*W - Y)",
    ),
    row(
        "least squares, weighted",
        LINEAR + "c:(m) positive; grad sum(c .* (A*x - b).^2)/2 wrt x",
        "A'*(c .* (A*x - b))",
    ),
    row(
        "matrix factorisation",
        "T:(m,n); U:(m,k); V:(n,k); grad norm2(T - U*V')^2/2 wrt U, V",
        "(U*V' - T)*V",
        "(U*V' - T)'*U",
    ),
    row(
        "ridge",
        LINEAR + "lambda:(); grad norm2(A*x - b)^2 + lambda*norm2(x)^2 wrt x, lambda",
        "2*A'*(A*x - b) + 2*lambda*x",
        "norm2(x)^2",
    ),
    row(
        "ridge, products",
        LINEAR + "lambda:(); grad (A*x - b)'*(A*x - b) + lambda*x'*x wrt x",
        "2*A'*(A*x - b) + 2*lambda*x",
    ),
    row("variance", "x:(n); grad mean((x - mean(x)).^2) wrt x", "2*(x - mean(x))/n"),
    # Logistic loss.
    row(
        "logistic, signs",
        LOGISTIC + "grad sum(log(1 + exp(-y .* (X*w)))) wrt w",
        "-X'*(y .* sigmoid(-y .* (X*w)))",
    ),
    row(
        "logistic, signs, softplus",
        LOGISTIC + "grad sum(softplus(-y .* (X*w))) wrt w",
        "-X'*(y .* sigmoid(-y .* (X*w)))",
    ),
    row(
        "logistic, labels",
        LOGISTIC + "grad -sum(y .* log(sigmoid(X*w)) + (1 - y) .* log(1 - sigmoid(X*w))) wrt w",
        "X'*(sigmoid(X*w) - y)",
    ),
    row(
        "logistic, labels, log(1 + exp)",
        LOGISTIC + "grad sum(log(1 + exp(X*w))) - y'*X*w wrt w",
        "X'*(sigmoid(X*w) - y)",
    ),
    row(
        "hinge loss",
        LOGISTIC + "grad sum(max(0, 1 - y .* (X*w))) wrt w",
        "-X'*(y .* where(y .* (X*w) < 1, 1, 0))",
    ),
    # Determinants, inverses, traces.
    row("log det", "X:(n,n); grad logdet(X) wrt X", "inv(X)'"),
    row("log det, spelled out", "X:(n,n); grad log(det(X)) wrt X", "inv(X)'"),
    row(
        "log det, shifted",
        "X:(m,n); lambda:() positive; grad logdet(X'*X + lambda*I(n)) wrt X",
        "2*X*inv(X'*X + lambda*I(n))",
    ),
    row("determinant", "X:(n,n); grad det(X) wrt X", "det(X)*inv(X)'"),
    row("inverse", "X:(n,n); a:(n); b:(n); grad a'*inv(X)*b wrt X", "-inv(X)'*a*b'*inv(X)'"),
    row(
        "trace of a product",
        "A:(m,n); X:(n,k); B:(k,m); grad tr(A*X*B) wrt X, A",
        "A'*B'",
        "B'*X'",
    ),
    row(
        "trace of a quadratic form",
        "A:(m,m); X:(m,n); grad tr(X'*A*X) wrt X, A",
        "(A + A')*X",
        "X*X'",
    ),
    row(
        "trace of a Kronecker product",
        "A:(m,m); S:(n,n); grad tr(kron(A,S)) wrt S, A",
        "tr(A)*I(n)",
        "tr(S)*I(m)",
    ),
    row("trace of a square", "X:(n,n); grad tr(X^2) wrt X", "2*X'"),
    row("trace of a cube", "X:(n,n); grad tr(X^3) wrt X", "3*(X^2)'"),
    row("trace of a cube, symmetric", "X:(n,n) symmetric; grad tr(X^3) wrt X", "3*X^2"),
    row("trace of an inverse", "X:(n,n); grad tr(inv(X)) wrt X", "-(inv(X)^2)'"),
    row("trace of a Gram matrix squared", "X:(m,n); grad tr((X'*X)^2) wrt X", "4*X*X'*X"),
    row("exp of a trace", "S:(n,n); grad exp(tr(S)) wrt S", "exp(tr(S))*I(n)"),
    row(
        "exp of a quadratic form",
        "x:(n); A:(n,n); grad exp(x'*A*x) wrt x, A",
        "exp(x'*A*x)*(A + A')*x",
        "exp(x'*A*x)*x*x'",
    ),
    row(
        "log det and quadratic form",
        "S:(n,n) symmetric; x:(n); grad logdet(S) + x'*inv(S)*x wrt S, x",
        "inv(S) - inv(S)*x*x'*inv(S)",
        "2*inv(S)*x",
    ),
    row(
        "log det and quadratic form, no fact",
        "S:(n,n); x:(n); grad logdet(S) + x'*inv(S)*x wrt S, x",
        "inv(S)' - inv(S)'*x*x'*inv(S)'",
        "(inv(S) + inv(S)')*x",
    ),
    # Softmax, logsumexp.
    row(
        "softmax",
        "z:(n); a:(n); grad a'*softmax(z) wrt z",
        "p .* (a - a'*p)",
        p="softmax(z)",
    ),
    row(
        "softmax, spelled out",
        "z:(n); a:(n); grad a'*(exp(z)/sum(exp(z))) wrt z",
        "p .* (a - a'*p)",
        p="softmax(z)",
    ),
    row(
        "softmax, spelled out without brackets",
        "z:(n); a:(n); grad a'*exp(z)/sum(exp(z)) wrt z",
        "p .* (a - a'*p)",
        p="softmax(z)",
    ),
    row(
        "softmax, cross-entropy",
        "z:(n); y:(n) onehot; grad -y'*log(softmax(z)) wrt z",
        "softmax(z) - y",
    ),
    row(
        "softmax regression",
        "X:(N,d); W:(d,k); Y:(N,k) probability; grad cross_entropy(rowsoftmax(X*W), Y) wrt W",
        "X'*(rowsoftmax(X*W) - Y)",
    ),
    row("logsumexp", LINEAR + "grad logsumexp(A*x + b) wrt x", "A'*softmax(A*x + b)"),
    row(
        "logsumexp, spelled out",
        LINEAR + "grad log(sum(exp(A*x + b))) wrt x, A",
        "A'*softmax(A*x + b)",
        "softmax(A*x + b)*x'",
    ),
    # Entrywise.
    row("entropy", "x:(n) positive; grad -sum(x .* log(x)) wrt x", "-log(x) - 1"),
    row(
        "Poisson regression",
        LOGISTIC + "grad sum(exp(X*w) - y .* (X*w)) wrt w",
        "X'*(exp(X*w) - y)",
    ),
    row(
        "divergence", "p:(n) positive; q:(n) positive; grad sum(p .* log(p ./ q)) wrt q", "-p ./ q"
    ),
    row(
        "layers",
        "V:(k,m); A:(m,n); x:(n); y:(k); grad norm2(V*tanh(A*x) - y)^2/2 wrt V, A",
        "(V*h - y)*h'",
        "((V'*(V*h - y)) .* (1 - h.^2))*x'",
        h="tanh(A*x)",
    ),
    row(
        "one layer",
        "A:(m,n); x:(n); y:(m); grad y'*tanh(A*x) wrt x, A",
        "A'*(y .* (1 - tanh(A*x).^2))",
        "(y .* (1 - tanh(A*x).^2))*x'",
    ),
    row(
        "Gaussian kernel",
        "x:(n); y:(n); s:() positive; grad exp(-norm2(x - y)^2/(2*s^2)) wrt x",
        "exp(-norm2(x - y)^2/(2*s^2))*(y - x)/s^2",
    ),
)

LONGER: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {}
"""Row and variable whose answer is longer: what is printed, and what its names mean."""

TOLERANCE: Final = 1e-9
OTHER_SIZES: Final[Sequence[Mapping[str, int]]] = tuple(
    {**sizes, "d": sizes["l"]} for sizes in SIZES
)


def task_of(problem: str, **definitions: str) -> Task:
    """The problem as the oracle reads it, with more definitions."""
    lines = [re.sub(r"^(\w+):", r"\1 : ", line) for line in problem.split("\n")]
    written = [f"{name} = {text}" for name, text in definitions.items()]
    return read("\n".join([*lines[:-1], *written, lines[-1]]))


def answers(line: Row, derivation: Derivation) -> dict[str, dict[str, str]]:
    """What is printed and what a person writes, by variable, all names written out."""
    got: dict[str, str] = {}
    for result in derivation.results:
        text, names = printed(result, derivation)
        for name, meaning in reversed(names.items()):
            text = substituted(text, {name: meaning})
        got[result.wrt] = text
    expected = {wrt: substituted(line.answers[wrt], line.names) for wrt in line.answers}
    return {"printed": got, "written": expected}


def close(found: Any, expected: Any) -> bool:
    """Whether two arrays agree; a smaller one may stand for equal entries."""
    off = np.abs(np.broadcast_to(found, expected.shape) - expected)
    return bool(np.max(off) <= TOLERANCE * max(1.0, np.max(np.abs(expected))))


@pytest.mark.oracle
@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_value(line: Row, seed: int) -> None:
    derivation = derive(parse(line.problem))
    assert [result.wrt for result in derivation.results] == list(line.answers)
    for kind, texts in answers(line, derivation).items():
        names = {wrt: f"answer_{wrt}" for wrt in texts}
        task = task_of(line.problem, **{names[wrt]: text for wrt, text in texts.items()})
        for sizes in OTHER_SIZES:
            values = point(task, sizes, np.random.default_rng((seed, *sizes.values())))
            expected = reference(task, task.requests[0], values, sizes)
            nodes = dict(task.definitions)
            for wrt, gradient in expected.derivatives.items():
                found = Evaluation(values, sizes).value(nodes[names[wrt]])
                assert close(found, gradient), f"{kind}, {sizes}\n{table(line, derivation)}"


@pytest.mark.oracle
@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_the_generated_module(line: Row, seed: int) -> None:
    outcome = compare(task_of(line.problem), seed, OTHER_SIZES)
    assert outcome.kind == "right", f"{outcome.reason}\n{line.problem}"


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_form(line: Row) -> None:
    derivation = derive(parse(line.problem))
    for result in derivation.results:
        got = explained(result, derivation)
        allowed = tokens(substituted(line.answers[result.wrt], line.names))
        found = excess(symbols(result, derivation), allowed)
        longer = LONGER.get((line.number, result.wrt))
        if longer is None:
            assert not found, f"{found}\n{table(line, derivation)}"
        else:
            assert got == longer, table(line, derivation)
            assert found, f"no longer any more\n{table(line, derivation)}"


def test_there_are_enough_of_them() -> None:
    """Further spellings and facts of a problem, after a comma in its name, do not count."""
    assert len({line.number.split(",")[0] for line in ROWS}) >= FEWEST
    assert len({line.number for line in ROWS}) == len(ROWS)
    assert set(LONGER) <= {(line.number, wrt) for line in ROWS for wrt in line.answers}


def test_every_size_is_symbolic() -> None:
    shapes = re.findall(r":\((.*?)\)", " ".join(line.problem for line in ROWS))
    assert shapes
    assert not [shape for shape in shapes if re.search(r"\d", shape)]


def test_a_wrong_answer_is_found() -> None:
    assert close(np.ones((1, 1)), np.ones((2, 1)))
    assert not close(np.array([[1.0], [1.0 + 1e-8]]), np.ones((2, 1)))
