"""Making a tensor shorter: entrywise algebra, facts, multiplying out, taking out what is common.

A rewrite is kept only when the result has a smaller :attr:`~derive.tensor.nodes.Tensor.size`, or
the same and less in it that is awkward to read, so nothing grows and the process ends. Each that
was used is returned as a :class:`~derive.tensor.facts.Reason`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from derive.shapes import Dim
from derive.tensor.algebra import ONE, add, contract, squeeze, terms_of
from derive.tensor.facts import Reason, apply_facts
from derive.tensor.incidence import is_incidence
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Factor,
    Letters,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.parts import children
from derive.tensor.recognition import apart, recognise
from derive.tensor.rewriting import from_inside
from derive.tensor.scalars import (
    Atoms,
    from_scalar,
    least_size,
    repeated_sums,
    scalar_forms,
    to_scalar,
)

__all__ = ["Simplified", "entrywise", "expand", "factored", "simplify"]

Reasons = dict[Reason, None]

MOST_TERMS = 24
MOST_ATOMS = 12
RECOGNISED = 4
"""So many symbols may be saved when a function is recognised in a form."""
LARGEST = 200


@dataclass(frozen=True, slots=True)
class Simplified:
    """A shorter tensor, and why it is equal."""

    tensor: Tensor
    reasons: tuple[Reason, ...] = ()


def simplify(tensor: Tensor, facts: bool = True) -> Simplified:
    """The shortest form found, with the reasons; with ``facts=False`` no fact is used."""
    reasons: Reasons = {}
    for _ in range(8):
        found = _round(tensor, facts, reasons)
        if found is tensor:
            break
        tensor = found
    return Simplified(tensor, tuple(reasons))


def _round(tensor: Tensor, facts: bool, reasons: Reasons) -> Tensor:
    best = _settle(tensor, facts, reasons)
    for law, rewrite in WIDENING:
        wide = rewrite(best)
        if wide is best:
            continue
        used: Reasons = {}
        wide = factored(_settle(wide, facts, used))
        if _is_simpler(wide, best):
            reasons.update(used)
            reasons[Reason(law)] = None
            best = wide
    short = factored(best)
    if short is not best:
        reasons[Reason("factored")] = None
    return short


def _is_simpler(one: Tensor, other: Tensor) -> bool:
    """Whether a form is shorter than another, or as long and less awkward to read."""
    if one.size != other.size:
        return one.size < other.size
    return _awkward(one) < _awkward(other)


@lru_cache(maxsize=4096)
def _awkward(tensor: Tensor) -> int:
    """How many diagonals stand in it as vectors, and vectors repeated in a sum of matrices."""
    count = sum(map(_awkward, children(tensor)))
    if isinstance(tensor, Contraction):
        count += sum(
            len(letters) == 2 and letters[0] == letters[1] < tensor.order
            for _, letters, _ in tensor.factors
        )
    if isinstance(tensor, Sum) and tensor.order == 2:
        count += sum(len({x for x in term.letters if x < 2}) == 1 for term in tensor.terms)
    return count


def _settle(tensor: Tensor, facts: bool, reasons: Reasons) -> Tensor:
    short = _entrywise(tensor, reasons)
    if facts:
        short, used = apply_facts(short)
        reasons.update(dict.fromkeys(used))
        if used:
            short = _entrywise(short, reasons)
    return short


def entrywise(tensor: Tensor) -> Tensor:
    """The tensor with each entrywise part in the shortest form that scalar algebra finds."""
    return _entrywise(tensor, {})


def _entrywise_at_top(tensor: Tensor, reasons: Reasons) -> Tensor:
    tensor = _recognised(tensor, reasons)
    if isinstance(tensor, Sum):
        return _shortest_scalar(tensor, reasons)
    if not isinstance(tensor, Contraction) or len(tensor.factors) < 2:
        return tensor
    if not tensor.summed:
        return _shortest_scalar(tensor, reasons)
    groups = _by_letters(tensor.factors)
    if all(len(group) == 1 for group in groups.values()):
        return tensor
    factors: list[Factor] = []
    changed = False
    dims = tensor.dims
    for letters, group in groups.items():
        if len(group) > 1 and letters:
            axes = tuple(sorted(letters))
            part = contract(1, group, axes, dims)
            short = _shortest_scalar(part, reasons)
            if short is not part:
                changed = True
                group = [(short, axes, ONE)]
        factors.extend(group)
    if not changed:
        return tensor
    axes = tuple(range(tensor.order))
    found = contract(tensor.coefficient, factors, axes, dict(enumerate(tensor.shape)))
    return _recognised(found, reasons)


_entrywise = from_inside(_entrywise_at_top)


def _by_letters(factors: Iterable[Factor]) -> dict[frozenset[int], list[Factor]]:
    """Factors that multiply entry by entry together; a scalar joins a sum in which it divides."""
    groups: dict[frozenset[int], list[Factor]] = {}
    scalars: list[Factor] = []
    for factor in factors:
        if factor[1]:
            groups.setdefault(frozenset(factor[1]), []).append(factor)
        else:
            scalars.append(factor)
    for scalar in scalars:
        letters = next(
            (
                letters
                for letters, group in groups.items()
                if any(power < 0 and _divides(scalar[0], tensor) for tensor, _, power in group)
            ),
            frozenset[int](),
        )
        groups.setdefault(letters, []).append(scalar)
    return groups


def _divides(scalar: Tensor, tensor: Tensor) -> bool:
    """Whether a scalar is a divisor in a term of a sum."""
    return isinstance(tensor, Sum) and any(
        factor is scalar and power < 0 for term in tensor.terms for factor, _, power in term.factors
    )


def _recognised(tensor: Tensor, reasons: Reasons) -> Tensor:
    identities: list[str] = []
    found = recognise(tensor, identities)
    reasons.update(dict.fromkeys(map(Reason, identities)))
    return found


def _shortest_scalar(tensor: Tensor, reasons: Reasons) -> Tensor:
    """The shortest form of an expression that is entrywise at its top."""
    best, law = _best_form(tensor)
    if best is not tensor:
        entries = law == "cancelled" and tensor.order > 0
        reasons[Reason("entrywise" if entries else law)] = None
    return best


@lru_cache(maxsize=4096)
def _best_form(tensor: Tensor) -> tuple[Tensor, str]:
    """The shortest form by scalar algebra, and what was done."""
    if tensor.size > LARGEST:
        return tensor, ""
    found = _best_form_over(tensor, frozenset())
    whole = repeated_sums(tensor)
    return _best_form_over(tensor, whole) if found[0] is tensor and whole else found


def _best_form_over(tensor: Tensor, whole: Collection[Tensor]) -> tuple[Tensor, str]:
    """The same, with some sums as atoms."""
    atoms: Atoms = {}
    counts: dict[object, int] = {}
    axes = tuple(range(tensor.order))
    formula = to_scalar(tensor, axes, atoms, counts, whole)
    best, law = tensor, ""
    if all(count < 2 for count in counts.values()) or len(atoms) > MOST_ATOMS:
        return best, law
    names = {symbol: atom for atom, symbol in atoms.items()}
    sizes = {symbol: tensor.size for symbol, (tensor, _) in names.items()}
    diagonal = any(isinstance(atom, Delta) for atom, _ in atoms)
    for form in scalar_forms(formula):
        if form.divisors and all(isinstance(names[x][0], Variable) for x in form.divisors):
            continue
        if least_size(form.formula, sizes) > best.size + RECOGNISED:
            continue
        found = recognise(from_scalar(form.formula, names, tensor.shape))
        if diagonal and _scales_sum(found):
            continue
        if found.size < best.size:
            best, law = found, form.law
    return best, law


def _scales_sum(tensor: Tensor) -> bool:
    """Whether it is an array times a sum: ``diag(p) - p*p'`` stays as it is."""
    factors = tensor.factors if isinstance(tensor, Contraction) else ()
    sums = any(isinstance(factor, Sum) for factor, _, _ in factors)
    return sums and any(letters and not isinstance(f, Sum) for f, letters, _ in factors)


