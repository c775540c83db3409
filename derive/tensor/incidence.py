"""Arrays of zeros and ones that say which entries belong together, and their products.

Triangles, blocks, entries, ``vec`` and the Kronecker product only move entries about. Each is a
contraction with one of three arrays:

========================  ========================================================================
``lower[i,j]``            1 where i >= j: the lower triangle
``select(o)[i,j]``        1 where j = i + o: rows o, o + 1, ... of what it is multiplied with; with
                          one axis, 1 at entry o: a unit vector
``pair[k,i,j]``           1 where k = i*n + j, n the size of j: entry (i, j) of a matrix written
                          row by row is entry k
========================  ========================================================================

They are calls whose arguments are numbers, so no derivative goes into them.
:func:`shortened` has their products; each holds whatever else stands in the contraction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from sympy import Integer, expand

from derive.shapes import ONE, Dim, same, times
from derive.tensor.nodes import Call, Constant, Contraction, Delta, Factor, Letters, Tensor

__all__ = [
    "Shorter",
    "is_incidence",
    "lower",
    "offset_of",
    "pair",
    "select",
    "shortened",
    "tied_letters",
]

FUNCTIONS: Final = frozenset({"lower", "select", "pair"})

Key: TypeAlias = tuple[Tensor, Letters]


def is_incidence(tensor: Tensor) -> bool:
    """Whether a tensor is one of these arrays."""
    return isinstance(tensor, Call) and tensor.function in FUNCTIONS


def lower(rows: Dim, columns: Dim) -> Tensor:
    """The lower triangle of ones, its diagonal included; order 2."""
    return Call("lower", (), (rows, columns))


def select(offset: Dim, count: Dim | None, size: Dim) -> Tensor:
    """Rows ``offset`` to ``offset + count`` of the identity; without count one row, a vector."""
    if count is not None and same(count, size):
        return Delta(size)
    return Call("select", (_scalar(offset),), (size,) if count is None else (count, size))


def pair(first: Dim, second: Dim) -> Tensor:
    """The pairs (i, j) in the order of a matrix written row by row; order 3."""
    return Call("pair", (), (times(first, second), first, second))


def offset_of(tensor: Call) -> Dim:
    """Where the rows of a selection begin."""
    (offset,) = tensor.args
    if isinstance(offset, Constant):
        return offset.value
    assert isinstance(offset, Contraction)
    return Integer(int(offset.coefficient))


def _scalar(value: Dim) -> Tensor:
    return Contraction(Fraction(int(value)), (), ()) if value.is_Integer else Constant(value)


@dataclass(frozen=True, slots=True)
class Shorter:
    """A product of these arrays in a shorter form.

    Attributes:
        gone: Factors that go.
        come: Factors that come in their place; None where the product is zero.
        summed: Letters whose sum is done.
    """

    gone: tuple[Key, ...]
    come: tuple[Key, ...] | None = ()
    summed: tuple[int, ...] = ()


def shortened(factors: Collection[Key], free: Collection[int]) -> Shorter | None:
    """The first of these arrays among the factors of a contraction that can be done away with."""
    carried = Counter(letter for _, letters in factors for letter in set(letters))
    alone = {letter for letter, count in carried.items() if count == 1 and letter not in free}
    arrays = [(tensor, letters) for tensor, letters in factors if is_incidence(tensor)]
    for tensor, letters in arrays:
        assert isinstance(tensor, Call)
        found = _summed_alone((tensor, letters), alone)
        if found is not None:
            return found
    for position, left in enumerate(arrays):
        for right in arrays[position + 1 :]:
            found = _met(left, right, carried, free) or _met(right, left, carried, free)
            if found is not None:
                return found
    return None


def _summed_alone(key: Key, alone: Collection[int]) -> Shorter | None:
    """Each row of a selection has a single 1, each pair a single place, a diagonal only ones."""
    tensor, letters = key
    assert isinstance(tensor, Call)
    if tensor.function == "lower":
        return Shorter((key,)) if letters[0] == letters[1] else None
    if tensor.function == "pair" and letters[0] in alone and letters[0] not in letters[1:]:
        return Shorter((key,), (), letters[:1])
    if len(set(letters)) < len(letters):
        return None
    if tensor.function == "select":
        return Shorter((key,), (), letters[-1:]) if letters[-1] in alone else None
    if letters[1] in alone and letters[2] in alone:
        return Shorter((key,), (), letters[1:])
    return None


def _met(
    left: Key, right: Key, carried: Mapping[int, int], free: Collection[int]
) -> Shorter | None:
    """Two arrays that share letters."""
    (first, here), (second, there) = left, right
    assert isinstance(first, Call) and isinstance(second, Call)
    if not set(here) & set(there) or first.function != second.function:
        return None
    if first.function == "lower":
        square = first.shape[0] == first.shape[1]
        if square and here == there[::-1]:
            return Shorter((left, right), ((Delta(first.shape[0]), here),))
        return None
    if first is second:
        return _twice(left, right)
    if first.function == "select":
        return _two_selections(left, right, carried, free)
    return None


def _twice(left: Key, right: Key) -> Shorter | None:
    """The same array twice: equal places of a pair have equal letters, and the other way round.

    Rows that two selections share are left: ``A[1:3, :]'*A[1:3, :]`` says it better.
    """
    (tensor, here), (_, there) = left, right
    known = here[:1] == there[:1] and tensor.order == 3, here[1:] == there[1:]
    if not any(known):
        return None
    pairs = [
        (Delta(dim), (a, b)) for dim, a, b in zip(tensor.shape, here, there, strict=True) if a != b
    ]
    return Shorter((right,), tuple(pairs))


def _two_selections(
    left: Key, right: Key, carried: Mapping[int, int], free: Collection[int]
) -> Shorter | None:
    (first, here), (second, there) = left, right
    assert isinstance(first, Call) and isinstance(second, Call)
    start, other = offset_of(first), offset_of(second)
    if here[-1] == there[-1]:
        if _apart(start, _count(first), other, _count(second)):
            return Shorter((left, right), None)
        if first.order == 1 and second.order == 2 and _within(start - other, _count(second)):
            unit = (select(start - other, None, second.shape[0]), there[:1])
            return Shorter((right,), (unit,))
        return None
    if first.order == 1 and second.order == 2 and here == there[:1]:
        return Shorter((right,), ((select(start + other, None, second.shape[1]), there[1:]),))
    middle = here[-1]
    only = carried[middle] == 2 and middle not in free
    if first.order == second.order == 2 and middle == there[0] and only:
        whole = select(start + other, first.shape[0], second.shape[1])
        return Shorter((left, right), ((whole, (here[0], there[1])),), (middle,))
    return None


def _count(tensor: Call) -> Dim:
    return tensor.shape[0] if tensor.order == 2 else ONE


def _apart(start: Dim, count: Dim, other: Dim, others: Dim) -> bool:
    """Whether two ranges certainly have nothing in common."""
    return _nonnegative(other - start - count) or _nonnegative(start - other - others)


def _within(place: Dim, count: Dim) -> bool:
    """Whether a place certainly lies in a range of this length that begins at 0."""
    return _nonnegative(place) and _nonnegative(count - place - 1)


def _nonnegative(value: Dim) -> bool:
    return bool(expand(value).is_nonnegative)


def tied_letters(tensor: Contraction) -> dict[int, Factor]:
    """Summed letters that an array of zeros and ones makes a formula of others.

    In ``sum_k A[k] pair[k,i,j]`` only ``k = i*n + j`` counts, in ``sum_k A[k] select[i,k]`` only
    ``k = i + o``. No letter is tied to itself, through others neither.
    """
    found: dict[int, Factor] = {}
    for factor in tensor.factors:
        array, letters, _ = factor
        if not isinstance(array, Call) or array.function not in ("pair", "select"):
            continue
        place = 0 if array.function == "pair" else -1
        letter = letters[place]
        others = {x for x in letters if x != letter}
        free = letter >= tensor.order and letter not in found and letters.count(letter) == 1
        if free and not _leads_to(others, letter, found):
            found[letter] = factor
    return found


def _leads_to(letters: set[int], goal: int, tied: dict[int, Factor]) -> bool:
    """Whether a letter is among those that these are formulas of."""
    seen: set[int] = set()
    while letters:
        letter = letters.pop()
        if letter == goal:
            return True
        if letter in tied and letter not in seen:
            letters |= {x for x in tied[letter][1] if x != letter}
        seen.add(letter)
    return False


def in_order(tied: Mapping[int, Factor]) -> list[int]:
    """Tied letters, each after those that it is a formula of."""
    found: list[int] = []
    while len(found) < len(tied):
        for letter, (_, along, _) in tied.items():
            known = all(x == letter or x not in tied or x in found for x in along)
            if known and letter not in found:
                found.append(letter)
    return found
