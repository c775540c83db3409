"""Values of formulas where a product has factors that are 0.

The gradient of ``prod(x)`` is written ``prod(x) ./ x``, which is 0/0 where an entry of x is 0; what
is meant there is the limit, the product of the other entries. Here such a formula is evaluated
twice, with steps of two sizes in place of all zeros: what is left as the steps get smaller is its
value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from derive.verify.evaluation import evaluate, names_in
from derive.verify.functions import Array
from derive.verify.program import Program
from derive.vocabulary import Expression, MatrixCall, ScalarCall

__all__ = ["limit"]

STEPS: Final = (2.0**-100, 2.0**-102)
"""In place of zeros; far below the rounding of anything that they are added to."""

NEAR: Final = 1e-6
"""By how much, relatively, steps may change a value that is steady there."""

STEADY: Final = 1e-12
"""By how much, relatively, a value may change with the step and have a limit."""


@dataclass(frozen=True)
class _Steps:
    """Evaluation with a step in place of zeros; those of constants, and of products, stay.

    Attributes:
        products: Names of what is computed from a product.
        size: Of the step.
    """

    products: frozenset[str]
    size: float

    def blur(self, node: Any, value: Any, operands: Sequence[Any] = ()) -> Any:
        """The value of a node, without zeros if it is what products may be computed from."""
        is_zero = value == 0
        if not np.any(is_zero) or not _varies(node) or _has_product(node, self.products):
            return value
        return np.where(is_zero, self.size, value)

    def near(self, value: Any, stepped: Any) -> Any:
        """A value with steps, or where these make it jump, as at the 0 of a sign, without them."""
        jumps = np.abs(stepped - value) > NEAR * (1 + np.abs(value))
        return np.where(jumps, np.where(value == 0, self.size, value), stepped)

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
    products = frozenset[str]()
    for name in needed:
        if _has_product(program.expressions[name], products):
            products |= {name}
    if not _has_product(expression, products):
        return None
    values = []
    for size in STEPS:
        steps, beside = _Steps(products, size), dict(environment)
        for name in needed:
            stepped = program.compute(name, beside, noise=steps)
            beside[name] = steps.near(environment[name], stepped)
        values.append(evaluate(expression, beside, noise=steps))
    first, second = values
    with np.errstate(all="ignore"):
        vanishes = np.abs(second) <= np.abs(first) / 2
        is_steady = np.abs(second - first) <= STEADY * np.abs(second)
    return np.where(vanishes, 0.0, np.where(is_steady, second, np.nan))


def _has_product(expression: Any, products: frozenset[str]) -> bool:
    """Whether an expression is computed from the product of the entries of something."""
    return bool(products & names_in(expression)) or any(
        node.name == "prod" for node in expression.atoms(MatrixCall, ScalarCall)
    )


def _varies(node: Any) -> bool:
    """Whether a node is computed from more than sizes."""
    return any(not getattr(symbol, "is_integer", False) for symbol in node.free_symbols)
