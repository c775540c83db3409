"""Matrix notation has the value of the tensor, and the forms that people write."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.emit.text import LANGUAGE, text
from derive.errors import UnsupportedError
from derive.notation.expression import Expr, oriented, transposed
from derive.notation.raising import extent_of_tensor, raised
from derive.notation.sympy_form import sympy_form
from derive.shapes import ONE, as_dim
from derive.tensor.algebra import add, apply, contract, invoke, number, ones, scale, transpose
from derive.tensor.nodes import Delta, Tensor, Variable
from derive.verify.evaluation import evaluate as judged
from tests.tensor.evaluation import evaluate, evaluate_with_scale, size
from tests.tensor.recipes import NAMES, SIZES, Recipe, build, recipes, values_at


def environment(values: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Arrays with two axes for all names, rows as rows."""
    found: dict[str, Any] = {name: np.asarray(float(count)) for name, count in sizes.items()}
    for name, variable in NAMES.items():
        value = evaluate(variable, values, sizes)
        if variable.order == 1:
            value = value.reshape((1, -1) if variable.row else (-1, 1))
        found[name] = value
    return found


@settings(max_examples=200)
@given(recipe=recipes(), seed=st.integers(0, 2**16))
def test_the_notation_has_the_value_of_the_tensor(recipe: Recipe, seed: int) -> None:
    tensor = build(recipe)
    form = raised(tensor)
    assert (form.rows, form.cols) == extent_of_tensor(tensor)
    expression = sympy_form(form)
    for sizes in SIZES:
        values = values_at(sizes, np.random.default_rng(seed))
        expected, largest = evaluate_with_scale(tensor, values, sizes)
        rows, cols = (size(dim, sizes) for dim in extent_of_tensor(tensor))
        got = np.asarray(judged(expression, environment(values, sizes)), dtype=float)
        assert got.size == rows * cols
        np.testing.assert_allclose(
            got.reshape(rows, cols),
            expected.reshape(rows, cols),
            rtol=1e-9,
            atol=1e-9 * largest,
            err_msg=f"{tensor!r} is written {text(form, LANGUAGE)} at {sizes}",
        )


@settings(max_examples=80)
@given(recipe=recipes(), seed=st.integers(0, 2**16))
def test_a_transposed_form_is_the_transpose(recipe: Recipe, seed: int) -> None:
    tensor = build(recipe)
    form = raised(tensor)
    if form.has_index:
        return
    turned = transposed(form)
    assert (turned.rows, turned.cols) == (form.cols, form.rows)
    sizes = SIZES[0]
    names = environment(values_at(sizes, np.random.default_rng(seed)), sizes)
    upright = np.atleast_2d(judged(sympy_form(form), names))
    np.testing.assert_allclose(
        np.atleast_2d(judged(sympy_form(turned), names)), upright.T, rtol=1e-9, atol=1e-12
    )
    assert oriented(form, row=False) is form


def var(name: str, *dims: int | str, facts: str = "", row: bool = False) -> Variable:
    shape = tuple(as_dim(dim) for dim in dims)
    return Variable(name, shape, frozenset(facts.split()), row=row)


A, B, C = var("A", "m", "n"), var("B", "n", "n"), var("C", "n", "k")
x, y, w, r = var("x", "n"), var("y", "n"), var("w", "m"), var("r", "n", row=True)
c = var("c")
M = var("M", "m", "n")
n = as_dim("n")

HALF = Fraction(1, 2)

