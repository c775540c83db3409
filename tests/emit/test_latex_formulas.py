"""Formulas as LaTeX: every operator, every function, brackets, fractions, and what sets them.

What is said of a form is its exact source; that MathML can be made of it, and that pdfLaTeX sets
it, is checked of all of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import math_core
import pytest
import sympy

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.latex import (
    BOLD,
    PLAIN,
    LatexStyle,
    latex,
    latex_indexed,
    latex_shape,
    latex_statement,
    style_for,
    underbraced,
)
from derive.emit.latex.spelling import spelled_out
from derive.emit.text import LANGUAGE, text
from derive.errors import DeriveError
from derive.language import parse
from derive.notation.answers import block_form, closed_form
from derive.notation.board import board, definition_form, written_form
from derive.notation.expression import (
    OPERATORS,
    Expr,
    call,
    hadamard,
    identity,
    local_jacobian,
    number,
    ones,
    power,
    product,
    symbol,
    total,
    transposed,
)
from derive.shapes import ONE, Dim, as_dim
from derive.tensor.nodes import Tensor, Variable
from derive.vocabulary import FUNCTIONS
from tests.emit.phrases import tables
from tests.oracle.problems import problem

M, N = as_dim("m"), as_dim("n")

converter = math_core.LatexToMathML()


def mathml(source: str) -> str:
    """MathML of a formula; math-core raises what it does not know."""
    return converter.convert_with_local_state(source, displaystyle=True)


def named(name: str, *shape: Dim, role: str = "given") -> Expr:
    rows, cols = (*shape, ONE, ONE)[:2]
    return symbol(Variable(name, shape, role=role), rows, cols)


def entry(name: str, *shape: Dim) -> Tensor:
    return Variable(name, shape)


A, B, S = named("A", M, N), named("B", M, N), named("S", N, N)
x, y, c = named("x", N), named("y", N), named("c")


def node(op: str, *args: Expr, value: object = None) -> Expr:
    """A node of the first argument's extent."""
    return Expr(op, args, args[0].rows, args[0].cols, value)


FORMS: Final[Mapping[str, tuple[Expr, str]]] = {
    "symbol": (named("W1", M, N), r"\bm{W}_1"),
    "number": (number(Fraction(1, 2)), r"\frac{1}{2}"),
    "constant": (Expr("constant", (), ONE, ONE, sympy.sqrt(2 / sympy.pi)), r"\sqrt{\frac{2}{\pi}}"),
    "identity": (identity(N), r"\bm{I}"),
    "ones": (ones(N, ONE), r"\mathbf{1}"),
    "add": (total([x, y]), r"\bm{x} + \bm{y}"),
    "negative": (node("negative", total([x, y])), r"-(\bm{x} + \bm{y})"),
    "product": (product([number(2), A, x]), r"2 \bm{A} \bm{x}"),
    "fraction": (node("fraction", x, c), r"\frac{1}{c} \bm{x}"),
    "hadamard": (hadamard([x, y]), r"\bm{x} \odot \bm{y}"),
    "quotient": (node("quotient", x, y), r"\bm{x} \oslash \bm{y}"),
    "power": (power(c, Fraction(3)), "c^3"),
    "hadamard_power": (power(A, Fraction(2)), r"\bm{A}^{\odot 2}"),
    "transpose": (transposed(A), r"\bm{A}^\top"),
    "diag": (Expr("diag", (x,), N, N), r"\operatorname{diag}(\bm{x})"),
    "diagonal": (Expr("diagonal", (S,), N, ONE), r"\operatorname{diagonal}(\bm{S})"),
    "trace": (Expr("trace", (S,), ONE, ONE), r"\operatorname{tr}(\bm{S})"),
    "sum": (Expr("sum", (A,), ONE, ONE), r"\operatorname{sum}(\bm{A})"),
    "rowsum": (Expr("rowsum", (A,), M, ONE), r"\bm{A} \mathbf{1}"),
    "colsum": (Expr("colsum", (A,), ONE, N), r"\mathbf{1}^\top \bm{A}"),
    "norm": (Expr("norm", (x,), ONE, ONE), r"\lVert \bm{x} \rVert"),
    "call": (call("softmax", [x], N, ONE), r"\operatorname{softmax}(\bm{x})"),
    "slice": (Expr("slice", (A,), ONE, N, (sympy.S(0), None)), r"\bm{A}[0, {:}]"),
    "broadcast": (Expr("broadcast", (named("b", M),), M, N), r"\bm{b} \mathbf{1}^\top"),
    "jacobian": (
        local_jacobian(Variable("y", (N,)), Variable("x", (N,))),
        r"\frac{\partial \bm{y}}{\partial \bm{x}}",
    ),
    "sum_over": (
        Expr("sum_over", (A,), M, N, ("k", N, entry("A", M, N))),
        r"\sum_{k} \bm{A}",
    ),
    "index": (Expr("index", (), M, N, entry("A", M, N)), "A_{ij}"),
}
"""A form of each operator, and how it is set."""

