"""Entries and blocks of arrays: ``A[i, j]``, ``A[1:3, :]``, ``v[i]``, counted from 0.

The nodes are SymPy's own, ``MatrixElement`` and ``MatrixSlice``, and so is the count: a negative
index counts from the end, a stop is not in the block. A bound may be made of sizes; it is accepted
when it is inside for all values of these.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import sympy
from sympy import MatrixExpr
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from derive.errors import InputError, UnsupportedError
from derive.shapes import ONE, Dim, ShapeMismatch, is_at_least, same, shape_text
from derive.vocabulary.expressions import Expression, MatrixCall, call, extent_of
from derive.vocabulary.functions import FUNCTIONS

__all__ = [
    "Choice",
    "block",
    "complaint",
    "entries",
    "interval",
    "settle_entries",
    "sizes_in",
    "without_blocks",
]

Choice: TypeAlias = Dim | tuple[Dim | None, Dim | None]
"""Along one axis: an index, or a start and a stop; None for the beginning and the end."""

ZERO: Final[Dim] = sympy.Integer(0)
NOUNS: Final = {"entry": "entries", "row": "rows", "column": "columns"}


def interval(choice: Choice, size: Dim) -> tuple[Dim, Dim]:
    """Where a choice along an axis starts, and where it stops; an index stops after itself."""
    if not isinstance(choice, tuple):
        start = _from_start(choice, size)
        return start, start + 1
    start, stop = choice
    return (
        ZERO if start is None else _from_start(start, size),
        size if stop is None else _from_start(stop, size),
    )


def _from_start(index: Dim, size: Dim) -> Dim:
    return size + index if is_at_least(sympy.Integer(-1), index) else index


def complaint(
    choice: str, axis: str, owner: str, start: Dim, stop: Dim, size: Dim
) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with an interval of an axis: a summary, and what to do; None if it is inside.

    Args:
        choice: The choice as it was written.
        axis: ``entry``, ``row`` or ``column``.
        owner: Whose axis it is, as written.
        start: Of the interval.
        stop: Of the interval.
        size: Of the axis.
    """
    several = NOUNS[axis]
    is_range = ":" in choice
    chosen = f"{several if is_range else axis} {choice}"
    verb = "are" if is_range else "is"
    has = f"{owner} has {size} {axis if same(size, ONE) else several}"
    if is_at_least(start, stop):
        return f"there are no {chosen}", ("A block goes from its start to before its stop.",)
    below = is_at_least(sympy.Integer(-1), start)
    if below or is_at_least(start, size) or is_at_least(stop, size + 1):
        return f"{chosen} {verb} out of range: {has}", (f"{several.capitalize()} count from 0.",)
    if is_at_least(start, ZERO) and is_at_least(stop, start) and is_at_least(size, stop):
        return None
    # The first and the last: no array is without entries.
    if (same(start, ZERO) and same(stop, ONE)) or (same(stop, size) and same(start, size - 1)):
        return None
    return f"{chosen} may be out of range: {has}", (
        "An index is a number, or made of sizes with which it is always inside.",
    )


def entries(operand: Expression, *choices: Choice | int | slice) -> Expression:
    """An entry, some rows or columns, or a block of an array.

    Args:
        operand: The array.
        choices: For rows and columns, each an index, a pair of start and stop, or a ``slice``;
            one alone for the entries of a column vector.

    Raises:
        InputError: A choice is out of range, may be, or leaves nothing.
        ShapeMismatch: There are too many choices, or too few for a matrix.
        UnsupportedError: A slice has a step.

    >>> entries(sympy.MatrixSymbol("A", 3, 4), -1, (None, None))
    A[2:, :]
    """
    extent = extent_of(operand)
    if len(choices) == 1 and not same(extent[1], ONE):
        raise ShapeMismatch(
            f"one index needs a column vector, got {shape_text(extent)}",
            ("Give rows and columns: A[i, j], A[i, :] for a row, A[:, j] for a column.",),
            operands=(0,),
        )
    if len(choices) > 2:
        raise ShapeMismatch(f"an array has rows and columns, got {len(choices)} indices")
    axes = ("entry",) if len(choices) == 1 else ("row", "column")
    settled = [_choice(choice) for choice in choices]
    for axis, choice, size in zip(axes, settled, extent, strict=False):
        wrong = complaint(_text(choice), axis, str(operand), *interval(choice, size), size)
        if wrong is not None:
            raise InputError(*wrong)
    return block(operand, *settled)


