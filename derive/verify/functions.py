"""How the judge evaluates each function of the language: one row each.

Every value may carry batch axes in front: a matrix is ``(..., rows, columns)``, a scalar ``(...)``.
A row is analytic where its function is, so that a complex step passes through it: the absolute
value is the sign of the real part times x, a comparison looks at real parts, a norm is the root of
a sum of plain squares, and nothing is ever conjugated. Outside its domain a row returns NaN, and
NaN stays NaN through every comparison, so that a point outside the domain is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EVALUATIONS", "SCALAR_EVALUATIONS", "Array", "Evaluation", "closeness", "integer_power"]

Array: TypeAlias = NDArray[Any]
Function: TypeAlias = Callable[..., Any]

BOTH: Final = (-2, -1)
"""The axes of a matrix: rows, columns."""

SELU_SCALE: Final = 1.0507009873554805
SELU_ALPHA: Final = 1.6732632423543772


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How one function is evaluated.

    Attributes:
        value: The function, on arrays.
        kink: Distance of the arguments from the nearest kink or jump; None where there is none.
        edge: Distance from the nearest edge of the domain; None where there is none.
        is_singular_outside: Whether singular matrices are outside the domain.
    """

    value: Function
    kink: Function | None = None
    edge: Function | None = None
    is_singular_outside: bool = False


def _branch(test: Any, above: Any, other: Any) -> Any:
    """``above`` where ``test`` is positive, ``other`` elsewhere, NaN where ``test`` is NaN."""
    return np.where(np.isnan(test), np.nan, np.where(test > 0, above, other))


def _compare(positive: Any) -> Any:
    """1 where the comparison holds, 0 elsewhere."""
    return np.where(positive, 1.0, 0.0)


def _poisoned(value: Any, *arguments: Any) -> Any:
    """``value``, NaN where an argument is NaN."""
    return value + 0.0 * sum(np.where(np.isnan(a.real), np.nan, 0.0) for a in arguments)


def _abs(x: Any) -> Any:
    return np.sign(x.real) * x


def _log(x: Any) -> Any:
    return np.where(x.real < 0, np.nan, np.log(x))


def _sqrt(x: Any) -> Any:
    return np.where(x.real < 0, np.nan, np.sqrt(x))


def _inside_one(function: Function) -> Function:
    return lambda x: np.where(np.abs(x.real) > 1, np.nan, function(x))


def _erf(x: Any) -> Any:
    """The error function; to first order in an imaginary part, which is what a complex step is."""
    real = np.vectorize(math.erf, otypes=[float])(x.real)
    if not np.iscomplexobj(x):
        return real
    return real + 1j * x.imag * (2 / math.sqrt(math.pi)) * np.exp(-(x.real**2))


def _sigmoid(x: Any) -> Any:
    small = np.exp(_branch(x.real, -x, x))
    return _branch(x.real, 1 / (1 + small), small / (1 + small))


def _softplus(x: Any) -> Any:
    return _relu(x) + np.log1p(np.exp(_branch(x.real, -x, x)))


def _relu(x: Any) -> Any:
    return _branch(x.real, x, 0.0)


def _elu(x: Any, alpha: Any) -> Any:
    return _branch(x.real, x, alpha * np.expm1(x))


def _gelu_tanh(x: Any) -> Any:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))) / 2


def _larger(x: Any, y: Any) -> Any:
    return _branch(x.real - y.real, x, y)


def _smaller(x: Any, y: Any) -> Any:
    return _branch(y.real - x.real, x, y)


def _clip(x: Any, lo: Any, hi: Any) -> Any:
    clipped = _smaller(_larger(x, lo), hi)
    return np.where(hi.real < lo.real, np.nan, clipped)


def _sum(x: Any) -> Any:
    return np.sum(x, axis=BOTH)


def _mean(x: Any) -> Any:
    return np.mean(x, axis=BOTH)


def _logsumexp(x: Any, axis: int) -> Any:
    shift = np.max(x.real, axis=axis, keepdims=True)
    return shift + np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True))


def _log_softmax(axis: int) -> Function:
    return lambda x: x - _logsumexp(x, axis)


def _softmax(axis: int) -> Function:
    return lambda x: np.exp(x - _logsumexp(x, axis))


def _transpose(x: Any) -> Any:
    return np.swapaxes(x, -2, -1)


def _inverse(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)


def _logdet(x: Any) -> Any:
    sign, log_size = np.linalg.slogdet(x)
    return log_size + _log(sign)


