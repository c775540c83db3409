"""The judge of generated code: do the functions return the value and its gradients?"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.errors import UnsupportedError
from derive.problem import Problem
from derive.shapes import Shape
from derive.verify.comparison import Bench
from derive.verify.functions import Array
from derive.verify.ledger import Ledger, describe
from derive.verify.outcomes import Outcome, compare_values
from derive.verify.program import Program
from derive.verify.report import COMPLEX_STEP, VALUE, Report
from derive.verify.sampling import draw
from derive.verify.second import check_second, second_export

__all__ = ["judge_functions", "python_name"]


@dataclass(frozen=True)
class _Export:
    """One generated function: what it differentiates, and whether it returns the value too."""

    of: str
    wrts: tuple[str, ...]
    has_value: bool


def python_name(name: str) -> str:
    """The name of a quantity in generated code: a word of Python gets an underscore.

    >>> python_name("lambda")
    'lambda_'
    """
    return f"{name}_" if keyword.iskeyword(name) else name


@np.errstate(all="ignore")
def judge_functions(
    problem: Problem,
    functions: Mapping[str, Callable[..., Any]],
    *,
    seed: int = 0,
    points: int = 3,
) -> Report:
    """Check generated functions, each entry of each gradient, at random points.

    Args:
        problem: With the definitions as they were written.
        functions: By name: ``grad_J_W1`` or ``value_and_grad_J``. A function is called with the
            keyword arguments that it names, of all inputs and sizes.
        seed: Of the random numbers.
        points: How many; the third has all symbolic sizes 1.

    Raises:
        UnsupportedError: A function of another kind.
    """
    seconds = {name: second_export(problem, name, python_name) for name in functions}
    exports = {name: _export(problem, name) for name in functions if seconds[name] is None}
    program = Program(
        {name: d.expression for name, d in problem.definitions.items()},
        {name: d.shape for name, d in problem.definitions.items()},
    )
    ledger = Ledger()
    found = draw(problem, program, points, seed)
    for number, point in enumerate(found.points):
        where = describe(point, number, seed)
        bench = Bench(problem, program, point, np.random.default_rng([seed, 4, number]))
        for name, export in exports.items():
            for outcome in _check_function(bench, functions[name], export):
                ledger.add(name, "function", outcome, where)
        for name, second in seconds.items():
            if second is not None:
                function = functions[name]
                given = _taken(function, *_arguments(bench))
                for outcome in check_second(bench, function, second, given, as_argument):
                    ledger.add(name, "function", outcome, where)
    return ledger.report(found, seed)


def _export(problem: Problem, name: str) -> _Export:
    """What a function of this name has to return."""
    asked: dict[str, list[str]] = {}
    for request in problem.requests:
        if request.kind == "grad":
            asked.setdefault(request.of, []).extend(request.wrt)
    quantities = (*problem.definitions, *problem.variables)
    for of in quantities:
        if name == f"value_and_grad_{of}":
            return _Export(of, tuple(dict.fromkeys(asked.get(of, ()))), True)
        wrts = quantities if name.startswith(f"grad_{of}_") else ()
        for wrt in wrts:
            if name in (f"grad_{of}_{wrt}", f"grad_{of}_{python_name(wrt)}"):
                return _Export(of, (wrt,), False)
    raise UnsupportedError(f"the judge does not know what {name} should return")


def _check_function(
    bench: Bench, function: Callable[..., Any], export: _Export
) -> Iterator[Outcome]:
    """Outcomes for all that one function returns at one point."""
    arguments, sizes = _arguments(bench)
    try:
        with np.errstate(all="ignore"):
            result = function(**_taken(function, arguments, sizes))
    except Exception as error:
        yield _refusal(f"raised {type(error).__name__}: {error}")
        return
    yield _check_untouched(bench, arguments)
    if not export.has_value:
        yield _check_gradient(bench, result, export.of, export.wrts[0])
        return
    try:
        value, gradients = result
    except (TypeError, ValueError):
        yield _refusal("expected a pair of the value and the gradients")
        return
    yield _check_value(bench, value, export.of)
    fields = getattr(gradients, "_fields", ())
    known = (*bench.problem.variables, *bench.problem.definitions)
    returned = [name for name in known if python_name(name) in fields]
    for wrt in dict.fromkeys((*export.wrts, *returned)):
        if wrt not in returned:
            yield _refusal(f"the gradients have no {python_name(wrt)}")
            continue
        gradient = getattr(gradients, python_name(wrt))
        outcome = _check_gradient(bench, gradient, export.of, wrt)
        yield outcome if outcome.passed else replace(outcome, problem=f"{wrt}: {outcome.problem}")


def _arguments(bench: Bench) -> tuple[dict[str, Any], dict[str, int]]:
    """All inputs, and all sizes, by their names in Python."""
    inputs = bench.problem.variables
    arguments = {
        python_name(key): as_argument(bench.point.inputs[key], inputs[key].shape) for key in inputs
    }
    sizes = {python_name(s): int(bench.point.environment[s]) for s in bench.problem.sizes}
    return arguments, sizes


def _taken(
    function: Callable[..., Any], arguments: Mapping[str, Any], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """The arguments that a function names, or all if it takes any; the sizes that it names."""
    parameters = inspect.signature(function).parameters
    named = {key: size for key, size in sizes.items() if key in parameters}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return named | dict(arguments)
    return named | {key: value for key, value in arguments.items() if key in parameters}


def as_argument(value: Array, shape: Shape) -> Any:
    """A value as generated code takes it: a float, a 1-D array, a 2-D array."""
    if not shape:
        return float(value)
    return value[:, 0].copy() if len(shape) == 1 else value.copy()


def _as_kept(result: Any, shape: Shape) -> Array:
    """A result of generated code as the judge keeps it."""
    array = np.asarray(result)
    return array[:, None] if len(shape) == 1 and array.ndim == 1 else array


def _refusal(words: str) -> Outcome:
    return Outcome(np.inf, COMPLEX_STEP, False, words)


def _check_untouched(bench: Bench, arguments: Mapping[str, Any]) -> Outcome:
    """A function must leave its arguments as they were."""
    for key, variable in bench.problem.variables.items():
        before = as_argument(bench.point.inputs[key], variable.shape)
        if not np.array_equal(before, arguments[python_name(key)]):
            return Outcome(np.inf, VALUE, False, f"it changed its argument {key}")
    return Outcome(0.0, VALUE, True)


def _check_value(bench: Bench, result: Any, of: str) -> Outcome:
    """The value beside the judge's own."""
    expected = bench.point.environment[of]
    got = np.asarray(result)
    if got.shape != () or not np.issubdtype(got.dtype, np.floating):
        return _refusal(f"expected the value as a float, got {_form(got)}")
    largest = 0.0
    if of in bench.program.expressions:
        _, largest = bench.program.recompute(of, bench.point.environment)
    return compare_values(of, expected, got, largest)


def _check_gradient(bench: Bench, result: Any, of: str, wrt: str) -> Outcome:
    """A gradient beside the derivative, entry by entry."""
    shape = bench.problem.shape(wrt)
    value = bench.point.environment[wrt]
    wanted = value.shape[: len(shape)]
    got = np.asarray(result)
    if got.shape != wanted or not np.issubdtype(got.dtype, np.floating):
        return _refusal(f"expected the gradient as {_words(wanted)}, got {_form(got)}")
    gradient = _as_kept(got, shape).reshape(value.shape)
    slopes = bench.slopes(bench.entry_directions(wrt), (of,))[of][wrt]
    is_zero = bench.may_be_zero(slopes) and np.all(bench.are_zero(slopes))
    blur = (lambda: np.full(value.shape, bench.passing(of))) if is_zero else None
    structure = bench.check_structure(gradient, wrt, blur)
    if structure is not None and not structure.passed:
        return structure
    outcome = bench.compare(gradient, slopes, blur=blur)
    if not outcome.passed and (kept := bench.along_facts(wrt)):
        along = bench.compare_along(gradient, kept, of)
        return bench.judge_along_facts(wrt, along) if along.passed else outcome
    return outcome


def _words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a float"


def _form(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