FUNCTION_FORMS: Final[Mapping[str, str]] = {
    "exp": r"\exp(\bm{x})",
    "log": r"\log(\bm{x})",
    "log1p": r"\log(1 + \bm{x})",
    "sqrt": r"\sqrt{\bm{x}}",
    "abs": r"\lvert \bm{x} \rvert",
    "sign": r"\operatorname{sign}(\bm{x})",
    "square": r"\bm{x}^2",
    "sin": r"\sin(\bm{x})",
    "cos": r"\cos(\bm{x})",
    "tan": r"\tan(\bm{x})",
    "asin": r"\arcsin(\bm{x})",
    "acos": r"\arccos(\bm{x})",
    "atan": r"\arctan(\bm{x})",
    "sinh": r"\sinh(\bm{x})",
    "cosh": r"\cosh(\bm{x})",
    "tanh": r"\tanh(\bm{x})",
    "erf": r"\operatorname{erf}(\bm{x})",
    "sigmoid": r"\sigma(\bm{x})",
    "logistic": r"\sigma(\bm{x})",
    "softplus": r"\operatorname{softplus}(\bm{x})",
    "relu": r"\operatorname{ReLU}(\bm{x})",
    "selu": r"\operatorname{SELU}(\bm{x})",
    "gelu": r"\operatorname{GELU}(\bm{x})",
    "gelu_tanh": r"\operatorname{GELU}_{\tanh}(\bm{x})",
    "silu": r"\operatorname{SiLU}(\bm{x})",
    "mish": r"\operatorname{Mish}(\bm{x})",
    "heaviside": r"\operatorname{heaviside}(\bm{x})",
    "leaky_relu": r"\operatorname{LeakyReLU}(\bm{x}, \mathbf{slope})",
    "elu": r"\operatorname{ELU}(\bm{x}, \bm{\alpha})",
    "max": r"\max(\bm{x}, \bm{y})",
    "min": r"\min(\bm{x}, \bm{y})",
    "clip": r"\operatorname{clip}(\bm{x}, \mathbf{lo}, \mathbf{hi})",
    "where": (
        r"\begin{cases} \bm{x} & \mathbf{cond} \ne 0 \\ \bm{y} & \mathbf{cond} = 0 \end{cases}"
    ),
    "lt": r"\mathbf{1}[\bm{x} < \bm{y}]",
    "le": r"\mathbf{1}[\bm{x} \le \bm{y}]",
    "gt": r"\mathbf{1}[\bm{x} > \bm{y}]",
    "ge": r"\mathbf{1}[\bm{x} \ge \bm{y}]",
    "sum": r"\operatorname{sum}(\bm{A})",
    "mean": r"\operatorname{mean}(\bm{A})",
    "prod": r"\operatorname{prod}(\bm{A})",
    "amax": r"\max(\bm{A})",
    "amin": r"\min(\bm{A})",
    "var": r"\operatorname{var}(\bm{A})",
    "rowsum": r"\bm{A} \mathbf{1}",
    "colsum": r"\mathbf{1}^\top \bm{A}",
    "rowmean": r"\frac{1}{n} \bm{A} \mathbf{1}",
    "colmean": r"\frac{1}{m} \mathbf{1}^\top \bm{A}",
    "rowmax": r"\operatorname{rowmax}(\bm{A})",
    "colmax": r"\operatorname{colmax}(\bm{A})",
    "rowmin": r"\operatorname{rowmin}(\bm{A})",
    "colmin": r"\operatorname{colmin}(\bm{A})",
    "rowvar": r"\operatorname{rowvar}(\bm{A})",
    "colvar": r"\operatorname{colvar}(\bm{A})",
    "tr": r"\operatorname{tr}(\bm{A})",
    "det": r"\det(\bm{A})",
    "logdet": r"\log\det \bm{A}",
    "dot": r"\langle \bm{a}, \bm{b} \rangle",
    "norm2": r"\lVert \bm{x} \rVert_{\mathrm{F}}",
    "norm": r"\lVert \bm{x} \rVert_{\mathrm{F}}",
    "norm1": r"\lVert \operatorname{vec}(\bm{x}) \rVert_1",
    "norminf": r"\lVert \operatorname{vec}(\bm{x}) \rVert_\infty",
    "logsumexp": r"\operatorname{logsumexp}(\bm{v})",
    "rowlogsumexp": r"\operatorname{rowlogsumexp}(\bm{A})",
    "transpose": r"\bm{A}^\top",
    "inv": r"\bm{A}^{-1}",
    "pinv": r"\bm{A}^{+}",
    "solve": r"\bm{A}^{-1} \bm{B}",
    "cholesky": r"\operatorname{chol}(\bm{A})",
    "expm": r"\operatorname{expm}(\bm{A})",
    "expm_frechet": r"L_{\exp}(\bm{A}, \bm{E})",
    "diag": r"\operatorname{diag}(\bm{v})",
    "diagonal": r"\operatorname{diagonal}(\bm{A})",
    "outer": r"\bm{a} \bm{b}^\top",
    "kron": r"\bm{A} \otimes \bm{B}",
    "vec": r"\operatorname{vec}(\bm{A})",
    "commutation": r"\bm{K}_{mn}",
    "unvec": r"\operatorname{unvec}_{m \times n}(\bm{v})",
    "tril": r"\operatorname{tril}(\bm{A})",
    "triu": r"\operatorname{triu}(\bm{A})",
    "hcat": r"\begin{bmatrix} \bm{A} & \bm{B} \end{bmatrix}",
    "vcat": r"\begin{bmatrix} \bm{A} \\ \bm{B} \end{bmatrix}",
    "softmax": r"\operatorname{softmax}(\bm{v})",
    "log_softmax": r"\log\operatorname{softmax}(\bm{v})",
    "rowsoftmax": r"\operatorname{rowsoftmax}(\bm{A})",
    "rowlog_softmax": r"\log\operatorname{rowsoftmax}(\bm{A})",
    "affine": r"\bm{W} \bm{x} + \bm{b} \mathbf{1}^\top",
    "layernorm": r"\operatorname{layernorm}(\bm{x}, \bm{\gamma}, \bm{\beta}, \mathrm{eps})",
    "rowlayernorm": r"\operatorname{rowlayernorm}(\bm{X}, \bm{\gamma}, \bm{\beta}, \mathrm{eps})",
    "batchnorm": r"\operatorname{batchnorm}(\bm{X}, \bm{\gamma}, \bm{\beta}, \mathrm{eps})",
    "rmsnorm": r"\operatorname{rmsnorm}(\bm{x}, \bm{\gamma}, \mathrm{eps})",
    "rowrmsnorm": r"\operatorname{rowrmsnorm}(\bm{X}, \bm{\gamma}, \mathrm{eps})",
    "attention": r"\operatorname{attention}(\bm{Q}, \bm{K}, \bm{V})",
    "sse": r"\operatorname{SSE}(\bm{r})",
    "huber": r"\operatorname{huber}(\bm{r}, \delta)",
    "cross_entropy": r"\operatorname{cross\text{-}entropy}(\bm{p}, \bm{y})",
    "softmax_cross_entropy": (
        r"\operatorname{softmax\text{-}cross\text{-}entropy}(\bm{z}, \bm{y})"
    ),
    "rowsoftmax_cross_entropy": (
        r"\operatorname{rowsoftmax\text{-}cross\text{-}entropy}(\bm{Z}, \bm{Y})"
    ),
    "nll": r"\operatorname{NLL}(\mathbf{logp}, \bm{y})",
    "kl": r"\operatorname{KL}(\bm{p}, \bm{q})",
    "mse": r"\operatorname{MSE}(\bm{a}, \bm{y})",
    "mae": r"\operatorname{MAE}(\bm{a}, \bm{y})",
    "bce": r"\operatorname{BCE}(\bm{p}, \bm{y})",
    "bce_with_logits": r"\operatorname{bce\text{-}with\text{-}logits}(\bm{z}, \bm{y})",
    "hinge": r"\operatorname{hinge}(\bm{z}, \bm{y})",
}
"""Every function of the language, called with its own parameters."""


