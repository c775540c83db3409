"""Closed forms: answers in the problem's own quantities, as far as they stay readable.

An adjoint is written out where everything behind it can be and the formula stays short; otherwise
it keeps its name, and what it stands for is said once. So the answers of a deep network read
``W̄7 = z̄7 a6ᵀ`` with ``z̄7 = W8ᵀ z̄8 ⊙ (1 − a7²)``, and the work grows linearly with the depth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from derive.notation.expression import Expr
from derive.notation.raising import raised
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.parts import children
from derive.tensor.simplification import simplify
from derive.tensor.substitution import substitute, variables_of

__all__ = [
    "NAMED",
    "NOTHING",
    "Kept",
    "Opened",
    "occurrences",
    "opened",
    "standing_for",
    "uses",
    "without_adjoints",
]

REPEATED = 12
"""A name that is written twice is opened only if no more than this many symbols result."""
SMALL = 2
"""A name for so few symbols may be opened wherever it stands."""
MOST = 60
"""Never more names than this are opened in one formula."""
SAVED = 6
"""What simplification may be expected to save when a name is opened."""

NAMED = ("adjoint", "jacobian", "introduced")
"""Roles of the names that are not the problem's own."""
DERIVED = ("adjoint", "jacobian")
"""Roles of derivatives."""

Opened = tuple[Tensor, Expr]
Kept = frozenset[Variable]
NOTHING: Kept = frozenset()

_known: WeakKeyDictionary[Tensor, dict[tuple[int, Kept], Opened]] = WeakKeyDictionary()
_whole: WeakKeyDictionary[Tensor, dict[tuple[int, Kept], Tensor | None]] = WeakKeyDictionary()


def opened(tensor: Tensor, limit: int, kept: Kept = NOTHING) -> Opened:
    """The tensor with adjoints and introduced names replaced by what they stand for.

    A name is opened only where the result has at most ``limit`` symbols and still has a matrix
    form; never one of those that are ``kept``.

    Returns:
        The tensor, and its matrix notation.
    """
    known = _known.setdefault(tensor, {})
    if (limit, kept) not in known:
        found = _with_adjoints(tensor, limit, kept)
        known[limit, kept] = _with_introduced(*found, limit, kept)
    return known[limit, kept]


def without_adjoints(tensor: Tensor, limit: int) -> Opened | None:
    """The tensor with all adjoints written out; None where that is not short."""
    found, form = _with_adjoints(tensor, limit, NOTHING)
    return None if _adjoints(found, NOTHING) else (found, form)


def _with_adjoints(tensor: Tensor, limit: int, kept: Kept) -> Opened:
    """All adjoints written out; where that is too long, only those that stand for next to
    nothing."""
    form = raised(tensor)
    whole = _without_adjoints(tensor, limit, kept)
    if whole is not None and whole.size <= max(limit, tensor.size):
        found = raised(whole)
        if _no_worse(found, form):
            return whole, found
    return _with_small_adjoints(tensor, form, kept)


def _without_adjoints(tensor: Tensor, limit: int, kept: Kept) -> Tensor | None:
    """The tensor with no adjoint left in it; None where that cannot be short."""
    names = _adjoints(tensor, kept)
    if not names:
        return tensor
    known = _whole.setdefault(tensor, {})
    if (limit, kept) not in known:
        known[limit, kept] = _inserted(tensor, names, limit, kept)
    return known[limit, kept]


def _inserted(tensor: Tensor, names: Sequence[Variable], limit: int, kept: Kept) -> Tensor | None:
    values: dict[Variable, Tensor] = {}
    bound = max(limit, tensor.size) + SAVED
    for name in names:
        assert name.value is not None
        if tensor.size + name.value.size > bound + SAVED:
            return None
        value = _without_adjoints(name.value, limit, kept)
        if value is None or tensor.size + value.size > bound:
            return None
        values[name] = value
    found = simplify(substitute(tensor, values)).tensor
    repeated = [v.size for name, v in values.items() if v.size > SMALL and uses(tensor, name) > 1]
    if repeated and found.size > tensor.size + sum(repeated):
        return None
    return found if found.size <= bound else None


def _with_small_adjoints(tensor: Tensor, form: Expr, kept: Kept) -> Opened:
    """Adjoints that are a product of two at most written out, again and again."""
    for _ in range(MOST):
        names = [v for v in _adjoints(tensor, kept) if v.value is not None and _small(tensor, v)]
        if not names:
            break
        wider = _with_values(tensor, names)
        found = raised(wider)
        if not _no_worse(found, form):
            break
        tensor, form = wider, found
    return tensor, form


def _small(tensor: Tensor, name: Variable) -> bool:
    """Whether a name stands for a product of two at most, or, where repeated, for another name."""
    assert name.value is not None
    size = name.value.size
    return size <= 1 or (size <= SMALL and uses(tensor, name) == 1)


def _with_introduced(tensor: Tensor, form: Expr, limit: int, kept: Kept) -> Opened:
    """Introduced names written out, all together or not at all, but those that save something."""
    for name in [v for v in variables_of(tensor) if v.role == "introduced" and v not in kept]:
        shorter = _with_values(tensor, (name,))
        if shorter.size <= tensor.size and _no_worse(raised(shorter), form):
            tensor, form = shorter, raised(shorter)
    wider = tensor
    for _ in range(MOST):
        names = [v for v in variables_of(wider) if v.role == "introduced" and v not in kept]
        if not names or wider.size > limit:
            break
        repeated = any(uses(wider, v) > 1 and v.value and v.value.size > SMALL for v in names)
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


def _adjoints(tensor: Tensor, kept: Kept) -> list[Variable]:
    return [v for v in variables_of(tensor) if v.role in DERIVED and v not in kept]


def _no_worse(found: Expr, form: Expr) -> bool:
    """Whether a form is still in matrix notation if it was before."""
    return form.has_index or not found.has_index


def uses(tensor: Tensor, variable: Variable) -> int:
    """How often a variable is written in a tensor."""
    if tensor is variable:
        return 1
    return sum(uses(part, variable) for part in children(tensor))


def occurrences(tensor: Tensor) -> Counter[Variable]:
    """How often each variable is written in a tensor."""
    if isinstance(tensor, Variable):
        return Counter((tensor,))
    return sum(map(occurrences, children(tensor)), Counter())


def standing_for(
    tensors: Sequence[Tensor], limit: int, kept: Kept = NOTHING
) -> tuple[Variable, ...]:
    """The names in closed forms that have to be explained, each before those that use it."""
    found: dict[Variable, None] = {}
    stack = [(v, False) for tensor in reversed(tensors) for v in reversed(variables_of(tensor))]
    while stack:
        variable, left = stack.pop()
        if variable.role not in NAMED or variable in found:
            continue
        assert variable.value is not None
        if left:
            found[variable] = None
            continue
        stack.append((variable, True))
        value = opened(variable.value, limit, kept)[0]
        stack.extend((part, False) for part in variables_of(value) if part not in found)
    return tuple(found)
