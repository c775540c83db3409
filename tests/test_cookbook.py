"""The Matrix Cookbook's equations 49 to 140, by number, by value and by length.

[PP12] Petersen and Pedersen, The Matrix Cookbook, version of 15 November 2012. Its pages 10, 11
and 15, equations 60 to 91 and 134 to 140, were at hand; the rest is as commonly quoted.

Each row holds an equation in the problem language, with symbolic sizes and the facts that the book
assumes, and the book's right side. By value: the judge compares what is derived, and the right
side, with differences, sizes of 1 included. By length: what is printed has at most as many symbols
and operators as the right side, names explained or written out, except in ``LONGER``.
A power ``k`` or ``n`` of a matrix is a number here, and the book's sum over it is written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Result
from derive.emit.claims import auxiliary, claimed, claims, weighted_problem
from derive.language import parse, parse_expression
from derive.verify import Claim, judge
from tests.test_closed_forms import Row, identify, printed, row, substituted, table, tokens

NUMBERS: Final = range(49, 141)

SQUARE: Final = "A:(n,n); X:(n,n); B:(n,n);"
WEIGHTED: Final = "x:(m); A:(m,n); s:(n); W:(m,m) symmetric;"

ROWS: Final[Sequence[Row]] = (
    # 2.1 Derivatives of a determinant.
    row("49", "X:(n,n); grad det(X) wrt X", "det(X)*inv(X)'"),
    row("51", SQUARE + "grad det(A*X*B) wrt X", "det(A*X*B)*inv(X)'"),
    row("52", "A:(n,n); X:(n,n); grad det(X'*A*X) wrt X", "2*det(X'*A*X)*inv(X)'"),
    row(
        "53",
        "A:(m,m) symmetric; X:(m,n); grad det(X'*A*X) wrt X",
        "2*det(X'*A*X)*A*X*inv(X'*A*X)",
    ),
    row(
        "54",
        "A:(m,m); X:(m,n); grad det(X'*A*X) wrt X",
        "det(X'*A*X)*(A*X*inv(X'*A*X) + A'*X*inv(X'*A'*X))",
    ),
    # P is the pseudo-inverse of X, of full column rank.
    row("55", "X:(m,n); grad log(det(X'*X)) wrt X", "2*P'", P="inv(X'*X)*X'"),
    # P is the pseudo-inverse of X, and X that of P.
    row("56", "P:(n,m); grad logdet(pinv(P)'*pinv(P)) wrt P", "-2*pinv(P)'"),
    row("57", "X:(n,n); grad log(abs(det(X))) wrt X", "inv(X)'"),
    row("58, k = 2", "X:(n,n); grad det(X^2) wrt X", "2*det(X^2)*inv(X)'"),
    row("58, k = 3", "X:(n,n); grad det(X^3) wrt X", "3*det(X^3)*inv(X)'"),
    # 2.2 Derivatives of an inverse.
    row(
        "59, an entry, Y linear",
        "A:(n,n); B:(n,n); t:(); Y = A + t*B; f = inv(Y)[0,0]; grad f wrt t",
        "-inv(Y)[0,:]*B*inv(Y)[:,0]",
    ),
    row("60, an entry", "X:(n,n); grad inv(X)[0,0] wrt X", "-inv(X)[0,:]'*inv(X)[:,0]'"),
    row("61", "X:(n,n); a:(n); b:(n); grad a'*inv(X)*b wrt X", "-inv(X)'*a*b'*inv(X)'"),
    row("62", "X:(n,n); grad det(inv(X)) wrt X", "-det(inv(X))*inv(X)'"),
    row(
        "63",
        "A:(m,n); X:(n,n); B:(n,m); grad tr(A*inv(X)*B) wrt X",
        "-(inv(X)*B*A*inv(X))'",
    ),
    row(
        "64",
        "A:(n,n); X:(n,n); grad tr(inv(X + A)) wrt X",
        "-(inv(X + A)*inv(X + A))'",
    ),
    # 2.3 Derivatives of eigenvalues: the book writes their sum and product so.
    row("65", "X:(n,n); grad tr(X) wrt X", "I(n)"),
    row("66", "X:(n,n); grad det(X) wrt X", "det(X)*inv(X)'"),
    # 2.4 Derivatives of matrices, vectors and scalar forms.
    row("69, x first", "x:(n); a:(n); grad x'*a wrt x", "a"),
    row("69, a first", "x:(n); a:(n); grad a'*x wrt x", "a"),
    row("70", "X:(m,n); a:(m); b:(n); grad a'*X*b wrt X", "a*b'"),
    row("71", "X:(m,n); a:(n); b:(m); grad a'*X'*b wrt X", "b*a'"),
    row("72", "X:(n,n); a:(n); grad a'*X*a wrt X", "a*a'"),
    row("72, transposed", "X:(n,n); a:(n); grad a'*X'*a wrt X", "a*a'"),
    row("73, an entry", "X:(m,n); grad X[0,-1] wrt X", "I(m)[:,0]*I(n)[:,-1]'"),
    row("74, an entry", "X:(m,n); A:(n,k); grad (X*A)[0,0] wrt X", "I(m)[:,0]*A[:,0]'"),
    row("75, an entry", "X:(m,n); A:(m,k); grad (X'*A)[0,0] wrt X", "A[:,0]*I(n)[:,0]'"),
    row("76", "X:(m,n); grad sum(X)*sum(X) wrt X", "2*sum(X)*ones(m,n)"),
    row("77", "X:(m,n); b:(n); c:(n); grad b'*X'*X*c wrt X", "X*(b*c' + c*b')"),
    row(
        "78",
        "B:(m,n); b:(m); C:(m,k); D:(k,n); d:(k); x:(n); grad (B*x + b)'*C*(D*x + d) wrt x",
        "B'*C*(D*x + d) + D'*C'*(B*x + b)",
    ),
    row(
        "79, an entry",
        "X:(m,n); B:(m,m); grad (X'*B*X)[0,0] wrt X",
        "(B + B')*X[:,0]*I(n)[:,0]'",
    ),
    row(
        "80, an entry of X",
        "X:(m,n); B:(m,m); t:(); Y = X + t*I(m)[:,0]*I(n)[:,0]'; f = (Y'*B*Y)[0,0]; grad f wrt t",
        "B[0,:]*Y[:,0] + Y[:,0]'*B[:,0]",
    ),
    row("81", "B:(n,n); x:(n); grad x'*B*x wrt x", "(B + B')*x"),
    row(
        "82",
        "D:(m,m); X:(m,n); b:(n); c:(n); grad b'*X'*D*X*c wrt X",
        "D'*X*b*c' + D*X*c*b'",
    ),
    row(
        "83",
        "D:(m,m); X:(m,n); b:(n); c:(m); grad (X*b + c)'*D*(X*b + c) wrt X",
        "(D + D')*(X*b + c)*b'",
    ),
    row("84", WEIGHTED + "grad (x - A*s)'*W*(x - A*s) wrt s", "-2*A'*W*(x - A*s)"),
    row("85", "x:(m); s:(m); W:(m,m) symmetric; grad (x - s)'*W*(x - s) wrt x", "2*W*(x - s)"),
    row("86", "x:(m); s:(m); W:(m,m) symmetric; grad (x - s)'*W*(x - s) wrt s", "-2*W*(x - s)"),
    row("87", WEIGHTED + "grad (x - A*s)'*W*(x - A*s) wrt x", "2*W*(x - A*s)"),
    row("88", WEIGHTED + "grad (x - A*s)'*W*(x - A*s) wrt A", "-2*W*(x - A*s)*s'"),
    row(
        "90, n = 3, an entry",
        "X:(n,n); grad (X^3)[0,0] wrt X",
        "I(n)[:,0]*(X^2)[:,0]' + X[0,:]'*X[:,0]' + (X^2)[0,:]'*I(n)[:,0]'",
    ),
    row(
        "91, n = 3",
        "X:(n,n); a:(n); b:(n); grad a'*X^3*b wrt X",
        "a*b'*(X^2)' + X'*a*b'*X' + (X^2)'*a*b'",
    ),
    # The right side follows from (91); the book's own was not at hand.
    row(
        "92, n = 2",
        "X:(n,n); a:(n); b:(n); grad a'*(X^2)'*X^2*b wrt X",
        "X^2*b*a'*X' + X^2*a*b'*X' + X'*X^2*b*a' + X'*X^2*a*b'",
    ),
    row(
        "94, 95",
        "A:(m,n); B:(k,n); x:(n); grad ((A*x)'*(A*x))/((B*x)'*(B*x)) wrt x",
        "2*A'*A*x/(x'*B'*B*x) - 2*x'*A'*A*x*B'*B*x/(x'*B'*B*x)^2",
    ),
    row("96, 97", "A:(n,n); b:(n); x:(n); grad x'*A*x + b'*x wrt x", "(A + A')*x + b"),
    # A Hessian, and below a Jacobian, times a vector v.
    row(
        "98, times v", "A:(n,n); b:(n); x:(n); v:(n); grad v'*((A + A')*x + b) wrt x", "(A + A')*v"
    ),
    # 2.5 Derivatives of traces.
    row("99", "X:(n,n); grad tr(X) wrt X", "I(n)"),
    row("100", "A:(n,m); X:(m,n); grad tr(X*A) wrt X", "A'"),
    row("101", "A:(k,m); X:(m,n); B:(n,k); grad tr(A*X*B) wrt X", "A'*B'"),
    row("102", "A:(k,n); X:(m,n); B:(m,k); grad tr(A*X'*B) wrt X", "B*A"),
    row("103", "A:(m,n); X:(m,n); grad tr(X'*A) wrt X", "A"),
    row("104", "A:(m,n); X:(m,n); grad tr(A*X') wrt X", "A"),
    row("105", "A:(m,m); X:(n,n); grad tr(kron(A,X)) wrt X", "tr(A)*I(n)"),
    row("106", "X:(n,n); grad tr(X^2) wrt X", "2*X'"),
    row("107", "X:(n,n); B:(n,n); grad tr(X^2*B) wrt X", "(X*B + B*X)'"),
    row("108", "X:(m,n); B:(m,m); grad tr(X'*B*X) wrt X", "B*X + B'*X"),
    row("109", "X:(m,n); B:(m,m); grad tr(B*X*X') wrt X", "B*X + B'*X"),
    row("110", "X:(m,n); B:(m,m); grad tr(X*X'*B) wrt X", "B*X + B'*X"),
    row("111", "X:(m,n); B:(n,n); grad tr(X*B*X') wrt X", "X*B' + X*B"),
    row("112", "X:(m,n); B:(n,n); grad tr(B*X'*X) wrt X", "X*B' + X*B"),
    row("113", "X:(m,n); B:(n,n); grad tr(X'*X*B) wrt X", "X*B' + X*B"),
    row(
        "114",
        "A:(n,m); X:(m,n); B:(n,m); grad tr(A*X*B*X) wrt X",
        "A'*X'*B' + B'*X'*A'",
    ),
    row("115", "X:(m,n); grad tr(X'*X) wrt X", "2*X"),
    row("115, X first", "X:(m,n); grad tr(X*X') wrt X", "2*X"),
    row(
        "116",
        "X:(m,n); B:(n,k); C:(m,m); grad tr(B'*X'*C*X*B) wrt X",
        "C'*X*B*B' + C*X*B*B'",
    ),
    row(
        "117",
        "X:(m,n); B:(m,m); C:(n,n); grad tr(X'*B*X*C) wrt X",
        "B*X*C + B'*X*C'",
    ),
    row(
        "118",
        "A:(k,m); X:(m,n); B:(n,n); C:(m,k); grad tr(A*X*B*X'*C) wrt X",
        "A'*C'*X*B' + C*A*X*B",
    ),
    row(
        "119",
        "A:(k,m); X:(m,n); B:(n,l); C:(k,l); grad tr((A*X*B + C)*(A*X*B + C)') wrt X",
        "2*A'*(A*X*B + C)*B'",
    ),
    # The book writes the trace of the Kronecker product of X with itself so.
    row("120", "X:(n,n); grad tr(X)*tr(X) wrt X", "2*tr(X)*I(n)"),
    row("121, k = 3", "X:(n,n); grad tr(X^3) wrt X", "3*(X^2)'"),
    row("121, k = 4", "X:(n,n); grad tr(X^4) wrt X", "4*(X^3)'"),
    row(
        "122, k = 3",
        "A:(n,n); X:(n,n); grad tr(A*X^3) wrt X",
        "(A*X^2 + X*A*X + X^2*A)'",
    ),
    row(
        "122, k = 4",
        "A:(n,n); X:(n,n); grad tr(A*X^4) wrt X",
        "(A*X^3 + X*A*X^2 + X^2*A*X + X^3*A)'",
    ),
    row(
        "123",
        "X:(m,n); B:(n,k); C:(m,m); grad tr(B'*X'*C*X*X'*C*X*B) wrt X",
        "C*X*X'*C*X*B*B' + C'*X*B*B'*X'*C'*X + C*X*B*B'*X'*C*X + C'*X*X'*C'*X*B*B'",
    ),
    row(
        "124",
        "A:(m,n); X:(n,n); B:(n,m); grad tr(A*inv(X)*B) wrt X",
        "-(inv(X)*B*A*inv(X))'",
    ),
    row(
        "125",
        "A:(n,n); C:(m,m) symmetric; X:(m,n); grad tr(inv(X'*C*X)*A) wrt X",
        "-(C*X*inv(X'*C*X))*(A + A')*inv(X'*C*X)",
    ),
    row(
        "126",
        "B:(m,m) symmetric; C:(m,m) symmetric; X:(m,n); grad tr(inv(X'*C*X)*(X'*B*X)) wrt X",
        "-2*C*X*inv(X'*C*X)*X'*B*X*inv(X'*C*X) + 2*B*X*inv(X'*C*X)",
    ),
    # Without A' = A the book's right side does not hold.
    row(
        "127",
        "A:(n,n) symmetric; B:(m,m) symmetric; C:(m,m) symmetric; X:(m,n);"
        "grad tr(inv(A + X'*C*X)*(X'*B*X)) wrt X",
        "-2*C*X*inv(A + X'*C*X)*X'*B*X*inv(A + X'*C*X) + 2*B*X*inv(A + X'*C*X)",
    ),
    # 2.6, 2.7 Derivatives of norms.
    row("129", "x:(n); a:(n); grad norm2(x - a) wrt x", "(x - a)/norm2(x - a)"),
    row(
        "130, times v",
        "x:(n); a:(n); v:(n); grad v'*(x - a)/norm2(x - a) wrt x",
        "v/norm2(x - a) - (x - a)*(x - a)'*v/norm2(x - a)^3",
    ),
    row("131", "x:(n); grad norm2(x)^2 wrt x", "2*x"),
    row("131, of x'*x", "x:(n); grad norm2(x'*x) wrt x", "2*x"),
    row("132", "X:(m,n); grad norm2(X)^2 wrt X", "2*X"),
    row("132, a trace", "X:(m,n); grad tr(X*X') wrt X", "2*X"),
    # 2.8.2 Symmetric matrices: with respect to the independent entries, see INDEPENDENT.
    row("139", "A:(n,n); X:(n,n) symmetric; grad tr(A*X) wrt X", "A + A' - A .* I(n)"),
    row(
        "140",
        "X:(n,n) symmetric; grad det(X) wrt X",
        "det(X)*(2*inv(X) - inv(X) .* I(n))",
    ),
)

INDEPENDENT: Final = frozenset({"139", "140"})
"""Here the book counts off-diagonal entries twice: 2*G - G .* I for the symmetric gradient G."""

LONGER: Final[Mapping[str, tuple[str, ...]]] = {
    "55": ("2*X*inv(X'*X)",),
    "56": (
        "-2*((P*pinv(P)*M_bar - M_bar)*pinv(P)'*pinv(P) + pinv(P)'*pinv(P)*M_bar)*pinv(P)'",
        "M_bar = inv(pinv(P)'*pinv(P))",
    ),
}
"""Rows whose answer is printed longer than the book's: what is printed, and what its names mean."""

