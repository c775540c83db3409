"""Values and gradients of a tree, by autograd.

Nothing is imported from ``derive``. While it evaluates, an :class:`Evaluation` notes how near it
came to a kink and how large its numbers grew, so that points at which no gradient can be trusted
are left out.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import autograd.numpy as anp
import numpy as np
from autograd import grad, jacobian
from autograd.tracer import getval, isbox

from tests.oracle.formulas import FORMULAS, JUMPS, PIECES, Value
from tests.oracle.sizes import Dim, size_of
from tests.oracle.tree import Node, Request, Task, Variable, chosen

__all__ = ["Evaluation", "Reference", "nearby", "point", "reference", "structured"]

MOVED: Final = 1e-3
"""A pseudo-inverse has no derivative where its matrix has another rank this far away."""

ROUNDING: Final = 1e-13
"""Relative size of the noise that stands for roundings."""

CONSTANTS: Final = {"pi": math.pi, "e": math.e}

REDUCTIONS: Final = {"max": "amax", "min": "amin"}
"""What functions of two arrays are called when they have one."""


class Evaluation:
    """One evaluation of trees at one point.

    Attributes:
        values: Of names, each with two axes.
        sizes: Of dimensions.
        margin: The least distance from a kink so far, other than none at all.
        kinked: Whether it stood on a kink.
        annulled: Whether a product of entries has one that is 0.
        ranks: Of the matrices whose pseudo-inverse was taken.
        largest: The largest absolute value so far.
        noise: Moves every value on the way by about a rounding, to show what roundings do.
        slack: How much of their size two numbers may differ by and still count as equal.
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        sizes: Mapping[str, int],
        noise: np.random.Generator | None = None,
        slack: float = 0.0,
    ) -> None:
        self.slack = slack
        self.values = dict(values)
        self.sizes = sizes
        self.noise = noise
        self.margin = math.inf
        self.kinked = False
        self.annulled = False
        self.ranks: list[int] = []
        self.largest = 1.0

    def size(self, dim: Dim) -> int:
        """The number that a dimension is."""
        return size_of(dim, self.sizes)

    def value(self, node: Node) -> Value:
        """The value of a tree."""
        if node.op == "name":
            return self.values[node.word]
        if node.op in ("number", "size"):
            known = CONSTANTS.get(node.word) or self.sizes.get(node.word) or float(node.word)
            return np.full((1, 1), float(known))
        if node.op == "extent":
            return np.full((1, 1), float(self.size(node.word)))
        if node.op == "commutation":
            return _commutation(*(self.size(arg.word) for arg in node.args))
        if not node.args:
            extent = tuple(self.size(dim) for dim in node.shape)
            return {"I": np.eye, "ones": _ones, "zeros": _zeros}[node.op](*extent)
        args = [self.value(arg) for arg in node.args]
        found = self.applied(node, args)
        seen = np.asarray(getval(found))
        with np.errstate(invalid="ignore"):
            self.largest = max(self.largest, float(np.max(np.abs(seen), initial=0.0)))
        if not np.all(np.isfinite(seen)):
            self.largest = math.inf
        if self.noise is not None:
            return found * (1 + ROUNDING * self.noise.normal(size=seen.shape))
        return found

    def applied(self, node: Node, args: list[Value]) -> Value:
        """An operator or function of these values."""
        scalars = [arg.shape == (1, 1) for arg in node.args]
        if node.op == "*":
            return args[0] * args[1] if any(scalars) else anp.dot(args[0], args[1])
        if node.op == "^":
            if scalars[0]:
                return anp.power(args[0], args[1])
            return _matrix_power(args[0], round(getval(args[1]).item()))
        if node.op == "[]":
            return args[0][self.block(node)]
        if node.op == "unvec":
            rows, columns = map(self.size, node.shape)
            return anp.reshape(args[0], (columns, rows)).T
        if node.op == "commutation":
            rows, columns = (int(np.ravel(getval(arg))[0]) for arg in args)
            places = np.arange(rows * columns).reshape(columns, rows).T.ravel()
            return np.eye(rows * columns)[places]
        op = REDUCTIONS.get(node.op, node.op) if len(args) == 1 else node.op
        self.annulled |= op == "prod" and not np.all(getval(args[0]))
        if op == "pinv":
            self.ranks.append(int(np.linalg.matrix_rank(getval(args[0]))))
        if op in (">=", "<=") and self.slack:
            larger, smaller = args if op == ">=" else args[::-1]
            return 1.0 * (larger >= smaller - self.slack * np.abs(smaller))
        if op in PIECES:
            kinks, formula = PIECES[op]
            if op in JUMPS or any(isbox(arg) for arg in args):
                for distance in kinks(*map(getval, args)):
                    off = np.abs(np.asarray(distance)[np.not_equal(distance, 0)])
                    self.kinked |= off.size < np.size(distance)
                    self.margin = min(self.margin, float(np.min(off, initial=math.inf)))
            return formula(*args)
        return FORMULAS[op](*args)

    def block(self, node: Node) -> tuple[slice, ...]:
        """Rows and columns that are chosen."""
        of = node.args[0].shape
        pairs = zip(node.word.split(","), of, strict=False)
        bounds = [chosen(choice.strip(), size) for choice, size in pairs]
        return tuple(slice(*map(self.size, pair)) for pair in bounds)


