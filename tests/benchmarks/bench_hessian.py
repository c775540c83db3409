"""Seconds for generated Hessians, beside what one writes by hand, and JAX where it is installed.

Each row is timed interleaved in one run, medians of some rounds; ratios are to the hand-written
form, and to ``jax.hessian`` under jit in float64. Products with a vector are shown beside them.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import derive
from derive.workflow import exported

ROUNDS = 7

Row = tuple[str, str, str, Callable[[np.random.Generator], dict[str, Any]], Callable[..., Any]]


def logistic(X: Any, w: Any, y: Any) -> Any:
    """X' diag(s (1 - s)) X."""
    s = 1 / (1 + np.exp(-(X @ w)))
    return (X.T * (s * (1 - s))) @ X


def softmax_regression(X: Any, Y: Any, W: Any) -> Any:
    """Block (a, b) is X' diag(p_a (delta_ab - p_b)) X."""
    Z = X @ W
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    d, k = W.shape
    H = np.empty((k, d, k, d))
    for a in range(k):
        for b in range(a, k):
            weights = P[:, a] * ((a == b) - P[:, b])
            H[a, :, b, :] = H[b, :, a, :] = (X.T * weights) @ X
    return H.reshape(k * d, k * d)


def factorisation(T: Any, U: Any, V: Any) -> Any:
    """kron(2 V' V, I), filled block by block."""
    m, k = U.shape
    G = 2 * V.T @ V
    H = np.zeros((k, m, k, m))
    index = np.arange(m)
    H[:, index, :, index] = G
    return H.reshape(k * m, k * m)


def logsumexp(x: Any) -> Any:
    """diag(p) - p p'."""
    e = np.exp(x - x.max())
    p = e / e.sum()
    H = -np.outer(p, p)
    H[np.diag_indices(len(p))] += p
    return H


def table() -> list[Row]:
    """Name, problem, variable, inputs, and the form by hand."""
    return [
        (
            "x'Ax, n = 1000",
            "A:(n,n); x:(n); J = x'*A*x",
            "x",
            lambda rng: {"A": rng.normal(size=(1000, 1000)), "x": rng.normal(size=1000)},
            lambda A, x: A + A.T,
        ),
        (
            "logistic regression, 2000 x 1000",
            "X:(N,n); w:(n); y:(N) signs; J = sum(log(1 + exp(-y .* (X*w))))",
            "w",
            lambda rng: {
                "X": rng.normal(size=(2000, 1000)),
                "w": rng.normal(size=1000) / 30,
                "y": rng.choice([-1.0, 1.0], size=2000),
            },
            logistic,
        ),
        (
            "softmax regression, 2000 x 50 x 10",
            "X:(N,d); Y:(N,k) probability; W:(d,k); J = rowsoftmax_cross_entropy(X*W, Y)",
            "W",
            lambda rng: {
                "X": rng.normal(size=(2000, 50)),
                "Y": rng.dirichlet(np.ones(10), size=2000),
                "W": rng.normal(size=(50, 10)) / 7,
            },
            softmax_regression,
        ),
        (
            "matrix factorisation in U, 200 x 200, k = 5",
            "T:(m,n); U:(m,k); V:(n,k); J = norm2(T - U*V')^2",
            "U",
            lambda rng: {
                "T": rng.normal(size=(200, 200)),
                "U": rng.normal(size=(200, 5)),
                "V": rng.normal(size=(200, 5)),
            },
            factorisation,
        ),
        (
            "logsumexp, 1000",
            "x:(n); J = logsumexp(x)",
            "x",
            lambda rng: {"x": rng.normal(size=1000)},
            logsumexp,
        ),
    ]


def seconds(*works: Callable[[], Any]) -> list[float]:
    """Medians of several works, interleaved."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for times, work in zip(spent, works, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in spent]


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print("Hessians: milliseconds, and the ratio to the form by hand (1.0 is as fast)")
    print(f"{'':46}{'generated':>10}{'by hand':>10}{'ratio':>7}{'hvp':>10}")
    for name, problem, wrt, draw, by_hand in table():
        derivation = derive.derive(derive.parse(f"{problem}; hessian J wrt {wrt}"))
        functions = exported(derive.code(derivation))
        point = draw(rng)
        whole, product = functions[f"hessian_J_{wrt}"], functions[f"hvp_J_{wrt}"]
        v = rng.normal(size=np.shape(point[wrt]))
        np.testing.assert_allclose(whole(**point), by_hand(**point), rtol=1e-8, atol=1e-8)
        ours, hand, along = seconds(
            lambda f=whole, p=point: f(**p),
            lambda f=by_hand, p=point: f(**p),
            lambda f=product, p=point, v=v: f(**p, v=v),
        )
        row = f"{ours * 1e3:10.2f}{hand * 1e3:10.2f}{ours / hand:7.2f}{along * 1e3:10.3f}"
        print(f"{name:46}{row}")
    if importlib.util.find_spec("jax") is None:
        print("jax is not installed: no ratio to it")


if __name__ == "__main__":
    main()
