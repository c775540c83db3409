"""Names as LaTeX: subscripts, accents, Greek letters, and nothing that TeX would act on."""

from __future__ import annotations

import re

import math_core
import pytest

from derive.emit.latex import (
    BOLD,
    PLAIN,
    escaped,
    latex,
    latex_dim,
    latex_name,
    latex_statement,
    style_for,
)
from derive.notation.expression import call, symbol
from derive.shapes import ONE, Shape, as_dim
from derive.tensor.nodes import Variable

N = as_dim("n")
SCALAR: Shape = ()
VECTOR: Shape = (N,)
MATRIX: Shape = (N, N)

ROWS = [
    ("x", VECTOR, r"\bm{x}", "x"),
    ("J", SCALAR, "J", "J"),
    ("W1", MATRIX, r"\bm{W}_1", "W_1"),
    ("W12", MATRIX, r"\bm{W}_{12}", "W_{12}"),
    ("W_1", MATRIX, r"\bm{W}_1", "W_1"),
    ("W_out", MATRIX, r"\bm{W}_{\mathrm{out}}", r"W_{\mathrm{out}}"),
    ("W_out1", MATRIX, r"\bm{W}_{\mathrm{out}_1}", r"W_{\mathrm{out}_1}"),
    ("a_1_2", SCALAR, "a_{1,2}", "a_{1,2}"),
    ("WQ", MATRIX, r"\bm{W}_Q", "W_Q"),
    ("x_hat", VECTOR, r"\hat{\bm{x}}", r"\hat{x}"),
    ("mu_hat2", VECTOR, r"\hat{\bm{\mu}}_2", r"\hat{\mu}_2"),
    ("W1_hat", MATRIX, r"\hat{\bm{W}}_1", r"\hat{W}_1"),
    ("z_tilde", VECTOR, r"\tilde{\bm{z}}", r"\tilde{z}"),
    ("out_hat", VECTOR, r"\widehat{\mathbf{out}}", r"\widehat{\mathrm{out}}"),
    ("lambda", SCALAR, r"\lambda", r"\lambda"),
    ("theta1", VECTOR, r"\bm{\theta}_1", r"\theta_1"),
    ("α2", SCALAR, r"\alpha_2", r"\alpha_2"),
    ("Δx", VECTOR, r"\bm{\Delta x}", r"\Delta x"),
    ("ell", SCALAR, r"\ell", r"\ell"),
    ("loss", SCALAR, r"\mathrm{loss}", r"\mathrm{loss}"),
    ("logits", VECTOR, r"\mathbf{logits}", r"\mathrm{logits}"),
    ("log_p", VECTOR, r"\mathbf{log\_p}", r"\mathrm{log\_p}"),
    ("x_bar", VECTOR, r"\bm{x}_{\mathrm{bar}}", r"x_{\mathrm{bar}}"),
    ("x__y", SCALAR, r"\mathrm{x\_\_y}", r"\mathrm{x\_\_y}"),
    ("é", VECTOR, r"\acute{\bm{e}}", r"\acute{e}"),
    ("变", VECTOR, r"\mathbf{u53d8}", r"\mathrm{u53d8}"),
]


@pytest.mark.parametrize(("name", "shape", "bold", "plain"), ROWS)
def test_names(name: str, shape: Shape, bold: str, plain: str) -> None:
    variable = Variable(name, shape)
    assert latex_name(variable, BOLD) == bold
    assert latex_name(variable, PLAIN) == plain
    math_core.LatexToMathML().convert_with_local_state(bold, displaystyle=False)


@pytest.mark.parametrize(
    ("name", "shape", "written"),
    [
        ("z2_bar", VECTOR, r"\bar{\bm{z}}_2"),
        ("J_bar", SCALAR, r"\bar{J}"),
        ("x_hat_bar", VECTOR, r"\bar{\hat{\bm{x}}}"),
        ("loss_bar", SCALAR, r"\overline{\mathrm{loss}}"),
        ("x_bar_bar", VECTOR, r"\bar{\bm{x}}_{\mathrm{bar}}"),
    ],
)
def test_adjoints_have_a_bar(name: str, shape: Shape, written: str) -> None:
    assert latex_name(Variable(name, shape, role="adjoint")) == written


