"""Problems on which other programs are known to fail.

Two sources: SymPy's issues about derivatives of matrix expressions, by number; the nine examples
of matrixcalculus.org, as they are written there. Each row holds a problem with symbolic sizes and
the answer as a person writes it. By value: the judge compares both with differences, sizes of 1
included. By form: what is printed has at most as many symbols and operators, and no transpose,
inverse, ``diag`` or ``ones`` more, its names explained or written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from derive.calculus.chain_rule import derive
from derive.emit.claims import auxiliary, claimed, claims, weighted_problem
from derive.language import parse, parse_expression
from derive.verify import Claim, judge
from tests.test_closed_forms import COSTLY, Row, identify, row, substituted, table, tokens
from tests.test_cookbook import statements, symbols

LOGISTIC: Final = "X:(N,d); w:(d); y:(N);"

SYMPY: Final[Sequence[Row]] = (
    row("15136", "X:(k,k); B:(k,k); grad tr(X^2*B) wrt X", "(X*B + B*X)'"),
    row("15614, linear", "X:(n,n); A:(n,n); grad tr(X*A) wrt X", "A'"),
    row("15614, quadratic", "X:(n,n); A:(n,n); grad tr(X'*A*X) wrt X", "(A + A')*X"),
    # The issues 15667, 21062 and 23364 ask for Jacobians; these are scalars made of them.
    row("15667, summed", "A:(n,n); grad tr(tr(A)*A) wrt A", "2*tr(A)*I(n)"),
    row("21062, summed", "x:(n); M:(m,n); grad sum(exp(M*x)) wrt x", "M'*exp(M*x)"),
    row("23364, trace", "Q:(n,n); q:(); grad tr((q*Q)*(q*Q)) wrt q", "2*q*tr(Q^2)"),
    row("23492", "A:(n,n); grad tr(A) + tr(A^2) wrt A", "I(n) + 2*A'"),
    row("23492, eye added", "A:(n,n); grad tr(A + eye) wrt A", "I(n)"),
    row("23492, eye multiplied", "A:(n,n); grad tr(A*eye) wrt A", "I(n)"),
    row(
        "24725",
        "x:(N); m:(); grad tr((x - m*ones(N))'*(x - m*ones(N))) wrt m",
        "2*sum(m - x)",
    ),
    row(
        "24725, a scalar added",
        "x:(D); w:(D); b:(); grad tr(x'*w) + b wrt w, b",
        "x",
        "1",
    ),
    row("17229", "M:(3,3); grad M[1,1] wrt M", "I(3)[:,1]*I(3)[:,1]'"),
    row("24859", "A:(3,3); B:(3,3); x:(); grad (A + x*B)[0,0] wrt x", "B[0,0]"),
    row("24859, trace", "A:(n,n); B:(n,n); x:(); grad tr(A + x*B) wrt x", "tr(B)"),
    row("25118", "F:(n,n); grad tr(F'*F) - 3 wrt F", "2*F"),
    row("26561", "E:(n,n); grad tr(E)^2 + 1 wrt E", "2*tr(E)*I(n)"),
    row("26561, shorter", "E:(n,n); grad tr(E) + 1 wrt E", "I(n)"),
    row("27406", "A:(m,n); B:(m,n); grad tr(A'*A) + tr(B'*B) wrt A, B", "2*A", "2*B"),
    row("28618", "A:(n,n); grad log(det(A)) wrt A", "inv(A)'"),
    row("28838, a factor", "X:(n,n); k:(); grad k*det(X) wrt X", "k*det(X)*inv(X)'"),
    row("28838, a reciprocal", "X:(n,n); grad 1/det(X) wrt X", "-inv(X)'/det(X)"),
    row("28838, a summand", "X:(n,n); k:(); grad k + det(X) wrt X", "det(X)*inv(X)'"),
    # Neighbours of these, met while looking them up.
    row(
        "26585",
        "A:(n,m); U:(n,k); V:(k,m); grad 0.5*norm2(A - U*V)^2 + 0.5*norm2(U)^2 wrt U",
        "(U*V - A)*V' + U",
    ),
    row("28615", "A:(n,n); grad sqrt(tr(A'*A)) wrt A", "A/norm2(A)"),
    row("30527", "A:(n,n); grad tr(I(n) - A)^2 wrt A", "-2*tr(I(n) - A)*I(n)"),
)

SYMPY_SECOND: Final[Mapping[str, tuple[str, str]]] = {
    "15614": ("A:(n,n); jacobian A wrt A", "I(n*n)"),
    "15667": ("A:(n,n); jacobian tr(A)*A wrt A", "tr(A)*I(n*n) + vec(A)*vec(I(n))'"),
    "21062": ("x:(n); M:(m,n); jacobian exp(M*x) wrt x", "diag(exp(M*x))*M"),
    "23364": ("Q:(n,n); q:(); jacobian (q*Q)*(q*Q) wrt q", "2*q*vec(Q*Q)"),
    "23492": ("A:(n,n); jacobian A + eye wrt A", "I(n*n)"),
}
"""Issues, or parts of them, about Jacobians."""

SYMPY_LEFT_OUT: Final[Mapping[str, str]] = {
    "21347": "text not at hand",
    "24021": "text not at hand",
}

SYMPY_ISSUES: Final = frozenset(
    "15136 15614 15667 17229 23364 23492 24021 24725 24859 25118 26561 27406 28618 28838 21062 "
    "21347".split()
)

MATRIXCALCULUS: Final[Sequence[Row]] = (
    row("0.5*x'*A*x", "x:(n); A:(n,n); grad 0.5*x'*A*x wrt x", "0.5*(A + A')*x"),
    row(
        "0.5*x'*A*x, A symmetric",
        "x:(n); A:(n,n) symmetric; grad 0.5*x'*A*x wrt x, A",
        "A*x",
        "0.5*x*x'",
    ),
    row(
        "(y.*v)'*x",
        "y:(n); v:(n); x:(n); grad (y.*v)'*x wrt x, y, v",
        "y .* v",
        "v .* x",
        "y .* x",
    ),
    row("a^b", "a:() positive; b:(); grad a^b wrt a, b", "b*a^(b - 1)", "log(a)*a^b"),
    row(
        "norm1(A*x-y)",
        "A:(m,n); x:(n); y:(m); grad norm1(A*x-y) wrt x, A, y",
        "A'*sign(A*x - y)",
        "sign(A*x - y)*x'",
        "-sign(A*x - y)",
    ),
    row(
        "norm2(A*x-y)^2",
        "A:(m,n); x:(n); y:(m); grad norm2(A*x-y)^2 wrt x, A, y",
        "2*A'*(A*x - y)",
        "2*(A*x - y)*x'",
        "2*(y - A*x)",
    ),
    row(
        "sum(log(exp(-y.*(X*w)) + vector(1)))",
        LOGISTIC + "grad sum(log(exp(-y.*(X*w)) + vector(1))) wrt w, X",
        "-X'*(y .* sigmoid(-y .* (X*w)))",
        "-(y .* sigmoid(-y .* (X*w)))*w'",
    ),
    row(
        "tr(A*X'*B*X*C)",
        "A:(k,n); B:(m,m); C:(n,k); X:(m,n); grad tr(A*X'*B*X*C) wrt X, A, B, C",
        "B'*X*A'*C' + B*X*C*A",
        "C'*X'*B'*X",
        "X*A'*C'*X'",
        "X'*B'*X*A'",
    ),
    row("log(det(inv(X)))", "X:(n,n); grad log(det(inv(X))) wrt X", "-inv(X)'"),
    row(
        "log(det(inv(X))), X symmetric",
        "X:(n,n) symmetric; grad log(det(inv(X))) wrt X",
        "-inv(X)",
    ),
    # Its constants, with sizes from the places where they stand.
    row("vector(c)", "x:(n); grad norm2(x - vector(2))^2 wrt x", "2*(x - 2)"),
    row("vector(c), c a name", "x:(n); c:(); grad norm2(x - vector(c))^2 wrt c", "2*sum(c - x)"),
    row("matrix(c)", "A:(m,n); grad norm2(A + matrix(1))^2 wrt A", "2*(A + 1)"),
    row("eye", "A:(n,n); grad norm2(A - eye)^2 wrt A", "2*(A - I(n))"),
)

MATRIXCALCULUS_SECOND: Final[Mapping[str, tuple[str, str]]] = {
    "A*exp(x)": ("A:(m,n); x:(n); jacobian A*exp(x) wrt x", "A*diag(exp(x))"),
}

ROWS: Final = (*SYMPY, *MATRIXCALCULUS)
SECOND: Final = {**SYMPY_SECOND, **MATRIXCALCULUS_SECOND}


def excess(have: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """In what the symbols of an answer are more than allowed."""
    found = [f"{len(have)} symbols, not {len(allowed)}"] if len(have) > len(allowed) else []
    return found + [
        f"too many {costly}" for costly in COSTLY if have.count(costly) > allowed.count(costly)
    ]


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_value(line: Row, seed: int) -> None:
    problem = parse(line.problem)
    derivation = derive(problem)
    assert [result.wrt for result in derivation.results] == list(line.answers)
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
    report = judge(
        problem, [*claims(derivation), *expected], auxiliary=auxiliary(derivation), seed=seed
    )
    assert report.passed, f"{table(line, derivation)}\n{report}"
    assert problem.sizes == () or any(set(sizes.values()) == {1} for sizes in report.sizes)


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_form(line: Row) -> None:
    derivation = derive(parse(line.problem))
    for result in derivation.results:
        allowed = tokens(substituted(line.answers[result.wrt], line.names))
        found = excess(symbols(result, derivation), allowed)
        assert not found, f"{found}\n{table(line, derivation)}"


@pytest.mark.parametrize("name", SECOND)
def test_jacobians(name: str, seed: int) -> None:
    problem, answer = SECOND[name]
    derivation = derive(parse(statements(problem)))
    (result,) = derivation.results
    claim = claimed(derivation, result, parse_expression(answer, derivation.problem))
    report = judge(
        weighted_problem(derivation),
        [*claims(derivation), claim],
        auxiliary=auxiliary(derivation),
        seed=seed,
    )
    assert report.passed, str(report)


def test_no_source_is_missing() -> None:
    """Every issue and every example is tested, or left out for a reason."""
    numbers = {number for line in SYMPY for number in re.findall(r"^\d+", line.number)}
    assert numbers | set(SYMPY_SECOND) | set(SYMPY_LEFT_OUT) >= SYMPY_ISSUES
    assert set(SYMPY_LEFT_OUT).isdisjoint(numbers | set(SYMPY_SECOND))
    examples = {line.number for line in MATRIXCALCULUS} | set(MATRIXCALCULUS_SECOND)
    assert examples >= {
        "0.5*x'*A*x",
        "A*exp(x)",
        "(y.*v)'*x",
        "a^b",
        "norm1(A*x-y)",
        "norm2(A*x-y)^2",
        "sum(log(exp(-y.*(X*w)) + vector(1)))",
        "tr(A*X'*B*X*C)",
        "log(det(inv(X)))",
    }


def test_the_excess() -> None:
    assert excess(tokens("2*det(X)*X'"), tokens("2*X'")) == ["7 symbols, not 4"]
    assert excess(tokens("A''"), tokens("A + A")) == ["too many '"]
    assert not excess(tokens("A*x"), tokens("x'*A'"))
