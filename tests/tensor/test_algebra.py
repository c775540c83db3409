"""The constructors: one node for one formula, whatever order it is written in."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.shapes import Shape, as_dim
from derive.tensor.algebra import (
    add,
    apply,
    as_contraction,
    contract,
    invoke,
    multiply,
    negate,
    number,
    ones,
    relabel,
    scale,
    size_of,
    squeeze,
    terms_of,
    transpose,
    zero,
)
from derive.tensor.nodes import Constant, Contraction, Delta, Sum, Tensor, Variable
from derive.tensor.parts import children, rebuild
from tests.tensor.evaluation import evaluate, evaluate_with_scale
from tests.tensor.recipes import SIZES, Recipe, build, recipes, values_at


def shaped(*dims: int | str) -> Shape:
    return tuple(as_dim(dim) for dim in dims)


def var(name: str, *dims: int | str, facts: str = "") -> Variable:
    return Variable(name, shaped(*dims), frozenset(facts.split()))


A, B, C = var("A", "m", "n"), var("B", "n", "n"), var("C", "n", "n")
x, y, w = var("x", "n"), var("y", "n"), var("w", "m")
c, d = var("c"), var("d")


@settings(max_examples=250)
@given(recipes(), st.integers(0, 2**32))
def test_the_order_of_factors_terms_and_letters_is_of_no_account(recipe: Recipe, seed: int) -> None:
    assert build(recipe, random.Random(seed)) is build(recipe)


def value_by_recipe(recipe: Recipe, values: dict[str, Any], sizes: dict[str, int]) -> Any:
    """The value of a recipe without any tensor around it: each part evaluated alone."""
    kind, *rest = recipe
    if kind == "add":
        return sum(value_by_recipe(part, values, sizes) for part in rest[0])
    if kind != "contract":
        return evaluate(build(recipe), values, sizes)
    coefficient, parts, dims = rest
    pieces: list[Any] = []
    for part, letters, power in parts:
        array = value_by_recipe(part, values, sizes)
        with np.errstate(all="ignore"):
            pieces += [np.asarray(array, dtype=float) ** float(power), list(letters)]
    for axis, dim in enumerate(dims):
        pieces += [np.ones(sizes[dim] if isinstance(dim, str) else dim), [axis]]
    return float(coefficient) * np.einsum(*pieces, list(range(len(dims))))


@settings(max_examples=250)
@given(recipes(), st.integers(0, 2**16))
def test_what_is_built_has_the_value_of_what_was_written(recipe: Recipe, seed: int) -> None:
    tensor = build(recipe)
    for sizes in SIZES:
        values = values_at(sizes, np.random.default_rng(seed))
        expected = value_by_recipe(recipe, values, sizes)
        got, largest = evaluate_with_scale(tensor, values, sizes)
        largest = max(largest, float(np.max(np.abs(expected))))
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9 * largest)


@settings(max_examples=200)
@given(recipes())
def test_rebuilding_from_the_same_parts_changes_nothing(recipe: Recipe) -> None:
    def walk(tensor: Tensor) -> None:
        assert rebuild(tensor, children(tensor)) is tensor
        for part in children(tensor):
            if not isinstance(tensor, Sum):  # its terms are contractions even of one factor
                walk(part)

    walk(build(recipe))


@settings(max_examples=150)
@given(recipes())
def test_what_holds_for_every_node(recipe: Recipe) -> None:
    """The list at the head of :mod:`derive.tensor.algebra`."""

    def walk(tensor: Tensor) -> None:
        if isinstance(tensor, Contraction):
            keys = [(t, ls) for t, ls, _ in tensor.factors]
            assert len(set(keys)) == len(keys), "equal factors on the same letters"
            assert all(power != 0 for _, _, power in tensor.factors)
            for inner, letters, power in tensor.factors:
                if isinstance(inner, Contraction):
                    alone = not inner.order and inner.summed
                    assert alone or power != 1, "a contraction that could be written out"
                if isinstance(inner, Delta):
                    assert set(letters) <= set(range(tensor.order)), "a delta on a summed letter"
            assert sorted(tensor.summed) == list(
                range(tensor.order, tensor.order + len(tensor.summed))
            ), "letters are not numbered in order"
        if isinstance(tensor, Sum):
            assert len(tensor.terms) > 1
            assert len({term.factors for term in tensor.terms}) == len(tensor.terms)
            assert tensor.terms[0].coefficient > 0
            assert all(term.shape == tensor.shape for term in tensor.terms)
            carried = {x for term in tensor.terms for x in term.letters}
            assert set(range(tensor.order)) <= carried, "an axis along which all is repeated"
        for part in children(tensor):
            if not (isinstance(tensor, Sum) and isinstance(part, Contraction)):
                walk(part)

    walk(build(recipe))


def test_equal_means_identical() -> None:
    assert var("x", "n") is x
    assert var("x", "m") is not x
    assert Variable("x", x.shape, frozenset(["positive"])) is not x
    assert Delta(as_dim("n")) is Delta(as_dim("n"))
    product = contract(1, [(A, (0, 1)), (x, (1,))], (0,))
    assert contract(1, [(x, (7,)), (A, (3, 7))], (3,)) is product


def test_a_delta_renames_a_letter() -> None:
    delta = Delta(as_dim("n"))
    assert contract(1, [(delta, (0, 1)), (x, (1,))], (0,)) is x
    assert contract(1, [(B, (0, 1)), (delta, (1, 2))], (0, 2)) is B
    assert contract(1, [(B, (0, 1)), (delta, (0, 2))], (2, 1)) is B
    assert contract(1, [(delta, (0, 1)), (delta, (1, 2))], (0, 2)) is delta
    assert contract(1, [(delta, (0, 1)), (delta, (0, 1))], (0, 1)) is delta
    assert contract(1, [(delta, (0, 1))], (1, 0)) is delta
    assert contract(1, [(delta, (0, 0))]) is size_of(as_dim("n"))
    assert contract(1, [(delta, (0, 1)), (delta, (0, 1))]) is size_of(as_dim("n"))
    assert contract(1, [(Delta(as_dim(3)), (0, 0))]) is number(3)


def test_a_diagonal_is_a_contraction_with_a_delta() -> None:
    delta = Delta(as_dim("n"))
    diagonal = contract(1, [(x, (0,)), (delta, (0, 1))], (0, 1))
    assert contract(1, [(x, (1,)), (delta, (0, 1))], (0, 1)) is diagonal
    assert contract(1, [(diagonal, (0, 1)), (diagonal, (1, 2))], (0, 2)) is contract(
        1, [(x, (0,), Fraction(2)), (delta, (0, 1))], (0, 1)
    )
    assert transpose(diagonal) is diagonal


def test_a_sum_over_all_entries_is_that_of_the_transpose() -> None:
    delta = Delta(as_dim("n"))
    for letters in ((0,), (1,)):
        both = add([B, contract(1, [(x, letters), (delta, (0, 1))], (0, 1))], B.shape)
        turned = contract(1, [(transpose(both), (0, 1))])
        assert contract(1, [(both, (0, 1))]) is contract(1, [(both, (1, 0))])
        assert rebuild(turned, children(turned)) is turned


def test_a_summed_letter_that_nothing_carries_is_a_size() -> None:
    n = size_of(as_dim("n"))
    assert contract(1, [(ones(shaped("n")), (0,))]) is n
    assert contract(1, [(ones(shaped(3, 2)), (0, 1))]) is number(6)
    assert contract(1, [(ones(shaped("n")), (0,)), (c, ())]) is contract(1, [(n, ()), (c, ())])


def test_scalars_are_gathered() -> None:
    length = contract(1, [(x, (0,), Fraction(2))])
    product = contract(1, [(x, (1,)), (x, (1,)), (x, (0,)), (x, (2,)), (x, (2,))], (0,))
    assert product is contract(1, [(length, (), Fraction(2)), (x, (0,))], (0,))
    assert contract(1, [(product, (0,)), (length, (), Fraction(-2))], (0,)) is x


def test_equal_factors_are_one_power() -> None:
    assert multiply(x, x) is contract(1, [(x, (0,), Fraction(2))], (0,))
    inverse = contract(1, [(x, (0,), Fraction(-1))], (0,))
    assert multiply(x, inverse) is ones(x.shape)
    root = contract(1, [(c, (), Fraction(1, 2))])
    assert contract(1, [(root, ()), (root, ())]) is c


def test_the_root_of_a_square_is_no_name_without_a_sign() -> None:
    square = contract(1, [(c, (), Fraction(2))])
    root = contract(1, [(square, (), Fraction(1, 2))])
    assert evaluate(root, {"c": -3.0}) == 3.0


def test_fractional_powers_of_rationals_stay_exact() -> None:
    assert contract(1, [(number(Fraction(4, 9)), (), Fraction(1, 2))]) is number(Fraction(2, 3))
    two = contract(1, [(number(2), (), Fraction(1, 2))])
    assert contract(1, [(two, ()), (two, ())]) is number(2)


def test_division_by_zero_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        contract(1, [(zero(), (), Fraction(-1))])


def test_sums_have_one_form() -> None:
    total = add([x, y, x], x.shape)
    assert total is add([y, scale(2, x)], x.shape)
    assert add([total, negate(y)], x.shape) is scale(2, x)
    assert add([x, negate(x)], x.shape) is zero(x.shape)
    assert add([add([x, y], x.shape), add([x, negate(y)], x.shape)], x.shape) is scale(2, x)
    assert negate(add([x, negate(y)], x.shape)) is add([y, negate(x)], x.shape)


def test_terms_of_a_sum_put_it_together_again() -> None:
    total = add([scale(2, x), scale(4, y)], x.shape)
    assert add(terms_of(total), x.shape) is total
    assert add(terms_of(scale(-3, total)), x.shape) is scale(-3, total)


def test_what_is_repeated_belongs_to_the_contraction_around() -> None:
    """x along the rows plus w along the columns of a third axis's array: met in gradients."""
    shape = shaped("m", "n", 2)
    total = add([relabel(w, (0,), shape), relabel(x, (1,), shape)], shape)
    assert total.shape == shape
    lean, axes = squeeze(total)
    assert axes == (0, 1)
    assert lean.shape == shaped("m", "n")


