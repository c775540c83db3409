"""Modules of random expressions, judged at sizes that differ and at sizes of 1."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from derive.verify import judge_functions

GIVEN = """
A : (m, n)
B : (n, n)
S : (n, n) positive_definite
x : (n)
y : (n)
u : (m)
c : ()
R : (1, n)
"""

Rule = Callable[["Writer", str, str, int], str]


class Writer:
    """Writes a random expression of a given shape and depth."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def matrix(self, rows: str, cols: str, depth: int) -> str:
        if depth <= 0:
            known = {"mn": ["A"], "nm": ["A'"], "nn": ["B", "S", "B'"]}
            return self.random.choice(known.get(rows + cols, ["u*u'"]))
        return self.random.choice(MATRICES)(self, rows, cols, depth - 1)

    def vector(self, rows: str, depth: int) -> str:
        if depth <= 0:
            return self.random.choice(["x", "y", "R'"]) if rows == "n" else "u"
        return self.random.choice(VECTORS)(self, rows, "n", depth - 1)

    def scalar(self, depth: int) -> str:
        if depth <= 0:
            return self.random.choice(["c", "2", "(1/3)"])
        return self.random.choice(SCALARS)(self, "m", "n", depth - 1)

    def apply(self, names: str, argument: str) -> str:
        return f"{self.random.choice(names.split())}({argument})"


MATRICES: list[Rule] = [
    lambda w, r, c, d: f"({w.matrix(r, c, d)} + {w.matrix(r, c, d)})",
    lambda w, r, c, d: f"({w.matrix(r, c, d)} - {w.vector(c, d)}')",
    lambda w, r, c, d: f"({w.matrix(r, 'n', d)}*{w.matrix('n', c, d)})",
    lambda w, r, c, d: f"({w.matrix(r, 'n', d)}*inv(S)*{w.matrix('n', c, d)})",
    lambda w, r, c, d: f"({w.matrix(r, c, d)} .* {w.matrix(r, c, d)})",
    lambda w, r, c, d: w.apply("tanh sigmoid softplus sin rowsoftmax", w.matrix(r, c, d)),
    lambda w, r, c, d: f"({w.vector(r, d)}*{w.vector(c, d)}')",
    lambda w, r, c, d: f"(diag({w.vector(r, d)})*{w.matrix(r, c, d)})",
    lambda w, r, c, d: f"({w.scalar(d)}*{w.matrix(r, c, d)})",
]

VECTORS: list[Rule] = [
    lambda w, r, c, d: f"({w.matrix(r, c, d)}*{w.vector(c, d)})",
    lambda w, r, c, d: f"({w.vector(r, d)} - {w.vector(r, d)})",
    lambda w, r, c, d: f"({w.vector(r, d)} .* {w.vector(r, d)})",
    lambda w, r, c, d: w.apply("tanh sigmoid softmax abs log_softmax", w.vector(r, d)),
    lambda w, r, c, d: f"rowsum({w.matrix(r, c, d)})",
    lambda w, r, c, d: f"({w.scalar(d)}*{w.vector(r, d)})",
]

SCALARS: list[Rule] = [
    lambda w, r, c, d: f"({w.vector(c, d)}'*{w.vector(c, d)})",
    lambda w, r, c, d: f"sum({w.matrix(r, c, d)})",
    lambda w, r, c, d: f"tr({w.matrix(c, c, d)})",
    lambda w, r, c, d: f"norm2(x + {w.vector(c, d)})",
    lambda w, r, c, d: f"({w.scalar(d)} + {w.scalar(d)})",
    lambda w, r, c, d: f"({w.scalar(d)}*{w.scalar(d)})",
    lambda w, r, c, d: f"(logdet(S) - {w.scalar(d)})",
    lambda w, r, c, d: f"logsumexp({w.vector(c, d)})",
]


@pytest.mark.parametrize("seed", range(24))
def test_random_expressions(seed: int, generate: Any) -> None:
    writer = Writer(seed)
    definitions = f"z = {writer.vector('n', 2)}\nJ = {writer.scalar(3)} + z'*x\n"
    module = generate(f"{GIVEN}{definitions}grad J wrt A, B, S, x, y, u, c, R")
    assert max(map(len, module.text.splitlines())) <= 100
    functions: Mapping[str, Any] = {
        name: function
        for name, function in module.names.items()
        if name.startswith(("grad_", "value_and_grad_"))
    }
    report = judge_functions(module.problem, functions, seed=seed)
    assert report.passed, f"{definitions}\n{report}"
