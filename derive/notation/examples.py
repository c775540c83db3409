"""Derivatives of a loss over many examples, as one sum over the examples.

A Hessian with respect to a weight matrix goes through the entries of whole layers,
``(I ⊗ X)ᵀ diag(vec(…)) (W ⊗ I) … (I ⊗ X)``. People write it one example at a time: a sum of
Kronecker products of what belongs to the rows, or columns, of one example. It is written so where
fewer signs are needed then.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from typing import Any, Final

from derive.notation.blocks import has_pairs, names_in, one_by_one
from derive.notation.expression import Expr, negative, total
from derive.notation.raising import RAISING, extent_of_tensor, under_one_sign
from derive.shapes import Dim
from derive.tensor.algebra import contract
from derive.tensor.nodes import Contraction, Sum, Tensor

__all__ = ["over_examples", "over_wholes"]

MOST_TERMS: Final = 8
"""A product of sums is multiplied out into no more terms than this."""

APART: Final = frozenset({"vec", "unvec", "kron", "commutation"})
"""Functions through which one has to look to see what belongs to one example."""


def over_examples(tensor: Tensor, form: Expr) -> Expr:
    """A matrix of derivatives as a sum over an index, if that is easier to read than its form.

    Args:
        tensor: Of order 2.
        form: In matrix notation.
    """
    if tensor.order != 2 or not _holds_pairs(tensor):
        return form
    terms = _multiplied_out(tensor)
    if not terms or len(terms) > MOST_TERMS:
        return form
    sums: dict[tuple[Any, Dim], list[Expr]] = {}
    names = names_in(tensor)
    for term in terms:
        for key, option in _shortest(term, names).items():
            sums.setdefault(key, []).append(option)
    options = [form]
    for parts in sums.values():
        if len(parts) == len(terms):
            options.append(total(under_one_sign(parts)))
    return min(options, key=_signs)


def over_wholes(form: Expr) -> Expr:
    """A form with whole arrays in place of sums over an index, where there is such a form."""
    if form.op == "sum_over":
        whole = RAISING.products.raised(form.value[2])
        return form if whole.has_index else whole
    if not form.has_index:
        return form
    return replace(form, args=tuple(map(over_wholes, form.args)))


def _holds_pairs(tensor: Tensor) -> bool:
    """Whether a term goes over the entries of a matrix."""
    if isinstance(tensor, Sum):
        return any(map(_holds_pairs, tensor.terms))
    if not isinstance(tensor, Contraction):
        return False
    return has_pairs(tensor) or any(_holds_pairs(factor) for factor, _, _ in tensor.factors)


def _multiplied_out(tensor: Tensor) -> list[Contraction]:
    """The terms, products multiplied out over sums that go over entries; none if too many."""
    if isinstance(tensor, Sum):
        return _all(_multiplied_out(term) for term in tensor.terms)
    if not isinstance(tensor, Contraction):
        return []
    for place, (factor, letters, power) in enumerate(tensor.factors):
        if isinstance(factor, Sum) and power == 1 and _holds_pairs(factor):
            others = [other for at, other in enumerate(tensor.factors) if at != place]
            axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
            return _all(
                _multiplied_out(
                    contract(tensor.coefficient, [*others, (term, letters)], axes, dims)
                )
                for term in factor.terms
            )
    return [tensor]


def _all(parts: Iterator[list[Contraction]]) -> list[Contraction]:
    """All terms of some parts; none where a part has none, or where they are too many."""
    found: list[Contraction] = []
    for part in parts:
        if not part or len(found) + len(part) > MOST_TERMS:
            return []
        found += part
    return found


def _shortest(term: Contraction, names: Set[str]) -> dict[tuple[Any, Dim], Expr]:
    """For each index and its size, the term as a sum over it, if it has a form for each value."""
    found: dict[tuple[Any, Dim], Expr] = {}
    for letter, index, fixed in one_by_one(term, names):
        body = RAISING.plain.raised(fixed)
        if body.has_index or _has_units(body):
            continue
        key = index, term.dims[letter]
        minus = body.op == "negative"
        value = (*key, _negated(term) if minus else term)
        inner = body.args[0] if minus else body
        form = Expr("sum_over", (inner,), *extent_of_tensor(term), value)
        form = negative(form) if minus else form
        if key not in found or _signs(form) < _signs(found[key]):
            found[key] = form
    return found


def _negated(term: Contraction) -> Tensor:
    return Contraction(-term.coefficient, term.factors, term.shape)


def _has_units(form: Expr) -> bool:
    """Whether unit vectors or arrays of ones are written."""
    if form.op == "slice" and form.args[0].op == "identity":
        return True
    if form.op in ("number", "ones") and not form.is_scalar:
        return True
    inner = [arg.args[0] if arg.op == "negative" else arg for arg in form.args]
    return any(_has_units(arg) for arg in inner if form.op != "add" or arg.op != "number")


def _signs(form: Expr) -> int:
    """How many names and numbers are written, and signs that take whole arrays apart."""
    if form.op == "index":
        return form.size
    own = not form.args or form.op == "sum_over" or (form.op == "call" and form.value in APART)
    return own + sum(map(_signs, form.args))
