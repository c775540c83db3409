"""Every equality of a step in entries, for readers who want to follow each one."""

from __future__ import annotations

from collections.abc import Callable

from derive.calculus.derivation import Source, Step
from derive.calculus.rules import RULES, ArrayRule
from derive.notation.board import Row
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import LETTERS
from derive.tensor.substitution import coefficient_of

__all__ = ["proof_lines"]

Shown = Callable[[Tensor], str]


def proof_lines(
    step: Step, row: Row, first: bool, name: Callable[[Variable], str], shown: Shown
) -> list[str]:
    """What stands under one line of a step.

    Args:
        step: The step.
        row: The line.
        first: Whether it is the first one; the local derivatives stand under it.
        name: How a quantity is written.
        shown: How a tensor is written in index notation, with letters ``i, j, ...``.
    """
    lines: list[str] = []
    if first:
        for source in step.sources:
            lines += _local_derivative(source, step.quantity, name, shown)
    for reason in row.reasons:
        rule = RULES.get(reason.law)
        lines += rule.proof if isinstance(rule, ArrayRule) else ()
    entry = _entry(name(step.adjoint), 0, step.quantity.order)
    told = first and all(source.adjoint is None for source in step.sources)
    if told and len(step.sources) == 1:
        return lines
    return [*lines, *(f"{entry} = {shown(tensor)}" for tensor in row.tensors)]


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