def expand(tensor: Tensor) -> Tensor:
    """The tensor with its products multiplied out over the sums among their factors."""
    terms = terms_of(tensor)
    if not len(terms) < sum(map(_terms_in, terms)) <= MOST_TERMS:
        return tensor
    return add([part for term in terms for part in _multiplied_out(term)], tensor.shape)


@lru_cache(maxsize=4096)
def _terms_in(term: Contraction) -> int:
    """How many terms a product has when it is multiplied out; 1 where they would be too many."""
    count = 1
    for factor in term.factors:
        count *= sum(map(_terms_in, _inside(factor))) or 1
        if count > MOST_TERMS:
            return 1
    return count


def _inside(factor: Factor) -> tuple[Contraction, ...]:
    """The terms over which a factor is multiplied out; none where it stays as it is."""
    tensor, letters, power = factor
    if power == 1 and isinstance(tensor, Sum):
        return tensor.terms
    if power == 1 and isinstance(tensor, Contraction) and not letters:
        return (tensor,)
    return ()


def _multiplied_out(term: Contraction) -> list[Tensor]:
    if _terms_in(term) == 1:
        return [term]
    products: list[list[Factor]] = [[]]
    for factor in term.factors:
        _, letters, _ = factor
        parts = (part for inner in _inside(factor) for part in _multiplied_out(inner))
        options = [(part, letters, ONE) for part in parts] or [factor]
        products = [[*product, option] for product in products for option in options]
    axes = tuple(range(term.order))
    dims = dict(enumerate(term.shape))
    return [contract(term.coefficient, product, axes, dims) for product in products]


def _apart_at_top(tensor: Tensor, reasons: Reasons) -> Tensor:
    return apart(tensor) or tensor


_apart = from_inside(_apart_at_top)


def _factors_apart(tensor: Tensor) -> Tensor:
    """The tensor with inverses and determinants of products as products."""
    return _apart(tensor, {})


