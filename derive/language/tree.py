"""The syntax tree of a problem: what was written, and where.

An expression is a :class:`Node`; sums and runs of one kind of product are single nodes with many
children, so that a sum of thousands of terms is shallow. Expressions are walked with
:func:`in_order`, never by recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from derive.problem import RequestKind

__all__ = [
    "Declared",
    "Defined",
    "Name",
    "Node",
    "Remark",
    "Requested",
    "Span",
    "Statement",
    "in_order",
]

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation, name or number; equal only to itself.

    Attributes:
        kind: ``number``, ``name``, ``call``, ``constant``, ``comparison``, ``sum``, ``negative``,
            ``product``, ``hadamard``, ``divide``, ``hadamard_divide``, ``power``,
            ``hadamard_power``, ``transpose``, ``entry``, or among sizes ``slice``.
        span: Where it stands in the text.
        value: The name, the number as written, the comparison.
        children: Operands.
        sizes: Sizes in its brackets: of a constant, of a function that takes some, indices of an
            entry, bounds of a slice (its value is ``start`` or ``stop`` where it has one alone).
        depth: How many operations are nested in it.
    """

    kind: str
    span: Span
    value: str = ""
    children: tuple[Node, ...] = ()
    sizes: tuple[Node, ...] = ()
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A name where one is declared, defined or asked about."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Declared:
    """``name : shape facts``."""

    name: Name
    dimensions: tuple[Node, ...]
    facts: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Defined:
    """``name = expression``."""

    name: Name
    expression: Node


@dataclass(frozen=True, slots=True)
class Requested:
    """``kind expression wrt names``."""

    kind: RequestKind
    expression: Node
    wrt: tuple[Name, ...]
    joint: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Remark:
    """What is part of the language and not of a derivation: an expression alone, a check."""

    kind: str
    span: Span


Statement: TypeAlias = Declared | Defined | Requested | Remark


def in_order(root: Node) -> Iterator[Node]:
    """Every node under ``root``, children before their parent; sizes left out."""
    stack = [(root, False)]
    while stack:
        node, seen = stack.pop()
        if seen or not node.children:
            yield node
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))
