"""Products of arrays as NumPy writes them: ``@``, ``outer``, ``sum``, ``solve``, broadcasting.

:mod:`derive.emit.numpy_code.order` says in which order the factors of a contraction are
multiplied; here each product of two finds its operator, and its operands are turned so that few
are transposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from derive.emit.numpy_code.arrays import Array, Arrays, Powered, subscripts
from derive.emit.numpy_code.order import Computed, Order, Oriented, orders
from derive.tensor.algebra import ONE, contract, transpose
from derive.tensor.facts import has_fact, is_symmetric
from derive.tensor.nodes import Contraction, Factor, Letters, Tensor

__all__ = ["Lowering", "NoOperator", "Product"]


class Lowering(Protocol):
    """What a product needs from the lowering that it is part of."""

    arrays: Arrays
    products: Computed
    materialised: set[Tensor]

    def array(self, tensor: Tensor) -> Array:
        """The array of a tensor."""

    def rooted(self, tensor: Tensor, power: Fraction) -> Powered | None:
        """The root of a sum of squares as a norm, to the power that is left of it."""


HALF = Fraction(1, 2)


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
        self.order = Order(node, free, lowering.products, lowering.materialised)
        self.built: dict[tuple[int, Letters | None], Oriented] = {}
        self.found: dict[Tensor, Array] = {}
        self.twins: dict[int, int] = {}

    def array(self) -> Oriented:
        """The product, and the letters of its axes: those of ``free`` that it has.

        Raises:
            NoOperator: An array on the way would have three axes.
        """
        letters = self._letters()
        if len(letters) > 2:
            raise NoOperator
        array = self._side(self.order.whole, letters)
        self._remember(array)
        return array, letters

    def _letters(self) -> Letters:
        return tuple(x for x in self.free if any(x in s for s in self.order.sets))

    def _remember(self, array: Array) -> None:
        """Let later products use the partial products that this one is made of."""
        parts = set()
        stack = [array]
        while stack:
            part = stack.pop()
            parts.add(part)
            stack.extend(arg for arg in part.args if arg not in parts)
        for tensor, part in self.found.items():
            if part in parts:
                self.lowering.products.enter(tensor, part)

    def _build(self, mask: int, want: Letters | None) -> Oriented:
        """A partial product; its axes in the order wanted, if that costs no transpose."""
        if mask in self.twins:
            return self._as_twin(mask)
        if mask in self.twins.values():
            want = None
        known = self.built.get((mask, want)) or self.order.computed(mask) or self._found(mask)
        if known is None:
            part = self.order.split(mask)
            known = self._merged(part, mask ^ part, want) if part else self._group(mask, want)
            if known[0].op not in ("name", "transpose"):
                self.found.setdefault(self.order.tensor(mask, known[1]), known[0])
        self.built[mask, want] = known
        return known

    def _found(self, mask: int) -> Oriented | None:
        """A partial product that equals one that this product is made of."""
        if mask & (mask - 1) == 0:
            return None
        for order in orders(self.order.letters(mask)):
            array = self.found.get(self.order.tensor(mask, order))
            if array is not None:
                return array, order
        return None

    def _as_twin(self, mask: int) -> Oriented:
        """A partial product that equals another one of this product, or its transpose."""
        twin = self.twins[mask]
        array, letters = self._build(twin, None)
        tensor = self.order.tensor(twin, letters)
        options = orders(self.order.letters(mask))
        return array, next(order for order in options if self.order.tensor(mask, order) is tensor)

    def _items(self, mask: int) -> list[_Item]:
        """The factors of an entrywise product, partial products among them."""
        if mask & (mask - 1) == 0:
            if self.order.letters(mask) == self.order.sets[mask.bit_length() - 1]:
                return [self._item(factor) for factor in self.order.groups[mask.bit_length() - 1]]
        elif self.order.computed(mask) is None:
            part = self.order.split(mask)
            if not self.order.summed(part, mask ^ part):
                return [*self._items(part), *self._items(mask ^ part)]
        array, letters = self._build(mask, None)
        tensor = self.order.tensor(mask, letters)
        return [_Item(tensor, array, letters, ONE)]

    def _item(self, factor: Factor) -> _Item:
        tensor, letters, power = factor
        if len(letters) > 2:
            raise NoOperator
        rooted = self.lowering.rooted(tensor, power)
        if rooted is not None:
            array, power = rooted
            if len(set(letters)) < len(letters):
                diagonal = self.arrays.make("diagonal", (array,), array.shape[:1])
                root = contract(1, [(tensor, letters, HALF)], letters[:1])
                return _Item(root, diagonal, letters[:1], power)
            return _Item(contract(1, [(tensor, letters, HALF)], letters), array, letters, power)
        array = self.lowering.array(tensor)
        if len(letters) == 2 and letters[0] == letters[1]:
            diagonal = self.arrays.make("diagonal", (array,), array.shape[:1])
            return _Item(contract(1, [(tensor, (0, 0))], (0,)), diagonal, letters[:1], power)
        if array.op == "transpose":
            tensor, array, letters = transpose(tensor), array.args[0], letters[::-1]
        return _Item(tensor, array, letters, power)

    def _group(self, mask: int, want: Letters | None) -> Oriented:
        """Factors on the same letters; letters that stand nowhere else are summed."""
        letters = self.order.sets[mask.bit_length() - 1]
        kept = self.order.letters(mask)
        items = [self._item(factor) for factor in self.order.groups[mask.bit_length() - 1]]
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
            return sum(
                len(i.letters) == 2 and i.letters != order and not i.symmetric for i in items
            )

        return min(orders(letters), key=transposes)

    def _entrywise(self, items: Sequence[_Item], order: Letters) -> Array:
        shape = tuple(self.dims[letter] for letter in order)
        placed = [(self._placed(item, order), item.power) for item in self._merged_vectors(items)]
        return self.arrays.multiply(ONE, placed, shape)

    def _merged_vectors(self, items: Sequence[_Item]) -> list[_Item]:
        """The factors, vectors on the same letter multiplied before they meet a matrix."""
        if not any(len(item.letters) == 2 for item in items):
            return [*items]
        found: dict[Letters, list[_Item]] = {}
        for item in items:
            found.setdefault(item.letters, []).append(item)
        merged: list[_Item] = []
        for letters, own in found.items():
            if len(letters) == 2 or len(own) == 1:
                merged.extend(own)
                continue
            tensor = contract(1, [(i.tensor, (0,), i.power) for i in own], (0,))
            shape = own[0].array.shape
            array = self.arrays.multiply(ONE, [(i.array, i.power) for i in own], shape)
            merged.append(_Item(tensor, array, letters, ONE))
        return merged

    def _placed(self, item: _Item, order: Letters) -> Array:
        """A factor along the axes of a product."""
        if len(item.letters) == 1 and len(order) == 2 and item.letters[0] == order[0]:
            return self.arrays.expand(item.array)
        return item.array if item.symmetric else self._turned(item.array, item.letters, order)

    def _turned(self, array: Array, have: Letters, want: Letters) -> Array:
        return self.arrays.transpose(array) if have[::-1] == want and have != want else array

    def _merged(self, left: int, right: int, want: Letters | None) -> Oriented:
        """The product of two partial products."""
        if self.order.same(left, right):
            self.twins[right] = left
        first, second = self.order.letters(left), self.order.letters(right)
        summed, kept = self.order.summed(left, right), self.order.letters(left | right)
        if len(summed) == 1 and kept and not first & second & kept:
            return self._matrix_product(left, right, min(summed), want)
        if not summed and not first & second and len(first) == len(second) == 1:
            order = want or tuple(sorted(kept))
            sides = {
                letters: self._build(m, None)[0] for m, letters in ((left, first), (right, second))
            }
            ends = [sides[frozenset({letter})] for letter in order]
            shape = tuple(self.dims[letter] for letter in order)
            return self.arrays.make("outer", ends, shape), order
        items = [*self._items(left), *self._items(right)]
        if not kept and len(first | second) == 1:
            return self._dot(items), ()
        return self._summed_over(items, first | second, kept, want)

    def _matrix_product(self, left: int, right: int, letter: int, want: Letters | None) -> Oriented:
        """A product summed over one letter, as ``@`` or as the solution of linear equations."""
        for part, other in ((left, right), (right, left)):
            inverse = self.order.inverse(part)
            if inverse is not None and (part != right or self.order.inverse(left) is None):
                return self._solution(part, other, letter, inverse)
        square = self._square(left | right, letter)
        if square is not None:
            return square
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

    def _square(self, mask: int, letter: int) -> Oriented | None:
        """``X' diag(v) X`` with v >= 0, as the square of one matrix: half the multiplications."""
        places = [place for place in range(len(self.order.groups)) if mask >> place & 1]
        weights = [place for place in places if self.order.sets[place] == {letter}]
        sides = [place for place in places if place not in weights]
        if len(weights) != 1 or len(sides) != 2:
            return None
        if any(letter not in self.order.sets[place] for place in sides):
            return None
        (one, *more), (other, *others) = (self.order.groups[place] for place in sides)
        own = self.order.groups[weights[0]]
        vector = contract(1, [(t, (0,) * len(ls), p) for t, ls, p in own], (0,))
        alike = one[0] is other[0] and one[2] == other[2] == ONE
        if more or others or not alike or any(len(self.order.sets[p]) != 2 for p in sides):
            return None
        ends = [next(iter(self.order.sets[place] - {letter})) for place in sides]
        if one[1].index(letter) != other[1].index(letter) or not has_fact(vector, "nonnegative"):
            return None
        if self.order.letters(mask) != set(ends):
            return None
        matrix = self._side(1 << sides[0], (letter, ends[0]))
        root = self.arrays.multiply(ONE, [(self.lowering.array(vector), HALF)], vector.shape)
        items = [(matrix, ONE), (self.arrays.expand(root), ONE)]
        scaled = self.arrays.multiply(ONE, items, matrix.shape)
        return self.arrays.matmul(self.arrays.transpose(scaled), scaled), (ends[0], ends[1])

    def _read(self, first: int, second: int, letter: int) -> Oriented:
        """``first @ second``, the letter last on the one and first on the other."""
        rows = self.order.letters(first) - {letter}
        columns = self.order.letters(second) - {letter}
        before, after = (*rows, letter), (letter, *columns)
        left = self._side(first, before)
        right = self._side(second, after)
        return self.arrays.matmul(left, right), (*rows, *columns)

    def _side(self, mask: int, order: Letters) -> Array:
        """A partial product with its axes in this order."""
        array, letters = self._build(mask, order if len(order) > 1 else None)
        if letters != order and is_symmetric(self.order.tensor(mask, letters)):
            return array
        return self._turned(array, letters, order)

    def _solution(self, part: int, other: int, letter: int, matrix: Tensor) -> Oriented:
        group = self.order.groups[part.bit_length() - 1]
        row, column = group[0][1]
        array = self.lowering.array(matrix)
        if letter == row and not is_symmetric(matrix):
            array = self.arrays.transpose(array)
        end = column if letter == row else row
        rest = tuple(self.order.letters(other) - {letter})
        against = self._side(other, (letter, *rest))
        shape = (self.dims[end], *against.shape[1:])
        return self.arrays.make("solve", (array, against), shape), (end, *rest)

    def einsum(self) -> Oriented:
        """All factors at once, for what no operator covers."""
        letters = self._letters()
        args, marks = list[Array](), list[Letters]()
        for group in self.order.groups:
            for tensor, along, power in group:
                array = self.lowering.array(tensor)
                args.append(self.arrays.multiply(ONE, [(array, power)], array.shape))
                marks.append(along)
        shape = tuple(self.dims[letter] for letter in letters)
        return self.arrays.make("einsum", args, shape, subscripts(marks, letters)), letters


def _transposes(array: Array) -> int:
    """Number of transposes in an expression, down to names."""
    return (array.op == "transpose") + sum(map(_transposes, array.args))