def closeness(x: Any) -> Any:
    """How far a square matrix is from a singular one: 1 over its condition number."""
    with np.errstate(all="ignore"):
        return 1 / np.linalg.cond(x.real) if np.all(np.isfinite(x)) else np.nan


def _kl(p: Any, q: Any) -> Any:
    return _sum(np.where((p == 0) & (q.real > 0), 0.0, p * (_log(p) - _log(q))))


def _bce(p: Any, y: Any) -> Any:
    return -_mean(y * _log(p) + (1 - y) * _log(1 - p))


def _huber(r: Any, delta: Any) -> Any:
    size = _abs(r)
    loss = _sum(_branch(delta.real - size.real, r * r / 2, delta * (size - delta / 2)))
    return np.where(_sum(delta).real > 0, loss, np.nan)


def integer_power(x: Any, exponent: int) -> Any:
    """``x`` to a whole power, entry by entry, by products alone."""
    result, square, count = np.ones_like(x), x, abs(exponent)
    while count:
        if count % 2:
            result = result * square
        count //= 2
        square = square * square if count else square
    return 1 / result if exponent < 0 else result


def _gap(x: Any, y: Any) -> Any:
    return np.abs(x.real - y.real)


def _size(x: Any, *_: Any) -> Any:
    return np.abs(x.real)


def _inside(x: Any, *_: Any) -> Any:
    return np.minimum(np.abs(x.real), np.abs(1 - x.real))


