"""Gradients of scalars that people know by heart, by value and by form.

Each row holds a problem, and the answer as a person writes it. By value: the judge compares what is
derived, and the answer, with differences, sizes of 1 included. By form: what is derived has at most
as many symbols and operators, and no transpose, inverse, ``diag`` or ``ones`` more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Result
from derive.emit.claims import auxiliary, claims
from derive.emit.text import LANGUAGE, text
from derive.language import parse, parse_expression
from derive.notation.answers import closed_form, explained, explanation
from derive.problem import Problem
from derive.verify import Claim, judge


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        number: What the row is called.
        problem: In the language; the request comes last.
        answers: The gradient with respect to each variable that is asked about.
        names: What short names in the answers stand for. What is derived may use names of its
            own in their place; where it uses none, the answers are counted without names.
    """

    number: str
    problem: str
    answers: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)


def row(number: str, problem: str, *answers: str, **names: str) -> Row:
    lines = [line.strip() for line in problem.split(";")]
    wrt = [name.strip() for name in lines[-1].split(" wrt ")[1].split(",")]
    return Row(number, "\n".join(lines), dict(zip(wrt, answers, strict=True)), names)


NET = (
    "x:(d); y:(k) probability; W1:(h,d); b1:(h); W2:(k,h); b2:(k); z1 = W1*x + b1;"
    "a1 = relu(z1); z2 = W2*a1 + b2; p = softmax(z2); J = cross_entropy(p, y);"
)
NEURON = "X:(N,d); y:(N); w:(d); b:();"

