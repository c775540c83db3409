"""Every equality of a step in entries, for readers who want to follow each one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from derive.calculus.derivation import Source, Step
from derive.calculus.rules import RULES, ArrayRule
from derive.emit.words import ENGLISH, Derivative, Equation, Formula, Indexed, Signs, Wording, Words
from derive.notation.board import Row
from derive.tensor.algebra import contract
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import alphabet
from derive.tensor.substitution import coefficient_of, variables_of

__all__ = ["LEMMAS", "proof_lines"]

LEMMAS: Final[Mapping[str, tuple[str, ...]]] = {
    "left_factor": ("$⟨Z̄, dW A⟩ = ⟨Z̄ Aᵀ, dW⟩$",),
    "right_factor": ("$⟨Z̄, W dA⟩ = ⟨Wᵀ Z̄, dA⟩$",),
    "squared_norm": ("$d(rᵀ r) = drᵀ r + rᵀ dr = 2 rᵀ dr$",),
    "norm": ("$‖r‖ = √(rᵀ r)$, so $d‖r‖ = (2 rᵀ dr)/(2 √(rᵀ r)) = rᵀ dr/‖r‖$",),
    "symmetric_variable": (
        "$dJ = ⟨G, dX⟩ = ⟨Gᵀ, dXᵀ⟩ = ⟨Gᵀ, dX⟩$ for symmetric $dX$, so $dJ = ⟨(G + Gᵀ)/2, dX⟩$",
    ),
    "diagonal_variable": ("$dJ = ⟨G, dX⟩ = Σ_i G[i,i] dX[i,i]$ for diagonal $dX$",),
    "lower_triangular_variable": (
        "$dJ = ⟨G, dX⟩ = Σ_{i ≥ j} G[i,j] dX[i,j]$ for lower triangular $dX$",
    ),
}
"""Laws of products and of structure, spelled out; those of functions are with their rules."""

SUMMED_AXIS: Final = {"centred": 0, "centred_columns": 0, "centred_rows": 1}
"""Along which axis the law says that something sums to 0."""


def proof_lines(
    step: Step, row: Row, first: bool, lemmas: bool = True, say: Wording = ENGLISH
) -> list[Words]:
    """What stands under one line of a step.

    Args:
        step: The step.
        row: The line.
        first: Whether it is the first one; the local derivatives stand under it.
        lemmas: Whether the laws of the line are spelled out.
        say: The language.
    """
    lines: list[Words] = []
    if first:
        for source in step.sources:
            lines += _local_derivative(source, step.quantity)
    for reason in row.reasons:
        if reason.law in SUMMED_AXIS:
            lines += _sums_to_zero(reason.subjects[0], SUMMED_AXIS[reason.law])
        elif lemmas:
            lines += [say(line) for line in _lemma(reason.law)]
    told = first and all(source.adjoint is None for source in step.sources)
    if told and len(step.sources) == 1:
        return lines
    for tensor in row.tensors:
        letters = alphabet(tensor)[: tensor.order]
        left: Formula = Indexed(step.adjoint, letters)
        if step.adjoint.order == tensor.order:
            lines.append((Equation((left, Indexed(tensor, letters))),))
    return lines


def _lemma(law: str) -> tuple[str, ...]:
    rule = RULES.get(law)
    return rule.proof if isinstance(rule, ArrayRule) else LEMMAS.get(law, ())


def _sums_to_zero(tensor: Tensor, axis: int) -> list[Words]:
    """Why the entries along an axis sum to 0, names first that it is built on."""
    if not isinstance(tensor, Variable) or tensor.value is None:
        return []
    axes = tuple(range(tensor.order))
    kept = tuple(x for x in axes if x != axis)
    lines: list[Words] = []
    for part in variables_of(tensor.value):
        if part.value is not None and part.shape == tensor.shape:
            lines += _sums_to_zero(part, axis)
    total = contract(1, [(tensor.value, axes)], kept, dict(enumerate(tensor.shape)))
    own = contract(1, [(tensor, axes)], kept)
    letters = alphabet(total)[: total.order]
    return [*lines, (Equation((Indexed(own, letters), Indexed(total, letters), Signs("0"))),)]


def _local_derivative(source: Source, quantity: Variable) -> list[Words]:
    """The formula of what is computed from a quantity, and its derivative, entry by entry."""
    user = source.user
    assert user.value is not None
    derivative = _coefficient(source)
    if derivative is None or derivative.order != user.order + quantity.order:
        return []
    letters = alphabet(derivative)
    above, below = letters[: user.order], letters[user.order : user.order + quantity.order]
    formula = Equation((Indexed(user, above), Indexed(user.value, above)))
    local = Derivative(Indexed(user, above), (Indexed(quantity, below),))
    return [(formula,), (Equation((local, Indexed(derivative, above + below))),)]


def _coefficient(source: Source) -> Tensor | None:
    """du/dv in entries, axes of u first: of a gradient's step, what stands beside the adjoint."""
    if source.adjoint is None and not source.user.order:
        return source.sent
    if source.adjoint is not None and source.adjoint.role == "adjoint":
        return coefficient_of(source.sent, source.adjoint)
    return source.jacobian
