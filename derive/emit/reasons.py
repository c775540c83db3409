"""Why one line equals the line before, in words: one phrase for each law, fact and rewrite.

A phrase may use ``{v}`` for the quantity that the law was used of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from derive.calculus.rules import RULES, EntrywiseRule
from derive.emit.text import text
from derive.emit.words import ENGLISH, Signs, Wording, Words, joined
from derive.notation.expression import Expr, symbol, transposed
from derive.notation.raising import extent_of_tensor, raised
from derive.shapes import ONE
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.recognition import IDENTITIES

__all__ = ["FORMS", "OTHERS", "WHY", "named", "reason_words", "reasons_words"]

FORMS: Final[Mapping[str, str]] = {
    "chain_rule": "chain rule",
    "product_rule": "product rule: each {v} in turn",
    "left_factor": "$Z = W A$:  $W̄ = Z̄ Aᵀ$",
    "right_factor": "$Z = W A$:  $Ā = Wᵀ Z̄$",
    "same": "the same quantity under another name",
    "addend": "$z = … + b$:  $b̄ = z̄$",
    "scaled": "$z = c x$:  $x̄ = c z̄$",
    "repeated_columns": "{v} is added to every column: its adjoint sums over the columns",
    "repeated_rows": "{v} is added to every row: its adjoint sums over the rows",
    "repeated_entries": "{v} is added to every entry: its adjoint sums over the entries",
    "summed": "a sum sends its adjoint to every term",
    "transposed": "$Z = Xᵀ$:  $X̄ = Z̄ᵀ$",
    "trace": "$d tr X = tr dX$",
    "hadamard": "$z = a ⊙ x$:  $x̄ = a ⊙ z̄$",
    "inner_product": "$z = aᵀ x$:  $x̄ = z̄ a$",
    "squared_norm": "$d‖r‖² = 2 rᵀ dr$",
    "norm": "$d‖r‖ = rᵀ dr / ‖r‖$",
    "root": "$√′(x) = 1/(2 √x)$",
    "power": "$(xᵏ)′ = k xᵏ⁻¹$",
    "triangle": "what is cut off does not count: the adjoint is cut off alike",
    "block": "a block: its adjoint goes back to its place",
    "rearranged": "entries change places: the adjoint goes back to theirs",
    "linear": "linear in {v}",
    "mixed": "second derivatives may be taken in either order",
    "d_left_factor": "$Z = W A$:  $vec(dZ) = (Aᵀ ⊗ I) vec(dW)$",
    "d_right_factor": "$Z = W A$:  $vec(dZ) = (I ⊗ W) vec(dA)$",
    "d_two_sided": "$Z = A X B$:  $vec(dZ) = (Bᵀ ⊗ A) vec(dX)$",
    "d_applied": "$z = A x$:  $dz = A dx$",
    "d_outer": "$Z = a bᵀ$:  $vec(Z) = b ⊗ a$",
    "d_addend": "$z = … ± b$:  $dz = ± db$",
    "d_scaled": "$z = c x$:  $dz = c dx$",
    "d_multiple": "$z = c x$:  $dz = c dx$",
    "d_hadamard": "$z = a ⊙ x$:  $dz = a ⊙ dx = diag(a) dx$",
    "d_inner_product": "$z = aᵀ x$:  $dz = aᵀ dx$",
    "d_transposed": "$vec(dXᵀ) = K vec(dX)$ with the commutation matrix $K$",
    "d_summed": "$d sum(x) = sum(dx)$",
    "d_repeated_columns": "{v} is added to every column, and each moves with it",
    "d_repeated_rows": "{v} is added to every row, and each moves with it",
    "d_repeated_entries": "{v} is added to every entry, and each moves with it",
    "d_triangle": "what is cut off does not count",
    "d_block": "a block: its entries alone count",
    "d_rearranged": "entries change places",
}

WHY: Final[Mapping[str, str]] = {
    "inserted": "{v} inserted",
    "entrywise": "entry by entry, cancelled",
    "expanded": "multiplied out",
    "apart": "$(A B)⁻¹ = B⁻¹ A⁻¹$ and $det(A B) = det(A) det(B)$",
    "factored": "common factor taken out",
    "multiplied_out": "multiplied out",
    "one_by_one": "one term for each value of the index",
    "cancelled": "cancelled",
    "symmetric": "{v} is symmetric",
    "orthogonal": "{product} = $I$, since {v} is orthogonal",
    "inverse_pair": "{product} = $I$",
    "diagonal": "{v} is diagonal",
    "onehot": "{product} = {v}, since {v} is one-hot",
    "signs": "{product} = 1, since the entries of {v} are 1 and $−1$",
    "centred": "the entries of {v} sum to 0",
    "centred_rows": "each row of {v} sums to 0",
    "centred_columns": "each column of {v} sums to 0",
    "nonnegative": "{v} has no negative entries",
    "positive": "{v} is positive",
    "symmetric_variable": "{v} is symmetric, so the gradient is $(G + Gᵀ)/2$",
    "lower_triangular": "{v} is lower triangular",
    "even": "$σ(t) (1 − σ(t))$ is the same for $t$ and $−t$",
    "penrose": "{product} = {v} and its like (Penrose)",
    "cholesky": "$L Lᵀ = A$ for the Cholesky factor $L$ of $A$",
    "lower_triangular_variable": "{v} is lower triangular, so only that triangle counts",
    "diagonal_variable": "{v} is diagonal, so only the diagonal counts",
}


STATEMENTS: Final = frozenset(statement for rows in IDENTITIES.values() for statement, _ in rows)
"""Identities by which functions are recognised; each is its own reason."""

SIGNS: Final = (
    (r"abs\((\w+)\)", r"|\1|"),
    (r"sigmoid\(", "σ("),
    (r"\^2", "²"),
    (r"\^k", "ᵏ"),
    (r"\*", " "),
    (r"-", "−"),
    (r"'", "ᵀ"),
)
"""How the language's signs are written in a reason."""