def called(name: str) -> Expr:
    """A function with its parameters as arguments, of the shapes that its signature names."""
    row = FUNCTIONS[name]
    if row.signature is None:
        return call(name, [named(parameter, N) for parameter in row.parameters], N, ONE)
    args = []
    for position, parameter in enumerate(row.parameters):
        rows, cols = row.axes(position)
        if row.is_size(position):
            args.append(Expr("constant", (), ONE, ONE, as_dim(cols)))
            continue
        shape = [size(cols)] if rows == "~" else [size(rows), size(cols)]
        while shape and shape[-1] == ONE:
            shape.pop()
        args.append(named(parameter, *shape))
    return call(name, args, *map(size, row.pattern[1]))


def size(axis: str) -> Dim:
    """An axis of a signature: ``1``, ``m``, ``m*n``, ``m+n``."""
    return sympy.sympify(axis, {letter: as_dim(letter) for letter in "mnkpqd"})


def defined(problem_text: str, name: str = "z") -> str:
    """The definition of a quantity of a problem."""
    derivation = derive(parse(problem_text.replace("; ", "\n")))
    return latex(definition_form(derivation.names[name]), style_for(derivation.names.values()))


@pytest.mark.parametrize("op", OPERATORS)
def test_every_operator(op: str) -> None:
    form, written = FORMS[op]
    assert form.op == op
    assert latex(form) == written
    assert mathml(written).startswith("<math")


