"""Functions that are shown under a name the author did not write, said so."""

from __future__ import annotations

import re
from typing import Final

from derive.calculus.derivation import Derivation
from derive.tensor.nodes import Call, Map, Tensor
from derive.tensor.parts import children

__all__ = ["recognised_names"]

SPELLED_OUT: Final = {
    "softplus": ("log(1 + exp(t))", "softplus(t)"),
    "sigmoid": ("1/(1 + exp(−t))", "σ(t)"),
    "softmax": ("exp(z)/sum(exp(z))", "softmax(z)"),
    "logsumexp": ("log(sum(exp(z)))", "logsumexp(z)"),
}
"""Functions that are recognised, in the form in which they are spelled out, and as shown."""

DEFINED_WITH_THEM: Final = "logit|logistic|attention"
"""In the names of functions that have one of these in their definition."""


def recognised_names(derivation: Derivation) -> tuple[tuple[str, str], ...]:
    """What was written and what is shown, for each function that its author did not write."""
    written = " ".join(str(d.expression) for d in derivation.problem.definitions.values())
    shown: set[str] = set()
    for variable in derivation.names.values():
        if variable.value is not None:
            _functions(variable.value, shown)
    return tuple(
        (spelled, name)
        for function, (spelled, name) in SPELLED_OUT.items()
        if function in shown and not re.search(rf"{function}|{DEFINED_WITH_THEM}", written)
    )


def _functions(tensor: Tensor, found: set[str]) -> None:
    if isinstance(tensor, Map | Call):
        found.add(tensor.function)
    for part in children(tensor):
        _functions(part, found)
