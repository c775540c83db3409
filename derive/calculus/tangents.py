"""Derivatives along one direction: forwards from a variable, backwards from a quantity.

``jacobian times vector`` goes forwards: the tangent of a quantity is what its formula makes of the
tangents of its parts. ``vector times jacobian`` goes backwards, as a gradient does, from weights on
the quantity's entries. Neither forms a Jacobian, and the work grows linearly with the formulas. A
Hessian times a vector is the tangent of the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.calculus.order import computed_from, depending_on
from derive.calculus.reverse import adjoints
from derive.errors import UnsupportedError
from derive.tensor.algebra import add, contract, zero
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.simplification import expand, simplify
from derive.tensor.substitution import coefficient_of, variables_of

__all__ = ["Along", "backwards", "forwards", "tangents"]


@dataclass(frozen=True, slots=True)
class Along:
    """A derivative along a direction.

    Attributes:
        direction: The variable that stands for the direction, or for the weights.
        quantities: Forward quantities, in order.
        steps: Tangents or adjoints, in order; their values are their formulas.
        result: The derivative, shaped like the quantity (forwards) or the variable (backwards).
    """

    direction: Variable
    quantities: tuple[Variable, ...]
    steps: tuple[Variable, ...]
    result: Tensor


def forwards(of: Variable, wrt: Variable, names: Sequence[Variable], direction: str) -> Along:
    """The Jacobian of a quantity times a direction.

    Args:
        of: The quantity.
        wrt: The variable that moves.
        names: Every quantity, in the order of computation.
        direction: What the direction is called.

    Raises:
        UnsupportedError: The law of a function on the way has no closed form for a tangent.
    """
    start = Variable(direction, wrt.shape, row=wrt.row)
    order = _ordered(of, names)
    found = tangents(order, {wrt: start})
    steps = tuple(t for t in found.values() if t.value is not None)
    result = found.get(of) or zero(of.shape)
    return Along(start, tuple(v for v in order if v.value is not None), steps, result)


def tangents(
    order: Sequence[Variable], directions: Mapping[Variable, Variable]
) -> dict[Variable, Variable]:
    """How quantities move when some variables do; what does not move is left out.

    Args:
        order: The quantities, in the order of computation.
        directions: In which direction each variable moves.

    Raises:
        UnsupportedError: The law of a function on the way has no closed form for a tangent.
    """
    needed = depending_on(order, [*directions])
    found: dict[Variable, Variable] = dict(directions)
    for quantity in order:
        if quantity not in needed or quantity.value is None or quantity in directions:
            continue
        moving = [part for part in variables_of(quantity.value) if part in found]
        terms = [_moved(quantity, part, found[part]) for part in moving]
        value = simplify(add(terms, quantity.shape)).tensor
        name = f"{quantity.name}_dot"
        found[quantity] = Variable(
            name, quantity.shape, frozenset(), value, "adjoint", quantity.row
        )
    return found


def _moved(user: Variable, part: Variable, tangent: Variable) -> Tensor:
    """How a quantity moves when one of its parts does."""
    assert user.value is not None
    above = Variable(f"{user.name}_bar", user.shape, role="adjoint")
    sent = adjoints(user.value, above, user, (part,))[part]
    if above not in variables_of(sent):
        return zero(user.shape)
    local = coefficient_of(sent, above)
    if local is None:
        raise UnsupportedError(
            f"the derivative of {user.name} along a direction of {part.name} has no closed form"
        )
    own, others = tuple(range(user.order)), tuple(range(10, 10 + part.order))
    dims = dict(zip(own, user.shape, strict=True))
    return expand(contract(1, [(local, own + others), (tangent, others)], own, dims))


def backwards(of: Variable, wrt: Variable, names: Sequence[Variable], weights: str) -> Along:
    """Weights on the entries of a quantity times its Jacobian.

    Args:
        of: The quantity.
        wrt: The variable.
        names: Every quantity, in the order of computation.
        weights: What the weights are called.
    """
    order = _ordered(of, names)
    needed = depending_on(order, [wrt])
    start = Variable(weights, of.shape, row=of.row)
    pending: dict[Variable, list[Tensor]] = {of: [start]}
    steps: list[Variable] = []
    for quantity in reversed(order):
        if quantity not in needed or quantity not in pending:
            continue
        total = simplify(add(pending.pop(quantity), quantity.shape)).tensor
        if quantity is wrt:
            pending[wrt] = [total]
            break
        above = start
        if quantity is not of:
            name = f"{quantity.name}_bar"
            above = Variable(name, quantity.shape, frozenset(), total, "adjoint", quantity.row)
            steps.append(above)
        if quantity.value is not None:
            for part, sent in adjoints(quantity.value, above, quantity, needed).items():
                pending.setdefault(part, []).append(sent)
    (result,) = pending.get(wrt, [zero(wrt.shape)])
    return Along(start, tuple(v for v in order if v.value is not None), tuple(steps), result)


def _ordered(of: Variable, names: Sequence[Variable]) -> list[Variable]:
    reached = computed_from(of)
    return [quantity for quantity in names if quantity in reached]
