"""Values of formulas where a product has factors that are 0.

The gradient of ``prod(x)`` is written ``prod(x) ./ x``, which is 0/0 where an entry of x is 0; what
is meant there is the limit, the product of the other entries. Here such a formula is evaluated
twice, with steps of two sizes in place of the zeros of everything that a product is computed from:
what is left as the steps get smaller is its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sympy

from derive.verify.evaluation import evaluate, names_in
from derive.verify.functions import Array
from derive.verify.program import Program
from derive.vocabulary import Expression, MatrixCall, ScalarCall

__all__ = ["limit"]

STEPS: Final = (2.0**-100, 2.0**-102)
"""In place of zeros; far below the rounding of anything that they are added to."""

STEADY: Final = 1e-12
"""By how much, relatively, a value may change with the step and have a limit."""


@dataclass(frozen=True)
class _Steps:
    """Evaluation with a step in place of the zeros of some nodes.

    Attributes:
        nodes: Whose values get it.
        size: Of the step.
    """

    nodes: frozenset[Any]
    size: float

    def blur(self, node: Any, value: Any) -> Any:
        """The value of a node, without zeros if it is one of those."""
        return np.where(value == 0, self.size, value) if node in self.nodes else value

    def blur_array(self, value: Array) -> Array:
        """What a function computes inside, as it is."""
        return value


def limit(expression: Expression, program: Program, environment: Mapping[str, Any]) -> Array | None:
    """The value of an expression as the zeros in its products are approached.

    Args:
        expression: Over the names in ``environment``.
        program: The definitions.
        environment: Values of all names, definitions included.

    Returns:
        NaN where there is no limit; None if there is no product in what is computed.
    """
    needed = program.needed(sorted(names_in(expression) & set(program.names)))
    nodes = frozenset(_multiplied([expression, *map(program.expressions.get, needed)], program))
    if not nodes:
        return None
    values = []
    for size in STEPS:
        steps, beside = _Steps(nodes, size), dict(environment)
        for name in needed:
            beside[name] = program.compute(name, beside, noise=steps)
        values.append(evaluate(expression, beside, noise=steps))
    first, second = values
    with np.errstate(all="ignore"):
        vanishes = np.abs(second) <= np.abs(first) / 2
        is_steady = np.abs(second - first) <= STEADY * np.abs(second)
    return np.where(vanishes, 0.0, np.where(is_steady, second, np.nan))


def _multiplied(expressions: list[Any], program: Program) -> Iterator[Any]:
    """The nodes that products are computed from, through the names in them, constants left out."""
    stack = [
        part
        for expression in expressions
        for node in sympy.preorder_traversal(expression)
        if isinstance(node, MatrixCall | ScalarCall) and node.name == "prod"
        for part in node.args
    ]
    seen: set[Any] = set()
    while stack:
        node = stack.pop()
        if node in seen or not _varies(node):
            continue
        seen.add(node)
        yield node
        if not isinstance(node, sympy.Lambda):
            stack.extend(node.args)
        if isinstance(node, sympy.Symbol | sympy.MatrixSymbol):
            stack.extend(filter(None, [program.expressions.get(node.name)]))


def _varies(node: Any) -> bool:
    """Whether a node is computed from more than sizes."""
    return isinstance(node, sympy.Expr | sympy.MatrixExpr) and any(
        isinstance(part, sympy.MatrixSymbol)
        or (isinstance(part, sympy.Symbol) and not part.is_integer)
        for part in sympy.preorder_traversal(node)
    )
