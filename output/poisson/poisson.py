"""poisson: J and its gradient with respect to w.

Forward pass:

    η = X w                                                           (N,)
    μ = exp(η)                                                        (N,)
    J = sum(μ − y ⊙ log μ)                                            ()

Gradients; each has the shape of its variable:

    ∂J/∂w = Xᵀ (μ − y)                                                (d,)

Arguments, by keyword: X (N, d), y (N,) with entries >= 0, w (d,). A vector has one axis, a matrix
two, a scalar none. Their shapes are checked unless CHECK_SHAPES is False.

Checked: 3 steps and 1 gradient, each at 5 random points, seed 0: largest relative error 7e-16
(complex step), 6e-12 (central differences).
Checked: 2 functions, each at 3 random points, seed 0: largest relative error 5e-16 (complex
step).
"""

from typing import NamedTuple

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "X": ("N", "d"),
    "y": ("N",),
    "w": ("d",),
}


class Gradients(NamedTuple):
    """Gradients of J, each in the shape of its variable."""

    w: np.ndarray  # (d,)


def value_and_grad_J(*, X, y, w):
    """J and its gradient; X (N, d), y (N,) with entries >= 0, w (d,)."""
    X, y, w = _arguments(X=X, y=y, w=w)

    eta = X @ w               # (N,)
    mu = np.exp(eta)          # (N,)
    J = np.sum(mu - eta * y)  # ()

    eta_bar = mu - y          # (N,)
    w_bar = eta_bar @ X       # (d,)
    return J, Gradients(w=w_bar)


def grad_J_w(*, X, y, w):
    """Gradient of J with respect to w, (d,)."""
    X, y, w = _arguments(X=X, y=y, w=w)

    eta = X @ w          # (N,)
    mu = np.exp(eta)     # (N,)

    eta_bar = mu - y     # (N,)
    w_bar = eta_bar @ X  # (d,)
    return w_bar


def _arguments(**given):
    """The arguments as floating-point numbers of one precision, their shapes checked."""
    arrays = {name: np.asarray(value) for name, value in given.items()}
    if CHECK_SHAPES:
        _check_shapes(arrays)
    dtype = _dtype(arrays.values())
    return [array.astype(dtype, copy=False)[()] for array in arrays.values()]


def _dtype(arrays):
    """The precision of the arrays that are floating-point already; numbers adapt to arrays."""
    floating = [array for array in arrays if np.issubdtype(array.dtype, np.floating)]
    deciding = [array for array in floating if array.ndim] or floating
    return np.result_type(*(array.dtype for array in deciding)) if deciding else float


def _check_shapes(arrays):
    """Raise ValueError for an argument of another shape than SHAPES says."""
    sizes, sources = {}, {}
    for name, array in arrays.items():
        expected, got = SHAPES[name], array.shape
        if len(got) == len(expected):
            for dim, size in zip(expected, got):
                if isinstance(dim, str) and dim not in sizes:
                    sizes[dim], sources[dim] = size, name
        if len(got) != len(expected) or any(sizes.get(d, d) != s for d, s in zip(expected, got)):
            shape = f"({', '.join(map(str, expected))}{',' * (len(expected) == 1)})"
            known = {d: sizes[d] for d in expected if sources.get(d, name) != name}
            words = [f"{d} = {size} from {sources[d]}" for d, size in known.items()]
            bound = f" with {', '.join(words)}" if words else ""
            raise ValueError(f"{name}: expected {shape}{bound}, got {got}")
