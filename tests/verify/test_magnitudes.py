"""Values too large, too small or too near to an edge to be compared: never passed in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Inverse, OneMatrix

from derive.shapes import as_dim
from derive.verify import judge_functions
from derive.verify.comparison import Bench, Slopes
from derive.verify.differences import Direction
from derive.verify.evaluation import Noise, evaluate
from derive.verify.program import Program
from derive.verify.sampling import Point
from derive.vocabulary import add, call, divide, hadamard, hadamard_power, multiply, negate, power

n, m = as_dim("n"), as_dim("m")
TOO_SMALL = "too small for floating-point numbers at every point, so that nothing was compared"


@pytest.mark.parametrize("exponent", [500, 5000])
def test_large_powers(paper: Any, exponent: int, seed: int) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", hadamard_power(x, sympy.Integer(exponent))))
    right = multiply(sympy.S(exponent), hadamard_power(x, sympy.Integer(exponent - 1)))
    report = paper.check("x", right, seed=seed)
    assert report.passed, str(report)
    assert report.points == 5
    for wrong in (negate(right), multiply(sympy.Float("1.000001"), right), hadamard(x, right)):
        assert not paper.check("x", wrong, seed=seed).passed


def test_a_power_beyond_all_numbers_is_not_checked(paper: Any, seed: int) -> None:
    x, exponent = paper.given("x", "n"), sympy.Integer(99999999999999)
    paper.define("J", power(call("sum", x), exponent))
    right = multiply(exponent * power(call("sum", x), exponent - 1), OneMatrix(n, 1))
    for line in (right, negate(right)):
        (failure,) = paper.check("x", line, seed=seed).failures
        assert failure.kind == "domain"
        assert "for floating-point numbers" in failure.problem


@pytest.mark.parametrize("factor", ["1e-270", "1e-300", "1e-320"])
def test_a_derivative_that_is_too_small_is_not_checked(paper: Any, factor: str) -> None:
    x = paper.given("x", "n")
    small = sympy.Float(factor)
    paper.define("J", add(sympy.S(1), multiply(small, call("sum", x))))
    ones = OneMatrix(n, 1)
    for line in (multiply(small, ones), multiply(-7 * small, ones), sympy.ZeroMatrix(n, 1)):
        (failure,) = paper.check("x", line).failures
        assert failure.problem == TOO_SMALL
        assert failure.kind == "domain"
    (failure,) = paper.check("x", ones).failures
    assert failure.kind == "gradient"


def test_what_underflows_is_not_taken_for_zero(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", add(sympy.S(1), sympy.exp(-1000 - call("sse", x))))
    (failure,) = paper.check("x", sympy.ZeroMatrix(n, 1)).failures
    assert failure.problem == TOO_SMALL
    assert not paper.check("x", x).passed


def test_points_at_which_one_term_underflows_are_passed_over(paper: Any, seed: int) -> None:
    x, y = paper.given("x", "n"), paper.given("y", "n")
    paper.define("J", add(call("sum", y), call("sum", hadamard_power(x, sympy.Integer(900)))))
    right = multiply(sympy.S(900), hadamard_power(x, sympy.Integer(899)))
    report = paper.check("x", right, seed=seed)
    assert report.passed, str(report)
    assert not paper.check("x", multiply(sympy.S(2), right), seed=seed).passed


def test_code_whose_values_are_too_small_is_not_checked(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", add(sympy.S(1), multiply(sympy.Float("1e-300"), call("sum", x))))
    paper.ask("J", "x")
    found = judge_functions(paper.problem, {"grad_J_x": lambda x: np.full(len(x), 2e-300)})
    (failure,) = found.failures
    assert failure.problem == TOO_SMALL


def test_a_zero_at_every_point_is_said(paper: Any) -> None:
    x = paper.given("x", "n")
    beyond = add(x, multiply(sympy.S(-(10**6)), OneMatrix(n, 1)))
    paper.define("J", call("sum", call("relu", beyond)))
    report = paper.check("x", call("gt", beyond, sympy.S(0)))
    assert report.passed
    assert report.notes == ("grad J wrt x: the derivative is 0 at every point that was drawn",)
    assert paper.check("x", sympy.ZeroMatrix(n, 1)).notes == ()
    assert not paper.check("x", x).passed


def test_zeros_at_some_points_are_not_worth_a_note(paper: Any) -> None:
    w, x = paper.given("w", "n"), paper.given("x", "n")
    inner = multiply(sympy.Transpose(w), x)
    paper.define("J", call("relu", inner))
    report = paper.check("w", multiply(call("gt", inner, sympy.S(0)), x))
    assert report.passed and report.notes == ()


def test_a_definition_that_overflows_is_drawn_anew(paper: Any, seed: int) -> None:
    x = paper.given("x", "n")
    z = paper.define("z", call("exp", call("exp", multiply(sympy.S(4), x))))
    paper.define("J", call("sum", z))
    right = hadamard(multiply(sympy.S(4), call("exp", multiply(sympy.S(4), x))), z)
    report = paper.check("x", right, seed=seed)
    assert report.passed, str(report)
    assert report.points == 5
    assert not paper.check("x", multiply(sympy.S(2), right), seed=seed).passed


def test_an_overflow_on_the_way_hides_no_error(paper: Any, seed: int) -> None:
    x = paper.given("x", "n")
    inner = call("exp", multiply(sympy.S(10**6), call("square", x)))
    paper.define("J", add(call("sse", x), call("sum", hadamard_power(inner, sympy.S(-1)))))
    right = multiply(sympy.S(2), x)
    assert not paper.check("x", multiply(sympy.S(2), right), seed=seed).passed


@pytest.mark.parametrize("flow", [np.inf, np.nan])
def test_a_flow_that_is_not_finite_hides_no_error(paper: Any, flow: float) -> None:
    x = paper.given("x", 2)
    paper.define("J", call("sse", x))
    value = np.array([[1.0], [2.0]])
    point = Point({}, {"x": value}, {"x": value, "J": np.array(5.0)})
    program = Program({"J": call("sse", x)}, {"J": ()})
    bench = Bench(paper.problem, program, point, np.random.default_rng(0))
    directions = [Direction("x", np.array([[1.0], [0.0]]))]
    slopes = Slopes(directions, np.array([2.0]), np.array([flow]), False, lambda: np.zeros(1))
    assert bench.compare(2 * value, slopes).passed
    assert not bench.compare(3 * value, slopes).passed
    assert not bench.compare(np.full((2, 1), np.inf), slopes).passed


def test_noise_tells_what_rounding_may_do(rng: np.random.Generator) -> None:
    x, y = sympy.symbols("x y", real=True)
    values = {"x": 1e8, "y": 1e8 + 1.0}
    exact = evaluate(y - x, values)
    noisy = [evaluate(y - x, values, noise=Noise(rng)) for _ in range(20)]
    spread = np.abs(np.array(noisy) - exact).max() / Noise.SIZE
    assert 1e7 < spread < 1e9
    tied = Noise(rng).blur_array(np.array([2.0, -2.0, 0.0, 2.0, np.inf]))
    assert tied[0] == tied[3] != 2.0 and tied[2] == 0.0 and tied[4] == np.inf
    size = sympy.Symbol("k", integer=True)
    assert evaluate(size + 1, {"k": 3}, noise=Noise(rng)) == 4.0


def test_a_norm_that_is_zero_at_a_size_of_one(paper: Any, seed: int) -> None:
    x = paper.given("x", "n")
    r = paper.define("r", add(x, multiply(-call("mean", x), OneMatrix(n, 1))))
    paper.define("J", call("norm2", r))
    right = divide(r, call("norm2", r))
    report = paper.check("x", right, seed=seed)
    assert report.passed, str(report)
    assert report.notes == (
        "left out the sizes n=1: a function is at the edge of its domain, where it has no "
        "derivative",
    )
    assert not paper.check("x", multiply(sympy.S(2), right), seed=seed).passed


def test_a_root_at_its_edge_is_said(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", call("sqrt", call("relu", negate(call("square", x))))))
    line = multiply(sympy.S(1) / 2, hadamard_power(call("relu", x), -sympy.S(1) / 2))
    (failure,) = paper.check("x", line).failures
    assert failure.problem == "the value is not finite, at the edge of a domain"


def test_an_edge_that_concerns_nothing_asked_is_no_matter(paper: Any, seed: int) -> None:
    y, x = paper.given("y", "n", facts="onehot"), paper.given("x", "n")
    paper.define("J", call("dot", call("sqrt", y), x))
    report = paper.check("x", call("sqrt", y), seed=seed)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    ("name", "how"), [("pinv", "not of full rank"), ("logdet", "singular"), ("inv", "singular")]
)
def test_a_matrix_of_lower_rank_is_said(paper: Any, name: str, how: str) -> None:
    a, b = paper.given("a", "n"), paper.given("b", "n")
    value = call(name, multiply(a, sympy.Transpose(b)))
    paper.define("J", call("sum", value) if name != "logdet" else value)
    (failure,) = paper.check("a", b).failures
    assert failure.problem.startswith(
        f"no point was found inside the domain: a matrix in J is {how}"
    )


def test_the_inverse_of_what_is_singular_everywhere_is_said(paper: Any) -> None:
    a, b = paper.given("a", "n"), paper.given("b", "n")
    product = multiply(a, sympy.Transpose(b))
    paper.define("J", call("det", product))
    formula = multiply(call("det", product), multiply(Inverse(sympy.Transpose(product)), b))
    report = paper.check("a", formula)
    (failure,) = report.failures
    assert failure.problem == "it has the inverse of a matrix that is singular there"
    assert report.notes[-1] == (
        "a matrix in J is singular at all sizes that were tried: its determinant is 0, and a "
        "formula with its inverse has no value"
    )
