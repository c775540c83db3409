"""The judge of generated Jacobians and Hessians, and of their products with a vector.

Along random directions: a Jacobian times d beside the derivative of the quantity along d, by
complex step; a Hessian between u and d beside the second derivative of the scalar along both, by a
complex step along u and central differences with Richardson extrapolation along d. The factors
that a function returns on request are compared with the matrix that it returns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from derive.problem import Problem, Request
from derive.verify.comparison import Bench
from derive.verify.differences import STEP
from derive.verify.functions import Array
from derive.verify.outcomes import Outcome
from derive.verify.report import COMPLEX_STEP, VALUE

__all__ = ["SecondExport", "check_second", "second_export"]

DIRECTIONS: Final = 3
FIRST_ORDER: Final = 1e-9
SECOND_ORDER: Final = 1e-6
STRUCTURE: Final = 1e-9
"""Relative errors that are allowed: of Jacobians, of Hessians, of factors beside the whole."""

SMALL: Final = 1e-4
"""Where all entries are smaller, errors are relative to this; what is 0 is so but for rounding."""

WIDTHS: Final = ((4e-3, 2e-3, 1e-3), (4e-5, 2e-5, 1e-5))
"""Steps of the differences; the small ones where the large ones lead across a kink."""

METHOD: Final = "central differences of a complex step"


@dataclass(frozen=True, slots=True)
class SecondExport:
    """What a function of second order, or of a Jacobian, has to return.

    Attributes:
        kind: ``jacobian``, ``jvp``, ``vjp``, ``hessian`` or ``hvp``.
        of: The quantity.
        by, wrt: For a Hessian, the variables of its rows and columns; otherwise the same.
        joint: For a Hessian with respect to several variables, these, in the order of the blocks.
    """

    kind: str
    of: str
    by: str
    wrt: str
    joint: tuple[str, ...] = ()


def second_export(
    problem: Problem, name: str, python_name: Callable[[str], str]
) -> SecondExport | None:
    """The meaning of a function's name; None for other functions."""
    for request in problem.requests:
        for export in _exports(request):
            parts = [export.of, *(export.joint or dict.fromkeys((export.by, export.wrt)))]
            for spell in (str, python_name):
                if name == f"{export.kind}_{'_'.join(map(spell, parts))}":
                    return export
    return None


def _exports(request: Request) -> Iterator[SecondExport]:
    for wrt in request.wrt:
        if request.kind == "jacobian":
            for kind in ("jacobian", "jvp", "vjp"):
                yield SecondExport(kind, request.of, wrt, wrt)
        elif request.kind == "hessian":
            for kind in ("hessian", "hvp"):
                yield SecondExport(kind, request.of, wrt, wrt)
    if request.kind == "hessian" and request.joint:
        for kind in ("hessian", "hvp"):
            yield SecondExport(kind, request.of, request.wrt[0], request.wrt[0], request.wrt)


def check_second(
    bench: Bench,
    function: Callable[..., Any],
    export: SecondExport,
    arguments: Mapping[str, Any],
    as_argument: Callable[[Array, Any], Any],
) -> Iterator[Outcome]:
    """Outcomes at one point."""
    rng = np.random.default_rng(len(export.of) + 7 * len(arguments))
    environment = bench.point.environment
    if export.joint and export.kind == "hvp":
        yield _joint_product_outcome(bench, function, export, arguments, rng)
        return
    along = _drawn(rng, environment[export.wrt])
    weights = _drawn(rng, environment[export.of if "v" in export.kind[:3] else export.by])
    given = dict(arguments)
    direction = [p for p in inspect.signature(function).parameters if p not in arguments]
    if export.kind in ("jvp", "hvp"):
        given[direction[0]] = as_argument(along, bench.problem.shape(export.wrt))
    elif export.kind == "vjp":
        given[direction[0]] = as_argument(weights, bench.problem.shape(export.of))
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(**given))
    except Exception as error:
        yield Outcome(np.inf, COMPLEX_STEP, False, f"raised {type(error).__name__}: {error}")
        return
    wanted = _extent(bench, export)
    if result.shape != wanted or not np.issubdtype(result.dtype, np.floating):
        words = f"expected an array of shape {wanted}, got {result.dtype} of shape {result.shape}"
        yield Outcome(np.inf, COMPLEX_STEP, False, words)
        return
    if export.kind in ("jvp", "hvp", "vjp"):
        yield _product_outcome(bench, export, result, along, weights, rng)
        return
    yield from (_structure_outcome(function, given, name, result, rng) for name in direction)
    if export.joint:
        yield from _block_outcomes(bench, export, result, rng)
        return
    for _ in range(DIRECTIONS):
        matrix = result.reshape(_vec(environment[_rows(export)]).size, -1)
        yield _matrix_outcome(bench, export, matrix, rng)


