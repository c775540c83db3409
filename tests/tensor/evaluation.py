"""The value of a tensor at NumPy arrays, written out for the tests.

It shares no code with :mod:`derive.verify` and :mod:`derive.emit`: a contraction is one ``einsum``,
a function is its definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import sympy

from derive.shapes import Dim
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Map,
    Sum,
    Tensor,
    Variable,
)

__all__ = ["ARRAYS", "ENTRYWISE", "evaluate", "evaluate_with_scale", "size"]

SELU: Final = (1.0507009873554804934193349852946, 1.6732632423543772848170429916717)


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def _huber(r: Any, delta: Any) -> Any:
    inside = np.abs(r) < delta
    return np.where(inside, r**2 / 2, delta * (np.abs(r) - delta / 2))


ENTRYWISE: Final[dict[str, Callable[..., Any]]] = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "abs": np.abs,
    "sign": np.sign,
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "erf": _erf,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda x: np.maximum(x, 0),
    "selu": lambda x: SELU[0] * np.where(x > 0, x, SELU[1] * np.expm1(x)),
    "gelu": lambda x: x * (1 + _erf(x / np.sqrt(2))) / 2,
    "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x)),
    "max": np.maximum,
    "min": np.minimum,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": lambda condition, x, y: np.where(condition > 0.5, x, y),
    "power": lambda x, y: x**y,
    "huber": _huber,
    "lt": lambda x, y: (x < y) * 1.0,
    "le": lambda x, y: (x <= y) * 1.0,
    "gt": lambda x, y: (x > y) * 1.0,
    "ge": lambda x, y: (x >= y) * 1.0,
}


def _logsumexp(z: Any) -> Any:
    top = z.max(axis=-1, keepdims=True)
    return np.log(np.exp(z - top).sum(axis=-1)) + top[..., 0]


def _reduction(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Over all axes but the leading ones that the value keeps."""

    def reduced(x: Any, order: int) -> Any:
        return reduce(x, axis=tuple(range(order, x.ndim)))

    return reduced


def _layer_norm(x: Any, epsilon: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)


def _expm(x: Any) -> Any:
    """The series, after scaling down; squared up again."""
    scaled, term = np.eye(len(x)), np.eye(len(x))
    for k in range(1, 25):
        term = term @ x / 2**6 / k
        scaled = scaled + term
    return np.linalg.matrix_power(scaled, 2**6)


def _expm_frechet(x: Any, direction: Any) -> Any:
    n = len(x)
    return _expm(np.block([[x, direction], [np.zeros((n, n)), x]]))[:n, n:]


REDUCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "prod": _reduction(np.prod),
    "amax": _reduction(np.max),
    "amin": _reduction(np.min),
    "var": _reduction(np.var),
}

ARRAYS: Final[dict[str, Callable[..., Any]]] = {
    "inverse": np.linalg.inv,
    "det": np.linalg.det,
    "logdet": lambda x: np.log(np.linalg.det(x)),
    "logsumexp": _logsumexp,
    "log_softmax": lambda z: z - _logsumexp(z)[..., None],
    "softmax": lambda z: np.exp(z - _logsumexp(z)[..., None]),
    "layernorm": _layer_norm,
    "rmsnorm": lambda x, epsilon: x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon),
    "pinv": np.linalg.pinv,
    "cholesky": np.linalg.cholesky,
    "expm": _expm,
    "expm_frechet": _expm_frechet,
}


def _incidence(function: str, shape: tuple[int, ...], offset: int) -> Any:
    """Arrays of zeros and ones, entry by entry."""
    found = np.zeros(shape)
    for index in np.ndindex(*shape):
        if function == "lower":
            hit = index[0] >= index[1]
        elif function == "select":
            hit = index[-1] == offset + (index[0] if len(shape) == 2 else 0)
        else:
            hit = index[0] == index[1] * shape[2] + index[2]
        found[index] = float(hit)
    return found


def size(dim: Dim, sizes: Mapping[str, int]) -> int:
    """A dimension as a number."""
    return int(dim.subs({symbol: sizes[symbol.name] for symbol in dim.free_symbols}))


def evaluate(
    tensor: Tensor, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> Any:
    """The array that a tensor is.

    Args:
        tensor: Any; variables with values are computed from these.
        values: An array for each given variable, with as many entries as its axes say.
        sizes: A number for each symbolic dimension.
    """
    with np.errstate(all="ignore"):
        return _Evaluation(values, sizes or {}).value(tensor)


def evaluate_with_scale(
    tensor: Tensor, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> tuple[Any, float]:
    """The array, and the largest number met on the way, which says what rounding may cost."""
    with np.errstate(all="ignore"):
        evaluation = _Evaluation(values, sizes or {})
        return evaluation.value(tensor), evaluation.largest


class _Evaluation:
    def __init__(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        self.values, self.sizes = values, sizes
        self.known: dict[Tensor, Any] = {}
        self.largest = 1.0

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tuple(size(dim, self.sizes) for dim in tensor.shape)

    def value(self, tensor: Tensor) -> Any:
        if tensor not in self.known:
            found = np.asarray(self._compute(tensor), dtype=float)
            assert found.shape == self.shape(tensor), (tensor, found.shape, self.shape(tensor))
            self.largest = max(self.largest, float(np.max(np.abs(found), initial=0)))
            self.known[tensor] = found
        return self.known[tensor]

    def _compute(self, tensor: Tensor) -> Any:
        if isinstance(tensor, Variable):
            if tensor.value is not None:
                return self.value(tensor.value)
            return np.reshape(self.values[tensor.name], self.shape(tensor))
        if isinstance(tensor, Constant):
            numbers = {s: self.sizes[s.name] for s in tensor.value.free_symbols}
            return float(sympy.N(tensor.value.subs(numbers), 20))
        if isinstance(tensor, Delta):
            return np.eye(*self.shape(tensor))
        if isinstance(tensor, Contraction):
            return self._contraction(tensor)
        if isinstance(tensor, Sum):
            return sum(self.value(term) for term in tensor.terms)
        if isinstance(tensor, Map):
            return self._map(tensor)
        assert isinstance(tensor, Call)
        if tensor.function in ("lower", "select", "pair"):
            offset = int(self.value(tensor.args[0])) if tensor.args else 0
            return _incidence(tensor.function, self.shape(tensor), offset)
        if tensor.function in REDUCTIONS:
            return REDUCTIONS[tensor.function](self.value(tensor.args[0]), tensor.order)
        return ARRAYS[tensor.function](*(self.value(arg) for arg in tensor.args))

    def _contraction(self, tensor: Contraction) -> Any:
        operands = [
            (self.value(factor) ** float(power), letters)
            for factor, letters, power in tensor.factors
        ]
        return float(tensor.coefficient) * self._along(operands, tensor)

    def _along(self, operands: Sequence[tuple[Any, tuple[int, ...]]], tensor: Tensor) -> Any:
        axes = range(tensor.order)
        names = {letter: place for place, letter in enumerate(axes)}
        pieces: list[Any] = []
        for array, letters in operands:
            pieces += [array, [names.setdefault(x, len(names)) for x in letters]]
        for axis, length in zip(axes, self.shape(tensor), strict=True):
            pieces += [np.ones(length), [axis]]
        if not pieces:
            return 1.0
        return np.einsum(*pieces, list(axes))

    def _map(self, tensor: Map) -> Any:
        arrays = [self._along([(self.value(arg), letters)], tensor) for arg, letters in tensor.args]
        return ENTRYWISE[tensor.function](*arrays)
