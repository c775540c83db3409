"""Jacobians of problems with many steps, accumulated forwards.

The derivative of each quantity by the variable is what its formula makes of those of its parts. It
is kept as a product over axes of both: what hangs together by sums and is long gets a name and is
computed once, so that a deep network needs one small product a layer, and never a derivative with
all axes of the variable but the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from derive.calculus.order import computed_from, depending_on
from derive.calculus.reverse import adjoints
from derive.emit.numpy_code.entries import gathered, over_sums
from derive.errors import UnsupportedError
from derive.tensor.algebra import ONE, add, contract, terms_of, zero
from derive.tensor.nodes import Contraction, Delta, Factor, Letters, Tensor, Variable
from derive.tensor.simplification import simplify
from derive.tensor.substitution import coefficient_of, variables_of

__all__ = ["Accumulated", "accumulated", "is_open"]

LONGEST: Final = 8
"""What has more symbols than this gets a name."""


MOST_CLOSED: Final = 40
"""A Jacobian with more symbols than this is not computed as it stands."""


@dataclass(frozen=True, slots=True)
class Accumulated:
    """A derivative with the axes of a quantity, then those of a variable.

    Attributes:
        quantities: Forward quantities, in order.
        steps: What was named, in order.
        result: The derivative.
    """

    quantities: tuple[Variable, ...]
    steps: tuple[Variable, ...]
    result: Tensor


def is_open(jacobian: Tensor) -> bool:
    """Whether a Jacobian is long, or other Jacobians are written in it by name."""
    named = any(variable.role == "jacobian" for variable in variables_of(jacobian))
    return named or jacobian.size > MOST_CLOSED


def accumulated(of: Variable, wrt: Variable, names: Sequence[Variable]) -> Accumulated:
    """The derivative of a quantity by a variable.

    Args:
        of: The quantity.
        wrt: The variable.
        names: Every quantity, in the order of computation.

    Raises:
        UnsupportedError: The law of a function on the way has no closed form for a Jacobian.
    """
    reached = computed_from(of)
    order = [quantity for quantity in names if quantity in reached]
    needed = depending_on(order, [wrt])
    letters = range(wrt.order)
    deltas = [
        (Delta(dim), (x, x + wrt.order), ONE) for x, dim in zip(letters, wrt.shape, strict=True)
    ]
    known: dict[Variable, Tensor] = {wrt: contract(1, deltas, tuple(range(2 * wrt.order)))}
    steps: list[Variable] = []
    for quantity in order:
        if quantity not in needed or quantity.value is None or quantity is wrt:
            continue
        parts = [part for part in variables_of(quantity.value) if part in known]
        shape = (*quantity.shape, *wrt.shape)
        moved = add((_moved(quantity, part, known[part], wrt) for part in parts), shape)
        whole = simplify(moved).tensor
        known[quantity] = whole if quantity is of else _named(whole, quantity, wrt, steps)
    result = known.get(of, zero((*of.shape, *wrt.shape)))
    return Accumulated(tuple(v for v in order if v.value is not None), tuple(steps), result)


def _moved(user: Variable, part: Variable, derivative: Tensor, wrt: Variable) -> Tensor:
    """How a quantity depends on the variable through one of its parts."""
    assert user.value is not None
    above = Variable(f"{user.name}_bar", user.shape, role="adjoint")
    sent = adjoints(user.value, above, user, (part,))[part]
    shape = (*user.shape, *wrt.shape)
    if above not in variables_of(sent):
        return zero(shape)
    local = coefficient_of(sent, above)
    if local is None:
        raise UnsupportedError(
            f"the Jacobian of {user.name} with respect to {part.name} has no closed form here"
        )
    own = tuple(range(user.order))
    ends = tuple(range(user.order, user.order + wrt.order))
    inner = tuple(range(10, 10 + part.order))
    dims = dict(zip((*own, *ends), shape, strict=True))
    factors = [(local, (*own, *inner)), (derivative, (*inner, *ends))]
    return over_sums(contract(1, factors, (*own, *ends), dims))


def _named(whole: Tensor, quantity: Variable, wrt: Variable, steps: list[Variable]) -> Tensor:
    """A derivative with names for its long factors."""
    terms = [
        _with_names(term, f"d{quantity.name}_d{wrt.name}", steps)
        for term in gathered(list(terms_of(whole)))
    ]
    return add(terms, whole.shape)


def _with_names(term: Contraction, stem: str, steps: list[Variable]) -> Tensor:
    groups: list[tuple[list[Factor], set[int]]] = []
    for factor in term.factors:
        own, letters = [factor], set(factor[1]) & term.summed
        for other in [group for group in groups if group[1] & letters]:
            groups.remove(other)
            own, letters = [*other[0], *own], letters | other[1]
        groups.append((own, letters))
    factors: list[Factor] = []
    for own, _ in groups:
        found = {x for _, letters, _ in own for x in letters}
        axes: Letters = tuple(x for x in range(term.order) if x in found)
        value = contract(1, own, axes)
        if value.size > LONGEST:
            value = _name_of(value, stem, steps)
        factors.append((value, axes, ONE))
    dims = dict(enumerate(term.shape))
    return contract(term.coefficient, factors, tuple(range(term.order)), dims)


def _name_of(value: Tensor, stem: str, steps: list[Variable]) -> Variable:
    known = next((step for step in steps if step.value is value), None)
    if known is not None:
        return known
    taken = {step.name for step in steps}
    name = next(
        name for name in (stem, *(f"{stem}_{n}" for n in range(2, 1000))) if name not in taken
    )
    steps.append(Variable(name, value.shape, frozenset(), value, "adjoint"))
    return steps[-1]