def test_jacobians_are_quotients() -> None:
    name = "∂z2/∂x"
    assert latex_name(Variable(name, MATRIX, role="jacobian")) == (
        r"\frac{\partial \bm{z}_2}{\partial \bm{x}}"
    )
    row = Variable("∂J/∂x", VECTOR, role="jacobian", row=True)
    assert latex_name(row) == r"\frac{\partial J}{\partial \bm{x}}"


def test_letters_of_any_script_where_they_can_be_set() -> None:
    style = style_for([], BOLD).__class__(every_letter=True)
    assert latex_name(Variable("变", VECTOR), style) == r"\mathbf{\text{变}}"


@pytest.mark.parametrize(
    "name",
    [
        "x_{\\input{/etc/passwd}}",
        "%",
        "\\write18",
        "a#b",
        "$x$",
        "a^^5e",
        "x&y",
        "~",
        "{",
        "}",
        "'",
    ],
)
def test_nothing_in_a_name_is_a_command(name: str) -> None:
    """Names come from the language, which has no such signs, or through Python."""
    for style in (BOLD, PLAIN):
        for role in ("given", "adjoint"):
            written = latex_name(Variable(name, VECTOR, role=role), style)
            commands = set(re.findall(r"\\([a-zA-Z]+|.)", written))
            assert commands <= {"bm", "mathbf", "mathrm", "_", "bar", "overline"}, written
            assert re.fullmatch(r"[A-Za-z0-9\\{}_,]*", written), written


def test_no_two_names_look_the_same() -> None:
    names = ("W1", "W_1", "x_hat", "x_hat_1", "x1_hat", "alpha", "变", "量", "WQ", "W_Q")
    variables = [Variable(name, MATRIX) for name in names]
    style = style_for(variables)
    assert len({latex_name(variable, style) for variable in variables}) == len(names)
    assert latex_name(variables[0], style) == r"\bm{W}_1"
    assert latex_name(variables[1], style) == r"\mathbf{W\_1}"


def test_letters_behind_a_letter_are_subscripts_beside_a_matrix_that_has_them() -> None:
    gate = Variable("bf", VECTOR)
    assert latex_name(gate, style_for([gate, Variable("Wf", MATRIX)])) == r"\bm{b}_f"
    assert latex_name(gate, style_for([gate, Variable("Wg", MATRIX)])) == r"\mathbf{bf}"


def test_a_variance_is_a_square_where_no_other_sigma_is() -> None:
    variance = Variable("sigma2", SCALAR)
    style = style_for([variance])
    assert latex_name(variance, style) == r"\sigma^2"
    adjoint = Variable("sigma2_bar", SCALAR, role="adjoint")
    assert latex_name(adjoint, style) == r"\overline{\sigma^2}"
    assert latex_name(variance, style_for([variance, Variable("sigma1", SCALAR)])) == r"\sigma_2"
    assert latex_name(variance, style_for([variance, Variable("sigma", SCALAR)])) == r"\sigma_2"


def test_the_sigmoid_is_a_word_beside_a_sigma() -> None:
    sigma, x = Variable("sigma", SCALAR), Variable("x", VECTOR)
    form = call("sigmoid", [symbol(x, N, ONE)], N, ONE)
    law = "$σ′(x) = σ(x) (1 − σ(x))$"
    assert latex(form, style_for([x])) == r"\sigma(\bm{x})"
    assert latex_statement(law, style_for([x])).startswith(r"$\sigma'(x)")
    assert latex(form, style_for([sigma, x])) == r"\operatorname{sigmoid}(\bm{x})"
    assert latex_statement(law, style_for([sigma, x])).startswith(r"$\operatorname{sigmoid}'(x)")


def test_sizes() -> None:
    m, k = as_dim("m"), as_dim("d_k")
    assert [latex_dim(dim) for dim in (N, m * N, N + 1, k, N**2)] == [
        "n", "m n", "n + 1", "d_k", "n^{2}",
    ]  # fmt: skip


def test_text_is_escaped() -> None:
    assert escaped("100% of $x_1$ & {a} \\write18 ~ ^ # <b>") == (
        r"100\% of \$x\_1\$ \& \{a\} \textbackslash{}write18 \textasciitilde{} "
        r"\textasciicircum{} \# \textless{}b\textgreater{}"
    )
    assert escaped("é Ä “x” – α") == r"\'{e} \"{A} ``x'' -- $\alpha$"
    assert escaped("变\x00").isascii()
