"""Seconds for generated Hessians, beside what one writes by hand, and JAX where it is installed.

All that is on a row is timed interleaved in one run, medians of some rounds. Ratios are to the form
by hand, and to ``jax.hessian`` under jit in float64; beside them stand the compressed form and the
product with a vector. JAX takes its turns in a process of its own: the threads of either library
wait for work for a while, and take the cores from the other one in the same process.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import derive
from derive.workflow import exported

SECONDS = 8.0
"""About so long a row is timed."""

FEWEST, MOST = 7, 101
"""Rounds."""

PAUSE = 0.01
"""Seconds between turns, in which threads that wait for more work go to sleep."""

LAYERS, WIDTH = 10, 100

Point = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One Hessian.

    Attributes:
        name: With its sizes.
        problem: In the problem language.
        wrt: The variable.
        draw: A random point.
        by_hand: The Hessian as one writes it.
        in_jax: The scalar for JAX: its module, the variable, and the point.
        goal: So many times as fast as JAX it should be.
    """

    name: str
    problem: str
    wrt: str
    draw: Callable[[np.random.Generator], Point]
    by_hand: Callable[..., Any]
    in_jax: Callable[[Any, Any, Point], Any]
    goal: float


def quadratic(A: Any, x: Any) -> Any:
    """A + A'."""
    return A + A.T


def logistic(X: Any, w: Any, y: Any) -> Any:
    """X' diag(s (1 - s)) X."""
    s = 1 / (1 + np.exp(-(X @ w)))
    return (X.T * (s * (1 - s))) @ X


def softmax_regression(X: Any, Y: Any, W: Any) -> Any:
    """Block (a, b) is X' diag(p_a (delta_ab - p_b)) X, all at once as products of matrices."""
    Z = X @ W
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    (d, k), N = W.shape, len(X)
    A = (P[:, :, None] * X[:, None, :]).reshape(N, k * d)
    H = -(A.T @ A)
    blocks, within = H.reshape(k, d, k, d), (A.T @ X).reshape(k, d, d)
    for a in range(k):
        blocks[a, :, a, :] += within[a]
    return H


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
    H = np.outer(-p, p)
    H.flat[:: len(p) + 1] += p
    return H


def network(x: Any, y: Any, **parameters: Any) -> Any:
    """kron(x x', A' (diag(p) - p p') A), A from the first layer to the last."""
    a, A, is_on = x, np.eye(len(x)), np.ones(len(x))
    for layer in range(1, LAYERS + 1):
        W = parameters[f"W{layer}"]
        z = W @ a + parameters[f"b{layer}"]
        A = (W * is_on) @ A if layer > 1 else A
        is_on, a = z > 0, np.maximum(z, 0)
    e = np.exp(z - z.max())
    p = e / e.sum()
    PA = p[:, None] * A
    M = A.T @ PA - np.outer(p @ A, p @ A)
    size = len(x) * len(M)
    return (np.outer(x, x)[:, None, :, None] * M[None, :, None, :]).reshape(size, size)


def draw_network(rng: np.random.Generator) -> Point:
    """Weights that keep the size of what goes through them."""
    point: Point = {"x": rng.normal(size=WIDTH), "y": rng.dirichlet(np.ones(WIDTH))}
    for layer in range(1, LAYERS + 1):
        point[f"W{layer}"] = rng.normal(size=(WIDTH, WIDTH)) * np.sqrt(2 / WIDTH)
        point[f"b{layer}"] = rng.normal(size=WIDTH) / 10
    return point


def network_problem() -> str:
    """The network in the problem language."""
    sizes = ["d", *(f"h{layer}" for layer in range(1, LAYERS)), "k"]
    lines, last = ["x:(d); y:(k) probability"], "x"
    for layer in range(1, LAYERS + 1):
        lines.append(f"W{layer}:({sizes[layer]},{sizes[layer - 1]}); b{layer}:({sizes[layer]})")
        lines.append(f"z{layer} = W{layer}*{last} + b{layer}")
        if layer < LAYERS:
            lines.append(f"a{layer} = relu(z{layer})")
            last = f"a{layer}"
    return "; ".join([*lines, f"J = cross_entropy(softmax(z{LAYERS}), y)"])


