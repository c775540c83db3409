"""Laws in words, and index notation, as LaTeX."""

from __future__ import annotations

import re

import math_core
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.rules import RULES
from derive.emit.latex import (
    BOLD,
    PLAIN,
    latex_indexed,
    latex_math,
    latex_statement,
    plain_statement,
    style_for,
)
from derive.emit.reasons import STATEMENTS, reason_words
from derive.emit.words import Signs
from derive.language import parse
from derive.notation.board import board
from derive.tensor.facts import Reason
from tests.emit.phrases import tables

converter = math_core.LatexToMathML()
MATHEMATICS = re.compile(r"\$([^$]*)\$")

EVERY = sorted({phrase for phrase in tables() if "$" in phrase})


@pytest.mark.parametrize("phrase", EVERY)
@pytest.mark.parametrize("style", [BOLD, PLAIN], ids=["bold", "plain"])
def test_every_phrase_of_the_tables(phrase: str, style: object) -> None:
    """Each formula in a phrase is one that MathML can be made of, and nothing in it is lost."""
    filled = re.sub(r"\{\w+\}", "v", phrase)
    written = latex_statement(filled, style)
    assert written.isascii() and r"\text{?}" not in written
    assert len(MATHEMATICS.findall(written)) == len(MATHEMATICS.findall(filled))
    for formula in MATHEMATICS.findall(written):
        assert "?" not in formula
        converter.convert_with_local_state(formula, displaystyle=False)


def test_there_are_phrases() -> None:
    assert len(EVERY) > 80
    assert {rule.statement for rule in RULES.values() if "=" in rule.statement} <= set(EVERY)


@pytest.mark.parametrize("law", sorted(STATEMENTS))
def test_identities_by_which_functions_are_recognised(law: str) -> None:
    (words,) = reason_words(Reason(law))
    formulas = [piece for piece in words if isinstance(piece, Signs)]
    assert formulas
    for piece in formulas:
        written = latex_math(piece.text)
        assert written.isascii() and "?" not in written
        converter.convert_with_local_state(written, displaystyle=False)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("$Z = W A$:  $W̄ = Z̄ Aᵀ$",
         r"$\bm{Z} = \bm{W} \bm{A}$:  $\bar{\bm{W}} = \bar{\bm{Z}} \bm{A}^\top$"),
        ("$d‖r‖² = 2 rᵀ dr$",
         r"$\mathrm{d}\lVert\bm{r}\rVert^2 = 2 \bm{r}^\top \, \mathrm{d}\bm{r}$"),
        ("$z = aᵀ x$:  $x̄ = z̄ a$",
         r"$z = \bm{a}^\top \bm{x}$:  $\bar{\bm{x}} = \bar{z} \bm{a}$"),
        ("$z = … + b$:  $b̄ = z̄$",
         r"$\bm{z} = \dots + \bm{b}$:  $\bar{\bm{b}} = \bar{\bm{z}}$"),
        ("$√′(x) = 1/(2 √x)$", r"$(\sqrt{x})' = 1/(2 \sqrt{x})$"),
        ("$tan′(x) = 1 + tan²(x)$", r"$\tan'(x) = 1 + \tan^2(x)$"),
        ("$erf′(x) = (2/√π) exp(−x²)$",
         r"$\operatorname{erf}'(x) = (2/\sqrt{\pi}) \exp(-x^2)$"),
        ("$relu′(x) = 1[x > 0]$", r"$\operatorname{ReLU}'(x) = \mathbf{1}[x > 0]$"),
        ("softmax: $∂p/∂z = diag(p) − p pᵀ$",
         r"softmax: $\partial\bm{p}/\partial\bm{z} = \operatorname{diag}(\bm{p}) - "
         r"\bm{p} \bm{p}^\top$"),
        ("$dX⁻¹ = −X⁻¹ dX X⁻¹$",
         r"$\mathrm{d}(\bm{X}^{-1}) = -\bm{X}^{-1} \, \mathrm{d}\bm{X} \, \bm{X}^{-1}$"),
        ("$∂ det X/∂X[i,j] = C[i,j] = det(X) X⁻¹[j,i]$",
         r"$\partial \det \bm{X}/\partial X_{ij} = C_{ij} = \det(\bm{X}) (\bm{X}^{-1})_{ji}$"),
        ("$∂/∂x[j] Π_i x[i] = Π_{i≠j} x[i]$",
         r"$\partial/\partial x_j \, \prod_i x_i = \prod_{i\ne j} x_i$"),
        ("$|x|′ = sign(x)$", r"$\lvert x\rvert' = \operatorname{sign}(x)$"),
        ("$inv(inv(X)) = X$", r"$(\bm{X}^{-1})^{-1} = \bm{X}$"),
        ("100% of $x_$", r"100\% of $x\_$"),
    ],
)  # fmt: skip
def test_as_they_are_set(words: str, written: str) -> None:
    assert latex_statement(words) == written