LEFT_OUT: Final[Mapping[int, str]] = {
    50: "an identity about the entries of (49), no derivative of its own",
    67: "the differential of an eigenvalue, which the language has not",
    68: "the differential of an eigenvector, which the language has not",
    89: "complex",
    93: "s(x) and r(x) left open; (78) is the linear case",
    128: "the sine of a matrix as a power series; the language's is entry by entry",
    133: "the chain rule for a structured matrix, f left open",
    134: "the definition of the structure matrix",
    135: "what (136) is about, f and g left open",
    136: "the chain rule itself, f and g left open",
    137: "the chain rule itself, f and g left open",
    138: "how (139) and (140) count entries, f left open",
}
"""Equations that ask for no gradient of a definite scalar."""

SECOND: Final[Mapping[int, tuple[str, str]]] = {
    98: ("A:(n,n); b:(n); x:(n); hessian x'*A*x + b'*x wrt x", "A + A'"),
    130: (
        "x:(n); a:(n); jacobian (x - a)/norm2(x - a) wrt x",
        "I(n)/norm2(x - a) - (x - a)*(x - a)'/norm2(x - a)^3",
    ),
}
"""Equations that the book states as a Jacobian or a Hessian."""


def statements(problem: str) -> str:
    return "\n".join(line.strip() for line in problem.split(";"))


