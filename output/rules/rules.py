"""rules: derivatives.

Forward pass:

    plus = w + x                                                      (n,)
    minus = w − x                                                     (n,)
    times = w ⊙ x                                                     (n,)
    over = w ⊘ x                                                      (n,)
    larger = max(w, x)                                                (n,)
    above = 1[w > x]                                                  (n,)
    shifted = x + z                                                   (n,)
    scaled = z x                                                      (n,)
    total = 1ᵀ x                                                      ()
    total_scaled = sum(z x)                                           ()
    total_exp = sum(exp(x))                                           ()
    r = t²                                                            ()
    f = sin(r)                                                        ()
    g1 = t²                                                           ()
    g2 = g1 + t                                                       ()
    g = sin(g2)                                                       ()
    s = A x                                                           (m,)
    h = tanh(s)                                                       (m,)
    q = b + wᵀ x                                                      ()
    a = max(0, q)                                                     ()

Derivatives; in Jacobians and Hessians a matrix counts by its vec:

    ∂plus/∂w = I                                                      (n, n)
    ∂plus/∂x = I                                                      (n, n)

    ∂minus/∂w = I                                                     (n, n)
    ∂minus/∂x = −I                                                    (n, n)

    ∂times/∂w = diag(x)                                               (n, n)
    ∂times/∂x = diag(w)                                               (n, n)

    ∂over/∂w = diag(1 ⊘ x)                                            (n, n)
    ∂over/∂x = −diag(w ⊘ x²)                                          (n, n)

    ∂larger/∂w = diag(heaviside(w − x))                               (n, n)
    ∂larger/∂x = diag(heaviside(x − w))                               (n, n)

    ∂above/∂w = 0                                                     (n, n)
    ∂above/∂x = 0                                                     (n, n)

    ∂shifted/∂x = I                                                   (n, n)
    ∂shifted/∂z = ones(n)                                             (n,)

    ∂scaled/∂x = z I                                                  (n, n)
    ∂scaled/∂z = x                                                    (n,)

    ∂total/∂x = ones(n)                                               (n,)

    ∂total_scaled/∂x = z ones(n)                                      (n,)
    ∂total_scaled/∂z = 1ᵀ x                                           ()

    ∂total_exp/∂x = exp(x)                                            (n,)

    ∂f/∂t = 2 t cos(r)                                                ()

where v̄ is the gradient with respect to v:

    ∂f/∂r = cos(r)                                                    ()

    ∂g/∂t = (1 + 2 t) cos(g2)                                         ()

where v̄ is the gradient with respect to v:

    ∂g/∂g2 = cos(g2)                                                  ()
    ∂g/∂g1 = cos(g2)                                                  ()

    ∂h/∂x = diag(1 − h²) A                                            (m, n)

where v̄ is the gradient with respect to v:

    ∂h/∂s = diag(1 − h²)                                              (m,)

    ∂a/∂w = 1[q > 0] x                                                (n,)
    ∂a/∂x = 1[q > 0] w                                                (n,)
    ∂a/∂b = 1[q > 0]                                                  ()

where v̄ is the gradient with respect to v:

    ∂a/∂q = 1[q > 0]                                                  ()

Arguments, by keyword: w (n,), x (n,), z (), t (), A (m, n), b (). A vector has one axis, a matrix
two, a scalar none. Their shapes are checked unless CHECK_SHAPES is False. What a function does
not need it accepts and leaves alone.

Checked: 31 steps and 26 Jacobians, each at 5 random points, seed 0: largest relative error 2e-15
(complex step), 9e-12 (central differences, through gt, max, relu).
Checked: 78 functions, each at 3 random points, seed 0: largest relative error 1e-15 (complex
step).
"""

from dataclasses import dataclass

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "w": ("n",),
    "x": ("n",),
    "z": (),
    "t": (),
    "A": ("m", "n"),
    "b": (),
}


class _Structure:
    """A matrix that is kept in factors: ``@``, ``T``, ``shape``, ``dense()``."""

    def linear_operator(self):
        """The matrix as a scipy.sparse.linalg.LinearOperator."""
        from scipy.sparse.linalg import LinearOperator

        other = self.T
        return LinearOperator(
            self.shape,
            matvec=lambda v: self @ v,
            rmatvec=lambda v: other @ v,
            matmat=lambda v: self @ v,
            rmatmat=lambda v: other @ v,
            dtype=_array(self).dtype,
        )


