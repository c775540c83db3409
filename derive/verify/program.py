"""Definitions in the order in which they are evaluated, and what each depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import sympy

from derive.errors import InputError
from derive.shapes import Shape, extent_of_shape, shape_of_extent
from derive.verify.evaluation import Errors, Walker, Watch, attentive, names_in
from derive.verify.functions import Array
from derive.vocabulary import Expression, extent_of

__all__ = ["Program", "shape_of", "sized"]


def shape_of(expression: Expression) -> Shape:
    """Shape of an expression's value: 1 x 1 is a scalar."""
    return shape_of_extent(extent_of(expression))


def sized(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape in numbers, as the judge keeps arrays: rows and columns, or nothing for a scalar.

    Raises:
        InputError: A dimension is not positive at these sizes.
    """
    if not shape:
        return ()
    extent = []
    for dim in extent_of_shape(shape):
        number = _number(dim, sizes)
        if number < 1:
            bindings = ", ".join(f"{name}={size}" for name, size in sizes.items())
            raise InputError(f"the dimension {dim} is {number} at {bindings}")
        extent.append(number)
    return tuple(extent)


def _number(dim: sympy.Expr, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, sympy.Symbol):
        return sizes[dim.name]
    return int(dim.subs({symbol: sizes[symbol.name] for symbol in dim.free_symbols}))


class Program:
    """Named expressions, sorted so that each uses only names before it.

    Args:
        expressions: By name.
        shapes: Of the values, by name.

    Attributes:
        names: In the order of evaluation.

    Raises:
        InputError: The definitions go round in a circle.
    """

    def __init__(self, expressions: Mapping[str, Expression], shapes: Mapping[str, Shape]) -> None:
        self.expressions = dict(expressions)
        self.shapes = dict(shapes)
        self.uses = {name: names_in(expression) for name, expression in expressions.items()}
        self.names = self._sorted()
        self._users: dict[str, list[str]] = {}
        self._sources: dict[str, frozenset[str]] = {}
        for name in self.names:
            inner = (self._sources.get(used, frozenset()) for used in self.uses[name])
            self._sources[name] = self.uses[name].union(*inner)
            for used in self.uses[name]:
                self._users.setdefault(used, []).append(name)

    def _sorted(self) -> tuple[str, ...]:
        own = self.expressions.keys()
        sorter = TopologicalSorter({name: sorted(self.uses[name] & own) for name in own})
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            around = ", ".join(dict.fromkeys(error.args[1]))
            raise InputError(f"the definitions of {around} go round in a circle") from None

    def users(self, name: str) -> frozenset[str]:
        """The definitions in which a name stands."""
        return frozenset(self._users.get(name, ()))

    def sources(self, name: str) -> frozenset[str]:
        """All names that a definition is computed from; none for a variable."""
        return self._sources.get(name, frozenset())

    def needed(self, outputs: Iterable[str]) -> tuple[str, ...]:
        """The definitions that the outputs are computed from, themselves included, in order."""
        wanted = frozenset(outputs).union(*(self.sources(output) for output in outputs))
        return tuple(name for name in self.names if name in wanted)

    def compute(
        self,
        name: str,
        environment: Mapping[str, Any],
        watch: Watch | None = None,
        noise: Errors | None = None,
    ) -> Array:
        """The value of one definition: (..., rows, columns), or (...) for a scalar."""
        expression = self.expressions[name]
        with attentive(watch):
            value = Walker(environment, watch, noise=noise).run(expression)
        if not self.shapes[name] and isinstance(expression, sympy.MatrixExpr):
            value = value[..., 0, 0]
        return np.asarray(value)

    def recompute(self, name: str, environment: Mapping[str, Any]) -> tuple[Array, float]:
        """The value of one definition, and the largest value met on the way to it."""
        watch = Watch()
        value = self.compute(name, environment, watch)
        return value, float(np.max(watch.largest, initial=np.abs(value).max()))
