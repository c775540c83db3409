"""Dimensions and shapes, symbolic sizes included; the only room in which they are compared.

A dimension is a SymPy expression over positive integer symbols: ``3``, ``n``, ``m + n``. A
shape is a tuple of them: ``()`` a scalar, ``(n,)`` a column vector, ``(m, n)`` a matrix. SymPy
matrices have two dimensions always; ``(rows, columns)`` of that kind is called an extent.

:class:`Unification` finds dimensions that were not declared: fresh ones are bound as equations
between shapes arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeAlias

import sympy

from derive.errors import InputError

__all__ = [
    "ONE",
    "Dim",
    "Extent",
    "Shape",
    "ShapeMismatch",
    "Unification",
    "as_dim",
    "extent_of_shape",
    "is_at_least",
    "same",
    "shape_of_extent",
    "shape_text",
    "size_text",
    "times",
]

Dim: TypeAlias = sympy.Expr
Shape: TypeAlias = tuple[Dim, ...]
Extent: TypeAlias = tuple[Dim, Dim]

ONE: Dim = sympy.Integer(1)


class ShapeMismatch(InputError):
    """Two dimensions that should be equal and are not.

    Attributes:
        left, right: Positions of the operands at fault, counted from 0.
    """

    def __init__(
        self, summary: str, details: Sequence[str] = (), operands: tuple[int, ...] = ()
    ) -> None:
        super().__init__(summary, details)
        self.operands = operands


@cache
def _symbol(name: str) -> Dim:
    return sympy.Symbol(name, integer=True, positive=True)


def as_dim(size: int | str | sympy.Expr) -> Dim:
    """The dimension that ``size`` denotes; symbols get the assumptions of a size.

    Raises:
        InputError: ``size`` is not a positive integer, a name, or an expression of these.

    >>> as_dim("n") == as_dim(sympy.Symbol("n"))
    True
    """
    if isinstance(size, str):
        return _symbol(size)
    expr = sympy.Integer(size) if isinstance(size, int) else size
    if isinstance(expr, sympy.Integer):
        if expr < 1:
            raise InputError(f"a dimension is a positive integer or a name, got {expr}")
        return expr
    if isinstance(expr, sympy.Symbol):
        return _symbol(expr.name)
    if not isinstance(expr, sympy.Expr) or not expr.free_symbols:
        raise InputError(f"a dimension is a positive integer or a name, got {expr}")
    return expr.xreplace({s: _symbol(s.name) for s in expr.free_symbols})


def same(left: Dim, right: Dim) -> bool:
    """Whether two dimensions are equal for all values of the names in them."""
    return left is right or left == right


def times(left: Dim, right: Dim) -> Dim:
    """The product of two dimensions, multiplied out: equal dimensions are equal expressions.

    >>> n = as_dim("n")
    >>> times(n + 1, n + 1)
    n**2 + 2*n + 1
    """
    product = left * right
    return product if left.is_Atom and right.is_Atom else sympy.expand(product)


def is_at_least(left: Dim, right: Dim) -> bool:
    """Whether ``left >= right`` is known for all values of the names in them.

    Both are made of sizes with ``+ - *``. A size is 1 or more, so the difference is a polynomial
    in what the sizes exceed 1 by: it is not negative when none of its coefficients is.

    >>> n = as_dim("n")
    >>> is_at_least(n - 1, 0), is_at_least(n - 2, 0)
    (True, False)
    """
    difference = sympy.expand(left - right)
    if difference.is_Integer:
        return bool(difference >= 0)
    sizes = sorted(difference.free_symbols, key=str)
    polynomial = difference.subs({size: size + 1 for size in sizes}, simultaneous=True).as_poly(
        *sizes
    )
    return polynomial is not None and all(c.is_nonnegative for c in polynomial.coeffs())


def extent_of_shape(shape: Shape) -> Extent:
    """Rows and columns of a shape: a scalar is 1 x 1, a vector n x 1."""
    if len(shape) == 2:
        return (shape[0], shape[1])
    return (shape[0] if shape else ONE, ONE)


def shape_of_extent(extent: Extent) -> Shape:
    """The shape a result of this extent is given: 1 x 1 a scalar, n x 1 a vector."""
    rows, columns = extent
    if not same(columns, ONE):
        return (rows, columns)
    return () if same(rows, ONE) else (rows,)


def size_text(dim: Dim) -> str:
    """A dimension as it is written: powers as products, ``n*n``."""
    return re.sub(
        r"(\w+|\([^()]*\))\*\*(\d+)", lambda hit: "*".join([hit[1]] * int(hit[2])), str(dim)
    )


def shape_text(shape: Iterable[Dim]) -> str:
    """A shape as it is declared: ``()``, ``(n)``, ``(m, n)``.

    >>> shape_text((as_dim("m"), as_dim(3)))
    '(m, 3)'
    """
    return f"({', '.join(map(size_text, shape))})"


def _root(polynomial: Dim, dim: Dim) -> Dim | None:
    """The value of ``dim`` at which a polynomial that is linear in it is 0, if it is a size."""
    slope, rest = polynomial.coeff(dim, 1), polynomial.coeff(dim, 0)
    if sympy.expand(polynomial - slope * dim - rest) != 0:
        return None
    value = sympy.cancel(-rest / slope)
    found = value.as_poly(*sorted(value.free_symbols, key=str)) if value.free_symbols else None
    whole = value.is_Integer if found is None else all(c.is_Integer for c in found.coeffs())
    return sympy.expand(value) if whole else None


class Unification:
    """Equations between dimensions, and what they bind the undeclared ones to.

    Undeclared dimensions are fresh symbols (:meth:`fresh`); every other symbol is declared and
    equal only to itself. A fresh dimension is never bound to 1: whether an axis has length 1
    decides what a product is and what broadcasts, and is not left open.

    Attributes:
        waiting: Equations that could not be solved when they were met.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[Dim, Dim]] = []
        self._bindings: dict[Dim, Dim] = {}
        self._fresh: set[Dim] = set()

    def fresh(self, hint: str = "n") -> Dim:
        """A dimension that nothing is known of yet."""
        dim = sympy.Dummy(hint, integer=True, positive=True)
        self._fresh.add(dim)
        return dim

    def is_fresh(self, dim: Dim) -> bool:
        """Whether ``dim`` is undeclared and still unbound."""
        return self.resolve(dim) in self._fresh

    def resolve(self, dim: Dim) -> Dim:
        """What ``dim`` is bound to, or itself."""
        seen, passed = dim, []
        while seen in self._bindings:
            passed.append(seen)
            seen = self._bindings[seen]
        self._bindings.update(dict.fromkeys(passed[:-1], seen))
        if not seen.is_Atom:
            seen = seen.xreplace({s: self.resolve(s) for s in seen.free_symbols})
        return seen

    def equate(self, left: Dim, right: Dim) -> bool:
        """Bind what must be bound for ``left == right``; False when they cannot be equal.

        An equation that several fresh dimensions can fulfil waits (:attr:`waiting`).
        """
        left, right = self.resolve(left), self.resolve(right)
        if same(left, right):
            return True
        if same(left, ONE) or same(right, ONE):
            return False
        if left in self._fresh and left not in right.free_symbols:
            self._bindings[left] = right
            return True
        if right in self._fresh and right not in left.free_symbols:
            self._bindings[right] = left
            return True
        return self._solve(left, right)

    def _solve(self, left: Dim, right: Dim) -> bool:
        """Bind a fresh dimension in ``m + 3 == 6`` or ``m*n == 6*n``, if one value fits."""
        difference = sympy.expand(left - right)
        if difference == 0:
            return True
        unknown = sorted(difference.free_symbols & self._fresh, key=sympy.default_sort_key)
        for dim in unknown:
            value = _root(difference, dim)
            if value is not None and not same(value, ONE) and is_at_least(value, ONE):
                self._bindings[dim] = value
                return True
        if len(unknown) < 2:
            return False
        self.waiting.append((left, right))
        return True

    def broadcast(self, left: Dim, right: Dim) -> Dim | None:
        """The common size of two axes of which one may be 1; None when there is none."""
        left, right = self.resolve(left), self.resolve(right)
        if same(left, ONE):
            return right
        if same(right, ONE):
            return left
        return self.resolve(left) if self.equate(left, right) else None

    def copy(self) -> Unification:
        """An independent copy, to try something out."""
        twin = Unification()
        twin.waiting = list(self.waiting)
        twin._bindings = dict(self._bindings)
        twin._fresh = set(self._fresh)
        return twin
