"""NumPy expressions as a graph: each array that is computed is one node, however often it is used.

Nodes are interned in the :class:`Arrays` of one function, so a node with two users is something
that deserves a name. Axes are those of NumPy: a vector has one, and an operand of an entrywise
operation is put along its axes by ``expand`` nodes, so that broadcasting is always NumPy's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import sympy

from derive.shapes import ONE, Dim, Shape

__all__ = [
    "CHEAP",
    "OPERATORS",
    "VIEWS",
    "Array",
    "Arrays",
    "Bounds",
    "Powered",
    "core_of",
    "dims_in",
    "is_boolean",
    "is_floating",
    "is_number",
    "subscripts",
]

OPERATORS: Final = {
    "name": "a variable; value is its identifier",
    "number": "a rational number; value is a Fraction",
    "constant": "an irrational number or a size; value is SymPy's",
    "add": "coefficients times arguments, added; value holds the coefficients",
    "multiply": "coefficient times arguments to powers; value is (coefficient, powers)",
    "matmul": "matrix product, as NumPy's @",
    "outer": "outer product of two vectors",
    "transpose": "transpose of a matrix",
    "permuted": "an array with its axes in another order, the value",
    "expand": "an array with a last axis of size 1; a vector as the single column of a matrix",
    "spread": "an array along some axes of a larger one; value says which",
    "broadcast": "two arrays multiplied into a larger one; value is NumPy's order, or None",
    "assembled": "arrays added up, each where axes agree; value has the axes that each lies along",
    "sum": "sum; value is the axis, None for all",
    "mean": "mean; value is the axis, None for all",
    "prod": "product of entries; value is the axis or several axes, None for all",
    "amax": "largest entry; value is the axis or several axes, None for all",
    "amin": "smallest entry; value is the axis or several axes, None for all",
    "var": "variance; value is the axis or several axes, None for all",
    "deviations": "an array minus its mean along an axis; value is the axis, None for the only one",
    "trace": "trace",
    "diagonal": "diagonal of a matrix, as a vector",
    "diag": "the diagonal matrix of a vector",
    "eye": "the identity matrix",
    "eye_at": "rows of an identity matrix from a place on, the value; one row as a vector",
    "tri": "ones on and below the diagonal",
    "tril": "lower triangle of a matrix",
    "triu": "upper triangle of a matrix",
    "running": "running sums; value is the axis",
    "returning": "running sums from the end; value is the axis",
    "block": "entries and blocks; value has a bound, a pair of bounds or None for each axis",
    "placed": "zeros with an array in a block; value as for block",
    "joined": "arrays one behind the other; value is the axis",
    "reshape": "the entries in another shape, row by row",
    "kron": "Kronecker product",
    "full": "an array of this shape; the argument repeated",
    "full_like": "the first argument repeated, in the shape of the second",
    "norm": "Euclidean or Frobenius norm",
    "row_norms": "Euclidean norm of each row",
    "function": "a function, entry by entry; value is its name",
    "compare": "a comparison, an array of booleans; value is its sign",
    "floating": "an array of booleans as ones and zeros",
    "where": "second argument where the first holds, third elsewhere",
    "inverse": "inverse of a matrix",
    "solve": "inverse of the first argument times the second",
    "logdet": "logarithm of the determinant",
    "det": "determinant",
    "pinv": "pseudoinverse",
    "cholesky": "lower Cholesky factor",
    "expm": "exponential of a matrix",
    "expm_frechet": "derivative of the exponential at the first argument along the second",
    "others": "for each entry the product of the others along the last axis",
    "all_others": "for each entry the product of all others",
    "softmax": "softmax along the last axis",
    "log_softmax": "its logarithm",
    "logsumexp": "log of the sum of exp along the last axis",
    "centred": "an array minus its mean with weights, along the last axis",
    "logmeanexp": "log of the mean of exp along the last axis",
    "einsum": "a contraction that no operator covers; value is NumPy's subscripts",
}
"""Every operator, and what its node stands for."""

CHEAP: Final = frozenset(
    {
        *("name", "number", "constant", "transpose", "expand", "diagonal", "eye", "eye_at", "tri"),
        *("full", "block", "reshape", "permuted", "spread"),
    }
)
"""Operators whose value is not worth a name."""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """One array on its way to being computed; equal means identical."""

    op: str
    args: tuple[Array, ...]
    shape: Shape
    value: Any = None

    @property
    def order(self) -> int:
        """Number of axes."""
        return len(self.shape)


Powered = tuple[Array, Fraction]


VIEWS: Final = frozenset(
    {"transpose", "permuted", "expand", "spread", "diagonal", "block", "reshape"}
)
"""Operators whose value may share the memory of their argument."""

MARKS: Final = "ijklmnopqrstuvwxyzabcdefgh"
"""What the axes are called in NumPy's subscripts."""

