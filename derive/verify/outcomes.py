"""How one comparison came out, and when it is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from derive.verify.functions import Array
from derive.verify.report import CENTRAL_DIFFERENCES, COMPLEX_STEP, VALUE

__all__ = ["TOLERANCES", "Outcome", "compare_values"]

TOLERANCES: Final[Mapping[str, float]] = {COMPLEX_STEP: 1e-9, CENTRAL_DIFFERENCES: 1e-6}
"""Largest relative error that passes, by method."""

VALUE_ROUNDING: Final = 1e-12
"""Differences of values below this times the largest value on the way to them are rounding."""


@dataclass(frozen=True)
class Outcome:
    """How one gradient compared.

    Attributes:
        error: Largest relative error; infinite when something is NaN or has the wrong shape.
        method: That judged it.
        passed: Whether the error is within the tolerance of the method.
        problem: What is wrong, in words.
        expected: The derivative, along the direction where it is worst.
        got: The claim there.
        along_facts: Whether only directions that keep the equations of the variable agreed.
        is_void: Whether nothing was compared, since all was too small for that, or infinite.
        is_zero: Whether the derivative is exactly 0 along all directions.
    """

    error: float
    method: str
    passed: bool
    problem: str = ""
    expected: float | None = None
    got: float | None = None
    along_facts: bool = False
    is_void: bool = False
    is_zero: bool = False


def compare_values(name: str, expected: Array, got: Array, largest: float) -> Outcome:
    """A value of a quantity beside the judge's own.

    Args:
        name: Of the quantity.
        expected: The judge's.
        got: Of the same extent.
        largest: The largest value on the way to it, below whose rounding nothing is told.
    """
    difference = float(np.abs(got - expected).max(initial=0.0))
    size = float(np.abs(expected).max(initial=0.0))
    scale = max(size, largest) if difference <= VALUE_ROUNDING * largest else size
    error = difference / scale if scale > 0 else difference
    if error <= TOLERANCES[COMPLEX_STEP]:
        return Outcome(error, VALUE, True)
    worst = np.unravel_index(int(np.argmax(np.abs(got - expected))), got.shape)
    return Outcome(
        np.inf if np.isnan(error) else error,
        VALUE,
        False,
        f"the value of {name} is off by {error:.1e}",
        float(expected[worst]),
        float(got[worst]),
    )
