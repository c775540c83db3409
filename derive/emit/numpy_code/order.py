"""The order in which the factors of a contraction are multiplied.

Among the ways to take the contraction apart into products of two connected parts, the one with the
fewest multiplications is chosen, a symbolic size counting as :data:`TYPICAL`. A product that the
function has computed already costs nothing, so what several lines have in common is found, and
inverses are applied to the thinnest thing there is. Sets of factors are bit masks. Where there are
too many parts to try, the pair that is cheapest to multiply goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from derive.emit.numpy_code.arrays import Array
from derive.shapes import Dim
from derive.tensor.algebra import as_contraction, contract
from derive.tensor.facts import apply_facts, is_symmetric
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Tensor

__all__ = ["Computed", "Order", "Oriented", "entries_in", "orders"]

TYPICAL: Final = 100
AWKWARD: Final = 50
"""How many times as dear a product is for which NumPy has no operator."""

MOST_PARTS: Final = 256
"""Connected sets of factors among which the best order is looked for."""

Oriented = tuple[Array, Letters]
Signature = frozenset[tuple[tuple[Tensor, Fraction], int]]


class Computed:
    """What a function has computed already: arrays by what they are.

    Two products can be the same only if they have the same factors, which is quickly seen.
    """

    def __init__(self) -> None:
        self._arrays: dict[Tensor, Array] = {}
        self._signatures: set[Signature] = set()

    def enter(self, tensor: Tensor, array: Array) -> None:
        """Take in an array; what was there first stays."""
        self._arrays.setdefault(tensor, array)
        self._signatures.add(_signature(as_contraction(tensor).factors))

    def get(self, tensor: Tensor) -> Array | None:
        """The array of a tensor."""
        return self._arrays.get(tensor)

    def has(self, signature: Signature) -> bool:
        """Whether an array is the product of these factors, in some way."""
        return signature in self._signatures


def _signature(factors: Iterable[Factor]) -> Signature:
    """The factors of a product, those of numbers that are products included, with their counts."""
    counts: Counter[tuple[Tensor, Fraction]] = Counter()
    stack = list(factors)
    while stack:
        tensor, _, power = stack.pop()
        if isinstance(tensor, Contraction) and not tensor.order and power == 1:
            stack.extend(tensor.factors)
        else:
            counts[tensor, power] += 1
    return frozenset(counts.items())


def entries_in(shape: Iterable[Dim]) -> float:
    """The number of entries of an array, a symbolic size counting as typical."""
    total = 1.0
    for dim in shape:
        total *= int(dim) if dim.is_Integer else TYPICAL
    return total


class Order:
    """The order of multiplication for one contraction.

    Factors on the same letters form a group, which is multiplied entry by entry.

    Args:
        node: The contraction.
        free: Its free letters.
        products: What is computed already.
        materialised: Inverses that are computed as matrices.
    """

    def __init__(
        self,
        node: Contraction,
        free: Letters,
        products: Computed,
        materialised: set[Tensor],
    ) -> None:
        self.free, self.dims = free, node.dims
        self.products, self.materialised = products, materialised
        groups: dict[frozenset[int], list[Factor]] = {}
        for factor in node.factors:
            if factor[1]:
                groups.setdefault(frozenset(factor[1]), []).append(factor)
        self.sets, self.groups = list(groups), list(groups.values())
        self.touching = [
            sum(1 << place for place, other in enumerate(self.sets) if letters & other)
            for letters in self.sets
        ]
        self.best: dict[int, tuple[float, int]] = {}
        self.chosen: dict[int, int] = {}
        self.carried: dict[int, frozenset[int]] = {}
        self.signatures: dict[int, Signature] = {}
        self.formed: dict[tuple[int, Letters], Tensor] = {}
        self.parts = self._connected_parts()

    @property
    def whole(self) -> int:
        """All groups."""
        return (1 << len(self.groups)) - 1

    def flops(self) -> float:
        """Multiplications of the best order, the factors themselves not counted."""
        return self.cost(self.whole) if self.groups else 0.0

    def split(self, mask: int) -> int:
        """One side of the last product of these groups; 0 for a single group."""
        self.cost(mask)
        return self.best[mask][1]

    def summed(self, left: int, right: int) -> frozenset[int]:
        """The letters that are summed when two partial products meet."""
        return (self.letters(left) | self.letters(right)) - self.letters(left | right)

    def letters(self, mask: int) -> frozenset[int]:
        """Letters of a partial product."""
        known = self.carried.get(mask)
        if known is None:
            inside: set[int] = set()
            outside = set(self.free)
            for place, letters in enumerate(self.sets):
                (inside if mask >> place & 1 else outside).update(letters)
            known = self.carried[mask] = frozenset(inside & outside)
        return known

    def size(self, letters: frozenset[int]) -> float:
        return entries_in(self.dims[letter] for letter in letters)

    def cost(self, mask: int) -> float:
        """Multiplications of the best order; remembers where it splits."""
        known = self.best.get(mask)
        if known is None:
            if self.computed(mask) is not None:
                known = 0.0, 0
            elif mask & (mask - 1) == 0:
                group = self.groups[mask.bit_length() - 1]
                known = self.size(self.sets[mask.bit_length() - 1]) * len(group), 0
                if mask == self.whole and self.inverse(mask) is not None:
                    known = known[0] * TYPICAL, 0
            else:
                known = min(
                    ((self._cost_of_split(part, mask ^ part), part) for part in self._parts(mask)),
                    key=lambda option: option[0],
                )
            self.best[mask] = known
        return known[0]

    def _parts(self, mask: int) -> Iterator[int]:
        """Parts of a set that have its first member, for each way to split it that is tried."""
        part = self._component(mask)
        if part != mask:
            yield part
        elif self.parts is None:
            if mask not in self.chosen:
                self._choose(mask)
            yield self.chosen[mask]
        else:
            lowest = mask & -mask
            for part in self.parts:
                if part & lowest and not part & ~mask and mask ^ part in self.parts:
                    yield part

    def _component(self, mask: int) -> int:
        """What is connected with the first member of a set."""
        found, grown = 0, mask & -mask
        while grown != found:
            found = grown
            for place, touching in enumerate(self.touching):
                if found >> place & 1:
                    grown |= touching & mask
        return found

    def _connected_parts(self) -> dict[int, None] | None:
        """Every connected set of groups; None if there are too many."""
        found = {1 << place: None for place in range(len(self.groups))}
        queue = list(found)
        for part in queue:
            around = 0
            for place, touching in enumerate(self.touching):
                if part >> place & 1:
                    around |= touching
            for place in range(len(self.groups)):
                larger = part | 1 << place
                if around >> place & 1 and larger not in found:
                    found[larger] = None
                    queue.append(larger)
            if len(found) > MOST_PARTS:
                return None
        return dict.fromkeys(sorted(found, reverse=True))

    def _choose(self, mask: int) -> None:
        """Multiply the cheapest pair first; what was multiplied once costs nothing again."""
        parts = [1 << place for place in range(len(self.groups)) if mask >> place & 1]
        made: set[Tensor] = set()
        while len(parts) > 1:
            pairs = [
                (self._cost_of_pair(one, other, made), one, other)
                for place, one in enumerate(parts)
                for other in parts[:place]
                if self._meet(one, other)
            ]
            _, one, other = min(pairs)
            made |= self.canonical(one | other)
            self.chosen[one | other] = min(one, other, key=lambda part: part & -part)
            parts = [part for part in parts if part not in (one, other)] + [one | other]

    def _cost_of_pair(self, one: int, other: int, made: set[Tensor]) -> float:
        known = self.canonical(one | other) & made
        return 0.0 if known else self._cost_of_meeting(one, other)

    def _meet(self, one: int, other: int) -> bool:
        """Whether two parts have neighbours in one another."""
        return any(
            one >> place & 1 and touching & other for place, touching in enumerate(self.touching)
        )

    def _cost_of_split(self, left: int, right: int) -> float:
        first, second = self.letters(left), self.letters(right)
        shared, summed = first & second, self.summed(left, right)
        cost = self._cost_of_meeting(left, right)
        for part, other in ((left, second), (right, first)):
            inverse = self.inverse(part)
            if inverse is not None:
                applied = len(summed) == 1 and summed <= other and shared == summed
                cost += self.size(self.letters(part)) * TYPICAL * (1 if applied else 4)
        return cost + self.cost(left) + (0.0 if self.same(left, right) else self.cost(right))

    def same(self, left: int, right: int) -> bool:
        """Whether two partial products are equal, or one is the transpose of the other."""
        if self.signature(left) != self.signature(right):
            return False
        return bool(self.canonical(left) & self.canonical(right))

    def signature(self, mask: int) -> Signature:
        """The factors of a partial product."""
        known = self.signatures.get(mask)
        if known is None:
            factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
            known = self.signatures[mask] = _signature(factors)
        return known

    def _cost_of_meeting(self, left: int, right: int) -> float:
        """Multiplications when two partial products meet."""
        first, second = self.letters(left), self.letters(right)
        union, kept = first | second, self.letters(left | right)
        cost = self.size(union)
        if len(kept) > 2 or (len(union) > 2 and (first & second & kept or len(union - kept) > 1)):
            cost *= AWKWARD
        if not first & second and len(kept) > len(first):
            cost *= 1.01
        return cost

    def inverse(self, mask: int) -> Tensor | None:
        """The matrix whose inverse this group is, if it is one that need not be computed."""
        if mask & (mask - 1):
            return None
        group = self.groups[mask.bit_length() - 1]
        tensor, _, power = group[0]
        if len(group) > 1 or power != 1 or not isinstance(tensor, Call):
            return None
        if len(self.letters(mask)) < 2:
            return None
        if tensor.function != "inverse" or tensor in self.materialised:
            return None
        return tensor.args[0]

    def canonical(self, mask: int) -> frozenset[Tensor]:
        """A partial product as tensors, in either order of its axes."""
        return frozenset(self.tensor(mask, order) for order in orders(self.letters(mask)))

    def tensor(self, mask: int, order: Letters) -> Tensor:
        """A partial product, its axes in this order."""
        known = self.formed.get((mask, order))
        if known is None:
            factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
            known = contract(1, factors, order)
            if any(t.order == 2 and is_symmetric(t) for t, _, _ in factors):
                known = apply_facts(known)[0]
            self.formed[mask, order] = known
        return known

    def computed(self, mask: int) -> Oriented | None:
        """A partial product that the function has computed already."""
        if not self.products.has(self.signature(mask)):
            return None
        for order in orders(self.letters(mask)):
            known = self.products.get(self.tensor(mask, order))
            if known is not None:
                return known, order
        return None


def orders(letters: frozenset[int]) -> tuple[Letters, ...]:
    """The orders that at most two axes can have."""
    order = tuple(sorted(letters))
    return (order, order[::-1]) if len(order) == 2 else (order,)
