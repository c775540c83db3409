"""Random problems beside autograd: what is generated and printed has its values and gradients."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from derive.calculus import rules
from derive.calculus.rules import ArrayRule, EntrywiseRule
from derive.vocabulary import COMPARISONS, FACTS, FUNCTIONS
from tests.oracle.comparison import SIZES, compare
from tests.oracle.oracle import REDUCTIONS, point, reference
from tests.oracle.problems import KINDS, problem, problems
from tests.oracle.reading import read
from tests.oracle.run import AGAIN
from tests.oracle.shrinking import shrunken
from tests.oracle.tree import Task, order_of, walk

GROUPS: Final = 2
"""One for each of two cores: a rate needs many problems to be one."""

GROUP: Final = 150
EXAMPLES: Final = 25
LARGEST: Final = 50
"""Problems of more nodes are left to ``make oracle``."""

MATRICES: Final = 30
"""Problems of a group that ask for Jacobians and Hessians."""

SMALL: Final = 20
"""Of these, what has more nodes is left to ``make oracle``."""

REFUSED: Final = 3
"""Refused problems allowed in a group: 2 in a hundred."""

UNDECIDED: Final = 9
"""Problems allowed in a group that have a kink, or no firm digits, at every point."""

CHECKED: Final = "checked:"
"""Begins the title of a problem on which the library's own check went wrong."""

REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")


def regressions() -> list[tuple[str, str]]:
    """What once went wrong: a title and the problem's text."""
    blocks = REGRESSIONS.read_text(encoding="utf-8").split("\n\n")[1:]
    parts = [block.strip().partition("\n") for block in blocks]
    return [(title.removeprefix("# "), text) for title, _, text in parts]


@pytest.mark.oracle
@pytest.mark.parametrize("group", range(GROUPS))
def test_random_problems(group: int, seed: int) -> None:
    tasks = {at: problem(at) for at in range(seed + group * GROUP, seed + (group + 1) * GROUP)}
    kinds: Counter[str] = Counter()
    refused = []
    for at, task in tasks.items():
        if task.size > LARGEST:
            continue
        outcome = compare(task, at, roads=("printed",) if at % 4 == 0 else ())
        assert outcome.kind != "wrong", f"seed {at}: {outcome.reason}\n{task}"
        kinds[outcome.kind] += 1
        refused += [outcome.reason] * (outcome.kind == "refused")
    assert kinds["refused"] <= REFUSED, refused
    assert kinds["undecided"] <= UNDECIDED


@pytest.mark.oracle
@pytest.mark.parametrize("group", range(GROUPS))
def test_random_jacobians_and_hessians(group: int, seed: int) -> None:
    kinds: Counter[str] = Counter()
    refused = []
    at = seed + group * AGAIN
    while sum(kinds.values()) < MATRICES:
        at += 1
        task = problem(at, "matrices")
        if task.size > SMALL:
            continue
        outcome = compare(task, at, roads=("printed",) if at % 2 == 0 else ())
        assert outcome.kind != "wrong", f"seed {at}: {outcome.reason}\n{task}"
        kinds[outcome.kind] += 1
        refused += [outcome.reason] * (outcome.kind == "refused")
    assert kinds["refused"] <= REFUSED, refused
    assert kinds["undecided"] <= REFUSED


@pytest.mark.oracle
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
@given(problems())
def test_drawn_problems(task: Task) -> None:
    """The same by Hypothesis, which shrinks what it finds."""
    if task.size <= LARGEST:
        outcome = compare(task)
        assert outcome.kind != "wrong", f"{outcome.reason}\n{task}"


@pytest.mark.oracle
@pytest.mark.parametrize(("title", "text"), regressions())
def test_regressions(title: str, text: str) -> None:
    roads = ("printed", "checked") if title.startswith(CHECKED) else ("printed",)
    outcome = compare(read(text), roads=roads)
    assert outcome.kind == "right", f"{title}: {outcome.kind}, {outcome.reason}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(100))
def test_text_is_read_as_it_was_written(seed: int, kind: str) -> None:
    task = problem(seed, kind)
    assert str(read(str(task))) == str(task)
    assert problem(seed, kind) == task


@pytest.mark.parametrize(("kind", "count"), [*zip(KINDS, (1500, 3000), strict=True)])
def test_every_function_is_drawn(kind: str, count: int) -> None:
    drawn: set[str] = set()
    for seed in range(count):
        task = problem(seed, kind)
        roots = [body for _, body in task.definitions] + [r.of for r in task.requests]
        for node in (node for root in roots for node in walk(root)):
            drawn.add(REDUCTIONS.get(node.op, node.op) if len(node.args) == 1 else node.op)
    operators = {"+", "-", "*", ".*", "./", "/", "neg", "^", ".^", "'", "I", "ones", "[]"}
    operators |= {"vector", "matrix"}
    undrawn = {*COMPARISONS.values(), "commutation"}
    assert {*FUNCTIONS, *COMPARISONS, *operators} - undrawn <= drawn


PLANTED: Final[Mapping[str, tuple[str, str]]] = {
    "tanh": ("1 - v**2", "x : (n)\nA : (m, n)\nJ = sum(tanh(A * x))\ngrad J wrt x, A"),
    "sin": ("cos(x)", "A : (m, n)\nJ = norm2(sin(A))\ngrad J wrt A"),
    "sigmoid": ("v*(1 - v)", "x : (n)\nJ = sse(sigmoid(x))\ngrad J wrt x"),
    "inverse": ("", "A : (n, n) positive_definite\nx : (n)\nJ = x' * inv(A) * x\ngrad J wrt A"),
    "logdet": ("", "B : (n, k)\nJ = logdet(B * B' + I(n))\ngrad J wrt B"),
    "softmax": ("", "x : (n)\ny : (n)\nJ = dot(softmax(x), y)\ngrad J wrt x"),
}