def right_side(line: Row, wrt: str) -> str:
    """The book's right side as the gradient that is derived, symmetric where the variable is."""
    written = substituted(line.answers[wrt], line.names)
    return f"(({written}) + ({written}) .* I(n))/2" if line.number in INDEPENDENT else written


def explained(result: Result, derivation: Derivation) -> tuple[str, ...]:
    """All that is printed of an answer: the closed form, and each name with what it means."""
    got, names = printed(result, derivation)
    return (got, *(f"{name} = {meaning}" for name, meaning in names.items()))


def symbols(result: Result, derivation: Derivation) -> list[str]:
    """Symbols and operators of an answer, its names explained or written out: the shorter."""
    got, names = printed(result, derivation)
    long, parts = got, tokens(got)
    for name, meaning in reversed(names.items()):
        long = substituted(long, {name: meaning})
        parts += [name, "=", *tokens(meaning)]
    return min(parts, tokens(long), key=len)


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_value(line: Row, seed: int) -> None:
    problem = parse(line.problem)
    derivation = derive(problem)
    expected = [
        Claim(
            result.of,
            result.wrt,
            f"answer_{result.wrt}",
            (parse_expression(right_side(line, result.wrt), problem),),
            f"the book's {line.number} for {result.wrt}",
            "gradient",
        )
        for result in derivation.results
    ]
    report = judge(
        problem, [*claims(derivation), *expected], auxiliary=auxiliary(derivation), seed=seed
    )
    assert report.passed, f"{table(line, derivation)}\n{report}"
    assert any(set(sizes.values()) == {1} for sizes in report.sizes)


