"""Seconds to derive a dense network of L layers, and the exponent of their growth.

Widths are symbolic, so every layer has sizes of its own. Timed is the derivation of all 2 L
gradients; importing, reading the text, the judge and printing are shown beside it.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import derive
from derive.emit.claims import auxiliary, claims
from derive.notation.board import board
from derive.verify import judge

DEPTHS = (10, 50, 100, 200)
ROUNDS = 5

T = TypeVar("T")


def network(depth: int) -> str:
    """A problem in the language: ReLU layers, softmax, cross-entropy, one column vector."""
    lines = ["x : (n0)", f"y : (n{depth}) probability"]
    for layer in range(1, depth + 1):
        lines += [f"W{layer} : (n{layer}, n{layer - 1})", f"b{layer} : (n{layer})"]
    before = "x"
    for layer in range(1, depth + 1):
        function = "softmax" if layer == depth else "relu"
        lines.append(f"z{layer} = W{layer}*{before} + b{layer}")
        lines.append(f"a{layer} = {function}(z{layer})")
        before = f"a{layer}"
    lines.append(f"J = cross_entropy({before}, y)")
    names = ", ".join(f"W{layer}, b{layer}" for layer in range(1, depth + 1))
    return "\n".join([*lines, f"grad J wrt {names}"])


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that some work takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def exponent(seconds: dict[int, float]) -> float:
    """The slope of log(seconds) over log(depth), by least squares."""
    xs = [math.log(depth) for depth in seconds]
    ys = [math.log(value) for value in seconds.values()]
    x_mean, y_mean = statistics.fmean(xs), statistics.fmean(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def main() -> None:
    """Print the table."""
    problems = {depth: derive.parse(network(depth)) for depth in DEPTHS}
    derive.derive(derive.parse(network(2)))
    deriving: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    others: dict[int, tuple[float, float, float]] = {}
    for _ in range(ROUNDS):
        for depth, problem in problems.items():
            seconds, derivation = timed(lambda problem=problem: derive.derive(problem))
            deriving[depth].append(seconds)
    for depth, problem in problems.items():
        reading, _ = timed(lambda depth=depth: derive.parse(network(depth)))
        derivation = derive.derive(problem)
        writing, _ = timed(lambda d=derivation: [board(sweep) for sweep in d.sweeps])
        judging, _ = timed(
            lambda p=problem, d=derivation: judge(p, claims(d), auxiliary=auxiliary(d))
        )
        others[depth] = (reading, writing, judging)
    print("layers  gradients  derive [s]  read [s]  set in matrices [s]  judge [s]")
    medians = {depth: statistics.median(times) for depth, times in deriving.items()}
    for depth, median in medians.items():
        reading, writing, judging = others[depth]
        print(
            f"{depth:6d}  {2 * depth:9d}  {median:10.3f}  {reading:8.3f}  "
            f"{writing:19.3f}  {judging:9.3f}"
        )
    print(f"seconds grow like layers^{exponent(medians):.2f} (median of {ROUNDS} rounds)")


if __name__ == "__main__":
    main()
