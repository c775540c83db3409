"""Products of arrays in the order that costs least.

A contraction of several factors is taken apart into products of two. Among all orders the one with
the fewest multiplications is chosen, a symbolic size counting as :data:`TYPICAL`; a product that the
function has computed already costs nothing, so what several lines have in common is found, and
inverses are applied to the thinnest thing there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from derive.emit.numpy_arrays import Array, Arrays
from derive.shapes import Dim
from derive.tensor.algebra import ONE, contract
from derive.tensor.facts import apply_facts, is_symmetric
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Tensor

__all__ = ["Lowering", "Product"]

TYPICAL: Final = 100
AWKWARD: Final = 50
"""How many times as dear a product is for which NumPy has no operator."""

MOST_GROUPS: Final = 8

Oriented = tuple[Array, Letters]


class Lowering(Protocol):
    """What a product needs from the lowering that it is part of."""

    arrays: Arrays
    products: dict[Tensor, Array]
    materialised: set[Tensor]

    def array(self, tensor: Tensor) -> Array:
        """The array of a tensor."""


class NoOperator(Exception):
    """NumPy has no operator for this product."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One factor: an array with the letters on its axes, to a power."""

    tensor: Tensor
    array: Array
    letters: Letters
    power: Fraction

    @property
    def symmetric(self) -> bool:
        return self.tensor.order == 2 and is_symmetric(self.tensor)


