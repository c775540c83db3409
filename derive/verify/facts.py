"""Facts as numbers: arrays that obey them, whether an array does, directions that keep them.

A direction keeps a fact when a small step along it stays inside: symmetric for a symmetric matrix,
``Q*K`` with ``K' = -K`` for an orthogonal one, entries that sum to 0 for a probability vector.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from derive.shapes import Shape
from derive.verify.functions import Array

__all__ = ["STRUCTURES", "TOLERANCE", "impose", "keep", "obeys", "project"]

TOLERANCE: Final = 1e-9
"""Largest error, relative to the largest entry, with which an array still obeys a fact."""

DEFINITE: Final = 1e-12
"""Smallest eigenvalue of a positive definite matrix, relative to the largest entry."""

STRUCTURES: Final = frozenset({"symmetric", "positive_definite", "diagonal", "lower_triangular"})
"""Facts that a gradient shares with its variable."""

SIGNED: Final = frozenset({"positive", "nonnegative"})


def impose(raw: Array, facts: frozenset[str], shape: Shape, rng: np.random.Generator) -> Array:
    """An array that obeys facts, made from generic entries.

    Args:
        raw: Generic entries, of the extent wanted.
        facts: What must hold.
        shape: Of the variable; a vector is one probability, a matrix one a row.
        rng: For what the raw entries do not decide.
    """
    value = raw
    if "orthogonal" in facts:
        return _orthogonal(value, facts, rng)
    if "integer" in facts and "probability" in facts:
        facts = facts | {"onehot"}
    if "onehot" in facts:
        return _one_hot(value, len(shape) == 2, rng)
    if "probability" in facts:
        value = np.abs(value) + 0.2
        return value / value.sum(axis=_probability_axes(shape), keepdims=True)
    if "integer" in facts:
        value = np.round(3 * value)
        value = np.abs(value) + 1.0 if "positive" in facts else value
    if facts & SIGNED:
        value = np.abs(value)
    if "positive_definite" in facts:
        value = _positive_definite(value, facts)
    elif "symmetric" in facts:
        value = np.tril(value) + np.tril(value, -1).T
    if "signs" in facts:
        value = np.where(value >= 0, 1.0, -1.0)
    if "diagonal" in facts or {"symmetric", "lower_triangular"} <= facts:
        value = value * np.eye(len(value))
    return np.tril(value) if "lower_triangular" in facts else value


def _probability_axes(shape: Shape) -> tuple[int, ...]:
    return (-1,) if len(shape) == 2 else (-2, -1)


def _one_hot(raw: Array, by_row: bool, rng: np.random.Generator) -> Array:
    rows = raw if by_row else raw.T
    ones = rng.integers(rows.shape[1], size=len(rows))
    value = np.zeros_like(rows)
    value[np.arange(len(rows)), ones] = 1.0
    return value if by_row else value.T


def _orthogonal(raw: Array, facts: frozenset[str], rng: np.random.Generator) -> Array:
    size = len(raw)
    if "positive_definite" in facts:
        return np.eye(size)
    if facts & {"integer", "onehot", "probability", "nonnegative"}:
        return np.asarray(np.eye(size)[rng.permutation(size)])
    if facts & {"diagonal", "lower_triangular"}:
        return np.diag(np.where(np.diagonal(raw) >= 0, 1.0, -1.0))
    if "symmetric" in facts:
        axis = raw[:, :1] / np.linalg.norm(raw[:, :1])
        return np.asarray(np.eye(size) - 2 * axis @ axis.T)
    return np.asarray(np.linalg.qr(raw)[0])


def _positive_definite(raw: Array, facts: frozenset[str]) -> Array:
    if facts & {"diagonal", "lower_triangular"}:
        return np.diag(np.abs(np.diagonal(raw)) + 0.3)
    value = raw @ raw.T / len(raw) + 0.5 * np.eye(len(raw))
    return np.abs(value) if facts & SIGNED else value


def obeys(value: Array, fact: str, shape: Shape, facts: frozenset[str] = frozenset()) -> bool:
    """Whether an array obeys one fact, up to rounding.

    Args:
        value: Of the extent of ``shape``.
        fact: From :data:`derive.vocabulary.FACTS`.
        shape: Of the quantity; a vector is one probability, a matrix one a row.
        facts: What else holds: the zeros of a diagonal matrix need not be positive.
    """
    matrix = np.atleast_2d(value)
    slack = TOLERANCE * max(1.0, float(np.abs(matrix).max()))
    entries = matrix
    if facts & {"diagonal", "lower_triangular"}:
        entries = matrix[np.eye(*matrix.shape) == 1 if "diagonal" in facts else _lower(matrix)]
    match fact:
        case "symmetric":
            return _vanishes(matrix - matrix.T, slack)
        case "positive_definite":
            is_symmetric = _vanishes(matrix - matrix.T, slack)
            least = DEFINITE * float(np.abs(matrix).max())
            return is_symmetric and bool(np.linalg.eigvalsh(matrix).min() > least)
        case "diagonal":
            return _vanishes(matrix - np.diag(np.diagonal(matrix)), slack)
        case "lower_triangular":
            return _vanishes(np.triu(matrix, 1), slack)
        case "orthogonal":
            return _vanishes(matrix.T @ matrix - np.eye(matrix.shape[1]), slack)
        case "positive":
            return bool(np.all(entries > 0))
        case "nonnegative":
            return bool(np.all(entries >= -slack))
        case "signs":
            return _vanishes(np.abs(entries) - 1, slack)
        case "integer":
            return _vanishes(matrix - np.round(matrix), slack)
    total = matrix.sum(axis=_probability_axes(shape)) - 1
    is_probability = bool(np.all(matrix >= -slack)) and _vanishes(total, slack)
    if fact == "onehot":
        return is_probability and _vanishes(matrix - np.round(matrix), slack)
    return is_probability


def _lower(matrix: Array) -> Array:
    return np.tril(np.ones(matrix.shape, dtype=bool))


def _vanishes(value: Array, slack: float) -> bool:
    return bool(np.all(np.abs(value) <= slack))


def project(direction: Array, facts: frozenset[str]) -> Array:
    """The nearest direction with the structure of a variable.

    Twice projected is once projected: a gradient has the structure when it equals its projection.
    """
    if facts & {"symmetric", "positive_definite"}:
        direction = (direction + direction.T) / 2
    if "diagonal" in facts or {"symmetric", "lower_triangular"} <= facts:
        return direction * np.eye(len(direction))
    return np.tril(direction) if "lower_triangular" in facts else direction


def keep(direction: Array, value: Array, facts: frozenset[str], shape: Shape) -> Array | None:
    """A direction along which an equation stays true: ``Q'*Q = I``, entries that sum to 1.

    Returns:
        The direction, or None when the facts hold no such equation.
    """
    if "orthogonal" in facts:
        half = value.T @ direction
        return np.asarray(value @ (half - half.T) / 2)
    if facts & {"probability", "onehot"}:
        return np.asarray(direction - direction.mean(axis=_probability_axes(shape), keepdims=True))
    return None
