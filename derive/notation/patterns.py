"""The table of index patterns, for a contraction of factors with at most two axes:

==================================  ==================================================
two factors on the same letters     Hadamard product
matrix and vector share a letter    matrix times vector (``A x``, ``Aᵀ x``)
two matrices share a letter         matrix product, with a vector between them ``A diag(v) B``
a letter twice on one matrix        its diagonal; summed, the trace
vectors alone on a summed letter    ``aᵀ b``, ``sum(a)``, ``‖a‖²``
matrix alone on a summed letter     row sums, column sums
vectors on the two free letters     outer product
vector and matrix on a free letter  ``diag(v) A``
a triangle of ones on a matrix      ``tril(A)``
a selection on a summed letter      rows or columns of the matrix
pairs of letters                    ``vec(A)``, ``kron(A, B)``
==================================  ==================================================

What no row covers (three matrices that meet in one letter, order above 2) is cut in two or summed
over one letter by :mod:`derive.notation.raising`, or printed in index notation; that is always
possible.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derive.notation.blocks import NoMatrixForm, fold_pairs, select_blocks
from derive.notation.expression import (
    Expr,
    call,
    diag,
    fraction,
    hadamard,
    is_entrywise,
    is_triangle_of_ones,
    negative,
    ones,
    power,
    product,
    transposed,
)
from derive.notation.sums import outer
from derive.shapes import ONE
from derive.tensor.nodes import Contraction, Tensor

__all__ = ["NoMatrixForm", "Pattern", "fewest_transposes"]


class _Matrix:
    """A matrix between two letters, on its way into the notation."""

    __slots__ = ("col", "expr", "row")

    def __init__(self, row: int, col: int, expr: Expr) -> None:
        self.row, self.col, self.expr = row, col, expr

    def read(self, row: int) -> Expr:
        """The matrix with this letter for its rows."""
        return self.expr if self.row == row else transposed(self.expr)

    def other(self, letter: int) -> int:
        return self.col if self.row == letter else self.row


class Pattern:
    """The factors of one contraction, combined until only free letters are left."""

    def __init__(self, raised: Callable[[Tensor], Expr], tensor: Contraction) -> None:
        self.order = tensor.order
        self.dims = tensor.dims
        self.scalars: list[Expr] = []
        self.divisors: list[Expr] = []
        self.vectors: dict[int, list[tuple[Expr, Fraction]]] = {}
        self.matrices: list[_Matrix] = []
        self.grids: dict[tuple[int, int], list[tuple[Expr, Fraction]]] = {}
        factors = fold_pairs(tensor)
        for item in select_blocks(raised, factors, self.order):
            self._enter(*item)
        for (row, col), items in self.grids.items():
            if row != col:
                self.matrices.append(_Matrix(row, col, _entrywise(items)))

    def _enter(self, expr: Expr, letters: tuple[int, ...], degree: Fraction) -> None:
        if not letters:
            base = power(expr, abs(degree))
            (self.scalars if degree > 0 else self.divisors).append(base)
        elif len(letters) == 1:
            self.vectors.setdefault(letters[0], []).append((expr, degree))
        elif len(letters) == 2:
            row, col = letters
            if row == col:
                part = Expr("diagonal", (expr,), expr.rows, ONE)
                self.vectors.setdefault(row, []).append((part, degree))
                return
            key = (row, col)
            both_summed = min(row, col) >= self.order
            if ((col, row) in self.grids and not both_summed) or (row > col and row < self.order):
                key, expr = (col, row), transposed(expr)
            self.grids.setdefault(key, []).append((expr, degree))
        else:
            raise NoMatrixForm

    def reduce(self) -> Expr | None:
        """Eliminate the summed letters; what is left lies along the free ones."""
        self._fold_outer_products()
        while True:
            letter = self._next_letter()
            if letter is None:
                break
            self._eliminate(letter)
        return self._remaining()

    def _fold_outer_products(self) -> None:
        """``u vᵀ ⊙ M`` where an entrywise matrix has a vector on either side."""
        for matrix in self.matrices:
            row, col = matrix.row, matrix.col
            if not self.order and len(self.matrices) == 1:
                continue
            if _is_entrywise(matrix.expr) and row in self.vectors and col in self.vectors:
                left, right = self._vector(row), self._vector(col)
                assert left is not None and right is not None
                matrix.expr = hadamard([product([left, transposed(right)]), matrix.expr])

    def _at(self, letter: int) -> list[_Matrix]:
        return [m for m in self.matrices if letter in (m.row, m.col)]

    def _next_letter(self) -> int | None:
        """The summed letter where the fewest matrices meet."""
        letters = set(self.vectors) | {x for m in self.matrices for x in (m.row, m.col)}
        summed = sorted(letter for letter in letters if letter >= self.order)
        if not summed:
            return None
        letter = min(summed, key=self._effort)
        if len(self._at(letter)) > 2:
            if self._merge_parallel():
                return self._next_letter()
            raise NoMatrixForm
        return letter

    def _merge_parallel(self) -> bool:
        """Two matrices on the same two letters become their Hadamard product."""
        for position, left in enumerate(self.matrices):
            for right in self.matrices[position + 1 :]:
                if {left.row, left.col} == {right.row, right.col}:
                    pair = [left.expr, right.read(left.row)]
                    left.expr = hadamard(sorted(pair, key=hadamard_order))
                    self.matrices.remove(right)
                    return True
        return False

    def _effort(self, letter: int) -> tuple[int, int, int]:
        """Few matrices first; then where not only entrywise ones meet."""
        here = self._at(letter)
        return len(here), sum(_is_entrywise(matrix.expr) for matrix in here), letter

    def _vector(self, letter: int) -> Expr | None:
        items = self.vectors.pop(letter, None)
        return _entrywise(items) if items else None

    def _eliminate(self, letter: int) -> None:
        matrices = self._at(letter)
        if not matrices:
            self._sum_vectors(letter)
        elif len(matrices) == 1:
            (matrix,) = matrices
            self.matrices.remove(matrix)
            other = matrix.other(letter)
            vector = self._vector(letter)
            if vector is None:
                if self._whole_sum(matrix, other):
                    return
                upright, turned = matrix.read(other), matrix.read(letter)
                column = Expr("rowsum", (upright,), upright.rows, ONE)
                if upright.transposes > turned.transposes:
                    column = transposed(Expr("colsum", (turned,), ONE, turned.cols))
            else:
                column = product([matrix.read(other), vector])
            self.vectors.setdefault(other, []).append((column, Fraction(1)))
        else:
            self._join(letter, *matrices)

    def _whole_sum(self, matrix: _Matrix, other: int) -> bool:
        """A matrix whose two letters are both summed, with nothing else on them."""
        if other < self.order or other in self.vectors or self._at(other):
            return False
        self.scalars.append(_sum_of(matrix.expr))
        return True

    def _sum_vectors(self, letter: int) -> None:
        items = self.vectors.pop(letter)
        if len(items) == 1 and items[0][1] == 2:
            norm = Expr("norm", (items[0][0],), ONE, ONE)
            self.scalars.append(power(norm, Fraction(2)))
            return
        positive = [item for item in items if item[1] == 1]
        indicator = any(hadamard_order(expr)[0] == 2 for expr, _ in items)
        above = [item for item in items if item[1] > 0]
        if len(above) >= 2 and positive and not indicator:
            left = positive[0]
            rest = [item for item in items if item is not left]
            right = _entrywise(rest)
            if left[0].op != "symbol" and len(rest) == 1 and rest[0][0].op == "symbol":
                left, right = rest[0], left[0]
                if left[1] != 1:
                    left, right = (right, Fraction(1)), _entrywise([left])
            self.scalars.append(fewest_transposes(product([transposed(left[0]), right])))
            return
        self.scalars.append(_sum_of(_entrywise(items)))

    def _join(self, letter: int, left: _Matrix, right: _Matrix) -> None:
        """Two matrices that meet in a letter become their product."""
        start, end = left.other(letter), right.other(letter)
        between = self._vector(letter)
        self.matrices.remove(left)
        self.matrices.remove(right)
        middle = [diag(between)] if between is not None else []
        if start == end:
            if start in self.vectors or start < self.order or self._at(start):
                both = hadamard([left.read(start), right.read(start)])
                self.matrices.append(_Matrix(start, letter, both))
                if between is not None:
                    self.vectors[letter] = [(between, Fraction(1))]
                return
            pair = (left.read(start), right.read(start))
            if between is None and any(e.op == "hadamard_power" or _is_entrywise(e) for e in pair):
                self.scalars.append(_sum_of(hadamard(sorted(pair, key=hadamard_order))))
                return
            chain = product([left.read(start), *middle, right.read(letter)])
            self.scalars.append(_trace(chain))
            return
        if start > end:
            start, end, left, right = end, start, right, left
        chain = product([left.read(start), *middle, right.read(letter)])
        for other in self.matrices:
            if {other.row, other.col} == {start, end} and start < self.order:
                other.expr = hadamard(sorted([other.read(start), chain], key=hadamard_order))
                other.row, other.col = start, end
                return
        self.matrices.append(_Matrix(start, end, chain))

    def _remaining(self) -> Expr | None:
        if self.order == 0:
            return None
        if self.order == 1:
            if self.matrices:
                raise NoMatrixForm
            return self._vector(0)
        if len(self.matrices) > 1:
            raise NoMatrixForm
        row, col = self._vector(0), self._vector(1)
        if not self.matrices:
            if row is not None and col is not None:
                return outer(row, col)
            if row is not None:
                return product([row, ones(ONE, self.dims[1])])
            return product([ones(self.dims[0], ONE), transposed(col)]) if col is not None else None
        body = self.matrices[0].read(0)
        left = [diag(row)] if row is not None else []
        right = [diag(col)] if col is not None else []
        if body.op == "identity" and len(left) + len(right) == 1:
            return (left or right)[0]
        if is_triangle_of_ones(body) and row is not None and col is not None:
            return hadamard([product([row, transposed(col)]), body])
        if body.op == "identity" and row is not None and col is not None:
            return diag(hadamard([row, col]))
        return product([*left, body, *right])


def _is_entrywise(expr: Expr) -> bool:
    if expr.op == "call":
        return is_entrywise(expr.value) or is_triangle_of_ones(expr)
    return expr.op in ("hadamard", "quotient")


def _entrywise(items: list[tuple[Expr, Fraction]]) -> Expr:
    """Arrays on the same letters multiplied entry by entry, negative powers below."""
    above = [power(expr, degree) for expr, degree in items if degree > 0]
    below = [power(expr, -degree) for expr, degree in items if degree < 0]
    above.sort(key=hadamard_order)
    below.sort(key=hadamard_order)
    return hadamard(above, below)


def hadamard_order(expr: Expr) -> tuple[int, int]:
    """Adjoints stand first, then short factors before long ones, indicators last."""
    if expr.op == "call" and expr.value in ("gt", "lt", "ge", "le"):
        return 2, expr.size
    inner = expr.args[0] if expr.op == "transpose" else expr
    adjoint = inner.op == "symbol" and inner.value.role == "adjoint"
    return (0 if adjoint else 1), expr.size


def _sum_of(expr: Expr) -> Expr:
    if expr.op == "call" and expr.value == "abs":
        return call("norm1", expr.args, ONE, ONE)
    if expr.op == "diagonal":
        return _trace(expr.args[0])
    if expr.op == "negative":
        return negative(_sum_of(expr.args[0]))
    turned = transposed(expr)
    if turned.transposes < expr.transposes and expr.op != "transpose":
        expr = turned
    return Expr("sum", (expr,), ONE, ONE)


def _trace(chain: Expr) -> Expr:
    """The trace of a chain, turned round if that leaves fewer transposes."""
    turned = transposed(chain)
    if turned.op == "transpose":
        turned = turned.args[0]
    best = turned if turned.transposes < chain.transposes else chain
    scalars = [arg for arg in best.args if arg.is_scalar] if best.op == "product" else []
    inner = product([a for a in best.args if not a.is_scalar]) if scalars else best
    return product([*scalars, Expr("trace", (inner,), ONE, ONE)])


def fewest_transposes(expr: Expr) -> Expr:
    """A product written as the transpose of its reverse where that saves at least two."""
    if expr.op == "negative":
        return negative(fewest_transposes(expr.args[0]))
    if expr.op == "fraction":
        return fraction(fewest_transposes(expr.args[0]), expr.args[1])
    if expr.op != "product":
        return expr
    scalars = [arg for arg in expr.args if arg.is_scalar]
    arrays = [arg for arg in expr.args if not arg.is_scalar]
    if not arrays:
        return expr
    reverse = product([transposed(arg) for arg in reversed(arrays)])
    if expr.is_scalar:
        return product([*scalars, reverse]) if reverse.transposes < expr.transposes else expr
    if reverse.op != "transpose" and expr.transposes - reverse.transposes >= 3:
        whole = Expr("transpose", (reverse,), reverse.cols, reverse.rows)
        return product([*scalars, whole])
    return expr