def _commutation(rows: int, columns: int) -> Value:
    """Takes the vec of a matrix with so many rows and columns to that of its transpose."""
    places = np.arange(rows * columns).reshape(columns, rows)
    return np.eye(rows * columns)[places.T.ravel()]


def _ones(rows: int, columns: int) -> Value:
    return np.ones((rows, columns))


def _zeros(rows: int, columns: int) -> Value:
    return np.zeros((rows, columns))


def _matrix_power(matrix: Value, power: int) -> Value:
    factor = anp.linalg.inv(matrix) if power < 0 else matrix
    found = factor
    for _ in range(abs(power) - 1):
        found = anp.dot(found, factor)
    return found


@dataclass(frozen=True)
class Reference:
    """What a request comes to at one point.

    Attributes:
        value: Of what is differentiated, with two axes.
        derivatives: By name, those of a Hessian by two names, rows first. A gradient has two axes
            and the structure of its variable; a Jacobian or a block of a Hessian is a matrix over
            vecs.
        margin: The least distance from a kink, other than none at all.
        kinked: Whether it stands on a kink, as zeros of a diagonal matrix do on that of abs; or,
            for a Hessian, whether prod is of a 0, where its law has no value.
        largest: The largest absolute value met on the way.
    """

    value: Any
    derivatives: Mapping[str, Any]
    margin: float
    kinked: bool
    largest: float


class _Shifted:
    """What is differentiated, of one vector: the vecs of shifts of the names asked about.

    A shift of a defined name counts in what is computed from it.
    """

    def __init__(
        self,
        task: Task,
        request: Request,
        values: Mapping[str, Any],
        sizes: Mapping[str, int],
        noise: np.random.Generator | None,
    ) -> None:
        self.task, self.request, self.values, self.sizes = task, request, values, sizes
        self.noise = noise
        self.seen = Evaluation(values, sizes)
        self.extents = {n: tuple(map(self.seen.size, task.shapes[n])) for n in request.wrt}
        ends = np.cumsum([0, *(rows * columns for rows, columns in self.extents.values())])
        self.places = dict(zip(self.extents, map(slice, ends[:-1], ends[1:]), strict=True))
        self.start = np.zeros(ends[-1])

    def array(self, name: str, vec: Value) -> Value:
        """The part of a vector that belongs to a name, with two axes."""
        rows, columns = self.extents[name]
        return anp.reshape(vec[self.places[name]], (columns, rows)).T

    def value(self, moved: Value) -> Value:
        """With two axes."""
        shift = {name: self.array(name, moved) for name in self.extents}
        self.seen = Evaluation(
            {name: value + shift.get(name, 0.0) for name, value in self.values.items()},
            self.sizes,
            self.noise,
        )
        for name, node in self.task.definitions:
            found = self.seen.value(node)
            self.seen.values[name] = found + shift[name] if name in shift else found
        return self.seen.value(self.request.of)

    def scalar(self, moved: Value) -> Value:
        """The sum of its entries."""
        return anp.sum(self.value(moved))

    def vec(self, moved: Value) -> Value:
        """Its entries, column by column."""
        return anp.reshape(self.value(moved).T, (-1,))


