"""What simplification guarantees, over thousands of random expressions.

The expressions are drawn from the seed of the run; a failure names the seed and the number of the
expression, and :func:`expression` draws it again.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest

from derive.shapes import as_dim
from derive.tensor.algebra import add, apply, contract, invoke, ones, scale
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.simplification import simplify
from tests.tensor.evaluation import evaluate_with_scale
from tests.tensor.recipes import SIZES, Recipe, build, random_recipe, values_at

EXPRESSIONS: Final = 2000
CHUNKS: Final = 20


def expression(seed: int, number: int) -> tuple[Recipe, random.Random]:
    """The recipe of this number, and the generator it was drawn from."""
    rng = random.Random(f"{seed}, {number}")
    return random_recipe(rng, rng.choice([2, 3, 3, 4])), rng


def check_value(
    before: Tensor, after: Tensor, number: int, seed: int, told: str, facts: bool
) -> None:
    """Both have the same value, at sizes that change from expression to expression."""
    sizes = SIZES[number % len(SIZES)]
    values = values_at(sizes, np.random.default_rng((seed, number)), facts)
    expected, largest = evaluate_with_scale(before, values, sizes)
    got, other = evaluate_with_scale(after, values, sizes)
    if not np.all(np.isfinite(expected)) or max(largest, other) > 1e12:
        return
    tolerance = 1e-9 * max(largest, other)
    message = f"{told}\nbecame {after!r} at {sizes}"
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=tolerance, err_msg=message)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_guarantees(chunk: int, seed: int) -> None:
    """Shape and value kept, never longer, nothing left to do, whatever order it was written in."""
    for number in range(chunk, EXPRESSIONS, CHUNKS):
        recipe, rng = expression(seed, number)
        before = build(recipe)
        told = f"--seed {seed}, expression {number}: {before!r}"
        for facts in (True, False):
            found = simplify(before, facts)
            after = found.tensor
            assert after.shape == before.shape, told
            assert after.size <= before.size, f"{told}\ngrew to {after!r}"
            again = simplify(after, facts)
            assert again.tensor is after, f"{told}\nbecame {after!r}\nthen {again.tensor!r}"
            assert again.reasons == (), f"{told}\nhas reasons to stay: {again.reasons}"
            assert simplify(build(recipe, rng), facts).tensor is after, told
            assert found.reasons or not facts or after is before or after.size == before.size, told
            check_value(before, after, number, seed, told, facts)


def calls(function: Callable[[], object]) -> int:
    """How many Python functions are called: the work, the same on every machine."""
    count = 0

    def see(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


n = as_dim("n")


def matrix(name: str, *facts: str) -> Variable:
    return Variable(name, (n, n), frozenset(facts))


def vector(name: str, *facts: str) -> Variable:
    return Variable(name, (n,), frozenset(facts))


def product(*matrices: Tensor) -> Tensor:
    last = len(matrices)
    return contract(1, [(m, (i, i + 1)) for i, m in enumerate(matrices)], (0, last))


def of_vector(matrix: Tensor, vector: Tensor) -> Tensor:
    return contract(1, [(matrix, (0, 1)), (vector, (1,))], (0,))


def layers(count: int) -> Tensor:
    """A network in one formula: tanh(W tanh(W' ...))."""
    found: Tensor = vector("x")
    for layer in range(count):
        found = apply("tanh", [(of_vector(matrix(f"W{layer}"), found), (0,))], (n,))
    return found


def terms(count: int) -> Tensor:
    """A sum of products that all have a factor in common."""
    common = matrix("C")
    return add((product(common, matrix(f"X{i}")) for i in range(count)), (n, n))


def squares(count: int) -> Tensor:
    """Sums of squares of differences, with a probability vector in each."""
    found = []
    for i in range(count):
        q = vector(f"q{i}", "probability")
        weight = contract(1, [(q, (0,))])
        found.append(contract(1, [(weight, ()), (vector(f"x{i}"), (0,))], (0,)))
    return add(found, (n,))


def chain(count: int) -> Tensor:
    """A product of many matrices, symmetric ones and an inverse pair among them."""
    inner = matrix("B")
    pair = [invoke("inverse", [inner], (n, n)), inner]
    many = [matrix(f"S{i}", *(["symmetric"] if i % 2 else [])) for i in range(count)]
    return product(*many, *pair)


def nested(count: int) -> Tensor:
    """Softmax in softmax in softmax, differences between them."""
    found: Tensor = vector("x")
    for _ in range(count):
        soft = invoke("softmax", [found], (n,))
        found = add([soft, scale(-1, found)], (n,))
    return found


def fractions(count: int) -> Tensor:
    """Sums of fractions with different denominators, one symbol in all of them."""
    axes = (0,)
    common = vector("c", "positive")
    found = []
    for i in range(count):
        below = add([vector(f"x{i}"), common], (n,))
        found.append(contract(1, [(below, axes, Fraction(-2))], axes))
    return add(found, (n,))


def rational(count: int) -> Tensor:
    """x/(1 + x^2), of that again, and so on: few symbols, high powers."""
    axes = (0,)
    found: Tensor = vector("x")
    for _ in range(count):
        square = contract(1, [(found, axes, Fraction(2))], axes)
        below = add([ones((n,)), square], (n,))
        found = contract(1, [(found, axes), (below, axes, Fraction(-1))], axes)
    return found


def powers(count: int) -> Tensor:
    """High powers of sums beside each other."""
    axes = (0,)
    x, y = vector("x"), vector("y")
    plus, minus = add([x, y], (n,)), add([x, scale(-1, y)], (n,))
    parts = [(plus, axes, Fraction(count)), (minus, axes, Fraction(-count))]
    return add([contract(1, parts, axes), contract(1, [(plus, axes, Fraction(count))], axes)], (n,))


MOST_CALLS: Final = 3_000_000
"""Some seconds' work."""


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 8, 12])
@pytest.mark.parametrize("make", [fractions, rational, powers])
def test_no_algebra_explodes(make: Callable[[int], Tensor], count: int) -> None:
    tensor = make(count)
    if tensor.size < 10_000:
        assert calls(lambda: simplify(tensor)) < MOST_CALLS


FAMILIES: Final[Mapping[str, tuple[Callable[[int], Tensor], tuple[int, ...]]]] = {
    "layers": (layers, (8, 16, 32, 64)),
    "terms with a common factor": (terms, (6, 12, 24, 48)),
    "terms with facts": (squares, (6, 12, 24, 48)),
    "chain of matrices": (chain, (5, 10, 20, 40)),
    "fractions": (fractions, (8, 16, 32, 64)),
    "calls in calls": (nested, (4, 8, 16, 32)),
}
STEEPEST: Final = 2.6
"""Twice the size may cost this many times the work, and some more for small ones."""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_work_grows_with_the_size(family: str) -> None:
    make, counts = FAMILIES[family]
    work = []
    for count in counts:
        tensor = make(count)
        work.append(calls(lambda tensor=tensor: simplify(tensor)))  # type: ignore[misc]
    steps = [later / sooner for sooner, later in pairwise(work)]
    assert steps[-1] < STEEPEST, f"calls for {counts}: {work}"
