"""A gradient beside the derivative it claims to be, at one point.

A gradient G of J with respect to x is compared along directions d: <G, d> with the derivative of J
along d. Directions have the structure of the variable (symmetric ones for a symmetric variable),
and then G must have it too.

An error is relative to the largest entry of the gradient. Where terms cancel, so that nothing but
rounding is left, there is no such scale, and a difference may be rounding. Whether it is, is found
out by evaluating again with errors on all values, much larger than those of rounding
(:class:`~derive.verify.evaluation.Noise`): a difference below ``ROUNDING`` times what they do to
the derivative and to the gradient, relative to them, is rounding.

Whether a derivative may be 0 is first seen by the flow, what passes through the definitions along
d: for each of them the largest derivative of a subexpression, times how much J depends on the
definition, summed. Central differences leave a gradient open when the rounding of what passes
through the definitions hides it.

Where gradient and derivative are too small for floating-point numbers, nothing is compared: the
outcome is void, and what is void at all points is not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from derive.problem import Problem
from derive.verify.differences import (
    STEP,
    Direction,
    Tangents,
    difference_centrally,
    differentiate,
)
from derive.verify.evaluation import Noise
from derive.verify.facts import STRUCTURES, keep, project
from derive.verify.functions import Array
from derive.verify.outcomes import TOLERANCES, Outcome
from derive.verify.program import Program
from derive.verify.report import COMPLEX_STEP
from derive.verify.sampling import AT_EDGE, Point

__all__ = ["Bench", "Slopes"]

ROUNDING: Final = 1e-13
"""Differences of derivatives below this times what noise does are rounding."""

LEAST: Final = 1e-14
"""Derivatives below this times what passes through the definitions may be said to be 0."""

SHORTER: Final = 0.25
"""What changes when a complex step is shorter by this is no derivative but the step's square."""

UNSTEADY: Final = 0.1
"""Rounding that is left where terms cancel changes by more than this, relatively, with noise."""

TRIALS: Final = 3
"""How many times noise is put on what may be rounding."""

SMALLEST: Final = 1e-250
"""Derivatives below this are not told from 0: their complex step has no digits left."""

WELL_CONDITIONED: Final = 1e-2
"""Rounding grows when the reciprocal condition number of an inverted matrix is below this."""

ENTRIES: Final = 400
"""Gradients with more entries than this are compared along random directions only."""

FEW_ENTRIES: Final = 20
"""Gradients with more entries are not differenced anew to go on with."""

RANDOM_DIRECTIONS: Final = 2


