"""Sums of Kronecker products, written short: what the terms share stands once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from derive.notation.expression import (
    Expr,
    call,
    fraction,
    negative,
    product,
    scaled,
    total,
    transposed,
)

__all__ = ["between", "gathered", "outer"]


def outer(column: Expr, other: Expr) -> Expr:
    """The outer product of two columns; of Kronecker products that of their parts."""
    left, right = _parts_of_kronecker(column), _parts_of_kronecker(other)
    if not (left or right):
        return product([column, transposed(other)])
    first = outer(left[0] if left else column, right[0] if right else other)
    second = outer(left[1], right[1]) if left and right else None
    second = second or (left[1] if left else transposed(right[1]))
    return call("kron", [first, second], column.rows, other.rows)


def _parts_of_kronecker(expr: Expr) -> tuple[Expr, ...]:
    """The two parts of a Kronecker product; none of anything else."""
    return expr.args if expr.op == "call" and expr.value == "kron" and len(expr.args) == 2 else ()


def gathered(terms: Sequence[Expr]) -> Expr:
    """The sum; Kronecker products that share a part are one Kronecker product."""
    times = Counter(part for term in terms for part in _summands(term))
    terms = [scaled(Fraction(count), term) for term, count in times.items()]
    for place in (1, 0):
        groups: dict[tuple[bool, Expr], list[Expr]] = {}
        for term in terms:
            parts = _parts_of_kronecker(_front(term)[2])
            groups.setdefault((bool(parts), parts[place] if parts else term), []).append(term)
        if len(groups) < len(terms):
            return total([_shared(group, place) for group in groups.values()])
    return total(terms)


def _shared(terms: Sequence[Expr], place: int) -> Expr:
    """Kronecker products with the same part at a place, as one; scalars of all stay outside."""
    if len(terms) == 1:
        return terms[0]
    fronts = [_front(term) for term in terms]
    alike = len({front for _, front, _ in fronts}) == 1
    others = []
    for minus, front, body in fronts:
        other = body.args[1 - place]
        other = other if alike else _with_front(front, other)
        others.append(negative(other) if minus else other)
    both = [total(others), fronts[0][2].args[place]]
    whole = call("kron", both[:: 1 if place else -1], terms[0].rows, terms[0].cols)
    return _with_front(fronts[0][1], whole) if alike else whole


def _with_front(front: tuple[tuple[Expr, ...], Expr | None], body: Expr) -> Expr:
    """A body with scalars before it, and one below."""
    scalars, below = front
    above = product([*scalars, body]) if scalars else body
    return above if below is None else fraction(above, below)


def _summands(expr: Expr) -> tuple[Expr, ...]:
    """The terms of a sum, minus signs taken into them."""
    if expr.op == "negative" and expr.args[0].op == "add":
        return tuple(negative(term) for term in expr.args[0].args)
    return expr.args if expr.op == "add" else (expr,)


def _front(expr: Expr) -> tuple[bool, tuple[tuple[Expr, ...], Expr | None], Expr]:
    """Whether there is a minus sign, the scalars before and below, and the rest."""
    minus = expr.op == "negative"
    inner = expr.args[0] if minus else expr
    below = inner.args[1] if inner.op == "fraction" else None
    inner = inner.args[0] if inner.op == "fraction" else inner
    if inner.op == "product" and not inner.args[-1].is_scalar:
        scalars = inner.args[:-1]
        if all(scalar.is_scalar for scalar in scalars):
            return minus, (scalars, below), inner.args[-1]
    return minus, ((), below), inner


def between(terms: Sequence[Expr]) -> Expr | None:
    """A sum of products that begin or end with the same factors, ``A (B − C) D``.

    Returns:
        The product; None where nothing is shared.
    """
    fronts = [_factors(term) for term in terms]
    if len({below for _, _, _, below in fronts}) > 1:
        return None
    below, chains = fronts[0][3], [list(arrays) for _, _, arrays, _ in fronts]
    before: list[Expr] = []
    behind: list[Expr] = []
    while place := _shared_end(chains):
        taken = {chain.pop(0 if place == "first" else -1) for chain in chains}
        (before if place == "first" else behind).extend(taken)
    if not (before or behind):
        return None
    inner = []
    for (minus, scalars, _, _), chain in zip(fronts, chains, strict=True):
        body = product([*scalars, *chain])
        inner.append(negative(body) if minus else body)
    whole = product([*before, total(inner), *behind[::-1]])
    return whole if below is None else fraction(whole, below)


def _shared_end(chains: Sequence[Sequence[Expr]]) -> str:
    """At which end all chains have the same factor, a diagonal one last; "" if at none."""
    if min(map(len, chains)) < 2:
        return ""
    firsts, lasts = {chain[0] for chain in chains}, {chain[-1] for chain in chains}
    found = {"first": firsts, "last": lasts}
    shared = {place: next(iter(ends)) for place, ends in found.items() if len(ends) == 1}
    return min(shared, key=lambda place: shared[place].op == "diag", default="")


def _factors(term: Expr) -> tuple[bool, tuple[Expr, ...], tuple[Expr, ...], Expr | None]:
    """Whether there is a minus sign; the scalars, the arrays, and what divides them."""
    minus, inner = term.op == "negative", term.args[0] if term.op == "negative" else term
    below = inner.args[1] if inner.op == "fraction" else None
    inner = inner.args[0] if inner.op == "fraction" else inner
    args = inner.args if inner.op == "product" else (inner,)
    scalars = tuple(arg for arg in args if arg.is_scalar)
    return minus, scalars, tuple(arg for arg in args if not arg.is_scalar), below