@pytest.mark.parametrize("line", ROWS, ids=identify)
def test_by_length(line: Row) -> None:
    derivation = derive(parse(line.problem))
    for result in derivation.results:
        got = explained(result, derivation)
        have, allowed = len(symbols(result, derivation)), len(tokens(line.answers[result.wrt]))
        if line.number in LONGER:
            assert got == LONGER[line.number], table(line, derivation)
            assert have > allowed, f"no longer than the book's\n{table(line, derivation)}"
        else:
            assert have <= allowed, f"{have} symbols, not {allowed}\n{table(line, derivation)}"


@pytest.mark.parametrize("number", SECOND)
def test_jacobians_and_hessians(number: int, seed: int) -> None:
    problem, answer = SECOND[number]
    derivation = derive(parse(statements(problem)))
    (result,) = (r for r in derivation.results if r.kind != "grad")
    claim = claimed(derivation, result, parse_expression(answer, derivation.problem))
    report = judge(
        weighted_problem(derivation),
        [*claims(derivation), claim],
        auxiliary=auxiliary(derivation),
        seed=seed,
    )
    assert report.passed, str(report)
    assert len(symbols(result, derivation)) <= len(tokens(answer))


def test_no_number_is_missing() -> None:
    covered = {int(number) for line in ROWS for number in re.findall(r"\b\d{2,3}\b", line.number)}
    assert covered.isdisjoint(LEFT_OUT)
    assert covered | set(LEFT_OUT) == set(NUMBERS)
    assert set(SECOND) <= covered
    assert set(LONGER) <= {line.number for line in ROWS}
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize(
    ("problem", "shorter"),
    [
        ("X:(m,n); grad det(X'*X) wrt X", "2*det(X'*X)*X*inv(X'*X)"),
        ("z:(n); a:(n); grad a'*softmax(z) wrt z", "softmax(z) .* (a - a'*softmax(z))"),
    ],
)
def test_names_count_as_what_they_mean(problem: str, shorter: str) -> None:
    derivation = derive(parse(statements(problem)))
    assert len(symbols(derivation.results[0], derivation)) <= len(tokens(shorter))
