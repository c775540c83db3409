"""Gradients of products where a factor is 0: what is written as 0/0 has the value of its limit."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

from derive.shapes import as_dim
from derive.verify import Claim, judge
from derive.vocabulary import Expression, call, hadamard_divide, multiply

n = as_dim("n")


def product_of_onehot(paper: Any) -> Expression:
    """prod(x) ./ x, for an x all but one of whose entries are 0."""
    x = paper.given("x", n, facts="onehot")
    f = paper.define("f", call("prod", x))
    return hadamard_divide(f, x)


def test_a_product_with_zeros_has_the_gradient_that_is_its_limit(paper: Any, seed: int) -> None:
    gradient = product_of_onehot(paper)
    claims = [Claim("f", "x", "x_bar", (gradient,), "df/dx")]
    report = judge(paper.problem, claims, seed=seed, points=6)
    assert report.passed, str(report)
    assert report.points > 3


@pytest.mark.parametrize("factor", [sympy.Float("1.0005"), -1, 0])
def test_an_error_in_what_has_a_limit_is_caught(paper: Any, seed: int, factor: Any) -> None:
    wrong = multiply(sympy.sympify(factor), product_of_onehot(paper))
    claims = [Claim("f", "x", "x_bar", (wrong,), "df/dx")]
    report = judge(paper.problem, claims, seed=seed, points=6)
    assert not report.passed


def test_what_has_no_limit_is_not_finite(paper: Any) -> None:
    x = paper.given("x", n, facts="onehot")
    f = paper.define("f", call("prod", x))
    twice = hadamard_divide(hadamard_divide(f, x), x)
    report = judge(paper.problem, [Claim("f", "x", "x_bar", (twice,), "df/dx")])
    assert "the value is not finite" in report.failures[0].problem


def test_a_product_that_is_0_by_its_form(paper: Any, seed: int) -> None:
    """The Cholesky factor has zeros at every point, and its definition is a step before."""
    matrix = paper.given("H", n, n, facts="positive_definite")
    factor = paper.define("L", call("cholesky", matrix))
    f = paper.define("f", call("prod", factor))
    claims = [Claim("f", "L", "L_bar", (hadamard_divide(f, factor),), "df/dL")]
    report = judge(paper.problem, claims, seed=seed)
    assert report.passed, str(report)
