"""The walker: every node of SymPy that a problem may hold, scalars beside matrices, depth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import (
    Determinant,
    DiagMatrix,
    DiagonalMatrix,
    DiagonalOf,
    FunctionMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    Inverse,
    KroneckerDelta,
    KroneckerProduct,
    Lambda,
    MatAdd,
    MatMul,
    MatPow,
    MatrixSymbol,
    OneMatrix,
    Piecewise,
    Sum,
    Trace,
    Transpose,
    ZeroMatrix,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from derive.errors import InputError, UnsupportedError
from derive.shapes import as_dim
from derive.verify.evaluation import evaluate, names_in
from derive.verify.linear_algebra import Misfit
from derive.vocabulary import call, multiply, transpose

m, n = as_dim("m"), as_dim("n")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", m, n)
x, c = MatrixSymbol("x", n, 1), sympy.Symbol("c", real=True)
i, j, k = sympy.symbols("i j k", integer=True)

generator = np.random.default_rng(5)
a, b, v = (
    generator.normal(size=(4, 4)),
    generator.normal(size=(3, 4)),
    generator.normal(size=(4, 1)),
)
VALUES: dict[str, Any] = {"A": a, "B": b, "x": v, "c": 1.7, "m": 3, "n": 4}

NODES = [
    (MatAdd(A, Transpose(A), Identity(n)), a + a.T + np.eye(4)),
    (MatMul(B, A, x), b @ a @ v),
    (MatMul(c, 2, B, A), 2 * 1.7 * b @ a),
    (MatMul(1 / n, B), b / 4),
    (HadamardProduct(B, B, B), b * b * b),
    (HadamardPower(B, 3), b**3),
    (HadamardPower(B, -1), 1 / b),
    (HadamardPower(HadamardPower(B, 2), c), (b**2) ** 1.7),
    (HadamardPower(HadamardPower(B, 2), B), (b**2) ** b),
    (HadamardPower(B, n), b**4),
    (B.applyfunc(sympy.sin), np.sin(b)),
    (B.applyfunc(Lambda(i, c * i**2 + Trace(A) / n)), 1.7 * b**2 + np.trace(a) / 4),
    (B.applyfunc(Lambda(i, c)), np.full((3, 4), 1.7)),
    (B.applyfunc(Lambda(i, call("sigmoid", i))), 1 / (1 + np.exp(-b))),
    (Transpose(B), b.T),
    (Inverse(A), np.linalg.inv(a)),
    (MatPow(A, 3), a @ a @ a),
    (MatPow(A, 0), np.eye(4)),
    (MatPow(A, -2), np.linalg.inv(a) @ np.linalg.inv(a)),
    (Trace(A), np.trace(a)),
    (Determinant(A), np.linalg.det(a)),
    (DiagMatrix(x), np.diag(v[:, 0])),
    (DiagonalMatrix(A), np.diag(np.diag(a))),
    (DiagonalOf(A), np.diag(a)[:, None]),
    (KroneckerProduct(A, x), np.kron(a, v)),
    (OneMatrix(m, n), np.ones((3, 4))),
    (ZeroMatrix(m, n), np.zeros((3, 4))),
    (Identity(n), np.eye(4)),
    (Identity(n + 1), np.eye(5)),
    (B[1, 2], b[1, 2]),
    ((A * x)[n - 1, 0], (a @ v)[3, 0]),
    (MatrixElement(B, n - 3, n - 1), b[1, 3]),
    (MatrixElement(call("transpose", B), -1, 0), b[0, 3]),
    (B[1:3, :], b[1:3, :]),
    (B[:, n - 1], b[:, 3:]),
    (B[m - 1, 1:n], b[2:3, 1:4]),
    (A[0:4:2, 1:4:2], a[0:4:2, 1:4:2]),
    (x[1:n, :], v[1:4]),
    (MatrixSlice(MatMul(B, A), (0, n - 2), (1, 2)), (b @ a)[0:2, 1:2]),
    (sympy.ImmutableMatrix([[c, 2], [n, c * n]]), np.array([[1.7, 2], [4, 6.8]])),
    (FunctionMatrix(n, n, Lambda((i, j), A[j, i] * c)), 1.7 * a.T),
    (FunctionMatrix(n, n, Lambda((i, j), KroneckerDelta(i, j))), np.eye(4)),
    (Sum(x[i, 0] * A[i, j], (i, 0, n - 1), (j, 0, n - 1)), (v.T @ a).sum()),
    (
        FunctionMatrix(m, n, Lambda((i, j), Sum(B[i, k] * A[k, j] * x[j, 0], (k, 0, n - 1)))),
        (b @ a) * v.T,
    ),
    (
        FunctionMatrix(n, 1, Lambda((i, j), Sum(x[k, 0] * c, (k, 0, i)))),
        1.7 * np.cumsum(v)[:, None],
    ),
    (
        Sum(Sum(x[i, 0] * A[j, i], (i, 0, n - 1)) ** 2 * x[j, 0], (j, 0, n - 1)),
        np.sum((a @ v) ** 2 * v),
    ),
    (Sum(Sum(x[k, 0], (k, 0, i - 1)), (i, 0, n - 1)), np.cumsum(v)[:-1].sum()),
    (Sum(c, (i, 0, n - 1)), 4 * 1.7),
    (Sum(Piecewise((x[i, 0], i > 1), (c, True)), (i, 0, n - 1)), 3.4 + v[2:].sum()),
    (Sum(MatrixElement(x, i - n, 0) * i, (i, 0, n - 1)), (v[:, 0] * np.arange(4)).sum()),
    (Sum(call("sum", B[i : i + 1, :]) * i, (i, 0, m - 1)), (b.sum(axis=1) * np.arange(3)).sum()),
    (Trace(transpose(x) * x), (v.T @ v)[0, 0]),
    (multiply(transpose(x), x), (v.T @ v)[0, 0]),
    (Piecewise((c, Trace(A) > 100), (2 * c, True)), 3.4),
    (sympy.Max(c, 1, n), 4.0),
    (sympy.sqrt(c) + c ** sympy.Rational(2, 3) + c**-2, 1.7**0.5 + 1.7 ** (2 / 3) + 1.7**-2),
    ((-c) ** 3, -(1.7**3)),
    (c**c, 1.7**1.7),
    (sympy.pi * sympy.E / 3 + sympy.Float("0.25"), np.pi * np.e / 3 + 0.25),
    (call("affine", 2 * c, c, c), 2 * 1.7 * 1.7 + 1.7),
    (call("rowsum", transpose(x)), v.sum()),
    (call("max", B, c), np.maximum(b, 1.7)),
    (call("logdet", c), np.log(1.7)),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), NODES, ids=[str(e) for e, _ in NODES])
def test_value_of_a_node(expression: Any, expected: Any) -> None:
    got = evaluate(expression, VALUES)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert got.ndim == (2 if isinstance(expression, sympy.MatrixExpr) else 0)


@pytest.mark.parametrize(("expression", "expected"), NODES, ids=[str(e) for e, _ in NODES])
def test_a_batch_of_nodes(expression: Any, expected: Any) -> None:
    stacked = {
        name: value if name in "mn" else np.stack([value, 1.1 * np.asarray(value)])
        for name, value in VALUES.items()
    }
    got = evaluate(expression, stacked)
    alone = evaluate(
        expression, {k: value if k in "mn" else 1.1 * value for k, value in VALUES.items()}
    )
    rank = 2 if isinstance(expression, sympy.MatrixExpr) else 0
    got = np.broadcast_to(got, (2, *got.shape[got.ndim - rank :]))
    np.testing.assert_allclose(got[0], expected, rtol=1e-12)
    np.testing.assert_allclose(got[1], alone, rtol=1e-12)


@pytest.mark.parametrize(
    "expression",
    [MatPow(A, -1), Inverse(A), Determinant(A), HadamardPower(A, 3), A * Transpose(A) * A],
    ids=str,
)
def test_complex_step_through_matrix_nodes(expression: Any) -> None:
    change = generator.normal(size=(4, 4))
    stepped = evaluate(expression, {"A": a + 1e-30j * change, "n": 4}).imag / 1e-30
    above = evaluate(expression, {"A": a + 1e-5 * change, "n": 4})
    below = evaluate(expression, {"A": a - 1e-5 * change, "n": 4})
    np.testing.assert_allclose(stepped, (above - below) / 2e-5, rtol=1e-6, atol=1e-6)


def test_a_negative_base_keeps_its_whole_powers_exact() -> None:
    stepped = evaluate(c**5, {"c": -2.0 + 1e-30j})
    assert stepped.imag / 1e-30 == pytest.approx(80.0, rel=1e-14)


@pytest.mark.parametrize(
    "expression",
    [
        MatrixElement(B, sympy.S(3), sympy.S(0)),
        MatrixElement(B, n, m),
        MatrixSlice(B, (0, n), (0, n)),
        MatrixSlice(x, (m, n - 1), (0, 1)),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_said(expression: Any) -> None:
    with pytest.raises(Misfit, match="is out of range"):
        evaluate(expression, VALUES)


def test_a_complex_step_through_a_block() -> None:
    change = generator.normal(size=(3, 4))
    stepped = evaluate(B[1:3, 2:n], {"B": b + 1e-30j * change, "m": 3, "n": 4})
    np.testing.assert_allclose(stepped.imag / 1e-30, change[1:3, 2:4], rtol=1e-15)


def test_many_indices_are_summed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derive.verify.indexed.MOST_PRODUCTS", 9**3)
    letters = sympy.symbols("i:6", integer=True)
    size = sympy.Integer(9)
    factors = [A[left, right] for left, right in pairwise(letters)]
    expression = Sum(sympy.Mul(*factors), *((letter, 0, size - 1) for letter in letters))
    got = evaluate(expression, {"A": np.full((9, 9), 0.5), "n": 9})
    assert got == pytest.approx(9**6 * 0.5**5, rel=1e-12)


def test_too_many_terms_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    term = Sum(x[i, 0] * A[i, j] * x[j, 0], (i, 0, n - 1), (j, 0, n - 1))
    for bound in ("MOST_VALUES", "MOST_PRODUCTS", "MOST_ENTRIES"):
        with monkeypatch.context() as patch:
            patch.setattr(f"derive.verify.indexed.{bound}", 0)
            with pytest.raises(UnsupportedError, match="too many terms") as refused:
                evaluate(term, VALUES)
            assert "--no-check" in refused.value.details[0]


@pytest.mark.parametrize("outside", [3, -5])
def test_an_index_out_of_range_is_said(outside: int) -> None:
    with pytest.raises(Misfit, match="is out of range: the matrix is 4 x 1"):
        evaluate(Sum(x[i + outside, 0], (i, 0, n - 1)), VALUES)


def test_a_singular_inverse_is_nan() -> None:
    assert np.all(np.isnan(evaluate(Inverse(A), {"A": np.zeros((4, 4)), "n": 4})))


def test_an_indicator_that_is_0_makes_its_product_0() -> None:
    positive = call("gt", x, sympy.Integer(0))
    root = x.applyfunc(Lambda(i, sympy.sqrt(i)))
    value = evaluate(HadamardProduct(positive, root), {"x": np.array([[4.0], [-4.0]]), "n": 2})
    assert value.tolist() == [[2.0], [0.0]]
    scalar = call("gt", c, sympy.Integer(0)) * sympy.log(c)
    assert evaluate(scalar, {"c": -1.0}) == 0.0


def test_unknown_node_is_named() -> None:
    with pytest.raises(UnsupportedError, match="cannot evaluate Adjoint"):
        evaluate(sympy.Adjoint(A), VALUES)
    with pytest.raises(UnsupportedError, match="cannot evaluate gamma"):
        evaluate(sympy.gamma(c), VALUES)


def test_missing_value_is_named() -> None:
    with pytest.raises(InputError, match="q has no value"):
        evaluate(sympy.Symbol("q") + c, VALUES)


def test_a_vector_without_a_second_axis_is_refused() -> None:
    with pytest.raises(InputError, match="x is a matrix: expected an array with 2 axes, got 1"):
        evaluate(Transpose(x), {"x": np.ones(4), "n": 4})


def test_depth_is_no_limit() -> None:
    expression: Any = c
    for _ in range(3000):
        expression = sympy.sin(expression, evaluate=False)
    assert np.isfinite(evaluate(expression, {"c": 0.5}))


def test_shared_subexpressions_are_evaluated_once() -> None:
    expression: Any = A
    for _ in range(60):
        expression = MatAdd(expression, expression)
    assert evaluate(expression, {"A": np.ones((1, 1)), "n": 1}) == 2.0**60


def test_names_leave_out_what_is_bound() -> None:
    assert names_in(Sum(x[i, 0] * c, (i, 0, n - 1))) == {"x", "c", "n"}
    assert names_in(B.applyfunc(Lambda(i, i * c))) == {"B", "c", "m", "n"}