Bounds = Dim | tuple[Dim, Dim] | None
"""One entry of an axis, those from one to before another, or all."""


def core_of(array: Array) -> Array:
    """The array of which this one is a view."""
    while array.op in VIEWS:
        array = array.args[0]
    return array


def subscripts(sides: Sequence[Sequence[int]], kept: Sequence[int]) -> str:
    """NumPy's subscripts of a contraction: the letters of each array, and those of the result."""
    written = ["".join(MARKS[x] for x in letters) for letters in (*sides, kept)]
    return f"{','.join(written[:-1])}->{written[-1]}"


def is_boolean(array: Array) -> bool:
    """Whether the entries are booleans."""
    return core_of(array).op == "compare"


def dims_in(array: Array) -> Iterator[Dim]:
    """The sizes and places that are written in a node, its own shape's included."""
    yield from array.shape
    if array.op in ("constant", "eye_at"):
        yield array.value
    elif array.op in ("block", "placed"):
        for bounds in array.value:
            yield from () if bounds is None else bounds if isinstance(bounds, tuple) else (bounds,)


def is_floating(array: Array) -> bool:
    """Whether an array has a floating-point type of its own: no number, no size, no booleans."""
    if is_boolean(array) or array.op in ("number", "constant"):
        return False
    if array.op in ("add", "multiply"):
        return any(map(is_floating, array.args))
    return True


def is_number(array: Array) -> bool:
    """Whether an array is a number, sizes aside."""
    if array.op == "constant":
        return bool(array.value.is_number)
    return array.op == "number" or (
        array.op in ("add", "multiply") and all(map(is_number, array.args))
    )


