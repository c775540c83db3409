"""Problems written by hand, from SymPy and the vocabulary alone."""

from __future__ import annotations

from typing import Any

import pytest

from derive.problem import Definition, Problem, Request, Variable, symbol_of
from derive.shapes import Shape, as_dim, shape_of_extent
from derive.verify import Claim, Report, judge
from derive.vocabulary import Expression, extent_of


class Paper:
    """A sheet on which a problem is written, line by line."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.definitions: dict[str, Definition] = {}
        self.requests: list[Request] = []

    def given(self, name: str, *dims: int | str, facts: str = "") -> Expression:
        shape: Shape = tuple(as_dim(dim) for dim in dims)
        self.variables[name] = Variable(name, shape, frozenset(facts.split()))
        return symbol_of(name, shape)

    def define(self, name: str, expression: Expression, facts: str = "") -> Expression:
        shape = shape_of_extent(extent_of(expression))
        self.definitions[name] = Definition(name, expression, shape, frozenset(facts.split()))
        return symbol_of(name, shape)

    def ask(self, of: str, *wrt: str) -> None:
        self.requests.append(Request("grad", of, wrt))

    def check(self, wrt: str, *lines: Expression, of: str = "J", **options: Any) -> Report:
        """The judge's report on one claim."""
        claim = Claim(of, wrt, f"{wrt}_bar", lines, f"grad {of} wrt {wrt}", "gradient")
        return judge(self.problem, [claim], **options)

    @property
    def problem(self) -> Problem:
        return Problem(self.variables, self.definitions, tuple(self.requests))

    def bar(self, name: str) -> Expression:
        """The symbol of an adjoint."""
        return symbol_of(f"{name}_bar", self.problem.shape(name))


@pytest.fixture
def paper() -> Paper:
    return Paper()
