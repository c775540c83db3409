"""What each function of the language is, written down once more, for autograd.

Nothing is imported from ``derive``. Every value has two axes, a scalar is 1 x 1.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

__all__ = ["FORMULAS", "JUMPS", "PIECES", "Value"]

Value = Any
Formula = Callable[..., Value]

SELU: Final = 1.0507009873554804934193349852946
SELU_ALPHA: Final = 1.6732632423543772848170429916717


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


def _mean(x: Value) -> Value:
    return _total(x) / x.size


def _product(x: Value) -> Value:
    flat = anp.reshape(x, (-1,))
    return anp.reshape(reduce(operator.mul, [flat[at] for at in range(x.size)]), (1, 1))


def _variance(x: Value, axis: int | None) -> Value:
    centred = x - anp.mean(x, axis=axis, keepdims=True)
    return anp.mean(centred * centred, axis=axis, keepdims=True)


def _logsumexp(x: Value, axis: int) -> Value:
    high = np.max(getval(x), axis=axis, keepdims=True)
    return high + anp.log(anp.sum(anp.exp(x - high), axis=axis, keepdims=True))


def _log_softmax(x: Value, axis: int) -> Value:
    """The largest entry is not in the sum: its logarithm may be nearer to 0 than rounding."""
    largest = np.argmax(getval(x), axis=axis, keepdims=True)
    is_top = np.equal(np.indices(np.shape(getval(x)))[axis], largest)
    top = anp.sum(x * is_top, axis=axis, keepdims=True)
    others = anp.sum(anp.exp(x - top) * ~is_top, axis=axis, keepdims=True)
    return x - top - anp.log1p(others)


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


def _pinv(x: Value) -> Value:
    """The pseudo-inverse; near a matrix of deficient rank, of matrices of this rank."""
    rows, columns = x.shape
    if np.linalg.matrix_rank(getval(x)) < min(rows, columns):
        return anp.linalg.pinv(x)
    if rows < columns:
        return anp.dot(x.T, anp.linalg.inv(anp.dot(x, x.T)))
    return anp.dot(anp.linalg.inv(anp.dot(x.T, x)), x.T)


def _expm(a: Value) -> Value:
    """Scaled until it is small, twenty terms of the series, squared again."""
    size = float(np.max(np.sum(np.abs(getval(a)), axis=0), initial=0.0))
    squarings = max(0, math.ceil(math.log2(size)) + 1) if 0 < size < 1e6 else 0
    scaled = a / 2**squarings
    term = total = np.eye(len(getval(a)))
    for count in range(1, 20):
        term = anp.dot(term, scaled) / count
        total = total + term
    for _ in range(squarings):
        total = anp.dot(total, total)
    return total


def _expm_frechet(a: Value, e: Value) -> Value:
    count = len(getval(a))
    above = anp.concatenate([a, e], axis=1)
    below = anp.concatenate([np.zeros((count, count)), a], axis=1)
    return _expm(anp.concatenate([above, below], axis=0))[:count, count:]


def _kron(a: Value, b: Value) -> Value:
    (rows, columns), (down, across) = a.shape, b.shape
    blocks = anp.reshape(a, (rows, 1, columns, 1)) * anp.reshape(b, (1, down, 1, across))
    return anp.reshape(blocks, (rows * down, columns * across))


def _joined(*parts: Value, axis: int) -> Value:
    return anp.concatenate(parts, axis=axis)


def _along(parameter: Value, axis: int) -> Value:
    """A column, a row or a scalar as a factor along an axis."""
    return anp.reshape(parameter, (-1, 1) if axis == 0 else (1, -1))


EPS: Final = np.full((1, 1), 1e-5)
ONE: Final = np.ones((1, 1))
ZERO: Final = np.zeros((1, 1))


def _normalised(
    axis: int, along: int, x: Value, gamma: Value = ONE, beta: Value = ZERO, eps: Value = EPS
) -> Value:
    centred = x - anp.mean(x, axis=axis, keepdims=True)
    found = centred / anp.sqrt(_variance(x, axis) + eps)
    return _along(gamma, along) * found + _along(beta, along)


def _scaled(axis: int, along: int, x: Value, gamma: Value = ONE, eps: Value = EPS) -> Value:
    size = anp.sqrt(anp.mean(x * x, axis=axis, keepdims=True) + eps)
    return _along(gamma, along) * x / size


def _attention(q: Value, k: Value, v: Value) -> Value:
    return anp.dot(_softmax(anp.dot(q, k.T) / math.sqrt(q.shape[1]), 1), v)


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
    "vector": lambda c: c,
    "matrix": lambda c: c,
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
    "mean": _mean,
    "prod": _product,
    "var": lambda x: _variance(x, None),
    "rowsum": lambda x: anp.sum(x, axis=1, keepdims=True),
    "colsum": lambda x: anp.sum(x, axis=0, keepdims=True),
    "rowmean": lambda x: anp.mean(x, axis=1, keepdims=True),
    "colmean": lambda x: anp.mean(x, axis=0, keepdims=True),
    "rowvar": lambda x: _variance(x, 1),
    "colvar": lambda x: _variance(x, 0),
    "tr": lambda x: _total(x * np.eye(x.shape[0])),
    "det": lambda x: anp.reshape(anp.linalg.det(x), (1, 1)),
    "logdet": _logdet,
    "dot": lambda a, b: _total(a * b),
    "logsumexp": lambda x: _logsumexp(x, 0),
    "rowlogsumexp": lambda x: _logsumexp(x, 1),
    "inv": anp.linalg.inv,
    "pinv": _pinv,
    "solve": anp.linalg.solve,
    "cholesky": anp.linalg.cholesky,
    "expm": _expm,
    "expm_frechet": _expm_frechet,
    "diag": _diag,
    "diagonal": lambda x: anp.sum(x * np.eye(x.shape[0]), axis=1, keepdims=True),
    "outer": lambda a, b: anp.dot(a, b.T),
    "kron": _kron,
    "vec": lambda a: anp.reshape(a.T, (-1, 1)),
    "tril": lambda a: a * np.tril(np.ones(a.shape)),
    "triu": lambda a: a * np.triu(np.ones(a.shape)),
    "hcat": lambda *parts: _joined(*parts, axis=1),
    "vcat": lambda *parts: _joined(*parts, axis=0),
    "softmax": lambda x: _softmax(x, 0),
    "log_softmax": lambda x: _log_softmax(x, 0),
    "rowsoftmax": lambda x: _softmax(x, 1),
    "rowlog_softmax": lambda x: _log_softmax(x, 1),
    "affine": lambda w, x, b: anp.dot(w, x) + b,
    "layernorm": lambda *args: _normalised(0, 0, *args),
    "rowlayernorm": lambda *args: _normalised(1, 1, *args),
    "batchnorm": lambda *args: _normalised(0, 1, *args),
    "rmsnorm": lambda *args: _scaled(0, 0, *args),
    "rowrmsnorm": lambda *args: _scaled(1, 1, *args),
    "attention": _attention,
    "sse": lambda r: _total(r * r),
    "cross_entropy": lambda p, y: -_total(y * anp.log(p)),
    "softmax_cross_entropy": lambda z, y: -_total(y * _log_softmax(z, 0)),
    "rowsoftmax_cross_entropy": lambda z, y: -_total(y * _log_softmax(z, 1)),
    "nll": lambda logp, y: -_total(y * logp),
    "kl": lambda p, q: _total(p * (anp.log(p) - anp.log(q))),
    "mse": lambda a, y: _mean((a - y) ** 2),
    "bce": lambda p, y: -_mean(y * anp.log(p) + (1 - y) * anp.log(1 - p)),
    "bce_with_logits": lambda z, y: _mean(_softplus(z) - y * z),
}
"""Functions without kinks."""

PIECES: Final[Mapping[str, tuple[Formula, Formula]]] = {
    "abs": (lambda x: [x], anp.abs),
    "sign": (lambda x: [x], lambda x: np.sign(getval(x))),
    "heaviside": (lambda x: [x], lambda x: (1 + np.sign(getval(x))) / 2),
    "relu": (lambda x: [x], lambda x: _either(x > 0, x, 0 * x)),
    "leaky_relu": (lambda x, s=0.01: [x], lambda x, s=0.01: _either(x > 0, x, s * x)),
    "elu": (lambda x, a=1.0: [x], lambda x, a=1.0: _elu(x, a)),
    "selu": (lambda x: [x], lambda x: SELU * _elu(x, SELU_ALPHA)),
    "max": (lambda x, y: [x - y], lambda x, y: (x + y + anp.abs(x - y)) / 2),
    "min": (lambda x, y: [x - y], lambda x, y: (x + y - anp.abs(x - y)) / 2),
    "clip": (
        lambda x, lo, hi: [x - lo, x - hi],
        lambda x, lo, hi: _either(x > hi, hi, _either(x < lo, lo, x)),
    ),
    "where": (lambda c, x, y: [], lambda c, x, y: _either(c > 0.5, x, y)),
    "<": (lambda x, y: [x - y], lambda x, y: 1.0 * (x < y)),
    "<=": (lambda x, y: [x - y], lambda x, y: 1.0 * (x <= y)),
    ">": (lambda x, y: [x - y], lambda x, y: 1.0 * (x > y)),
    ">=": (lambda x, y: [x - y], lambda x, y: 1.0 * (x >= y)),
    "amax": (lambda x: _gap(x, None), lambda x: anp.max(x, keepdims=True)),
    "amin": (lambda x: _gap(-x, None), lambda x: anp.min(x, keepdims=True)),
    "rowmax": (lambda x: _gap(x, 1), lambda x: anp.max(x, axis=1, keepdims=True)),
    "rowmin": (lambda x: _gap(-x, 1), lambda x: anp.min(x, axis=1, keepdims=True)),
    "colmax": (lambda x: _gap(x, 0), lambda x: anp.max(x, axis=0, keepdims=True)),
    "colmin": (lambda x: _gap(-x, 0), lambda x: anp.min(x, axis=0, keepdims=True)),
    "norminf": (
        lambda x: [*_gap(abs(x), None), np.max(abs(x))],
        lambda x: anp.max(anp.abs(x), keepdims=True),
    ),
    "norm2": (lambda x: [np.linalg.norm(x)], lambda x: anp.sqrt(_total(x * x))),
    "norm": (lambda x: [np.linalg.norm(x)], lambda x: anp.sqrt(_total(x * x))),
    "norm1": (lambda x: [x], lambda x: _total(anp.abs(x))),
    "mae": (lambda a, y: [a - y], lambda a, y: _mean(anp.abs(a - y))),
    "hinge": (
        lambda z, y: [1 - z * y],
        lambda z, y: _mean(_either(y * z < 1, 1 - y * z, 0 * z)),
    ),
    "huber": (lambda r, d: [abs(r) - d, d], lambda r, d: _huber(r, d)),
}
"""Functions with kinks: the quantities whose zeros are the kinks, and the value.

At a zero the derivative is what the language says: 0 of abs and relu, half of each at a tie.
"""

JUMPS: Final = frozenset(("sign", "heaviside", "<", "<=", ">", ">="))
"""Functions whose value, and not only their derivative, hangs on the side of the kink."""


def _gap(x: Value, axis: int | None) -> list[Value]:
    """How far the largest entries are above the others; entries that tie share the gradient."""
    high = np.max(x, axis=axis, keepdims=True)
    below = np.max(np.where(x < high, x, -np.inf), axis=axis, keepdims=True)
    return [high - below]


def _elu(x: Value, alpha: Value) -> Value:
    below = _either(x > 0, 0 * x, x)
    return _either(x > 0, x, alpha * (anp.exp(below) - 1))


def _huber(r: Value, delta: Value) -> Value:
    size = anp.abs(r)
    return _total(_either(size <= delta, r * r / 2, delta * (size - delta / 2)))