def _joint_product_outcome(
    bench: Bench,
    function: Callable[..., Any],
    export: SecondExport,
    arguments: Mapping[str, Any],
    rng: np.random.Generator,
) -> Outcome:
    """The product of a Hessian in blocks with one vector."""
    environment = bench.point.environment
    parameters = inspect.signature(function).parameters
    name = next(p for p in parameters if p not in arguments)
    moves = {wrt: _drawn(rng, environment[wrt]) for wrt in export.joint}
    others = {wrt: _drawn(rng, environment[wrt]) for wrt in export.joint}
    v, u = (np.concatenate([_vec(part) for part in parts.values()]) for parts in (moves, others))
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(**arguments, **{name: v}))
    except Exception as error:
        return Outcome(np.inf, METHOD, False, f"raised {type(error).__name__}: {error}")
    if result.shape != v.shape:
        words = f"expected an array of shape {v.shape}, got {result.shape}"
        return Outcome(np.inf, METHOD, False, words)
    return _second_outcome(bench, export.of, others, moves, u @ result)


def _structure_outcome(
    function: Callable[..., Any],
    given: Mapping[str, Any],
    switch: str,
    matrix: Array,
    rng: np.random.Generator,
) -> Outcome:
    """The factors of a matrix beside the matrix: as an array, and times vectors on either side."""
    try:
        with np.errstate(all="ignore"):
            kept = function(**given, **{switch: True})
            if tuple(kept.shape) != matrix.shape:
                words = f"its factors are those of a matrix of shape {tuple(kept.shape)}"
                return Outcome(np.inf, VALUE, False, words)
            u, v = (_drawn(rng, np.zeros(size)) for size in matrix.shape)
            got = [_vec(kept.dense()), kept @ v, kept.T @ u]
            wanted = [_vec(matrix), matrix @ v, matrix.T @ u]
    except Exception as error:
        return Outcome(np.inf, VALUE, False, f"its factors: {type(error).__name__}: {error}")
    if any(a.shape != b.shape for a, b in zip(got, wanted, strict=True)):
        return Outcome(np.inf, VALUE, False, "its factors: products of another shape")
    outcome = _compared(np.concatenate(wanted), np.concatenate(got), STRUCTURE, VALUE)
    return replace(outcome, problem=outcome.problem and f"its factors are {outcome.problem}")


def _block_outcomes(
    bench: Bench, export: SecondExport, matrix: Array, rng: np.random.Generator
) -> Iterator[Outcome]:
    """Each block of a Hessian with respect to several variables."""
    ends = np.cumsum([0, *(_vec(bench.point.environment[name]).size for name in export.joint)])
    places = dict(zip(export.joint, pairwise(ends), strict=True))
    for by in export.joint:
        for wrt in export.joint:
            block = matrix[slice(*places[by]), slice(*places[wrt])]
            yield _matrix_outcome(bench, replace(export, by=by, wrt=wrt), block, rng)


def _rows(export: SecondExport) -> str:
    return export.by if export.kind in ("hessian", "hvp") else export.of


def _matrix_outcome(
    bench: Bench, export: SecondExport, matrix: Array, rng: np.random.Generator
) -> Outcome:
    """A whole matrix beside derivatives along random directions."""
    environment = bench.point.environment
    along = _drawn(rng, environment[export.wrt])
    got = matrix @ _vec(along)
    if export.kind == "jacobian":
        return _compared(_vec(_moved(bench, export, along)), got, FIRST_ORDER, COMPLEX_STEP)
    weights = _drawn(rng, environment[export.by])
    directions = {export.by: weights}, {export.wrt: along}
    return _second_outcome(bench, export.of, *directions, _vec(weights) @ got)