@pytest.mark.oracle
@pytest.mark.parametrize("factor", ["-1", "2001/2000"])
@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_found(name: str, factor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = read(PLANTED[name][1])
    assert compare(task).kind == "right"
    monkeypatch.setitem(rules.RULES, name, _spoilt(rules.RULES[name], factor))
    assert compare(task).kind == "wrong"


PLANTED_IN_MATRICES: Final[Mapping[str, str]] = {
    "tanh": "x : (n)\nA : (m, n)\njacobian tanh(A * x) wrt x, A",
    "softmax": "x : (n)\ny : (n)\nhessian dot(softmax(x), y) wrt (x, y)",
    "inverse": "A : (n, n)\nx : (n)\njacobian inv(A * A' + I(n)) * x wrt A",
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", PLANTED_IN_MATRICES)
def test_planted_errors_are_found_in_matrices(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = read(PLANTED_IN_MATRICES[name])
    assert compare(task, roads=("printed",)).kind == "right"
    monkeypatch.setitem(rules.RULES, name, _spoilt(rules.RULES[name], "2001/2000"))
    assert compare(task).kind == "wrong"


def _spoilt(rule: Any, factor: str) -> Any:
    """The rule, with its derivative multiplied."""
    if isinstance(rule, EntrywiseRule):
        numerator, _, denominator = factor.partition("/")
        times = f"Rational({numerator}, {denominator or 1})"
        return dataclasses.replace(rule, derivatives=(f"{times}*({rule.derivatives[0]})",))

    class Spoilt(ArrayRule):
        @property
        def terms(self) -> Any:
            found = rule.terms
            scale = type(found[0].coefficient)(factor)
            return tuple(dataclasses.replace(t, coefficient=scale * t.coefficient) for t in found)

    return Spoilt(**{field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)})


def test_shrinking_keeps_what_fails() -> None:
    task = read("A : (m, n)\nx : (n)\nz = tanh(A * x)\nJ = sse(z) + sum(x)\ngrad J wrt x, A\n")

    def fails(smaller: Any) -> bool:
        return "tanh" in str(smaller)

    assert len(str(shrunken(task, fails))) < len(str(task))


def test_sizes_of_one_are_among_the_sizes() -> None:
    assert any(set(sizes.values()) == {1} for sizes in SIZES)


def test_what_the_generator_knows_of_sizes_is_drawn() -> None:
    """Sizes that are sums, products and differences; shapes left open; facts of definitions."""
    tasks = [problem(seed) for seed in range(300)]
    shapes = {
        dim
        for task in tasks
        for _, body in task.definitions
        for node in walk(body)
        for dim in node.shape
        if isinstance(dim, str)
    }
    assert all(any(sign in dim for dim in shapes) for sign in ("+", "*", "- 1"))
    assert any(not variable.declared for task in tasks for variable in task.variables)
    facts = {fact for task in tasks for variable in task.variables for fact in variable.facts}
    assert facts == set(FACTS)
    assert {fact for task in tasks for known in task.facts.values() for fact in known} > {
        "positive",
        "nonnegative",
        "lower_triangular",
    }


def test_every_pair_of_shapes_is_drawn() -> None:
    """Jacobians of scalars, vectors and matrices by each of them; Hessians in blocks and alone."""
    pairs: set[tuple[int, int]] = set()
    kinds: set[tuple[str, bool]] = set()
    for seed in range(1000):
        task = problem(seed, "matrices")
        for request in task.requests:
            kinds.add((request.kind, request.joint))
            if request.kind == "jacobian":
                pairs.update((order_of(request.of.shape), task.order(n)) for n in request.wrt)
    assert pairs == {(first, second) for first in range(3) for second in range(3)}
    assert kinds == {(k, False) for k in ("grad", "jacobian", "hessian")} | {("hessian", True)}


def test_the_oracle_knows_second_derivatives() -> None:
    task = read("x : (n)\nA : (n, n)\nhessian x' * A * x wrt (x, A)\njacobian A * x wrt A")
    values = point(task, SIZES[0], np.random.default_rng(0))
    hessian = reference(task, task.requests[0], values, SIZES[0]).derivatives
    np.testing.assert_allclose(hessian["x, x"], values["A"] + values["A"].T)
    np.testing.assert_allclose(hessian["A, x"], hessian["x, A"].T)
    np.testing.assert_allclose(hessian["A, A"], 0)
    jacobian = reference(task, task.requests[1], values, SIZES[0]).derivatives
    np.testing.assert_allclose(jacobian["A"], np.kron(values["x"].T, np.eye(3)))


def test_what_stands_on_a_kink_is_seen() -> None:
    for text in ("sum(abs(A))", "norm1(tril(A))", "sum(relu(diagonal(A) - diagonal(A)))"):
        task = read(f"A : (n, n) diagonal\nJ = {text}\ngrad J wrt A")
        values = point(task, SIZES[0], np.random.default_rng(0))
        assert reference(task, task.requests[0], values, SIZES[0]).kinked


def test_the_second_oracle_agrees() -> None:
    """JAX has the values and gradients of autograd, where it is installed."""
    pytest.importorskip("jax")
    for seed, kind in product(range(6), KINDS):
        outcome = compare(problem(seed, kind), seed, roads=("jax",))
        assert "by JAX" not in outcome.reason, outcome.reason
