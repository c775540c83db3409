"""Formulas with indicators as choices, so that a branch outside its domain does no harm.

An indicator times a formula that has no value where the indicator is 0, ``1[x > 0]/sqrt(x)``, is
``0 * inf`` there. Every sum and product that is a polynomial in an indicator is therefore written
``where(condition, its value for 1, its value for 0)``, if it holds anything that may leave its
domain or overflow. In a branch where ``x <= 0``, ``exp(x)`` is ``exp(min(x, 0))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from derive.emit.numpy_code.matching import argument_of, axes_of, is_zero, mapped, value_of
from derive.tensor.algebra import ONE, add, apply, contract, negate, number, ones, terms_of
from derive.tensor.facts import has_fact
from derive.tensor.nodes import Contraction, Factor, Letters, Map, Sum, Tensor, Variable
from derive.tensor.parts import children, rebuild

__all__ = ["PARTIAL", "Condition", "as_choice", "below_zero"]

Condition: TypeAlias = tuple[Tensor, Letters]
"""An indicator, with the axes of a formula that it lies along."""

COMPLEMENTS: Final = {"gt": "le", "le": "gt", "ge": "lt", "lt": "ge"}

PARTIAL: Final = frozenset(
    {"log", "log1p", "asin", "acos", "tan", "power", "exp", "expm1", "sinh", "cosh"}
)
"""Functions that are not finite everywhere."""

ELSEWHERE: Final = -1
"""An axis that is none of those of a choice."""

DEEPEST: Final = 60
"""How far a formula is looked into, names opened; what lies deeper may be anything."""

_leaving: WeakKeyDictionary[Tensor, bool] = WeakKeyDictionary()

SELU: Final = Fraction(17580993408473768599402175208123, 10**31)


def as_choice(tensor: Tensor, settled: frozenset[Condition] = frozenset()) -> Tensor:
    """A sum or product as a choice, where an indicator guards what may not be finite.

    Args:
        tensor: Any tensor.
        settled: Indicators, with their letters, for whose values the tensor is written already.
    """
    if not isinstance(tensor, Sum | Contraction):
        return tensor
    for condition in dict.fromkeys(_indicators(tensor)):
        if condition not in settled and _is_guarded(tensor, condition[1]):
            known = settled | {condition}
            on, off = (as_choice(_at(tensor, *condition, holds), known) for holds in (True, False))
            return _where((condition, (on, axes_of(tensor)), (off, axes_of(tensor))), tensor)
    if isinstance(tensor, Contraction) and tensor.summed:
        return _inside(tensor)
    return tensor


def _where(args: tuple[tuple[Tensor, Letters], ...], like: Tensor) -> Tensor:
    return apply("where", args, like.shape)


def _indicators(tensor: Tensor) -> Iterator[Condition]:
    """The indicators that a sum or product is a polynomial in, along its own axes."""
    for term in terms_of(tensor):
        for factor, letters, power in term.factors:
            if power.denominator != 1 or power < 1 or any(x >= term.order for x in letters):
                continue
            if isinstance(factor, Sum):
                for found, along in _indicators(factor):
                    yield found, tuple(letters[x] for x in along)
            else:
                yield from _guards(factor, letters)


def _guards(factor: Tensor, letters: Letters) -> Iterator[Condition]:
    """Indicators that a factor is 0 without: itself, or those it is a product with by its name."""
    parts: tuple[Factor, ...] = ((factor, axes_of(factor), ONE),)
    if isinstance(factor, Variable) and factor.role == "adjoint":
        value = value_of(factor)
        parts = value.factors if isinstance(value, Contraction) else ((value, axes_of(value), ONE),)
    for part, along, power in parts:
        is_indicator = isinstance(part, Map) and part.function in COMPLEMENTS and power > 0
        if is_indicator and all(x < factor.order for x in along):
            yield part, tuple(letters[x] for x in along)


def _at(tensor: Tensor, indicator: Tensor, letters: Letters, holds: bool) -> Tensor:
    """A sum or product where an indicator is 1, or where it is 0."""
    terms = [_term_at(term, indicator, letters, holds) for term in terms_of(tensor)]
    return add(terms, tensor.shape)


def _term_at(term: Contraction, indicator: Tensor, letters: Letters, holds: bool) -> Tensor:
    axes, dims = axes_of(term), dict(enumerate(term.shape))
    factors: list[Factor] = []
    for factor, along, power in term.factors:
        whole = power.denominator == 1 and power > 0
        known = _value_at(factor, along, indicator, letters, holds) if whole else None
        if known is False:
            return number(0, term.shape)
        if known is True:
            factors.append((ones(factor.shape), along, ONE))
        elif isinstance(factor, Sum) and set(letters) <= set(along) and whole:
            inside = tuple(along.index(x) for x in letters)
            factors.append((_at(factor, indicator, inside, holds), along, power))
        else:
            factors.append((factor, along, power))
    return contract(term.coefficient, factors, axes, dims)


def _value_at(
    factor: Tensor, along: Letters, indicator: Tensor, letters: Letters, holds: bool
) -> bool | None:
    """What a factor is where an indicator holds, or where it does not; None if neither says."""
    for guard, own in _guards(factor, along):
        if own != letters:
            continue
        if guard is indicator:
            allowed = holds
        elif _complement(guard) is indicator:
            allowed = not holds
        else:
            continue
        if not allowed:
            return False
        if value_of(factor) is guard:
            return True
    return None


def _complement(tensor: Tensor) -> Tensor | None:
    """The indicator of the opposite."""
    assert isinstance(tensor, Map)
    function = COMPLEMENTS.get(tensor.function)
    return None if function is None else Map(function, tensor.args, tensor.shape)


def _is_guarded(tensor: Tensor, letters: Letters) -> bool:
    """Whether something beside an indicator along these axes may not be finite."""
    for term in terms_of(tensor):
        for factor, along, power in term.factors:
            near = not letters or set(along) & set(letters)
            if near and may_leave(factor, power):
                return True
    return False


def may_leave(tensor: Tensor, power: Fraction = ONE, depth: int = DEEPEST) -> bool:
    """Whether a formula has points at which it is not finite, as far as it is looked into."""
    if power < 0 and not _is_positive(tensor):
        return True
    if power.denominator != 1 and not _is_nonnegative(tensor):
        return True
    known = _leaving.get(tensor)
    if known is None:
        known = _leaving[tensor] = depth == 0 or _parts_leave(value_of(tensor), depth - 1)
    return known


def _parts_leave(value: Tensor, depth: int) -> bool:
    if isinstance(value, Map):
        if value.function in PARTIAL and not _is_tame(value):
            return True
        return any(may_leave(arg, ONE, depth) for arg, _ in value.args)
    if isinstance(value, Contraction):
        free = set(range(value.order))
        return any(
            may_leave(factor, degree, depth)
            for factor, letters, degree in value.factors
            if not value.order or free & set(letters)
        )
    return isinstance(value, Sum) and any(may_leave(term, ONE, depth) for term in value.terms)


def _is_tame(value: Map) -> bool:
    """Whether the arguments of a function are known to keep it finite."""
    (argument, _), *_ = value.args
    if value.function in ("exp", "expm1"):
        return _is_nonnegative(negate(argument))
    if value.function == "log":
        return _is_positive(argument)
    return value.function == "log1p" and _is_nonnegative(argument)


def _is_positive(tensor: Tensor) -> bool:
    if has_fact(tensor, "positive") or not children(tensor):
        return has_fact(tensor, "positive") or not isinstance(tensor, Variable)
    if isinstance(tensor, Sum):
        return all(map(_is_nonnegative, tensor.terms)) and any(map(_is_positive, tensor.terms))
    if isinstance(tensor, Contraction):
        return _is_count(tensor) or (
            tensor.coefficient > 0 and all(_is_positive(f) for f, _, _ in tensor.factors)
        )
    return False


def _is_count(tensor: Contraction) -> bool:
    """Whether it counts where an indicator holds; that divides only what it holds for."""
    if len(tensor.factors) != 1 or not tensor.summed:
        return False
    factor = tensor.factors[0][0]
    return isinstance(factor, Map) and factor.function in COMPLEMENTS


def _is_nonnegative(tensor: Tensor) -> bool:
    if _is_positive(tensor) or has_fact(tensor, "nonnegative"):
        return True
    if isinstance(tensor, Sum):
        return all(map(_is_nonnegative, tensor.terms))
    if isinstance(tensor, Map) and tensor.function == "min":
        return False
    if isinstance(tensor, Contraction) and tensor.coefficient >= 0:
        return all(power % 2 == 0 or _is_nonnegative(f) for f, _, power in tensor.factors)
    return False


def _inside(tensor: Contraction) -> Tensor:
    """A sum of products, with the entrywise part of each product that an indicator guards."""
    groups: dict[frozenset[int], list[Factor]] = {}
    for factor in tensor.factors:
        groups.setdefault(frozenset(factor[1]), []).append(factor)
    for letters, group in groups.items():
        if len(group) < 2 or len(letters) > 2:
            continue
        own = tuple(sorted(letters))
        shape = tuple(tensor.dims[x] for x in own)
        names = {letter: axis for axis, letter in enumerate(own)}
        axes = tuple(range(len(own)))
        placed = [(f, tuple(names[x] for x in ls), power) for f, ls, power in group]
        product = contract(1, placed, axes, dict(enumerate(shape)))
        chosen = as_choice(product)
        if chosen is not product:
            rest = [f for other, fs in groups.items() if other != letters for f in fs]
            return contract(
                tensor.coefficient,
                [*rest, (chosen, own, ONE)],
                axes_of(tensor),
                dict(enumerate(tensor.shape)),
            )
    return tensor


def below_zero(tensor: Map) -> Tensor:
    """A choice by the sign of x, with exponentials of x kept from overflowing where x > 0."""
    if tensor.function != "where":
        return tensor
    (condition, letters), yes, no = tensor.args
    if not isinstance(condition, Map) or condition.function not in COMPLEMENTS:
        return tensor
    (x, own), (bound, _) = condition.args
    if not is_zero(bound) or own != axes_of(condition) or letters != axes_of(tensor):
        return tensor
    capped = mapped("min", x, number(0))
    branches = [yes, no]
    place = 1 if condition.function in ("gt", "ge") else 0
    branch, along = branches[place]
    branches[place] = (_capped(branch, x, capped, along), along)
    args = ((condition, letters), *branches)
    return tensor if args == tensor.args else _where(args, tensor)


def _capped(tensor: Tensor, x: Tensor, capped: Tensor, axes: Letters) -> Tensor:
    """A formula with the smaller of x and 0 in place of x in exponentials, elu and selu.

    Only where its entry is that of the choice: another entry of x, under a sum say, may have
    another sign.

    Args:
        tensor: The formula.
        x: What is below 0.
        capped: The smaller of x and 0.
        axes: The axis of the choice that each axis of the formula is, or ``ELSEWHERE``.
    """
    if isinstance(tensor, Variable):
        value = value_of(tensor)
        is_made = any(argument_of(value, name) is x for name in ("exp", "selu", "expm1")) or (
            isinstance(value, Map) and value.function == "elu" and value.args[0][0] is x
        )
        return _capped(value, x, capped, axes) if is_made else tensor
    if isinstance(tensor, Map) and tensor.args[0][0] is x:
        if tuple(axes[y] for y in tensor.args[0][1]) != axes_of(x):
            return tensor
        along = tensor.args[0][1]
        if tensor.function in ("exp", "expm1"):
            return apply(tensor.function, [(capped, along)], tensor.shape)
        grown = apply("expm1", [(capped, along)], tensor.shape)
        own, dims = axes_of(tensor), dict(enumerate(tensor.shape))
        if tensor.function == "selu":
            return contract(SELU, [(grown, own)], own, dims)
        if tensor.function == "elu":
            return contract(1, [(grown, own), tensor.args[1]], own, dims)
    parts = children(tensor)
    new = [
        _capped(part, x, capped, tuple(axes[y] if y < len(axes) else ELSEWHERE for y in letters))
        for part, letters in zip(parts, _letters_of_parts(tensor), strict=True)
    ]
    if all(a is b for a, b in zip(new, parts, strict=True)):
        return tensor
    return rebuild(tensor, new)


def _letters_of_parts(tensor: Tensor) -> list[Letters]:
    """The axes of a tensor that each part lies along, beyond the last where it is none of them."""
    if isinstance(tensor, Contraction):
        return [letters for _, letters, _ in tensor.factors]
    if isinstance(tensor, Map):
        return [letters for _, letters in tensor.args]
    if isinstance(tensor, Sum):
        return [axes_of(term) for term in tensor.terms]
    return [(tensor.order,) * part.order for part in children(tensor)]