ROWS: Final[Sequence[Row]] = (
    # Traces, products, quadratic forms.
    row("1", "A:(m,n); X:(n,m); grad tr(A*X) wrt X", "A'"),
    row("2", "A:(m,n); X:(m,n); grad tr(X'*A) wrt X", "A"),
    row("3", "A:(k,m); X:(m,n); B:(n,k); grad tr(A*X*B) wrt X", "A'*B'"),
    row("4", "A:(m,m); X:(m,n); grad tr(X'*A*X) wrt X", "(A + A')*X"),
    row("5", "A:(m,m) symmetric; X:(m,n); grad tr(X'*A*X) wrt X", "2*A*X"),
    row("6", "A:(m,m); X:(m,n); B:(n,n); grad tr(A*X*B*X') wrt X", "A'*X*B' + A*X*B"),
    row(
        "6, A and B symmetric",
        "A:(m,m) symmetric; X:(m,n); B:(n,n) symmetric; grad tr(A*X*B*X') wrt X",
        "2*A*X*B",
    ),
    row(
        "7",
        "A:(k,n); B:(m,m); X:(m,n); C:(n,k); grad tr(A*X'*B*X*C) wrt X",
        "B'*X*A'*C' + B*X*C*A",
    ),
    row("8", "X:(n,n); grad tr(X^3) wrt X", "3*(X^2)'"),
    row("8, X symmetric", "X:(n,n) symmetric; grad tr(X^3) wrt X", "3*X^2"),
    row("9", "A:(n,n); x:(n); grad x'*A*x wrt x", "(A + A')*x"),
    row("10", "A:(n,n) symmetric; x:(n); grad x'*A*x wrt x", "2*A*x"),
    row("11", "A:(m,n); x:(m); y:(n); grad x'*A*y wrt A", "x*y'"),
    row("12", "X:(m,n); a:(n); b:(n); grad a'*X'*X*b wrt X", "X*(a*b' + b*a')"),
    row("13", "x:(n); grad (x'*x)^3 wrt x", "6*(x'*x)^2*x"),
    row("14", "A:(n,n) symmetric; x:(n); grad exp(x'*A*x) wrt x", "2*exp(x'*A*x)*A*x"),
    # Norms, least squares.
    row("15", "A:(m,n); x:(n); b:(m); grad norm2(A*x - b)^2 wrt x", "2*A'*(A*x - b)"),
    row(
        "16",
        "A:(m,n); x:(n); b:(m); grad norm2(A*x - b) wrt x",
        "A'*(A*x - b)/norm2(A*x - b)",
    ),
    row("17", "A:(m,n); x:(n); b:(m); grad norm1(A*x - b) wrt x", "A'*sign(A*x - b)"),
    row(
        "18",
        "X:(N,d); W:(d,k); Y:(N,k); grad norm2(X*W - Y)^2 wrt W",
        "2*X'*(X*W - Y)",
    ),
    row(
        "19",
        "X:(N,d); w:(d); y:(N); lambda:(); grad norm2(X*w - y)^2 + lambda*norm2(w)^2 wrt w",
        "2*X'*(X*w - y) + 2*lambda*w",
    ),
    row(
        "20, 21",
        "T:(m,n); U:(m,k); V:(n,k); grad norm2(T - U*V')^2 wrt U, V",
        "2*(U*V' - T)*V",
        "2*(U*V' - T)'*U",
    ),
    row(
        "22",
        "M:(m,n); T:(m,n); U:(m,k); V:(n,k); grad norm2(M .* (T - U*V'))^2 wrt U",
        "2*(M .* M .* (U*V' - T))*V",
    ),
    # Inverse, determinant.
    row("24", "X:(n,n); grad det(X) wrt X", "det(X)*inv(X)'"),
    row("25", "X:(n,n); grad logdet(X) wrt X", "inv(X)'"),
    row("26", "X:(n,n) symmetric; grad logdet(X) wrt X", "inv(X)"),
    row("26, X positive definite", "X:(n,n) positive_definite; grad logdet(X) wrt X", "inv(X)"),
    row("27", "X:(n,n); a:(n); b:(n); grad a'*inv(X)*b wrt X", "-inv(X)'*a*b'*inv(X)'"),
    row(
        "28",
        "A:(m,n); X:(n,n); B:(n,m); grad tr(A*inv(X)*B) wrt X",
        "-(inv(X)*B*A*inv(X))'",
    ),
    row(
        "29",
        "A:(n,n) symmetric; X:(n,k); grad logdet(X'*A*X) wrt X",
        "2*A*X*inv(X'*A*X)",
    ),
    row(
        "30, 31",
        "S:(n,n) symmetric; x:(n); mu:(n);grad (logdet(S) + (x-mu)'*inv(S)*(x-mu))/2 wrt mu, S",
        "inv(S)*(mu - x)",
        "(inv(S) - inv(S)*(x-mu)*(x-mu)'*inv(S))/2",
    ),
    row(
        "32",
        "P:(n,n) symmetric; C:(n,n) symmetric; grad logdet(P) - tr(P*C) wrt P",
        "inv(P) - C",
    ),
    # Entrywise operations, sums, broadcasting.
    row("44", "w:(d); x:(d); b:(); grad max(0, w'*x + b) wrt w", "where(w'*x + b > 0, 1, 0)*x"),
    row(
        "45, 46",
        NEURON + "grad sum((y - max(0, X*w + b)).^2)/N wrt w, b",
        "(2/N)*X'*((max(0, z) - y) .* where(z > 0, 1, 0))",
        "(2/N)*sum((max(0, z) - y) .* where(z > 0, 1, 0))",
        z="X*w + b",
    ),
    row(
        "45, 46, named",
        NEURON + "z = X*w + b; a = max(0, z); J = sum((y - a).^2)/N; grad J wrt w, b",
        "(2/N)*X'*((a - y) .* where(z > 0, 1, 0))",
        "(2/N)*sum((a - y) .* where(z > 0, 1, 0))",
    ),
    row("47", "X:(n,k); W:(k,d); b:(d); grad sum(X*W + ones(n)*b') wrt b", "n*ones(d)"),
    row("47, broadcast", "X:(n,k); W:(k,d); b:(d); grad sum(X*W + b') wrt b", "n*ones(d)"),
    row(
        "48",
        "A:(m,n); x:(n); grad sum(sigmoid(A*x)) wrt x",
        "A'*(s .* (1 - s))",
        s="sigmoid(A*x)",
    ),
    row("49", "X:(m,n); W:(n,k); grad sum(tanh(X*W)) wrt W", "X'*(1 - tanh(X*W).^2)"),
    # Classification and networks.
    row("51", "z:(n); grad logsumexp(z) wrt z", "softmax(z)"),
    row("51, spelled out", "z:(n); grad log(sum(exp(z))) wrt z", "softmax(z)"),
    row(
        "52",
        "z:(n); y:(n) probability; grad cross_entropy(softmax(z), y) wrt z",
        "p - y",
        p="softmax(z)",
    ),
    row(
        "52, spelled out",
        "z:(n); y:(n) probability; grad -sum(y .* log(exp(z)/sum(exp(z)))) wrt z",
        "p - y",
        p="softmax(z)",
    ),
    row(
        "52, y onehot",
        "z:(n); y:(n) onehot; p = softmax(z); J = cross_entropy(p, y); grad J wrt z",
        "p - y",
    ),
    row(
        "53",
        "z:(n); y:(n); grad cross_entropy(softmax(z), y) wrt z",
        "sum(y)*p - y",
        p="softmax(z)",
    ),
    row("54", "z:(); y:(); grad bce_with_logits(z, y) wrt z", "sigmoid(z) - y"),
    row(
        "55",
        "X:(N,d); w:(d); y:(N); grad sum(log(1 + exp(-y .* (X*w)))) wrt w",
        "-X'*(y .* sigmoid(-y .* (X*w)))",
    ),
    row(
        "57",
        NET + "grad J wrt z2, W2, b2, a1, z1, W1, b1",
        "p - y",
        "(p - y)*a1'",
        "p - y",
        "W2'*(p - y)",
        "(W2'*(p - y)) .* where(z1 > 0, 1, 0)",
        "((W2'*(p - y)) .* where(z1 > 0, 1, 0))*x'",
        "(W2'*(p - y)) .* where(z1 > 0, 1, 0)",
    ),
    row("58", "z:(n); y:(n); a = z; J = norm2(a - y)^2/2; grad J wrt z", "a - y"),
    row(
        "59",
        "z:(); y:(); a = sigmoid(z); J = -(y*log(a) + (1-y)*log(1-a)); grad J wrt z",
        "a - y",
    ),
    row(
        "59, a batch",
        "z:(n); y:(n); a = sigmoid(z); J = bce(a, y); grad J wrt z",
        "(a - y)/n",
    ),
    row(
        "60",
        "X:(N,d); W:(d,k); Y:(N,k) probability; grad -sum(Y .* rowlog_softmax(X*W)) wrt W",
        "X'*(P - Y)",
        P="rowsoftmax(X*W)",
    ),
    row(
        "61",
        "W2:(k,h); W1:(h,d); x:(d); y:(k); grad norm2(W2*tanh(W1*x) - y)^2/2 wrt W1",
        "((W2'*(W2*h - y)) .* (1 - h.^2))*x'",
        h="tanh(W1*x)",
    ),
    row(
        "61, named",
        "W2:(k,h); W1:(h,d); x:(d); y:(k); a = tanh(W1*x); r = W2*a - y; J = norm2(r)^2/2;"
        "grad J wrt W1",
        "((W2'*r) .* (1 - a.^2))*x'",
    ),
)

