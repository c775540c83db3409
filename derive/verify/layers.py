"""Normalising layers and attention as the judge computes them, each from its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

__all__ = ["EPS", "Blur", "attention", "leave", "normalise", "rescale", "softmax", "variance"]

Blur: TypeAlias = Callable[[Any], Any]
"""What is done to each array on the way to a value."""

EPS: Final = 1e-5
"""What the normalising layers add to a variance where nothing is said."""


def variance(axes: int | tuple[int, int]) -> Callable[[Any], Any]:
    """The function that gives the variance along axes, divided by the count; the axes stay."""

    def value(x: Any) -> Any:
        deviation = x - np.mean(x, axis=axes, keepdims=True)
        return np.mean(deviation * deviation, axis=axes, keepdims=True)

    return value


def leave(value: Any) -> Any:
    """An array as it is."""
    return value


def normalise(axes: int | tuple[int, int]) -> Callable[..., Any]:
    """A layer norm along axes: ``gamma .* (x - mean(x))/sqrt(var(x) + eps) + beta``."""

    def value(x: Any, gamma: Any = 1.0, beta: Any = 0.0, eps: Any = EPS, blur: Blur = leave) -> Any:
        centred = blur(x - np.mean(x, axis=axes, keepdims=True))
        scaled = _divide(centred, blur(variance(axes)(x) + eps))
        return _along(gamma, x) * scaled + _along(beta, x)

    return value


def rescale(axes: int | tuple[int, int]) -> Callable[..., Any]:
    """A root mean square norm along axes: ``gamma .* x/sqrt(mean(x.^2) + eps)``."""

    def value(x: Any, gamma: Any = 1.0, eps: Any = EPS, blur: Blur = leave) -> Any:
        square = blur(np.mean(x * x, axis=axes, keepdims=True) + eps)
        return _along(gamma, x) * _divide(x, square)

    return value


def _divide(x: Any, square: Any) -> Any:
    return x / np.where(square.real < 0, np.nan, np.sqrt(square))


def _along(weight: Any, x: Any) -> Any:
    """A weight that is a number, a column or a row: along x, one entry for each row or column.

    A column x has weights for its rows; any other, for its columns.
    """
    if np.ndim(weight) == 0 or weight.shape[-2] > 1 < weight.shape[-1]:
        return weight
    is_column = weight.shape[-2] > 1
    is_wanted = x.shape[-1] == 1 < x.shape[-2]
    return weight if is_column == is_wanted or weight.size == 1 else np.swapaxes(weight, -2, -1)


def softmax(x: Any, axis: int, blur: Blur = leave) -> Any:
    shifted = blur(np.exp(x - np.max(x.real, axis=axis, keepdims=True)))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


def attention(queries: Any, keys: Any, values: Any, blur: Blur = leave) -> Any:
    """``rowsoftmax(Q*K'/sqrt(d))*V``, where a query has d entries."""
    scores = queries @ np.swapaxes(keys, -2, -1) / np.sqrt(queries.shape[-1])
    return softmax(scores, -1, blur) @ values
