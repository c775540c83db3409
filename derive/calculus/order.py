"""The order of computation: what a quantity is computed from, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derive.tensor.nodes import Variable
from derive.tensor.substitution import variables_of

__all__ = ["computed_from", "depending_on"]


def computed_from(of: Variable) -> set[Variable]:
    """The quantity and all it is computed from."""
    found, stack = {of}, [of]
    while stack:
        variable = stack.pop()
        parts = [] if variable.value is None else variables_of(variable.value)
        new = [part for part in parts if part not in found]
        found.update(new)
        stack.extend(new)
    return found


def depending_on(order: Iterable[Variable], wrt: Sequence[Variable]) -> set[Variable]:
    """The quantities through which a variable asked about has an influence."""
    found = set(wrt)
    for variable in order:
        if variable.value is not None and any(p in found for p in variables_of(variable.value)):
            found.add(variable)
    return found