def reference(
    task: Task,
    request: Request,
    values: Mapping[str, Any],
    sizes: Mapping[str, int],
    noise: np.random.Generator | None = None,
) -> Reference:
    """The value and the derivatives; that of a defined name counts what is computed from it."""
    of = _Shifted(task, request, values, sizes, noise)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # What is asked about may well have no influence.
        warnings.filterwarnings("ignore", "Output seems independent")
        try:
            value = of.value(of.start)
            derivatives = _derivatives(of)
        except np.linalg.LinAlgError:
            return Reference(np.array(math.nan), {}, 0.0, False, math.inf)
        seen, margin = of.seen, of.seen.margin
        with contextlib.suppress(np.linalg.LinAlgError):
            of.value(of.start + MOVED * np.random.default_rng(0).normal(size=of.start.shape))
            margin = margin if of.seen.ranks == seen.ranks else 0.0
    kinked = seen.kinked or (request.kind == "hessian" and seen.annulled)
    return Reference(value, derivatives, margin, kinked, seen.largest)


def _derivatives(of: _Shifted) -> dict[str, Any]:
    request = of.request
    if request.kind == "jacobian":
        matrix = jacobian(of.vec)(of.start)
        return {name: matrix[:, place] for name, place in of.places.items()}
    if request.kind == "hessian":
        matrix = jacobian(grad(of.scalar))(of.start)
        return {
            f"{by}, {name}": matrix[of.places[by], of.places[name]]
            for by in request.wrt
            for name in request.wrt
            if request.joint or by == name
        }
    vec = grad(of.scalar)(of.start)
    facts = {variable.name: variable.facts for variable in of.task.variables}
    return {name: structured(of.array(name, vec), facts.get(name, ())) for name in request.wrt}


def structured(gradient: Any, facts: Sequence[str]) -> Any:
    """The gradient with the structure of its variable."""
    if "diagonal" in facts:
        return gradient * np.eye(len(gradient))
    if {"symmetric", "positive_definite"} & set(facts):
        return (gradient + gradient.T) / 2
    return np.tril(gradient) if "lower_triangular" in facts else gradient


def point(
    task: Task, sizes: Mapping[str, int], rng: np.random.Generator, scale: float = 1.0
) -> dict[str, Any]:
    """Random values of about this size that obey the declared facts."""
    return {v.name: _obeying(v, sizes, rng, scale) for v in task.variables}


def _obeying(
    variable: Variable, sizes: Mapping[str, int], rng: np.random.Generator, scale: float
) -> Any:
    extent = tuple(size_of(dim, sizes) for dim in variable.shape)
    raw = scale * rng.normal(size=extent)
    facts = set(variable.facts)
    axis = 0 if len(variable.dims) == 1 else 1
    if "onehot" in facts:
        chosen = np.argmax(raw, axis=axis)
        return np.eye(extent[axis])[chosen].reshape(extent)
    if "probability" in facts:
        weights = np.exp(raw)
        return weights / weights.sum(axis=axis, keepdims=True)
    if "orthogonal" in facts:
        return np.linalg.qr(raw)[0]
    if "signs" in facts:
        return np.where(raw > 0, 1.0, -1.0)
    if "positive_definite" in facts:
        return raw @ raw.T / len(raw) + np.eye(len(raw))
    if "symmetric" in facts:
        raw = (raw + raw.T) / 2
    if "integer" in facts:
        raw = np.round(2 * raw)
    if facts & {"positive", "nonnegative"}:
        raw = np.abs(raw) + (1.0 if "integer" in facts else 0.2)
    if "diagonal" in facts:
        raw = raw * np.eye(len(raw))
    return np.tril(raw) if "lower_triangular" in facts else raw


def nearby(task: Task, values: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Values a few roundings away, which still obey the facts."""
    rigid = {"onehot", "probability", "orthogonal", "signs", "integer"}
    found = {}
    for variable in task.variables:
        value = values[variable.name]
        if rigid & set(variable.facts):
            found[variable.name] = value
        elif variable.facts:
            found[variable.name] = value * (1 + ROUNDING * rng.normal())
        else:
            found[variable.name] = value * (1 + ROUNDING * rng.normal(size=value.shape))
    return found