TOKEN: Final = re.compile(r"\.\*|\./|\.\^|[A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/^'<>]")
COSTLY: Final = ("'", "inv", "diag", "ones")


def tokens(written: str) -> list[str]:
    """Symbols and operators; an indicator is its condition, and brackets are free."""
    plain = re.sub(r"where\((.*?), 1, 0\)", r"(\1)", written)
    return TOKEN.findall(plain)


def substituted(answer: str, names: Mapping[str, str]) -> str:
    for name, meaning in names.items():
        answer = re.sub(rf"\b{name}\b", f"({meaning})", answer)
    return answer


def asked(line: Row) -> tuple[Problem, Derivation]:
    problem = parse(line.problem)
    return problem, derive(problem)


def printed(result: Result, derivation: Derivation) -> tuple[str, dict[str, str]]:
    """What is derived, in the language, and what the names in it stand for."""
    left = explained(result, derivation)
    names = {name.name: text(explanation(name, derivation), LANGUAGE) for name in left}
    return text(closed_form(result, derivation), LANGUAGE), names


def table(line: Row, derivation: Derivation) -> str:
    """Got beside expected, for the message of a failure."""
    lines = [f"row {line.number}", line.problem]
    for result in derivation.results:
        got, names = printed(result, derivation)
        standing = "".join(f", {name} = {meaning}" for name, meaning in names.items())
        lines.append(f"  {result.wrt:>4}  got       {got}{standing}")
        lines.append(f"        expected  {line.answers[result.wrt]}")
    return "\n".join(lines)


