"""Values of variables: generic entries of several kinds, made to obey the declared facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from derive.errors import InputError
from derive.problem import Variable
from derive.verify.facts import impose, obeys
from derive.verify.functions import Array
from derive.verify.program import sized

__all__ = ["KINDS", "NoPoint", "SingularMatrix", "draw_value"]

Kind = Callable[[np.random.Generator, tuple[int, int]], Array]


class NoPoint(InputError):
    """No point was found inside the domain of all functions."""


class SingularMatrix(NoPoint):
    """A matrix is singular that must not be.

    Args:
        name: The definition that it stands in.
        how: What it is, in words.
        where: How many points were tried, and at which sizes.
    """

    def __init__(self, name: str, how: str, where: str) -> None:
        self.culprit = f"a matrix in {name} is {how}"
        super().__init__(f"no point was found inside the domain: {self.culprit}", (where,))


def _normal(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    return rng.standard_normal(extent)


def _tame(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    """Normal entries, scaled so that a long chain of products stays near 1."""
    return rng.standard_normal(extent) / np.sqrt(max(extent))


def _near_identity(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    """A positive definite matrix where the extent is square, normal entries elsewhere."""
    value = rng.standard_normal(extent)
    if extent[0] != extent[1]:
        return value
    return value @ value.T / extent[0] + 0.5 * np.eye(extent[0])


def _wide(rng: np.random.Generator, extent: tuple[int, int]) -> Array:
    return 10 ** rng.uniform(0, 3, extent)


def _between(low: float, high: float) -> Kind:
    return lambda rng, extent: rng.uniform(low, high, extent)


KINDS: Final[tuple[Kind, ...]] = (
    _normal,
    _tame,
    _between(0.3, 2.0),
    _between(0.05, 0.95),
    _near_identity,
    lambda rng, extent: 0.2 * rng.standard_normal(extent),
    _between(1.2, 4.0),
    _between(-2.0, -0.3),
    _wide,
)
"""Kinds of entries, in the order in which they are tried."""


def draw_value(
    variable: Variable, sizes: Mapping[str, int], kind: int, rng: np.random.Generator
) -> Array:
    """A value of a variable that obeys its facts.

    Raises:
        NoPoint: Its facts contradict each other at this extent.
    """
    extent = sized(variable.shape, sizes)
    rows, columns = extent or (1, 1)
    value = impose(KINDS[kind](rng, (rows, columns)), variable.facts, variable.shape, rng)
    for fact in sorted(variable.facts):
        if not obeys(value, fact, variable.shape, variable.facts):
            raise NoPoint(
                f"no value was found for {variable.name} that is "
                f"{' and '.join(sorted(variable.facts))}"
            )
    return value.reshape(extent)