def block(operand: Expression, rows: Choice, columns: Choice = (None, None)) -> Expression:
    """An entry or a block of an array that is known to be inside.

    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> block(sympy.MatrixSymbol("A", n - 1, 2), sympy.Integer(0), sympy.Integer(1))
    A[0, 1]
    """
    first, second = (
        interval(c, d) for c, d in zip((rows, columns), extent_of(operand), strict=True)
    )
    return _chosen(operand, first, second)


def sizes_in(expression: Expression) -> set[Dim]:
    """The symbols that stand for sizes: in shapes, in indices, where a function takes a size."""
    shaped = (sympy.MatrixSymbol, sympy.OneMatrix, sympy.ZeroMatrix, sympy.Identity)
    dims = [dim for node in expression.atoms(*shaped) for dim in node.shape]
    for node in expression.atoms(MatrixElement, MatrixSlice):
        dims += node.args[1:]
    for node in expression.atoms(MatrixCall):
        function = FUNCTIONS[node.name]
        dims += [o for place, o in enumerate(node.operands) if function.is_size(place)]
    return {symbol for dim in dims for symbol in dim.free_symbols}


def settle_entries(expression: Any) -> Any:
    """An expression with its entries counted from 0, all of them and all blocks inside.

    Raises:
        InputError: Names an array, and an index that is not known to be inside.
    """
    while negative := {
        node: MatrixElement(node.args[0], *counted)
        for node in expression.atoms(MatrixElement)
        if (counted := tuple(map(_from_start, node.args[1:], node.args[0].shape))) != node.args[1:]
    }:
        expression = expression.xreplace(negative)
    for node in sorted(expression.atoms(MatrixElement, MatrixSlice), key=str):
        parent, *chosen = node.args
        for axis, choice, size in zip(("row", "column"), chosen, parent.shape, strict=True):
            if isinstance(node, MatrixElement):
                start, stop, told = choice, choice + 1, str(choice)
            else:
                start, stop, _ = choice
                told = f"{start}:{stop}"
            wrong = complaint(told, axis, str(parent), start, stop, size)
            if wrong is not None:
                raise InputError(*wrong)
    return expression


def without_blocks(expression: Any) -> Any:
    """The expression with its block matrices written as arrays side by side."""
    while blocks := expression.atoms(sympy.BlockMatrix):
        expression = expression.xreplace({block: _joined(block) for block in blocks})
    return expression


def _joined(matrix: sympy.BlockMatrix) -> Any:
    """Blocks side by side in rows, the rows one below the other."""
    rows = [list(row) for row in matrix.blocks.tolist()]
    lines = [call("hcat", *row) if len(row) > 1 else row[0] for row in rows]
    return call("vcat", *lines) if len(lines) > 1 else lines[0]


def _chosen(operand: Expression, rows: tuple[Dim, Dim], columns: tuple[Dim, Dim]) -> Expression:
    if not isinstance(operand, MatrixExpr):
        return operand
    if (rows, columns) == tuple((ZERO, size) for size in operand.shape):
        return operand
    if isinstance(operand, MatrixSlice) and operand.rowslice[2] == operand.colslice[2] == 1:
        (top, left), parent = (operand.rowslice[0], operand.colslice[0]), operand.parent
        rows, columns = (rows[0] + top, rows[1] + top), (columns[0] + left, columns[1] + left)
        return _chosen(parent, rows, columns)
    if same(rows[1] - rows[0], ONE) and same(columns[1] - columns[0], ONE):
        return MatrixElement(operand, rows[0], columns[0])
    return MatrixSlice(operand, rows, columns)


def _choice(written: Choice | int | slice) -> Choice:
    """A choice in SymPy's numbers."""
    if isinstance(written, slice):
        if written.step not in (None, 1):
            raise UnsupportedError(f"a slice with step {written.step}; only step 1 is supported")
        written = (written.start, written.stop)
    if not isinstance(written, tuple):
        return _bound(written)
    start, stop = (None if bound is None else _bound(bound) for bound in written)
    return start, stop


def _bound(index: Any) -> Dim:
    if isinstance(index, int | sympy.Expr) and not isinstance(index, MatrixExpr | bool):
        return sympy.sympify(index)
    raise InputError(f"an index is a whole number, or made of sizes, got {index}")


def _text(choice: Choice) -> str:
    if not isinstance(choice, tuple):
        return str(choice)
    return ":".join("" if bound is None else str(bound) for bound in choice)
