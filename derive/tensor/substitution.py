"""Variables in a tensor: which there are, putting others in their place, their coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from derive.tensor.algebra import ONE, add, contract, terms_of, zero
from derive.tensor.nodes import Call, Delta, Factor, Map, Tensor, Variable
from derive.tensor.parts import children, rebuild
from derive.tensor.recognition import recognise

__all__ = ["coefficient_of", "substitute", "variables_of"]

_variables: WeakKeyDictionary[Tensor, tuple[Variable, ...]] = WeakKeyDictionary()


def variables_of(tensor: Tensor) -> tuple[Variable, ...]:
    """The variables that are written in a tensor, each once; their values are not opened."""
    if isinstance(tensor, Variable):
        return (tensor,)
    known = _variables.get(tensor)
    if known is None:
        found: dict[Variable, None] = {}
        for part in children(tensor):
            found.update(dict.fromkeys(variables_of(part)))
        known = _variables[tensor] = tuple(found)
    return known


def substitute(tensor: Tensor, values: Mapping[Variable, Tensor | None]) -> Tensor:
    """The tensor with other tensors in place of variables, in canonical form."""
    if not values:
        return tensor
    done: dict[Tensor, Tensor] = {}

    def walk(node: Tensor) -> Tensor:
        if isinstance(node, Variable):
            return values.get(node) or node
        known = done.get(node)
        if known is None:
            parts = children(node)
            new = [walk(part) for part in parts]
            known = node
            if any(a is not b for a, b in zip(new, parts, strict=True)):
                known = recognise(rebuild(node, new))
            done[node] = known
        return known

    return walk(tensor)


def coefficient_of(tensor: Tensor, variable: Variable) -> Tensor | None:
    """What a variable is multiplied by in a tensor that is linear in it.

    Returns:
        A tensor whose axes are those of the variable, then those of the tensor; None where the
        variable stands inside something else.
    """
    if isinstance(tensor, Map | Call):
        return None
    order, inner = tensor.order, variable.order
    shape = (*variable.shape, *tensor.shape)
    pieces: list[Tensor] = []
    for term in terms_of(tensor):
        places = [p for p, f in enumerate(term.factors) if variable in variables_of(f[0])]
        if len(places) != 1 or term.factors[places[0]][2] != 1:
            return None
        others = [f for p, f in enumerate(term.factors) if p != places[0]]
        holder, letters, _ = term.factors[places[0]]
        start = 1 + max(term.dims, default=0)
        new = tuple(range(start, start + inner))
        put: list[Factor]
        if holder is variable:
            ends = zip(variable.shape, letters, new, strict=True)
            put = [(Delta(dim), (a, b), ONE) for dim, a, b in ends]
        else:
            part = coefficient_of(holder, variable)
            if part is None:
                return None
            put = [(part, (*new, *letters), ONE)]
        dims = dict(zip((*new, *range(order)), shape, strict=True))
        free = (*new, *range(order))
        pieces.append(contract(term.coefficient, [*others, *put], free, dims))
    return add(pieces, shape) if pieces else zero(shape)
