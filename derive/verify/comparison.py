"""A gradient beside the derivative it claims to be, at one point.

A gradient G of J with respect to x is compared along directions d: <G, d> with the derivative of J
along d. Directions have the structure of the variable (symmetric ones for a symmetric variable),
and then G must have it too.

An error is relative to the largest entry of the gradient. Where terms cancel, so that nothing but
rounding is left, there is no such scale: a difference below ``ROUNDING`` times the flow is
rounding. The flow is what passes through the definitions along d: for each of them the largest
derivative of a subexpression, times how much J depends on the definition, summed. Central
differences leave a gradient open when the rounding of what passes through the definitions hides it.
Where the derivative is 0, rounding of the gradient's own terms is rounding too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from derive.problem import Problem
from derive.verify.differences import (
    Direction,
    Tangents,
    difference_centrally,
    differentiate,
)
from derive.verify.facts import STRUCTURES, keep, project
from derive.verify.functions import Array
from derive.verify.program import Program
from derive.verify.report import CENTRAL_DIFFERENCES, COMPLEX_STEP, VALUE
from derive.verify.sampling import Point

__all__ = ["TOLERANCES", "Bench", "Outcome", "compare_values"]

TOLERANCES: Final[Mapping[str, float]] = {COMPLEX_STEP: 1e-9, CENTRAL_DIFFERENCES: 1e-6}
"""Largest relative error that passes, by method."""

ROUNDING: Final = 1e-13
"""Differences of derivatives below this times the flow are rounding."""

WELL_CONDITIONED: Final = 1e-2
"""Rounding grows when the reciprocal condition number of an inverted matrix is below this."""

VALUE_ROUNDING: Final = 1e-12
"""Differences of values below this times the largest value on the way to them are rounding."""

ENTRIES: Final = 400
"""Gradients with more entries than this are compared along random directions only."""

RANDOM_DIRECTIONS: Final = 2


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
    """

    error: float
    method: str
    passed: bool
    problem: str = ""
    expected: float | None = None
    got: float | None = None
    along_facts: bool = False


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


