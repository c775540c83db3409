"""The reverse sweep through one formula: adjoints sent back from a tensor to its variables.

If ``G`` is the adjoint of ``T``, every part of ``T`` receives what the differential of ``T`` says:

* contraction: to each factor, the contraction with that factor left out and ``G`` put in;
* sum: to each term ``G``, summed over the letters that the term lacks;
* map and call: the row of :data:`derive.calculus.rules.RULES`.

Each node is visited once, after everything that uses it, so the work grows linearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.calculus.rules import RULES, ArrayRule, EntrywiseRule, IndexedFactor, V, X, Y, Z
from derive.errors import UnsupportedError
from derive.shapes import Dim
from derive.tensor.algebra import add, contract, invoke
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Factor,
    Letters,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.parts import children
from derive.tensor.recognition import recognise
from derive.tensor.scalars import from_scalar

__all__ = ["Sent", "adjoints", "rule_of"]

Sent = dict[Variable, Tensor]


def rule_of(tensor: Map | Call) -> EntrywiseRule | ArrayRule:
    """The law of a function.

    Raises:
        UnsupportedError: There is none.
    """
    rule = RULES.get(tensor.function)
    if rule is None:
        raise UnsupportedError(f"there is no law of differentiation for {tensor.function}")
    return rule


def adjoints(tensor: Tensor, adjoint: Tensor, value: Tensor | None = None) -> Sent:
    """What a tensor sends back to the variables in it.

    Args:
        tensor: The formula.
        adjoint: Its adjoint, of the same shape.
        value: A name for the whole formula, used where a law needs its value.

    Returns:
        For each variable in the formula (variables with values are not opened), its adjoint.
    """
    order = _topological(tensor)
    known = {} if value is None else _known_values(tensor, value)
    received: dict[Tensor, list[Tensor]] = {tensor: [adjoint]}
    sent: Sent = {}
    for node in order:
        parts = received.pop(node, None)
        if parts is None:
            continue
        total = parts[0] if len(parts) == 1 else add(parts, node.shape)
        if isinstance(node, Variable):
            sent[node] = total
            continue
        named = known.get(node, node)
        for child, back in _send(node, total, named):
            received.setdefault(child, []).append(back)
    return sent


def _known_values(tensor: Tensor, value: Tensor) -> dict[Tensor, Tensor]:
    """What the name of a formula says of its parts: of a transpose, also of what is turned."""
    found = {tensor: value}
    if isinstance(tensor, Contraction) and tensor.coefficient == 1 and len(tensor.factors) == 1:
        inner, letters, power = tensor.factors[0]
        if power == 1 and sorted(letters) == list(range(tensor.order)):
            found[inner] = contract(1, [(value, tuple(range(tensor.order)))], letters)
    return found


def _topological(tensor: Tensor) -> list[Tensor]:
    """Every node once, each before its parts."""
    finished: dict[Tensor, None] = {}
    stack: list[tuple[Tensor, bool]] = [(tensor, False)]
    while stack:
        node, left = stack.pop()
        if left:
            finished[node] = None
        elif node not in finished:
            stack.append((node, True))
            stack.extend((child, False) for child in children(node) if child not in finished)
    return list(reversed(finished))


def _send(node: Tensor, adjoint: Tensor, value: Tensor) -> list[tuple[Tensor, Tensor]]:
    if isinstance(node, Contraction):
        return _through_contraction(node, adjoint)
    if isinstance(node, Sum):
        return [(term, adjoint) for term in node.terms]
    if isinstance(node, Map):
        return _through_map(node, adjoint, value)
    if isinstance(node, Call):
        return _through_call(node, adjoint, value)
    assert isinstance(node, Constant | Delta)
    return []


def _through_contraction(node: Contraction, adjoint: Tensor) -> list[tuple[Tensor, Tensor]]:
    """To each factor, the contraction without it; a power is brought down first."""
    found = []
    axes = tuple(range(node.order))
    for position, (tensor, letters, power) in enumerate(node.factors):
        if isinstance(tensor, Constant | Delta):
            continue
        factors: list[Factor] = [f for p, f in enumerate(node.factors) if p != position]
        if power != 1:
            factors.append((tensor, letters, power - 1))
        pieces: list[Any] = [*factors, (adjoint, axes)]
        free, deltas = _distinct(letters, tensor, 1 + max(node.dims, default=0))
        dims: dict[int, Dim] = dict(zip(free, tensor.shape, strict=True))
        back = contract(node.coefficient * power, [*pieces, *deltas], free, dims)
        found.append((tensor, back))
    return found


def _distinct(letters: Letters, tensor: Tensor, fresh: int) -> tuple[Letters, list[Any]]:
    """Letters with repeated ones replaced, and the deltas that tie them together again."""
    free: list[int] = []
    deltas: list[Any] = []
    for axis, letter in enumerate(letters):
        if letter in free:
            deltas.append((Delta(tensor.shape[axis]), (letter, fresh)))
            letter, fresh = fresh, fresh + 1
        free.append(letter)
    return tuple(free), deltas


def _through_map(node: Map, adjoint: Tensor, value: Tensor) -> list[tuple[Tensor, Tensor]]:
    rule = rule_of(node)
    assert isinstance(rule, EntrywiseRule)
    axes = tuple(range(node.order))
    atoms: dict[Any, tuple[Tensor, Letters]] = dict(zip((X, Y, Z), node.args, strict=False))
    atoms[V] = (value, axes)
    found = []
    for formula, (tensor, letters) in zip(rule.formulas, node.args, strict=True):
        slope = recognise(from_scalar(formula, atoms, node.shape))
        back = contract(1, [(slope, axes), (adjoint, axes)], letters)
        found.append((tensor, back))
    return found


def _through_call(node: Call, adjoint: Tensor, value: Tensor) -> list[tuple[Tensor, Tensor]]:
    rule = rule_of(node)
    assert isinstance(rule, ArrayRule)
    (argument,) = node.args
    leading = argument.order - len(rule.axes)
    star = tuple(range(leading))
    names = {letter: leading + index for index, letter in enumerate(_letters(rule))}
    arrays = {"X": argument, "Y": value, "G": adjoint}
    free = star + tuple(names[letter] for letter in rule.axes)
    dims = dict(zip(free, argument.shape, strict=True))
    terms = []
    for term in rule.terms:
        factors = []
        for factor in term.factors:
            letters = (star if factor.leading else ()) + tuple(names[x] for x in factor.letters)
            factors.append((_array(factor, arrays), letters))
        terms.append(contract(term.coefficient, factors, free, dims))
    return [(argument, add(terms, argument.shape))]


def _letters(rule: ArrayRule) -> str:
    used = dict.fromkeys(rule.axes)
    for term in rule.terms:
        for factor in term.factors:
            used.update(dict.fromkeys(factor.letters))
    return "".join(used)


def _array(factor: IndexedFactor, arrays: Mapping[str, Tensor]) -> Tensor:
    tensor = arrays[factor.name]
    if not factor.function:
        return tensor
    return recognise(invoke(factor.function, [tensor], tensor.shape))