def identify(line: Row) -> str:
    return line.number


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_value(line: Row, seed: int) -> None:
    problem, derivation = asked(line)
    expected = [
        Claim(
            result.of,
            result.wrt,
            f"answer_{result.wrt}",
            (parse_expression(substituted(line.answers[result.wrt], line.names), problem),),
            f"the answer for {result.wrt}",
            "gradient",
        )
        for result in derivation.results
    ]
    derived = claims(derivation)
    assert len([claim for claim in derived if claim.kind == "gradient"]) == len(line.answers)
    report = judge(problem, [*derived, *expected], auxiliary=auxiliary(derivation), seed=seed)
    assert report.passed, f"{table(line, derivation)}\n{report}"
    assert problem.sizes == () or any(set(sizes.values()) == {1} for sizes in report.sizes)


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_form(line: Row) -> None:
    _, derivation = asked(line)
    assert [result.wrt for result in derivation.results] == list(line.answers)
    for result in derivation.results:
        got, names = printed(result, derivation)
        answer = line.answers[result.wrt]
        if not names:
            answer = substituted(answer, line.names)
        else:
            assert line.names, f"names are used\n{table(line, derivation)}"
        have, allowed = tokens(got), tokens(answer)
        short = len(have) <= len(allowed)
        assert short, f"{len(have)} symbols, not {len(allowed)}\n{table(line, derivation)}"
        for costly in COSTLY:
            fine = have.count(costly) <= allowed.count(costly)
            assert fine, f"too many {costly}\n{table(line, derivation)}"


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_what_is_printed_reads_back_as_the_same(line: Row, seed: int) -> None:
    """The closed form in the problem language, claimed again."""
    problem, derivation = asked(line)
    claimed = []
    for result in derivation.results:
        got, names = printed(result, derivation)
        for name, meaning in reversed(names.items()):
            got = re.sub(rf"\b{name}\b", f"({meaning})", got)
        claimed.append(
            Claim(
                result.of, result.wrt, f"again_{result.wrt}", (parse_expression(got, problem),), got
            )
        )
    report = judge(problem, claimed, seed=seed, points=3)
    assert report.passed, f"{table(line, derivation)}\n{report}"


def test_the_count_of_symbols() -> None:
    assert len(tokens("2*A'*(A*x - b)")) == 10
    assert len(tokens("where(z > 0, 1, 0) .* x")) == 5
    assert tokens("-inv(X)'")[:2] == ["-", "inv"]


def test_no_row_is_missing() -> None:
    numbers = {
        int(number) for line in ROWS for number in re.findall(r"\d+", line.number.split(", ")[0])
    }
    numbers |= {21, 31, 46}
    wanted = {*range(1, 23), *range(24, 33), *range(44, 50), *range(51, 56), *range(57, 62)}
    assert wanted <= numbers