def test_operators_and_functions_are_those_of_the_tables() -> None:
    assert set(FORMS) == set(OPERATORS)
    assert set(FUNCTION_FORMS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name: str) -> None:
    assert latex(called(name)) == FUNCTION_FORMS[name]
    assert mathml(FUNCTION_FORMS[name]).startswith("<math")


@pytest.mark.parametrize(
    ("problem_text", "written"),
    [
        ("A:(m,n); x:(n); z = A'*(A*x); grad sum(z) wrt x", r"\bm{A}^\top \bm{A} \bm{x}"),
        ("x:(n); y:(n); z = norm2(x - y)^2; grad z wrt x", r"\lVert \bm{x} - \bm{y} \rVert^2"),
        (
            "A:(m,n); B:(m,n); z = norm2(A - B)^2/2; grad z wrt A",
            r"\frac{1}{2} \lVert \bm{A} - \bm{B} \rVert_{\mathrm{F}}^2",
        ),
        (
            "x:(n); y:(n); z = norm2(x - y)^2/n; grad z wrt x",
            r"\frac{1}{n} \lVert \bm{x} - \bm{y} \rVert^2",
        ),
        ("A:(m,n); b:(m); X:(n,k); z = A*X + b; grad sum(z) wrt b",
         r"\bm{A} \bm{X} + \bm{b} \mathbf{1}^\top"),
        ("x:(n); z = x/norm2(x); grad sum(z) wrt x", r"\frac{\bm{x}}{\lVert \bm{x} \rVert}"),
        ("A:(n,n); x:(n); z = (x'*A*x)/(x'*x); grad z wrt x",
         r"\frac{\bm{x}^\top \bm{A} \bm{x}}{\lVert \bm{x} \rVert^2}"),
        ("x:(n); z = exp(-x/2); grad sum(z) wrt x", r"\exp\!\left( -\frac{1}{2} \bm{x} \right)"),
        ("A:(n,n); z = inv(A)'; grad sum(z) wrt A",
         r"\bm{A}^{-\top}"),
        ("A:(n,n); B:(n,n); z = inv(A + B); grad sum(z) wrt A", r"(\bm{A} + \bm{B})^{-1}"),
        ("x:(n); y:(n); z = tanh(x .* (1 - y)); grad sum(z) wrt x",
         r"\tanh\bigl( \bm{x} \odot (1 - \bm{y}) \bigr)"),
        ("x:(n); c:(); z = where(x > 0, x, c*x); grad sum(z) wrt x",
         r"\begin{cases} \bm{x} & \bm{x} > 0 \\ c \bm{x} & \bm{x} \le 0 \end{cases}"),
        ("x:(n); y:(n); z = where(x > 0, 1, 0) .* y; grad sum(z) wrt y",
         r"\bm{y} \odot \mathbf{1}[\bm{x} > 0]"),
        ("x:(n); z = 1e-05*x; grad sum(z) wrt x", r"10^{-5} \bm{x}"),
        ("x:(n); z = log(2*pi)*x; grad sum(z) wrt x", r"\log(2 \pi) \, \bm{x}"),
        ("v:(n); z = diag(v)*v; grad sum(z) wrt v", r"\bm{v}^2"),
    ],
)  # fmt: skip
def test_as_a_lecturer_sets_it(problem_text: str, written: str) -> None:
    assert defined(problem_text) == written
    mathml(written)


