"""Random problems by the thousand: ``python -m tests.oracle.run 10000 --seed 0``.

Problems ask for gradients, or with ``--kind matrices`` for Jacobians and Hessians. Prints each
problem that is wrong, shrunken, then how many were right, wrong and refused (by reason), and the
median and the worst time from text to module. Of a share of the problems (``SHARES``) the printed
closed form is compared too, the page is printed, the library's own check is run, or JAX is asked as
well, where it is installed. A problem that has a kink or no firm digits wherever one looks is drawn
anew, at most twice.

Exits with 1 when one is wrong, when more than 2 in a hundred are refused, or when more than 1 in a
hundred is undecided.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.oracle.comparison import Outcome, compare
from tests.oracle.problems import KINDS, problem
from tests.oracle.shrinking import shrunken

MOST_REFUSED = 0.02
MOST_UNDECIDED = 0.01
SLOW = 10.0
DRAWS = 3
AGAIN = 10**9
"""Added to the seed of a problem that is drawn anew."""

SHARES: Final[Mapping[str, Mapping[str, int]]] = {
    "gradients": {"printed": 4, "explained": 16, "checked": 16, "jax": 50},
    "matrices": {"printed": 2, "explained": 16, "checked": 8, "jax": 25},
}
"""Of how many problems one takes each road beside the module, by kind."""

JAX = importlib.util.find_spec("jax") is not None


@dataclass(frozen=True)
class Told:
    """What came of one seed: the problem's text where it is of interest."""

    seed: int
    outcome: Outcome
    roads: Sequence[str]
    draws: int
    text: str = ""


def roads_of(seed: int, kind: str) -> tuple[str, ...]:
    """What is compared beside the module."""
    return tuple(
        road for road, share in SHARES[kind].items() if seed % share == 0 and (JAX or road != "jax")
    )


def judged(seed: int, kind: str) -> Told:
    """The outcome of one random problem; if it is wrong, that of the smallest wrong likewise."""
    roads = roads_of(seed, kind)
    for draws in range(DRAWS):
        at = seed + draws * AGAIN
        task = problem(at, kind)
        outcome = compare(task, at, roads=roads)
        if outcome.kind != "undecided":
            break
    if outcome.kind == "wrong":
        start = outcome.reason[:12]
        task = shrunken(task, lambda small: compare(small, at, roads=roads).reason[:12] == start)
        outcome = compare(task, at, roads=roads)
    telling = outcome.kind == "wrong" or outcome.seconds > SLOW
    return Told(at, outcome, roads, draws, str(task) if telling else "")


def grouped(reason: str) -> str:
    """A reason without the names of the problem."""
    return re.sub(r"\b(size|axis|variable|of|to) (?!an?\b|the\b)\w+", r"\1 ...", reason)


def report(told: Sequence[Told], kind: str, seconds: float) -> bool:
    """Print what came of it; whether all is well."""
    kinds = Counter(one.outcome.kind for one in told)
    print(f"{len(told)} problems that ask for {kind}, {seconds:.0f} s")
    for came in ("right", "wrong", "refused", "undecided"):
        print(f"  {came:10}{kinds[came]:7}")
        if came == "refused":
            reasons = Counter(grouped(o.outcome.reason) for o in told if o.outcome.kind == came)
            for reason, count in reasons.most_common():
                print(f"    {count:5}  {reason}")
    roads = Counter(road for one in told for road in one.roads)
    also = ", ".join(f"{count} {road}" for road, count in roads.items())
    print(f"  compared at {sum(one.outcome.points for one in told)} points; of these {also}")
    print(f"  drawn anew, undecided before: {sum(one.draws > 0 for one in told)}")
    declared = Counter(grouped(one.outcome.declared) for one in told if one.outcome.declared)
    print(f"  shapes left open that had to be declared: {sum(declared.values())}")
    for reason, count in declared.most_common(6):
        print(f"    {count:5}  {reason}")
    times = [one.outcome.seconds for one in told if one.outcome.seconds] or [0.0]
    print(f"  text to module: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    few = kinds["refused"] <= MOST_REFUSED * len(told)
    return not kinds["wrong"] and few and kinds["undecided"] <= MOST_UNDECIDED * len(told)


def main() -> int:
    """Run, print, and say whether anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0])
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.nice(10)
    started = time.perf_counter()
    told: list[Told] = []
    seeds = range(asked.seed, asked.seed + asked.count)
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        for one in pool.imap_unordered(partial(judged, kind=asked.kind), seeds, chunksize=4):
            told.append(one)
            if one.text:
                said = f"{one.outcome.kind}, {one.outcome.seconds:.1f} s: {one.outcome.reason}"
                print(f"# seed {one.seed}, {said}\n{one.text}", flush=True)
            spent = time.perf_counter() - started
            if spent > 60 * asked.minutes:
                break
            if len(told) % 1000 == 0:
                print(f"# {len(told)} problems, {spent:.0f} s", flush=True)
    return int(not report(told, asked.kind, time.perf_counter() - started))


if __name__ == "__main__":
    sys.exit(main())
