"""One problem against the oracle: what the library answers on each of its roads, beside autograd.

The roads are what people use: the module that is generated; the closed form that is printed, read
back; the library's own check; the page. Each of them has to succeed, and where there are values
they are those of the oracle.
"""

from __future__ import annotations

import math
import re
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.numpy_code import numpy_module
from derive.errors import DeriveError, InputError, UnsupportedError
from derive.language import parse
from derive.problem import Problem
from derive.workflow import check, explain
from tests.oracle.answers import Answer, Asked, Wrong
from tests.oracle.oracle import Reference, nearby, point, reference
from tests.oracle.roads import by_jax, by_module, by_print
from tests.oracle.sizes import size_of
from tests.oracle.tree import Request, Task, walk

__all__ = ["ROADS", "SIZES", "Outcome", "compare"]

Sizes = Mapping[str, int]

SIZES: Final[Sequence[Sizes]] = (
    {"n": 3, "m": 4, "k": 2, "N": 5, "l": 3},
    {"n": 1, "m": 1, "k": 1, "N": 1, "l": 1},
    {"n": 2, "m": 1, "k": 4, "N": 3, "l": 1},
)
"""Sizes that differ, sizes that are all 1, sizes some of which are 1."""

ROADS: Final = ("printed", "checked", "explained", "jax")
"""What may be asked for beside the module; ``jax`` asks another oracle as well."""

TOLERANCE: Final = 1e-7
NEAREST_KINK: Final = 1e-7
LARGEST: Final = 1e7
NO_VALUE: Final = "division by zero"
"""Says the library of a problem that has no value anywhere."""

SCALES: Final = (1.0, 1.0, 0.5, 0.5, 0.2, 0.2, 2.0, 2.0)
"""How large the entries of random points are, one try after the other."""


@dataclass(frozen=True)
class Outcome:
    """How one problem went.

    Attributes:
        kind: ``right``, ``wrong``, ``refused``, or ``undecided`` where no point could be trusted.
        reason: What was wrong, or why it was refused.
        seconds: From the text to the module.
        points: How many points were compared.
        declared: Why shapes that were left open had to be declared; empty if not.
    """

    kind: str
    reason: str = ""
    seconds: float = 0.0
    points: int = 0
    declared: str = ""


def compare(
    task: Task, seed: int = 0, sizes: Sequence[Sizes] = SIZES, roads: Sequence[str] = ()
) -> Outcome:
    """Derive the problem and compare what comes out with the oracle at each of the sizes."""
    started = time.perf_counter()
    points, seconds, declared = 0, 0.0, ""
    try:
        task, declared = _settled(task)
        problem = _problem(task)
        derivation = derive(problem)
        module: dict[str, Any] = {"__name__": "generated"}
        exec(compile_text(numpy_module(derivation)), module)
        seconds = time.perf_counter() - started
        for at in sizes:
            if all(size_of(dim, at) > 0 for shape in _shapes(task) for dim in shape):
                answer = Answer(task, problem, derivation, module, _renamed(task, problem))
                points += _compared(answer, at, seed, roads)
        if "checked" in roads and points:
            _check(derivation, seed)
        if "explained" in roads:
            for detail in ("result", "steps", "proof"):
                explain(derivation, detail=detail)
    except UnsupportedError as error:
        return Outcome("refused", error.summary, seconds, points, declared)
    except DeriveError as error:
        if NO_VALUE in error.summary and not _has_values(task, sizes, seed):
            return Outcome("undecided", error.summary, seconds, points, declared)
        wrong = f"{type(error).__name__}: {error.summary}"
        return Outcome("wrong", wrong, seconds, points, declared)
    except Wrong as error:
        return Outcome("wrong", str(error), seconds, points, declared)
    except Exception as error:
        return Outcome("wrong", _crash(error), seconds, points, declared)
    return Outcome("right" if points else "undecided", "", seconds, points, declared)


def _has_values(task: Task, sizes: Sequence[Sizes], seed: int) -> bool:
    """Whether what is asked about has a value at some point."""
    return any(_trusted_point(task, asked, at, seed) for at in sizes for asked in task.requests)


def compile_text(text: str) -> Any:
    """A generated module, compiled."""
    return compile(text, "<generated>", "exec", dont_inherit=True)


def _problem(task: Task) -> Problem:
    """The problem that the library reads; what it knows of definitions is added."""
    problem = parse(str(task))
    known = {
        name: replace(definition, facts=frozenset(task.facts.get(name, ())))
        for name, definition in problem.definitions.items()
    }
    return replace(problem, definitions=known)


