"""The order in which the factors of a contraction are multiplied.

Among all ways to take the contraction apart into products of two, the one with the fewest
multiplications is chosen, a symbolic size counting as :data:`TYPICAL`. A product that the function
has computed already costs nothing, so what several lines have in common is found, and inverses are
applied to the thinnest thing there is. Sets of factors are bit masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from derive.emit.numpy_code.arrays import Array
from derive.shapes import Dim
from derive.tensor.algebra import contract
from derive.tensor.facts import apply_facts, is_symmetric
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Tensor

__all__ = ["MOST_GROUPS", "Order", "Oriented", "entries_in", "orders"]

TYPICAL: Final = 100
AWKWARD: Final = 50
"""How many times as dear a product is for which NumPy has no operator."""

MOST_GROUPS: Final = 8

Oriented = tuple[Array, Letters]


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
        products: Mapping[Tensor, Array],
        materialised: set[Tensor],
    ) -> None:
        self.free, self.dims = free, node.dims
        self.products, self.materialised = products, materialised
        groups: dict[frozenset[int], list[Factor]] = {}
        for factor in node.factors:
            if factor[1]:
                groups.setdefault(frozenset(factor[1]), []).append(factor)
        self.sets, self.groups = list(groups), list(groups.values())
        self.best: dict[int, tuple[float, int]] = {}

    @property
    def whole(self) -> int:
        """All groups."""
        return (1 << len(self.groups)) - 1

    def flops(self) -> float:
        """Multiplications of the best order, the factors themselves not counted."""
        if len(self.groups) > MOST_GROUPS:
            return sum(self.size(letters) for letters in self.sets) * AWKWARD
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
        inside: set[int] = set()
        outside = set(self.free)
        for place, letters in enumerate(self.sets):
            (inside if mask >> place & 1 else outside).update(letters)
        return frozenset(inside & outside)

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
                    ((self._cost_of_split(part, mask ^ part), part) for part in _parts(mask)),
                    key=lambda option: option[0],
                )
            self.best[mask] = known
        return known[0]

    def _cost_of_split(self, left: int, right: int) -> float:
        first, second = self.letters(left), self.letters(right)
        union, kept = first | second, self.letters(left | right)
        summed, shared = union - kept, first & second & kept
        cost = self.size(union)
        if len(kept) > 2 or (len(union) > 2 and (shared or len(summed) > 1)):
            cost *= AWKWARD
        if not first & second and len(kept) > len(first):
            cost *= 1.01
        for part, other in ((left, second), (right, first)):
            inverse = self.inverse(part)
            if inverse is not None:
                applied = len(summed) == 1 and summed <= other and not shared
                cost += self.size(self.letters(part)) * TYPICAL * (1 if applied else 4)
        same = self.canonical(left) & self.canonical(right)
        return cost + self.cost(left) + (0.0 if same else self.cost(right))

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
        factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
        tensor = contract(1, factors, order)
        if any(t.order == 2 and is_symmetric(t) for t, _, _ in factors):
            tensor, _ = apply_facts(tensor)
        return tensor

    def computed(self, mask: int) -> Oriented | None:
        """A partial product that the function has computed already."""
        for order in orders(self.letters(mask)):
            known = self.products.get(self.tensor(mask, order))
            if known is not None:
                return known, order
        return None


def _parts(mask: int) -> Iterator[int]:
    """Parts of a set that have its first member: each way to split it once."""
    lowest = mask & -mask
    rest = mask ^ lowest
    part = rest
    while part:
        part = (part - 1) & rest
        yield part | lowest


def orders(letters: frozenset[int]) -> tuple[Letters, ...]:
    """The orders that at most two axes can have."""
    order = tuple(sorted(letters))
    return (order, order[::-1]) if len(order) == 2 else (order,)