WIDENING: Final = (("expanded", expand), ("apart", _factors_apart))
"""Rewrites that make an expression longer, tried in case it gets shorter then."""


def factored(tensor: Tensor) -> Tensor:
    """The tensor with what its terms have in common taken out, where that makes it shorter."""
    return _factored(tensor, {})


def _factored_at_top(tensor: Tensor, reasons: Reasons) -> Tensor:
    for _ in range(MOST_TERMS):
        if not isinstance(tensor, Sum) or len(tensor.terms) > MOST_TERMS:
            return tensor
        best: Tensor = tensor
        for common, terms in _common_factors(tensor).items():
            if len(terms) > 1 and _is_worth_it(tensor, common, terms):
                found = _taken_out(tensor, common, terms)
                if _is_simpler(found, best):
                    best = found
        if best is tensor:
            return tensor
        tensor = best
    return tensor


_factored = from_inside(_factored_at_top)

Common = tuple[Tensor, tuple[int | None, ...], int]


def _common_factors(tensor: Sum) -> dict[Common, dict[int, int]]:
    """Factors by tensor and free letters, with the terms and positions in which they stand."""
    found: dict[Common, dict[int, int]] = {}
    for index, term in enumerate(tensor.terms):
        for position, (factor, letters, power) in enumerate(term.factors):
            summed = [x for x in letters if x >= tensor.order]
            if power.denominator != 1 or len(set(summed)) != len(summed):
                continue
            if not is_incidence(factor) and _is_placed(term, summed):
                continue
            pattern = tuple(x if x < tensor.order else None for x in letters)
            sign = 1 if power > 0 else -1
            found.setdefault((factor, pattern, sign), {}).setdefault(index, position)
    return found


def _is_placed(term: Contraction, letters: Collection[int]) -> bool:
    """Whether one of these letters counts the rows of a block: ``vcat(i .* a, i .* b)`` stays."""
    return any(
        isinstance(factor, Call) and factor.function == "select" and any(x in letters for x in own)
        for factor, own, _ in term.factors
    )


def _is_worth_it(tensor: Sum, common: Common, terms: dict[int, int]) -> bool:
    """Whether people take the factor out.

    Not in ``a x^2 + b x``, not in ``1/c - 1/c^2``, and no divisor out of some of the terms.
    """
    factor, _, sign = common
    found = [tensor.terms[index].factors for index in terms]
    if all(len(factors) == 1 for factors in found):
        return False
    if not isinstance(factor, Variable | Constant):
        return True
    powers = {factors[place][2] for factors, place in zip(found, terms.values(), strict=True)}
    return len(powers) == 1 and (sign > 0 or len(terms) == len(tensor.terms))


def _taken_out(tensor: Sum, common: Common, terms: dict[int, int]) -> Tensor:
    """The sum with one common factor taken out of the terms that have it.

    A vector on one axis of a matrix stays where something would be left to repeat along that axis:
    ``diag(p) - p*p'`` reads better than ``diag(p)*(I - ones(n)*p')``.
    """
    factor, pattern, sign = common
    order = tensor.order
    inner = [axis for axis, letter in enumerate(pattern) if letter is None]
    if len(inner) > 1:
        return tensor
    names = {axis: order + count for count, axis in enumerate(inner)}
    letters = tuple(names[a] if x is None else x for a, x in enumerate(pattern))
    axes: Letters = (*range(order), *names.values())
    dims = dict(enumerate(tensor.shape))
    dims.update({names[axis]: factor.shape[axis] for axis in inner})
    rest: list[Tensor] = []
    for index, position in terms.items():
        rest.append(_without(tensor.terms[index], position, letters, sign, axes, dims))
    if order == 2 and len(pattern) == 1 and pattern[0] is not None and sign > 0:
        lying = {pattern[0] in squeeze(part)[1] for part in rest}
        if len(lying) > 1:
            return tensor
    total = add(rest, tuple(dims[x] for x in axes))
    if squeeze(total)[0].order > 2:
        return tensor
    product = contract(
        1,
        [(factor, letters, ONE * sign), (total, axes)],
        tuple(range(order)),
        dict(enumerate(tensor.shape)),
    )
    others = [term for index, term in enumerate(tensor.terms) if index not in terms]
    return recognise(add([product, *others], tensor.shape))


def _without(
    term: Contraction,
    position: int,
    letters: Letters,
    sign: int,
    axes: Letters,
    dims: dict[int, Dim],
) -> Tensor:
    """A term without one power of a factor; that factor's summed letters become axes."""
    _, own, power = term.factors[position]
    shift = 1000
    names = {old: new for old, new in zip(own, letters, strict=True) if old >= term.order}
    for letter in term.summed:
        names.setdefault(letter, letter + shift)
    left: list[Factor] = []
    for index, (tensor, along, degree) in enumerate(term.factors):
        if index == position:
            degree = power - sign
            if degree == 0:
                continue
        left.append((tensor, tuple(names.get(x, x) for x in along), degree))
    return contract(term.coefficient, left, axes, dims)
