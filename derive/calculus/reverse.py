"""The reverse sweep through one formula: adjoints sent back from a tensor to its variables.

If ``G`` is the adjoint of ``T``, every part of ``T`` receives what the differential of ``T`` says:

* contraction: to each factor, the contraction with that factor left out and ``G`` put in;
* sum: to each term ``G``, summed over the letters that the term lacks;
* map and call: the row of :data:`derive.calculus.rules.RULES`.

Each node is visited once, after everything that uses it, so the work grows linearly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from derive.calculus.rules import (
    RULES,
    ArrayRule,
    EntrywiseRule,
    IndexedFactor,
    IndexedTerm,
    V,
    X,
    Y,
    Z,
)
from derive.errors import UnsupportedError
from derive.shapes import Dim
from derive.tensor.algebra import add, contract, invoke, transpose
from derive.tensor.definitions import IN_LAWS
from derive.tensor.incidence import is_incidence
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
from derive.tensor.substitution import variables_of

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


def adjoints(
    tensor: Tensor,
    adjoint: Tensor,
    value: Tensor | None = None,
    wanted: Collection[Variable] | None = None,
    names: Mapping[Tensor, Variable] = MappingProxyType({}),
) -> Sent:
    """What a tensor sends back to the variables in it.

    Args:
        tensor: The formula.
        adjoint: Its adjoint, of the same shape.
        value: A name for the whole formula, used where a law needs its value.
        wanted: The variables asked about; all by default.
        names: Names of what laws are written with, ``deviation(X,E)``.

    Returns:
        For each wanted variable in the formula (those with values are not opened), its adjoint.

    Raises:
        UnsupportedError: No law leads back to a wanted variable.
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
        asked = [
            wanted is None or any(v in wanted for v in variables_of(child))
            for child in children(node)
        ]
        for child, back in _send(node, total, named, asked, names):
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


def _send(
    node: Tensor,
    adjoint: Tensor,
    value: Tensor,
    asked: Sequence[bool],
    names: Mapping[Tensor, Variable],
) -> list[tuple[Tensor, Tensor]]:
    """What a node sends to those of its parts that are asked about."""
    if isinstance(node, Contraction):
        return _through_contraction(node, adjoint, asked)
    if isinstance(node, Sum):
        return [(term, adjoint) for term, wanted in zip(node.terms, asked, strict=True) if wanted]
    if isinstance(node, Map):
        return _through_map(node, adjoint, value, asked)
    if isinstance(node, Call) and not is_incidence(node):
        return _through_call(node, adjoint, value, asked, names)
    assert isinstance(node, Constant | Delta | Call)
    return []


def _through_contraction(
    node: Contraction, adjoint: Tensor, asked: Sequence[bool]
) -> list[tuple[Tensor, Tensor]]:
    """To each factor, the contraction without it; a power is brought down first."""
    found = []
    axes = tuple(range(node.order))
    for position, (tensor, letters, power) in enumerate(node.factors):
        if not asked[position] or isinstance(tensor, Constant | Delta) or is_incidence(tensor):
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


def _through_map(
    node: Map, adjoint: Tensor, value: Tensor, asked: Sequence[bool]
) -> list[tuple[Tensor, Tensor]]:
    rule = rule_of(node)
    assert isinstance(rule, EntrywiseRule)
    axes = tuple(range(node.order))
    atoms: dict[Any, tuple[Tensor, Letters]] = dict(zip((X, Y, Z), node.args, strict=False))
    atoms[V] = (value, axes)
    found = []
    for wanted, formula, (tensor, letters) in zip(asked, rule.formulas, node.args, strict=True):
        if not wanted:
            continue
        slope = recognise(from_scalar(formula, atoms, node.shape))
        back = contract(1, [(slope, axes), (adjoint, axes)], letters)
        found.append((tensor, back))
    return found


def _through_call(
    node: Call,
    adjoint: Tensor,
    value: Tensor,
    asked: Sequence[bool],
    names: Mapping[Tensor, Variable],
) -> list[tuple[Tensor, Tensor]]:
    rule = rule_of(node)
    assert isinstance(rule, ArrayRule)
    argument, *rest = node.args
    arrays = dict(
        zip("XEYG", (argument, rest[0] if rest else argument, value, adjoint), strict=True)
    )
    leading = node.order if rule.reduces else argument.order - len(rule.axes)
    found = []
    laws = (rule.terms, rule.second_terms)
    for wanted, tensor, terms in zip(asked, node.args, laws, strict=False):
        if not wanted or not variables_of(tensor):
            continue
        axes = rule.axes if tensor.order else ""
        if not terms:
            raise UnsupportedError(f"{node.function} can be differentiated {rule.domain}")
        star = tuple(range(leading)) if tensor.order else ()
        width = argument.order - leading if rule.reduces else 1
        back = [_written(term, axes, star, leading, width, tensor, arrays, names) for term in terms]
        found.append((tensor, add(back, tensor.shape)))
    return found


def _written(
    term: IndexedTerm,
    axes: str,
    star: Letters,
    leading: int,
    width: int,
    like: Tensor,
    arrays: Mapping[str, Tensor],
    known: Mapping[Tensor, Variable],
) -> Tensor:
    """One term of a law, over the axes of ``like``; each letter stands for ``width`` axes."""
    names: dict[str, Letters] = {}
    for letter in (*axes, *(x for factor in term.factors for x in factor.letters)):
        start = leading + width * len(names)
        names.setdefault(letter, tuple(range(start, start + width)))

    def spread(letters: str) -> Letters:
        return tuple(axis for letter in letters for axis in names[letter])

    free = star + spread(axes)
    factors = [
        (
            _array(factor, arrays, known),
            (tuple(range(leading)) if factor.leading else ()) + spread(factor.letters),
            factor.power,
        )
        for factor in term.factors
    ]
    return contract(term.coefficient, factors, free, dict(zip(free, like.shape, strict=True)))


def _array(
    factor: IndexedFactor, arrays: Mapping[str, Tensor], names: Mapping[Tensor, Variable]
) -> Tensor:
    args = [
        transpose(arrays[name[0]]) if name.endswith("'") else arrays[name]
        for name in factor.arguments
    ]
    if not factor.function:
        return args[0]
    meaning = IN_LAWS.get(factor.function)
    if meaning is not None:
        found = recognise(meaning(*args))
        return names.get(found, found)
    return recognise(invoke(factor.function, args, args[0].shape))
