"""Formulas in pieces that fit on a line, and how wide they are."""

from __future__ import annotations

import re

import math_core
import pytest

from derive.calculus.chain_rule import derive
from derive.emit.latex import broken, broken_source, latex, latex_indexed, style_for, width
from derive.errors import DeriveError
from derive.language import parse
from derive.notation.board import definition_form
from tests.emit.test_latex_formulas import forms_of, tensors_of
from tests.oracle.problems import problem

converter = math_core.LatexToMathML()


def pieces(problem_text: str, room: int) -> tuple[str, ...]:
    """The definition of z, in pieces."""
    derivation = derive(parse(problem_text.replace("; ", "\n")))
    form = definition_form(derivation.names["z"])
    return broken(form, style_for(derivation.names.values()), room)


def signs(source: str) -> str:
    """What is said in a formula: without space, sizes of brackets and signs that begin a line."""
    bare = re.sub(r"\\(left|right|[bB]igg?[lr]|quad|cdot|,|!)(?![a-zA-Z])", "", source)
    return re.sub(r"\s+|\{\}", "", bare)


def test_what_fits_is_one_piece() -> None:
    assert pieces("A:(n,n); x:(n); z = A*x + x; grad sum(z) wrt x", 60) == (
        r"\bm{A} \bm{x} + \bm{x}",
    )


@pytest.mark.parametrize(
    ("problem_text", "room", "written"),
    [
        (
            "A:(n,n); B:(n,n); C:(n,n); x:(n); z = A*B*x + B*C*x - C*A*x; grad sum(z) wrt x",
            14,
            (r"\bm{A} \bm{B} \bm{x} + \bm{B} \bm{C} \bm{x}", r"{}- \bm{C} \bm{A} \bm{x}"),
        ),
        (
            "A:(n,n); B:(n,n); x:(n); y:(n); z = A*(A*x + B*x + A*y + B*y); grad sum(z) wrt x",
            15,
            (
                r"\bm{A} (\bm{A} \bm{x} + \bm{A} \bm{y}",
                r"\quad {}+ \bm{B} \bm{x} + \bm{B} \bm{y})",
            ),
        ),
        (
            "A:(n,n); B:(n,n); C:(n,n); D:(n,n); x:(n); z = A*B*C*D*A*B*C*D*x; grad sum(z) wrt x",
            11,
            (
                r"\bm{A} \bm{B} \bm{C} \bm{D} \bm{A} \bm{B}",
                r"\quad {}\cdot \bm{C} \bm{D} \bm{x}",
            ),
        ),
        (
            "a:(n); b:(n); c:(n); z = a .* tan(b) .* tan(c) .* tan(a); grad sum(z) wrt a",
            18,
            (
                r"\bm{a} \odot \tan(\bm{a}) \odot \tan(\bm{b})",
                r"\quad {}\odot \tan(\bm{c})",
            ),
        ),
    ],
)
def test_where_a_person_breaks(problem_text: str, room: int, written: tuple[str, ...]) -> None:
    found = pieces(problem_text, room)
    assert found == written
    assert all(width(piece) <= room for piece in found)


def test_sources_are_broken_at_their_signs() -> None:
    assert broken_source(r"a_i + \frac{1}{2} \left( b_i - \sum_j c_{ij} \right)", 9) == (
        "a_i",
        r"{}+ \frac{1}{2} \biggl( b_i",
        r"\quad {}- \sum_j c_{ij} \biggr)",
    )
    assert broken_source(r"\bm{A}[i + 1, {:}] + \bm{B}", 9) == (
        r"\bm{A}[i + 1, {:}]",
        r"{}+ \bm{B}",
    )


@pytest.mark.parametrize("offset", range(6))
def test_nothing_is_lost_and_lines_fit(offset: int, seed: int) -> None:
    """Of what is derived of random problems, in matrix and in index notation."""
    wide = long = 0
    for kind in ("gradients", "matrices"):
        try:
            derivation = derive(parse(str(problem(1000 * seed + offset, kind))))
        except DeriveError:
            continue
        style = style_for(derivation.names.values())
        found = [(latex(form, style), broken(form, style, 40)) for form in forms_of(derivation)]
        for tensor in tensors_of(derivation):
            source = latex_indexed(tensor, style)
            found.append((source, broken_source(source, 40)))
        for source, lines in found:
            inner = r" \\ & ".join(lines)
            converter.convert_with_local_state(
                rf"\begin{{aligned}} & {inner} \end{{aligned}}", displaystyle=True
            )
            if len(lines) == 1:
                continue
            assert signs("".join(lines)) == signs(source)
            long += len(lines)
            wide += sum(width(line) > 44 for line in lines)
    assert wide <= 0.1 * long


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("x", "m"),
        ("x", "X"),
        (r"\frac{abcd}{ef}", "abcdef"),
        (r"x_{ab}", "xab"),
        (r"x_{ab}^{cd}", "x_{abcd}"),
        (r"\bm{x}", r"\bm{x}\bm{y}"),
        (r"\operatorname{softmax}(x)", r"\operatorname{softmax}(x) + y"),
        (r"\begin{bmatrix} a \\ b \end{bmatrix}", r"\begin{bmatrix} a & b \end{bmatrix}"),
        (r"\underbrace{x}_{n}", r"\underbrace{x}_{n \times m}"),
    ],
)
def test_widths_are_those_of_what_is_set(narrow: str, wide: str) -> None:
    assert 0 < width(narrow) < width(wide)
