"""The passes that shorten: same shape, same value, never longer, and nothing left to do after."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.shapes import Shape, as_dim
from derive.tensor.algebra import (
    add,
    apply,
    contract,
    invoke,
    multiply,
    number,
    ones,
    scale,
    transpose,
)
from derive.tensor.facts import apply_facts, has_fact, is_symmetric
from derive.tensor.nodes import Delta, Tensor, Variable
from derive.tensor.recognition import recognise
from derive.tensor.scalars import as_product
from derive.tensor.simplification import entrywise, expand, factored, simplify
from tests.tensor.evaluation import evaluate_with_scale
from tests.tensor.recipes import NAMES, SIZES, Recipe, build, recipes, values_at

PASSES: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "simplify": lambda tensor: simplify(tensor).tensor,
    "simplify without facts": lambda tensor: simplify(tensor, facts=False).tensor,
    "expand": expand,
    "factored": factored,
    "entrywise": entrywise,
    "apply_facts": lambda tensor: apply_facts(tensor)[0],
    "recognise": recognise,
}

LENGTHENING: Final = ("expand",)
ONE_STEP: Final = ("expand", "recognise")


def check_value(before: Tensor, after: Tensor, seed: int, sizes: Mapping[str, int]) -> None:
    values = values_at(sizes, np.random.default_rng(seed))
    expected, largest = evaluate_with_scale(before, values, sizes)
    got, other = evaluate_with_scale(after, values, sizes)
    np.testing.assert_allclose(
        got,
        expected,
        rtol=1e-9,
        atol=1e-9 * max(largest, other),
        err_msg=f"{before!r} became {after!r} at {sizes}",
    )


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=60)
@given(recipe=recipes(), seed=st.integers(0, 2**16))
def test_a_pass_keeps_shape_and_value(name: str, recipe: Recipe, seed: int) -> None:
    before = build(recipe)
    after = PASSES[name](before)
    assert after.shape == before.shape
    for sizes in SIZES:
        check_value(before, after, seed, sizes)
    if name not in LENGTHENING:
        assert after.size <= before.size, f"{before!r} grew to {after!r}"
    if name not in ONE_STEP:
        assert PASSES[name](after) is after, f"{before!r} became {after!r}, and then something else"


def shaped(*dims: int | str) -> Shape:
    return tuple(as_dim(dim) for dim in dims)


def var(name: str, *dims: int | str, facts: str = "") -> Variable:
    return Variable(name, shaped(*dims), frozenset(facts.split()))


A, B = var("A", "m", "n"), var("B", "n", "n")
S, Q = NAMES["S"], NAMES["Q"]
x, y, w = var("x", "n"), var("y", "n"), var("w", "m")
probability, onehot, signs = NAMES["q"], NAMES["o"], NAMES["s"]
n = as_dim("n")
OUTER = contract(1, [(x, (0,)), (y, (1,))], (0, 1))


def short(tensor: Tensor) -> Tensor:
    return simplify(tensor).tensor


def laws(tensor: Tensor) -> set[str]:
    return {reason.law for reason in simplify(tensor).reasons}


def matrix_vector(matrix: Tensor, vector: Tensor) -> Tensor:
    return contract(1, [(matrix, (0, 1)), (vector, (1,))], (0,))


def product(left: Tensor, right: Tensor) -> Tensor:
    return contract(1, [(left, (0, 1)), (right, (1, 2))], (0, 2))


def total(tensor: Tensor) -> Tensor:
    return contract(1, [(tensor, tuple(range(tensor.order)))])


def minus(left: Tensor, right: Tensor) -> Tensor:
    return add([left, scale(-1, right)], left.shape)


def entry_map(function: str, tensor: Tensor) -> Tensor:
    return apply(function, [(tensor, tuple(range(tensor.order)))], tensor.shape)


def power(tensor: Tensor, exponent: int) -> Tensor:
    axes = tuple(range(tensor.order))
    dims = dict(enumerate(tensor.shape))
    return contract(1, [(tensor, axes, Fraction(exponent))], axes, dims)


def test_entries_of_a_probability_vector_sum_to_one() -> None:
    assert short(total(probability)) is number(1)
    assert "probability" in laws(total(probability))
    rows = contract(1, [(NAMES["Y"], (0, 1))], (0,))
    assert short(rows) is ones(rows.shape)
    columns = contract(1, [(NAMES["Y"], (0, 1))], (1,))
    assert short(columns) is columns
    p = invoke("softmax", [x], x.shape)
    assert short(total(p)) is number(1)
    assert short(contract(1, [(probability, (0,)), (x, (1,))], (1,))) is x


def test_without_facts_none_is_used() -> None:
    assert simplify(total(probability), facts=False).tensor is total(probability)


def test_a_onehot_entry_is_its_own_square_and_a_sign_squares_to_one() -> None:
    assert short(power(onehot, 2)) is onehot
    assert short(power(onehot, 5)) is onehot
    assert short(power(signs, 2)) is ones(signs.shape)
    assert short(power(signs, 3)) is signs
    assert short(power(signs, -1)) is signs
    assert short(multiply(signs, signs, x)) is x


def test_an_orthogonal_matrix_times_its_transpose_vanishes() -> None:
    assert short(contract(1, [(Q, (1, 0)), (Q, (1, 2))], (0, 2))) is Delta(n)
    assert short(contract(1, [(Q, (0, 1)), (Q, (2, 1))], (0, 2))) is Delta(n)
    once = contract(1, [(Q, (0, 1)), (Q, (1, 2))], (0, 2))
    assert short(once) is once
    assert short(contract(1, [(Q, (1, 0)), (Q, (1, 2)), (x, (2,))], (0,))) is x


def test_a_matrix_times_its_inverse_vanishes() -> None:
    inverse = invoke("inverse", [B], B.shape)
    assert short(product(inverse, B)) is Delta(n)
    assert short(product(B, inverse)) is Delta(n)
    assert short(contract(1, [(inverse, (0, 1)), (B, (1, 0))])) is contract(1, [(Delta(n), (0, 0))])
    crossed = contract(1, [(inverse, (1, 0)), (B, (1, 2))], (0, 2))
    assert short(crossed) is crossed


def test_a_symmetric_matrix_is_read_in_one_direction() -> None:
    assert short(transpose(S)) is S
    both = add([product(S, B), contract(1, [(S, (1, 0)), (B, (1, 2))], (0, 2))], S.shape)
    assert short(both) is scale(2, product(S, B))
    assert "symmetric" in laws(both)


@pytest.mark.parametrize(
    "formula",
    [
        contract(1, [(A, (2, 0)), (A, (2, 1))], (0, 1)),
        add([contract(1, [(A, (2, 0)), (A, (2, 1))], (0, 1)), Delta(n)], B.shape),
        add([B, transpose(B)], B.shape),
        add([S, contract(1, [(B, (0, 2)), (B, (1, 2))], (0, 1))], B.shape),
        contract(1, [(B, (0, 2)), (S, (2, 3)), (B, (1, 3))], (0, 1)),
        contract(1, [(x, (0,)), (x, (1,))], (0, 1)),
        contract(1, [(x, (0,)), (Delta(n), (0, 1))], (0, 1)),
        add([OUTER, transpose(OUTER)], B.shape),
        multiply(B, transpose(B)),
        entry_map("exp", S),
        entry_map("exp", add([S, contract(1, [(x, (0,)), (x, (1,))], (0, 1))], B.shape)),
    ],
    ids=repr,
)  # fmt: skip
def test_symmetric_by_formula(formula: Tensor) -> None:
    assert is_symmetric(formula)
    inverse = invoke("inverse", [formula], formula.shape)
    assert is_symmetric(inverse)
    assert short(add([inverse, transpose(inverse)], inverse.shape)) is short(scale(2, inverse))


@pytest.mark.parametrize(
    "formula",
    [B, A, product(S, B), product(S, NAMES["P"]), contract(1, [(x, (0,)), (y, (1,))], (0, 1)), Q,
     add([B, Delta(n)], B.shape), contract(1, [(x, (0,))], (0, 1), {1: n})],
    ids=repr,
)  # fmt: skip
def test_not_symmetric(formula: Tensor) -> None:
    assert not is_symmetric(formula)


def test_a_symmetric_matrix_settles_beside_one_that_is_not() -> None:
    both = add([B, S], B.shape)
    whole = contract(1, [(transpose(both), (0, 1))])
    settled, _ = apply_facts(whole)
    assert apply_facts(settled)[0] is settled
    assert apply_facts(contract(1, [(both, (0, 1))]))[0] is settled


def test_facts_that_follow_from_others() -> None:
    assert has_fact(onehot, "probability")
    assert has_fact(probability, "nonnegative")
    assert not has_fact(probability, "positive")
    assert has_fact(entry_map("exp", x), "positive")
    assert not has_fact(x, "nonnegative")


def test_absolute_values_and_signs_of_what_is_positive() -> None:
    p = NAMES["p"]
    assert short(entry_map("abs", p)) is p
    assert short(entry_map("sign", p)) is ones(p.shape)
    assert short(entry_map("abs", probability)) is probability
    assert short(entry_map("abs", x)) is not x


def test_entrywise_algebra() -> None:
    s = entry_map("sigmoid", x)
    one = ones(x.shape)
    hit = multiply(y, power(s, -1), s, minus(one, s))
    miss = multiply(minus(one, y), power(minus(one, s), -1), s, minus(one, s))
    assert short(minus(miss, hit)) is minus(s, y)
    assert short(multiply(x, power(x, -1))) is one
    assert short(minus(power(add([x, y], x.shape), 2), power(minus(x, y), 2))) is scale(
        4, multiply(x, y)
    )


def test_what_terms_have_in_common_is_taken_out() -> None:
    sum_of_products = add([product(B, A_square()), product(S, A_square())], B.shape)
    assert short(sum_of_products).size < sum_of_products.size
    two = add([matrix_vector(B, x), matrix_vector(B, y)], x.shape)
    assert short(two) is matrix_vector(B, add([x, y], x.shape))


def A_square() -> Tensor:
    return contract(1, [(A, (2, 0)), (A, (2, 1))], (0, 1))


def test_a_sum_that_cancels_when_multiplied_out() -> None:
    residual = minus(matrix_vector(A, x), w)
    back = contract(1, [(A, (1, 0)), (residual, (1,))], (0,))
    less = minus(back, contract(1, [(A, (1, 0)), (A, (1, 2)), (x, (2,))], (0,)))
    assert short(less) is contract(-1, [(A, (1, 0)), (w, (1,))], (0,))


def test_the_centred_values_sum_to_zero() -> None:
    size = contract(1, [(Delta(n), (0, 0))])
    mean = contract(1, [(x, (0,), Fraction(1)), (size, (), Fraction(-1))])
    centred = minus(x, contract(1, [(mean, ())], (0,), {0: n}))
    assert short(total(centred)) is number(0)


def to_power(base: Tensor, exponent: Tensor) -> Tensor:
    return apply("power", [(base, (0,)), (exponent, ())], base.shape)


RECOGNISED: Final[Mapping[str, tuple[Tensor, Tensor]]] = {
    "1/(1 + exp(-x)) = sigmoid(x)": (
        power(add([ones(x.shape), entry_map("exp", scale(-1, x))], x.shape), -1),
        entry_map("sigmoid", x),
    ),
    "exp(x)/(1 + exp(x)) = sigmoid(x)": (
        multiply(
            entry_map("exp", x), power(add([ones(x.shape), entry_map("exp", x)], x.shape), -1)
        ),
        entry_map("sigmoid", x),
    ),
    "log(1 + exp(x)) = softplus(x)": (
        entry_map("log", add([ones(x.shape), entry_map("exp", x)], x.shape)),
        entry_map("softplus", x),
    ),
    "exp(x)/sum(exp(x)) = softmax(x)": (
        multiply(entry_map("exp", x), power(total(entry_map("exp", x)), -1)),
        invoke("softmax", [x], x.shape),
    ),
    "log(sum(exp(x))) = logsumexp(x)": (
        entry_map("log", total(entry_map("exp", x))),
        invoke("logsumexp", [x], ()),
    ),
    "log(softmax(x)) = log_softmax(x)": (
        entry_map("log", invoke("softmax", [x], x.shape)),
        invoke("log_softmax", [x], x.shape),
    ),
    "max(0, x) = relu(x)": (
        apply("max", [(number(0), ()), (x, (0,))], x.shape),
        entry_map("relu", x),
    ),
    "log(det(B)) = logdet(B)": (
        entry_map("log", invoke("det", [B], ())),
        invoke("logdet", [B], ()),
    ),
    "inv(inv(B)) = B": (invoke("inverse", [invoke("inverse", [B], B.shape)], B.shape), B),
    "abs(x)^2 = x^2": (power(entry_map("abs", x), 2), power(x, 2)),
    "abs(x)*sign(x) = x": (multiply(entry_map("abs", x), entry_map("sign", x)), x),
    "abs(x)*x = x^2*sign(x)": (
        multiply(power(x, 2), entry_map("sign", x)),
        multiply(x, entry_map("abs", x)),
    ),
    "x/abs(x) = sign(x)": (multiply(x, power(entry_map("abs", x), -1)), entry_map("sign", x)),
    "sign(x)/x = 1/abs(x)": (
        multiply(entry_map("sign", x), power(x, -1)),
        power(entry_map("abs", x), -1),
    ),
    "x^3*sign(x) = abs(x)^3": (
        multiply(power(x, 3), entry_map("sign", x)),
        power(entry_map("abs", x), 3),
    ),
    "y'*exp(x)/sum(exp(x)) = y'*softmax(x)": (
        multiply(total(multiply(y, entry_map("exp", x))), power(total(entry_map("exp", x)), -1)),
        total(multiply(y, invoke("softmax", [x], x.shape))),
    ),
    "power(p, c)*p^2 = power(p, c + 2)": (
        multiply(to_power(NAMES["p"], NAMES["c"]), power(NAMES["p"], 2)),
        to_power(NAMES["p"], add([NAMES["c"], number(2)], ())),
    ),
    "1[x - 2 > 0] = 1[x > 2]": (
        apply("gt", [(minus(x, number(2, x.shape)), (0,)), (number(0), ())], x.shape),
        apply("gt", [(x, (0,)), (number(2), ())], x.shape),
    ),
    "1[1 - x > 0] = 1[x < 1]": (
        apply("gt", [(minus(ones(x.shape), x), (0,)), (number(0), ())], x.shape),
        apply("lt", [(x, (0,)), (number(1), ())], x.shape),
    ),
    "relu(1 - x)*1[x < 1] = relu(1 - x)": (
        multiply(
            entry_map("relu", minus(ones(x.shape), x)),
            apply("lt", [(x, (0,)), (number(1), ())], x.shape),
        ),
        entry_map("relu", minus(ones(x.shape), x)),
    ),
    "exp(log(p)) = p": (entry_map("exp", entry_map("log", NAMES["p"])), NAMES["p"]),
    "log(exp(x)) = x": (entry_map("log", entry_map("exp", x)), x),
}


@pytest.mark.parametrize("identity", RECOGNISED)
def test_named_functions_are_recognised(identity: str) -> None:
    spelled_out, named = RECOGNISED[identity]
    assert short(recognise(spelled_out)) is named


def test_reasons_are_given_once_and_only_when_something_changed() -> None:
    found = simplify(multiply(x, y))
    assert found.reasons == ()
    twice = simplify(add([total(probability), total(probability)], ()))
    assert [reason.law for reason in twice.reasons].count("probability") == 1


def test_reasons_name_their_subjects() -> None:
    (reason,) = [r for r in simplify(total(probability)).reasons if r.law == "probability"]
    assert reason.subjects == (probability,)


def mean(tensor: Tensor) -> Tensor:
    size = contract(1, [(Delta(n), (0, 0))])
    return contract(1, [(total(tensor), ()), (size, (), Fraction(-1))])


CENTRED: Final = minus(x, contract(1, [(mean(x), ())], (0,), {0: n}))


def test_what_is_centred_sums_to_zero_under_its_name_too() -> None:
    named = Variable("r", x.shape, frozenset(), CENTRED, "introduced")
    adjoint = Variable("r_bar", x.shape, frozenset(), scale(2, named), "adjoint")
    for tensor in (named, adjoint):
        assert short(total(tensor)) is number(0)
        assert laws(minus(tensor, contract(1, [(mean(tensor), ())], (0,), {0: n}))) == {"centred"}
    assert short(total(multiply(named, named))) is not number(0)
    assert short(total(y)) is total(y)


def test_rows_and_columns_that_are_centred() -> None:
    m_size = contract(1, [(Delta(as_dim("m")), (0, 0))])
    columns = contract(1, [(A, (0, 1)), (m_size, (), Fraction(-1))], (1,))
    centred = Variable("R", A.shape, frozenset(), minus(A, spread(columns)), "introduced")
    assert "centred_columns" in laws(contract(1, [(centred, (0, 1))], (1,)))
    for other in (
        contract(1, [(centred, (0, 1)), (w, (0,)), (w, (0,))], (1,)),
        contract(1, [(centred, (0, 1))], (0,)),
    ):
        assert short(other) is other


def spread(row: Tensor) -> Tensor:
    return contract(1, [(row, (1,))], (0, 1), {0: as_dim("m")})


def test_a_mean_under_its_own_name_is_a_mean() -> None:
    named = Variable("mu", (), frozenset(), mean(x), "defined")
    centred = minus(x, contract(1, [(named, ())], (0,), {0: n}))
    assert short(total(centred)) is number(0)


SQUARE: Final = contract(1, [(x, (0,), Fraction(2))])


def over(tensor: Tensor, divisor: Tensor, exponent: Fraction | int = 1) -> Tensor:
    axes = tuple(range(tensor.order))
    return contract(1, [(tensor, axes), (divisor, (), -Fraction(exponent))], axes)


def test_a_common_divisor_is_taken_out_and_no_common_denominator_made() -> None:
    """x/|y| - (x'y) y/|y|^3 is (x - (x'y) y/|y|^2)/|y|."""
    inner = contract(1, [(total(multiply(x, y)), ()), (x, (0,))], (0,))
    sum_of_both = minus(over(y, SQUARE, Fraction(1, 2)), over(inner, SQUARE, Fraction(3, 2)))
    expected = over(minus(y, over(inner, SQUARE)), SQUARE, Fraction(1, 2))
    assert short(sum_of_both) is expected
    assert laws(sum_of_both) == {"factored"}


def test_fractions_with_different_denominators_stay() -> None:
    c, d = NAMES["c"], NAMES["t"]
    one_over = [contract(1, [(part, (), Fraction(-power))]) for part, power in ((c, 1), (c, 2))]
    assert short(minus(*one_over)) is minus(*one_over)
    both = add([over(d, c), over(c, d)], ())
    assert short(both) is both


def test_a_sum_of_powers_is_no_product() -> None:
    c, d = NAMES["c"], NAMES["t"]
    plain = add([scale(3, power(x, 2)), scale(2, x)], x.shape)
    scaled = add([multiply(c, power(x, 2)), multiply(d, x), y], x.shape)
    for powers in (plain, scaled):
        assert short(powers) is powers


def test_small_numbers_are_not_cleared_from_denominators() -> None:
    c = NAMES["t"]
    root = add([c, number(Fraction(1, 100000))], ())
    found = minus(over(x, root, Fraction(1, 2)), over(y, root, Fraction(3, 2)))
    assert short(found) is over(minus(x, over(y, root)), root, Fraction(1, 2))


def test_a_scalar_divisor_goes_into_the_sums_it_is_in() -> None:
    """sum(x/(1 + x^2/c))/c is sum(x/(c + x^2))."""
    c = NAMES["t"]
    inner = add([ones(x.shape), over(power(x, 2), c)], x.shape)
    divided = contract(1, [(x, (0,)), (inner, (0,), Fraction(-1)), (c, (), Fraction(-1))])
    plain = add([power(x, 2), contract(1, [(c, ())], (0,), {0: n})], x.shape)
    assert short(divided) is total(multiply(x, power(plain, -1)))


REASONS: Final[Mapping[str, Tensor]] = {
    "factored": minus(multiply(x, y), multiply(x, NAMES["p"])),
    "entrywise": minus(power(add([x, y], x.shape), 2), power(minus(x, y), 2)),
    "cancelled": minus(
        power(add([NAMES["c"], NAMES["t"]], ()), 2), power(minus(NAMES["c"], NAMES["t"]), 2)
    ),
    "onehot": power(onehot, 2),
    "signs": power(signs, 2),
    "nonnegative": entry_map("abs", probability),
    "positive": entry_map("sign", NAMES["p"]),
}


@pytest.mark.parametrize("law", REASONS)
def test_each_rewrite_gives_its_own_reason(law: str) -> None:
    assert laws(REASONS[law]) == {law}


def test_an_identity_is_its_own_reason() -> None:
    found = laws(multiply(entry_map("relu", x), entry_map("sign", y)))
    assert found == set()
    product_ = multiply(minus(y, x), entry_map("sign", x), add([entry_map("abs", x), y], x.shape))
    assert laws(product_) <= {"expanded", "factored", "entrywise", "sign(x)*abs(x) = x"}


G = var("G", "n", "n")


def inverse(tensor: Tensor) -> Tensor:
    return recognise(invoke("inverse", [tensor], tensor.shape))


def test_inverses_of_products_come_apart_where_that_is_shorter() -> None:
    both = product(B, G)
    whole = inverse(both)
    assert short(whole) is whole
    assert short(product(B, product(G, whole))) is Delta(n)
    assert short(contract(1, [(G, (0, 1)), (whole, (1, 2))], (0, 2))) is inverse(B)
    assert "apart" in laws(contract(1, [(G, (0, 1)), (whole, (1, 2))], (0, 2)))
    scaled = scale(2, both)
    assert short(product(G, inverse(scaled))) is scale(Fraction(1, 2), inverse(B))


def test_determinants_of_products_come_apart_where_that_is_shorter() -> None:
    whole, part = (recognise(invoke("det", [tensor], ())) for tensor in (product(B, G), G))
    assert short(whole) is whole
    quotient = contract(1, [(whole, ()), (part, (), Fraction(-1))])
    assert short(quotient) is invoke("det", [B], ())


def test_a_matrix_is_taken_out_of_its_row_sums() -> None:
    """A*C + rowsum(A) in every column is A*(C + 1)."""
    columns = contract(1, [(A, (0, 1))], (0,))
    repeated = contract(1, [(columns, (0,))], (0, 1), {1: n})
    matrix_of_ones = add([B, ones(B.shape)], B.shape)
    assert short(add([product(A, B), repeated], A.shape)) is product(A, matrix_of_ones)


def test_a_trace_is_no_sum_of_a_diagonal() -> None:
    inner = minus(contract(1, [(B, (0, 0))], (0,)), power(x, 2))
    assert short(total(inner)) is minus(contract(1, [(B, (0, 0))]), total(power(x, 2)))
    differences = minus(x, y)
    assert short(total(differences)) is total(differences)


def _formulas() -> list[str]:
    """Products of polynomials of which most are linear in a symbol, with a term more or less."""
    rng = random.Random(0)

    def polynomial() -> str:
        powers = [f"t{rng.randrange(6)}**{rng.choice((1, 1, 2))}" for _ in range(6)]
        terms = ("*".join(rng.sample(powers, rng.randint(1, 3))) for _ in range(3))
        return " + ".join(f"{rng.choice((-2, -1, 1, 3))}*{term}" for term in terms)

    return [
        f"(({polynomial()})*({polynomial()}) + {rng.choice((0, 1))}*t0)/{rng.choice((2, 't1**2'))}"
        for _ in range(30)
    ]


@pytest.mark.parametrize("text", _formulas())
def test_a_scalar_is_factored_as_sympy_does(text: str) -> None:
    symbols = sympy.symbols("t0:6", positive=True)
    formula = sympy.cancel(sympy.sympify(text, {symbol.name: symbol for symbol in symbols}))
    assert str(as_product(formula)) == str(sympy.factor(formula))


def test_what_is_linear_in_a_symbol_is_not_handed_to_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    """There its algorithm for many symbols now and then runs for minutes."""
    t = sympy.symbols("t0:9", positive=True)
    formula = (
        -(t[0] ** 2) * t[1] ** 2 * t[4] - 2 * t[0] ** 2 * t[1] * t[2] * t[3] + t[0] ** 2 * t[2]
        + 2 * t[0] * t[1] ** 3 * (t[7] + t[8]) + 6 * t[0] * t[1] ** 2 * t[2] * t[5]
        - 2 * t[0] * t[1] * (t[6] + t[7]) - 8 * t[1] ** 3 * t[5] * t[6]
    ) / t[0] ** 3  # fmt: skip
    asked: list[Any] = []

    def factor(formula: Any) -> Any:
        asked.append(formula)
        return formula

    monkeypatch.setattr(sympy, "factor", factor)
    assert sympy.expand(as_product(formula) - formula) == 0
    assert asked
    assert not any(part.is_Add for form in asked for part in sympy.fraction(form))