def _dense(matrix):
    """A factor as an array."""
    return matrix.dense() if isinstance(matrix, _Structure) else matrix


def _array(matrix):
    """An array among the factors."""
    while isinstance(matrix, _Structure):
        matrix = matrix.first
    return matrix


@dataclass(frozen=True, eq=False)
class LowRank(_Structure):
    """left diag(weights) right': its rank is at most the number of weights."""

    left: np.ndarray | _Structure
    weights: np.ndarray
    right: np.ndarray | _Structure

    @property
    def first(self):
        return self.weights

    @property
    def shape(self):
        return (self.left.shape[0], self.right.shape[0])

    @property
    def T(self):
        return LowRank(self.right, self.weights, self.left)

    def __matmul__(self, v):
        return self.left @ (self.weights * (self.right.T @ v).T).T

    def dense(self):
        return (_dense(self.left) * self.weights) @ _dense(self.right).T


@dataclass(frozen=True, eq=False)
class Dense(_Structure):
    """A matrix in which no structure was found."""

    matrix: np.ndarray

    @property
    def first(self):
        return self.matrix

    @property
    def shape(self):
        return self.matrix.shape

    @property
    def T(self):
        return Dense(self.matrix.T)

    def __matmul__(self, v):
        return self.matrix @ v

    def dense(self):
        return self.matrix


