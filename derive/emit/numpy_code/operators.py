"""The classes in which generated modules keep the factors of a Jacobian or Hessian.

Each is a frozen dataclass that stands for a matrix: ``@`` times a vector or a matrix, ``T``,
``shape``, ``dense()``, and ``linear_operator()`` for SciPy's solvers. A module holds those that it
returns; NumPy is all they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from derive.emit.numpy_code.functions import Helper

__all__ = ["OPERATORS", "STRUCTURE", "operators_needed"]

STRUCTURE: Final = '''
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
'''
"""What all of them share."""

OPERATORS: Final[Mapping[str, Helper]] = {
    "Diagonal": Helper('''
@dataclass(frozen=True, eq=False)
class Diagonal(_Structure):
    """diag(d)."""

    d: np.ndarray

    @property
    def first(self):
        return self.d

    @property
    def shape(self):
        return (len(self.d), len(self.d))

    @property
    def T(self):
        return self

    def __matmul__(self, v):
        return (self.d * v.T).T

    def dense(self):
        return np.diag(self.d)
'''),
    "Kronecker": Helper('''
@dataclass(frozen=True, eq=False)
class Kronecker(_Structure):
    """The Kronecker product of A and B; times vec(V) it is vec(B V A')."""

    A: np.ndarray | _Structure
    B: np.ndarray | _Structure

    @property
    def first(self):
        return self.A

    @property
    def shape(self):
        return tuple(a * b for a, b in zip(self.A.shape, self.B.shape))

    @property
    def T(self):
        return Kronecker(self.A.T, self.B.T)

    def __matmul__(self, v):
        (p, m), (q, n) = self.A.shape, self.B.shape
        rest = v.shape[1:]
        half = (self.A @ v.reshape(m, -1)).reshape(p, n, -1).swapaxes(0, 1)
        whole = (self.B @ half.reshape(n, -1)).reshape(q, p, -1).swapaxes(0, 1)
        return whole.reshape(p * q, *rest)

    def dense(self):
        return np.kron(_dense(self.A), _dense(self.B))
'''),
    "KhatriRao": Helper('''
@dataclass(frozen=True, eq=False)
class KhatriRao(_Structure):
    """The matrix whose columns are the Kronecker products of the columns of A and B."""

    A: np.ndarray
    B: np.ndarray
    transposed: bool = False

    @property
    def first(self):
        return self.A

    @property
    def shape(self):
        shape = (len(self.A) * len(self.B), self.A.shape[1])
        return shape[::-1] if self.transposed else shape

    @property
    def T(self):
        return KhatriRao(self.A, self.B, not self.transposed)

    def __matmul__(self, v):
        if v.ndim == 2:
            return np.stack([self @ column for column in v.T], axis=1)
        if self.transposed:
            return np.sum((self.A.T @ v.reshape(len(self.A), -1)) * self.B.T, axis=1)
        return ((self.A * v) @ self.B.T).reshape(-1)

    def dense(self):
        whole = (self.A[:, None, :] * self.B).reshape(-1, self.A.shape[1])
        return whole.T if self.transposed else whole
'''),
    "LowRank": Helper('''
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
'''),
    "Commutation": Helper('''
@dataclass(frozen=True, eq=False)
class Commutation(_Structure):
    """The commutation matrix: times vec(V) it is vec(V'), V being m x n."""

    m: int
    n: int

    @property
    def first(self):
        return np.ones(1)

    @property
    def shape(self):
        return (self.m * self.n, self.m * self.n)

    @property
    def T(self):
        return Commutation(self.n, self.m)

    def __matmul__(self, v):
        return v.reshape(self.n, self.m, *v.shape[1:]).swapaxes(0, 1).reshape(v.shape)

    def dense(self):
        return self @ np.eye(self.m * self.n)
'''),
    "Product": Helper('''
@dataclass(frozen=True, eq=False)
class Product(_Structure):
    """left times right."""

    left: np.ndarray | _Structure
    right: np.ndarray | _Structure

    @property
    def first(self):
        return self.left

    @property
    def shape(self):
        return (self.left.shape[0], self.right.shape[1])

    @property
    def T(self):
        return Product(self.right.T, self.left.T)

    def __matmul__(self, v):
        return self.left @ (self.right @ v)

    def dense(self):
        return self.left @ _dense(self.right)
'''),
    "Sum": Helper('''
@dataclass(frozen=True, eq=False)
class Sum(_Structure):
    """The sum of its terms."""

    terms: tuple[_Structure, ...]

    @property
    def first(self):
        return self.terms[0]

    @property
    def shape(self):
        return self.terms[0].shape

    @property
    def T(self):
        return Sum(tuple(term.T for term in self.terms))

    def __matmul__(self, v):
        return sum(term @ v for term in self.terms)

    def dense(self):
        return sum(term.dense() for term in self.terms)
'''),
    "Dense": Helper('''
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
'''),
}
"""The classes by name, in the order in which a module defines them."""


def operators_needed(names: Iterable[str]) -> tuple[str, ...]:
    """These classes in the order of definition."""
    needed = set(names)
    return tuple(name for name in OPERATORS if name in needed)
