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

from derive.verify.layers import attention, leave, normalise, rescale, softmax, variance
from derive.verify.linear_algebra import (
    cholesky,
    commutation,
    expm,
    expm_frechet,
    inverse,
    join,
    kronecker,
    logdet,
    pinv,
    solve,
    transpose,
    unvec,
    vec,
)

__all__ = [
    "ENTRYWISE",
    "EVALUATIONS",
    "MATRICES",
    "NUMBERS",
    "SCALAR_EVALUATIONS",
    "Array",
    "Evaluation",
    "integer_power",
]

Array: TypeAlias = NDArray[Any]
Axes: TypeAlias = int | tuple[int, int]
Function: TypeAlias = Callable[..., Any]

BOTH: Final = (-2, -1)
"""The axes of a matrix: rows, columns."""

ROWS: Final = -1
COLUMNS: Final = -2
"""The axis that runs along each row, and the one that runs down each column."""

ROUNDING: Final = 1e-12
"""Numbers that differ by no more than this part of their size are equal in a comparison."""

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
        is_composed: Whether what is on the way to its value, and rounding there, may be much larger
            than the value; then it takes ``blur``, through which arrays pass that are on the way.
    """

    value: Function
    kink: Function | None = None
    edge: Function | None = None
    is_singular_outside: bool = False
    is_composed: bool = False


def _branch(test: Any, above: Any, other: Any) -> Any:
    """``above`` where ``test`` is positive, ``other`` elsewhere, NaN where ``test`` is NaN."""
    return np.where(np.isnan(test), np.nan, np.where(test > 0, above, other))


def _compare(positive: Any) -> Any:
    """1 where the comparison holds, 0 elsewhere."""
    return np.where(positive, 1.0, 0.0)


def _reaches(x: Any, y: Any) -> Any:
    """Whether x >= y; what differs by rounding alone is equal, as it is in what is compared."""
    return x.real >= y.real - ROUNDING * np.fmax(np.abs(x.real), np.abs(y.real))


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
    return _relu(x) + _log1p(np.exp(_branch(x.real, -x, x)))


def _relu(x: Any) -> Any:
    return _branch(x.real, x, 0.0)


def _elu(x: Any, alpha: Any) -> Any:
    return _branch(x.real, x, alpha * np.expm1(x))


def _gelu_tanh(x: Any) -> Any:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))) / 2


def _larger(x: Any, y: Any) -> Any:
    """The larger one; at a tie both have a half."""
    return _branch(np.abs(x.real - y.real), _branch(x.real - y.real, x, y), (x + y) / 2)


def _smaller(x: Any, y: Any) -> Any:
    return -_larger(-x, -y)


def _clip(x: Any, lo: Any, hi: Any) -> Any:
    """At a bound it is the bound."""
    raised = _branch(x.real - lo.real, x, lo)
    clipped = _branch(hi.real - raised.real, raised, hi)
    return np.where(hi.real < lo.real, np.nan, clipped)


AFTER_STEP: Final = 1e6
"""How many times the square of a complex step tied entries may come to differ by."""


def _largest(axes: Axes) -> Function:
    """The largest entry along axes; tied entries share equally. The axes stay.

    What differs by rounding alone is tied, and so is what the square of a complex step moves.
    """

    def value(x: Any) -> Any:
        step = np.max(np.abs(x.imag), axis=axes, keepdims=True)
        top = np.max(x.real, axis=axes, keepdims=True)
        is_top = _reaches(x, top) | (top - x.real <= AFTER_STEP * step**2)
        total = np.sum(np.where(is_top, x, 0.0), axis=axes, keepdims=True)
        return total / np.sum(is_top, axis=axes, keepdims=True)

    return value


def _least(axes: Axes) -> Function:
    return lambda x: -_largest(axes)(-x)


def _lead(axes: Axes) -> Function:
    """How far the largest entry along axes is above the next; infinite where it is alone."""

    def value(x: Any) -> Any:
        real = x.real if axes != -2 else np.swapaxes(x.real, -2, -1)
        lines = real.reshape(*real.shape[:-2], -1) if axes == BOTH else real
        if lines.shape[-1] == 1:
            return np.where(np.isnan(lines), np.nan, np.inf)
        ordered = np.sort(lines, axis=-1)
        return ordered[..., -1] - ordered[..., -2]

    return value


def _number(function: Function) -> Function:
    """The function whose 1 x 1 value is taken as the number in it."""
    return lambda x: function(x)[..., 0, 0]


def _sum(x: Any) -> Any:
    return np.sum(x, axis=BOTH)


def _mean(x: Any) -> Any:
    return np.mean(x, axis=BOTH)


def _log1p(x: Any) -> Any:
    """log(1 + x), for complex x too without adding a small x to 1."""
    if not np.iscomplexobj(x):
        return np.log1p(x)
    re, im = np.where(np.abs(x) < 0.5, (x.real, x.imag), 0.0)
    small = np.log1p(2 * re + re * re + im * im) / 2 + 1j * np.arctan2(im, 1 + re)
    return np.where(np.abs(x) < 0.5, small, np.log(1 + x))


def _above(x: Any, axis: int) -> tuple[Any, Any]:
    """The largest entry along an axis, and what logsumexp has above it: log(1 + the others)."""
    largest = np.argmax(x.real, axis=axis, keepdims=True)
    top = np.take_along_axis(x, largest, axis)
    others = np.exp(x - top)
    np.put_along_axis(others, largest, 0.0, axis)
    return top, _log1p(np.sum(others, axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: int) -> Any:
    return sum(_above(x, axis))


def _log_softmax(axis: int) -> Function:
    def value(x: Any, blur: Any = leave) -> Any:
        top, above = _above(x, axis)
        whole = top + above
        return x - top - above - (blur(whole) - whole)

    return value


def _softmax(axis: int) -> Function:
    return lambda x, blur=leave: softmax(x, axis, blur)


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


ENTRYWISE: Final[Mapping[str, Evaluation]] = {
    # Of one argument.
    "exp": Evaluation(np.exp),
    "log": Evaluation(_log, edge=_size),
    "log1p": Evaluation(
        lambda x: np.where(x.real < -1, np.nan, _log1p(x)), edge=lambda x: _size(1 + x)
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
    # Of several arguments.
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
    "lt": Evaluation(lambda x, y: _poisoned(_compare(~_reaches(x, y)), x, y), kink=_gap),
    "le": Evaluation(lambda x, y: _poisoned(_compare(_reaches(y, x)), x, y), kink=_gap),
    "gt": Evaluation(lambda x, y: _poisoned(_compare(~_reaches(y, x)), x, y), kink=_gap),
    "ge": Evaluation(lambda x, y: _poisoned(_compare(_reaches(x, y)), x, y), kink=_gap),
}
"""Functions that work entry by entry, on scalars as on matrices."""

NUMBERS: Final[Mapping[str, Evaluation]] = {
    # Reductions.
    "sum": Evaluation(_sum),
    "mean": Evaluation(_mean),
    "prod": Evaluation(lambda x: np.prod(x, axis=BOTH), edge=_size),
    "amax": Evaluation(_number(_largest(BOTH)), kink=_lead(BOTH)),
    "amin": Evaluation(_number(_least(BOTH)), kink=lambda x: _lead(BOTH)(-x)),
    "var": Evaluation(_number(variance(BOTH))),
    "tr": Evaluation(lambda x: np.trace(x, axis1=-2, axis2=-1)),
    "det": Evaluation(np.linalg.det),
    "logdet": Evaluation(logdet, is_singular_outside=True),
    "dot": Evaluation(lambda a, b: _sum(a * b)),
    "norm2": Evaluation(lambda x: np.sqrt(_sum(x * x)), edge=lambda x: np.sqrt(_sum(x.real**2))),
    "norm1": Evaluation(lambda x: _sum(_abs(x)), kink=_size),
    "norminf": Evaluation(
        lambda x: _number(_largest(BOTH))(_abs(x)),
        kink=lambda x: np.minimum(_lead(BOTH)(_abs(x)), np.max(_size(x), axis=BOTH)),
    ),
    "logsumexp": Evaluation(lambda x: _logsumexp(x, COLUMNS)[..., 0, 0]),
    # Losses.
    "sse": Evaluation(lambda r: _sum(r * r)),
    "huber": Evaluation(
        _huber, kink=lambda r, delta: _gap(_abs(r), delta), edge=lambda r, delta: _size(delta)
    ),
    "cross_entropy": Evaluation(lambda p, y: -_sum(y * _log(p)), edge=_size),
    "softmax_cross_entropy": Evaluation(lambda z, y: -_sum(y * _log_softmax(COLUMNS)(z))),
    "rowsoftmax_cross_entropy": Evaluation(lambda z, y: -_sum(y * _log_softmax(ROWS)(z))),
    "nll": Evaluation(lambda logp, y: -_sum(y * logp)),
    "kl": Evaluation(_kl, edge=lambda p, q: _size(q)),
    "mse": Evaluation(lambda a, y: _mean((a - y) * (a - y))),
    "mae": Evaluation(lambda a, y: _mean(_abs(a - y)), kink=_gap),
    "bce": Evaluation(_bce, edge=_inside),
    "bce_with_logits": Evaluation(lambda z, y: _mean(_softplus(z) - y * z)),
    "hinge": Evaluation(lambda z, y: _mean(_relu(1 - y * z)), kink=lambda z, y: _size(1 - y * z)),
}
"""Functions of matrices whose value is a number."""

MATRICES: Final[Mapping[str, Evaluation]] = {
    # Reductions of rows and columns.
    "rowsum": Evaluation(lambda x: np.sum(x, axis=ROWS, keepdims=True)),
    "colsum": Evaluation(lambda x: np.sum(x, axis=COLUMNS, keepdims=True)),
    "rowmean": Evaluation(lambda x: np.mean(x, axis=ROWS, keepdims=True)),
    "colmean": Evaluation(lambda x: np.mean(x, axis=COLUMNS, keepdims=True)),
    "rowmax": Evaluation(_largest(ROWS), kink=_lead(ROWS)),
    "colmax": Evaluation(_largest(COLUMNS), kink=_lead(COLUMNS)),
    "rowmin": Evaluation(_least(ROWS), kink=lambda x: _lead(ROWS)(-x)),
    "colmin": Evaluation(_least(COLUMNS), kink=lambda x: _lead(COLUMNS)(-x)),
    "rowvar": Evaluation(variance(ROWS)),
    "colvar": Evaluation(variance(COLUMNS)),
    "rowlogsumexp": Evaluation(lambda x: _logsumexp(x, ROWS)),
    # Arrays.
    "transpose": Evaluation(transpose),
    "inv": Evaluation(inverse, is_singular_outside=True),
    "pinv": Evaluation(pinv, is_singular_outside=True),
    "solve": Evaluation(solve, is_singular_outside=True),
    "cholesky": Evaluation(cholesky, is_singular_outside=True),
    "expm": Evaluation(expm),
    "expm_frechet": Evaluation(expm_frechet),
    "diag": Evaluation(lambda v: v * np.eye(v.shape[-2])),
    "diagonal": Evaluation(lambda x: np.diagonal(x, axis1=-2, axis2=-1)[..., None]),
    "tril": Evaluation(np.tril),
    "triu": Evaluation(np.triu),
    "outer": Evaluation(lambda a, b: a @ transpose(b)),
    "kron": Evaluation(kronecker),
    "vec": Evaluation(vec),
    "unvec": Evaluation(unvec),
    "commutation": Evaluation(commutation),
    "hcat": Evaluation(join(ROWS)),
    "vcat": Evaluation(join(COLUMNS)),
    "softmax": Evaluation(_softmax(COLUMNS), is_composed=True),
    "log_softmax": Evaluation(_log_softmax(COLUMNS), is_composed=True),
    "rowsoftmax": Evaluation(_softmax(ROWS), is_composed=True),
    "rowlog_softmax": Evaluation(_log_softmax(ROWS), is_composed=True),
    # Layers.
    "affine": Evaluation(lambda w, x, b: w @ x + b),
    "layernorm": Evaluation(normalise(BOTH), is_composed=True),
    "rowlayernorm": Evaluation(normalise(ROWS), is_composed=True),
    "batchnorm": Evaluation(normalise(COLUMNS), is_composed=True),
    "rmsnorm": Evaluation(rescale(BOTH), is_composed=True),
    "rowrmsnorm": Evaluation(rescale(ROWS), is_composed=True),
    "attention": Evaluation(attention, is_composed=True),
}
"""Functions of matrices whose value is a matrix."""

EVALUATIONS: Final[Mapping[str, Evaluation]] = {**ENTRYWISE, **NUMBERS, **MATRICES}
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
