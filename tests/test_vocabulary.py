"""Every function of the language, and whether each table has it.

A row a function, a column a question: has it a signature; is there a law, with a statement and a
source; does the judge evaluate it; does the generated code agree; is it printed, in Unicode and in
the language, and read again; is it set by LaTeX; is its gradient what a person writes. The table
stands at the end of the tests' output. Sizes are symbolic, and sizes of 1 are among those that are
drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import math_core
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Result
from derive.calculus.rules import RULES
from derive.emit.latex import latex, latex_indexed, style_for
from derive.emit.reasons import reason_words
from derive.emit.text import LANGUAGE, text
from derive.errors import DeriveError, InputError
from derive.language import parse, parse_expression
from derive.notation.answers import closed_form, closed_tensor
from derive.notation.board import board, definition_form
from derive.problem import Problem
from derive.shapes import ONE, Dim
from derive.tensor.nodes import Variable
from derive.verify import Claim, judge
from derive.vocabulary import COMPARISONS, FUNCTIONS, Expression
from derive.workflow import check, check_code, explain
from tests.oracle.comparison import SIZES, compare
from tests.test_closed_forms import Row, substituted, table, tokens
from tests.test_closed_forms import printed as answered
from tests.test_cookbook import symbols
from tests.test_ordinary_problems import task_of

LISTED: Final = """
exp log log1p sqrt abs sign square sin cos tan asin acos atan sinh cosh tanh erf sigmoid softplus
relu leaky_relu elu selu gelu gelu_tanh silu mish heaviside max min clip where < <= > >=

sum mean prod amax amin rowsum rowmean rowmax rowmin colsum colmean colmax colmin var rowvar colvar
logsumexp rowlogsumexp tr det logdet dot norm2 norm norm1 norminf

inv pinv transpose diag diagonal vec unvec commutation kron outer solve cholesky
expm expm_frechet tril triu hcat vcat softmax rowsoftmax log_softmax rowlog_softmax
[i,j] [i,:] [:,j] [i:j,:] v[i] v[i:j]

affine layernorm rowlayernorm batchnorm rmsnorm rowrmsnorm attention

sse huber cross_entropy softmax_cross_entropy rowsoftmax_cross_entropy nll kl mse mae bce
bce_with_logits hinge