def jax_network(jax: Any, W1: Any, point: Point) -> Any:
    """The network's loss."""
    a = point["x"]
    for layer in range(1, LAYERS + 1):
        W = W1 if layer == 1 else point[f"W{layer}"]
        z = W @ a + point[f"b{layer}"]
        a = jax.nn.relu(z)
    return -point["y"] @ jax.nn.log_softmax(z)


ROWS = [
    Row(
        "x'Ax, n = 1000",
        "A:(n,n); x:(n); J = x'*A*x",
        "x",
        lambda rng: {"A": rng.normal(size=(1000, 1000)), "x": rng.normal(size=1000)},
        quadratic,
        lambda jax, x, point: x @ point["A"] @ x,
        15,
    ),
    Row(
        "logistic regression, 2000 x 1000",
        "X:(N,n); w:(n); y:(N) signs; J = sum(log(1 + exp(-y .* (X*w))))",
        "w",
        lambda rng: {
            "X": rng.normal(size=(2000, 1000)),
            "w": rng.normal(size=1000) / 30,
            "y": rng.choice([-1.0, 1.0], size=2000),
        },
        logistic,
        lambda jax, w, point: jax.numpy.sum(jax.nn.softplus(-point["y"] * (point["X"] @ w))),
        4,
    ),
    Row(
        "softmax regression, 2000 x 50 x 10",
        "X:(N,d); Y:(N,k) probability; W:(d,k); J = rowsoftmax_cross_entropy(X*W, Y)",
        "W",
        lambda rng: {
            "X": rng.normal(size=(2000, 50)),
            "Y": rng.dirichlet(np.ones(10), size=2000),
            "W": rng.normal(size=(50, 10)) / 7,
        },
        softmax_regression,
        lambda jax, W, point: -jax.numpy.sum(point["Y"] * jax.nn.log_softmax(point["X"] @ W)),
        6,
    ),
    Row(
        "matrix factorisation in U, 200 x 200, k = 5",
        "T:(m,n); U:(m,k); V:(n,k); J = norm2(T - U*V')^2",
        "U",
        lambda rng: {
            "T": rng.normal(size=(200, 200)),
            "U": rng.normal(size=(200, 5)),
            "V": rng.normal(size=(200, 5)),
        },
        factorisation,
        lambda jax, U, point: jax.numpy.sum((point["T"] - U @ point["V"].T) ** 2),
        30,
    ),
    Row(
        "logsumexp, 1000",
        "x:(n); J = logsumexp(x)",
        "x",
        lambda rng: {"x": rng.normal(size=1000)},
        logsumexp,
        lambda jax, x, point: jax.nn.logsumexp(x),
        0.7,
    ),
    Row(
        f"first of {LAYERS} ReLU layers, width {WIDTH}",
        network_problem(),
        "W1",
        draw_network,
        network,
        jax_network,
        1.5,
    ),
]


def milliseconds(work: Callable[[], Any]) -> float:
    """Of one run. Before it is one that is not timed, so that none pays for what others leave."""
    work()
    begin = time.perf_counter()
    result = work()
    spent = 1e3 * (time.perf_counter() - begin)
    del result
    return spent


