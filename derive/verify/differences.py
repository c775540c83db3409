"""Derivatives by differences: of definitions, with respect to any name, along any direction.

One pass evaluates the definitions for many directions at once, each direction at its own place of
a batch axis. A definition is perturbed like a variable: its value moves, and what is computed from
it follows.

A complex step, Im J(x + i h d) / h with h = 1e-30, has no difference in it and no rounding beyond
that of the evaluation. Central differences with one Richardson extrapolation are the second
opinion: they know nothing of how functions are continued into the complex plane.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from derive.verify.evaluation import Noise, Watch
from derive.verify.functions import Array
from derive.verify.program import Program

__all__ = ["STEP", "Direction", "Tangents", "difference_centrally", "differentiate"]

STEP: Final = 1e-30
STEPS: Final = (1e-2, 1e-3, 1e-4, 1e-5)
"""Steps of the central differences; the one that agrees best with its own half is believed."""

ROUNDING: Final = 4e-15
"""Rounding of a value, relative to it, that central differences reckon with."""

BATCH_ENTRIES: Final = 2_000_000
LARGEST_BATCH: Final = 512


@dataclass(frozen=True)
class Direction:
    """A direction in which one name moves.

    Attributes:
        name: Of a variable or definition.
        change: Of the extent of its value.
        place: Where it points, in words.
    """

    name: str
    change: Array
    place: str = "along a random direction"


@dataclass(frozen=True)
class Tangents:
    """Directional derivatives of one output.

    Attributes:
        values: Along each direction, directions first.
        uncertainties: How far each may be off by the method itself; 0 for a complex step.
        flows: For each definition, the largest directional derivative of any subexpression in it,
            along each direction. Where the output's own is much smaller, terms have cancelled.
        underflow: Whether something on the way was too small for a floating-point number.
    """

    values: Array
    uncertainties: Array
    flows: Mapping[str, Array]
    underflow: bool = False


def differentiate(
    program: Program,
    environment: Mapping[str, Array],
    directions: Sequence[Direction],
    outputs: Iterable[str],
    noise: Noise | None = None,
    step: float = STEP,
) -> dict[str, Tangents]:
    """Derivatives of outputs along directions, by complex step.

    Args:
        program: The definitions.
        environment: Values of all names, definitions included.
        directions: Any number; they are worked off in batches.
        outputs: Names of definitions or variables.
        noise: What to put on all values on the way.
        step: How long it is.
    """
    outputs = tuple(dict.fromkeys(outputs))
    if not directions:
        return {output: Tangents(np.zeros(0), np.zeros(0), {}) for output in outputs}
    parts: dict[str, list[Array]] = {output: [] for output in outputs}
    flows: dict[str, list[Array]] = {name: [] for name in program.needed(outputs)}
    underflow = False
    for batch in _batches(directions, environment):
        moves = [(d.name, 1j * step * d.change) for d in batch]
        values, watches = _follow(program, environment, moves, outputs, True, noise)
        underflow = underflow or any(watch.underflow for watch in watches.values())
        for output in outputs:
            is_known = np.isfinite(values[output].real)
            parts[output].append(np.where(is_known, values[output].imag / step, np.nan))
        for name, flow in flows.items():
            largest = np.asarray(watches[name].largest if name in watches else 0.0) / step
            flow.append(np.broadcast_to(largest, (len(batch),)))
    joined = {name: np.concatenate(flow) for name, flow in flows.items()}
    return {
        output: Tangents(
            np.concatenate(parts[output]), np.zeros(len(directions)), joined, underflow
        )
        for output in outputs
    }


def difference_centrally(
    program: Program,
    environment: Mapping[str, Array],
    directions: Sequence[Direction],
    outputs: Iterable[str],
    passing: Mapping[str, float],
) -> dict[str, Tangents]:
    """Derivatives of outputs along directions, by central differences.

    The uncertainty is the disagreement between the extrapolation and the finer of its two
    differences, which is more than its error, and the rounding of the values. ``passing`` is, for
    each output, the size of what it is computed from, to which rounding is relative: where terms
    have cancelled, it is much larger than the value. The rest is as for :func:`differentiate`.
    """
    outputs = tuple(dict.fromkeys(outputs))
    parts: dict[str, list[Array]] = {output: [] for output in outputs}
    doubts: dict[str, list[Array]] = {output: [] for output in outputs}
    shifts = np.array([(h, -h, h / 2, -h / 2) for h in STEPS])
    for batch in _batches(directions, environment, shifts.size):
        scales = np.array([_scale(environment[d.name]) for d in batch])
        moves = [
            (d.name, shift * scale * d.change)
            for d, scale in zip(batch, scales, strict=True)
            for shift in shifts.ravel()
        ]
        values, _ = _follow(program, environment, moves, outputs)
        for output in outputs:
            extent = values[output].shape[1:]
            table = values[output].reshape(len(batch), *shifts.shape, *extent)
            widths = (2 * shifts[:, 0] * scales[:, None]).reshape(
                len(batch), len(STEPS), *(1 for _ in extent)
            )
            best, doubt = _extrapolate(table, widths, passing[output])
            parts[output].append(best)
            doubts[output].append(doubt)
    return {
        output: Tangents(np.concatenate(parts[output]), np.concatenate(doubts[output]), {})
        for output in outputs
    }


def _extrapolate(table: Array, widths: Array, passing: float) -> tuple[Array, Array]:
    """Best estimate and its doubt, from values at (+h, -h, +h/2, -h/2) for several h.

    Args:
        table: (directions, steps, 4, ...).
        widths: 2 h, (directions, steps, 1...).
        passing: What rounding is relative to, if larger than the values.
    """
    coarse = (table[:, :, 0] - table[:, :, 1]) / widths
    fine = (table[:, :, 2] - table[:, :, 3]) / (widths / 2)
    refined = (4 * fine - coarse) / 3
    axes = tuple(range(2, refined.ndim))
    rounding = ROUNDING * np.fmax(np.abs(table[:, :, 0]), passing) / widths
    doubt = (
        np.max(np.abs(refined - fine) + rounding, axis=axes)
        if axes
        else (np.abs(refined - fine) + rounding)
    )
    chosen = np.argmin(np.where(np.isnan(doubt), np.inf, doubt), axis=1)
    rows = np.arange(len(refined))
    return refined[rows, chosen], doubt[rows, chosen]


def _scale(value: Array) -> float:
    """What a step is relative to."""
    return float(np.clip(np.abs(value).max(), 1e-3, 1e3))


def _batches(
    directions: Sequence[Direction], environment: Mapping[str, Array], copies: int = 1
) -> Iterable[Sequence[Direction]]:
    largest = max((np.size(value) for value in environment.values()), default=1)
    count = max(1, min(LARGEST_BATCH, BATCH_ENTRIES // largest) // copies)
    for start in range(0, len(directions), count):
        yield directions[start : start + count]


def _follow(
    program: Program,
    environment: Mapping[str, Array],
    moves: Sequence[tuple[str, Array]],
    outputs: Sequence[str],
    watched: bool = False,
    noise: Noise | None = None,
) -> tuple[dict[str, Array], dict[str, Watch]]:
    """Outputs after moves, one move at each place of the batch; what each definition passed.

    What does not move is not evaluated again, unless there is noise to be put on it.
    """
    places: dict[str, list[int]] = {}
    for place, (name, _) in enumerate(moves):
        places.setdefault(name, []).append(place)
    values: dict[str, Any] = dict(environment)
    moved: set[str] = set()
    watches: dict[str, Watch] = {}

    def move(name: str) -> None:
        size = (len(moves), *np.shape(environment[name]))
        value = np.broadcast_to(values[name], size) + np.zeros_like(moves[0][1], shape=size)
        for place in places[name]:
            value[place] += moves[place][1]
        values[name] = value
        moved.add(name)

    for name in places.keys() - set(program.names):
        move(name)
    for name in program.needed((*outputs, *places)):
        if noise is not None or program.uses[name] & moved:
            watch = Watch(imaginary=True) if watched else None
            values[name] = program.compute(name, values, watch, noise)
            moved.add(name)
            if watch is not None:
                watches[name] = watch
        if name in places:
            move(name)
    sizes = {name: (len(moves), *np.shape(environment[name])) for name in outputs}
    return {name: np.broadcast_to(values[name], sizes[name]) for name in outputs}, watches