def _product_outcome(
    bench: Bench,
    export: SecondExport,
    result: Array,
    along: Array,
    weights: Array,
    rng: np.random.Generator,
) -> Outcome:
    """A product with a vector beside the same."""
    environment = bench.point.environment
    got = np.ravel(result, order="F")
    if export.kind == "jvp":
        return _compared(_vec(_moved(bench, export, along)), got, FIRST_ORDER, COMPLEX_STEP)
    if export.kind == "vjp":
        other = _drawn(rng, environment[export.wrt])
        wanted = np.array([_vec(weights) @ _vec(_moved(bench, export, other))])
        return _compared(wanted, np.array([got @ _vec(other)]), FIRST_ORDER, COMPLEX_STEP)
    other = _drawn(rng, environment[export.by])
    directions = {export.by: other}, {export.wrt: along}
    return _second_outcome(bench, export.of, *directions, _vec(other) @ got)


def _compared(expected: Array, got: Array, allowed: float, method: str) -> Outcome:
    largest = max(float(np.max(np.abs(expected), initial=0)), float(np.max(np.abs(got), initial=0)))
    worst = float(np.max(np.abs(expected - got), initial=0))
    error = worst / max(largest, SMALL)
    passed = bool(np.isfinite(error) and error <= allowed)
    words = "" if passed else f"off by {error:.1e} of its largest entry"
    return Outcome(error if np.isfinite(error) else np.inf, method, passed, words)


def _extent(bench: Bench, export: SecondExport) -> tuple[int, ...]:
    """The shape of what a function has to return."""
    environment = bench.point.environment
    if export.kind in ("jvp", "vjp", "hvp"):
        name = export.of if export.kind == "jvp" else export.wrt
        value, shape = environment[name], bench.problem.shape(name)
        return tuple(np.shape(value))[: len(shape)]
    if export.joint:
        whole = sum(_vec(environment[name]).size for name in export.joint)
        return (whole, whole)
    sizes = [_vec(environment[name]).size for name in (_rows(export), export.wrt)]
    orders = [len(bench.problem.shape(name)) for name in (_rows(export), export.wrt)]
    return tuple(size for size, order in zip(sizes, orders, strict=True) if order)


def _drawn(rng: np.random.Generator, like: Array) -> Array:
    return np.asarray(rng.normal(size=np.shape(like)))


def _vec(value: Array) -> Array:
    """The entries of an array, column by column."""
    return np.ravel(np.asarray(value), order="F")


def _values(bench: Bench, changes: Mapping[str, Array], output: str) -> Array:
    """An output where some names have moved."""
    environment = dict(bench.point.environment)
    for name, change in changes.items():
        environment[name] = environment[name] + change
    for name in bench.program.needed((output,)):
        if name not in changes:
            environment[name] = bench.program.compute(name, environment)
    return np.asarray(environment[output])


def _moved(bench: Bench, export: SecondExport, along: Array) -> Array:
    """The derivative of a quantity along a direction."""
    moved = _values(bench, {export.wrt: 1j * STEP * along}, export.of)
    return np.asarray(moved.imag / STEP)


def _second_outcome(
    bench: Bench,
    of: str,
    weights: Mapping[str, Array],
    along: Mapping[str, Array],
    got: float,
) -> Outcome:
    """The second derivative of a scalar along two directions, each of several variables."""
    outcomes = (
        _compared(np.array([expected]), np.array([got]), SECOND_ORDER, METHOD)
        for expected in (_second(bench, of, weights, along, widths) for widths in WIDTHS)
    )
    first = next(outcomes)
    return first if first.passed else min(first, *outcomes, key=lambda outcome: outcome.error)


def _second(
    bench: Bench,
    of: str,
    weights: Mapping[str, Array],
    along: Mapping[str, Array],
    widths: tuple[float, ...],
) -> float:
    """The second derivative, by differences with these steps."""

    def slope(width: float) -> float:
        changes: dict[str, Array] = {name: 1j * STEP * part for name, part in weights.items()}
        for name, part in along.items():
            changes[name] = changes.get(name, 0) + width * part
        return float(_values(bench, changes, of).imag / STEP)

    table = [(slope(h) - slope(-h)) / (2 * h) for h in widths]
    finer = [(4 * b - a) / 3 for a, b in pairwise(table)]
    return (16 * finer[1] - finer[0]) / 15
