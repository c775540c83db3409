"""Points: sizes that differ, values that obey their facts, inside the domain, away from kinks."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import sympy

from derive.shapes import as_dim
from derive.verify.facts import impose, keep, obeys, project
from derive.verify.program import Program
from derive.verify.sampling import Draw, draw
from derive.verify.sizes import alternatives, size_assignments
from derive.vocabulary import FACTS, add, call, divide, hadamard_power, multiply, power, transpose


def points_of(paper: Any, seed: int = 0, count: int = 5) -> Draw:
    problem = paper.problem
    program = Program(
        {name: d.expression for name, d in problem.definitions.items()},
        {name: d.shape for name, d in problem.definitions.items()},
    )
    return draw(problem, program, count, seed)


def test_generic_sizes_differ_from_each_other_and_from_stated_ones(paper: Any, seed: int) -> None:
    paper.given("A", "m", "n")
    paper.given("B", "k", 3)
    assignments = size_assignments(paper.problem, 5, seed)
    for number in (0, 1, 4):
        sizes = assignments[number]
        assert len({3, *sizes.values()}) == 4
        assert min(sizes.values()) >= 2
    assert set(assignments[2].values()) == {1}
    assert list(assignments[3].values()).count(1) == 1


@pytest.mark.parametrize("count", [3, 5])
def test_matrices_are_met_tall_and_wide(paper: Any, count: int, seed: int) -> None:
    paper.given("A", "m", "n")
    paper.given("B", "n", "k")
    first, second, *_ = size_assignments(paper.problem, count, seed)
    for left, right in (("m", "n"), ("n", "k"), ("m", "k")):
        assert (first[left] < first[right]) == (second[left] > second[right])


def test_sizes_of_one_are_among_few_assignments(paper: Any) -> None:
    paper.given("A", "m", "n")
    assert {"m": 1, "n": 1} in size_assignments(paper.problem, 2, 0)
    assert {"m": 1, "n": 1} in size_assignments(paper.problem, 3, 0)


def test_sizes_that_stand_in_formulas_alone_are_given_too(paper: Any) -> None:
    paper.define("J", call("sum", sympy.OneMatrix(as_dim("q"), 1)))
    assert "q" in size_assignments(paper.problem, 1, 0)[0]


def test_eight_sizes_differ(paper: Any) -> None:
    for letter in "abcdefgh":
        paper.given(letter.upper(), letter)
    assert len(set(size_assignments(paper.problem, 1, 0)[0].values())) == 8


def test_many_sizes_are_small_and_differ_where_they_meet(paper: Any, seed: int) -> None:
    for layer in range(100):
        paper.given(f"W{layer}", f"n{layer + 1}", f"n{layer}")
    paper.given("X", "n0", "N")
    paper.given("B", 4, "n1")
    for number, sizes in enumerate(size_assignments(paper.problem, 5, seed)):
        if number != 2:
            assert all(sizes[f"n{k}"] != sizes[f"n{k + 1}"] for k in range(100))
            assert sizes["n0"] != sizes["N"]
            assert max(sizes.values()) <= 10
            assert 4 not in sizes.values()


def test_sizes_that_all_meet_differ(paper: Any) -> None:
    letters = "abcdefghijkl"
    for left, right in combinations(letters, 2):
        paper.given(left.upper() + right, left, right)
    assert len(set(size_assignments(paper.problem, 1, 0)[0].values())) == len(letters)


def test_other_sizes_are_few_and_each_is_new(paper: Any, seed: int) -> None:
    paper.given("A", "m", "n")
    sizes, earlier = {"m": 3, "n": 6}, {"m": 7, "n": 2}
    found = list(alternatives(paper.problem, sizes, earlier, np.random.default_rng(seed)))
    assert found[0] == {"m": 6, "n": 3}
    assert earlier in found
    assert len({tuple(other.values()) for other in found}) == len(found) < 40
    assert sizes not in found
    ones = alternatives(paper.problem, {"m": 1, "n": 1}, earlier, np.random.default_rng(seed))
    assert list(ones) == []
    one = alternatives(paper.problem, {"m": 5, "n": 1}, earlier, np.random.default_rng(seed))
    assert list(one) == [{"m": 1, "n": 5}] or list(one) == []


def test_sizes_left_out_are_noted(paper: Any) -> None:
    a = paper.given("A", "m", "n")
    paper.define("J", call("logdet", multiply(transpose(a), a)))
    found = points_of(paper)
    assert found.failure is None
    assert len(found.points) == 5
    assert found.notes == (
        "left out the sizes m=3, n=6: "
        "no point was found inside the domain: a matrix in J is singular",
    )


def test_a_stated_size_bounds_another(paper: Any) -> None:
    x = paper.given("X", 12, "n")
    paper.define("J", call("logdet", multiply(x, transpose(x))))
    found = points_of(paper)
    assert found.failure is None
    assert all(point.sizes["n"] > 12 for point in found.points)


@pytest.mark.parametrize("seed", range(20))
def test_one_neuron_is_alive_at_the_first_point(paper: Any, seed: int) -> None:
    w, x = paper.given("w", "n"), paper.given("x", "n")
    paper.define("a", call("relu", multiply(transpose(w), x)))
    found = points_of(paper, seed)
    assert np.any(found.points[0].environment["a"])


def test_layers_are_not_dead(paper: Any, seed: int) -> None:
    z = paper.given("z", 2)
    for layer in range(60):
        s = paper.define(f"s{layer}", multiply(paper.given(f"W{layer}", 2, 2), z))
        z = paper.define(f"z{layer}", call("relu", s))
    for point in points_of(paper, seed).points:
        assert all(np.any(point.environment[f"z{layer}"]) for layer in range(60))


SQUARE_ONLY = {"symmetric", "positive_definite", "diagonal", "orthogonal", "lower_triangular"}
CONTRADICTIONS = {
    frozenset(pair.split())
    for pair in (
        "symmetric probability",
        "symmetric onehot",
        "positive_definite signs",
        "positive_definite probability",
        "positive_definite onehot",
        "positive_definite integer",
        "diagonal probability",
        "diagonal onehot",
        "orthogonal positive",
        "orthogonal signs",
        "lower_triangular probability",
        "lower_triangular onehot",
        "positive onehot",
        "signs probability",
        "signs onehot",
    )
}
"""Pairs that few arrays obey, or none; no value is found for them, and that is said."""


SHAPES = {"square": (4, 4), "matrix": (3, 5), "vector": (4,), "scalar": ()}


def fits(fact: str, shape: str) -> bool:
    if fact in SQUARE_ONLY:
        return shape == "square"
    return shape != "scalar" or fact not in ("probability", "onehot")


@pytest.mark.parametrize(
    ("fact", "shape"), [(fact, shape) for fact in FACTS for shape in SHAPES if fits(fact, shape)]
)
def test_values_obey_each_fact(fact: str, shape: str, rng: np.random.Generator) -> None:
    dims = SHAPES[shape]
    extent = (*dims, 1, 1)[:2]
    shape_of_dims = tuple(map(as_dim, dims))
    for _ in range(20):
        value = impose(rng.standard_normal(extent), frozenset({fact}), shape_of_dims, rng)
        assert value.shape == extent
        assert obeys(value, fact, shape_of_dims)


PAIRS = [pair for pair in combinations(FACTS, 2) if frozenset(pair) not in CONTRADICTIONS]


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_values_obey_pairs_of_facts(pair: tuple[str, str], rng: np.random.Generator) -> None:
    shape = (as_dim(4), as_dim(4))
    value = impose(rng.standard_normal((4, 4)), frozenset(pair), shape, rng)
    for fact in pair:
        assert obeys(value, fact, shape, frozenset(pair)), fact


@pytest.mark.parametrize("fact", FACTS)
def test_generic_arrays_obey_no_fact(fact: str, rng: np.random.Generator) -> None:
    shape = (as_dim(4), as_dim(4))
    assert not obeys(rng.standard_normal((4, 4)), fact, shape)


def test_undeclared_matrices_are_not_symmetric(paper: Any) -> None:
    paper.given("A", "n", "n")
    for point in points_of(paper).points:
        if point.sizes["n"] > 1:
            value = point.inputs["A"]
            assert np.abs(value - value.T).max() > 1e-3


def test_a_probability_of_one_entry_is_one(paper: Any) -> None:
    paper.given("y", "n", facts="probability")
    paper.given("Y", "m", "n", facts="onehot")
    ones = points_of(paper).points[2]
    np.testing.assert_array_equal(ones.inputs["y"], [[1.0]])
    np.testing.assert_array_equal(ones.inputs["Y"], [[1.0]])


def test_a_probability_matrix_sums_by_row(paper: Any) -> None:
    paper.given("Y", "m", "n", facts="probability")
    for point in points_of(paper).points:
        np.testing.assert_allclose(point.inputs["Y"].sum(axis=1), 1.0)


def finite_everywhere(paper: Any) -> bool:
    found = points_of(paper)
    names = paper.definitions
    return found.failure is None and all(
        np.all(np.isfinite(point.environment[name])) for point in found.points for name in names
    )


def test_domain_of_a_logarithm(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", call("log", x)))
    assert finite_everywhere(paper)


def test_domain_of_logdet(paper: Any) -> None:
    x = paper.given("X", "n", "n")
    paper.define("J", call("logdet", x))
    assert finite_everywhere(paper)


def test_domain_of_bce_leaves_other_variables_alone(paper: Any) -> None:
    p, y, w = paper.given("p", "n"), paper.given("y", "n"), paper.given("w", "n")
    paper.define("L", call("bce", p, y))
    paper.define("J", add(paper.define("M", call("sse", w)), sympy.Symbol("L", real=True)))
    found = points_of(paper)
    assert found.failure is None
    for point in found.points:
        assert np.all((point.inputs["p"] > 0) & (point.inputs["p"] < 1))
    assert any(np.any(point.inputs["w"] < 0) for point in found.points)


def test_domain_of_a_root(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", hadamard_power(x, sympy.Rational(1, 2))))
    assert finite_everywhere(paper)


@pytest.mark.parametrize("name", ["asin", "acos", "sqrt", "log", "log1p"])
def test_domain_after_a_product(paper: Any, name: str) -> None:
    a, x = paper.given("A", "m", "n"), paper.given("x", "n")
    paper.define("z", multiply(a, x))
    paper.define("J", call("sum", call(name, sympy.MatrixSymbol("z", as_dim("m"), 1))))
    assert finite_everywhere(paper)


def test_domain_far_from_zero(paper: Any) -> None:
    c = paper.given("c")
    paper.define("J", sympy.log(sympy.log(c)) + sympy.log(c - 9))
    assert finite_everywhere(paper)


def test_domain_of_a_negative_logarithm(paper: Any) -> None:
    c = paper.given("c")
    paper.define("J", sympy.log(-c))
    assert finite_everywhere(paper)


def test_domain_of_a_ball(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", sympy.sqrt(1 - multiply(transpose(x), x)))
    assert finite_everywhere(paper)


def test_a_branch_that_is_not_taken_needs_no_domain(paper: Any) -> None:
    x = paper.given("x", 6)
    paper.define("J", call("sum", call("where", call("gt", x, sympy.S(0)), call("log", x), x)))
    found = points_of(paper)
    assert found.failure is None
    assert any(np.any(p.inputs["x"] < 0) and np.any(p.inputs["x"] > 0) for p in found.points)


def test_a_chain_that_overflows_is_tamed(paper: Any) -> None:
    z = paper.given("x", 5)
    for layer in range(60):
        weights = paper.given(f"W{layer}", 5, 5)
        z = paper.define(f"z{layer}", multiply(weights, z))
    paper.define("J", call("sum", call("exp", z)))
    assert finite_everywhere(paper)


def test_no_point_is_said(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", sympy.log(-1 - multiply(transpose(x), x)))
    found = points_of(paper)
    assert found.failure is not None
    assert str(found.failure).startswith(
        "no point was found inside the domain: J is not finite\n  400 points were tried at n="
    )


def test_contradicting_facts_are_said(paper: Any) -> None:
    paper.given("y", "n", facts="onehot signs")
    failure = points_of(paper).failure
    assert failure is not None
    assert str(failure) == "no value was found for y that is onehot and signs"


def test_a_domain_that_sizes_of_one_leave_is_noted(paper: Any) -> None:
    x = paper.given("x", "n")
    size = as_dim("n")
    paper.define("J", divide(call("sse", x), add(size, sympy.S(-1))))
    found = points_of(paper)
    assert found.failure is None
    assert len(found.points) == 4
    assert found.notes[0].startswith("left out the sizes n=1: no point was found")


def test_points_stay_away_from_kinks(paper: Any) -> None:
    x = paper.given("x", 40)
    paper.define("J", call("sum", call("relu", x)))
    for point in points_of(paper).points:
        assert np.abs(point.inputs["x"]).min() >= 1e-3
        assert point.kinked == {"relu"}


def test_a_kink_that_cannot_be_avoided_is_lived_with(paper: Any) -> None:
    x, y = paper.given("x", 4), paper.given("y", 4, facts="onehot")
    paper.define("J", call("sum", call("abs", call("max", x, x))))
    paper.define("K", call("sum", call("relu", y)))
    found = points_of(paper)
    assert found.failure is None
    assert found.points[0].distance == 0.0


def test_rounding_does_not_choose_the_side_of_a_kink(paper: Any) -> None:
    x, y = paper.given("x", 3, facts="signs"), paper.given("y", 4, facts="onehot")
    tenths = (x[0, 0] / 10 + x[1, 0] / 5) - 3 * x[2, 0] / 10
    paper.define("J", call("sum", call("relu", y)) + call("relu", tenths))
    for seed in range(10):
        for point in points_of(paper, seed).points:
            assert abs(point.inputs["x"].sum()) == 1
            assert point.distance == 0.0


def test_points_depend_on_the_seed_alone(paper: Any) -> None:
    paper.given("A", "m", "n")
    first, again, other = points_of(paper, 7), points_of(paper, 7), points_of(paper, 8)
    np.testing.assert_array_equal(first.points[0].inputs["A"], again.points[0].inputs["A"])
    assert first.points[0].inputs["A"].ravel()[0] != other.points[0].inputs["A"].ravel()[0]


def test_a_wide_power_is_in_the_domain(paper: Any) -> None:
    a, b = paper.given("a"), paper.given("b")
    paper.define("J", power(a, b))
    assert finite_everywhere(paper)


@pytest.mark.parametrize(
    "facts", ["symmetric", "diagonal", "lower_triangular", "symmetric lower_triangular"]
)
def test_projected_directions_have_the_structure(facts: str, rng: np.random.Generator) -> None:
    declared = frozenset(facts.split())
    once = project(rng.standard_normal((4, 4)), declared)
    np.testing.assert_allclose(project(once, declared), once)
    assert all(obeys(once, fact, (as_dim(4), as_dim(4))) for fact in declared)


def test_directions_keep_orthogonality(rng: np.random.Generator) -> None:
    shape = (as_dim(4), as_dim(4))
    facts = frozenset({"orthogonal"})
    value = impose(rng.standard_normal((4, 4)), facts, shape, rng)
    change = keep(rng.standard_normal((4, 4)), value, facts, shape)
    assert change is not None
    np.testing.assert_allclose(value.T @ change + change.T @ value, 0, atol=1e-14)


def test_directions_keep_a_sum(rng: np.random.Generator) -> None:
    facts = frozenset({"probability"})
    vector, matrix = np.full((4, 1), 0.25), np.full((3, 4), 0.25)
    change = keep(rng.standard_normal((4, 1)), vector, facts, (as_dim(4),))
    assert change is not None and abs(change.sum()) < 1e-14
    change = keep(rng.standard_normal((3, 4)), matrix, facts, (as_dim(3), as_dim(4)))
    assert change is not None and np.abs(change.sum(axis=1)).max() < 1e-14