OTHERS: Final = (
    "{names} are symmetric",
    "each row of {v} sums to 1",
    "{product} = 1, since {v} is a probability vector",
    "as in {number}",
    " and the like",
)
"""Further phrases that reasons are made of."""

AND_THE_LIKE: Final = " and the like"


def _identity_words(statement: str, say: Wording) -> Words:
    """An identity by which a function is recognised."""
    more = statement.endswith(AND_THE_LIKE)
    rest = statement.removesuffix(AND_THE_LIKE)
    for sign, written in SIGNS:
        rest = re.sub(sign, written, rest)
    members = [Signs(member) for member in _members(rest)]
    found = joined(members, say.comma)
    return joined((found, say.text(AND_THE_LIKE))) if more else found


def _members(identities: str) -> list[str]:
    """Identities between commas that stand in no brackets."""
    found, depth = [""], 0
    for sign in identities:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return [member.strip() for member in found]


def named(tensor: Tensor) -> Expr:
    """A quantity by its name, anything else by its formula."""
    if isinstance(tensor, Variable):
        rows, cols = extent_of_tensor(tensor)
        return symbol(tensor, cols, rows) if tensor.row else symbol(tensor, rows, cols)
    return raised(tensor)


def reasons_words(reasons: Iterable[Reason], say: Wording = ENGLISH) -> tuple[Words, ...]:
    """Several reasons in words, each once; what is symmetric is said in one."""
    found = tuple(reasons)
    symmetric = {r.subjects[0]: None for r in found if r.law == "symmetric"}
    told: dict[Words, None] = {}
    for reason in found:
        if reason.law == "symmetric" and len(symmetric) > 1:
            names = sorted(map(named, symmetric), key=lambda name: (len(text(name)), text(name)))
            told[say("{names} are symmetric", names=say.listed(names))] = None
        else:
            told.update(dict.fromkeys(reason_words(reason, say)))
    return tuple(told)


def reason_words(reason: Reason, say: Wording = ENGLISH) -> tuple[Words, ...]:
    """One reason in words; what is said of its kink is a reason of its own."""
    forms = [named(subject) for subject in reason.subjects]
    subjects = joined(forms, say.comma)
    if reason.law == "probability":
        (subject,) = forms
        if not subject.is_column:
            return (say("each row of {v} sums to 1", v=subject),)
        total = Expr("sum", (subject,), ONE, ONE)
        return (say("{product} = 1, since {v} is a probability vector", v=subject, product=total),)
    phrase = FORMS.get(reason.law) or WHY.get(reason.law)
    if phrase is not None:
        products = [PRODUCTS[reason.law](form) for form in forms if reason.law in PRODUCTS]
        return (say(phrase, v=subjects, product=joined(products, say.comma)),)
    if reason.law in STATEMENTS:
        return (_identity_words(reason.law, say),)
    rule = RULES[reason.law]
    told = (say(rule.statement),)
    return (*told, say(rule.kink)) if isinstance(rule, EntrywiseRule) and rule.kink else told


def _inverse(form: Expr) -> Expr:
    return Expr("call", (form,), form.cols, form.rows, "inv")


PRODUCTS: Final[Mapping[str, Callable[[Expr], Expr]]] = {
    "orthogonal": lambda v: Expr("product", (transposed(v), v), v.cols, v.cols),
    "inverse_pair": lambda v: Expr("product", (_inverse(v), v), v.rows, v.rows),
    "onehot": lambda v: Expr("hadamard", (v, v), v.rows, v.cols),
    "signs": lambda v: Expr("hadamard", (v, v), v.rows, v.cols),
    "penrose": lambda v: Expr(
        "product", (v, Expr("call", (v,), v.cols, v.rows, "pinv"), v), v.rows, v.cols
    ),
}
"""The product that a fact or law is about, of its subject."""
