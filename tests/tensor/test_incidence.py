"""Products of arrays of zeros and ones, against the arrays themselves."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from derive.shapes import as_dim
from derive.tensor.algebra import contract
from derive.tensor.incidence import is_incidence, lower, offset_of, pair, select
from derive.tensor.nodes import Contraction, Delta, Letters, Tensor, Variable
from tests.tensor.evaluation import evaluate, size

ZERO = sympy.Integer(0)
M, N, K = (as_dim(name) for name in "mnk")
SIZES = ({"m": 2, "n": 3, "k": 4}, {"m": 3, "n": 1, "k": 2}, {"m": 1, "n": 2, "k": 5})
ARRAYS: tuple[Tensor, ...] = (
    lower(M, M),
    lower(M, N),
    lower(N, M),
    select(ZERO, M, M + N),
    select(M, N, M + N),
    select(ZERO, None, M + N),
    select(M, None, M + N),
    select(N, M, M + N + K),
    select(M, M + N, 2 * M + N + K),
    pair(M, N),
    pair(N, M),
    Delta(M),
    Variable("A", (M, N)),
    Variable("B", (M + N, M)),
    Variable("C", (M * N, M)),
    Variable("x", (M,)),
    Variable("y", (M + N,)),
)


def drawn(rng: np.random.Generator) -> tuple[list[tuple[Tensor, Letters]], Letters]:
    """Up to five of the arrays, letters of equal size shared at random."""
    letters: list[object] = []
    factors = []
    for _ in range(int(rng.integers(2, 6))):
        tensor = ARRAYS[int(rng.integers(len(ARRAYS)))]
        own: list[int] = []
        for dim in tensor.shape:
            fitting = [x for x, d in enumerate(letters) if d == dim and x not in own]
            if fitting and rng.random() < 0.75:
                own.append(int(rng.choice(fitting)))
            else:
                letters.append(dim)
                own.append(len(letters) - 1)
        factors.append((tensor, tuple(own)))
    count = int(rng.integers(0, 3))
    free = tuple(int(x) for x in rng.permutation(len(letters))[:count])
    return factors, free


@pytest.mark.parametrize("seed", range(400))
def test_a_product_is_what_the_arrays_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors, free = drawn(rng)
    tensor = contract(1, factors, free)
    for sizes in SIZES:
        values = {
            v.name: rng.normal(size=[size(dim, sizes) for dim in v.shape])
            for v in ARRAYS
            if isinstance(v, Variable)
        }
        pieces: list[object] = []
        for factor, letters in factors:
            pieces += [evaluate(factor, values, sizes), list(letters)]
        np.testing.assert_allclose(
            evaluate(tensor, values, sizes),
            np.einsum(*pieces, list(free)),
            rtol=1e-12,
            atol=1e-12,
            err_msg=f"{tensor!r} at {sizes}",
        )


def arrays_in(tensor: Tensor) -> list[Tensor]:
    factors = tensor.factors if isinstance(tensor, Contraction) else ((tensor, (), 1),)
    return [factor[0] for factor in factors if is_incidence(factor[0])]


def test_the_same_rows_twice_are_the_identity() -> None:
    rows = select(M, N, M + N)
    assert contract(1, [(rows, (0, 2)), (rows, (1, 2))], (0, 1)) is Delta(N)


def test_other_rows_are_orthogonal() -> None:
    first, second = select(ZERO, M, M + N), select(M, N, M + N)
    product = contract(1, [(first, (0, 2)), (second, (1, 2))], (0, 1))
    assert isinstance(product, Contraction) and product.coefficient == 0


def test_rows_of_rows_are_rows() -> None:
    outer, inner = select(ZERO, M, M + N), select(K, M + N, M + N + K)
    product = contract(1, [(outer, (0, 2)), (inner, (2, 1))], (0, 1))
    (rows,) = arrays_in(product)
    assert rows.shape == (M, M + N + K)
    assert offset_of(rows) == K  # type: ignore[arg-type]


def test_pairs_sum_to_deltas() -> None:
    array = pair(M, N)
    assert not arrays_in(contract(1, [(array, (4, 0, 1)), (array, (4, 2, 3))], (0, 1, 2, 3)))
    assert contract(1, [(array, (0, 2, 3)), (array, (1, 2, 3))], (0, 1)) is Delta(M * N)


def test_both_triangles_leave_the_diagonal() -> None:
    ones = lower(M, M)
    assert contract(1, [(ones, (0, 1)), (ones, (1, 0))], (0, 1)) is Delta(M)


def test_ranges_that_may_overlap_are_left_alone() -> None:
    first, second = select(M, N, M + N + K), select(N, M, M + N + K)
    assert len(arrays_in(contract(1, [(first, (0, 2)), (second, (1, 2))], (0, 1)))) == 2
