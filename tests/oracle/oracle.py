"""Values and gradients of a tree, by autograd: the formulas are written down once more here.

Nothing is imported from ``derive``. Every value has two axes. While it evaluates, an
:class:`Evaluation` notes how near it came to a kink and how large its numbers grew, so that points
at which no gradient can be trusted are left out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.extend import defvjp, primitive
from autograd.tracer import getval, isbox

from tests.oracle.tree import Dim, Node, Request, Task, Variable

__all__ = ["Reference", "nearby", "point", "reference"]

Value = Any


@primitive
def erf(x: Value) -> Value:
    """The error function."""
    return np.vectorize(math.erf, otypes=[float])(x)


defvjp(erf, lambda _, x: lambda g: g * 2 / math.sqrt(math.pi) * anp.exp(-(x**2)))


def _sigmoid(x: Value) -> Value:
    return 1 / (1 + anp.exp(-x))


def _softplus(x: Value) -> Value:
    return anp.logaddexp(0.0, x)


def _total(x: Value) -> Value:
    return anp.reshape(anp.sum(x), (1, 1))


def _logsumexp(x: Value, axis: int) -> Value:
    high = np.max(getval(x), axis=axis, keepdims=True)
    return high + anp.log(anp.sum(anp.exp(x - high), axis=axis, keepdims=True))


def _softmax(x: Value, axis: int) -> Value:
    return anp.exp(x - _logsumexp(x, axis))


def _gelu_tanh(x: Value) -> Value:
    return x * (1 + anp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def _either(test: Value, first: Value, second: Value) -> Value:
    """``where``, whose gradient in autograd needs arrays of the same shape."""
    extent = np.broadcast_shapes(*(np.shape(getval(part)) for part in (test, first, second)))
    return anp.where(test, first + np.zeros(extent), second + np.zeros(extent))


def _logdet(x: Value) -> Value:
    return anp.reshape(anp.linalg.slogdet(x)[1], (1, 1))


def _diag(v: Value) -> Value:
    return v * np.eye(getval(v).shape[0])


ROUNDING: Final = 1e-13
"""Relative size of the noise that stands for roundings."""

SELU: Final = 1.0507009873554804934193349852946
SELU_ALPHA: Final = 1.6732632423543772848170429916717

Formula = Callable[..., Value]

FORMULAS: Final[Mapping[str, Formula]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    ".*": lambda a, b: a * b,
    "./": lambda a, b: a / b,
    "/": lambda a, b: a / b,
    ".^": lambda a, b: anp.power(a, b),
    "neg": lambda a: -a,
    "'": anp.transpose,
    "transpose": anp.transpose,
    "exp": anp.exp,
    "log": anp.log,
    "log1p": anp.log1p,
    "sqrt": anp.sqrt,
    "square": lambda x: x * x,
    "sin": anp.sin,
    "cos": anp.cos,
    "tan": anp.tan,
    "asin": anp.arcsin,
    "acos": anp.arccos,
    "atan": anp.arctan,
    "sinh": anp.sinh,
    "cosh": anp.cosh,
    "tanh": anp.tanh,
    "erf": erf,
    "sigmoid": _sigmoid,
    "logistic": _sigmoid,
    "softplus": _softplus,
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * anp.tanh(_softplus(x)),
    "sum": _total,
    "mean": lambda x: _total(x) / x.size,
    "rowsum": lambda x: anp.sum(x, axis=1, keepdims=True),
    "colsum": lambda x: anp.sum(x, axis=0, keepdims=True),
    "rowmean": lambda x: anp.mean(x, axis=1, keepdims=True),
    "colmean": lambda x: anp.mean(x, axis=0, keepdims=True),
    "tr": lambda x: _total(x * np.eye(x.shape[0])),
    "det": lambda x: anp.reshape(anp.linalg.det(x), (1, 1)),
    "logdet": _logdet,
    "dot": lambda a, b: _total(a * b),
    "logsumexp": lambda x: _logsumexp(x, 0),
    "rowlogsumexp": lambda x: _logsumexp(x, 1),
    "inv": anp.linalg.inv,
    "diag": _diag,
    "diagonal": lambda x: anp.sum(x * np.eye(x.shape[0]), axis=1, keepdims=True),
    "outer": lambda a, b: anp.dot(a, b.T),
    "kron": anp.kron,
    "softmax": lambda x: _softmax(x, 0),
    "log_softmax": lambda x: x - _logsumexp(x, 0),
    "rowsoftmax": lambda x: _softmax(x, 1),
    "rowlog_softmax": lambda x: x - _logsumexp(x, 1),
    "affine": lambda w, x, b: anp.dot(w, x) + b,
    "sse": lambda r: _total(r * r),
    "cross_entropy": lambda p, y: -_total(y * anp.log(p)),
    "softmax_cross_entropy": lambda z, y: -_total(y * (z - _logsumexp(z, 0))),
    "rowsoftmax_cross_entropy": lambda z, y: -_total(y * (z - _logsumexp(z, 1))),
    "nll": lambda logp, y: -_total(y * logp),
    "kl": lambda p, q: _total(p * (anp.log(p) - anp.log(q))),
    "mse": lambda a, y: _total((a - y) ** 2) / a.size,
    "bce": lambda p, y: -_total(y * anp.log(p) + (1 - y) * anp.log(1 - p)) / p.size,
    "bce_with_logits": lambda z, y: _total(_softplus(z) - y * z) / z.size,
}
"""Functions without kinks."""

PIECES: Final[Mapping[str, tuple[Formula, Formula]]] = {
    "abs": (lambda x: [x], lambda x: _either(x > 0, x, -x)),
    "sign": (lambda x: [x], lambda x: _either(x > 0, 1.0, -1.0)),
    "heaviside": (lambda x: [x], lambda x: _either(x > 0, 1.0, 0.0)),
    "relu": (lambda x: [x], lambda x: _either(x > 0, x, 0 * x)),
    "leaky_relu": (lambda x, s=0.01: [x], lambda x, s=0.01: _either(x > 0, x, s * x)),
    "elu": (lambda x, a=1.0: [x], lambda x, a=1.0: _elu(x, a)),
    "selu": (lambda x: [x], lambda x: SELU * _elu(x, SELU_ALPHA)),
    "max": (lambda x, y: [x - y], lambda x, y: _either(x > y, x, y)),
    "min": (lambda x, y: [x - y], lambda x, y: _either(x < y, x, y)),
    "clip": (
        lambda x, lo, hi: [x - lo, x - hi],
        lambda x, lo, hi: _either(x < lo, lo, _either(x > hi, hi, x)),
    ),
    "where": (lambda c, x, y: [], lambda c, x, y: _either(c > 0.5, x, y)),
    "<": (lambda x, y: [x - y], lambda x, y: 1.0 * (x < y)),
    "<=": (lambda x, y: [x - y], lambda x, y: 1.0 * (x <= y)),
    ">": (lambda x, y: [x - y], lambda x, y: 1.0 * (x > y)),
    ">=": (lambda x, y: [x - y], lambda x, y: 1.0 * (x >= y)),
    "norm2": (lambda x: [np.linalg.norm(x)], lambda x: anp.sqrt(_total(x * x))),
    "norm": (lambda x: [np.linalg.norm(x)], lambda x: anp.sqrt(_total(x * x))),
    "norm1": (lambda x: [x], lambda x: _total(anp.abs(x))),
    "mae": (lambda a, y: [a - y], lambda a, y: _total(anp.abs(a - y)) / a.size),
    "hinge": (
        lambda z, y: [1 - z * y],
        lambda z, y: _total(_either(y * z < 1, 1 - y * z, 0 * z)) / z.size,
    ),
    "huber": (lambda r, d: [abs(r) - d, d], lambda r, d: _huber(r, d)),
}
"""Functions with kinks: the quantities whose zeros are the kinks, and the value."""

JUMPS: Final = frozenset(("sign", "heaviside", "<", "<=", ">", ">="))
"""Functions whose value, and not only their derivative, hangs on the side of the kink."""


def _elu(x: Value, alpha: Value) -> Value:
    below = _either(x > 0, 0 * x, x)
    return _either(x > 0, x, alpha * (anp.exp(below) - 1))


def _huber(r: Value, delta: Value) -> Value:
    size = anp.abs(r)
    return _total(_either(size <= delta, r * r / 2, delta * (size - delta / 2)))


class Evaluation:
    """One evaluation of trees at one point.

    Attributes:
        values: Of names, each with two axes.
        sizes: Of dimensions.
        margin: The least distance from a kink so far.
        largest: The largest absolute value so far.
        noise: Moves every value on the way by about a rounding, to show what roundings do.
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        sizes: Mapping[str, int],
        noise: np.random.Generator | None = None,
    ) -> None:
        self.values = dict(values)
        self.sizes = sizes
        self.noise = noise
        self.margin = math.inf
        self.largest = 1.0

    def size(self, dim: Dim) -> int:
        """The number that a dimension is."""
        return dim if isinstance(dim, int) else self.sizes[dim]

    def value(self, node: Node) -> Value:
        """The value of a tree."""
        if node.op == "name":
            return self.values[node.word]
        if node.op in ("number", "size"):
            known = self.sizes.get(node.word)
            return np.full((1, 1), float(node.word) if known is None else float(known))
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
        if node.op in PIECES:
            kinks, formula = PIECES[node.op]
            if node.op in JUMPS or any(isbox(arg) for arg in args):
                for distance in kinks(*map(getval, args)):
                    self.margin = min(self.margin, float(np.min(np.abs(distance))))
            return formula(*args)
        return FORMULAS[node.op](*args)


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
        value: Of the scalar.
        gradients: By name, each with two axes, with the structure of its variable.
        margin: The least distance from a kink.
        largest: The largest absolute value met on the way.
    """

    value: float
    gradients: Mapping[str, Any]
    margin: float
    largest: float


def reference(
    task: Task,
    request: Request,
    values: Mapping[str, Any],
    sizes: Mapping[str, int],
    noise: np.random.Generator | None = None,
) -> Reference:
    """The scalar and its gradients; that of a defined name counts what is computed from it."""
    seen = Evaluation(values, sizes)
    extents = {name: tuple(seen.size(d) for d in task.shapes[name]) for name in request.wrt}

    def scalar(*shifts: Value) -> Value:
        nonlocal seen
        shift = dict(zip(request.wrt, shifts, strict=True))
        seen = Evaluation(
            {name: value + shift.get(name, 0.0) for name, value in values.items()}, sizes, noise
        )
        for name, node in task.definitions:
            found = seen.value(node)
            seen.values[name] = found + shift[name] if name in shift else found
        return anp.sum(seen.value(request.of))

    zeros = [np.zeros(extents[name]) for name in request.wrt]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # A scalar may well be independent of what is asked about.
        warnings.filterwarnings("ignore", "Output seems independent")
        value = float(scalar(*zeros))
        found = grad(scalar, tuple(range(len(zeros))))(*zeros) if zeros else ()
    facts = {variable.name: variable.facts for variable in task.variables}
    gradients = {
        name: _structured(np.asarray(gradient), facts.get(name, ()))
        for name, gradient in zip(request.wrt, found, strict=True)
    }
    return Reference(value, gradients, seen.margin, seen.largest)


def _structured(gradient: Any, facts: Sequence[str]) -> Any:
    if "diagonal" in facts:
        return gradient * np.eye(len(gradient))
    if {"symmetric", "positive_definite"} & set(facts):
        return (gradient + gradient.T) / 2
    return gradient


def point(task: Task, sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, Any]:
    """Random values that obey the declared facts."""
    return {v.name: _obeying(v, sizes, rng) for v in task.variables}


def _obeying(variable: Variable, sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    extent = tuple(d if isinstance(d, int) else sizes[d] for d in variable.shape)
    raw = rng.normal(size=extent)
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
    if facts & {"positive", "nonnegative"}:
        raw = np.abs(raw) + 0.2
    if "diagonal" in facts:
        raw = raw * np.eye(len(raw))
    return np.tril(raw) if "lower_triangular" in facts else raw


def nearby(task: Task, values: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Values a few roundings away, which still obey the facts."""
    rigid = {"onehot", "probability", "orthogonal", "signs"}
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
