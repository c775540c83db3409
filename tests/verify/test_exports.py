"""The judge of generated code: right functions pass, planted errors are caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy

from derive.errors import UnsupportedError
from derive.verify import judge_functions
from derive.vocabulary import add, call, multiply, negate, transpose


class Gradients(NamedTuple):
    """What generated code returns beside the value."""

    A: Any
    x: Any
    lambda_: Any
    r: Any


def write_ridge(paper: Any) -> None:
    """Least squares with a penalty: J = sum((A*x - b)^2) + lambda*sum(x^2)."""
    a, x, b = paper.given("A", "m", "n"), paper.given("x", "n"), paper.given("b", "m")
    penalty = paper.given("lambda", facts="positive")
    r = paper.define("r", add(multiply(a, x), negate(b)))
    paper.define("J", add(call("sse", r), multiply(penalty, call("sse", x))))
    paper.ask("J", "A", "x", "lambda", "r")


def value_and_grad(A: Any, x: Any, b: Any, lambda_: Any) -> Any:
    r = A @ x - b
    value = r @ r + lambda_ * (x @ x)
    return value, Gradients(2 * np.outer(r, x), 2 * (r @ A + lambda_ * x), x @ x, 2 * r)


def grad_x(*, A: Any, x: Any, b: Any, lambda_: Any) -> Any:
    return 2 * A.T @ (A @ x - b) + 2 * lambda_ * x


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "value_and_grad_J": value_and_grad,
    "grad_J_x": grad_x,
    "grad_J_A": lambda **inputs: value_and_grad(**inputs)[1].A,
    "grad_J_lambda_": lambda x: x @ x,
    "grad_J_lambda": lambda x: x @ x,
    "grad_J_r": lambda A, x, b: 2 * (A @ x - b),
}


def test_right_functions_pass(paper: Any, seed: int) -> None:
    write_ridge(paper)
    report = judge_functions(paper.problem, FUNCTIONS, seed=seed)
    assert report.passed, str(report)
    assert {"m": 1, "n": 1} in report.sizes
    assert report.points == 3
    assert report.worst["complex step"] < 1e-12
    assert report.summary().startswith("6 functions, each at 3 random points, seed")


def touch(*, A: Any, x: Any, b: Any, lambda_: Any) -> Any:
    result = grad_x(A=A, x=x, b=b, lambda_=lambda_)
    x *= 2
    return result


def stumble(**_: Any) -> Any:
    raise IndexError("out of range")


WRONG: list[tuple[str, Callable[..., Any], str]] = [
    ("grad_J_x", lambda **k: grad_x(**k) * (1 + 1e-6), "off by 1.0e-06 of its largest entry"),
    ("grad_J_x", lambda **k: grad_x(**k)[:, None], "expected the gradient as an array of shape ("),
    ("grad_J_x", lambda **k: np.full_like(grad_x(**k), np.nan), "the value is not finite"),
    ("grad_J_x", lambda **k: -grad_x(**k), "off by"),
    ("grad_J_x", lambda **k: grad_x(**k).astype(complex), "got complex128"),
    ("grad_J_x", lambda **k: grad_x(**k).astype(np.float32), "off by"),
    ("grad_J_x", lambda **k: None, "got object of shape ()"),
    ("grad_J_x", touch, "it changed its argument x"),
    ("grad_J_x", stumble, "raised IndexError: out of range"),
    ("grad_J_x", lambda q: q, "raised TypeError"),
    ("grad_J_lambda", lambda x: np.array([x @ x]), "expected the gradient as a float"),
    ("grad_J_A", lambda **k: value_and_grad(**k)[1].A.T, "expected the gradient as an array"),
    ("grad_J_A", lambda **k: value_and_grad(**k)[1].A + 1e-7 * k["A"], "off by"),
    ("value_and_grad_J", lambda **k: value_and_grad(**k)[0], "expected a pair"),
    (
        "value_and_grad_J",
        lambda **k: (value_and_grad(**k)[0] * (1 + 1e-8), value_and_grad(**k)[1]),
        "the value of J is off by 1.0e-08",
    ),
    (
        "value_and_grad_J",
        lambda **k: (np.nan, value_and_grad(**k)[1]),
        "the value of J is off by",
    ),
    (
        "value_and_grad_J",
        lambda **k: (value_and_grad(**k)[0], value_and_grad(**k)[1]._replace(x=k["x"])),
        "x: off by",
    ),
    (
        "value_and_grad_J",
        lambda **k: (value_and_grad(**k)[0], sympy.Tuple()),
        "the gradients have no A",
    ),
]


@pytest.mark.parametrize(("name", "function", "words"), WRONG, ids=[row[2] for row in WRONG])
def test_planted_errors_are_caught(
    paper: Any, name: str, function: Callable[..., Any], words: str
) -> None:
    write_ridge(paper)
    report = judge_functions(paper.problem, FUNCTIONS | {name: function})
    assert [failure.label for failure in report.failures] == [name]
    assert words in report.failures[0].problem


def test_a_function_that_fails_for_sizes_of_one_alone(paper: Any) -> None:
    write_ridge(paper)
    report = judge_functions(
        paper.problem, {"grad_J_x": lambda **k: grad_x(**k) * (2 if len(k["x"]) == 1 else 1)}
    )
    assert not report.passed
    assert "n = 1" in report.failures[0].point


def test_a_symmetric_gradient_is_asked_of_a_symmetric_variable(paper: Any) -> None:
    s, x = paper.given("S", "n", "n", facts="symmetric"), paper.given("x", "n")
    w = paper.given("w", "n")
    paper.define("J", multiply(multiply(transpose(x), s), w))
    symmetric = {"grad_J_S": lambda x, w: (np.outer(x, w) + np.outer(w, x)) / 2}
    assert judge_functions(paper.problem, symmetric).passed
    report = judge_functions(paper.problem, {"grad_J_S": lambda x, w: np.outer(x, w)})
    assert "not symmetric, though S is" in str(report)


def test_large_gradients_are_compared_along_directions(paper: Any) -> None:
    x, w = paper.given("x", 300), paper.given("W", 40, 300)
    paper.define("J", call("sse", multiply(w, x)))
    right = {"grad_J_W": lambda x, W: 2 * np.outer(W @ x, x)}
    assert judge_functions(paper.problem, right).passed

    def spoil(x: Any, W: Any) -> Any:
        gradient = 2 * np.outer(W @ x, x)
        gradient[17, 123] += 1e-3
        return gradient

    assert not judge_functions(paper.problem, {"grad_J_W": spoil}).passed


def test_other_functions_are_refused(paper: Any) -> None:
    write_ridge(paper)
    with pytest.raises(UnsupportedError, match="does not know what hessian_J_x should return"):
        judge_functions(paper.problem, {"hessian_J_x": grad_x})
