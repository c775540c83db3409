"""A problem: symbols with shapes and facts, definitions, and the question asked of them.

The language and Python meet here. Every expression in a :class:`Problem` is SymPy's: matrices and
vectors are ``MatrixSymbol`` (a vector has one column), scalars are real ``Symbol``, sizes are
positive integer ``Symbol``. A definition refers to the ones before it by its symbol, so that no
expression grows with the depth of a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy
from sympy import MatrixSymbol

from derive.errors import InputError, UnsupportedError
from derive.shapes import (
    ONE,
    Dim,
    Shape,
    as_dim,
    extent_of_shape,
    same,
    shape_of_extent,
    shape_text,
)
from derive.vocabulary import FACTS, Expression, extent_of, scalar

__all__ = ["Definition", "Problem", "Request", "Variable", "symbol_of"]

RequestKind = Literal["grad", "jacobian", "hessian"]

SQUARE_FACTS = frozenset({"symmetric", "positive_definite", "diagonal", "orthogonal",
                          "lower_triangular"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """A symbol that is given: a parameter, a datum, a constant.

    Attributes:
        name: As written.
        shape: ``()``, ``(n,)`` or ``(m, n)``.
        facts: Declared properties, from :data:`derive.vocabulary.FACTS`.
        inferred: Whether the shape was inferred and not declared.
    """

    name: str
    shape: Shape
    facts: frozenset[str] = frozenset()
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A name for an expression; later expressions use the name.

    Attributes:
        name: As written.
        expression: SymPy's, over symbols of variables, sizes and earlier definitions.
        shape: Of the value; 1 x 1 is a scalar ``()``.
        facts: Declared properties of the value.
        given: Whether the user chose the name; False for the name ``f`` of an unnamed request.
    """

    name: str
    expression: Expression
    shape: Shape
    facts: frozenset[str] = frozenset()
    given: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One question: the derivative of a quantity with respect to others.

    Attributes:
        kind: ``grad``, ``jacobian`` or ``hessian``.
        of: Name of a definition (or variable).
        wrt: Names of variables or definitions.
        joint: Whether the variables form one block (``wrt (w, b)``).
    """

    kind: RequestKind
    of: str
    wrt: tuple[str, ...]
    joint: bool = False


def symbol_of(name: str, shape: Shape) -> Expression:
    """The SymPy symbol that stands for a name of this shape."""
    if not shape:
        return sympy.Symbol(name, real=True)
    return MatrixSymbol(name, *extent_of_shape(shape))


@dataclass(frozen=True)
class Problem:
    """Symbols, definitions in order, and requests.

    Attributes:
        variables: By name, in order of appearance.
        definitions: By name; each uses only variables and definitions before it.
        requests: In order.
        name: Of the problem (the file's stem), for titles.
        source: The text it was read from, if any.
        notes: What was assumed while reading, one sentence each (inferred kinds).
    """

    variables: Mapping[str, Variable]
    definitions: Mapping[str, Definition]
    requests: tuple[Request, ...]
    name: str = "problem"
    source: str = ""
    notes: tuple[str, ...] = ()
    sizes: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        names: dict[str, None] = {}
        quantities = (*self.variables.values(), *self.definitions.values())
        for quantity in quantities:
            for dim in quantity.shape:
                for symbol in sorted(dim.free_symbols, key=str):
                    names.setdefault(symbol.name)
        object.__setattr__(self, "sizes", tuple(names))

    def shape(self, name: str) -> Shape:
        """Shape of a variable or definition."""
        quantity = self.variables.get(name) or self.definitions[name]
        return quantity.shape

    def facts(self, name: str) -> frozenset[str]:
        """Declared facts of a variable or definition."""
        quantity = self.variables.get(name) or self.definitions[name]
        return quantity.facts

    def symbol(self, name: str) -> Expression:
        """The SymPy symbol of a variable or definition."""
        return symbol_of(name, self.shape(name))