class Bench:
    """Compares gradients at one point.

    Args:
        problem: For the facts of variables.
        program: The definitions.
        point: Where.
        rng: For the directions.
    """

    def __init__(
        self, problem: Problem, program: Program, point: Point, rng: np.random.Generator
    ) -> None:
        self.problem = problem
        self.program = program
        self.point = point
        self.rng = rng
        self._dependence: dict[str, dict[str, float]] = {}
        self._passing: dict[str, float] = {}

    def structure(self, name: str) -> frozenset[str]:
        """The facts that the gradient shares with its variable."""
        variable = self.problem.variables.get(name)
        if variable is None or len(variable.shape) != 2:
            return frozenset()
        return variable.facts & STRUCTURES

    def random_directions(self, name: str) -> list[Direction]:
        """A few generic directions with the structure of the variable."""
        facts = self.structure(name)
        changes = (self._draw(name) for _ in range(RANDOM_DIRECTIONS))
        return [Direction(name, project(change, facts) if facts else change) for change in changes]

    def entry_directions(self, name: str) -> list[Direction]:
        """One direction for each entry; random ones when there are too many."""
        value = self.point.environment[name]
        if value.size > ENTRIES:
            return self.random_directions(name)
        facts = self.structure(name)
        directions = []
        for index in np.ndindex(value.shape):
            unit = np.zeros(value.shape)
            unit[index] = 1.0
            change = project(unit, facts) if facts else unit
            if np.any(change):
                directions.append(Direction(name, change, self._place(name, index)))
        return directions

    def _place(self, name: str, index: tuple[int, ...]) -> str:
        if not index:
            return "in the number"
        axes = 1 if index[1:] == (0,) and self.point.environment[name].shape[1] == 1 else 2
        return f"in entry [{', '.join(map(str, index[:axes]))}]"

    def _draw(self, name: str) -> Array:
        return np.asarray(self.rng.standard_normal(np.shape(self.point.environment[name])))

    def along_facts(self, name: str) -> list[Direction]:
        """Directions that keep the equations a variable obeys; none where it obeys none."""
        variable = self.problem.variables.get(name)
        if variable is None:
            return []
        value = self.point.environment[name]
        drawn = (self._draw(name) for _ in range(RANDOM_DIRECTIONS))
        kept = (keep(change, value, variable.facts, variable.shape) for change in drawn)
        return [Direction(name, change) for change in kept if change is not None]

    def tangents(
        self, directions: Sequence[Direction], outputs: Iterable[str], method: str = COMPLEX_STEP
    ) -> dict[str, Tangents]:
        """Derivatives of outputs along directions."""
        environment = self.point.environment
        if method == COMPLEX_STEP:
            return differentiate(self.program, environment, directions, outputs)
        passing = {of: self.passing(of) for of in outputs}
        return difference_centrally(self.program, environment, directions, outputs, passing)

    def flows(self, of: str, tangents: Tangents) -> Array:
        """What passes through the definitions towards ``of``, along each direction."""
        dependence = self._dependences(of)
        flows = [dependence.get(name, 0.0) * flow for name, flow in tangents.flows.items()]
        return np.asarray(sum(flows)) if flows else np.zeros(len(tangents.values))

    def passing(self, of: str) -> float:
        """As the flows, for values: what passes through the definitions towards ``of``."""
        if of not in self._passing:
            total = 0.0
            for name, dependence in self._dependences(of).items():
                _, largest = self.program.recompute(name, self.point.environment)
                total += dependence * largest
            self._passing[of] = total
        return self._passing[of]

    def _dependences(self, of: str) -> dict[str, float]:
        """How much ``of`` depends on each definition that it is computed from; 1 on itself."""
        if of not in self._dependence:
            names = self.program.needed((of,))
            directions = [d for name in names for d in self.random_directions(name)]
            tangents = differentiate(self.program, self.point.environment, directions, (of,))
            sizes: dict[str, float] = dict.fromkeys(names, 0.0)
            for direction, value in zip(directions, tangents[of].values, strict=True):
                sizes[direction.name] = max(sizes[direction.name], float(np.abs(value)))
            self._dependence[of] = sizes | {of: 1.0} if of in sizes else sizes
        return self._dependence[of]

    def compare(
        self,
        gradient: Array,
        directions: Sequence[Direction],
        values: Array,
        flows: Array,
        method: str = COMPLEX_STEP,
        passing: float = 0.0,
    ) -> Outcome:
        """A gradient along directions beside the derivatives there.

        Args:
            gradient: Of the extent of its variable.
            directions: All of one name.
            values: Derivatives along them.
            flows: As :meth:`flows` gives them; zeros where nothing is known.
            method: That gave the values.
            passing: The size of what the gradient was computed from.
        """
        if not np.all(np.isfinite(gradient)):
            return Outcome(np.inf, method, False, "the value is not finite")
        if not np.all(np.isfinite(values)):
            return Outcome(np.inf, method, False, "the derivative is not finite there")
        got = np.array([np.sum(gradient * d.change) for d in directions])
        errors = np.abs(got - values) / self.scales(gradient, directions, values, flows, passing)
        worst = int(np.argmax(errors)) if len(errors) else 0
        error = float(errors.max(initial=0.0))
        if error <= TOLERANCES[method]:
            return Outcome(error, method, True)
        return Outcome(
            error,
            method,
            False,
            f"off by {error:.1e} of its largest entry {directions[worst].place}",
            float(values[worst]),
            float(got[worst]),
        )

    def compare_along(
        self, gradient: Array, directions: Sequence[Direction], of: str, passing: float = 0.0
    ) -> Outcome:
        """A gradient of ``of`` along any directions, by complex step."""
        tangents = self.tangents(directions, (of,))[of]
        flows = self.flows(of, tangents)
        return self.compare(gradient, directions, tangents.values, flows, passing=passing)

    def are_zero(self, values: Array, flows: Array) -> Array:
        """Where derivatives are 0, or nothing but rounding."""
        return np.asarray(np.abs(values) <= self._rounding * flows)

    @property
    def _rounding(self) -> float:
        return ROUNDING * max(1.0, WELL_CONDITIONED / self.point.closest)

    def scales(
        self,
        gradient: Array,
        directions: Sequence[Direction],
        values: Array,
        flows: Array,
        passing: float = 0.0,
    ) -> Array:
        """What an error along each direction is relative to; 1 where all is zero."""
        got = np.array([np.sum(gradient * d.change) for d in directions])
        lengths = np.array([np.linalg.norm(d.change) for d in directions])
        own = np.where(self.are_zero(values, flows), passing * lengths, 0.0)
        flows = np.maximum(flows, own)
        slopes = np.abs(values) / np.where(lengths > 0, lengths, 1.0)
        scale = max(np.abs(gradient).max(initial=0.0), slopes.max(initial=0.0))
        is_rounding = np.abs(got - values) <= self._rounding * flows
        scales = np.where(is_rounding, np.maximum(scale, flows), scale)
        return np.where(scales > 0, scales, 1.0)

    def check_structure(self, gradient: Array, name: str) -> Outcome | None:
        """Whether a gradient has the structure of its variable; None where there is none."""
        facts = self.structure(name)
        if not facts or not np.all(np.isfinite(gradient)):
            return None
        lack = np.abs(gradient - project(gradient, facts))
        error = float(lack.max() / max(np.abs(gradient).max(), np.finfo(float).tiny))
        fact = " and ".join(sorted(facts)).replace("_", " ")
        if error <= TOLERANCES[COMPLEX_STEP]:
            return Outcome(error, COMPLEX_STEP, True)
        return Outcome(error, COMPLEX_STEP, False, f"not {fact}, though {name} is")
