"""Declared facts: structure of gradients, equations of variables, definitions that break a fact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Inverse, OneMatrix, Rational

from derive.shapes import as_dim
from derive.verify import judge_functions
from derive.verify.facts import obeys
from derive.vocabulary import FACTS, add, call, hadamard, multiply, negate, transpose

n, m = as_dim("n"), as_dim("m")


def test_a_symmetric_variable_has_a_symmetric_gradient(paper: Any) -> None:
    s, a, b = (
        paper.given("S", "n", "n", facts="symmetric"),
        paper.given("a", "n"),
        paper.given("b", "n"),
    )
    paper.define("J", multiply(multiply(transpose(a), s), b))
    outer = multiply(a, transpose(b))
    assert paper.check("S", multiply(Rational(1, 2), add(outer, transpose(outer)))).passed
    report = paper.check("S", outer)
    assert report.failures[0].problem == "not symmetric, though S is"
    assert not paper.check("S", add(outer, transpose(outer))).passed


def test_a_positive_definite_variable(paper: Any) -> None:
    s, x = paper.given("S", "n", "n", facts="positive_definite"), paper.given("x", "n")
    paper.define("J", add(call("logdet", s), multiply(multiply(transpose(x), Inverse(s)), x)))
    spread = multiply(multiply(Inverse(s), multiply(x, transpose(x))), Inverse(s))
    report = paper.check("S", add(Inverse(s), negate(spread)))
    assert report.passed, str(report)
    assert not paper.check("S", add(Inverse(s), spread)).passed


def test_a_diagonal_variable(paper: Any) -> None:
    d, a = paper.given("D", "n", "n", facts="diagonal"), paper.given("A", "n", "n")
    paper.define("J", call("tr", multiply(a, d)))
    assert paper.check("D", call("diag", call("diagonal", a))).passed
    assert paper.check("D", transpose(a)).failures[0].problem == "not diagonal, though D is"


def test_an_orthogonal_variable_moves_along_rotations(paper: Any) -> None:
    q, x = paper.given("Q", "n", "n", facts="orthogonal"), paper.given("x", "n")
    paper.define("J", call("sse", multiply(q, x)))
    ambient = multiply(multiply(sympy.S(2), multiply(q, x)), transpose(x))
    assert paper.check("Q", ambient).passed
    assert paper.check("Q", sympy.ZeroMatrix(n, n)).passed
    assert not paper.check("Q", multiply(x, transpose(x)), seed=3).passed


def test_a_lower_triangular_variable(paper: Any, seed: int) -> None:
    factor, a = paper.given("L", "n", "n", facts="lower_triangular"), paper.given("A", "n", "n")
    x = paper.given("x", "n")
    paper.define("J", add(call("tr", multiply(a, factor)), call("sse", multiply(factor, x))))
    full = add(transpose(a), multiply(sympy.S(2), multiply(multiply(factor, x), transpose(x))))
    report = paper.check("L", call("tril", full), seed=seed)
    assert report.passed, str(report)
    assert paper.check("L", full).failures[0].problem == "not lower triangular, though L is"
    for wrong in (
        call("tril", transpose(full)),
        call("tril", negate(full)),
        call("tril", multiply(sympy.Float("1.000001"), full)),
        add(call("tril", full), negate(call("diag", call("diagonal", full)))),
    ):
        assert not paper.check("L", wrong, seed=seed).passed


def test_a_cholesky_factor_as_a_variable(paper: Any, seed: int) -> None:
    factor, x = paper.given("L", "n", "n", facts="lower_triangular"), paper.given("x", "n")
    w = paper.define("w", call("solve", factor, x))
    paper.define("J", call("sse", w))
    full = negate(
        multiply(multiply(multiply(sympy.S(2), Inverse(transpose(factor))), w), transpose(w))
    )
    report = paper.check("L", call("tril", full), seed=seed)
    assert report.passed, str(report)
    assert not paper.check("L", call("tril", negate(full)), seed=seed).passed


def test_generated_code_keeps_to_the_lower_triangle(paper: Any) -> None:
    factor, a = paper.given("L", "n", "n", facts="lower_triangular"), paper.given("A", "n", "n")
    paper.define("J", call("tr", multiply(a, factor)))
    paper.ask("J", "L")
    right = judge_functions(paper.problem, {"grad_J_L": lambda A, L: np.tril(A.T)})
    assert right.passed, str(right)
    (failure,) = judge_functions(paper.problem, {"grad_J_L": lambda A, L: A.T}).failures
    assert failure.problem == "not lower triangular, though L is"


def test_the_gradient_in_a_probability_is_that_of_the_formula(paper: Any) -> None:
    y, z = paper.given("y", "n", facts="probability"), paper.given("z", "n")
    paper.define("J", add(multiply(transpose(y), z), call("sum", y)))
    assert paper.check("y", add(z, OneMatrix(n, 1))).passed
    (failure,) = paper.check("y", z).failures
    assert failure.problem == "right only where the sum of y stays 1: off by a multiple of ones"
    assert not paper.check("y", negate(z)).passed


@pytest.mark.parametrize("fact", ["probability", "onehot"])
def test_the_gradient_in_probabilities_by_row(paper: Any, fact: str) -> None:
    y, z = paper.given("Y", "m", "n", facts=fact), paper.given("Z", "m", "n")
    paper.define("J", call("rowsoftmax_cross_entropy", z, y))
    right = negate(call("rowlog_softmax", z))
    assert paper.check("Y", right).passed
    (failure,) = paper.check("Y", negate(z)).failures
    assert failure.problem == "right only where the sum of Y stays 1: off by a multiple of ones"


@pytest.mark.parametrize("fact", ["positive", "nonnegative", "signs", "integer"])
def test_facts_about_entries_leave_the_gradient_alone(paper: Any, fact: str) -> None:
    x = paper.given("x", "n", facts=fact)
    paper.define("J", call("sum", hadamard(x, hadamard(x, x))))
    assert paper.check("x", multiply(sympy.S(3), hadamard(x, x))).passed
    assert not paper.check("x", multiply(sympy.S(2), hadamard(x, x))).passed


def product(paper: Any) -> Any:
    x = paper.given("X", "m", "n")
    return multiply(transpose(x), x)


def square(paper: Any) -> Any:
    return paper.given("A", "n", "n")


def column(paper: Any) -> Any:
    return paper.given("x", "n")


OBEYING = {
    "symmetric": lambda paper: product(paper),
    "positive_definite": lambda paper: add(product(paper), sympy.Identity(n)),
    "diagonal": lambda paper: call("diag", column(paper)),
    "orthogonal": lambda paper: call("expm", add(a := square(paper), negate(transpose(a)))),
    "lower_triangular": lambda paper: call("tril", square(paper)),
    "positive": lambda paper: call("exp", column(paper)),
    "nonnegative": lambda paper: call("relu", column(paper)),
    "signs": lambda paper: call("sign", column(paper)),
    "probability": lambda paper: call("softmax", column(paper)),
    "onehot": lambda paper: call("ge", x := column(paper), call("max", x)),
    "integer": lambda paper: call("sum", call("gt", column(paper), sympy.S(0))),
}

BREAKING = {
    "symmetric": lambda paper: multiply(paper.given("X", "n", "n"), paper.given("Y", "n", "n")),
    "positive_definite": lambda paper: add(product(paper), negate(sympy.Identity(n))),
    "diagonal": lambda paper: call("outer", x := column(paper), x),
    "orthogonal": lambda paper: call("expm", add(a := square(paper), transpose(a))),
    "lower_triangular": lambda paper: call("triu", square(paper)),
    "positive": lambda paper: call("relu", column(paper)),
    "nonnegative": lambda paper: call("silu", column(paper)),
    "signs": lambda paper: call("heaviside", column(paper)),
    "probability": lambda paper: multiply(2 / n, call("softmax", column(paper))),
    "onehot": lambda paper: call("softmax", column(paper)),
    "integer": lambda paper: call("mean", call("gt", column(paper), sympy.S(0))),
}


def test_every_fact_is_among_these() -> None:
    assert set(OBEYING) == set(BREAKING) == set(FACTS)


@pytest.mark.parametrize("fact", FACTS)
def test_a_definition_that_obeys_its_fact(paper: Any, fact: str, seed: int) -> None:
    paper.define("Z", OBEYING[fact](paper), facts=fact)
    c = paper.given("c")
    paper.define("J", multiply(c, c))
    report = paper.check("c", multiply(sympy.S(2), c), seed=seed)
    assert report.passed, str(report)
    assert f"Z is {fact.replace('_', ' ')}" in {found.label for found in report.checks}


@pytest.mark.parametrize("fact", FACTS)
def test_a_definition_that_breaks_its_fact(paper: Any, fact: str, seed: int) -> None:
    paper.define("Z", BREAKING[fact](paper), facts=fact)
    c = paper.given("c")
    paper.define("J", multiply(c, c))
    (failure,) = paper.check("c", multiply(sympy.S(2), c), seed=seed).failures
    assert failure.problem == f"Z is declared {fact.replace('_', ' ')} and is not"
    assert failure.kind == "fact"


def test_probabilities_by_row_are_not_those_by_column(paper: Any) -> None:
    z, c = paper.given("Z", "m", "n"), paper.given("c")
    paper.define("P", transpose(call("rowsoftmax", z)), facts="probability")
    paper.define("Q", call("rowsoftmax", z), facts="probability")
    paper.define("J", multiply(c, c))
    (failure,) = paper.check("c", multiply(sympy.S(2), c)).failures
    assert failure.problem == "P is declared probability and is not"


def test_a_fact_broken_at_one_point_is_broken(paper: Any, seed: int) -> None:
    x, c = paper.given("x", "n"), paper.given("c")
    paper.define("s", call("sum", x), facts="positive")
    paper.define("J", multiply(c, c))
    (failure,) = paper.check("c", multiply(sympy.S(2), c), seed=seed).failures
    assert failure.problem == "s is declared positive and is not"


def test_a_semidefinite_matrix_is_not_definite(rng: np.random.Generator) -> None:
    shape = (as_dim(5), as_dim(5))
    for _ in range(50):
        half = rng.standard_normal((5, 3))
        assert not obeys(half @ half.T, "positive_definite", shape)
        full = rng.standard_normal((5, 5))
        assert obeys(full @ full.T + 1e-6 * np.eye(5), "positive_definite", shape)