logistic vector matrix eye
"""
"""Every function of the language, as it is written; ``amax`` and ``amin`` are max and min of one
argument."""

NAMES: Final = tuple(LISTED.split())


def row(name: str, problem: str, *answers: str, **names: str) -> Row:
    """A function in a problem, the request last, and what a person answers."""
    lines = [line.strip() for line in problem.split(";")]
    wrt = [variable.strip() for variable in lines[-1].split(" wrt ")[1].split(",")]
    return Row(name, "\n".join(lines), dict(zip(wrt, answers, strict=True)), names)


def entrywise(name: str, derivative: str, facts: str = "", **names: str) -> Row:
    """A function of one array, entry by entry."""
    problem = f"x:(n){facts and ' ' + facts}; a:(n); grad a'*{name}(x) wrt x"
    return row(name, problem, f"a .* ({derivative})", **names)


TWO: Final = "x:(n); y:(n); a:(n);"
WEIGHTED: Final = "A:(m,n); C:(m,n);"
SQUARE: Final = "A:(n,n); C:(n,n);"
ROWWISE: Final = "A:(m,n); v:(m);"
COLUMNWISE: Final = "A:(m,n); v:(n);"
CDF: Final = "(1 + erf(x/sqrt(2)))/2"
PDF: Final = "exp(-x.^2/2)/sqrt(2*pi)"

ROWS: Final[Sequence[Row]] = (
    entrywise("exp", "exp(x)"),
    row("log", "x:(n) positive; a:(n); grad a'*log(x) wrt x", "a ./ x"),
    row("log1p", "x:(n) positive; a:(n); grad a'*log1p(x) wrt x", "a ./ (1 + x)"),
    row("sqrt", "x:(n) positive; a:(n); grad a'*sqrt(x) wrt x", "a ./ sqrt(x)/2"),
    entrywise("abs", "sign(x)"),
    row("sign", "x:(n); a:(n); grad a'*sign(x) wrt x", "zeros(n)"),
    entrywise("square", "2*x"),
    entrywise("sin", "cos(x)"),
    row("cos", "x:(n); a:(n); grad a'*cos(x) wrt x", "-a .* sin(x)"),
    entrywise("tan", "1 + tan(x).^2"),
    row("asin", "x:(n); a:(n); grad a'*asin(x) wrt x", "a ./ sqrt(1 - x.^2)"),
    row("acos", "x:(n); a:(n); grad a'*acos(x) wrt x", "-a ./ sqrt(1 - x.^2)"),
    row("atan", "x:(n); a:(n); grad a'*atan(x) wrt x", "a ./ (1 + x.^2)"),
    entrywise("sinh", "cosh(x)"),
    entrywise("cosh", "sinh(x)"),
    entrywise("tanh", "1 - tanh(x).^2"),
    row("erf", "x:(n); a:(n); grad a'*erf(x) wrt x", "2*(a .* exp(-x.^2))/sqrt(pi)"),
    entrywise("sigmoid", "s .* (1 - s)", s="sigmoid(x)"),
    entrywise("logistic", "s .* (1 - s)", s="sigmoid(x)"),
    entrywise("softplus", "sigmoid(x)"),
    entrywise("relu", "where(x > 0, 1, 0)"),
    row(
        "leaky_relu",
        "x:(n); s:(); a:(n); grad a'*leaky_relu(x, s) wrt x, s",
        "a .* where(x > 0, 1, s)",
        "a'*where(x > 0, 0, x)",
    ),
    row(
        "elu",
        "x:(n); s:(); a:(n); grad a'*elu(x, s) wrt x, s",
        "a .* where(x > 0, 1, s + elu(x, s))",
        "a'*where(x > 0, 0, exp(x) - 1)",
    ),
    entrywise("selu", "where(x > 0, 1.0507009873554805, 1.7580993408473768 + selu(x))"),
    entrywise("gelu", f"{CDF} + x .* {PDF}"),
    entrywise(
        "gelu_tanh",
        "(1 + t)/2 + x .* (1 - t.^2) .* (sqrt(2/pi)*(1 + 0.134145*x.^2))/2",
        t="tanh(sqrt(2/pi)*(x + 0.044715*x.^3))",
    ),
    entrywise("silu", "s + x .* s .* (1 - s)", s="sigmoid(x)"),
    entrywise("mish", "t + x .* (1 - t.^2) .* sigmoid(x)", t="tanh(softplus(x))"),
    row("heaviside", "x:(n); a:(n); grad a'*heaviside(x) wrt x", "zeros(n)"),
    # At a tie each of the two gets one half.
    row(
        "max",
        TWO + "grad a'*max(x, y) wrt x, y",
        "a .* heaviside(x - y)",
        "a .* heaviside(y - x)",
    ),
    row(
        "min",
        TWO + "grad a'*min(x, y) wrt x, y",
        "a .* heaviside(y - x)",
        "a .* heaviside(x - y)",
    ),
    row(
        "clip",
        "x:(n); h:() positive; k:() positive; a:(n); grad a'*clip(x, -h, k) wrt x, h, k",
        "a .* where(x > -h, 1, 0) .* where(x < k, 1, 0)",
        "-a'*where(x < -h, 1, 0)",
        "a'*where(x > k, 1, 0)",
    ),
    row(
        "where",
        TWO + "c:(n); grad a'*where(c > 0, x, y) wrt x, y",
        "a .* where(c > 0, 1, 0)",
        "a .* where(c > 0, 0, 1)",
    ),
    *(
        row(
            sign,
            TWO + f"grad a'*(where(x {sign} y, 1, 0) .* x) wrt x, y",
            f"a .* where(x {sign} y, 1, 0)",
            "zeros(n)",
        )
        for sign in COMPARISONS
    ),
    # Reductions.
    row("sum", "A:(m,n); grad sum(A) wrt A", "ones(m,n)"),
    row("mean", "A:(m,n); grad mean(A) wrt A", "ones(m,n)/(m*n)"),
    row("prod", "A:(m,n); grad prod(A) wrt A", "prod(A) ./ A"),
    row("amax", "A:(m,n); grad max(A) wrt A", "i/sum(i)", i="where(A >= max(A), 1, 0)"),
    row("amin", "A:(m,n); grad min(A) wrt A", "i/sum(i)", i="where(A <= min(A), 1, 0)"),
    row("var", "A:(m,n); grad var(A) wrt A", "2*(A - mean(A))/(m*n)"),
    row("rowsum", ROWWISE + "grad v'*rowsum(A) wrt A", "v*ones(1,n)"),
    row("rowmean", ROWWISE + "grad v'*rowmean(A) wrt A", "v*ones(1,n)/n"),
    row(
        "rowmax",
        ROWWISE + "grad v'*rowmax(A) wrt A",
        "diag(v ./ rowsum(i))*i",
        i="where(A >= rowmax(A), 1, 0)",
    ),
    row(
        "rowmin",
        ROWWISE + "grad v'*rowmin(A) wrt A",
        "diag(v ./ rowsum(i))*i",
        i="where(A <= rowmin(A), 1, 0)",
    ),
    row("rowvar", ROWWISE + "grad v'*rowvar(A) wrt A", "2*diag(v)*(A - rowmean(A))/n"),
    row("colsum", COLUMNWISE + "grad colsum(A)*v wrt A", "ones(m)*v'"),
    row("colmean", COLUMNWISE + "grad colmean(A)*v wrt A", "ones(m)*v'/m"),
    row(
        "colmax",
        COLUMNWISE + "grad colmax(A)*v wrt A",
        "i*diag(v ./ colsum(i)')",
        i="where(A >= colmax(A), 1, 0)",
    ),
    row(
        "colmin",
        COLUMNWISE + "grad colmin(A)*v wrt A",
        "i*diag(v ./ colsum(i)')",
        i="where(A <= colmin(A), 1, 0)",
    ),
    row("colvar", COLUMNWISE + "grad colvar(A)*v wrt A", "2*(A - colmean(A))*diag(v)/m"),
    row("logsumexp", "x:(n); grad logsumexp(x) wrt x", "softmax(x)"),
    row("rowlogsumexp", ROWWISE + "grad v'*rowlogsumexp(A) wrt A", "diag(v)*rowsoftmax(A)"),
    row("tr", "A:(n,n); grad tr(A) wrt A", "I(n)"),
    row("det", "A:(n,n); grad det(A) wrt A", "det(A)*inv(A)'"),
    row("logdet", "A:(n,n); grad logdet(A) wrt A", "inv(A)'"),
    row("dot", "A:(m,n); B:(m,n); grad dot(A, B) wrt A, B", "B", "A"),
    row("norm2", "x:(n); grad norm2(x) wrt x", "x/norm2(x)"),
    row("norm", "A:(m,n); grad norm(A) wrt A", "A/norm(A)"),
    row("norm1", "A:(m,n); grad norm1(A) wrt A", "sign(A)"),
    row(
        "norminf",
        "A:(m,n); grad norminf(A) wrt A",
        "sign(A) .* i/sum(i)",
        i="where(abs(A) >= norminf(A), 1, 0)",
    ),
    # Arrays.
    row("inv", SQUARE + "grad tr(C'*inv(A)) wrt A", "-inv(A)'*C*inv(A)'"),
    row(
        "pinv",
        "A:(m,n); C:(n,m); grad tr(C'*pinv(A)) wrt A",
        "(I(m) - A*P)*C'*P*P' + P'*P*C'*(I(n) - P*A) - P'*C*P'",
        P="pinv(A)",
    ),
    row("transpose", "A:(m,n); C:(n,m); grad tr(C'*transpose(A)) wrt A", "C'"),
    row("diag", "x:(n); C:(n,n); grad tr(C'*diag(x)) wrt x", "diagonal(C)"),
    row("diagonal", "A:(n,n); v:(n); grad v'*diagonal(A) wrt A", "diag(v)"),
    row("vec", WEIGHTED + "grad vec(C)'*vec(A) wrt A", "C"),
    row("unvec", "A:(m,n); C:(m,n); v = vec(A); J = tr(C'*unvec(v, m, n)); grad J wrt v", "vec(C)"),
    row(
        "commutation",
        "X:(m,n); Y:(n,m); grad vec(Y)'*commutation(m, n)*vec(X) wrt X, Y",
        "Y'",
        "X'",
    ),
    row(
        "kron",
        "A:(m,n); u:(m); B:(k,l); v:(k); w:(n); z:(l);"
        "grad kron(u, v)'*kron(A, B)*kron(w, z) wrt A, B",
        "(v'*B*z)*u*w'",
        "(u'*A*w)*v*z'",
    ),
    row(
        "outer",
        "a:(m); b:(n); C:(m,n); grad tr(C'*outer(a, b)) wrt a, b",
        "C*b",
        "C'*a",
    ),
    row(
        "solve",
        "A:(n,n); b:(n); c:(n); grad c'*solve(A, b) wrt A, b",
        "-inv(A)'*c*b'*inv(A)'",
        "inv(A)'*c",
    ),
    row(
        "cholesky",
        "A:(n,n) positive_definite; C:(n,n); grad tr(C'*cholesky(A)) wrt A",
        "inv(L)'*(T + T')*inv(L)/2",
        T="tril(L'*C) - (L'*C) .* I(n)/2",
        L="cholesky(A)",
    ),
    row("expm", SQUARE + "grad tr(C'*expm(A)) wrt A", "expm_frechet(A', C)"),
    row(
        "expm_frechet",
        SQUARE + "E:(n,n); grad tr(C'*expm_frechet(A, E)) wrt E",
        "expm_frechet(A', C)",
    ),
    row("tril", WEIGHTED + "grad tr(C'*tril(A)) wrt A", "tril(C)"),
    row("triu", WEIGHTED + "grad tr(C'*triu(A)) wrt A", "triu(C)"),
    row(
        "hcat",
        "A:(m,n); B:(m,k); x:(n); y:(k); v:(m); grad v'*hcat(A, B)*vcat(x, y) wrt A, B, x",
        "v*x'",
        "v*y'",
        "A'*v",
    ),
    row(
        "vcat",
        "A:(m,n); B:(k,n); x:(m); y:(k); v:(n); grad vcat(x, y)'*vcat(A, B)*v wrt A, B, y",
        "x*v'",
        "y*v'",
        "B*v",
    ),
    row("softmax", "x:(n); a:(n); grad a'*softmax(x) wrt x", "p .* (a - a'*p)", p="softmax(x)"),
    row(
        "rowsoftmax",
        WEIGHTED + "grad tr(C'*rowsoftmax(A)) wrt A",
        "P .* (C - rowsum(C .* P))",
        P="rowsoftmax(A)",
    ),
    row("log_softmax", "x:(n); a:(n); grad a'*log_softmax(x) wrt x", "a - sum(a)*softmax(x)"),
    row(
        "rowlog_softmax",
        WEIGHTED + "grad tr(C'*rowlog_softmax(A)) wrt A",
        "C - diag(rowsum(C))*rowsoftmax(A)",
    ),
    row("[i,j]", "A:(m,n); grad A[0,-1]^2 wrt A", "2*A[0,-1]*I(m)[:,0]*I(n)[:,-1]'"),
    row("[i,:]", COLUMNWISE + "grad A[0,:]*v wrt A", "I(m)[:,0]*v'"),
    row("[:,j]", ROWWISE + "grad v'*A[:,-1] wrt A", "v*I(n)[:,-1]'"),
    row("[i:j,:]", "A:(3,n); grad norm2(A[1:3,:])^2/2 wrt A", "vcat(zeros(1,n), A[1:3,:])"),
    row("v[i]", "v:(n); grad v[0]^2 wrt v", "2*v[0]*I(n)[:,0]"),
    row(
        "v[i:j]",
        "v:(3); a:(2); grad a'*v[1:3] wrt v, a",
        "vcat(0, a)",
        "v[1:3]",
    ),
    # Layers.
    row(
        "affine",
        "W:(m,n); x:(n); b:(m); v:(m); grad v'*affine(W, x, b) wrt W, x, b",
        "v*x'",
        "W'*v",
        "v",
    ),
    row(
        "layernorm",
        "x:(n); g:(n); b:(n); a:(n); grad a'*layernorm(x, g, b) wrt x, g, b",
        "(a .* g - (a'*g + (a'*(g .* u))*u)/n)/s",
        "a .* u",
        "a",
        u="layernorm(x)",
        s="sqrt(var(x) + 1e-5)",
    ),
    row(
        "rowlayernorm",
        WEIGHTED + "grad tr(C'*rowlayernorm(A)) wrt A",
        "diag(1 ./ s)*(C - (rowsum(C) + diag(rowsum(C .* U))*U)/n)",
        U="rowlayernorm(A)",
        s="sqrt(rowvar(A) + 1e-5)",
    ),
    row(
        "batchnorm",
        WEIGHTED + "g:(n); b:(n); grad tr(C'*batchnorm(A, g, b)) wrt A, g, b",
        "(C - (colsum(C) + U*diag(colsum(C .* U)'))/m)*diag(g ./ s)",
        "colsum(C .* U)'",
        "colsum(C)'",
        U="batchnorm(A)",
        s="sqrt(colvar(A)' + 1e-5)",
    ),
    row(
        "rmsnorm",
        "x:(n); g:(n); a:(n); grad a'*rmsnorm(x, g) wrt x, g",
        "(a .* g - (a'*(g .* u))*u/n)/r",
        "a .* u",
        u="rmsnorm(x)",
        r="sqrt(norm2(x)^2/n + 1e-5)",
    ),
    row(
        "rowrmsnorm",
        WEIGHTED + "grad tr(C'*rowrmsnorm(A)) wrt A",
        "diag(1 ./ r)*(C - diag(rowsum(C .* U))*U/n)",
        U="rowrmsnorm(A)",
        r="sqrt(rowmean(A.^2) + 1e-5)",
    ),
    row(
        "attention",
        "Q:(m,d); K:(n,d); V:(n,k); C:(m,k); grad tr(C'*attention(Q, K, V)) wrt Q, K, V",
        "S*K/sqrt(d)",
        "S'*Q/sqrt(d)",
        "P'*C",
        S="P .* (C*V' - rowsum(P .* (C*V')))",
        P="rowsoftmax(Q*K'/sqrt(d))",
    ),
    # Losses.
    row("sse", "r:(n); grad sse(r) wrt r", "2*r"),
    row(
        "huber",
        "r:(n); d:() positive; grad huber(r, d) wrt r, d",
        "clip(r, -d, d)",
        "sum(where(abs(r) > d, abs(r) - d, 0))",
    ),
    row(
        "cross_entropy",
        "p:(n) positive; y:(n); grad cross_entropy(p, y) wrt p, y",
        "-y ./ p",
        "-log(p)",
    ),
    row(
        "softmax_cross_entropy",
        "z:(n); y:(n) probability; grad softmax_cross_entropy(z, y) wrt z",
        "softmax(z) - y",
    ),
    row(
        "rowsoftmax_cross_entropy",
        "Z:(m,n); Y:(m,n) probability; grad rowsoftmax_cross_entropy(Z, Y) wrt Z",
        "rowsoftmax(Z) - Y",
    ),
    row("nll", "l:(n); y:(n); grad nll(l, y) wrt l, y", "-y", "-l"),
    row(
        "kl",
        "p:(n) positive; q:(n) positive; grad kl(p, q) wrt p, q",
        "1 + log(p ./ q)",
        "-p ./ q",
    ),
    row("mse", "a:(n); y:(n); grad mse(a, y) wrt a, y", "2*(a - y)/n", "2*(y - a)/n"),
    row("mae", "a:(n); y:(n); grad mae(a, y) wrt a", "sign(a - y)/n"),
    row(
        "bce",
        "p:(n); y:(n); grad bce(p, y) wrt p",
        "(p - y) ./ (p .* (1 - p))/n",
    ),
    row(
        "bce_with_logits",
        "z:(n); y:(n); grad bce_with_logits(z, y) wrt z, y",
        "(sigmoid(z) - y)/n",
        "-z/n",
    ),
    row(
        "hinge",
        "z:(n); y:(n) signs; grad hinge(z, y) wrt z",
        "-y .* where(y .* z < 1, 1, 0)/n",
    ),
    # Constants with sizes from where they stand.
    row("vector", "x:(n); c:(); grad norm2(x - vector(c))^2/2 wrt x, c", "x - c", "sum(c - x)"),
    row("matrix", "A:(m,n); grad norm2(A + matrix(1))^2/2 wrt A", "A + 1"),
    row("eye", "A:(n,n); grad norm2(A - eye)^2/2 wrt A", "A - I(n)"),
)
SAMPLES: Final[Mapping[str, Row]] = {line.number: line for line in ROWS}

KEYS: Final = {**COMPARISONS, **dict.fromkeys(("vector", "matrix", "eye"), "")}
"""Names under which the tables have what is written otherwise; constants are none of theirs."""


@cache
def asked(name: str) -> tuple[Problem, Derivation]:
    """The sample problem of a function, derived."""
    problem = parse(SAMPLES[name].problem)
    return problem, derive(problem)


def signature(name: str, seed: int) -> None:
    """Its row says what it takes, and what it is; anything else is refused in those words."""
    if "[" in name:
        with pytest.raises(DeriveError, match="0, 0, 0"):
            parse("A:(m,n)\ngrad A[0, 0, 0] wrt A")
        return
    key = KEYS.get(name, name)
    if key:
        row = FUNCTIONS[key]
        assert row.parameters and row.meaning
        assert row.kind == "entrywise" or row.signature
    if name not in COMPARISONS and name != "eye":
        written = FUNCTIONS[key].written if key else name
        with pytest.raises(InputError, match=f"{written}.* takes "):
            parse(f"grad sum({written}()) wrt x")


def law(name: str, seed: int) -> None:
    """Each line of its derivation has a law, and the law a statement and a source."""
    _, derivation = asked(name)
    for step in (step for sweep in derivation.sweeps for step in sweep.steps):
        reasons = [law for source in step.sources for law in source.laws]
        assert reasons or any(line.reasons for line in step.lines) or step.sought
        for reason in (*reasons, *(r for line in step.lines for r in line.reasons)):
            assert reason_words(reason)
            if reason.law in RULES:
                assert RULES[reason.law].statement and RULES[reason.law].source
    key = KEYS.get(name, name)
    if key in RULES:
        assert RULES[key].statement and RULES[key].source and RULES[key].domain


def evaluated(name: str, seed: int) -> None:
    """The judge evaluates it, and finds its derivative right; sizes of 1 are among the points."""
    problem, derivation = asked(name)
    report = check(derivation, seed)
    assert report.passed, str(report)
    assert not problem.sizes or any(set(sizes.values()) == {1} for sizes in report.sizes)


def generated(name: str, seed: int) -> None:
    """The module agrees with the judge and with autograd."""
    _, derivation = asked(name)
    report = check_code(derivation, seed)
    assert report.passed, str(report)
    sizes = [{**sizes, "d": sizes["l"]} for sizes in SIZES]
    outcome = compare(task_of(SAMPLES[name].problem.replace("eye", "I(n)")), seed, sizes)
    assert outcome.kind == "right", outcome.reason


def printed(name: str, seed: int) -> None:
    """Definitions and answers in the language are read again as the same; the page stands."""
    problem, derivation = asked(name)
    forms = {
        variable.name: text(definition_form(variable), LANGUAGE)
        for variable in derivation.names.values()
        if variable.value is not None
    }
    shapes = {name: extent(derivation.names[name]) for name in forms}
    rewritten = {name: parse_expression(form, problem, shapes) for name, form in forms.items()}
    again = []
    for result in derivation.results:
        answer, names = answered(result, derivation)
        for short, meaning in reversed(names.items()):
            answer = substituted(answer, {short: meaning})
        again.append(claim(result, parse_expression(answer, problem, shapes)))
    report = judge(problem, again, auxiliary=rewritten, seed=seed, points=3)
    assert report.passed, f"{forms}\n{report}"
    page = explain(derivation, detail="proof")
    assert "gradient" in page or "∂" in page
    assert not re.search(r"(slice|amax|amin|broadcast)\(", page), page


def typeset(name: str, seed: int) -> None:
    """Definitions, steps and answers are LaTeX of which MathML can be made, in either notation."""
    _, derivation = asked(name)
    style = style_for(derivation.names.values())
    lines = [row for sweep in derivation.sweeps for step in board(sweep) for row in step.rows]
    forms = [definition_form(v) for v in derivation.names.values() if v.value is not None]
    forms += [form for row in lines for form in row.forms]
    forms += [closed_form(result, derivation) for result in derivation.results]
    tensors = [tensor for row in lines for tensor in row.tensors]
    tensors += [closed_tensor(result, derivation) for result in derivation.results]
    converter = math_core.LatexToMathML()
    written = [latex(form, style) for form in forms]
    written += [latex_indexed(tensor, style) for tensor in tensors]
    assert written
    for formula in written:
        assert formula.isascii() and not re.search(r"(?<!\\)_[_^]|\?", formula), formula
        assert converter.convert_with_local_state(formula, displaystyle=True).startswith("<math")


def closed(name: str, seed: int) -> None:
    """Its gradient is what a person writes, in value and in length."""
    problem, derivation = asked(name)
    sample = SAMPLES[name]
    assert [result.wrt for result in derivation.results] == list(sample.answers)
    expected = []
    for result in derivation.results:
        answer = sample.answers[result.wrt]
        whole = substituted(answer, sample.names)
        expected.append(claim(result, parse_expression(whole, problem)))
        explained = [part for n, m in sample.names.items() for part in (n, "=", *tokens(m))]
        allowed = min(len(tokens(whole)), len(tokens(answer)) + len(explained))
        have = len(symbols(result, derivation))
        if (name, result.wrt) not in LONGER:
            assert have <= allowed, f"{have} symbols, not {allowed}\n{table(sample, derivation)}"
        else:
            assert have > allowed, f"no longer than a person's\n{table(sample, derivation)}"
    report = judge(problem, expected, seed=seed)
    assert report.passed, f"{table(sample, derivation)}\n{report}"


LONGER: Final = frozenset(
    {("gelu_tanh", "x"), ("norminf", "A"), ("pinv", "A"), ("cholesky", "A")},
)
"""Functions and variables whose gradient is printed longer than a person writes it."""

COLUMNS: Final[Mapping[str, Callable[[str, int], None]]] = {
    "shape": signature,
    "law": law,
    "judge": evaluated,
    "code": generated,
    "printing": printed,
    "LaTeX": typeset,
    "closed form": closed,
}


def claim(result: Result, expression: Expression) -> Claim:
    of, wrt = result.of, result.wrt
    return Claim(of, wrt, f"answer_{wrt}", (expression,), f"the answer for {wrt}", "gradient")


def extent(variable: Variable) -> tuple[Dim, ...]:
    """The shape of a quantity in the language: a row has one row."""
    return (ONE, *variable.shape) if variable.row else variable.shape


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", NAMES)
def test_the_table(
    name: str, column: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("vocabulary", (name, column))
    COLUMNS[column](name, seed)


def test_every_function_is_listed() -> None:
    """The list here, the table of functions and the samples are of the same functions."""
    words = {name for name in NAMES if name not in KEYS and "[" not in name}
    assert words | set(COMPARISONS.values()) == set(FUNCTIONS)
    assert set(SAMPLES) == set(NAMES)
    assert len(NAMES) == len(set(NAMES)) and len(ROWS) == len(SAMPLES)
