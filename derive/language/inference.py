"""Shapes of all that a problem writes: one pass over it, with equations between sizes.

What each name that is not declared is (matrix, column vector, scalar) is given; its sizes follow
by unification. What does not fit is a :class:`Misfit`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import sympy

from derive.language import mismatches
from derive.language.program import Program, index_of, size_of
from derive.language.source import Source
from derive.language.tree import Node, in_order
from derive.language.words import function_of
from derive.shapes import (
    ONE,
    Dim,
    Extent,
    Shape,
    ShapeMismatch,
    Unification,
    as_dim,
    extent_of_shape,
    same,
    shape_of_extent,
    shape_text,
)
from derive.vocabulary import Choice, interval, result_extent

__all__ = ["SHAPE_OF_KIND", "Shapes"]

SCALAR: Final[Extent] = (ONE, ONE)

SHAPE_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "matrix": ("m", "n"),
    "vector": ("n",),
    "scalar": (),
}
"""The kinds of a name that is not declared, by the hints for their sizes."""


class Shapes:
    """Extents of names and expressions, for one choice of kinds.

    Attributes:
        program: What is typed.
        kinds: What each open name of the program is taken to be.
        extents: Of every name so far.
        inferred: Of constants whose size is not written (``eye``, ``vector(c)``), by node.
        unsolved: The last equation between sizes that several choices fulfil, and its node.
        chosen: Of each entry or block: the node, the axis, start, stop, and the size of the axis.
    """

    def __init__(self, program: Program, kinds: Mapping[str, str]) -> None:
        self.program = program
        self.kinds = kinds
        self.sizes = Unification()
        self.extents: dict[str, Extent] = {
            name: extent_of_shape(shape) for name, shape in program.shapes.items()
        }
        for name in program.open:
            shape = tuple(self.sizes.fresh(hint) for hint in SHAPE_OF_KIND[kinds[name]])
            self.extents[name] = extent_of_shape(shape)
        self.inferred: dict[Node, Extent] = {}
        self.chosen: list[tuple[Node, int, Dim, Dim, Dim]] = []
        self.unsolved: tuple[Node, Dim, Dim]

    def solve(self) -> None:
        """Type every definition and request.

        Raises:
            Misfit: Two shapes that do not fit, or a gradient of what is no scalar.
        """
        self.type_all()
        known: object = None
        while self.sizes.waiting:
            if known == (known := self._known()):
                raise mismatches.undecided(self, *self.unsolved)
            self.type_all()
        self.name_sizes()
        for node, extent in self.inferred.items():
            if any(self.sizes.is_fresh(dim) for dim in extent):
                raise mismatches.open_size(self, node)
        for node, axis, *bounds in self.chosen:
            misfit = mismatches.choice(self, node, axis, *map(self.sizes.resolve, bounds))
            if misfit is not None:
                raise misfit

    def _known(self) -> tuple[list[str], int]:
        """What is known of the names that are not declared, whatever open sizes are called."""
        dims = [dim for name in self.program.open for dim in self.resolve(self.extents[name])]
        return list(map(str, dims)), len({symbol for dim in dims for symbol in dim.free_symbols})

    def type_all(self) -> None:
        """Go once through all definitions and requests."""
        self.sizes.waiting.clear()
        self.inferred.clear()
        self.chosen.clear()
        for name, root in self.program.definitions.items():
            self.extents[name] = self.extent(root)
        for request in self.program.requests:
            extent = self.extent(request.expression)
            if request.kind != "jacobian" and not self.is_scalar(extent):
                raise mismatches.gradient(self, request, extent)

    def extent(self, root: Node) -> Extent:
        """Rows and columns of an expression."""
        stack: list[Extent] = []
        for node in in_order(root):
            count = len(node.children)
            operands = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            waiting = len(self.sizes.waiting)
            stack.append(self.resolve(RULES[node.kind](self, node, operands)))
            if len(self.sizes.waiting) > waiting:
                self.unsolved = (node, *self.sizes.waiting[-1])
        return stack[0]

    def resolve(self, extent: Extent) -> Extent:
        """An extent with what is known of its sizes by now."""
        rows, columns = extent
        return (self.sizes.resolve(rows), self.sizes.resolve(columns))

    def is_scalar(self, extent: Extent) -> bool:
        """Whether an extent is 1 x 1."""
        return all(same(dim, ONE) for dim in self.resolve(extent))

    def shape(self, name: str) -> Shape:
        """The shape of a name: as declared, or what was found."""
        declared = self.program.shapes.get(name)
        return (
            declared if declared is not None else shape_of_extent(self.resolve(self.extents[name]))
        )

    def show(self, extent: Extent) -> str:
        """An extent as a shape in words: ``(4, 3)``; open sizes get names."""
        self.name_sizes()
        return shape_text(shape_of_extent(self.resolve(extent)))

    def broadcast(self, extents: Iterable[Extent]) -> Extent | int:
        """The common extent, or the position of the first operand that does not fit."""
        rows, columns = SCALAR
        for position, extent in enumerate(extents):
            new_rows = self.sizes.broadcast(rows, extent[0])
            new_columns = self.sizes.broadcast(columns, extent[1])
            if new_rows is None or new_columns is None:
                return position
            rows, columns = new_rows, new_columns
        return rows, columns

    def name_sizes(self) -> None:
        """Give the open sizes of names a readable name each: matrices first, then vectors."""
        taken = {*self.extents, *self.program.sizes, *self.program.definitions}
        letters = (f"{letter}{count or ''}" for count in itertools.count() for letter in "mnkpqrst")
        pairs = [self.resolve(self.extents[name]) for name in self.program.open]
        for rows, columns in sorted(pairs, key=lambda pair: same(pair[1], ONE)):
            rows, columns = self.resolve((rows, columns))
            single = same(rows, columns) or same(columns, ONE)
            for dim in (rows, columns):
                if self.sizes.is_fresh(dim):
                    free = (letter for letter in letters if letter not in taken)
                    name = "n" if single and "n" not in taken else next(free)
                    taken.add(name)
                    self.sizes.equate(dim, as_dim(name))


Rule = Callable[[Shapes, Node, Sequence[Extent]], Extent]


def _number(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    return SCALAR


def _name(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    return shapes.extents.get(node.value, SCALAR)


def _constant(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    if not node.sizes:
        size = shapes.sizes.fresh()
        shapes.inferred[node] = (size, size)
        return (size, size)
    sizes: list[Dim] = [size_of(shapes.program.source, child) for child in node.sizes]
    if node.value in ("I", "eye"):
        return (sizes[0], sizes[0])
    return (sizes[0], sizes[1] if len(sizes) == 2 else ONE)


def _itself(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    return operands[0]


def _transpose(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    rows, columns = operands[0]
    return (columns, rows)


def _entrywise(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    extent = shapes.broadcast(operands)
    if isinstance(extent, int):
        raise mismatches.entrywise(shapes, node, operands, extent)
    return extent


def _product(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    product = operands[0]
    for position, factor in enumerate(operands[1:], 1):
        product = shapes.resolve(product)
        factor = shapes.resolve(factor)
        if shapes.is_scalar(product):
            product = factor
        elif not shapes.is_scalar(factor):
            if not shapes.sizes.equate(product[1], factor[0]):
                raise mismatches.product(shapes, node, position, product, factor)
            product = (product[0], factor[1])
    return product


def _divide(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    if not shapes.is_scalar(operands[1]):
        raise mismatches.divisor(shapes, node, operands[1])
    return operands[0]


def _power(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    base, exponent = operands
    if not shapes.is_scalar(exponent):
        raise mismatches.exponent(shapes, node, exponent)
    if not shapes.sizes.equate(*base):
        raise mismatches.base(shapes, node, base)
    return base


def _call(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    if node.value in ("vector", "matrix"):
        if not shapes.is_scalar(operands[0]):
            raise mismatches.filling(shapes, node, operands[0])
        columns = shapes.sizes.fresh() if node.value == "matrix" else ONE
        shapes.inferred[node] = (shapes.sizes.fresh(), columns)
        return shapes.inferred[node]
    function = function_of(node)
    sizes = [(size_of(shapes.program.source, child), ONE) for child in node.sizes]
    try:
        return result_extent(function, [*map(shapes.resolve, operands), *sizes], shapes.sizes)
    except ShapeMismatch as error:
        (position,) = error.operands[-1:]
        if function.signature is None:
            raise mismatches.entrywise(shapes, node, operands, position) from None
        raise mismatches.call(shapes, node, operands, position) from None


def choice(source: Source, index: Node) -> Choice:
    """What an index of an entry chooses along its axis."""
    if index.kind != "slice":
        return index_of(source, index)
    bounds = iter([index_of(source, bound) for bound in index.sizes])
    return (
        None if index.value == "stop" else next(bounds, None),
        None if index.value == "start" else next(bounds, None),
    )


def _entry(shapes: Shapes, node: Node, operands: Sequence[Extent]) -> Extent:
    extent = operands[0]
    if len(node.sizes) == 1 and not same(extent[1], ONE):
        raise mismatches.single_index(shapes, node, extent)
    chosen = [*extent]
    for axis, (index, length) in enumerate(zip(node.sizes, extent, strict=False)):
        start, stop = interval(choice(shapes.program.source, index), length)
        shapes.chosen.append((node, axis, start, stop, length))
        chosen[axis] = sympy.expand(stop - start)
    return (chosen[0], chosen[1])


RULES: Final[Mapping[str, Rule]] = {
    "number": _number,
    "name": _name,
    "constant": _constant,
    "call": _call,
    "comparison": _entrywise,
    "sum": _entrywise,
    "negative": _itself,
    "product": _product,
    "hadamard": _entrywise,
    "divide": _divide,
    "hadamard_divide": _entrywise,
    "power": _power,
    "hadamard_power": _entrywise,
    "transpose": _transpose,
    "entry": _entry,
}
"""How the extent of each kind of node follows from those of its operands."""
