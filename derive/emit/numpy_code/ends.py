"""Differences that lose their digits, written as products that keep them.

A function whose values approach a number, its end, is subtracted from that number in many a
derivative: ``1 - sigmoid(z)``, ``1 - tanh(z)^2``, ``1 + erf(x)``. Near the end nothing is left of
the difference. A sum that is a polynomial in such a value ``v`` is therefore expanded about an end
``e``, if it vanishes there or becomes shorter, and ``v - e`` is written by a formula of its own:

=============  =========================  =========================================
value          end                        value - end
=============  =========================  =========================================
sigmoid(z)     1                          -sigmoid(-z)
softmax(z)     1                          expm1(log_softmax(z))
tanh(t)        1, -1                      -2 sigmoid(-2t), 2 sigmoid(2t)
tanh(t)^2      1                          -sech(t)^2
erf(t)         1, -1                      -erfc(t), erfc(-t)
exp(t)         1                          expm1(t)
expm1(t)       -1                         exp(t)
=============  =========================  =========================================

Beside a label ``y``, a number in [0, 1] that may be 0 and may be 1, ``v - y`` is written
``(1 - y) v - y (1 - v)``: no digit is lost where both are near 0 and where both are near 1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb
from typing import Final

from derive.emit.numpy_code.matching import (
    argument_of,
    axes_of,
    called,
    is_zero,
    mapped,
    terms_in,
    times,
    value_of,
)
from derive.tensor.algebra import ONE, add, contract, scale, terms_of
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Map, Sum, Tensor, Variable
from derive.tensor.parts import children

__all__ = ["kept_apart", "labels_in"]

HIGHEST: Final = 4
"""Polynomials of a higher degree are left as they are."""

MOST_TERMS: Final = 12

Polynomial = dict[int, Tensor]
"""Coefficients by power, each of the whole shape."""


@dataclass(frozen=True, slots=True)
class End:
    """An end of a function's values.

    Attributes:
        at: The number.
        beyond: The value minus that number, as a function of the argument.
        power: Of the value that approaches it.
    """

    at: Fraction
    beyond: Callable[[Tensor], Tensor]
    power: int = 1


def _sigmoid(coefficient: int, inner: int) -> Callable[[Tensor], Tensor]:
    return lambda z: scale(coefficient, mapped("sigmoid", scale(inner, z)))


def _sech_squared(t: Tensor) -> Tensor:
    axes = axes_of(t)
    return contract(-1, [(mapped("sech", t), axes, Fraction(2))], axes)


ENDS: Final[Mapping[str, tuple[End, ...]]] = {
    "sigmoid": (End(ONE, _sigmoid(-1, -1)),),
    "softmax": (End(ONE, lambda z: mapped("expm1", called("log_softmax", z))),),
    "tanh": (
        End(ONE, _sech_squared, 2),
        End(ONE, _sigmoid(-2, -2)),
        End(-ONE, _sigmoid(2, 2)),
    ),
    "erf": (
        End(ONE, lambda t: scale(-1, mapped("erfc", t))),
        End(-ONE, lambda t: mapped("erfc", scale(-1, t))),
    ),
    "exp": (End(ONE, lambda t: mapped("expm1", t)),),
    "expm1": (End(-ONE, lambda t: mapped("exp", t)),),
}


@dataclass(frozen=True, slots=True)
class _Atom:
    """A value that has an end, along some axes of a sum."""

    tensor: Tensor
    letters: Letters
    function: str
    argument: Tensor

    def power_in(self, tensor: Tensor, letters: Letters) -> int:
        """1 if a factor is this value, along the same axes."""
        return int(letters == self.letters and value_of(tensor) is value_of(self.tensor))

    def is_in_silu(self, tensor: Tensor, letters: Letters) -> bool:
        """Whether a factor is silu of the argument: the argument times this value."""
        if self.function != "sigmoid" or letters != self.letters:
            return False
        return argument_of(tensor, "silu") is self.argument


def kept_apart(tensor: Sum, labels: Collection[Tensor], named: bool) -> Tensor:
    """The sum, without differences that lose their digits; the sum itself if it has none.

    Args:
        tensor: The sum.
        labels: Numbers in [0, 1] that a value is compared with.
        named: Whether a value that has a name may be taken apart.
    """
    if len(tensor.terms) > MOST_TERMS:
        return tensor
    for atom in dict.fromkeys(_atoms(tensor)):
        if isinstance(atom.tensor, Variable) and not named:
            continue
        polynomial = _coefficients(tensor, atom)
        if not 0 < max(polynomial) <= HIGHEST:
            continue
        found = _about_an_end(tensor, atom, polynomial, named) or _beside_label(
            tensor, atom, polynomial, labels
        )
        if found is not None:
            return found
    return tensor


def labels_in(tensor: Tensor) -> set[Tensor]:
    """The given variables that the logarithm of a value with an end is multiplied by."""
    found: set[Tensor] = set()
    seen: set[Tensor] = set()
    stack = [tensor]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack.extend(children(node))
        if isinstance(node, Contraction):
            factors = [factor for factor, _, _ in node.factors]
            if any(_function(factor) in LOGARITHMS for factor in factors):
                found.update(part for factor in factors for part in _given(factor))
    return found


def _given(factor: Tensor) -> Iterator[Tensor]:
    """A given variable, or the one in ``1 - y``."""
    for term in terms_of(factor):
        for part, _, power in term.factors:
            if isinstance(part, Variable) and part.value is None and power == 1:
                yield part


LOGARITHMS: Final = frozenset({"softplus", "log_softmax"})
"""Logarithms of values with an end."""


def _function(tensor: Tensor) -> str:
    return tensor.function if isinstance(tensor, Map | Call) else ""


def _atoms(tensor: Tensor) -> Iterator[_Atom]:
    """The values with an end that a sum is a polynomial in."""
    for term in terms_of(tensor):
        for factor, letters, power in term.factors:
            if any(x >= term.order for x in letters) or power.denominator != 1 or power < 1:
                continue
            if isinstance(factor, Sum):
                for atom in _atoms(factor):
                    outer = tuple(letters[x] for x in atom.letters)
                    yield _Atom(atom.tensor, outer, atom.function, atom.argument)
                continue
            function = _function(value_of(factor))
            argument = argument_of(factor, function) if function in ENDS else None
            if argument is not None:
                yield _Atom(factor, letters, function, argument)


def _coefficients(tensor: Tensor, atom: _Atom) -> Polynomial:
    """A tensor as a polynomial in a value."""
    found: dict[int, list[Tensor]] = {}
    for term in terms_of(tensor):
        for power, coefficient in _of_term(term, atom).items():
            found.setdefault(power, []).append(coefficient)
    return {power: add(parts, tensor.shape) for power, parts in found.items()}


def _of_term(term: Contraction, atom: _Atom) -> Polynomial:
    """A product as a polynomial in a value; sums among its factors are multiplied out."""
    shift, rest, inner = 0, list[Factor](), list[tuple[Polynomial, Letters]]()
    for factor, letters, power in term.factors:
        own = atom.power_in(factor, letters) if power.denominator == 1 and power > 0 else 0
        polynomial = _of_sum(factor, letters, atom) if power == 1 else {}
        if own:
            shift += int(power)
        elif power == 1 and atom.is_in_silu(factor, letters):
            shift += 1
            rest.append((atom.argument, letters, ONE))
        elif max(polynomial, default=0):
            inner.append((polynomial, letters))
        else:
            rest.append((factor, letters, power))
    products: dict[int, list[list[Factor]]] = {shift: [rest]}
    for polynomial, letters in inner:
        wider: dict[int, list[list[Factor]]] = {}
        for total, parts in products.items():
            for degree, coefficient in polynomial.items():
                more = [[*part, (coefficient, letters, ONE)] for part in parts]
                wider.setdefault(total + degree, []).extend(more)
        products = wider
    axes, dims = axes_of(term), dict(enumerate(term.shape))
    return {
        total: add([contract(term.coefficient, part, axes, dims) for part in parts], term.shape)
        for total, parts in products.items()
    }


def _of_sum(factor: Tensor, letters: Letters, atom: _Atom) -> Polynomial:
    """A sum among the factors of a product, as a polynomial."""
    if not isinstance(factor, Sum) or not set(atom.letters) <= set(letters):
        return {}
    inside = tuple(letters.index(x) for x in atom.letters)
    return _coefficients(factor, replace(atom, letters=inside))


def _about_an_end(tensor: Sum, atom: _Atom, polynomial: Polynomial, named: bool) -> Tensor | None:
    """The sum expanded about an end at which it vanishes, or about which it is shortest."""
    ends = ENDS[atom.function]
    for end in ends:
        quotient = _divided(tensor, polynomial, end)
        if quotient is not None:
            rest = _written(tensor, atom, quotient)
            if isinstance(rest, Sum):
                rest = kept_apart(rest, (), named)
            beyond = end.beyond(atom.argument)
            return times(tensor, (beyond, atom.letters), (rest, axes_of(tensor)))
    if 0 not in polynomial or is_zero(polynomial[0]):
        return _without_value(tensor, atom, polynomial, named)
    return _shortest_expansion(tensor, atom, polynomial)


def _without_value(tensor: Sum, atom: _Atom, polynomial: Polynomial, named: bool) -> Tensor | None:
    """The value taken out of a sum that has it in every term, if the rest can be expanded."""
    rest = {power - 1: part for power, part in polynomial.items() if power > 0}
    inner = _written(tensor, atom, rest)
    found = kept_apart(inner, (), named) if isinstance(inner, Sum) else inner
    if found is inner:
        return None
    return times(tensor, (atom.tensor, atom.letters), (found, axes_of(tensor)))


def _shortest_expansion(tensor: Sum, atom: _Atom, polynomial: Polynomial) -> Tensor | None:
    best, fewest = None, terms_in(list(polynomial.values()))
    for end in ENDS[atom.function]:
        if end.power > 1:
            continue
        expanded = _expanded(tensor, polynomial, end.at)
        count = terms_in(list(expanded.values()))
        if count < fewest:
            fewest = count
            beyond = end.beyond(atom.argument)
            best = _written(tensor, _Atom(beyond, atom.letters, "", atom.argument), expanded)
    return best


def _divided(tensor: Sum, polynomial: Polynomial, end: End) -> Polynomial | None:
    """The polynomial divided by ``v^power - at``; None if that leaves a remainder."""
    degree = max(polynomial)
    left = dict(polynomial)
    quotient: Polynomial = {}
    for power in range(degree, end.power - 1, -1):
        top = left.pop(power, None)
        if top is None or is_zero(top):
            continue
        quotient[power - end.power] = top
        below = left.get(power - end.power, scale(0, top))
        left[power - end.power] = add([below, scale(end.at, top)], tensor.shape)
    if not quotient or not all(is_zero(part) for part in left.values()):
        return None
    return quotient


def _expanded(tensor: Sum, polynomial: Polynomial, at: Fraction) -> Polynomial:
    """The coefficients of the powers of ``v - at``."""
    found: dict[int, list[Tensor]] = {}
    for power, part in polynomial.items():
        for degree in range(power + 1):
            factor = comb(power, degree) * at ** (power - degree)
            found.setdefault(degree, []).append(scale(factor, part))
    return {degree: add(parts, tensor.shape) for degree, parts in found.items()}


def _written(tensor: Tensor, atom: _Atom, polynomial: Polynomial) -> Tensor:
    """A polynomial as a tensor."""
    axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))
    terms = []
    for power, part in polynomial.items():
        if not is_zero(part):
            value = [(atom.tensor, atom.letters, Fraction(power))] if power else []
            terms.append(contract(1, [*value, (part, axes, ONE)], axes, dims))
    return add(terms, tensor.shape)


def _beside_label(
    tensor: Sum, atom: _Atom, polynomial: Polynomial, labels: Collection[Tensor]
) -> Tensor | None:
    """``s v - y`` as ``(s - y) v - y (1 - v)``, for a label y and numbers s."""
    if set(polynomial) != {0, 1} or atom.function not in ("sigmoid", "softmax"):
        return None
    (label,) = terms_of(polynomial[0])[:1]
    if len(terms_of(polynomial[0])) != 1 or len(label.factors) != 1:
        return None
    factor, letters, power = label.factors[0]
    if factor not in labels or power != 1 or letters != axes_of(tensor):
        return None
    (end,) = ENDS[atom.function]
    beyond = end.beyond(atom.argument)
    at_end = add([polynomial[0], polynomial[1]], tensor.shape)
    return add(
        [
            times(tensor, (at_end, axes_of(tensor)), (atom.tensor, atom.letters)),
            scale(-1, times(tensor, (polynomial[0], axes_of(tensor)), (beyond, atom.letters))),
        ],
        tensor.shape,
    )
