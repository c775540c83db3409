"""What was checked, at which points, by which method, and how far off the worst of it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CENTRAL_DIFFERENCES", "COMPLEX_STEP", "VALUE", "Check", "Report"]

COMPLEX_STEP: Final = "complex step"
CENTRAL_DIFFERENCES: Final = "central differences"
VALUE: Final = "value"
"""The method of a check that compares values and differences nothing."""

METHODS: Final = (COMPLEX_STEP, CENTRAL_DIFFERENCES)

COUNTED: Final = ("step", "gradient", "Jacobian", "Hessian", "higher derivative", "function")
"""Kinds of checks that the summary counts; others are mentioned only when they fail."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked, at all points.

    Attributes:
        label: What it is, as the notes call it.
        passed: Whether every point agreed.
        error: The largest relative error; infinite for NaN and for a wrong shape.
        method: By which the number at fault was judged, or the worst one if all passed.
        point: Where the worst error was: sizes, and the values if there are few.
        expected: The judge's number there.
        got: The number that was checked.
        problem: What is wrong, in words; empty when it passed.
        kind: What it is: ``step``, ``gradient``, ``function``, ``fact``, ``rewriting``, ``domain``.
    """

    label: str
    passed: bool
    error: float
    method: str
    point: str = ""
    expected: float | None = None
    got: float | None = None
    problem: str = ""
    kind: str = "step"

    def __str__(self) -> str:
        if self.passed:
            return f"{self.label}: relative error {_figure(self.error)} ({self.method})"
        lines = [f"{self.label}: {self.problem}"]
        if self.expected is not None:
            lines.append(f"  expected {self.expected:.15g}, got {self.got:.15g}")
        if self.point:
            lines.append(f"  at {self.point}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What the judge did and found.

    Attributes:
        checks: One for each claim, function or declared fact.
        points: How many points there were.
        seed: Of the random numbers.
        sizes: Of the symbolic dimensions, at each point.
        worst: Largest relative error by method, over all that passed or failed.
        through: Functions with a kink that the definitions pass through.
        notes: What could not be done as usual, a sentence each.
    """

    checks: tuple[Check, ...]
    points: int
    seed: int
    sizes: tuple[Mapping[str, int], ...]
    worst: Mapping[str, float]
    through: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether something was checked, and all of it agreed."""
        return bool(self.checks) and self.points > 0 and all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def summary(self) -> str:
        """One line: what was run, and the largest errors; or how much failed."""
        ran = f"{self._counted()}, each at {_count(self.points, 'random point')}, seed {self.seed}"
        if not self.passed:
            return f"{ran}: {len(self.failures)} failed"
        errors = [
            f"{_figure(self.worst[method])} ({self._named(method)})"
            for method in METHODS
            if method in self.worst
        ]
        return f"{ran}: largest relative error {', '.join(errors)}"

    def _named(self, method: str) -> str:
        if method == CENTRAL_DIFFERENCES and self.through:
            return f"{method}, through {', '.join(self.through)}"
        return method

    def _counted(self) -> str:
        kinds = [check.kind for check in self.checks]
        parts = [_count(kinds.count(kind), kind) for kind in COUNTED if kind in kinds]
        if not parts:
            return "nothing"
        return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)

    def __str__(self) -> str:
        return "\n".join((self.summary(), *map(str, self.failures), *self.notes))


def _figure(error: float) -> str:
    return f"{error:.0e}" if error else "0"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
