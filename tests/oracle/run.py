"""Random problems by the thousand: ``python -m tests.oracle.run 10000 --seed 0``.

Prints each problem that is wrong, shrunken, then how many were right, wrong and refused (by
reason), and the median and the worst time from text to module. Exits with 1 when one is wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections import Counter

from tests.oracle.comparison import Outcome, compare
from tests.oracle.problems import problem
from tests.oracle.shrinking import shrunken

MOST_REFUSED = 0.02
SLOW = 10.0


def judged(seed: int) -> tuple[int, Outcome, str]:
    """The outcome of one random problem, and the text of the smallest that is wrong likewise."""
    task = problem(seed)
    outcome = compare(task, seed)
    if outcome.kind != "wrong":
        return seed, outcome, ""
    start = outcome.reason[:12]
    small = shrunken(task, lambda smaller: compare(smaller, seed).reason[:12] == start)
    return seed, compare(small, seed), str(small)


def main() -> int:
    """Run, print, and say whether anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    outcomes: list[Outcome] = []
    refused: Counter[str] = Counter()
    started = time.perf_counter()
    seeds = range(asked.seed, asked.seed + asked.count)
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        for seed, outcome, text in pool.imap_unordered(judged, seeds, chunksize=4):
            outcomes.append(outcome)
            if outcome.kind == "wrong":
                print(f"# wrong, seed {seed}: {outcome.reason}\n{text}", flush=True)
            elif outcome.kind == "refused":
                refused[outcome.reason] += 1
            if outcome.seconds > SLOW:
                print(f"# slow, seed {seed}: {outcome.seconds:.0f} s\n{problem(seed)}", flush=True)
    kinds = Counter(outcome.kind for outcome in outcomes)
    print(f"{asked.count} problems from seed {asked.seed}, {time.perf_counter() - started:.0f} s")
    for kind in ("right", "wrong", "refused", "undecided"):
        print(f"  {kind:10}{kinds[kind]:7}")
    for reason, count in refused.most_common():
        print(f"    {count:5}  {reason}")
    print(f"  compared at {sum(outcome.points for outcome in outcomes)} points")
    seconds = [outcome.seconds for outcome in outcomes if outcome.seconds] or [0.0]
    print(
        f"  text to module: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s"
    )
    return int(kinds["wrong"] > 0 or kinds["refused"] > MOST_REFUSED * asked.count)


if __name__ == "__main__":
    sys.exit(main())