class Product:
    """The product of the factors of one contraction that have letters."""

    def __init__(self, lowering: Lowering, node: Contraction, free: Letters) -> None:
        self.lowering, self.arrays, self.free = lowering, lowering.arrays, free
        self.dims = node.dims
        groups: dict[frozenset[int], list[Factor]] = {}
        for factor in node.factors:
            if factor[1]:
                groups.setdefault(frozenset(factor[1]), []).append(factor)
        self.sets, self.groups = list(groups), list(groups.values())
        self.best: dict[int, tuple[float, int]] = {}
        self.built: dict[tuple[int, Letters | None], Oriented] = {}

    def array(self) -> Oriented:
        """The product and the letters of its axes, those of ``free`` in their order if it can be."""
        whole = (1 << len(self.groups)) - 1
        letters = tuple(x for x in self.free if any(x in s for s in self.sets))
        try:
            if len(letters) > 2 or len(self.groups) > MOST_GROUPS:
                raise NoOperator
            found, order = self._build(whole, letters)
            return self._turned(found, order, letters), letters
        except NoOperator:
            return self._einsum(letters), letters

    # The order of multiplication

    def _letters(self, mask: int) -> frozenset[int]:
        """Letters of a partial product."""
        inside: set[int] = set()
        outside = set(self.free)
        for place, letters in enumerate(self.sets):
            (inside if mask >> place & 1 else outside).update(letters)
        return frozenset(inside & outside)

    def _size(self, letters: frozenset[int]) -> float:
        total = 1.0
        for letter in letters:
            dim: Dim = self.dims[letter]
            total *= int(dim) if dim.is_Integer else TYPICAL
        return total

    def _cost(self, mask: int) -> float:
        """Multiplications of the best order; remembers where it splits."""
        known = self.best.get(mask)
        if known is None:
            if self._computed(mask) is not None:
                known = 0.0, 0
            elif mask & (mask - 1) == 0:
                group = self.groups[mask.bit_length() - 1]
                known = self._size(self.sets[mask.bit_length() - 1]) * len(group), 0
            else:
                known = min(
                    ((self._cost_of_split(part, mask ^ part), part) for part in _parts(mask)),
                    key=lambda option: option[0],
                )
            self.best[mask] = known
        return known[0]

    def _cost_of_split(self, left: int, right: int) -> float:
        first, second = self._letters(left), self._letters(right)
        union, kept = first | second, self._letters(left | right)
        summed, shared = union - kept, first & second & kept
        cost = self._size(union)
        if len(kept) > 2 or (len(union) > 2 and (shared or len(summed) > 1)):
            cost *= AWKWARD
        if not first & second and len(kept) > len(first):
            cost *= 1.01
        for part, other in ((left, second), (right, first)):
            inverse = self._inverse(part)
            if inverse is not None:
                applied = len(summed) == 1 and summed <= other and not shared
                cost += self._size(self._letters(part)) * TYPICAL * (1 if applied else 4)
        same = self._canonical(left) & self._canonical(right)
        return cost + self._cost(left) + (0.0 if same else self._cost(right))

    def _inverse(self, mask: int) -> Tensor | None:
        """The matrix whose inverse this group is, if it is one that need not be computed."""
        if mask & (mask - 1):
            return None
        group = self.groups[mask.bit_length() - 1]
        tensor, letters, power = group[0]
        if len(group) > 1 or power != 1 or len(set(letters)) < 2 or not isinstance(tensor, Call):
            return None
        if tensor.function != "inverse" or tensor in self.lowering.materialised:
            return None
        return tensor.args[0]

    def _canonical(self, mask: int) -> frozenset[Tensor]:
        """A partial product as tensors, in either order of its axes."""
        return frozenset(self._tensor(mask, order) for order in _orders(self._letters(mask)))

    def _tensor(self, mask: int, order: Letters) -> Tensor:
        factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
        tensor = contract(1, factors, order)
        if any(t.order == 2 and is_symmetric(t) for t, _, _ in factors):
            tensor, _ = apply_facts(tensor)
        return tensor

    def _computed(self, mask: int) -> Oriented | None:
        """A partial product that the function has computed already."""
        for order in _orders(self._letters(mask)):
            known = self.lowering.products.get(self._tensor(mask, order))
            if known is not None:
                return known, order
        return None

    # Building it

    def _build(self, mask: int, want: Letters | None) -> Oriented:
        """A partial product; its axes in the order wanted, if that costs no transpose."""
        known = self.built.get((mask, want)) or self._computed(mask)
        if known is None:
            self._cost(mask)
            part = self.best[mask][1]
            known = self._merged(part, mask ^ part, want) if part else self._group(mask, want)
            if known[0].op not in ("name", "transpose"):
                self.lowering.products.setdefault(self._tensor(mask, known[1]), known[0])
        self.built[mask, want] = known
        return known

    def _items(self, mask: int) -> list[_Item]:
        """The factors of an entrywise product, partial products among them."""
        if mask & (mask - 1) == 0:
            if self._letters(mask) == self.sets[mask.bit_length() - 1]:
                return [self._item(factor) for factor in self.groups[mask.bit_length() - 1]]
        elif self._computed(mask) is None:
            self._cost(mask)
            part = self.best[mask][1]
            if not self._summed(part, mask ^ part):
                return [*self._items(part), *self._items(mask ^ part)]
        array, letters = self._build(mask, None)
        tensor = self._tensor(mask, letters)
        return [_Item(tensor, array, letters, ONE)]

    def _item(self, factor: Factor) -> _Item:
        tensor, letters, power = factor
        array = self.lowering.array(tensor)
        if len(letters) == 2 and letters[0] == letters[1]:
            diagonal = self.arrays.make("diagonal", (array,), array.shape[:1])
            return _Item(contract(1, [(tensor, (0, 0))], (0,)), diagonal, letters[:1], power)
        if len(set(letters)) != len(letters) or len(letters) > 2:
            raise NoOperator
        return _Item(tensor, array, letters, power)

    def _summed(self, left: int, right: int) -> frozenset[int]:
        return (self._letters(left) | self._letters(right)) - self._letters(left | right)

    def _group(self, mask: int, want: Letters | None) -> Oriented:
        """Factors on the same letters; letters that stand nowhere else are summed."""
        letters = self.sets[mask.bit_length() - 1]
        kept = self._letters(mask)
        items = [self._item(factor) for factor in self.groups[mask.bit_length() - 1]]
        if not kept and len(letters) == 1:
            return self._dot(items), ()
        return self._summed_over(items, letters, kept, want)

    def _dot(self, items: list[_Item]) -> Array:
        """The sum of an entrywise product of vectors."""
        if len(items) == 1 and items[0].power == 2:
            return self.arrays.matmul(items[0].array, items[0].array)
        if len(items) == 1 and items[0].power == 1 and items[0].array.op == "diagonal":
            return self.arrays.make("trace", items[0].array.args, ())
        plain = [i for i in items if i.power == 1 and i.array.op != "compare"]
        rest = [i for i in items if not plain or i is not plain[-1]]
        if plain and any(i.power > 0 for i in rest):
            left = self._entrywise(rest, rest[0].letters)
            return self.arrays.matmul(left, plain[-1].array)
        return self.arrays.sum(self._entrywise(items, items[0].letters), None)

    def _summed_over(
        self,
        items: list[_Item],
        letters: frozenset[int],
        kept: frozenset[int],
        want: Letters | None,
    ) -> Oriented:
        """An entrywise product, summed over the letters that are not kept."""
        if len(letters) > 2:
            raise NoOperator
        fits = want is not None and set(want) == letters
        order = want if fits and want else self._order(items, letters)
        product = self._entrywise(items, order)
        if kept == letters:
            return product, order
        if not kept:
            return self.arrays.sum(product, None), ()
        axis = next(axis for axis, letter in enumerate(order) if letter not in kept)
        return self.arrays.sum(product, axis), tuple(x for x in order if x in kept)

    def _order(self, items: Sequence[_Item], letters: frozenset[int]) -> Letters:
        """The order of axes that needs the fewest transposes."""

        def transposes(order: Letters) -> int:
            return sum(len(i.letters) == 2 and i.letters != order and not i.symmetric for i in items)

        return min(_orders(letters), key=transposes)

    def _entrywise(self, items: Sequence[_Item], order: Letters) -> Array:
        shape = tuple(self.dims[letter] for letter in order)
        placed = [(self._placed(item, order), item.power) for item in items]
        return self.arrays.multiply(ONE, placed, shape)

    def _placed(self, item: _Item, order: Letters) -> Array:
        """A factor along the axes of a product."""
        if len(item.letters) == 1 and len(order) == 2 and item.letters[0] == order[0]:
            return self.arrays.expand(item.array)
        return item.array if item.symmetric else self._turned(item.array, item.letters, order)

    def _turned(self, array: Array, have: Letters, want: Letters) -> Array:
        return self.arrays.transpose(array) if have[::-1] == want and have != want else array

    def _merged(self, left: int, right: int, want: Letters | None) -> Oriented:
        """The product of two partial products."""
        first, second = self._letters(left), self._letters(right)
        summed, kept = self._summed(left, right), self._letters(left | right)
        if len(summed) == 1 and kept and not first & second & kept:
            return self._matrix_product(left, right, min(summed), want)
        if not summed and not first & second and len(first) == len(second) == 1:
            order = want or tuple(sorted(kept))
            sides = {letters: self._build(m, None)[0] for m, letters in ((left, first), (right, second))}
            ends = [sides[frozenset({letter})] for letter in order]
            shape = tuple(self.dims[letter] for letter in order)
            return self.arrays.make("outer", ends, shape), order
        items = [*self._items(left), *self._items(right)]
        if not kept and len(first | second) == 1:
            return self._dot(items), ()
        return self._summed_over(items, first | second, kept, want)

    def _matrix_product(
        self, left: int, right: int, letter: int, want: Letters | None
    ) -> Oriented:
        """A product summed over one letter, as ``@`` or as the solution of linear equations."""
        for part, other in ((left, right), (right, left)):
            inverse = self._inverse(part)
            if inverse is not None and (part != right or self._inverse(left) is None):
                return self._solution(part, other, letter, inverse)
        options: list[Oriented] = []
        for first, second in ((left, right), (right, left)):
            options.append(self._read(first, second, letter))
        wanted = [o for o in options if want is None or o[1] == want]
        others = [o for o in options if o not in wanted]
        best = min(wanted or others, key=lambda option: _transposes(option[0]))
        for option in others:
            if _transposes(option[0]) + 1 < _transposes(best[0]):
                best = option
        return best

    def _read(self, first: int, second: int, letter: int) -> Oriented:
        """``first @ second``, the letter last on the one and first on the other."""
        rows = self._letters(first) - {letter}
        columns = self._letters(second) - {letter}
        before, after = (*rows, letter), (letter, *columns)
        left = self._side(first, before)
        right = self._side(second, after)
        return self.arrays.matmul(left, right), (*rows, *columns)

    def _side(self, mask: int, order: Letters) -> Array:
        array, letters = self._build(mask, order if len(order) > 1 else None)
        if letters != order and mask & (mask - 1) == 0:
            (item, *more) = self._items(mask)
            if not more and item.power == 1 and item.symmetric:
                return array
        return self._turned(array, letters, order)

    def _solution(self, part: int, other: int, letter: int, matrix: Tensor) -> Oriented:
        group = self.groups[part.bit_length() - 1]
        row, column = group[0][1]
        array = self.lowering.array(matrix)
        if letter == row and not is_symmetric(matrix):
            array = self.arrays.transpose(array)
        end = column if letter == row else row
        rest = tuple(self._letters(other) - {letter})
        against = self._side(other, (letter, *rest))
        shape = (self.dims[end], *against.shape[1:])
        return self.arrays.make("solve", (array, against), shape), (end, *rest)

    def _einsum(self, letters: Letters) -> Array:
        """All factors at once, for what no operator covers."""
        args, marks = [], []
        for group in self.groups:
            for tensor, along, power in group:
                array = self.lowering.array(tensor)
                args.append(self.arrays.multiply(ONE, [(array, power)], array.shape))
                marks.append("".join(_mark(x) for x in along))
        spec = f"{','.join(marks)}->{''.join(_mark(x) for x in letters)}"
        shape = tuple(self.dims[letter] for letter in letters)
        return self.arrays.make("einsum", args, shape, spec)


def _mark(letter: int) -> str:
    return "ijklmnopqrstuvwxyzabcdefgh"[letter]


def _parts(mask: int) -> Iterator[int]:
    """Parts of a set that have its first member: each way to split it once."""
    lowest = mask & -mask
    rest = mask ^ lowest
    part = rest
    while part:
        part = (part - 1) & rest
        yield part | lowest


def _orders(letters: frozenset[int]) -> tuple[Letters, ...]:
    order = tuple(sorted(letters))
    return (order, order[::-1]) if len(order) == 2 else (order,)


def _transposes(array: Array) -> int:
    """Number of transposes in an expression, down to names."""
    return (array.op == "transpose") + sum(map(_transposes, array.args))
