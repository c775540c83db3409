"""Every equality of a step in entries, for readers who want to follow each one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from derive.calculus.derivation import Source, Step
from derive.calculus.rules import RULES, ArrayRule
from derive.notation.board import Row
from derive.tensor.algebra import contract
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import LETTERS
from derive.tensor.substitution import coefficient_of, variables_of

__all__ = ["proof_lines"]

Shown = Callable[[Tensor], str]

LEMMAS: Final[Mapping[str, tuple[str, ...]]] = {
    "left_factor": ("⟨Z̄, dW A⟩ = ⟨Z̄ Aᵀ, dW⟩",),
    "right_factor": ("⟨Z̄, W dA⟩ = ⟨Wᵀ Z̄, dA⟩",),
    "squared_norm": ("d(rᵀ r) = drᵀ r + rᵀ dr = 2 rᵀ dr",),
    "norm": ("‖r‖ = √(rᵀ r), so d‖r‖ = (2 rᵀ dr)/(2 √(rᵀ r)) = rᵀ dr/‖r‖",),
    "symmetric_variable": (
        "dJ = ⟨G, dX⟩ = ⟨Gᵀ, dXᵀ⟩ = ⟨Gᵀ, dX⟩ for symmetric dX, so dJ = ⟨(G + Gᵀ)/2, dX⟩",
    ),
    "diagonal_variable": ("dJ = ⟨G, dX⟩ = Σ_i G[i,i] dX[i,i] for diagonal dX",),
    "lower_triangular_variable": (
        "dJ = ⟨G, dX⟩ = Σ_{i ≥ j} G[i,j] dX[i,j] for lower triangular dX",
    ),
}
"""Laws of products and of structure, spelled out; those of functions are with their rules."""

SUMMED_AXIS: Final = {"centred": 0, "centred_columns": 0, "centred_rows": 1}
"""Along which axis the law says that something sums to 0."""


def proof_lines(
    step: Step,
    row: Row,
    first: bool,
    name: Callable[[Variable], str],
    shown: Shown,
    lemmas: bool = True,
) -> list[str]:
    """What stands under one line of a step.

    Args:
        step: The step.
        row: The line.
        first: Whether it is the first one; the local derivatives stand under it.
        name: How a quantity is written.
        shown: How a tensor is written in index notation, with letters ``i, j, ...``.
        lemmas: Whether the laws of the line are spelled out.
    """
    lines: list[str] = []
    if first:
        for source in step.sources:
            lines += _local_derivative(source, step.quantity, name, shown)
    for reason in row.reasons:
        if reason.law in SUMMED_AXIS:
            lines += _sums_to_zero(reason.subjects[0], SUMMED_AXIS[reason.law], name, shown)
        elif lemmas:
            lines += _lemma(reason.law)
    entry = _entry(name(step.adjoint), 0, step.quantity.order)
    told = first and all(source.adjoint is None for source in step.sources)
    if told and len(step.sources) == 1:
        return lines
    return [*lines, *(f"{entry} = {shown(tensor)}" for tensor in row.tensors)]


def _lemma(law: str) -> tuple[str, ...]:
    rule = RULES.get(law)
    return rule.proof if isinstance(rule, ArrayRule) else LEMMAS.get(law, ())


def _sums_to_zero(
    tensor: Tensor, axis: int, name: Callable[[Variable], str], shown: Shown
) -> list[str]:
    """Why the entries along an axis sum to 0, names first that it is built on."""
    if not isinstance(tensor, Variable) or tensor.value is None:
        return []
    axes = tuple(range(tensor.order))
    kept = tuple(x for x in axes if x != axis)
    lines: list[str] = []
    for part in variables_of(tensor.value):
        if part.value is not None and part.shape == tensor.shape:
            lines += _sums_to_zero(part, axis, name, shown)
    total = contract(1, [(tensor.value, axes)], kept, dict(enumerate(tensor.shape)))
    own = shown(contract(1, [(tensor, axes)], kept))
    return [*lines, f"{own} = {shown(total)} = 0"]


def _local_derivative(
    source: Source, quantity: Variable, name: Callable[[Variable], str], shown: Shown
) -> list[str]:
    """The formula of what is computed from a quantity, and its derivative, entry by entry."""
    user = source.user
    assert user.value is not None
    derivative = source.sent
    if source.adjoint is not None:
        found = coefficient_of(source.sent, source.adjoint)
        if found is None:
            return []
        derivative = found
    elif user.order:
        return []
    above = _entry(name(user), 0, user.order)
    below = _entry(name(quantity), user.order, quantity.order)
    return [f"{above} = {shown(user.value)}", f"∂{above}/∂{below} = {shown(derivative)}"]


def _entry(name: str, start: int, order: int) -> str:
    """A name with letters behind it, from the ``start``-th letter on."""
    return f"{name}[{','.join(LETTERS[start : start + order])}]" if order else name
