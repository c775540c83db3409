"""Tensors in index notation: the few nouns of the core.

=============  ==================================================================================
Variable       a named array: given, or a quantity that stands for its value
Constant       an irrational number, or a size used as a number
Delta          1 where two letters agree, 0 elsewhere
Contraction    coefficient * product of factors, summed over all letters that are not free
Sum            terms over the same free letters
Map            a scalar function of one or several arrays, entry by entry
Call           a named function with a law of its own: inverse, log det, softmax, ...
=============  ==================================================================================

Nodes are immutable and interned: equal means identical. The axes of a node are its free letters,
in order. Inside a contraction, letters are small integers; ``0 .. order-1`` are the axes of the
result, the rest is summed. A free letter that no factor carries is one along which the value is
repeated, so broadcasting needs no node, and the empty contraction is an array of ones.

Axes of size 1 do not exist here: a 1 x n row is a tensor of order 1. Build nodes with the
functions of :mod:`derive.tensor.algebra`, which keep them in canonical form.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias, TypeVar
from weakref import WeakValueDictionary

import sympy

from derive.shapes import Dim, Shape

__all__ = [
    "Call",
    "Constant",
    "Contraction",
    "Delta",
    "Factor",
    "Letters",
    "Map",
    "Sum",
    "Tensor",
    "Variable",
]

Letters: TypeAlias = tuple[int, ...]


class Tensor:
    """An array of numbers by its formula.

    Attributes:
        shape: Size of each axis.
        key: Digest of the formula; orders terms and factors, the same in every run.
        size: Number of symbols and operations in it, the measure that simplification lowers. What
            has a name counts as one.
    """

    __slots__ = ("__weakref__", "key", "shape", "size")

    shape: Shape
    key: str
    size: int

    @property
    def order(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        from derive.tensor.printing import index_notation

        return index_notation(self)


Factor: TypeAlias = tuple[Tensor, Letters, Fraction]
"""A tensor, the letters on its axes, and the power its entries are raised to."""

_T = TypeVar("_T", bound=Tensor)
_interned: WeakValueDictionary[tuple[Any, ...], Tensor] = WeakValueDictionary()


def _intern(cls: type[_T], identity: tuple[Any, ...]) -> tuple[_T, bool]:
    known = _interned.get(identity)
    if known is not None:
        return known, False  # type: ignore[return-value]
    node = object.__new__(cls)
    _interned[identity] = node
    return node, True


def _digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=10).hexdigest()


def _key(parts: Iterable[Tensor], *identity: object) -> str:
    """A digest behind the name that comes first in it, so that order is alphabetical."""
    label = min((part.key.partition(":")[0] for part in parts), default="")
    return f"{label}:{_digest(*identity)}"


@lru_cache(maxsize=4096)
def _written(shape: Shape) -> str:
    """A shape in a key; SymPy takes its time to write a size."""
    return str(shape)


class Variable(Tensor):
    """A named array.

    Attributes:
        name: As printed.
        facts: What is known of it, from :data:`derive.vocabulary.FACTS`.
        value: The tensor it stands for; None for what is given. Two variables with values are
            equal when name and value are.
        role: ``given``, ``defined`` (by the user), ``introduced`` (named for the derivation's
            sake) or ``adjoint``.
        row: Whether its one axis is written as a row, because it has one row and several columns.
    """

    __slots__ = ("facts", "name", "role", "row", "value")

    name: str
    facts: frozenset[str]
    value: Tensor | None
    role: str
    row: bool

    def __new__(
        cls,
        name: str,
        shape: Shape,
        facts: frozenset[str] = frozenset(),
        value: Tensor | None = None,
        role: str = "given",
        row: bool = False,
    ) -> Variable:
        node, new = _intern(cls, (cls, name, shape, facts, value, role, row))
        if new:
            node.name, node.shape, node.facts, node.row = name, shape, facts, row
            node.value, node.role, node.size = value, role, 1
            node.key = f"{name}:{_digest(role, _written(shape), sorted(facts))}"
        return node


class Constant(Tensor):
    """A number that is no fraction (``pi``, ``sqrt(2)``), or a size used as a number.

    Attributes:
        value: The number as SymPy's expression; for a size, an expression over size symbols.
    """

    __slots__ = ("value",)

    value: sympy.Expr

    def __new__(cls, value: sympy.Expr) -> Constant:
        node, new = _intern(cls, (cls, value))
        if new:
            node.value, node.shape, node.size = value, (), 1
            node.key = _key((), "constant", str(value))
        return node


class Delta(Tensor):
    """The identity matrix: 1 where its two letters agree, 0 elsewhere; order 2."""

    __slots__ = ()

    def __new__(cls, dim: Dim) -> Delta:
        node, new = _intern(cls, (cls, dim))
        if new:
            node.shape, node.size, node.key = (dim, dim), 1, _key((), "delta", str(dim))
        return node


class Contraction(Tensor):
    """``coefficient * product of factors``, summed over the letters that are not free.

    Attributes:
        coefficient: A rational number.
        factors: Tensors with their letters and powers, in canonical order.
    """

    __slots__ = ("coefficient", "factors")

    coefficient: Fraction
    factors: tuple[Factor, ...]

    def __new__(
        cls, coefficient: Fraction, factors: tuple[Factor, ...], shape: Shape
    ) -> Contraction:
        node, new = _intern(cls, (cls, coefficient, factors, shape))
        if new:
            node.coefficient, node.factors, node.shape = coefficient, factors, shape
            node.size = sum(t.size + (abs(p) != 1) for t, _, p in factors)
            node.size += any(p < 0 for _, _, p in factors)
            node.size += (abs(coefficient) != 1) or not factors
            inner = [(t.key, ls, str(p)) for t, ls, p in factors]
            node.key = _key((f[0] for f in factors), str(coefficient), inner, _written(shape))
        return node

    @property
    def dims(self) -> dict[int, Dim]:
        """The size of every letter."""
        sizes = dict(enumerate(self.shape))
        for tensor, letters, _ in self.factors:
            sizes.update(zip(letters, tensor.shape, strict=True))
        return sizes

    @property
    def letters(self) -> frozenset[int]:
        """Letters that some factor carries."""
        return frozenset(letter for _, letters, _ in self.factors for letter in letters)

    @property
    def summed(self) -> frozenset[int]:
        """Letters that are summed over."""
        return frozenset(letter for letter in self.letters if letter >= len(self.shape))


class Sum(Tensor):
    """A sum of at least two contractions of its own shape.

    Attributes:
        terms: Contractions in canonical order; no two have the same factors, the coefficients
            have no common divisor, and the first one is positive.
    """

    __slots__ = ("terms",)

    terms: tuple[Contraction, ...]

    def __new__(cls, terms: tuple[Contraction, ...]) -> Sum:
        node, new = _intern(cls, (cls, terms))
        if new:
            node.terms, node.shape = terms, terms[0].shape
            node.size = sum(term.size for term in terms) + len(terms) - 1
            node.key = _key(terms, "sum", [term.key for term in terms])
        return node


class Map(Tensor):
    """A scalar function applied entry by entry.

    Attributes:
        function: Its name in the language.
        args: Arrays with the axes of the result that they lie along.
    """

    __slots__ = ("args", "function")

    function: str
    args: tuple[tuple[Tensor, Letters], ...]

    def __new__(cls, function: str, args: tuple[tuple[Tensor, Letters], ...], shape: Shape) -> Map:
        node, new = _intern(cls, (cls, function, args, shape))
        if new:
            node.function, node.args, node.shape = function, args, shape
            node.size = 1 + sum(tensor.size for tensor, _ in args)
            inner = [(t.key, ls) for t, ls in args]
            node.key = _key((t for t, _ in args), function, inner, _written(shape))
        return node


class Call(Tensor):
    """A named function of whole arrays.

    Attributes:
        function: Its name; a row of :data:`derive.calculus.rules.RULES`.
        args: Its arguments, all their axes in order.
    """

    __slots__ = ("args", "function")

    function: str
    args: tuple[Tensor, ...]

    def __new__(cls, function: str, args: tuple[Tensor, ...], shape: Shape) -> Call:
        node, new = _intern(cls, (cls, function, args, shape))
        if new:
            node.function, node.args, node.shape = function, args, shape
            node.size = 1 + sum(tensor.size for tensor in args)
            node.key = _key(args, function, [t.key for t in args], _written(shape))
        return node
