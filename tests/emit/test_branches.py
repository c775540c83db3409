"""Choices whose other branch lies outside its domain: right everywhere, and without a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.verify import judge_functions

POINTS = np.array([-3.0, -0.5, 0.25, 2.0, 900.0])

CASES: dict[str, tuple[str, Callable[[float], float], Callable[[float], float]]] = {
    "root": (
        "where(x > 0, sqrt(x), x)",
        lambda x: np.sqrt(x) if x > 0 else x,
        lambda x: 0.5 / np.sqrt(x) if x > 0 else 1.0,
    ),
    "two roots": (
        "where(x > 0, sqrt(x), sqrt(-x))",
        lambda x: np.sqrt(abs(x)),
        lambda x: 0.5 / np.sqrt(abs(x)) * np.sign(x),
    ),
    "logarithm": (
        "where(x <= 0, x.^2, log(x))",
        lambda x: x**2 if x <= 0 else np.log(x),
        lambda x: 2 * x if x <= 0 else 1 / x,
    ),
    "overflow": (
        "where(x < 5, exp(x), x)",
        lambda x: np.exp(x) if x < 5 else x,
        lambda x: np.exp(x) if x < 5 else 1.0,
    ),
    "quotient": (
        "where(x > 0, 1 ./ sqrt(x), 0)",
        lambda x: 1 / np.sqrt(x) if x > 0 else 0.0,
        lambda x: -0.5 * x**-1.5 if x > 0 else 0.0,
    ),
    "nested": (
        "where(x > 0, where(x > 1, log(x - 1/2), sqrt(x)), 0)",
        lambda x: (np.log(x - 0.5) if x > 1 else np.sqrt(x)) if x > 0 else 0.0,
        lambda x: (1 / (x - 0.5) if x > 1 else 0.5 / np.sqrt(x)) if x > 0 else 0.0,
    ),
    "product of branches": (
        "where(x > 0, sqrt(x), 1) .* where(x > 0, log(x), x)",
        lambda x: np.sqrt(x) * np.log(x) if x > 0 else x,
        lambda x: 0.5 * np.log(x) / np.sqrt(x) + 1 / np.sqrt(x) if x > 0 else 1.0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_entry_by_entry(name: str, generate: Any) -> None:
    formula, value, slope = CASES[name]
    module = generate(f"x : (n)\nJ = sum({formula})\ngrad J wrt x")
    found, (gradient,) = module.value_and_grad_J(x=POINTS)
    np.testing.assert_allclose(found, sum(map(value, POINTS)), rtol=1e-13)
    np.testing.assert_allclose(gradient, list(map(slope, POINTS)), rtol=1e-13)
    np.testing.assert_array_equal(module.grad_J_x(x=POINTS), gradient)


@pytest.mark.parametrize("name", CASES)
def test_of_a_number(name: str, generate: Any) -> None:
    formula, value, slope = CASES[name]
    module = generate(f"x : ()\nJ = {formula}\ngrad J wrt x")
    for point in POINTS:
        found, (gradient,) = module.value_and_grad_J(x=point)
        assert found == pytest.approx(value(point), rel=1e-13)
        assert gradient == pytest.approx(slope(point), rel=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_a_branch_that_has_a_name(name: str, generate: Any) -> None:
    """The forward pass computes the branch everywhere, but nothing of it is sent back."""
    formula, _, slope = CASES[name]
    module = generate(f"x : (n)\ny = {formula}\nJ = 2*sum(y)\ngrad J wrt x")
    gradient = module.grad_J_x(x=POINTS)
    np.testing.assert_allclose(gradient, [2 * slope(x) for x in POINTS], rtol=1e-13)


def test_a_root_that_has_a_name(generate: Any) -> None:
    module = generate("x : (n)\nr = sqrt(x)\nJ = sum(where(x > 0, r, x))\ngrad J wrt x")
    with np.errstate(invalid="ignore"):
        gradient = module.grad_J_x(x=POINTS)
    np.testing.assert_allclose(gradient, list(map(CASES["root"][2], POINTS)), rtol=1e-13)


def test_behind_a_matrix(generate: Any, seed: int) -> None:
    module = generate(
        "A : (m, n)\nx : (n)\nc : (m)\nz = A*x\nJ = sum(c .* where(z > 0, log(z), z.^2))\n"
        "grad J wrt A, x, c"
    )
    functions = {"value_and_grad_J": module.value_and_grad_J}
    report = judge_functions(module.problem, functions, seed=seed)
    assert report.passed, str(report)


def test_an_indicator_of_a_number(generate: Any) -> None:
    module = generate("c : ()\nx : (n)\nJ = where(c > 0, log(c)*sum(x), 2*sum(x))\ngrad J wrt c, x")
    for c in (-1.0, 3.0):
        value, gradients = module.value_and_grad_J(c=c, x=np.ones(2))
        assert value == pytest.approx(2 * np.log(c) if c > 0 else 4.0)
        assert gradients.c == pytest.approx(2 / c if c > 0 else 0.0)
        assert gradients.x == pytest.approx(np.log(c) if c > 0 else 2.0)


@pytest.mark.parametrize(
    ("formula", "guarded"),
    [("where(x > 0, sqrt(x), x)", True), ("where(x > 0, x.^2, x)", False), ("elu(x, 1)", False)],
)
def test_only_what_may_leave_its_domain_is_silenced(
    formula: str, guarded: bool, generate: Any
) -> None:
    module = generate(f"x : (n)\nJ = sum({formula})\ngrad J wrt x")
    assert ("errstate" in module.text) == guarded


def test_plain_indicators_stay_factors(generate: Any) -> None:
    module = generate("W:(m,n)\nx:(n)\nc:(m)\na = relu(W*x)\nJ = c'*tanh(a)\ngrad J wrt W")
    assert "np.where" not in module.body("value_and_grad_J")
