"""From syntax trees whose shapes are known to SymPy expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import sympy

from derive.errors import DeriveError, InputError
from derive.language.inference import Shapes, choice
from derive.language.program import size_of
from derive.language.tree import Node, in_order
from derive.problem import symbol_of
from derive.shapes import as_dim
from derive.vocabulary import (
    COMPARISONS,
    Expression,
    MatrixCall,
    add,
    call,
    divide,
    entries,
    hadamard,
    hadamard_divide,
    hadamard_power,
    multiply,
    negate,
    power,
    transpose,
)

__all__ = ["build"]

MOST_BITS: Final = 4096
"""Size of the numerator and denominator of a number that is written out."""

MOST_SHAPES: Final = 10_000
"""How often SymPy may ask for a shape to know that of one expression."""


def build(shapes: Shapes, root: Node, names: Mapping[str, Expression]) -> Expression:
    """The SymPy expression of a tree.

    Args:
        shapes: Solved.
        root: The tree.
        names: What names stand for that are known already; filled with those met.

    Raises:
        DeriveError: What has shapes that fit and is still wrong: a division by zero, a number too
            large; or not supported: a power of a matrix with a fraction as exponent.
    """
    builder = _Builder(shapes, names)
    stack: list[Expression] = []
    for node in in_order(root):
        count = len(node.children)
        operands = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        try:
            stack.append(builder.build(node, builder.prepare(node, operands)))
        except DeriveError as error:
            raise error.at(shapes.program.source.place(node.span)) from None
    return indicator(stack[0]) if root.kind == "comparison" else stack[0]


def indicator(condition: Expression) -> Expression:
    """1 where a comparison holds, 0 elsewhere."""
    return call("where", condition, sympy.Integer(1), sympy.Integer(0))


class _Builder:
    """Builds the expressions of one tree."""

    def __init__(self, shapes: Shapes, names: Mapping[str, Expression]) -> None:
        self.shapes = shapes
        self.names = names
        self.costs: dict[Expression, int] = {}

    def prepare(self, node: Node, operands: Sequence[Expression]) -> list[Expression]:
        """The operands; comparisons are numbers, except where ``where`` wants a condition."""
        condition = node.children[:1] if node.value == "where" else ()
        return [
            indicator(operand) if child.kind == "comparison" and child not in condition else operand
            for child, operand in zip(node.children, operands, strict=bool(operands))
        ]

    def build(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """The expression of a node over those of its operands."""
        handler = BUILDERS.get(node.kind)
        built: Expression
        if handler is not None:
            built = handler(*operands)
        else:
            built = getattr(self, node.kind)(node, operands)
        if isinstance(built, sympy.Rational) and _bits(built) > MOST_BITS:
            raise _too_large(self.shapes.program.source.excerpt(*node.span))
        if self.cost(built) > MOST_SHAPES:
            raise InputError("nested too deeply", ("Give a part of it a name.",))
        return built

    def cost(self, expression: Expression) -> int:
        """How often shapes are asked for when SymPy is asked for this one: it caches none."""
        known = self.costs.get(expression)
        if known is None:
            matrices = [a for a in expression.args if isinstance(a, sympy.MatrixExpr)]
            if isinstance(expression, sympy.MatMul):
                known = self.cost(matrices[0]) + self.cost(matrices[-1])
            elif matrices and isinstance(expression, sympy.MatrixExpr):
                known = 1 if isinstance(expression, MatrixCall) else self.cost(matrices[0])
            else:
                known = 1
            self.costs[expression] = known
        return known

    def number(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """A number as written, exactly."""
        mantissa, _, exponent = node.value.lower().partition("e")
        if len(mantissa) > 1000 or abs(int(exponent[:12] or 0)) > 1000:
            raise _too_large(self.shapes.program.source.excerpt(*node.span))
        value = Fraction(node.value)
        return sympy.Rational(value.numerator, value.denominator)

    def name(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """The symbol of a quantity or of a size, or a constant."""
        if node.value in ("e", "pi"):
            return sympy.E if node.value == "e" else sympy.pi
        known = self.names.get(node.value)
        if known is not None:
            return known
        if node.value in self.shapes.extents:
            return symbol_of(node.value, self.shapes.shape(node.value))
        return as_dim(node.value)

    def constant(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """``I``, ``ones``, ``zeros`` of a size that is written or inferred."""
        rows, columns = self.shapes.extent(node) if node.sizes else self.size(node)
        kinds = {"ones": sympy.OneMatrix, "zeros": sympy.ZeroMatrix}
        if node.value in kinds:
            return kinds[node.value](rows, columns)
        return sympy.Identity(rows)

    def size(self, node: Node) -> tuple[sympy.Expr, sympy.Expr]:
        """The extent that was inferred for a constant."""
        return self.shapes.resolve(self.shapes.inferred[node])

    def call(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """A function of the language."""
        if node.value in ("vector", "matrix"):
            return multiply(operands[0], sympy.OneMatrix(*self.size(node)))
        source = self.shapes.program.source
        return call(node.value, *operands, *(size_of(source, child) for child in node.sizes))

    def entry(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """An entry, or some rows and columns."""
        source = self.shapes.program.source
        return entries(operands[0], *(choice(source, index) for index in node.sizes))

    def comparison(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """A comparison, as the condition that it is."""
        return call(COMPARISONS[node.value], *operands)

    def power(self, node: Node, operands: Sequence[Expression]) -> Expression:
        """A power; of e it is the exponential function."""
        base, exponent = operands
        if base == sympy.E:
            return call("exp", exponent)
        text = self.shapes.program.source.excerpt(*node.span)
        numbers = isinstance(base, sympy.Rational) and isinstance(exponent, sympy.Rational)
        if numbers and base not in (-1, 0, 1) and _bits(base) * abs(exponent) > MOST_BITS:
            raise _too_large(text)
        raised = power(base, exponent) if node.kind == "power" else hadamard_power(base, exponent)
        if isinstance(base, sympy.Number) and raised.has(sympy.I):
            raise InputError(f"{text} is not a real number")
        return raised

    hadamard_power = power


def _bits(number: sympy.Rational) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def _too_large(text: str) -> InputError:
    return InputError(f"the number {text} is too large to be written out")


BUILDERS: Final[Mapping[str, Callable[..., Expression]]] = {
    "sum": add,
    "negative": negate,
    "product": multiply,
    "hadamard": hadamard,
    "divide": divide,
    "hadamard_divide": hadamard_divide,
    "transpose": transpose,
}
"""Nodes that a builder of the vocabulary makes from their operands alone."""
