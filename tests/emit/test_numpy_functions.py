"""Every function of the language has a row, and every row computes what the function is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.calculus.rules import ARRAYS, ENTRYWISE
from derive.emit.numpy_code.calls import CALLS
from derive.emit.numpy_code.functions import (
    COMPARISONS,
    FUNCTIONS,
    HELPERS,
    REDUCTIONS,
    helpers_needed,
)
from derive.verify import judge_functions
from derive.vocabulary import FUNCTIONS as LANGUAGE

SEVERAL = {
    "leaky_relu": "leaky_relu(x, 0.1)",
    "elu": "elu(x, 0.7)",
    "max": "max(x, y)",
    "min": "min(x, y)",
    "clip": "clip(x, -0.5, 0.5)",
    "where": "where(x > y, x .* y, exp(x))",
    "lt": "where(x < y, x, y) .* x",
    "le": "where(x <= y, x, y) .* x",
    "gt": "where(x > y, x, y) .* x",
    "ge": "where(x >= y, x, y) .* x",
}
INNER = {name: f"{name}(x/10)" for name in ("asin", "acos")}
POSITIVE = {name: f"{name}(x.^2 + 1)" for name in ("log", "sqrt", "log1p")}

ENTRYWISE_NAMES = sorted(name for name, row in LANGUAGE.items() if row.kind == "entrywise")


@pytest.mark.parametrize("name", ENTRYWISE_NAMES)
def test_entrywise_functions(name: str, generate: Any, seed: int) -> None:
    formula = {**SEVERAL, **INNER, **POSITIVE}.get(name, f"{name}(x)")
    module = generate(f"x : (n)\ny : (n)\nJ = sum(y .* {formula})\ngrad J wrt x, y")
    functions = {name: module.names[name] for name in ("value_and_grad_J", "grad_J_x", "grad_J_y")}
    report = judge_functions(module.problem, functions, seed=seed)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", sorted({*ENTRYWISE, *ARRAYS}))
def test_every_rule_has_a_row(name: str) -> None:
    assert {name} & {*FUNCTIONS, *COMPARISONS, *REDUCTIONS, *CALLS}


@pytest.mark.parametrize("name", HELPERS)
def test_helpers_are_python(name: str) -> None:
    names: dict[str, Any] = {"np": np, "math": __import__("math")}
    for helper in helpers_needed([name]):
        exec(HELPERS[helper].source, names)
    assert callable(names[name])


def test_rows_call_helpers_that_exist() -> None:
    called = {row.partition("(")[0] for row in FUNCTIONS.values() if row.startswith("_")}
    called |= {name for helper in HELPERS.values() for name in helper.uses}
    assert called | {"_deviations", "_placed"} == HELPERS.keys()
