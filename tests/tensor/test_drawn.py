"""Simplification of random tensors of up to four axes keeps their value."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tensor.drawn import SIZES, drawn, values_of
from tests.tensor.evaluation import evaluate_with_scale
from tests.tensor.test_simplification import PASSES

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pass_keeps_the_value(seed: int) -> None:
    before = drawn(seed, facts=True)
    passed = {name: PASSES[name](before) for name in PASSES}
    random = np.random.default_rng(seed)
    for sizes in SIZES:
        values = values_of(before, sizes, random)
        expected, largest = evaluate_with_scale(before, values, sizes)
        if not np.all(np.isfinite(expected)) or largest > 1e8:
            continue
        for name, after in passed.items():
            got, other = evaluate_with_scale(after, values, sizes)
            np.testing.assert_allclose(
                got,
                expected,
                rtol=1e-6,
                atol=1e-9 * max(largest, other),
                err_msg=f"seed {seed}, {name}, {sizes}: {before!r} became {after!r}",
            )