def jacobian_plus_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of plus with respect to w, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    J = np.eye(n, dtype=w.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_plus_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of plus with respect to w, times v, (n,)."""
    (v,) = _arguments({"v": ("n",)}, v=v)
    return v.copy()


def vjp_plus_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of plus with respect to w, transposed, times u, (n,)."""
    (u,) = _arguments({"u": ("n",)}, u=u)
    return u.copy()


def jacobian_plus_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of plus with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    J = np.eye(n, dtype=w.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_plus_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of plus with respect to x, times v, (n,)."""
    (v,) = _arguments({"v": ("n",)}, v=v)
    return v.copy()


def vjp_plus_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of plus with respect to x, transposed, times u, (n,)."""
    (u,) = _arguments({"u": ("n",)}, u=u)
    return u.copy()


def jacobian_minus_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of minus with respect to w, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    J = np.eye(n, dtype=w.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_minus_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of minus with respect to w, times v, (n,)."""
    (v,) = _arguments({"v": ("n",)}, v=v)
    return v.copy()


def vjp_minus_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of minus with respect to w, transposed, times u, (n,)."""
    (u,) = _arguments({"u": ("n",)}, u=u)
    return u.copy()


def jacobian_minus_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of minus with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    J = -np.eye(n, dtype=w.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_minus_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of minus with respect to x, times v, (n,)."""
    (v,) = _arguments({"v": ("n",)}, v=v)

    minus_dot = -v  # (n,)
    return minus_dot


def vjp_minus_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of minus with respect to x, transposed, times u, (n,)."""
    (u,) = _arguments({"u": ("n",)}, u=u)

    product_bar = -u  # (n,)
    return product_bar


def jacobian_times_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of times with respect to w, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (x,) = _arguments(x=x)

    J = np.diag(x)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_times_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of times with respect to w, times v, (n,)."""
    x, v = _arguments({"v": ("n",)}, x=x, v=v)

    times_dot = v * x  # (n,)
    return times_dot


def vjp_times_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of times with respect to w, transposed, times u, (n,)."""
    x, u = _arguments({"u": ("n",)}, x=x, u=u)

    product_bar = u * x  # (n,)
    return product_bar


def jacobian_times_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of times with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)

    J = np.diag(w)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_times_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of times with respect to x, times v, (n,)."""
    w, v = _arguments({"v": ("n",)}, w=w, v=v)

    times_dot = v * w  # (n,)
    return times_dot


def vjp_times_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of times with respect to x, transposed, times u, (n,)."""
    w, u = _arguments({"u": ("n",)}, w=w, u=u)

    product_bar = u * w  # (n,)
    return product_bar


def jacobian_over_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of over with respect to w, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (x,) = _arguments(x=x)

    J = np.diag(1.0 / x)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_over_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of over with respect to w, times v, (n,)."""
    x, v = _arguments({"v": ("n",)}, x=x, v=v)

    over_dot = v / x  # (n,)
    return over_dot


def vjp_over_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of over with respect to w, transposed, times u, (n,)."""
    x, u = _arguments({"u": ("n",)}, x=x, u=u)

    product_bar = u / x  # (n,)
    return product_bar


def jacobian_over_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of over with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    w, x = _arguments(w=w, x=x)

    J = np.diag(-w / x**2)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_over_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of over with respect to x, times v, (n,)."""
    w, x, v = _arguments({"v": ("n",)}, w=w, x=x, v=v)

    over_dot = -v * w / x**2  # (n,)
    return over_dot


def vjp_over_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of over with respect to x, transposed, times u, (n,)."""
    w, x, u = _arguments({"u": ("n",)}, w=w, x=x, u=u)

    product_bar = -u * w / x**2  # (n,)
    return product_bar


def jacobian_larger_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of larger with respect to w, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    w, x = _arguments(w=w, x=x)

    J = np.diag(np.heaviside(w - x, 0.5))  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_larger_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of larger with respect to w, times v, (n,)."""
    w, x, v = _arguments({"v": ("n",)}, w=w, x=x, v=v)

    larger_dot = v * np.heaviside(w - x, 0.5)  # (n,)
    return larger_dot


def vjp_larger_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of larger with respect to w, transposed, times u, (n,)."""
    w, x, u = _arguments({"u": ("n",)}, w=w, x=x, u=u)

    product_bar = u * np.heaviside(w - x, 0.5)  # (n,)
    return product_bar


def jacobian_larger_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of larger with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    w, x = _arguments(w=w, x=x)

    J = np.diag(np.heaviside(x - w, 0.5))  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_larger_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of larger with respect to x, times v, (n,)."""
    w, x, v = _arguments({"v": ("n",)}, w=w, x=x, v=v)

    larger_dot = v * np.heaviside(x - w, 0.5)  # (n,)
    return larger_dot


def vjp_larger_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of larger with respect to x, transposed, times u, (n,)."""
    w, x, u = _arguments({"u": ("n",)}, w=w, x=x, u=u)

    product_bar = u * np.heaviside(x - w, 0.5)  # (n,)
    return product_bar


def jacobian_above_w(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of above with respect to w, (n, n).

    With ``structure=True``, its factors, as ``LowRank``: an object with ``@``, ``T``, ``dense()``
    and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    if structure:
        return LowRank(
            np.ones(n, dtype=w.dtype)[:, None],
            np.zeros(1, dtype=w.dtype),
            np.ones(n, dtype=w.dtype)[:, None],
        )

    J = np.zeros((n, n), dtype=w.dtype)  # (n, n)
    return J


def jvp_above_w(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of above with respect to w, times v, (n,)."""
    w, v = _arguments({"v": ("n",)}, w=w, v=v)
    n = w.shape[0]

    product_bar = np.zeros(n, dtype=w.dtype)  # (n,)
    return product_bar


def vjp_above_w(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of above with respect to w, transposed, times u, (n,)."""
    w, u = _arguments({"u": ("n",)}, w=w, u=u)
    n = w.shape[0]

    product_bar = np.zeros(n, dtype=w.dtype)  # (n,)
    return product_bar


def jacobian_above_x(*, w, x, z=None, t=None, A=None, b=None, structure=False):
    """Jacobian of above with respect to x, (n, n).

    With ``structure=True``, its factors, as ``LowRank``: an object with ``@``, ``T``, ``dense()``
    and ``linear_operator()``.
    """
    (w,) = _arguments(w=w)
    n = w.shape[0]

    if structure:
        return LowRank(
            np.ones(n, dtype=w.dtype)[:, None],
            np.zeros(1, dtype=w.dtype),
            np.ones(n, dtype=w.dtype)[:, None],
        )

    J = np.zeros((n, n), dtype=w.dtype)  # (n, n)
    return J


def jvp_above_x(*, w, x, v, z=None, t=None, A=None, b=None):
    """Jacobian of above with respect to x, times v, (n,)."""
    w, v = _arguments({"v": ("n",)}, w=w, v=v)
    n = w.shape[0]

    product_bar = np.zeros(n, dtype=w.dtype)  # (n,)
    return product_bar


def vjp_above_x(*, w, x, u, z=None, t=None, A=None, b=None):
    """Jacobian of above with respect to x, transposed, times u, (n,)."""
    w, u = _arguments({"u": ("n",)}, w=w, u=u)
    n = w.shape[0]

    product_bar = np.zeros(n, dtype=w.dtype)  # (n,)
    return product_bar


def jacobian_shifted_x(*, x, z, w=None, t=None, A=None, b=None, structure=False):
    """Jacobian of shifted with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    (x,) = _arguments(x=x)
    n = x.shape[0]

    J = np.eye(n, dtype=x.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_shifted_x(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of shifted with respect to x, times v, (n,)."""
    (v,) = _arguments({"v": ("n",)}, v=v)
    return v.copy()


def vjp_shifted_x(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of shifted with respect to x, transposed, times u, (n,)."""
    (u,) = _arguments({"u": ("n",)}, u=u)
    return u.copy()


def jacobian_shifted_z(*, x, z, w=None, t=None, A=None, b=None):
    """Jacobian of shifted with respect to z, (n,)."""
    (x,) = _arguments(x=x)
    n = x.shape[0]

    J = np.ones(n, dtype=x.dtype)  # (n,)
    return J


def jvp_shifted_z(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of shifted with respect to z, times v, (n,)."""
    x, v = _arguments({"v": ()}, x=x, v=v)
    n = x.shape[0]
    return np.full(n, v).copy()


def vjp_shifted_z(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of shifted with respect to z, transposed, times u, ()."""
    (u,) = _arguments({"u": ("n",)}, u=u)

    product_bar = u.sum()  # ()
    return product_bar


def jacobian_scaled_x(*, x, z, w=None, t=None, A=None, b=None, structure=False):
    """Jacobian of scaled with respect to x, (n, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    x, z = _arguments(x=x, z=z)
    n = x.shape[0]

    J = z * np.eye(n, dtype=x.dtype)  # (n, n)
    if structure:
        return Dense(J)
    return J


def jvp_scaled_x(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of scaled with respect to x, times v, (n,)."""
    z, v = _arguments({"v": ("n",)}, z=z, v=v)

    scaled_dot = z * v  # (n,)
    return scaled_dot


def vjp_scaled_x(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of scaled with respect to x, transposed, times u, (n,)."""
    z, u = _arguments({"u": ("n",)}, z=z, u=u)

    product_bar = z * u  # (n,)
    return product_bar


def jacobian_scaled_z(*, x, z, w=None, t=None, A=None, b=None):
    """Jacobian of scaled with respect to z, (n,)."""
    (x,) = _arguments(x=x)
    return x.copy()


def jvp_scaled_z(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of scaled with respect to z, times v, (n,)."""
    x, v = _arguments({"v": ()}, x=x, v=v)

    scaled_dot = v * x  # (n,)
    return scaled_dot


def vjp_scaled_z(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of scaled with respect to z, transposed, times u, ()."""
    x, u = _arguments({"u": ("n",)}, x=x, u=u)

    product_bar = u @ x  # ()
    return product_bar


def jacobian_total_x(*, x, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total with respect to x, (n,)."""
    (x,) = _arguments(x=x)
    n = x.shape[0]

    J = np.ones(n, dtype=x.dtype)  # (n,)
    return J


def jvp_total_x(*, x, v, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total with respect to x, times v, ()."""
    (v,) = _arguments({"v": ("n",)}, v=v)

    total_dot = v.sum()  # ()
    return total_dot


def vjp_total_x(*, x, u, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total with respect to x, transposed, times u, (n,)."""
    x, u = _arguments({"u": ()}, x=x, u=u)
    n = x.shape[0]
    return np.full(n, u).copy()


def jacobian_total_scaled_x(*, x, z, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to x, (n,)."""
    x, z = _arguments(x=x, z=z)
    n = x.shape[0]
    return np.full(n, z).copy()


def jvp_total_scaled_x(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to x, times v, ()."""
    z, v = _arguments({"v": ("n",)}, z=z, v=v)

    total_scaled_dot = z * v.sum()  # ()
    return total_scaled_dot


def vjp_total_scaled_x(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to x, transposed, times u, (n,)."""
    x, z, u = _arguments({"u": ()}, x=x, z=z, u=u)
    n = x.shape[0]

    product_bar = np.full(n, 1.0 * u * z)  # (n,)
    return product_bar


def jacobian_total_scaled_z(*, x, z, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to z, ()."""
    (x,) = _arguments(x=x)

    J = x.sum()  # ()
    return J


def jvp_total_scaled_z(*, x, z, v, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to z, times v, ()."""
    x, v = _arguments({"v": ()}, x=x, v=v)

    total_scaled_dot = v * x.sum()  # ()
    return total_scaled_dot


def vjp_total_scaled_z(*, x, z, u, w=None, t=None, A=None, b=None):
    """Jacobian of total_scaled with respect to z, transposed, times u, ()."""
    x, u = _arguments({"u": ()}, x=x, u=u)

    product_bar = u * x.sum()  # ()
    return product_bar


def jacobian_total_exp_x(*, x, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total_exp with respect to x, (n,)."""
    (x,) = _arguments(x=x)

    J = np.exp(x)  # (n,)
    return J


def jvp_total_exp_x(*, x, v, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total_exp with respect to x, times v, ()."""
    x, v = _arguments({"v": ("n",)}, x=x, v=v)

    total_exp_dot = v @ np.exp(x)  # ()
    return total_exp_dot


def vjp_total_exp_x(*, x, u, w=None, z=None, t=None, A=None, b=None):
    """Jacobian of total_exp with respect to x, transposed, times u, (n,)."""
    x, u = _arguments({"u": ()}, x=x, u=u)

    product_bar = u * np.exp(x)  # (n,)
    return product_bar


def jacobian_f_t(*, t, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of f with respect to t, ()."""
    (t,) = _arguments(t=t)

    r = t**2                 # ()

    J = 2.0 * t * np.cos(r)  # ()
    return J


def jvp_f_t(*, t, v, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of f with respect to t, times v, ()."""
    t, v = _arguments({"v": ()}, t=t, v=v)

    r = t**2                   # ()

    r_dot = 2.0 * t * v        # ()
    f_dot = r_dot * np.cos(r)  # ()
    return f_dot


def vjp_f_t(*, t, u, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of f with respect to t, transposed, times u, ()."""
    t, u = _arguments({"u": ()}, t=t, u=u)

    r = t**2                               # ()

    product_bar = 2.0 * t * u * np.cos(r)  # ()
    return product_bar


def jacobian_g_t(*, t, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of g with respect to t, ()."""
    (t,) = _arguments(t=t)

    g1 = t**2                         # ()
    g2 = g1 + t                       # ()

    J = (1.0 + 2.0 * t) * np.cos(g2)  # ()
    return J


def jvp_g_t(*, t, v, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of g with respect to t, times v, ()."""
    t, v = _arguments({"v": ()}, t=t, v=v)

    g1 = t**2                    # ()
    g2 = g1 + t                  # ()

    g1_dot = 2.0 * t * v         # ()
    g2_dot = g1_dot + v          # ()
    g_dot = g2_dot * np.cos(g2)  # ()
    return g_dot


def vjp_g_t(*, t, u, w=None, x=None, z=None, A=None, b=None):
    """Jacobian of g with respect to t, transposed, times u, ()."""
    t, u = _arguments({"u": ()}, t=t, u=u)

    g1 = t**2                                        # ()
    g2 = g1 + t                                      # ()

    cos_g2 = np.cos(g2)                              # ()
    product_bar = 2.0 * t * u * cos_g2 + u * cos_g2  # ()
    return product_bar


def jacobian_h_x(*, x, A, w=None, z=None, t=None, b=None, structure=False):
    """Jacobian of h with respect to x, (m, n).

    With ``structure=True``, a ``Dense``, since no structure was found: an object with ``@``,
    ``T``, ``dense()`` and ``linear_operator()``.
    """
    x, A = _arguments(x=x, A=A)

    s = A @ x                       # (m,)

    J = A * _sech(s)[:, None] ** 2  # (m, n)
    if structure:
        return Dense(J)
    return J


def jvp_h_x(*, x, A, v, w=None, z=None, t=None, b=None):
    """Jacobian of h with respect to x, times v, (m,)."""
    x, A, v = _arguments({"v": ("n",)}, x=x, A=A, v=v)

    s = A @ x                      # (m,)

    s_dot = A @ v                  # (m,)
    h_dot = s_dot * _sech(s) ** 2  # (m,)
    return h_dot


def vjp_h_x(*, x, A, u, w=None, z=None, t=None, b=None):
    """Jacobian of h with respect to x, transposed, times u, (n,)."""
    x, A, u = _arguments({"u": ("m",)}, x=x, A=A, u=u)

    s = A @ x                              # (m,)

    product_bar = (u * _sech(s) ** 2) @ A  # (n,)
    return product_bar


def jacobian_a_w(*, w, x, b, z=None, t=None, A=None):
    """Jacobian of a with respect to w, (n,)."""
    w, x, b = _arguments(w=w, x=x, b=b)

    q = w @ x + b      # ()

    J = x * (q > 0.0)  # (n,)
    return J


def jvp_a_w(*, w, x, b, v, z=None, t=None, A=None):
    """Jacobian of a with respect to w, times v, ()."""
    w, x, b, v = _arguments({"v": ("n",)}, w=w, x=x, b=b, v=v)

    q = w @ x + b              # ()

    q_dot = v @ x              # ()
    a_dot = q_dot * (q > 0.0)  # ()
    return a_dot


def vjp_a_w(*, w, x, b, u, z=None, t=None, A=None):
    """Jacobian of a with respect to w, transposed, times u, (n,)."""
    w, x, b, u = _arguments({"u": ()}, w=w, x=x, b=b, u=u)

    q = w @ x + b                    # ()

    product_bar = u * x * (q > 0.0)  # (n,)
    return product_bar


def jacobian_a_x(*, w, x, b, z=None, t=None, A=None):
    """Jacobian of a with respect to x, (n,)."""
    w, x, b = _arguments(w=w, x=x, b=b)

    q = w @ x + b      # ()

    J = w * (q > 0.0)  # (n,)
    return J


def jvp_a_x(*, w, x, b, v, z=None, t=None, A=None):
    """Jacobian of a with respect to x, times v, ()."""
    w, x, b, v = _arguments({"v": ("n",)}, w=w, x=x, b=b, v=v)

    q = w @ x + b              # ()

    q_dot = v @ w              # ()
    a_dot = q_dot * (q > 0.0)  # ()
    return a_dot


def vjp_a_x(*, w, x, b, u, z=None, t=None, A=None):
    """Jacobian of a with respect to x, transposed, times u, (n,)."""
    w, x, b, u = _arguments({"u": ()}, w=w, x=x, b=b, u=u)

    q = w @ x + b                    # ()

    product_bar = u * w * (q > 0.0)  # (n,)
    return product_bar


def jacobian_a_b(*, w, x, b, z=None, t=None, A=None):
    """Jacobian of a with respect to b, ()."""
    w, x, b = _arguments(w=w, x=x, b=b)

    q = w @ x + b                  # ()

    J = (q > 0.0).astype(q.dtype)  # ()
    return J


def jvp_a_b(*, w, x, b, v, z=None, t=None, A=None):
    """Jacobian of a with respect to b, times v, ()."""
    w, x, b, v = _arguments({"v": ()}, w=w, x=x, b=b, v=v)

    q = w @ x + b          # ()

    a_dot = v * (q > 0.0)  # ()
    return a_dot


def vjp_a_b(*, w, x, b, u, z=None, t=None, A=None):
    """Jacobian of a with respect to b, transposed, times u, ()."""
    w, x, b, u = _arguments({"u": ()}, w=w, x=x, b=b, u=u)

    q = w @ x + b          # ()

    q_bar = u * (q > 0.0)  # ()
    return q_bar


def _arguments(own=None, /, **given):
    """The arguments as floating-point numbers of one precision, their shapes checked."""
    arrays = {name: np.asarray(value) for name, value in given.items()}
    if CHECK_SHAPES:
        _check_shapes(arrays, SHAPES | (own or {}))
    dtype = _dtype(arrays.values())
    return [array.astype(dtype, copy=False)[()] for array in arrays.values()]


def _dtype(arrays):
    """The precision of the arrays that are floating-point already; numbers adapt to arrays."""
    floating = [array for array in arrays if np.issubdtype(array.dtype, np.floating)]
    deciding = [array for array in floating if array.ndim] or floating
    return np.result_type(*(array.dtype for array in deciding)) if deciding else float


def _check_shapes(arrays, shapes):
    """Raise ValueError for an argument of another shape than is asked for."""
    sizes, sources = {}, {}
    for name, array in arrays.items():
        expected, got = shapes[name], array.shape
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


def _sech(x):
    """1 / cosh(x), without overflow."""
    e = np.exp(-np.abs(x))
    return 2.0 * e / (1.0 + e * e)