# What a pattern of letters is written as; the table at the head of derive/notation/raising.py.
PATTERNS: Final[Mapping[str, Tensor]] = {
    "A*x": contract(1, [(A, (0, 1)), (x, (1,))], (0,)),
    "A'*w": contract(1, [(A, (1, 0)), (w, (1,))], (0,)),
    "A'": transpose(A),
    "A*C": contract(1, [(A, (0, 2)), (C, (2, 1))], (0, 1)),
    "A*B'": contract(1, [(A, (0, 2)), (B, (1, 2))], (0, 1)),
    "A'*A": contract(1, [(A, (2, 0)), (A, (2, 1))], (0, 1)),
    "A*A'": contract(1, [(A, (0, 2)), (A, (1, 2))], (0, 1)),
    "B'*A'": contract(1, [(A, (1, 2)), (B, (2, 0))], (0, 1)),
    "(B^3)'": contract(1, [(B, (2, 0)), (B, (3, 2)), (B, (1, 3))], (0, 1)),
    "B^2": contract(1, [(B, (0, 2)), (B, (2, 1))], (0, 1)),
    "B^3*x": contract(1, [(B, (0, 1)), (B, (1, 2)), (B, (2, 3)), (x, (3,))], (0,)),
    "A*diag(x)*C": contract(1, [(A, (0, 2)), (x, (2,)), (C, (2, 1))], (0, 1)),
    "tr(B)": contract(1, [(B, (0, 0))]),
    "sum(A .* M)": contract(1, [(A, (1, 0)), (M, (1, 2)), (Delta(n), (0, 2))]),
    "diagonal(B)": contract(1, [(B, (0, 0))], (0,)),
    "diag(x)": contract(1, [(x, (0,)), (Delta(n), (0, 1))], (0, 1)),
    "diag(diagonal(B))": contract(1, [(B, (0, 0)), (Delta(n), (0, 1))], (0, 1)),
    "x'*y": contract(1, [(x, (0,)), (y, (0,))]),
    "norm2(x)^2": contract(1, [(x, (0,), Fraction(2))]),
    "norm2(x)": contract(1, [(contract(1, [(x, (0,), Fraction(2))]), (), HALF)]),
    "norm2(A)^2": contract(1, [(A, (0, 1), Fraction(2))]),
    "sum(x)": contract(1, [(x, (0,))]),
    "sum(A)": contract(1, [(A, (0, 1))]),
    "rowsum(A)": contract(1, [(A, (0, 1))], (0,)),
    "colsum(A)'": contract(1, [(A, (0, 1))], (1,)),
    "w*x'": contract(1, [(w, (0,)), (x, (1,))], (0, 1)),
    "w'*A*x": contract(1, [(w, (0,)), (A, (0, 1)), (x, (1,))]),
    "x .* y": contract(1, [(x, (0,)), (y, (0,))], (0,)),
    "A .* M": contract(1, [(A, (0, 1)), (M, (0, 1))], (0, 1)),
    "x ./ y": contract(1, [(x, (0,), Fraction(1)), (y, (0,), Fraction(-1))], (0,)),
    "x/c": contract(1, [(x, (0,), Fraction(1)), (c, (), Fraction(-1))], (0,)),
    "c*x": contract(1, [(x, (0,)), (c, ())], (0,)),
    "2*x/3": scale(Fraction(2, 3), x),
    "x - y": add([x, scale(-1, y)], x.shape),
    "y - x": add([y, scale(-1, x)], x.shape),
    "-x": scale(-1, x),
    "2*(x - y)": scale(2, add([x, scale(-1, y)], x.shape)),
    "I(n)": Delta(n),
    "ones(n)": ones(x.shape),
    "n*ones(n)": contract(1, [(ones(B.shape), (0, 1))], (0,)),
    "2*ones(n)": number(2, x.shape),
    "x'": r,
    "inv(B)'": transpose(invoke("inverse", [B], B.shape)),
    "rowsoftmax(A)": invoke("softmax", [A], A.shape),
    "softmax(x)": invoke("softmax", [x], x.shape),
    "rowlogsumexp(A)": invoke("logsumexp", [A], A.shape[:1]),
    "tanh(A*x)": apply("tanh", [(contract(1, [(A, (0, 1)), (x, (1,))], (0,)), (0,))], w.shape),
    "sqrt(x)": contract(1, [(x, (0,), HALF)], (0,)),
    "1 ./ x": contract(1, [(x, (0,), Fraction(-1))], (0,)),
}


@pytest.mark.parametrize("expected", [form for form in PATTERNS if form != "x'"])
def test_a_pattern_of_letters_is_written_so(expected: str) -> None:
    assert text(raised(PATTERNS[expected]), LANGUAGE) == expected


def test_a_row_is_written_as_a_row() -> None:
    assert text(oriented(raised(r), row=True), LANGUAGE) == "r"
    product = contract(1, [(r, (0,)), (B, (0, 1))], (1,))
    assert text(oriented(raised(product), row=True), LANGUAGE) == "r*B"
    square = contract(1, [(r, (0,)), (B, (0, 1)), (r, (1,))])
    assert text(raised(square), LANGUAGE) == "r*B*r'"


def test_what_has_no_matrix_form_is_printed_in_index_notation() -> None:
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert raised(contract(1, [(B, pair) for pair in pairs])).has_index
    cube = Variable("T", (n, n, n))
    assert raised(cube).op == "index"
    with pytest.raises(UnsupportedError):
        sympy_form(raised(cube))


def test_extents() -> None:
    assert extent_of_tensor(x) == (n, ONE)
    assert extent_of_tensor(c) == (ONE, ONE)
    assert extent_of_tensor(A) == (as_dim("m"), n)


def test_equal_forms_are_equal_expressions() -> None:
    again = contract(1, [(x, (4,)), (A, (9, 4))], (9,))
    assert raised(again) == raised(PATTERNS["A*x"])
    assert isinstance(raised(again), Expr)