def test_marks_stand_above_greek_letters_and_nowhere_alone() -> None:
    assert latex_math("β\u0304 = 2 γ\u0302\u0304") == r"\bar{\beta} = 2 \bar{\hat{\gamma}}"
    assert latex_math("1\u0304 + 2") == "1 + 2"


def test_letters_mean_the_same_in_a_whole_phrase() -> None:
    """That y is a vector is shown by its transpose, elsewhere in the phrase."""
    assert latex_statement("$∂y/∂x = y yᵀ/s$, $y$ the value, $s$ the deviation").endswith(
        r"$\bm{y}$ the value, $s$ the deviation"
    )


def test_terminals_have_no_dollar_signs() -> None:
    assert plain_statement("$Z = W A$:  $W̄ = Z̄ Aᵀ$") == "Z = W A:  W̄ = Z̄ Aᵀ"


INDEXED = [
    ("A:(m,n); x:(n); z = A*x; grad sum(z) wrt x", "z", r"\sum_j A_{ij} x_j"),
    ("W1:(m,n); x:(n); z = W1*x; grad sum(z) wrt x", "z", r"\sum_j (W_1)_{ij} x_j"),
    ("x:(n); z = norm2(x)^2/n; grad z wrt x", "z", r"\frac{1}{n} \sum_i x_i^2"),
    ("x:(n); y:(n) positive; z = sum(x ./ y); grad z wrt x", "z", r"\sum_i \frac{x_i}{y_i}"),
    ("x:(n); z = softmax(x); grad sum(z) wrt x", "z", r"\operatorname{softmax}(\bm{x})_i"),
    ("A:(n,n); z = inv(A); grad sum(z) wrt A", "z", r"(\bm{A}^{-1})_{ij}"),
    ("A:(n,n) positive_definite; z = logdet(A); grad z wrt A", "z", r"\log\det \bm{A}"),
    ("x:(n); z = max(x, 1e-05); grad sum(z) wrt x", "z", r"\max(10^{-5}, x_i)"),
    ("x:(n); z = norm2(x); grad z wrt x", "z", r"\sqrt{\sum_i x_i^2}"),
    ("x:(n); c:(); z = where(x > c, x, c); grad sum(z) wrt x", "z",
     r"\begin{cases} x_i & x_i > c \\ c & x_i \le c \end{cases}"),
    ("A:(m,m); x:(m); z = x/(m*m)^2; grad sum(z) wrt x", "z", r"\frac{x_i}{m^4}"),
    ("sigma2:() positive; x:(n); z = sigma2^2*x; grad sum(z) wrt x", "z",
     r"(\sigma^2)^2 x_i"),
    ("A:(n,n) positive_definite; z = logdet(A)^2; grad z wrt A", "z", r"(\log\det \bm{A})^2"),
    ("A:(n,n); z = tril(A); grad sum(z) wrt A", "z", r"\mathbf{1}[i \ge j] A_{ij}"),
    ("A:(n,n); c:(); z = A + c*I(n); grad sum(z) wrt A", "z", r"c \delta_{ij} + A_{ij}"),
]  # fmt: skip


@pytest.mark.parametrize(("problem_text", "name", "written"), INDEXED)
def test_index_notation(problem_text: str, name: str, written: str) -> None:
    derivation = derive(parse(problem_text.replace("; ", "\n")))
    value = derivation.names[name].value
    assert value is not None
    assert latex_indexed(value, style_for(derivation.names.values())) == written
    converter.convert_with_local_state(written, displaystyle=True)


def test_index_notation_of_a_derivation() -> None:
    derivation = derive(parse("A:(m,n)\nx:(n)\nb:(m)\ngrad norm2(A*x - b)^2/2 wrt x"))
    found = {
        latex_indexed(tensor)
        for sweep in derivation.sweeps
        for step in board(sweep)
        for row in step.rows
        for tensor in row.tensors
    }
    assert found == {"r_i", r"\sum_j \bar{r}_j A_{ji}"}


def test_letters_are_those_that_are_asked_for() -> None:
    tensor = derive(parse("A:(m,n)\nx:(n)\nz = A*x\ngrad sum(z) wrt x")).names["z"].value
    assert tensor is not None
    assert latex_indexed(tensor, PLAIN, "k") == r"\sum_i A_{ki} x_i"