def test_functions_of_what_is_repeated_are_repeated_functions() -> None:
    wide = relabel(x, (1,), shaped("m", "n"))
    own = apply("tanh", [(x, (0,))], x.shape)
    assert apply("tanh", [(wide, (0, 1))], wide.shape) is relabel(own, (1,), wide.shape)
    assert apply("tanh", [(A, (1, 0))], shaped("n", "m")) is transpose(
        apply("tanh", [(A, (0, 1))], A.shape)
    )


def test_a_function_of_two_transposed_arguments_is_the_transpose() -> None:
    """One formula, one node: the axes of a map are named in one way."""
    upright = apply("gt", [(B, (0, 1)), (C, (0, 1))], B.shape)
    turned = apply("gt", [(B, (1, 0)), (C, (1, 0))], B.shape)
    assert turned is transpose(upright)


def test_a_function_of_a_matrix_and_its_transpose_is_the_transpose_of_the_other() -> None:
    one = apply("gt", [(B, (0, 1)), (B, (1, 0))], B.shape)
    other = apply("gt", [(B, (1, 0)), (B, (0, 1))], B.shape)
    assert transpose(other) is one


def test_transposes() -> None:
    assert transpose(transpose(A)) is A
    assert transpose(x) is x
    total = add([B, C], B.shape)
    assert transpose(transpose(total)) is total
    assert transpose(total) is add([transpose(B), transpose(C)], B.shape)


def test_sizes_as_numbers() -> None:
    assert size_of(as_dim(4)) is number(4)
    assert isinstance(size_of(as_dim("n")), Constant)
    n = size_of(as_dim("n"))
    assert contract(1, [(n, ()), (n, (), Fraction(-1))]) is number(1)


def test_a_power_of_a_sum_over_letters_is_not_taken_apart() -> None:
    total = contract(1, [(x, (0,))])
    square = as_contraction(contract(1, [(total, (), Fraction(2))]))
    assert square.factors == ((total, (), Fraction(2)),)
    value = evaluate(square, {"x": np.array([1.0, 2.0, 4.0])}, {"n": 3})
    assert value == 49.0


def test_calls_keep_their_arguments() -> None:
    inverse = invoke("inverse", [B], B.shape)
    assert children(inverse) == (B,)
    assert rebuild(inverse, [C]) is invoke("inverse", [C], B.shape)