@dataclass(frozen=True)
class Slopes:
    """Derivatives of one output along directions of one name.

    Attributes:
        directions: Of one name.
        values: The derivatives.
        flows: What passes through the definitions; zeros where nothing is known.
        underflow: Whether something on the way was too small for a floating-point number.
        blur: How far off the derivatives are with noise, relative to it.
        cut: How far off a complex step may be, since it is no shorter.
    """

    directions: Sequence[Direction]
    values: Array
    flows: Array
    underflow: bool
    blur: Callable[[], Array]
    cut: Callable[[], Array] | None = None

    @cached_property
    def noise(self) -> Array:
        """What rounding of the derivatives is relative to."""
        return self.blur()

    @cached_property
    def truncation(self) -> Array:
        """How far off the method itself may be; 0 where the derivatives are not by complex step."""
        return np.zeros(len(self.values)) if self.cut is None else self.cut()

    @cached_property
    def lengths(self) -> Array:
        """Of the directions."""
        return np.array([np.linalg.norm(direction.change) for direction in self.directions])


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
        (self._noise_rng,) = rng.spawn(1)
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

    def judge_along_facts(self, name: str, along: Outcome) -> Outcome:
        """Whether it is enough that a gradient agrees along directions that keep equations.

        On the orthogonal matrices alone a function does not have one gradient. Where entries sum
        to 1, the gradient that is meant is that of the formula, which has a value around them too.
        """
        if "orthogonal" in self.problem.variables[name].facts:
            return replace(along, along_facts=True)
        wrong = f"right only where the sum of {name} stays 1: off by a multiple of ones"
        return replace(along, passed=False, error=np.inf, problem=wrong)

    def tangents(
        self, directions: Sequence[Direction], outputs: Iterable[str], method: str = COMPLEX_STEP
    ) -> dict[str, Tangents]:
        """Derivatives of outputs along directions."""
        environment = self.point.environment
        if method == COMPLEX_STEP:
            return differentiate(self.program, environment, directions, outputs)
        passing = {of: self.passing(of) for of in outputs}
        return difference_centrally(self.program, environment, directions, outputs, passing)

    def slopes(
        self, directions: Sequence[Direction], outputs: Iterable[str]
    ) -> dict[str, dict[str, Slopes]]:
        """Derivatives along directions, by output and by the name that moves."""
        outputs = tuple(outputs)
        tangents = self.tangents(directions, outputs)
        places: dict[str, list[int]] = {}
        for place, direction in enumerate(directions):
            places.setdefault(direction.name, []).append(place)
        return {
            of: {
                name: self._slopes(of, [directions[place] for place in own], own, tangents[of])
                for name, own in places.items()
            }
            for of in outputs
        }

    def _slopes(
        self, of: str, directions: Sequence[Direction], own: Sequence[int], tangents: Tangents
    ) -> Slopes:
        environment = self.point.environment
        values = tangents.values[own]

        def follow(noise: Noise) -> Array:
            return differentiate(self.program, environment, directions, (of,), noise)[of].values

        dependence = self._dependences(of)
        passing = [dependence.get(name, 0.0) * flow[own] for name, flow in tangents.flows.items()]
        return Slopes(
            directions,
            values,
            np.asarray(sum(passing)) if passing else np.zeros(len(values)),
            tangents.underflow,
            lambda: self.spread(follow, values),
            lambda: self._cut(of, directions, values),
        )

    def _cut(self, of: str, directions: Sequence[Direction], values: Array) -> Array:
        """How far off derivatives by complex step are, since it is no shorter."""
        environment, step = self.point.environment, SHORTER * STEP
        shorter = differentiate(self.program, environment, directions, (of,), step=step)
        return np.asarray(2 * np.abs(values - shorter[of].values))

    def spread(self, evaluate: Callable[[Noise], Array], value: Array) -> Array:
        """How far off values are when noise is put on the way to them, relative to the noise."""
        noises = (Noise(self._noise_rng) for _ in range(TRIALS))
        trials = [np.abs(evaluate(noise) - value) / Noise.SIZE for noise in noises]
        largest = np.max(trials, axis=0)
        return np.where(np.isfinite(largest), largest, 0.0)

    def is_rounding(self, of: str, difference: Array, *programs: Program) -> bool:
        """Whether a value by these definitions may be off by this from rounding alone."""
        environment, total = self.point.environment, np.zeros(np.shape(difference))
        for program in programs:

            def follow(noise: Noise, program: Program = program) -> Array:
                return program.compute(of, environment, noise=noise)

            total = total + self.spread(follow, np.asarray(environment[of]))
        return bool(np.all(np.abs(difference) <= self._rounding * total))

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
        slopes: Slopes,
        method: str = COMPLEX_STEP,
        blur: Callable[[], Array] | None = None,
    ) -> Outcome:
        """A gradient along directions beside the derivatives there.

        Args:
            gradient: Of the extent of its variable.
            slopes: The derivatives.
            method: That gave them.
            blur: What rounding of each entry of the gradient is relative to, if it is known.
        """
        is_finite = bool(np.all(np.isfinite(gradient)))
        if not is_finite and len(slopes.values) and not np.any(np.isfinite(slopes.values)):
            problem = "neither the value nor the derivative is finite"
            return Outcome(0.0, method, True, problem, is_void=True)
        if not is_finite:
            at_edge = ", at the edge of a domain" if self.point.edge <= AT_EDGE else ""
            return Outcome(np.inf, method, False, f"the value is not finite{at_edge}")
        if not np.all(np.isfinite(slopes.values)):
            return Outcome(np.inf, method, False, "the derivative is not finite there")
        if self._is_void(gradient, slopes):
            return Outcome(0.0, method, True, is_void=True)
        got = np.array([np.sum(gradient * d.change) for d in slopes.directions])
        errors = np.abs(got - slopes.values) / self.scales(gradient, slopes, blur)
        worst = int(np.argmax(errors)) if len(errors) else 0
        error = float(errors.max(initial=0.0))
        if error <= TOLERANCES[method]:
            return Outcome(error, method, True, is_zero=not np.any(slopes.values))
        return Outcome(
            error,
            method,
            False,
            f"off by {error:.1e} of its largest entry {slopes.directions[worst].place}",
            float(slopes.values[worst]),
            float(got[worst]),
        )

    def without_rounding(self, gradient: Array, of: str, slopes: Slopes) -> Array:
        """A gradient of ``of`` that was found right, or what it is where rounding hides that.

        ``1 - sigmoid(x)`` is 0 for a large x; what is computed from it is not.
        """
        (name,) = {direction.name for direction in slopes.directions} or ("",)
        got = np.array([np.sum(gradient * d.change) for d in slopes.directions])
        scale = max(np.abs(gradient).max(initial=0.0), np.abs(slopes.values).max(initial=0.0))
        is_right = np.abs(got - slopes.values) <= TOLERANCES[COMPLEX_STEP] * scale
        if np.all(is_right) or gradient.size > FEW_ENTRIES or self.structure(name):
            return gradient
        directions = self.entry_directions(name)
        found = self.tangents(directions, (of,))[of].values
        found = np.where(np.abs(found) <= self._cut(of, directions, found), 0.0, found)
        return found.reshape(gradient.shape) if np.all(np.isfinite(found)) else gradient

    def compare_along(
        self,
        gradient: Array,
        directions: Sequence[Direction],
        of: str,
        blur: Callable[[], Array] | None = None,
    ) -> Outcome:
        """A gradient of ``of`` along any directions of one name, by complex step."""
        if not directions:
            return Outcome(0.0, COMPLEX_STEP, True)
        (slopes,) = self.slopes(directions, (of,))[of].values()
        return self.compare(gradient, slopes, blur=blur)

    @staticmethod
    def _is_void(gradient: Array, slopes: Slopes) -> bool:
        """Whether nothing is left to compare, though it need not be 0."""
        sizes = (np.abs(gradient).max(initial=0.0), np.abs(slopes.values).max(initial=0.0))
        return max(sizes) < SMALLEST and (max(sizes) > 0 or slopes.underflow)

    def are_zero(self, slopes: Slopes) -> Array:
        """Where derivatives are 0, or nothing but rounding."""
        sizes = np.abs(slopes.values)
        if not np.any(sizes):
            return np.ones(len(sizes), dtype=bool)
        return np.asarray(sizes <= np.maximum(self._rounding * slopes.noise, slopes.truncation))

    def may_be_zero(self, slopes: Slopes) -> bool:
        """Whether all derivatives are much smaller than what passes through the definitions."""
        return bool(np.all(np.abs(slopes.values) <= self._rounding * slopes.flows))

    @property
    def _rounding(self) -> float:
        return ROUNDING * max(1.0, WELL_CONDITIONED / self.point.closest)

    def scales(
        self, gradient: Array, slopes: Slopes, blur: Callable[[], Array] | None = None
    ) -> Array:
        """What an error along each direction is relative to; 1 where all is zero."""
        lengths = np.where(slopes.lengths > 0, slopes.lengths, 1.0)
        got = np.array([np.sum(gradient * d.change) for d in slopes.directions])
        differences = np.abs(got - slopes.values)
        largest = (np.abs(slopes.values) / lengths).max(initial=0.0)
        scale = max(np.abs(gradient).max(initial=0.0), largest)
        scales = np.full(len(differences), scale if scale > 0 else 1.0)
        if np.all(differences <= TOLERANCES[COMPLEX_STEP] * scales):
            return scales
        noise = slopes.noise
        if blur is not None:
            noise = noise + [np.sum(blur() * np.abs(d.change)) for d in slopes.directions]
        if not np.any(gradient):
            unsteady = slopes.noise * Noise.SIZE > UNSTEADY * np.abs(slopes.values)
            noise = np.maximum(noise, unsteady * slopes.flows * LEAST / self._rounding)
        noise = np.maximum(noise, slopes.truncation / self._rounding)
        is_rounding = differences <= self._rounding * noise
        return np.where(is_rounding, np.maximum(scales, noise), scales)

    def check_structure(
        self, gradient: Array, name: str, blur: Callable[[], Array] | None = None
    ) -> Outcome | None:
        """Whether a gradient has the structure of its variable; None where there is none."""
        facts = self.structure(name)
        if not facts or not np.all(np.isfinite(gradient)):
            return None
        lack = np.abs(gradient - project(gradient, facts))
        error = float(lack.max() / max(np.abs(gradient).max(), np.finfo(float).tiny))
        fact = " and ".join(sorted(facts)).replace("_", " ")
        if error <= TOLERANCES[COMPLEX_STEP]:
            return Outcome(error, COMPLEX_STEP, True)
        if blur is not None and np.all(lack <= self._rounding * blur()):
            return Outcome(0.0, COMPLEX_STEP, True)
        return Outcome(error, COMPLEX_STEP, False, f"not {fact}, though {name} is")
