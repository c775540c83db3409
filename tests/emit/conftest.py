"""Generated modules, run in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import numpy_module
from derive.language import parse
from derive.problem import Problem
from derive.shapes import as_dim


class Generated:
    """A problem's module: its text, and what it defines."""

    def __init__(self, statement: str) -> None:
        self.problem: Problem = parse(statement)
        self.derivation = derive(self.problem)
        self.text = numpy_module(self.derivation)
        self.names: dict[str, Any] = {"__name__": "generated"}
        exec(compile(self.text, "<generated>", "exec", dont_inherit=True), self.names)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(name) from None

    def body(self, function: str) -> str:
        """The lines of one function between its docstring and the next function."""
        text = self.text[self.text.index(f"def {function}(") :]
        return text.split("\n\n\n")[0].partition('"""\n')[2]

    def arguments(self, sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, Any]:
        """A random point that obeys the facts."""
        found: dict[str, Any] = {}
        lengths = {as_dim(name): length for name, length in sizes.items()}
        for name, variable in self.problem.variables.items():
            shape = tuple(int(dim.subs(lengths)) for dim in variable.shape)
            value = rng.standard_normal(shape)
            facts = variable.facts
            if "positive_definite" in facts:
                value = value @ value.T + np.eye(len(value))
            elif "symmetric" in facts:
                value = value + value.T
            if "diagonal" in facts:
                value = value * np.eye(len(value))
            if "positive" in facts:
                value = np.abs(value) + 0.2
            if "probability" in facts:
                value = np.exp(value) / np.exp(value).sum(axis=-1, keepdims=True)
            if "signs" in facts:
                value = np.where(value > 0, 1.0, -1.0)
            found[f"{name}_" if name == "lambda" else name] = value if shape else float(value)
        return found


@pytest.fixture(scope="session")
def generate() -> Callable[[str], Generated]:
    """Makes the module of a problem in the language; the same text is generated once."""
    made: dict[str, Generated] = {}

    def generated(statement: str) -> Generated:
        if statement not in made:
            made[statement] = Generated(statement)
        return made[statement]

    return generated
