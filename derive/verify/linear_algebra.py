"""Functions of whole matrices as the judge computes them: analytic, and over batch axes.

A matrix is ``(..., rows, columns)``. NumPy's own decompositions conjugate, and its pseudo-inverse
knows real matrices alone; what is here is made of products and solutions of equations, so that a
complex step passes through. Outside the domain the value is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from derive.errors import InputError

__all__ = [
    "Misfit",
    "cholesky",
    "closeness",
    "commutation",
    "expm",
    "expm_frechet",
    "inverse",
    "join",
    "kronecker",
    "logdet",
    "pinv",
    "solve",
    "transpose",
    "unvec",
    "vec",
]


class Misfit(InputError):
    """Matrices in an expression have shapes that do not fit each other."""


PADE: Final = tuple(
    float(math.factorial(26 - k) * math.comb(13, k) // math.factorial(13)) for k in range(14)
)
"""Coefficients of the numerator of the diagonal approximation of order 13 to exp, times a constant.

[Higham 2005] The scaling and squaring method for the matrix exponential revisited, (2.2)."""

PADE_RADIUS: Final = 5.37
"""Up to this norm the approximation is exact in double precision; [Higham 2005], table 2.3."""


def transpose(x: Any) -> Any:
    return np.swapaxes(x, -2, -1)


def closeness(x: Any) -> Any:
    """How far a matrix is from one of lower rank: 1 over its condition number."""
    with np.errstate(all="ignore"):
        return 1 / np.linalg.cond(x.real) if np.all(np.isfinite(x)) else np.nan


def inverse(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)


def solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.full_like(a @ b, np.nan)


def logdet(x: Any) -> Any:
    sign, log_size = np.linalg.slogdet(x)
    return log_size + np.where(sign.real < 0, np.nan, np.log(sign))


def pinv(x: Any) -> Any:
    """The pseudo-inverse of a matrix of full rank.

    Of a real one by its singular values. A complex one by ``(x'x)^-1 x'`` or ``x'(xx')^-1``, which
    are analytic, and one step of Newton's iteration, which takes away the rounding that the squared
    condition number brings.
    """
    if not np.iscomplexobj(x):
        try:
            return np.linalg.pinv(x)
        except np.linalg.LinAlgError:
            return np.full_like(transpose(x), np.nan)
    turned = transpose(x)
    is_tall = x.shape[-2] >= x.shape[-1]
    found = inverse(turned @ x) @ turned if is_tall else turned @ inverse(x @ turned)
    return 2 * found - found @ x @ found


def cholesky(x: Any) -> Any:
    """The lower triangular L with ``L L'`` the symmetric part of x, column by column.

    It is a function of the symmetric part, so that its derivative along a direction that is not
    symmetric is the one along the symmetric part of the direction.
    """
    rest = (x + transpose(x)) / 2
    factor = np.zeros_like(rest)
    is_definite = np.ones(rest.shape[:-2], dtype=bool)
    for k in range(rest.shape[-1]):
        done = factor[..., k:, :k] @ factor[..., k, :k, None]
        column = rest[..., k:, k] - done[..., 0]
        pivot = column[..., :1]
        is_definite &= pivot[..., 0].real > 0
        factor[..., k:, k] = column / np.sqrt(pivot)
    return np.where(is_definite[..., None, None], factor, np.nan)


def expm(x: Any) -> Any:
    """The exponential, by scaling, a rational approximation and squaring."""
    size = np.max(np.sum(np.abs(x.real), axis=-2), initial=0.0)
    if not np.isfinite(size):
        return np.full_like(x, np.nan)
    squarings = max(0, math.ceil(math.log2(size / PADE_RADIUS))) if size > 0 else 0
    x = x / 2.0**squarings
    square = x @ x
    term = np.broadcast_to(np.eye(x.shape[-1]), x.shape)
    even, odd = PADE[0] * term, PADE[1] * term
    for k in range(2, len(PADE), 2):
        term = term @ square
        even, odd = even + PADE[k] * term, odd + PADE[k + 1] * term
    odd = x @ odd
    value = solve(even - odd, even + odd)
    for _ in range(squarings):
        value = value @ value
    return value


def expm_frechet(a: Any, direction: Any) -> Any:
    """The derivative of the exponential at ``a``: a block of the exponential of a block matrix."""
    above = join(-1)(a, direction)
    below = join(-1)(np.zeros_like(a), a)
    size = a.shape[-1]
    return expm(join(-2)(above, below))[..., :size, size:]


def kronecker(left: Any, right: Any) -> Any:
    blocks = left[..., :, None, :, None] * right[..., None, :, None, :]
    rows, columns = left.shape[-2] * right.shape[-2], left.shape[-1] * right.shape[-1]
    return blocks.reshape(*blocks.shape[:-4], rows, columns)


def vec(x: Any) -> Any:
    """The columns, one below the other."""
    return transpose(x).reshape(*x.shape[:-2], -1, 1)


def commutation(rows: Any, columns: Any) -> Any:
    """The matrix K with ``K vec(X) = vec(X')`` for X of this extent."""
    m, n = (round(float(np.ravel(size.real)[0])) for size in (rows, columns))
    places = np.arange(m * n).reshape(n, m).T.ravel()
    batch = np.broadcast_shapes(np.shape(rows)[:-2], np.shape(columns)[:-2])
    return np.broadcast_to(np.eye(m * n)[places], (*batch, m * n, m * n))


def unvec(v: Any, rows: Any, columns: Any) -> Any:
    """The matrix of so many rows and columns whose ``vec`` is v."""
    height, width = (round(float(np.ravel(size.real)[0])) for size in (rows, columns))
    if v.shape[-2] * v.shape[-1] != height * width:
        raise Misfit(f"{v.shape[-2]} entries do not make a {height} x {width} matrix")
    return transpose(v.reshape(*v.shape[:-2], width, height))


def join(axis: int) -> Callable[..., Any]:
    """The function that puts matrices side by side (axis -1), or one below the other (-2)."""

    def value(*parts: Any) -> Any:
        batch = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
        spread = [np.broadcast_to(part, (*batch, *part.shape[-2:])) for part in parts]
        return np.concatenate(spread, axis=axis)

    return value