SPELLED_OUT = [
    "rowsum(A)", "colsum(A)", "colsum(A)'", "rowmean(A)", "colmean(A)", "A - rowmean(A)",
    "A .* colmean(A)", "A + b", "A + c'", "rowsum(A*C)", "colmean(A*C)'", "affine(A, C, b)",
    "affine(A, c, b)", "solve(S, C)", "outer(b, c)", "dot(b, b)*b", "sum(c)*c",
    "where(c > 0, 1, 0)",
    "norm2(c)*c", "A - rowsum(A)/n", "rowsum(colsum(A)*C)", "A .* (b + c')", "tr(S)*c",
]  # fmt: skip


@pytest.mark.parametrize("formula", SPELLED_OUT)
def test_what_is_spelled_out_stays_the_same(formula: str) -> None:
    """Sums, means and what is repeated, written with ones, are the same quantity."""

    def value(z: str) -> Tensor:
        return defining(z).value or defining(z)

    def defining(z: str) -> Variable:
        return derive(parse(f"{GIVEN}z = {z}\ngrad sum(z) wrt A, S, b, c, C")).names["z"]

    def everywhere(form: Expr) -> Expr:
        form = spelled_out(form)
        args = tuple(map(everywhere, form.args))
        return Expr(form.op, args, form.rows, form.cols, form.value)

    form = everywhere(definition_form(defining(formula)))
    assert value(text(form, LANGUAGE)) is value(formula)


GIVEN: Final = "A:(m,n)\nS:(n,n)\nb:(m)\nc:(n)\nC:(n,k)\n"


def test_plain_style_has_no_bold_type() -> None:
    for form, _ in FORMS.values():
        assert not re.search(r"\\(bm|mathbf|boldsymbol)\b", latex(form, PLAIN)), form


def test_shapes() -> None:
    assert latex_shape(()) == "1"
    assert latex_shape((N,)) == "n"
    assert latex_shape((as_dim(3), M + N)) == r"3 \times (m + n)"


def test_shapes_of_factors_stand_under_braces() -> None:
    assert underbraced(product([number(2), transposed(A), named("r", M)])) == (
        r"2 \underbrace{\bm{A}^\top}_{n \times m} \underbrace{\bm{r}}_{m \times 1}"
    )
    assert underbraced(hadamard([x, y])) == r"\bm{x} \odot \bm{y}"


