"""rmsnorm: J and its gradients with respect to gamma, z and W.

Forward pass:

    z = W x                                                           (n,)
    r = √(‖z‖² / n + 10⁻⁵)                                            ()
    x̂ = rmsnorm(z)                                                   (n,)
    h = γ ⊙ x̂                                                        (n,)
    J = ‖h − y‖² / 2                                                  ()

Gradients; each has the shape of its variable:

    ∂J/∂γ = x̂ ⊙ (h − y)                                              (n,)
    ∂J/∂z = z̄                                                         (n,)
    ∂J/∂W = z̄ xᵀ                                                      (n, d)

where v̄ is the gradient with respect to v:

    x̂̄ = γ ⊙ (h − y)                                                  (n,)
    z̄ = (x̂̄ − (x̂ᵀ x̂̄) x̂ / n) / r                                    (n,)

Arguments, by keyword: x (d,), y (n,), W (n, d), gamma (n,). A vector has one axis, a matrix two,
a scalar none. Their shapes are checked unless CHECK_SHAPES is False.

Checked: 5 steps and 3 gradients, each at 5 random points, seed 0: largest relative error 2e-11
(complex step), 2e-11 (central differences).
Checked: 4 functions, each at 3 random points, seed 0: largest relative error 9e-13 (complex
step).
"""

from typing import NamedTuple

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "x": ("d",),
    "y": ("n",),
    "W": ("n", "d"),
    "gamma": ("n",),
}


class Gradients(NamedTuple):
    """Gradients of J, each in the shape of its variable."""

    gamma: np.ndarray  # (n,)
    z: np.ndarray      # (n,)
    W: np.ndarray      # (n, d)


def value_and_grad_J(*, x, y, W, gamma):
    """J and its gradients; x (d,), y (n,), W (n, d), gamma (n,)."""
    x, y, W, gamma = _arguments(x=x, y=y, W=W, gamma=gamma)
    n = y.shape[0]

    z = W @ x                                                  # (n,)
    r = np.sqrt(1e-05 + (z @ z) / n)                           # ()
    x_hat = z / r                                              # (n,)
    h = gamma * x_hat                                          # (n,)
    h_bar = h - y                                              # (n,)
    J = 0.5 * (h_bar @ h_bar)                                  # ()

    gamma_bar = h_bar * x_hat                                  # (n,)
    x_hat_bar = gamma * h_bar                                  # (n,)
    z_bar = (x_hat_bar - (x_hat @ x_hat_bar) * x_hat / n) / r  # (n,)
    W_bar = np.outer(z_bar, x)                                 # (n, d)
    return J, Gradients(gamma=gamma_bar, z=z_bar, W=W_bar)


def grad_J_gamma(*, x, y, W, gamma):
    """Gradient of J with respect to gamma, (n,)."""
    x, y, W, gamma = _arguments(x=x, y=y, W=W, gamma=gamma)
    n = y.shape[0]

    z = W @ x                                 # (n,)
    x_hat = z / np.sqrt(1e-05 + (z @ z) / n)  # (n,)
    h = gamma * x_hat                         # (n,)

    h_bar = h - y                             # (n,)
    gamma_bar = h_bar * x_hat                 # (n,)
    return gamma_bar


def grad_J_z(*, x, y, W, gamma):
    """Gradient of J with respect to z, (n,)."""
    x, y, W, gamma = _arguments(x=x, y=y, W=W, gamma=gamma)
    n = y.shape[0]

    z = W @ x                                                  # (n,)
    r = np.sqrt(1e-05 + (z @ z) / n)                           # ()
    x_hat = z / r                                              # (n,)
    h = gamma * x_hat                                          # (n,)

    h_bar = h - y                                              # (n,)
    x_hat_bar = gamma * h_bar                                  # (n,)
    z_bar = (x_hat_bar - (x_hat @ x_hat_bar) * x_hat / n) / r  # (n,)
    return z_bar


def grad_J_W(*, x, y, W, gamma):
    """Gradient of J with respect to W, (n, d)."""
    x, y, W, gamma = _arguments(x=x, y=y, W=W, gamma=gamma)
    n = y.shape[0]

    z = W @ x                                                  # (n,)
    r = np.sqrt(1e-05 + (z @ z) / n)                           # ()
    x_hat = z / r                                              # (n,)
    h = gamma * x_hat                                          # (n,)

    h_bar = h - y                                              # (n,)
    x_hat_bar = gamma * h_bar                                  # (n,)
    z_bar = (x_hat_bar - (x_hat @ x_hat_bar) * x_hat / n) / r  # (n,)
    W_bar = np.outer(z_bar, x)                                 # (n, d)
    return W_bar


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