EVALUATIONS: Final[Mapping[str, Evaluation]] = {
    # Entrywise functions of one argument.
    "exp": Evaluation(np.exp),
    "log": Evaluation(_log, edge=_size),
    "log1p": Evaluation(
        lambda x: np.where(x.real < -1, np.nan, np.log1p(x)), edge=lambda x: _size(1 + x)
    ),
    "sqrt": Evaluation(_sqrt, edge=_size),
    "abs": Evaluation(_abs, kink=_size),
    "sign": Evaluation(lambda x: np.sign(x.real), kink=_size),
    "square": Evaluation(lambda x: x * x),
    "sin": Evaluation(np.sin),
    "cos": Evaluation(np.cos),
    "tan": Evaluation(np.tan, edge=lambda x: _size(np.cos(x))),
    "asin": Evaluation(_inside_one(np.arcsin), edge=lambda x: _size(1 - x * x)),
    "acos": Evaluation(_inside_one(np.arccos), edge=lambda x: _size(1 - x * x)),
    "atan": Evaluation(np.arctan),
    "sinh": Evaluation(np.sinh),
    "cosh": Evaluation(np.cosh),
    "tanh": Evaluation(np.tanh),
    "erf": Evaluation(_erf),
    "sigmoid": Evaluation(_sigmoid),
    "softplus": Evaluation(_softplus),
    "relu": Evaluation(_relu, kink=_size),
    "selu": Evaluation(lambda x: SELU_SCALE * _elu(x, SELU_ALPHA), kink=_size),
    "gelu": Evaluation(lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2),
    "gelu_tanh": Evaluation(_gelu_tanh),
    "silu": Evaluation(lambda x: x * _sigmoid(x)),
    "mish": Evaluation(lambda x: x * np.tanh(_softplus(x))),
    "heaviside": Evaluation(lambda x: (1 + np.sign(x.real)) / 2, kink=_size),
    # Entrywise functions of several arguments.
    "leaky_relu": Evaluation(lambda x, slope: _branch(x.real, x, slope * x), kink=_size),
    "elu": Evaluation(_elu, kink=_size),
    "max": Evaluation(_larger, kink=_gap),
    "min": Evaluation(_smaller, kink=_gap),
    "clip": Evaluation(
        _clip,
        edge=lambda x, lo, hi: _gap(lo, hi),
        kink=lambda x, lo, hi: np.minimum(_gap(x, lo), _gap(x, hi)),
    ),
    "where": Evaluation(lambda cond, x, y: _branch(cond.real, x, y)),
    "lt": Evaluation(lambda x, y: _poisoned(_compare(x.real < y.real), x, y), kink=_gap),
    "le": Evaluation(lambda x, y: _poisoned(_compare(x.real <= y.real), x, y), kink=_gap),
    "gt": Evaluation(lambda x, y: _poisoned(_compare(x.real > y.real), x, y), kink=_gap),
    "ge": Evaluation(lambda x, y: _poisoned(_compare(x.real >= y.real), x, y), kink=_gap),
    # Reductions.
    "sum": Evaluation(_sum),
    "mean": Evaluation(_mean),
    "rowsum": Evaluation(lambda x: np.sum(x, axis=-1, keepdims=True)),
    "colsum": Evaluation(lambda x: np.sum(x, axis=-2, keepdims=True)),
    "rowmean": Evaluation(lambda x: np.mean(x, axis=-1, keepdims=True)),
    "colmean": Evaluation(lambda x: np.mean(x, axis=-2, keepdims=True)),
    "tr": Evaluation(lambda x: np.trace(x, axis1=-2, axis2=-1)),
    "det": Evaluation(np.linalg.det),
    "logdet": Evaluation(_logdet, is_singular_outside=True),
    "dot": Evaluation(lambda a, b: _sum(a * b)),
    "norm2": Evaluation(lambda x: np.sqrt(_sum(x * x)), edge=lambda x: np.sqrt(_sum(x.real**2))),
    "norm1": Evaluation(lambda x: _sum(_abs(x)), kink=_size),
    "logsumexp": Evaluation(lambda x: _logsumexp(x, -2)[..., 0, 0]),
    "rowlogsumexp": Evaluation(lambda x: _logsumexp(x, -1)),
    # Arrays.
    "transpose": Evaluation(_transpose),
    "inv": Evaluation(_inverse, is_singular_outside=True),
    "diag": Evaluation(lambda v: v * np.eye(v.shape[-2])),
    "diagonal": Evaluation(lambda x: np.diagonal(x, axis1=-2, axis2=-1)[..., None]),
    "outer": Evaluation(lambda a, b: a @ _transpose(b)),
    "softmax": Evaluation(_softmax(-2)),
    "log_softmax": Evaluation(_log_softmax(-2)),
    "rowsoftmax": Evaluation(_softmax(-1)),
    "rowlog_softmax": Evaluation(_log_softmax(-1)),
    # Layers.
    "affine": Evaluation(lambda w, x, b: w @ x + b),
    # Losses.
    "sse": Evaluation(lambda r: _sum(r * r)),
    "huber": Evaluation(
        _huber, kink=lambda r, delta: _gap(_abs(r), delta), edge=lambda r, delta: _size(delta)
    ),
    "cross_entropy": Evaluation(lambda p, y: -_sum(y * _log(p)), edge=_size),
    "softmax_cross_entropy": Evaluation(lambda z, y: -_sum(y * _log_softmax(-2)(z))),
    "rowsoftmax_cross_entropy": Evaluation(lambda z, y: -_sum(y * _log_softmax(-1)(z))),
    "nll": Evaluation(lambda logp, y: -_sum(y * logp)),
    "kl": Evaluation(_kl, edge=lambda p, q: _size(q)),
    "mse": Evaluation(lambda a, y: _mean((a - y) * (a - y))),
    "mae": Evaluation(lambda a, y: _mean(_abs(a - y)), kink=_gap),
    "bce": Evaluation(_bce, edge=_inside),
    "bce_with_logits": Evaluation(lambda z, y: _mean(_softplus(z) - y * z)),
    "hinge": Evaluation(lambda z, y: _mean(_relu(1 - y * z)), kink=lambda z, y: _size(1 - y * z)),
}
"""Every function of the language, by name."""

SCALAR_EVALUATIONS: Final[Mapping[str, Evaluation]] = {
    name: EVALUATIONS[name]
    for name in "exp log sin cos tan asin acos atan sinh cosh tanh erf sign".split()
} | {
    "Abs": EVALUATIONS["abs"],
    "Max": EVALUATIONS["max"],
    "Min": EVALUATIONS["min"],
    "Heaviside": Evaluation(
        lambda x, at_zero: _branch(x.real, 1.0, _branch(-x.real, 0.0, at_zero)), kink=_size
    ),
    "erfc": Evaluation(lambda x: 1 - _erf(x)),
    "sec": Evaluation(lambda x: 1 / np.cos(x)),
    "csc": Evaluation(lambda x: 1 / np.sin(x)),
    "cot": Evaluation(lambda x: 1 / np.tan(x)),
    "sech": Evaluation(lambda x: 1 / np.cosh(x)),
    "csch": Evaluation(lambda x: 1 / np.sinh(x)),
    "coth": Evaluation(lambda x: 1 / np.tanh(x)),
    "asinh": Evaluation(np.arcsinh),
    "acosh": Evaluation(lambda x: np.where(x.real < 1, np.nan, np.arccosh(x))),
    "atanh": Evaluation(_inside_one(np.arctanh)),
}
"""SymPy's scalar functions, by the name of their class; Max and Min are taken two by two."""