def medians(works: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Medians of what several works say they took, interleaved, each round in another order."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    order, turns = list(works.items()), random.Random(0)
    start = time.perf_counter()
    for number in range(MOST):
        if number >= FEWEST and time.perf_counter() - start > SECONDS:
            break
        turns.shuffle(order)
        for name, work in order:
            time.sleep(PAUSE)
            spent[name].append(work())
    return {name: statistics.median(times) for name, times in spent.items()}


def serve_jax(name: str, point: Point, channel: Connection) -> None:
    """Run ``jax.hessian`` under jit, compiled, its inputs on the device, whenever it is asked for.

    Args:
        name: Of the row.
        point: Where.
        channel: Each message but None is answered by milliseconds.
    """
    import jax
    import jax.numpy

    row = next(row for row in ROWS if row.name == name)
    jax.config.update("jax_enable_x64", True)
    inputs = {name: jax.numpy.asarray(value) for name, value in point.items()}
    compiled = jax.jit(
        jax.hessian(lambda wrt, rest: row.in_jax(jax, wrt, rest)),
    )
    rest = {name: value for name, value in inputs.items() if name != row.wrt}
    while channel.recv() is not None:
        channel.send(milliseconds(lambda: jax.block_until_ready(compiled(inputs[row.wrt], rest))))


class Jax:
    """``jax.hessian`` in a process of its own."""

    def __init__(self, row: Row, point: Point) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, other = context.Pipe()
        self.process = context.Process(target=serve_jax, args=(row.name, point, other))
        self.process.start()
        self.milliseconds()

    def milliseconds(self) -> float:
        """Of one run there."""
        self.channel.send(True)
        spent: float = self.channel.recv()
        return spent

    def close(self) -> None:
        """End the process."""
        self.channel.send(None)
        self.process.join()


def measure(row: Row, rng: np.random.Generator, has_jax: bool) -> dict[str, float]:
    """Milliseconds of all that is on a row."""
    derivation = derive.derive(derive.parse(f"{row.problem}; hessian J wrt {row.wrt}"))
    functions = exported(derive.code(derivation))
    point = row.draw(rng)
    whole, product = functions[f"hessian_J_{row.wrt}"], functions[f"hvp_J_{row.wrt}"]
    v = rng.normal(size=np.shape(point[row.wrt]))
    wanted = row.by_hand(**point)
    tolerance = 1e-9 * np.max(np.abs(wanted))
    assert np.max(np.abs(whole(**point) - wanted)) <= tolerance
    kept = whole(**point, structure=True)
    assert np.max(np.abs(kept @ np.ravel(v, order="F") - wanted @ np.ravel(v, order="F"))) <= 1e-7
    del wanted
    works = {
        "generated": lambda: milliseconds(lambda: whole(**point)),
        "by hand": lambda: milliseconds(lambda: row.by_hand(**point)),
        "factors": lambda: milliseconds(lambda: whole(**point, structure=True)),
        "hvp": lambda: milliseconds(lambda: product(**point, v=v)),
    }
    if not has_jax:
        return medians(works)
    other = Jax(row, point)
    try:
        return medians({**works, "jax": other.milliseconds})
    finally:
        other.close()


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    has_jax = importlib.util.find_spec("jax") is not None
    print(
        "Hessians: milliseconds; by hand over generated and JAX over generated are how many times"
    )
    print("as fast the generated code is; factors: structure=True; hvp: the product with a vector")
    print(
        f"{'':44}{'generated':>10}{'by hand':>10}{'ratio':>7}"
        f"{'jax':>10}{'times':>7}{'goal':>6}{'factors':>10}{'hvp':>10}"
    )
    for row in ROWS:
        spent = measure(row, rng, has_jax)
        ours = spent["generated"]
        jax = f"{spent['jax']:10.2f}{spent['jax'] / ours:7.1f}" if has_jax else f"{'-':>10}{'-':>7}"
        print(
            f"{row.name:44}{ours:10.2f}{spent['by hand']:10.2f}{ours / spent['by hand']:7.2f}"
            f"{jax}{row.goal:6g}{spent['factors']:10.3f}{spent['hvp']:10.3f}",
            flush=True,
        )
    if not has_jax:
        print("jax is not installed: no ratio to it")


if __name__ == "__main__":
    main()
