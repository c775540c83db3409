"""Tensors raised to matrix notation.

What each node becomes; contractions go through the table of :mod:`derive.notation.patterns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from sympy import expand

from derive.notation.blocks import NoMatrixForm, has_pairs, joined, one_by_one, terms_in_pairs
from derive.notation.expression import (
    DOWN_COLUMNS,
    Expr,
    block,
    call,
    diag,
    fraction,
    identity,
    is_decimal,
    negative,
    number,
    ones,
    power,
    product,
    scaled,
    symbol,
    total,
    transposed,
)
from derive.notation.fronts import Front, tidied
from derive.notation.patterns import Pattern, fewest_transposes
from derive.notation.splitting import splits
from derive.notation.sums import between, gathered
from derive.shapes import ONE, Dim
from derive.tensor.algebra import add, contract, scale, transpose
from derive.tensor.definitions import PARAMETERS
from derive.tensor.incidence import is_incidence, offset_of
from derive.tensor.nodes import Call, Constant, Contraction, Delta, Map, Sum, Tensor, Variable

__all__ = ["RAISING", "extent_of_tensor", "raised", "under_one_sign"]

CALL_NAMES = {"inverse": "inv"}
SMALL = Fraction(1, 100)
"""A number below this one is added last: ``var(x) + 1e-05``."""
BY_ROWS = {
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp",
    "layernorm": "layernorm",
    "rmsnorm": "rmsnorm",
    "amax": "max",
    "amin": "min",
    "var": "var",
}
"""Functions along the last axis that have a name of their own for the rows of a matrix."""


MOST_KEPT: Final = 5_000
"""Forms are kept for what is raised next until there are so many."""


def extent_of_tensor(tensor: Tensor) -> tuple[Dim, Dim]:
    """Rows and columns of a tensor of order at most 2; a vector is a column."""
    shape = (*tensor.shape, ONE, ONE)
    return shape[0], shape[1]


def raised(tensor: Tensor) -> Expr:
    """The tensor in matrix notation; index notation where there is none."""
    if len(RAISING.done) > MOST_KEPT:
        RAISING.forget()
    return RAISING.raised(tensor)


class _Raising:
    """Raises tensors, each once.

    What has no form may be a sum over one letter, with ``sums``, or a product that is cut where a
    matrix is multiplied entry by entry, with ``splits``.
    """

    def __init__(self, sums: bool = True, splits: bool = True) -> None:
        self.sums, self.splits = sums, splits
        self.plain = _Raising(sums=False, splits=False) if splits else self
        self.products = _Raising(sums=False, splits=splits) if sums else self
        self.done: dict[Tensor, Expr] = {}

    def forget(self) -> None:
        """Raise everything anew from here."""
        for raising in {self, self.products, self.plain, self.products.plain}:
            raising.done.clear()

    def raised(self, tensor: Tensor) -> Expr:
        known = self.done.get(tensor)
        if known is None:
            try:
                known = self._raise(tensor)
            except NoMatrixForm:
                known = self._by_parts(tensor)
            if known is None:
                known = Expr("index", (), *extent_of_tensor(tensor), tensor)
            self.done[tensor] = known
        return known

    def _by_parts(self, tensor: Tensor) -> Expr | None:
        """A product cut in two, or a sum over one letter of what has a form for each value of it.

        Sums over examples of Kronecker products are written so: the letter becomes an index of
        the matrices that carry it. Of several forms the shortest is taken.
        """
        if not isinstance(tensor, Contraction) or not has_pairs(tensor):
            return None
        extent, cut = extent_of_tensor(tensor), self._cut(tensor)
        found = [] if cut is None else [cut]
        for letter, index, fixed in one_by_one(tensor) if self.sums else ():
            body = self.plain.raised(fixed)
            if not body.has_index:
                value = (index, tensor.dims[letter], tensor)
                found.append(Expr("sum_over", (body,), *extent, value))
        return min(found, key=_strain, default=None)

    def _cut(self, tensor: Contraction) -> Expr | None:
        """A product of matrices with a diagonal matrix between them; whichever cut works first."""
        if not self.splits or tensor.order != 2:
            return None
        inner = self.products
        arrays = [factor for factor in tensor.factors if factor[1]]
        numbers = [(self.raised(f), degree) for f, letters, degree in tensor.factors if not letters]
        above = [power(form, degree) for form, degree in numbers if degree > 0]
        below = [power(form, -degree) for form, degree in numbers if degree < 0]
        for parts in splits(arrays, tensor.dims):
            left, middle, right = map(inner.raised, parts)
            if not (left.has_index or middle.has_index or right.has_index):
                body = product([left, diag(middle), right])
                front = Front(tensor.coefficient, tuple(above), tuple(below), body)
                return _assembled(tidied(front), *extent_of_tensor(tensor))
        return None

    def _raise(self, tensor: Tensor) -> Expr:
        if tensor.order > 2:
            raise NoMatrixForm
        rows, cols = extent_of_tensor(tensor)
        if isinstance(tensor, Variable):
            return (
                transposed(symbol(tensor, ONE, rows)) if tensor.row else symbol(tensor, rows, cols)
            )
        if isinstance(tensor, Constant):
            return Expr("constant", (), ONE, ONE, tensor.value)
        if isinstance(tensor, Delta):
            return identity(rows)
        if isinstance(tensor, Sum):
            blocks = joined(self.raised, tensor)
            if blocks is not None:
                return blocks
            return self._turned_sum(tensor, self._sum(tensor, rows, cols))
        if isinstance(tensor, Map):
            args = [self._along(arg, ls, tensor.order) for arg, ls in tensor.args]
            return call(tensor.function, args, rows, cols)
        if isinstance(tensor, Call):
            return self._call(tensor, rows, cols)
        assert isinstance(tensor, Contraction)
        return self._contraction(tensor, rows, cols)

    def _along(self, tensor: Tensor, letters: tuple[int, ...], order: int) -> Expr:
        """An argument of an entrywise function, turned so that it lies along the result."""
        inner = self.raised(tensor)
        if letters in ((1, 0), (1,)) and order == 2:
            return transposed(inner)
        return inner

    def _call(self, tensor: Call, rows: Dim, cols: Dim) -> Expr:
        if is_incidence(tensor):
            return _incidence(tensor, rows, cols)
        argument, *rest = tensor.args
        inner = self.raised(argument)
        name = CALL_NAMES.get(tensor.function, tensor.function)
        if name == "amax" and inner.op == "call" and inner.value == "abs" and not tensor.order:
            return call("norminf", inner.args, rows, cols)
        if tensor.function in BY_ROWS and argument.order == 2 and tensor.order:
            name = f"row{BY_ROWS[tensor.function]}"
            if name in DOWN_COLUMNS and tensor.order == 1 and inner.op == "transpose":
                return transposed(call(DOWN_COLUMNS[name], inner.args, cols, rows))
        if tensor.function in PARAMETERS:
            return call(name, [inner, *self._parameters(tensor)], rows, cols)
        return call(name, [inner, *map(self.raised, rest)], rows, cols)

    def _parameters(self, layer: Call) -> list[Expr]:
        """gamma, beta and epsilon of a normalising layer, where epsilon is not the usual one."""
        *before, usual = PARAMETERS[layer.function]
        (epsilon,) = layer.args[1:]
        return [] if epsilon is usual else [self.raised(p) for p in (*before, epsilon)]

    def _turned_sum(self, tensor: Sum, expr: Expr) -> Expr:
        """A sum as the transpose of one that has fewer transposes inside."""
        if tensor.order != 2 or not expr.transposes:
            return expr
        turned = transpose(tensor)
        assert isinstance(turned, Sum | Contraction)
        inner = self._sum(turned, expr.cols, expr.rows) if isinstance(turned, Sum) else None
        if inner is None:
            return expr
        saved = expr.transposes - inner.transposes - 1
        if saved < 0 or (saved == 0 and inner.transposes != 1):
            return expr
        return Expr("transpose", (inner,), expr.rows, expr.cols)

    def _sum(self, tensor: Sum, rows: Dim, cols: Dim) -> Expr:
        terms = []
        jacobian = any(isinstance(f, Delta) for term in tensor.terms for f, _, _ in term.factors)
        for term in tensor.terms:
            covered = term.letters
            expr = self.raised(scale(abs(term.coefficient), _unsigned(term)))
            if not jacobian and not all(axis in covered for axis in range(term.order)):
                expr = self._broadcast(term, rows, cols)
            if jacobian and expr.op == "number":
                expr = product([number(expr.value), ones(rows, cols)])
            terms.append(negative(expr) if term.coefficient < 0 else expr)
        if len({_has_sum(term) for term in terms}) > 1:
            terms = [self._without_sum(term) for term in terms]
        ordered = sorted(under_one_sign(terms), key=_reading_order)
        shared = between(ordered) if all(map(has_pairs, tensor.terms)) else None
        return total(ordered) if shared is None else shared

    def _without_sum(self, expr: Expr) -> Expr:
        """A sum over an index as a product, where it stands beside others that are no sums."""
        if expr.op == "negative":
            return negative(self._without_sum(expr.args[0]))
        if expr.op != "sum_over":
            return expr
        found = self.products.raised(expr.value[2])
        return expr if found.has_index else found

    def _broadcast(self, term: Contraction, rows: Dim, cols: Dim) -> Expr:
        """A term that lacks an axis, repeated along it."""
        kept = tuple(axis for axis in range(term.order) if axis in term.letters)
        inner = self.raised(contract(abs(term.coefficient), term.factors, kept))
        if inner.op == "number":
            return number(inner.value, rows, cols)
        if kept == (1,):
            inner = transposed(inner)
        return Expr("broadcast", (inner,), rows, cols)

    def _contraction(self, tensor: Contraction, rows: Dim, cols: Dim) -> Expr:
        blocks = joined(self.raised, tensor)
        if blocks is not None:
            return blocks
        wide = terms_in_pairs(tensor)
        if wide is not tensor:
            return self._raise(wide)
        coefficient, tensor = _positive(tensor)
        norm = self._norm(tensor)
        if norm is not None:
            return scaled(coefficient, norm)
        work = Pattern(self.raised, tensor)
        body = work.reduce()
        front = tidied(Front(coefficient, tuple(work.scalars), tuple(work.divisors), body))
        return fewest_transposes(_assembled(front, rows, cols))

    def _norm(self, tensor: Contraction) -> Expr | None:
        """The sum of squares of an array as a squared norm."""
        if tensor.order or len(tensor.factors) != 1 or tensor.coefficient < 0:
            return None
        factor, letters, degree = tensor.factors[0]
        if degree != 2 or len(set(letters)) != factor.order or not letters:
            return None
        norm = Expr("norm", (_shorter(self.raised(factor)),), ONE, ONE)
        return power(norm, Fraction(2))


def _has_sum(expr: Expr) -> bool:
    inner = expr.args[0] if expr.op == "negative" else expr
    return inner.op == "sum_over"


def _strain(form: Expr) -> tuple[int, bool]:
    """How hard a form is to read: a sum over an index is, where it has unit vectors or ones."""
    if form.op != "sum_over":
        return form.size, True
    units = _units(form.args[0])
    return form.size * (2 if units else 1) + units, False


def _units(form: Expr) -> int:
    """How many unit vectors and arrays of ones are written."""
    if form.op == "slice" and form.args[0].op == "identity":
        return 1
    return (form.op in ("number", "ones") and not form.is_scalar) + sum(map(_units, form.args))


RAISING: Final = _Raising()


def under_one_sign(terms: Sequence[Expr]) -> list[Expr]:
    """Sums over the same index as one sum."""
    sums: dict[tuple[Any, Dim], list[Expr]] = {}
    others: list[Expr] = []
    for term in terms:
        inner = term.args[0] if term.op == "negative" else term
        if inner.op == "sum_over":
            sums.setdefault(inner.value[:2], []).append(term)
        else:
            others.append(term)
    for (index, size), parts in sums.items():
        if len(parts) == 1:
            others.extend(parts)
            continue
        bodies, tensors = [], []
        for part in parts:
            inner = part.args[0] if part.op == "negative" else part
            bodies.append(negative(inner.args[0]) if part.op == "negative" else inner.args[0])
            tensors.append(scale(-1 if part.op == "negative" else 1, inner.value[2]))
        value = (index, size, add(tensors, tensors[0].shape))
        body = gathered(bodies)
        others.append(Expr("sum_over", (body,), parts[0].rows, parts[0].cols, value))
    return others


def _incidence(tensor: Call, rows: Dim, cols: Dim) -> Expr:
    """A triangle of ones, or rows of the identity; one row is a column of it."""
    if tensor.function == "lower":
        return call("tril", [ones(rows, cols)], rows, cols)
    if tensor.function != "select":
        raise NoMatrixForm
    start = offset_of(tensor)
    if tensor.order == 1:
        return block(identity(rows), None, start)
    return block(identity(cols), (start, expand(start + rows)), None)


def _shorter(expr: Expr) -> Expr:
    """The expression or its transpose, whichever has fewer transposes."""
    turned = transposed(expr)
    return turned if turned.transposes < expr.transposes else expr


def _unsigned(term: Contraction) -> Contraction:
    return Contraction(Fraction(1), term.factors, term.shape)


def _reading_order(expr: Expr) -> tuple[int, int, int]:
    """Numbers first, then products before single symbols; small numbers last."""
    inner = expr.args[0] if expr.op == "negative" else expr
    plain = inner.op in ("number", "identity") and expr.op != "negative"
    if plain:
        small = inner.op == "number" and inner.value < SMALL
        return (3 if small else 0), 0, 0
    if inner.op in ("product", "hadamard"):
        return 1, -inner.size, inner.transposes
    return 2, inner.size, inner.transposes


def _positive(tensor: Contraction) -> tuple[Fraction, Contraction]:
    """A negative coefficient taken into a factor that has minus signs of its own."""
    coefficient = tensor.coefficient
    if coefficient >= 0:
        return coefficient, tensor
    for position, (factor, letters, degree) in enumerate(tensor.factors):
        odd = degree > 0 and degree.denominator == 1 and degree % 2
        alone = sum(other is factor for other, _, _ in tensor.factors) == 1
        if not isinstance(factor, Sum) or not odd or not alone:
            continue
        if any(term.coefficient < 0 for term in factor.terms):
            turned = Sum(tuple(map(_negated, factor.terms)))
            factors = [(_with_sign_of(turned, factor, t), ls, d) for t, ls, d in tensor.factors]
            factors[position] = (turned, letters, degree)
            return -coefficient, Contraction(-coefficient, tuple(factors), tensor.shape)
    return coefficient, tensor


def _with_sign_of(turned: Sum, factor: Sum, other: Tensor) -> Tensor:
    """A sum of squares of what was negated beside it, written with the same sign."""
    if isinstance(other, Contraction) and len(other.factors) == 1:
        inner, letters, degree = other.factors[0]
        if inner is factor and degree % 2 == 0:
            return Contraction(other.coefficient, ((turned, letters, degree),), other.shape)
    return other


def _negated(term: Contraction) -> Contraction:
    return Contraction(-term.coefficient, term.factors, term.shape)


def _assembled(front: Front, rows: Dim, cols: Dim) -> Expr:
    """Coefficient, scalars and divisors put around the body."""
    coefficient, scalars, divisors = front.coefficient, front.scalars, front.divisors
    body = front.body
    if body is None:
        if not (scalars or divisors):
            return number(coefficient, rows, cols)
        scalar = product(scalars) if scalars else number(1)
        if divisors:
            scalar = _divided(coefficient, scalar, divisors)
        else:
            scalar = scaled(coefficient, scalar)
        if scalar.rows == rows and scalar.cols == cols:
            return scalar
        if scalar.op == "fraction":
            return fraction(product([scalar.args[0], ones(rows, cols)]), scalar.args[1])
        return product([scalar, ones(rows, cols)])
    inner = product([*scalars, body]) if scalars else body
    if body.op == "quotient" and body.args[0].op == "number" and scalars:
        inner = Expr("quotient", (product(scalars), body.args[1]), body.rows, body.cols)
    return _divided(coefficient, inner, divisors) if divisors else scaled(coefficient, inner)


def _divided(coefficient: Fraction, above: Expr, divisors: Sequence[Expr]) -> Expr:
    """A multiple of something divided by scalars; the denominator stands below with them."""
    if is_decimal(coefficient):
        return fraction(scaled(coefficient, above), product(divisors))
    below = scaled(Fraction(coefficient.denominator), product(divisors))
    return fraction(scaled(Fraction(coefficient.numerator), above), below)
