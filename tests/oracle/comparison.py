"""One problem against the oracle: what its generated module returns, beside autograd."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import numpy_module
from derive.errors import DeriveError, UnsupportedError
from derive.language import parse
from tests.oracle.oracle import Reference, nearby, point, reference
from tests.oracle.tree import Request, Task

__all__ = ["SIZES", "Outcome", "compare"]

Sizes = Mapping[str, int]

SIZES: Final[Sequence[Sizes]] = (
    {"n": 3, "m": 4, "k": 2, "N": 5, "l": 3},
    {"n": 1, "m": 1, "k": 1, "N": 1, "l": 1},
    {"n": 2, "m": 1, "k": 4, "N": 3, "l": 1},
)
"""Sizes that differ, sizes that are all 1, sizes some of which are 1."""

TOLERANCE: Final = 1e-7
NEAREST_KINK: Final = 1e-7
LARGEST: Final = 1e7
TRIES: Final = 3


@dataclass(frozen=True)
class Outcome:
    """How one problem went.

    Attributes:
        kind: ``right``, ``wrong``, ``refused``, or ``undecided`` where no point could be trusted.
        reason: What was wrong, or why it was refused.
        seconds: From the text to the module.
        points: How many points were compared.
    """

    kind: str
    reason: str = ""
    seconds: float = 0.0
    points: int = 0


def compare(task: Task, seed: int = 0, sizes: Sequence[Sizes] = SIZES) -> Outcome:
    """Derive the problem and compare its module with the oracle at each of the sizes."""
    started = time.perf_counter()
    try:
        problem = parse(str(task))
        text = numpy_module(derive(problem))
        names: dict[str, Any] = {"__name__": "generated"}
        exec(compile(text, "<generated>", "exec"), names)
    except UnsupportedError as error:
        return Outcome("refused", error.summary)
    except DeriveError as error:
        return Outcome("wrong", f"{type(error).__name__}: {error.summary}")
    except Exception as error:
        return Outcome("wrong", _crash(error))
    seconds = time.perf_counter() - started
    points = 0
    for at in sizes:
        for request, asked in zip(task.requests, problem.requests, strict=True):
            found = _at_sizes(task, request, asked.of, at, names, seed)
            if found:
                return Outcome("wrong", f"{found}, sizes {_named(task, at)}", seconds, points)
            points += found is not None
    return Outcome("right" if points else "undecided", "", seconds, points)


def _named(task: Task, sizes: Sizes) -> str:
    return ", ".join(f"{dim} = {sizes[dim]}" for dim in task.dims)


def _crash(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.name}, {last.filename[-40:]}:{last.lineno})"


def _at_sizes(
    task: Task, request: Request, of: str, sizes: Sizes, names: Mapping[str, Any], seed: int
) -> str | None:
    """What differs at a random point; empty if nothing, None if no point could be trusted."""
    for turn in range(TRIES):
        rng = np.random.default_rng((seed, turn, *sizes.values()))
        values = point(task, sizes, rng)
        with np.errstate(all="ignore"):
            expected = reference(task, request, values, sizes)
            if not _trusted(expected):
                continue
            again = reference(task, request, nearby(task, values, rng), sizes, rng)
            allowed = _allowed(expected, again)
        if allowed is not None:
            return _difference(task, request, of, names, values, expected, allowed)
    return None


def _trusted(found: Reference) -> bool:
    numbers = [found.value, *(np.sum(np.abs(g)) for g in found.gradients.values())]
    near = found.margin < NEAREST_KINK or found.largest > LARGEST
    return not near and all(math.isfinite(x) and abs(x) < LARGEST for x in numbers)


def _allowed(expected: Reference, again: Reference) -> dict[str, float] | None:
    """The error allowed in each result, from how much roundings move it; None if too much."""
    pairs = {name: (g, again.gradients[name]) for name, g in expected.gradients.items()}
    pairs[""] = (np.asarray(expected.value), np.asarray(again.value))
    allowed = {}
    for name, (first, second) in pairs.items():
        scale = float(np.max(np.abs(first), initial=0.0))
        noise = 1e3 * float(np.max(np.abs(first - second), initial=0.0))
        floor = 1e-12 * expected.largest
        if not noise <= 1e-5 * scale + 1e-9 * expected.largest:
            return None
        allowed[name] = TOLERANCE * scale + noise + floor
    return allowed


def _difference(
    task: Task,
    request: Request,
    of: str,
    names: Mapping[str, Any],
    values: Mapping[str, Any],
    expected: Reference,
    allowed: Mapping[str, float],
) -> str:
    """In words, the first result that is not as expected."""
    given = {}
    for variable in task.variables:
        extent = values[variable.name].shape[: len(variable.dims)]
        value = np.reshape(values[variable.name], extent)
        name = f"{variable.name}_" if variable.name in ("lambda", "class") else variable.name
        given[name] = value if extent else float(value)
    try:
        with np.errstate(all="ignore"):
            value = names[f"value_and_grad_{of}"](**given)[0]
            results = {name: names[f"grad_{of}_{name}"](**given) for name in request.wrt}
    except Exception as error:
        return _crash(error)
    if not abs(value - expected.value) <= allowed[""]:
        return f"value {value!r}, expected {expected.value!r}"
    declared = {variable.name: len(variable.dims) for variable in task.variables}
    for name, gradient in expected.gradients.items():
        order = declared.get(name, 2 - (task.shapes[name][1] == 1) - (task.shapes[name] == (1, 1)))
        got = np.asarray(results[name])
        if got.shape != gradient.shape[:order]:
            return f"gradient with respect to {name} has shape {got.shape}"
        off = np.max(np.abs(np.reshape(got, gradient.shape) - gradient), initial=0.0)
        if not off <= allowed[name]:
            scale = np.max(np.abs(gradient), initial=0.0)
            return f"gradient with respect to {name} off by {off:.2g} of {scale:.2g}"
    return ""
