"""Code for random tensors of up to four axes, compared with their value by definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derive.emit.numpy_code.formulas import Formulas
from derive.emit.numpy_code.functions import HELPERS, helpers_needed
from derive.emit.numpy_code.names import Names
from derive.emit.numpy_code.operators import OPERATORS, STRUCTURE, operators_needed
from derive.emit.numpy_code.plan import Matrix, Plan, plan
from derive.language import parse
from derive.shapes import Dim, Shape, as_dim
from derive.tensor.algebra import ONE, add, apply, contract, invoke, number
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.substitution import variables_of
from tests.tensor.drawn import SIZES, drawn, values_of
from tests.tensor.evaluation import evaluate_with_scale

SEEDS = range(200)
VECS = -1
"""Not over the axes of the arrays, but over their vecs."""


def names() -> Names:
    return Names(parse("c : ()\ngrad c^2 wrt c"))


def planned(tensor: Tensor, split: int | None = None) -> Plan:
    """The lines for a tensor: as it is, or as a matrix whose rows are its first axes."""
    formulas, given = Formulas(), list[Variable]()
    for variable in _below(tensor):
        if variable.value is None:
            given.append(variable)
        else:
            formulas.enter(variable)
    if split is None:
        result = Variable("out", tensor.shape, frozenset(), tensor, "adjoint")
        formulas.enter(result)
        return plan(formulas, {"out": result}, given, names(), {}, {})
    sides = tensor.shape[:split], tensor.shape[split:]
    if split == VECS:
        first, second = (_side(dim) for dim in tensor.shape)
        matrix = Matrix(first, second, structured=True)
    else:
        matrix = Matrix(*sides, structured=bool(all(sides)), unfolded=True)
    return plan(formulas, {"out": tensor}, given, names(), {}, {"out": matrix})


def _side(dim: Dim) -> Shape:
    """The shape of an array whose vec has this length."""
    return tuple(dim.args) if dim.is_Mul and all(part.is_Symbol for part in dim.args) else (dim,)


def _below(tensor: Tensor) -> list[Variable]:
    """The variables of a tensor, each after those that it is computed from."""
    found: dict[Variable, None] = {}
    for variable in sorted(variables_of(tensor), key=lambda variable: variable.key):
        if variable.value is not None:
            found.update(dict.fromkeys(_below(variable.value)))
        found[variable] = None
    return list(found)


def run(lines: Plan, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, Any]:
    """What the lines compute, and the factors as an array if there are any."""
    space: dict[str, Any] = {"np": np, "math": math, **values, **sizes}
    text = ["from dataclasses import dataclass"]
    text += [HELPERS[name].source for name in helpers_needed(lines.helpers)]
    if lines.classes:
        text += [STRUCTURE, *(OPERATORS[k].source for k in operators_needed(lines.classes))]
    written = [f"{line.name} {line.sign} {line.text}" for line in lines.lines]
    more = [f"{line.name} {line.sign} {line.text}" for line in lines.apart]
    text += [*written, f"result_of_code = {lines.outputs['out']}"]
    text += [*more, f"factors_of_code = {lines.factors}"] if lines.factors else []
    with np.errstate(all="ignore"):
        exec("\n".join(text), space)
        form = space.get("factors_of_code")
        return space["result_of_code"], None if form is None else form.dense()


def as_matrix(array: Any, split: int) -> Any:
    """An array with its first axes as rows and the others as columns, counted by their vec."""
    order = array.ndim
    turned = array.transpose(*range(split)[::-1], *range(split, order)[::-1])
    sides = array.shape[:split], array.shape[split:]
    return turned.reshape([math.prod(side) for side in sides if side])


def check(tensor: Tensor, splits: Sequence[int | None], seed: int) -> None:
    random = np.random.default_rng(seed)
    plans = {split: planned(tensor, split) for split in splits}
    for sizes in SIZES:
        values = values_of(tensor, sizes, random)
        expected, largest = evaluate_with_scale(tensor, values, sizes)
        if not np.all(np.isfinite(expected)) or largest > 1e8:
            continue
        for split, lines in plans.items():
            wanted = expected if split in (None, VECS) else as_matrix(expected, split)
            for got in run(lines, values, sizes):
                if got is not None:
                    np.testing.assert_allclose(
                        np.asarray(got) * np.ones(wanted.shape),
                        wanted,
                        rtol=1e-6,
                        atol=1e-9 * largest,
                        err_msg=f"seed {seed}, {split=}, {sizes}: {tensor!r}",
                    )
                    assert np.shape(got) == wanted.shape, f"seed {seed}, {split=}: {tensor!r}"


def splits_of(tensor: Tensor) -> list[int | None]:
    """The plain array, and the matrices that its axes can be those of."""
    if tensor.order < 2:
        return [None]
    sides = [s for s in range(min(tensor.order, 2) + 1) if tensor.order - s <= 2]
    vecs = [VECS] if any(len(_side(dim)) > 1 for dim in tensor.shape) else []
    return [None, *sides, *(vecs if tensor.order == 2 else [])]


@pytest.mark.parametrize("seed", SEEDS)
def test_code_has_the_value(seed: int) -> None:
    tensor = drawn(seed)
    check(tensor, splits_of(tensor), seed)


n, m = as_dim("n"), as_dim("m")
a = Variable("a", (n,), frozenset({"positive"}))
A, B, z = Variable("A", (n, n)), Variable("B", (n, n)), Variable("z", (n, m))
T, Y = Variable("T", (n, n, m)), Variable("Y", (n, n, m), frozenset({"probability"}))
P = Variable("P", (m, n, n), frozenset({"positive"}))
HALF = Fraction(1, 2)
SQUARES = contract(1, [(T, (0, 1, 2), Fraction(2))], (0, 1))
ROWS = contract(1, [(z, (0, 1), Fraction(2))], (0,))
LOGSUMEXP = invoke("logsumexp", [T], (n, n))
LABELLED = contract(-1, [(Y, (0, 1, 2)), (T, (0, 1, 2))])
EXPONENTIALS = contract(3, [(apply("exp", [(z, (0, 1))], z.shape), (0, 1))], (0,))
TOTAL = Variable("s", (n,), frozenset(), EXPONENTIALS)


@pytest.mark.parametrize(
    "tensor",
    [
        contract(1, [(a, (0,)), (SQUARES, (0, 0), HALF)]),
        contract(1, [(a, (0,)), (SQUARES, (0, 0), -HALF)], (0,)),
        contract(1, [(T, (0, 1, 2)), (SQUARES, (0, 1), -HALF)], (2, 1, 0)),
        contract(1, [(z, (0, 1)), (ROWS, (0,), -HALF)], (1,)),
        contract(1, [(P, (0, 1, 2), -ONE), (invoke("prod", [P], (m,)), (0,))], (1, 0, 2)),
        add([contract(1, [(LOGSUMEXP, (0, 0))]), LABELLED], ()),
        apply("log", [(contract(HALF, [(TOTAL, (0,))], (0,)), (0,))], (n,)),
        invoke("var", [T], (n,)),
        invoke("amax", [T], (n,)),
        invoke("layernorm", [T, number(HALF)], T.shape),
        invoke("rmsnorm", [contract(1, [(z, (1, 2))], (0, 1, 2), {0: n}), number(HALF)], T.shape),
    ],
    ids=repr,
)  # fmt: skip
def test_code_of_axes_that_agree_or_lie_in_another_order(tensor: Tensor) -> None:
    check(tensor, splits_of(tensor), 1)
