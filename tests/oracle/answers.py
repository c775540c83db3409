"""What the library makes of one problem, and how its values are asked for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from derive.calculus.derivation import Derivation
from derive.problem import Problem
from tests.oracle.oracle import Reference
from tests.oracle.sizes import size_of
from tests.oracle.tree import Request, Task, order_of

__all__ = ["Answer", "Array", "Asked", "Wrong", "near"]

PYTHON: Final = ("lambda", "class")
"""Names of variables that have another one in Python."""


class Wrong(Exception):
    """What the library answered is not so."""


@dataclass(frozen=True)
class Answer:
    """What the library makes of a problem; with the sizes here of the names that it chose."""

    task: Task
    problem: Problem
    derivation: Derivation
    module: Mapping[str, Any]
    renamed: Mapping[str, str]


@dataclass(frozen=True)
class Array:
    """Rows and columns of a value, and how many axes it has in generated code."""

    extent: tuple[int, ...]
    order: int

    @property
    def size(self) -> int:
        """How many entries."""
        return math.prod(self.extent)

    def given(self, vec: Any) -> Any:
        """As generated code takes it."""
        array = np.reshape(vec, self.extent, order="F").reshape(self.extent[: self.order])
        return array if self.order else float(array)

    def vec(self, found: Any, what: str) -> Any:
        """The entries of what generated code returned, column by column.

        Raises:
            Wrong: It has another shape.
        """
        if np.shape(found) != self.extent[: self.order]:
            raise Wrong(f"{what} has shape {np.shape(found)}")
        return np.ravel(np.reshape(found, self.extent), order="F")


@dataclass(frozen=True)
class Asked:
    """One request at one point.

    Attributes:
        answer: What the library makes of the problem.
        request: What is asked.
        of: What the library calls what is differentiated.
        sizes: Of the dimensions.
        values: Of the variables, each with two axes.
        expected: By the oracle.
        allowed: The error allowed in each derivative, and in the value under "".
    """

    answer: Answer
    request: Request
    of: str
    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    expected: Reference
    allowed: Mapping[str, float]

    @property
    def task(self) -> Task:
        """The problem."""
        return self.answer.task

    @property
    def value(self) -> Array:
        """What is differentiated."""
        of = self.request.of
        order = self.task.order(of.word) if of.op == "name" else order_of(of.shape)
        return Array(np.shape(self.expected.value), order)

    def array(self, name: str) -> Array:
        """What it is differentiated by."""
        extent = tuple(size_of(dim, self.sizes) for dim in self.task.shapes[name])
        return Array(extent, self.task.order(name))

    def takes_structure(self, name: str) -> bool:
        """Whether a function of the module returns the structure of its matrix on request."""
        return "structure" in inspect.signature(self.answer.module[name]).parameters

    def called(
        self, name: str, direction: Any = None, digits: Any = np.float64, **asked: Any
    ) -> Any:
        """What a function of the module returns, of a direction if it takes one."""
        function = self.answer.module.get(name)
        if function is None:
            raise Wrong(f"the module has no {name}")
        given: dict[str, Any] = {}
        for variable in self.task.variables:
            extent = self.values[variable.name].shape[: len(variable.dims)]
            value = np.reshape(self.values[variable.name], extent)
            written = f"{variable.name}_" if variable.name in PYTHON else variable.name
            given[written] = np.asarray(value, digits) if extent else digits(value.item())
        named = {own: size_of(dim, self.sizes) for own, dim in self.answer.renamed.items()}
        named |= {dim: self.sizes[dim] for dim in self.task.dims}
        wanted = inspect.signature(function).parameters
        given |= {dim: size for dim, size in named.items() if dim in wanted}
        if direction is not None:
            taken = [p.name for p in wanted.values() if p.default is p.empty]
            along = np.asarray(direction, digits)
            given |= {next(name for name in taken if name not in given): along}
        with np.errstate(all="ignore"):
            return function(**given, **asked)


def near(found: Any, expected: Any, allowed: float, what: str) -> None:
    """Compare two arrays.

    Raises:
        Wrong: They differ by more than is allowed.
    """
    off = np.max(np.abs(found - expected), initial=0.0)
    if not off <= allowed:
        scale = np.max(np.abs(expected), initial=0.0)
        raise Wrong(f"{what} off by {off:.2g} of {scale:.2g}")
