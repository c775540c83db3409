"""Closed forms: answers in the problem's own quantities, as far as they stay readable."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from derive.notation.expression import Expr
from derive.notation.raising import raised
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.parts import children
from derive.tensor.simplification import simplify
from derive.tensor.substitution import substitute, variables_of

__all__ = ["Opened", "is_open", "opened", "standing_for"]

REPEATED = 12
"""A name that is written twice is opened only if no more than this many symbols result."""
SMALL = 2
"""A name for so few symbols may be opened wherever it stands."""
MOST = 60
"""Never more names than this are opened in one formula."""
SAVED = 6
"""What simplification may be expected to save when a name is opened."""

NAMED = ("adjoint", "introduced")

Opened = tuple[Tensor, Expr]
_known: WeakKeyDictionary[Tensor, dict[int, Opened]] = WeakKeyDictionary()


def opened(tensor: Tensor, limit: int) -> Opened:
    """The tensor with adjoints and introduced names replaced by what they stand for.

    A name is opened only where the result has at most ``limit`` symbols and still has a matrix
    form.

    Returns:
        The tensor, and its matrix notation.
    """
    known = _known.setdefault(tensor, {})
    if limit not in known:
        known[limit] = _opened(tensor, limit)
    return known[limit]


def _opened(tensor: Tensor, limit: int) -> Opened:
    """Adjoints are opened one by one; introduced names all together or not at all."""
    form = raised(tensor)
    for _ in range(MOST):
        for name in sorted((v for v in variables_of(tensor) if v.role == "adjoint"), key=_order):
            assert name.value is not None
            if tensor.size + name.value.size > max(limit, tensor.size) + SAVED:
                continue
            wider = _with_values(tensor, (name,))
            found = raised(wider)
            if wider.size <= max(limit, tensor.size) and _no_worse(found, form):
                tensor, form = wider, found
                break
        else:
            break
    wider = tensor
    for _ in range(MOST):
        names = [v for v in variables_of(wider) if v.role == "introduced"]
        if not names or wider.size > limit:
            break
        repeated = any(_uses(wider, v) > 1 and v.value and v.value.size > SMALL for v in names)
        bound = min(limit, REPEATED) if repeated else limit
        wider = _with_values(wider, names)
        if wider.size > max(bound, tensor.size):
            return tensor, form
    found = raised(wider)
    if wider.size <= max(limit, tensor.size) and _no_worse(found, form):
        return wider, found
    return tensor, form


def _with_values(tensor: Tensor, names: Sequence[Variable]) -> Tensor:
    return simplify(substitute(tensor, {name: name.value for name in names})).tensor


def _no_worse(found: Expr, form: Expr) -> bool:
    """Whether a form is still in matrix notation if it was before."""
    return form.has_index or not found.has_index


def is_open(tensor: Tensor) -> bool:
    """Whether only the problem's own quantities are written in it."""
    return all(variable.role not in NAMED for variable in variables_of(tensor))


def _uses(tensor: Tensor, variable: Variable) -> int:
    """How often a variable is written in a tensor."""
    if tensor is variable:
        return 1
    return sum(_uses(part, variable) for part in children(tensor))


def _order(variable: Variable) -> tuple[bool, int, str]:
    assert variable.value is not None
    return variable.role != "adjoint", variable.value.size, variable.name


def standing_for(tensor: Tensor, limit: int) -> tuple[Variable, ...]:
    """The names in a closed form that have to be explained, each before those that use it."""
    found: dict[Variable, None] = {}
    stack = [(variable, False) for variable in reversed(variables_of(tensor))]
    while stack:
        variable, left = stack.pop()
        if variable.role not in NAMED or variable in found:
            continue
        assert variable.value is not None
        if left:
            found[variable] = None
            continue
        stack.append((variable, True))
        value = opened(variable.value, limit)[0]
        stack.extend((part, False) for part in variables_of(value) if part not in found)
    return tuple(found)
