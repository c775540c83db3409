"""Why one line equals the line before, in words: one template for each law, fact and rewrite.

A template may use ``{v}`` for the quantity the law was used of and ``{u}`` for the quantity that is
computed from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from derive.calculus.rules import RULES, EntrywiseRule
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor
from derive.tensor.recognition import IDENTITIES

__all__ = ["reason_text", "reasons_text"]

FORMS: Final[Mapping[str, str]] = {
    "chain_rule": "chain rule",
    "product_rule": "product rule: each {v} in turn",
    "left_factor": "Z = W A:  W̄ = Z̄ Aᵀ",
    "right_factor": "Z = W A:  Ā = Wᵀ Z̄",
    "same": "the same quantity under another name",
    "addend": "z = … + b:  b̄ = z̄",
    "scaled": "z = c x:  x̄ = c z̄",
    "repeated_columns": "{v} is added to every column: its adjoint sums over the columns",
    "repeated_rows": "{v} is added to every row: its adjoint sums over the rows",
    "repeated_entries": "{v} is added to every entry: its adjoint sums over the entries",
    "summed": "a sum sends its adjoint to every term",
    "transposed": "Z = Xᵀ:  X̄ = Z̄ᵀ",
    "trace": "d tr X = tr dX",
    "hadamard": "z = a ⊙ x:  x̄ = a ⊙ z̄",
    "inner_product": "z = aᵀ x:  x̄ = z̄ a",
    "squared_norm": "d‖r‖² = 2 rᵀ dr",
    "norm": "d‖r‖ = rᵀ dr / ‖r‖",
    "root": "√′(x) = 1/(2 √x)",
    "power": "(xᵏ)′ = k xᵏ⁻¹",
    "triangle": "what is cut off does not count: the adjoint is cut off alike",
    "block": "a block: its adjoint goes back to its place",
    "rearranged": "entries change places: the adjoint goes back to theirs",
    "linear": "linear in {v}",
}

WHY: Final[Mapping[str, str]] = {
    "inserted": "{v} inserted",
    "entrywise": "entry by entry, cancelled",
    "expanded": "multiplied out",
    "apart": "(A B)⁻¹ = B⁻¹ A⁻¹ and det(A B) = det(A) det(B)",
    "factored": "common factor taken out",
    "multiplied_out": "multiplied out",
    "cancelled": "cancelled",
    "symmetric": "{v} is symmetric",
    "orthogonal": "{v}ᵀ {v} = I, since {v} is orthogonal",
    "inverse_pair": "{v}⁻¹ {v} = I",
    "diagonal": "{v} is diagonal",
    "onehot": "{v} ⊙ {v} = {v}, since {v} is one-hot",
    "signs": "{v} ⊙ {v} = 1, since the entries of {v} are 1 and −1",
    "centred": "the entries of {v} sum to 0",
    "centred_rows": "each row of {v} sums to 0",
    "centred_columns": "each column of {v} sums to 0",
    "nonnegative": "{v} has no negative entries",
    "positive": "{v} is positive",
    "symmetric_variable": "{v} is symmetric, so the gradient is (G + Gᵀ)/2",
    "lower_triangular": "{v} is lower triangular",
    "even": "σ(t) (1 − σ(t)) is the same for t and −t",
    "penrose": "{v} {v}⁺ {v} = {v} and its like (Penrose)",
    "cholesky": "L Lᵀ = A for the Cholesky factor L of A",
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
)
"""How the language's signs are written in a reason."""


def _identity_text(statement: str) -> str:
    for sign, written in SIGNS:
        statement = re.sub(sign, written, statement)
    return statement


def reasons_text(reasons: Iterable[Reason], show: Callable[[Tensor], str]) -> str:
    """Several reasons in words, each once; what is symmetric is said in one."""
    found = tuple(reasons)
    symmetric = {show(reason.subjects[0]) for reason in found if reason.law == "symmetric"}
    told: dict[str, None] = {}
    for reason in found:
        if reason.law == "symmetric" and len(symmetric) > 1:
            *first, last = sorted(symmetric, key=lambda name: (len(name), name))
            told[f"{', '.join(first)} and {last} are symmetric"] = None
        else:
            told[reason_text(reason, show)] = None
    return "; ".join(told)


def reason_text(reason: Reason, show: Callable[[Tensor], str]) -> str:
    """One reason in words.

    Args:
        reason: Law and subjects.
        show: How a tensor is written.
    """
    subjects = ", ".join(show(subject) for subject in reason.subjects)
    if reason.law == "probability":
        (subject,) = reason.subjects
        if subject.order == 2:
            return f"each row of {subjects} sums to 1"
        return f"1ᵀ {subjects} = 1, since {subjects} is a probability vector"
    template = FORMS.get(reason.law) or WHY.get(reason.law)
    if template is not None:
        return template.format(v=subjects)
    if reason.law in STATEMENTS:
        return _identity_text(reason.law)
    rule = RULES[reason.law]
    text = rule.statement
    if isinstance(rule, EntrywiseRule) and rule.kink:
        text = f"{text}; {rule.kink}"
    return text
