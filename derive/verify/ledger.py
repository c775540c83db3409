"""The record of a run, from which its report is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from derive.verify.outcomes import Outcome
from derive.verify.report import COMPLEX_STEP, VALUE, Check, Report
from derive.verify.sampling import Draw, Point

__all__ = ["Ledger", "describe"]

FEW_ENTRIES = 12
"""Up to how many entries the values of a point are printed with a failure."""


@dataclass
class _Entry:
    label: str
    kind: str
    outcome: Outcome
    point: str
    is_void: bool = False
    is_told: bool = False
    is_zero: bool = True


class Ledger:
    """Outcomes at all points, the worst kept for each thing that is checked."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._worst: dict[str, float] = {}

    def add(self, label: str, kind: str, outcome: Outcome, point: str, of: str = "") -> None:
        """Record one outcome of what is called ``label``, in the derivation of ``of``."""
        if outcome.method != VALUE:
            self._worst[outcome.method] = max(self._worst.get(outcome.method, 0.0), outcome.error)
        known = self._entries.setdefault((of, label), _Entry(label, kind, outcome, point))
        known.is_void |= outcome.is_void
        known.is_told |= outcome.method == COMPLEX_STEP and not outcome.is_void
        known.is_zero &= outcome.is_zero
        worse = (not outcome.passed, outcome.error) > (
            not known.outcome.passed,
            known.outcome.error,
        )
        if worse:
            known.outcome, known.point = outcome, point

    def are_zero(self, of: str, label: str) -> bool:
        """Whether what was compared was 0 at every point."""
        return self._entries[of, label].is_zero

    def report(self, draw: Draw, seed: int, notes: Sequence[str] = ()) -> Report:
        """The report of the run; a domain without a generic point is a failure."""
        checks = [_check(entry) for entry in self._entries.values()]
        if draw.failure is not None:
            summary = "; ".join((draw.failure.summary, *draw.failure.details))
            checks.append(Check("domain", False, np.inf, VALUE, problem=summary, kind="domain"))
        through = frozenset[str]().union(*(point.kinked for point in draw.points))
        return Report(
            checks=tuple(checks),
            points=len(draw.points),
            seed=seed,
            sizes=tuple(dict(point.sizes) for point in draw.points),
            worst=dict(self._worst),
            through=tuple(sorted(through)),
            notes=(*draw.notes, *notes),
        )


def describe(point: Point, number: int, seed: int) -> str:
    """A point in words: its number, the sizes, and the values when they are few."""
    parts = [f"point {number + 1} (seed {seed})"]
    parts.extend(f"{name} = {size}" for name, size in point.sizes.items())
    if sum(value.size for value in point.inputs.values()) <= FEW_ENTRIES:
        for name, value in point.inputs.items():
            flat = value.ravel().tolist() if 1 in value.shape else value.tolist()
            parts.append(f"{name} = {np.round(flat, 6).tolist()}")
    return ", ".join(parts)


def _check(entry: _Entry) -> Check:
    outcome = entry.outcome
    if outcome.passed and entry.is_void and not entry.is_told:
        why = outcome.problem or "too small for floating-point numbers"
        problem = f"{why} at every point, so that nothing was compared"
        return Check(entry.label, False, np.inf, outcome.method, problem=problem, kind="domain")
    return Check(
        label=entry.label,
        passed=outcome.passed,
        error=outcome.error,
        method=outcome.method,
        point=entry.point,
        expected=outcome.expected,
        got=outcome.got,
        problem=outcome.problem,
        kind=entry.kind,
    )
