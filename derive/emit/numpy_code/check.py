"""The test that stands beside a generated module: central differences, written with NumPy alone.

Gradients are compared with differences of the scalar, Hessians with those of its gradient;
Jacobians and Hessians with their products with vectors, and with their factors.

The points obey what is declared of the arguments, and so do the directions: symmetric ones for a
symmetric matrix, entries that sum to 0 for a probability. What cannot move continuously (signs,
one-hot vectors) and what is no argument (an intermediate) is not differenced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment

from derive.calculus.derivation import Derivation, Sweep
from derive.emit.numpy_code.layout import broken
from derive.emit.numpy_code.names import identifier
from derive.emit.numpy_code.second import (
    asked_alone,
    joint_name,
    joint_requests,
    name_of_function,
)
from derive.problem import Problem, Variable

__all__ = ["check_module_text"]

SIZES: Final = (4, 3, 5, 2, 6, 7)
"""Lengths of symbolic axes, in turn; another assignment has them all 1."""

FIXED: Final = frozenset({"signs", "onehot", "integer"})
"""Facts of what takes separate values only."""

POINTS: Final[Mapping[str, str]] = {
    "orthogonal": "orthogonal({0})",
    "onehot": "one_hot({0})",
    "probability": "probability({0})",
    "positive_definite": "positive_definite({0})",
    "symmetric": "symmetric({0})",
    "diagonal": "diagonal({0})",
    "lower_triangular": "np.tril({0})",
    "signs": "np.where({0} < 0.0, -1.0, 1.0)",
    "integer": "np.round(3.0 * {0})",
    "positive": "np.abs({0}) + 0.1",
    "nonnegative": "np.abs({0})",
}
"""How an array comes to obey a fact; the first one that is declared is used."""

DIRECTIONS: Final[Mapping[str, str]] = {
    "orthogonal": 'tangent(arguments["{1}"], {0})',
    "probability": "balanced({0})",
    "positive_definite": "symmetric({0})",
    "symmetric": "symmetric({0})",
    "diagonal": "diagonal({0})",
    "lower_triangular": "np.tril({0})",
}
"""How a direction comes to keep a fact."""

HELPERS: Final[Mapping[str, str]] = {
    "orthogonal": '''
def orthogonal(a):
    """The orthogonal factor of a matrix."""
    return np.linalg.qr(a)[0]
''',
    "tangent": '''
def tangent(q, a):
    """A direction along which an orthogonal matrix stays orthogonal, to first order."""
    half = q.T @ a
    return q @ (half - half.T) / 2.0
''',
    "one_hot": '''
def one_hot(a):
    """1 at the largest entry of each row, 0 elsewhere."""
    return 1.0 * (a == a.max(axis=-1, keepdims=True))
''',
    "probability": '''
def probability(a):
    """Positive entries that sum to 1 along the last axis."""
    a = np.abs(a) + 0.2
    return a / a.sum(axis=-1, keepdims=True)
''',
    "balanced": '''
def balanced(a):
    """Entries that sum to 0 along the last axis."""
    return a - a.mean(axis=-1, keepdims=True)
''',
    "positive_definite": '''
def positive_definite(a):
    """A symmetric and positive definite matrix."""
    return a @ a.T / len(a) + 0.5 * np.eye(len(a))
''',
    "symmetric": '''
def symmetric(a):
    """The symmetric part of a matrix."""
    return (a + a.T) / 2.0
''',
    "diagonal": '''
def diagonal(a):
    """The matrix without its entries off the diagonal."""
    return a * np.eye(len(a))
''',
}


def check_module_text(
    environment: Environment,
    derivation: Derivation,
    module: str,
    inputs: Sequence[Sequence[str]],
    sizes: Sequence[Sequence[str]],
) -> str:
    """The text of the test module.

    Args:
        environment: With the templates.
        derivation: That the module was made of.
        module: Its name.
        inputs: The arguments of each scalar's functions.
        sizes: The sizes among them.
    """
    problem = derivation.problem
    rows = list(zip(derivation.sweeps, inputs, sizes, strict=True))
    scalars = [_scalar(problem, *row) for row in rows if row[0].kind == "grad"]
    matrices = _matrices(derivation)
    points = [*scalars, *([_point_of_all(problem, rows)] if matrices else [])]
    body = " ".join(v for row in points for _, v in (*row["arguments"], *row["directions"]))
    dims = [
        dim
        for name in dict.fromkeys(n for names in inputs for n in names)
        for dim in problem.variables[name].shape
    ]
    symbols = dict.fromkeys(s for dim in dims for s in sorted(dim.free_symbols, key=str))
    names_of_sizes = [symbol.name for symbol in symbols]
    names_of_sizes += [name for own in sizes for name in own]
    every = list(dict.fromkeys(map(identifier, names_of_sizes)))
    return environment.get_template("numpy_test.py.jinja").render(
        module=module,
        helpers=[HELPERS[name].strip() for name in HELPERS if f"{name}(" in body],
        scalars=scalars,
        points=points,
        matrices=[name for name, _, _ in matrices],
        jacobians=[line for _, kind, text in matrices if kind == "jacobian" for line in text],
        hessians=[line for _, kind, text in matrices if kind == "hessian" for line in text],
        sizes=every,
        assignments=_assignments(every),
    )


def _assignments(sizes: Sequence[str]) -> list[str]:
    if not sizes:
        return ["{}"]
    found = []
    for lengths in ([SIZES[k % len(SIZES)] for k in range(len(sizes))], [1] * len(sizes)):
        pairs = (f'"{size}": {length}' for size, length in zip(sizes, lengths, strict=True))
        found.append(f"{{{', '.join(pairs)}}}")
    return found


def _scalar(
    problem: Problem, sweep: Sweep, inputs: Sequence[str], sizes: Sequence[str]
) -> dict[str, Any]:
    wrt = [result.wrt for result in sweep.results]
    moving = [
        problem.variables[name]
        for name in wrt
        if name in problem.variables and not problem.variables[name].facts & FIXED
    ]
    return {
        "of": sweep.of.name,
        "arguments": [
            *((identifier(name), _point(problem.variables[name])) for name in inputs),
            *((identifier(size), identifier(size)) for size in sizes),
        ],
        "directions": [(identifier(v.name), _direction(v)) for v in moving],
        "results": [(name, identifier(name)) for name in wrt],
    }


def _point_of_all(
    problem: Problem, rows: Sequence[tuple[Sweep, Sequence[str], Sequence[str]]]
) -> dict[str, Any]:
    """A point at which every Jacobian and Hessian is computed, and directions from there."""
    inputs = list(dict.fromkeys(name for _, names, _ in rows for name in names))
    sizes = list(dict.fromkeys(size for _, _, own in rows for size in own))
    moving = [problem.variables[name] for name in inputs]
    return {
        "of": "matrices",
        "arguments": [
            *((identifier(name), _point(problem.variables[name])) for name in inputs),
            *((identifier(size), identifier(size)) for size in sizes),
        ],
        "directions": [(identifier(v.name), _direction(v)) for v in moving if not v.facts & FIXED],
        "results": [],
    }


def _matrices(derivation: Derivation) -> list[tuple[str, str, list[str]]]:
    """Names and kinds of the functions that return a Jacobian or Hessian, and a row for each.

    The row of a Jacobian holds its two products with a vector and its variable, that of a Hessian
    its product, whether that takes one vector for several variables, and the gradients.
    """
    found: dict[str, tuple[str, str, list[str]]] = {}
    for sweep in derivation.sweeps:
        if sweep.kind == "grad":
            continue
        for request in joint_requests(derivation, sweep):
            name = joint_name(request)
            found[name] = name, "hessian", _hessian_row(request.of, request.wrt, name)
        for result in asked_alone(derivation, sweep):
            name = name_of_function(result)
            if result.kind == "hessian":
                row = _hessian_row(result.of, (result.wrt,), name)
            else:
                ends = [f'"{kind}{name.removeprefix("jacobian")}"' for kind in ("jvp", "vjp")]
                row = broken(f'"{name}": (', [*ends, f'"{identifier(result.wrt)}"'], "),", 4)
            found[name] = name, result.kind, row
    return list(found.values())


def _hessian_row(of: str, wrts: Sequence[str], name: str) -> list[str]:
    pairs = ", ".join(f'("grad_{of}_{wrt}", "{identifier(wrt)}")' for wrt in wrts)
    product = f'"hvp{name.removeprefix("hessian")}"'
    return broken(f'"{name}": (', [product, str(len(wrts) > 1), f"[{pairs}]"], "),", 4)


def _point(variable: Variable) -> str:
    raw = f"array({', '.join(map(str, variable.shape))})"
    for fact, template in POINTS.items():
        if fact in variable.facts:
            return template.format(raw)
    return raw


def _direction(variable: Variable) -> str:
    name = identifier(variable.name)
    raw = f'like("{name}")'
    for fact, template in DIRECTIONS.items():
        if fact in variable.facts:
            return template.format(raw, name)
    return raw