def test_blocks_stand_in_one_matrix() -> None:
    derivation = derive(parse("A:(n,m)\nx:(n)\ny:(m)\nhessian x'*A*y wrt (x, y)"))
    (request,) = derivation.problem.requests
    form = block_form(request.of, request.wrt, derivation)
    assert latex(form) == (
        r"\begin{bmatrix} \mathbf{0} & \bm{A} \\ \bm{A}^\top & \mathbf{0} \end{bmatrix}"
    )
    rows = [[named("A", N, N), named("B", N, M)], [named("C", N, M), named("D", N, N)]]
    uneven = call("vcat", [call("hcat", row, N, N + M) for row in rows], 2 * N, N + M)
    assert latex(uneven).count("bmatrix") == 6


def test_constant_arrays_say_their_sizes() -> None:
    assert latex(number(0, M, N)) == r"\mathbf{0}_{m \times n}"
    assert latex(number(1, N, ONE)) == r"\mathbf{1}_{n}"
    assert latex(number(-3, M, N)) == r"-3 \mathbf{1}_{m} \mathbf{1}_{n}^\top"


def brackets_match(source: str) -> bool:
    """Whether braces match, and pairs that stretch do within each of them."""
    depth = [0]
    for sign in re.findall(r"\\left\b|\\right\b|\\begin|\\end|\\[a-zA-Z]+|\\.|[{}]", source):
        if sign == "{":
            depth.append(0)
        elif sign == "}":
            if depth.pop() or not depth:
                return False
        elif sign in (r"\left", r"\begin"):
            depth[-1] += 1
        elif sign in (r"\right", r"\end"):
            depth[-1] -= 1
            if depth[-1] < 0:
                return False
    return depth == [0]


def forms_of(derivation: Derivation) -> Iterator[Expr]:
    """The forms on the board and in the answers."""
    for sweep in derivation.sweeps:
        yield from (written_form(variable, derivation) for variable in sweep.forward)
        for step in board(sweep):
            yield from (form for row in step.rows for form in row.forms)
    yield from (closed_form(result, derivation) for result in derivation.results)


def tensors_of(derivation: Derivation) -> Iterator[Tensor]:
    for sweep in derivation.sweeps:
        yield from (v.value for v in sweep.forward if v.value is not None)
        for step in board(sweep):
            yield from (tensor for row in step.rows for tensor in row.tensors)


@pytest.mark.parametrize("kind", ["gradients", "matrices"])
@pytest.mark.parametrize("offset", range(8))
def test_random_derivations(offset: int, kind: str, seed: int) -> None:
    """What is derived of random problems is set, in either notation, its brackets in pairs."""
    task = problem(1000 * seed + offset, kind)
    try:
        derivation = derive(parse(str(task)))
    except DeriveError:
        return
    style = style_for(derivation.names.values())
    written = [latex(form, style) for form in forms_of(derivation)]
    written += [latex_indexed(tensor, style) for tensor in tensors_of(derivation)]
    assert written
    for source in written:
        assert source.isascii(), source
        assert brackets_match(source), source
        mathml(source)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdfLaTeX")
@pytest.mark.parametrize("style", [BOLD, PLAIN], ids=["bold", "plain"])
def test_everything_is_set_by_pdflatex(style: LatexStyle, tmp_path: Path) -> None:
    """All operators, functions and laws in one document, without a warning."""
    forms = [form for form, _ in FORMS.values()] + [called(name) for name in FUNCTIONS]
    lines = [rf"\[ {latex(form, style)} \]" for form in forms]
    lines += [latex_statement(words, style) + "\n" for words in tables() if words]
    head = r"\documentclass{article}\usepackage{amsmath,mathtools,bm}\begin{document}\sloppy"
    document = tmp_path / "all.tex"
    document.write_text("\n".join([head, *lines, r"\end{document}"]))
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert not re.search(r"^!|Overfull|Warning: (?!.*[Ff]ont)", run.stdout, re.M), run.stdout
