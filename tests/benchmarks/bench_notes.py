"""Seconds for the notes of circles in every text format, cold, beyond ``import sympy``.

Each round is a process of its own that imports SymPy, then reads, derives, checks, generates code
and prints each format, as ``derive notes`` does; importing a part of derive counts where it is
first needed. Its modules are compiled before the first round, as they are where it is installed.
Beside the time that passes stands that of the processor, which tells more where other programs run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PROBLEM: Final = "circles"
ROUNDS: Final = 7
GOAL: Final = 1.5

PROGRAM: Final = """
import json, sys, time

def now():
    return time.perf_counter(), time.process_time()

marks = {"start": now()}
import sympy
marks["import sympy"] = now()
import derive
import derive.workflow as workflow
from derive.notes import FORMATS, notes
problem = derive.example(sys.argv[1])
marks["import, read"] = now()
derivation = derive.derive(problem)
marks["derive"] = now()
report = workflow.check(derivation)
marks["check"] = now()
module = workflow.code(derivation, report=report)
marks["code, checked"] = now()
page = workflow.page(derivation, report)
marks["page"] = now()
for format in FORMATS:
    notes(page, format, code=module)
    marks[f"print {format}"] = now()
print(json.dumps(list(marks.items())))
"""


def measured(compiled: str) -> dict[str, tuple[float, float]]:
    """Seconds of each part in a new process: those that passed, and those of the processor.

    Args:
        compiled: The folder for compiled modules.
    """
    command = [sys.executable, "-c", PROGRAM, PROBLEM]
    own = {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
    ran = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=True
    )
    marks = json.loads(ran.stdout)
    return {
        name: (end[0] - start[0], end[1] - start[1]) for (_, start), (name, end) in pairwise(marks)
    }


def beyond(parts: dict[str, tuple[float, float]], clock: int) -> float:
    """Seconds of all parts but SymPy's import."""
    return sum(times[clock] for name, times in parts.items() if name != "import sympy")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as compiled:
        measured(compiled)
        rounds = [measured(compiled) for _ in range(ROUNDS)]
    print(f"notes of {PROBLEM}, each of {ROUNDS} rounds a new process; medians in seconds")
    print(f"{'':>14}  passed  processor")
    for name in rounds[0]:
        passed, processor = (statistics.median(r[name][clock] for r in rounds) for clock in (0, 1))
        print(f"{name:>14}  {passed:6.3f}  {processor:9.3f}")
    passed, processor = (statistics.median(beyond(r, clock) for r in rounds) for clock in (0, 1))
    least = min(beyond(r, 0) for r in rounds)
    print(
        f"beyond sympy    {passed:6.3f}  {processor:9.3f}  (least {least:.3f}; the goal is {GOAL})"
    )


if __name__ == "__main__":
    main()