class Arrays:
    """Makes the nodes of one function."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Array] = {}

    def make(self, op: str, args: Sequence[Array], shape: Shape, value: Any = None) -> Array:
        """The node with these parts."""
        key = (op, tuple(id(arg) for arg in args), shape, value)
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = Array(op, tuple(args), shape, value)
        return node

    def name(self, identifier: str, shape: Shape) -> Array:
        """A variable."""
        return self.make("name", (), shape, identifier)

    def number(self, value: Fraction | int) -> Array:
        """A rational number."""
        return self.make("number", (), (), Fraction(value))

    def constant(self, value: Any) -> Array:
        """An irrational number, or a size."""
        return self.make("constant", (), (), value)

    def transpose(self, array: Array) -> Array:
        """The transpose of a matrix; a transpose of a transpose is gone."""
        if array.order < 2:
            return array
        if array.op == "transpose":
            return array.args[0]
        return self.make("transpose", (array,), array.shape[::-1])

    def permuted(self, array: Array, axes: tuple[int, ...]) -> Array:
        """The array with its axes in another order."""
        shape = tuple(array.shape[axis] for axis in axes)
        return self.make("permuted", (array,), shape, axes)

    def expand(self, array: Array) -> Array:
        """An array with a last axis of size 1: a vector as a matrix of one column."""
        return self.make("expand", (array,), (*array.shape, ONE))

    def add(self, terms: Sequence[tuple[Fraction, Array]], shape: Shape) -> Array:
        """Terms with their coefficients, added."""
        if len(terms) == 1:
            return self.multiply(terms[0][0], [(terms[0][1], Fraction(1))], shape)
        return self.make("add", [t for _, t in terms], shape, tuple(c for c, _ in terms))

    def multiply(self, coefficient: Fraction, items: Sequence[Powered], shape: Shape) -> Array:
        """A coefficient times arrays to powers, entry by entry."""
        numbers = [(a, p) for a, p in items if a.op == "number" and p.denominator == 1]
        for array, power in numbers:
            coefficient *= array.value ** int(power)
        items = [item for item in items if item not in numbers]
        if not items:
            return self.number(coefficient)
        if coefficient == 1 and len(items) == 1 and items[0][1] == 1:
            return items[0][0]
        items = sorted(items, key=_reading_order)
        powers = tuple(power for _, power in items)
        return self.make("multiply", [a for a, _ in items], shape, (coefficient, powers))

    def matmul(self, left: Array, right: Array) -> Array:
        """The matrix product of two arrays of one or two axes."""
        shape = (*left.shape[:-1], *right.shape[1:])
        return self.make("matmul", (left, right), shape)

    def sum(self, array: Array, axis: int | None) -> Array:
        """The sum along an axis, or of all entries."""
        if array.op == "transpose":
            return self.sum(array.args[0], None if axis is None else 1 - axis)
        shape: Shape = ()
        if axis is not None and array.order == 2:
            shape = (array.shape[1 - axis],)
        return self.make("sum", (array,), shape, axis if shape else None)

    def function(self, name: str, args: Sequence[Array], shape: Shape) -> Array:
        """A function of the language, entry by entry."""
        return self.make("function", args, shape, name)

    def block(self, array: Array, axis: int, bounds: Bounds) -> Array:
        """The entries of an array within bounds along one axis."""
        if array.op == "transpose":
            return self.transpose(self.block(array.args[0], 1 - axis, bounds))
        index = list[Bounds]((None,) * array.order)
        if array.op == "block":
            index, array = list(array.value), array.args[0]
        places = [place for place, own in enumerate(index) if not isinstance(own, sympy.Basic)]
        before = index[places[axis]]
        if isinstance(before, tuple) and bounds is not None:
            start = before[0]
            bounds = (
                (start + bounds[0], start + bounds[1])
                if isinstance(bounds, tuple)
                else start + bounds
            )
        index[places[axis]] = bounds
        return self.make("block", (array,), _extent(array.shape, index), tuple(index))

    def placed(self, array: Array, axis: int, bounds: Bounds, shape: Shape) -> Array:
        """Zeros of a shape with an array within bounds along one axis."""
        index = list[Bounds]((None,) * len(shape))
        if array.op == "placed":
            rest = list(array.value)
            rest.insert(axis, None) if isinstance(bounds, sympy.Basic) else None
            index, array = rest, array.args[0]
            bounds = _within(index[axis], bounds)
        index[axis] = bounds
        return self.make("placed", (array,), shape, tuple(index))

    def reshape(self, array: Array, shape: Shape) -> Array:
        """The entries of an array in another shape, row by row."""
        array = array.args[0] if array.op == "reshape" else array
        return array if array.shape == shape else self.make("reshape", (array,), shape)

    def full(self, array: Array, shape: Shape) -> Array:
        """An array repeated until it has this shape."""
        return array if array.shape == shape else self.make("full", (array,), shape)

    def eye(self, dim: Dim) -> Array:
        """The identity matrix."""
        return self.make("eye", (), (dim, dim))


def _within(inner: Bounds, outer: Bounds) -> Bounds:
    """The bounds in the whole of bounds within a part of it."""
    if inner is None or not isinstance(outer, tuple):
        return outer
    if isinstance(inner, tuple):
        return (outer[0] + inner[0], outer[0] + inner[1])
    return outer[0] + inner


def _extent(shape: Shape, index: Sequence[Bounds]) -> Shape:
    """The shape of what an index takes from an array."""
    found: list[Dim] = []
    for dim, bounds in zip(shape, index, strict=True):
        if bounds is None:
            found.append(dim)
        elif isinstance(bounds, tuple):
            found.append(bounds[1] - bounds[0])
    return tuple(found)


def _reading_order(item: Powered) -> tuple[Any, ...]:
    """Numbers before vectors before matrices, booleans last, names by name."""
    array, _ = item
    inner = core_of(array)
    size = {"constant": 0, "name": 1}.get(inner.op, 2)
    return (is_boolean(array), bool(array.order), size, str(inner.value) if size < 2 else "")
