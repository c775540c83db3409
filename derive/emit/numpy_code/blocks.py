"""Products with more than two axes: block by block, as entrywise and matrix products.

A contraction whose result or factors have three axes or more is taken apart into two parts, again
and again.
Two parts that share no summed letter are multiplied entry by entry, each along its own axes; a
summed letter makes a matrix product, the other letters of either side counted as one axis, and
letters that both sides keep a stack of such products. A part with at most two letters is left to
:mod:`derive.emit.numpy_code.products`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import takewhile
from typing import Final, Protocol

from derive.emit.numpy_code.arrays import Array, Arrays, Powered
from derive.emit.numpy_code.order import Oriented, entries_in
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim
from derive.tensor.algebra import ONE, contract
from derive.tensor.nodes import Contraction, Factor, Letters, Tensor

__all__ = ["Blocks", "NoBlocks", "scaled", "spread"]

MOST_TRIED: Final = 6
"""With more groups of factors than this, the cheapest pair is multiplied first."""

WRITTEN: Final = 20
"""How many multiplications of a matrix product cost as much as an entry of an entrywise one."""

SHORT: Final = 20
"""To begin a run of entries that lie next to each other costs as much as so many of them."""

SAME: Final = 0.5
"""A product of a matrix with its own transpose takes half the multiplications."""


class NoBlocks(Exception):
    """A factor that cannot be taken apart so."""


class Lowering(Protocol):
    """What blocks need from the lowering that they are part of."""

    arrays: Arrays
    blocks: dict[Tensor, Array]

    def array(self, tensor: Tensor) -> Array:
        """The array of a tensor."""


class Blocks:
    """The product of the factors of one contraction that have letters.

    Args:
        lowering: Of the function.
        node: The contraction.
    """

    def __init__(self, lowering: Lowering, node: Contraction) -> None:
        self.lowering, self.arrays = lowering, lowering.arrays
        self.order, self.dims = node.order, node.dims
        groups: dict[frozenset[int], list[Factor]] = {}
        for factor in node.factors:
            if factor[1]:
                groups.setdefault(frozenset(factor[1]), []).append(factor)
        self.sets, self.groups = list(groups), list(groups.values())
        self.best: dict[int, tuple[float, int]] = {}
        self.formed: dict[int, Tensor] = {}
        if len(self.groups) > MOST_TRIED:
            self._choose()

    def array(self) -> Oriented:
        """The product, and the letters of its axes: those of the result that it has."""
        array, letters = self._built(self._whole)
        wanted = tuple(sorted(letters))
        return self._turned(array, letters, wanted), wanted

    def _letters(self, mask: int) -> frozenset[int]:
        """Letters of a partial product."""
        inside: set[int] = set()
        outside = set(range(self.order))
        for place, letters in enumerate(self.sets):
            (inside if mask >> place & 1 else outside).update(letters)
        return frozenset(inside & outside)

    def _size(self, letters: Iterable[int]) -> float:
        return entries_in(self.dims[letter] for letter in letters)

    def _cost(self, mask: int) -> tuple[float, int]:
        """The cost of the best way to compute a partial product, and one side of its last step."""
        known = self.best.get(mask)
        if known is None:
            known = 0.0, 0
            if mask & (mask - 1):
                lowest, options = mask & -mask, list[tuple[float, int]]()
                part = (mask - 1) & mask
                while part:
                    if part & lowest:
                        options.append((self._cost_of_split(part, mask ^ part), part))
                    part = (part - 1) & mask
                known = min(options)
                if self._tensor(mask) in self.lowering.blocks:
                    known = 0.0, known[1]
            self.best[mask] = known
        return known

    def _cost_of_split(self, left: int, right: int) -> float:
        same = self._tensor(left) is self._tensor(right)
        sides = self._cost(left)[0] + (0.0 if same else self._cost(right)[0])
        return sides + self._cost_of_meeting(left, right) * (SAME if same else 1.0)

    def _cost_of_meeting(self, left: int, right: int) -> float:
        first, second = self._letters(left), self._letters(right)
        union, kept = first | second, self._letters(left | right)
        cost = self._size(union) + WRITTEN * self._size(kept)
        if union == kept:
            cost *= 1 + SHORT / self._run(first, second)
        elif left | right == self._whole:
            sides = sorted(self._axes(letters & kept) for letters in (first, second))
            if (*sides[0], *sides[1]) != self._axes(kept):
                cost += WRITTEN * self._size(kept)
        return cost

    def _run(self, first: frozenset[int], second: frozenset[int]) -> float:
        """Entries next to each other through which two parts go alike when they are multiplied."""
        letters = self._axes(first | second)[::-1]
        kinds = [(letter in first, letter in second) for letter in letters]
        alike = takewhile(lambda pair: pair[1] == kinds[0], zip(letters, kinds, strict=True))
        return self._size(letter for letter, _ in alike)

    def _tensor(self, mask: int) -> Tensor:
        """A partial product as a tensor, whatever its letters are called."""
        known = self.formed.get(mask)
        if known is None:
            factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
            known = self.formed[mask] = contract(1, factors, self._axes(self._letters(mask)))
        return known

    @property
    def _whole(self) -> int:
        return (1 << len(self.groups)) - 1

    def _choose(self) -> None:
        """Multiply the cheapest pair first."""
        parts = [1 << place for place in range(len(self.groups))]
        while len(parts) > 1:
            pairs = [(a, b) for place, a in enumerate(parts) for b in parts[:place]]
            one, other = min(pairs, key=lambda pair: self._cost_of_meeting(*pair))
            self.best[one | other] = 0.0, min(one, other, key=lambda part: part & -part)
            parts = [part for part in parts if part not in (one, other)] + [one | other]

    def _axes(self, letters: Iterable[int]) -> Letters:
        """Letters in the order in which a partial product has them: summed ones first."""
        return tuple(sorted(letters, key=lambda letter: (letter < self.order, letter)))

    def _built(self, mask: int) -> Oriented:
        """A partial product, and the letters of its axes."""
        letters = self._letters(mask)
        axes = self._axes(letters)
        if len(letters) < 3 and mask != self._whole:
            factors = [f for place, g in enumerate(self.groups) if mask >> place & 1 for f in g]
            return self.lowering.array(contract(1, factors, axes)), axes
        if mask & (mask - 1) == 0:
            return self._group(mask.bit_length() - 1, axes), axes
        known = self.lowering.blocks.get(self._tensor(mask))
        if known is not None:
            return known, axes
        left = self._cost(mask)[1]
        right = mask ^ left
        if self._letters(left) | self._letters(right) != letters:
            return self._matrix_product(left, right, letters)
        array = self.lowering.blocks[self._tensor(mask)] = self._entrywise(left, right, axes)
        return array, axes

    def _group(self, place: int, axes: Letters) -> Array:
        """Factors on the same three or more letters, multiplied entry by entry."""
        if set(axes) != self.sets[place]:
            raise NoBlocks
        items: list[Powered] = []
        for tensor, letters, power in self.groups[place]:
            if len(set(letters)) < len(letters):
                raise NoBlocks
            items.append((self._turned(self.lowering.array(tensor), letters, axes), power))
        return self.arrays.multiply(ONE, items, tuple(self.dims[letter] for letter in axes))

    def _entrywise(self, left: int, right: int, axes: Letters) -> Array:
        """Two parts entry by entry, the smaller one first."""
        parts = [spread(self.arrays, *self._built(mask), axes) for mask in (left, right)]
        parts.sort(key=lambda part: entries_in(part.shape))
        shape = tuple(self.dims[letter] for letter in axes)
        return self.arrays.make("broadcast", parts, shape)

    def _matrix_product(self, left: int, right: int, letters: frozenset[int]) -> Oriented:
        """A product over summed letters, of matrices or of stacks of them."""
        first, second = self._letters(left), self._letters(right)
        summed = self._axes((first | second) - letters)
        stack = self._axes(first & second & letters)
        if min(second - first, default=self.order) < min(first - second, default=self.order):
            left, right, first, second = right, left, second, first
        rows, columns = self._axes(first - second), self._axes(second - first)
        before = self._matrix(left, stack, rows, summed)
        after = self._matrix(right, stack, summed, columns)
        heads = tuple(self.dims[letter] for letter in stack)
        sides = tuple(self._count(axes) for axes in (rows, columns) if axes or stack)
        product = self.arrays.make("matmul", (before, after), (*heads, *sides))
        axes = (*stack, *rows, *columns)
        return self.arrays.reshape(product, tuple(self.dims[x] for x in axes)), axes

    def _count(self, letters: Letters) -> Dim:
        size = ONE_DIM
        for letter in letters:
            size = size * self.dims[letter]
        return size

    def _matrix(self, mask: int, stack: Letters, rows: Letters, columns: Letters) -> Array:
        """A partial product as a matrix, several letters on one axis, or as a stack of them."""
        array, letters = self._built(mask)
        heads = tuple((letter,) for letter in stack)
        if not stack and letters == (*columns, *rows) and letters != (*rows, *columns):
            return self.arrays.transpose(self._folded(array, (columns, rows)))
        array = self._turned(array, letters, (*stack, *rows, *columns))
        return self._folded(array, (*heads, rows, columns))

    def _folded(self, array: Array, groups: Sequence[Letters]) -> Array:
        """An array whose letters are counted together; none is an axis only in a stack."""
        is_stack = len(groups) > 2
        shape = tuple(self._count(group) for group in groups if group or is_stack)
        return self.arrays.reshape(array, shape)

    def _turned(self, array: Array, have: Letters, want: Letters) -> Array:
        if have == want:
            return array
        if len(have) == 2:
            return self.arrays.transpose(array)
        return self.arrays.permuted(array, tuple(map(have.index, want)))


def spread(arrays: Arrays, array: Array, letters: Letters, axes: Letters) -> Array:
    """An array along those axes of a result that are its letters, ready to be broadcast."""
    ordered = tuple(x for x in axes if x in letters)
    if ordered != letters:
        turned = len(letters) == 2
        places = tuple(map(letters.index, ordered))
        array = arrays.transpose(array) if turned else arrays.permuted(array, places)
    marks = tuple(x in letters for x in axes)
    while marks and not marks[0]:
        marks = marks[1:]
    if all(marks):
        return array
    sizes = iter(array.shape)
    shape = tuple(next(sizes) if mark else ONE_DIM for mark in marks)
    return arrays.make("spread", (array,), shape, marks)


def scaled(
    arrays: Arrays, coefficient: Fraction, scalars: Sequence[Powered], array: Array
) -> Array:
    """A multiple of an array, by way of the smallest thing that it is a product of."""
    if coefficient == 1 and not scalars:
        return array
    if array.op in ("transpose", "permuted", "reshape", "spread"):
        inner = scaled(arrays, coefficient, scalars, array.args[0])
        return arrays.make(array.op, (inner,), array.shape, array.value)
    if array.op in ("matmul", "outer"):
        first, second = array.args
        if first.op == "transpose" and first.args[0] is second:
            return arrays.multiply(coefficient, [*scalars, (array, ONE)], array.shape)
        left = entries_in(first.shape) <= entries_in(second.shape)
        part = scaled(arrays, coefficient, scalars, first if left else second)
        return arrays.make(array.op, (part, second) if left else (first, part), array.shape)
    if array.op == "broadcast" and any(arg.op == "spread" for arg in array.args):
        place = next(place for place, arg in enumerate(array.args) if arg.op == "spread")
        args = list(array.args)
        args[place] = scaled(arrays, coefficient, scalars, args[place])
        return arrays.make("broadcast", args, array.shape)
    return arrays.multiply(coefficient, [*scalars, (array, ONE)], array.shape)
