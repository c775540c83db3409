"""Rewriting a tensor from its innermost parts outwards, each of them once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from derive.tensor.nodes import Tensor
from derive.tensor.parts import children, rebuild
from derive.tensor.recognition import recognise

__all__ = ["from_inside"]

Reason = TypeVar("Reason")


def from_inside(
    rule: Callable[[Tensor, dict[Reason, None]], Tensor],
) -> Callable[[Tensor, dict[Reason, None]], Tensor]:
    """A rule for the top of a tensor as a rewriting of the whole.

    What became of a part is remembered as long as the part is in use, and so is why.

    Args:
        rule: Of a tensor whose parts are rewritten already; enters the reasons for what it does.

    Returns:
        The rewriting, which enters the reasons for everything that it did.
    """
    known: WeakKeyDictionary[Tensor, tuple[Tensor | None, tuple[Reason, ...]]]
    known = WeakKeyDictionary()

    def rewritten(tensor: Tensor, reasons: dict[Reason, None]) -> Tensor:
        found = known.get(tensor)
        if found is None:
            own: dict[Reason, None] = {}
            parts, new = children(tensor), tensor
            if parts:
                others = [rewritten(part, own) for part in parts]
                if any(a is not b for a, b in zip(others, parts, strict=True)):
                    new = recognise(rebuild(tensor, others))
            new = rule(new, own)
            found = known[tensor] = (None if new is tensor else new, tuple(own))
        reasons.update(dict.fromkeys(found[1]))
        return tensor if found[0] is None else found[0]

    return rewritten