def _settled(task: Task) -> tuple[Task, str]:
    """The problem with all shapes declared, if the library takes them otherwise; and why."""
    if all(variable.declared for variable in task.variables):
        return task, ""
    said = tuple(replace(variable, declared=True) for variable in task.variables)
    try:
        problem = parse(str(task))
        for variable in task.variables:
            shape = problem.shape(variable.name)
            if len(shape) != len(variable.dims):
                why = f"a variable with {len(variable.dims)} axes is given {len(shape)}"
                return replace(task, variables=said), why
            if [str(dim) == "1" for dim in shape] != [dim == 1 for dim in variable.dims]:
                return replace(task, variables=said), "a size is 1 on one side only"
    except InputError as error:
        return replace(task, variables=said), f"InputError: {error.summary}"
    except DeriveError:
        pass
    return task, ""


def _shapes(task: Task) -> list[tuple[Any, Any]]:
    roots = [body for _, body in task.definitions] + [request.of for request in task.requests]
    return [node.shape for root in roots for node in walk(root)]


def _renamed(task: Task, problem: Problem) -> dict[str, str]:
    """The sizes here of what the library calls them."""
    found = {}
    for variable in task.variables:
        for own, dim in zip(problem.shape(variable.name), variable.dims, strict=True):
            if not variable.declared and str(own).isidentifier():
                found[str(own)] = str(dim)
    return found


def _check(derivation: Derivation, seed: int) -> None:
    """The library's own check, on what is right."""
    report = check(derivation, seed)
    wrong = [failure for failure in report.failures if failure.kind != "domain"]
    if wrong:
        raise Wrong(f"the check failed: {wrong[0]}")


def _crash(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if re.search(r"/(derive|tests)/|<generated>", frame.filename)]
    last = own[-1]
    return f"{type(error).__name__}: {error} ({last.name}, {last.filename[-40:]}:{last.lineno})"


def _compared(answer: Answer, sizes: Sizes, seed: int, roads: Sequence[str]) -> int:
    """At how many points the requests agree; on a kink, either side's value will do.

    Raises:
        Wrong: Something is not as expected.
    """
    task, points = answer.task, 0
    for request, known in zip(task.requests, answer.problem.requests, strict=True):
        found = _trusted_point(task, request, sizes, seed)
        if found is None:
            continue
        values, expected, allowed = found
        try:
            asked = Asked(answer, request, known.of, sizes, values, expected, allowed)
            by_module(asked)
            if "jax" in roads and sizes is SIZES[0]:
                by_jax(asked)
            if "printed" in roads:
                by_print(asked)
            points += 1
        except Wrong as error:
            if expected.kinked:
                continue
            named = ", ".join(f"{dim} = {sizes[dim]}" for dim in task.dims)
            raise Wrong(f"{error}, sizes {named}") from None
    return points


def _trusted_point(
    task: Task, request: Request, sizes: Sizes, seed: int
) -> tuple[dict[str, Any], Reference, dict[str, float]] | None:
    """A random point, what is expected there, and the error allowed; None if there is none."""
    for turn, scale in enumerate(SCALES):
        rng = np.random.default_rng((seed, turn, *sizes.values()))
        values = point(task, sizes, rng, scale)
        with np.errstate(all="ignore"):
            expected = reference(task, request, values, sizes)
            if not _trusted(expected):
                continue
            again = reference(task, request, nearby(task, values, rng), sizes, rng)
            allowed = _allowed(expected, again) if _trusted(again) else None
        if allowed is not None:
            return values, expected, allowed
    return None


def _trusted(found: Reference) -> bool:
    arrays = [found.value, *found.derivatives.values()]
    numbers = [float(np.sum(np.abs(array))) for array in arrays]
    near = found.margin < NEAREST_KINK or found.largest > LARGEST
    return not near and all(math.isfinite(x) and x < LARGEST for x in numbers)


def _allowed(expected: Reference, again: Reference) -> dict[str, float] | None:
    """The error allowed in each result, from how much roundings move it; None if too much."""
    pairs = {name: (g, again.derivatives[name]) for name, g in expected.derivatives.items()}
    pairs[""] = (expected.value, again.value)
    allowed = {}
    for name, (first, second) in pairs.items():
        scale = float(np.max(np.abs(first), initial=0.0))
        noise = 1e3 * float(np.max(np.abs(first - second), initial=0.0))
        floor = 1e-12 * expected.largest
        if not noise <= 1e-5 * scale + 1e-9 * expected.largest:
            return None
        allowed[name] = TOLERANCE * scale + noise + floor
    return allowed
