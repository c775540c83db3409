"""A contraction with pairs cut in two where a matrix of values lies between: ``L diag(vec(F)) R``.

Derivatives of one matrix by another go through matrices whose entries are multiplied one by one,
``A = tanh(Z)``. Over the entries of such a matrix the derivative is a product of three: what leads
from the rows to these entries, a diagonal matrix, and what leads from them to the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derive.shapes import Dim
from derive.tensor.algebra import ONE, contract
from derive.tensor.incidence import is_incidence, pair
from derive.tensor.letters import connected
from derive.tensor.nodes import Delta, Factor, Letters, Tensor

__all__ = ["splits"]


def splits(
    factors: Sequence[Factor], dims: Mapping[int, Dim]
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Every way to write a contraction over the axes 0 and 1 as ``L diag(f) R``.

    Args:
        factors: Arrays with their letters.
        dims: Sizes of the letters.

    Yields:
        L, f and R; f is the vec of a matrix.
    """
    places: dict[frozenset[int], list[int]] = {}
    for place, (tensor, letters, _) in enumerate(factors):
        summed = len(set(letters)) == 2 and max(letters) > 1
        if summed and not isinstance(tensor, Delta) and not is_incidence(tensor):
            places.setdefault(frozenset(letters), []).append(place)
    for ends, own in sorted(places.items(), key=lambda item: min(item[0]) < 2):
        found = _cut(*_off_the_axes(factors, dims, ends), own)
        if found is not None:
            yield found


def _off_the_axes(
    factors: Sequence[Factor], dims: Mapping[int, Dim], letters: frozenset[int]
) -> tuple[list[Factor], dict[int, Dim]]:
    """The factors with other letters in place of those that are axes, which a delta leads to."""
    new, ties, sizes = dict[int, int](), list[Factor](), dict(dims)
    for axis in letters & {0, 1}:
        new[axis] = 1 + max(sizes)
        sizes[new[axis]] = sizes[axis]
        ties.append((Delta(sizes[axis]), (new[axis], axis), ONE))
    moved = [(f, tuple(new.get(x, x) for x in own), power) for f, own, power in factors]
    return [*moved, *ties], sizes


def _cut(
    factors: Sequence[Factor], dims: Mapping[int, Dim], own: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor] | None:
    """The contraction cut at the factors in some places; None where the rest hangs together."""
    middle = [factors[place] for place in own]
    rows, columns = middle[0][1]
    others = [factor for place, factor in enumerate(factors) if place not in own]
    ends = {rows, columns}
    leaders = connected([(0,), (1,), *(_uncut(letters, ends) for _, letters, _ in others)])
    if leaders[0] == leaders[1]:
        return None
    right = [f for f in others if any(leaders[x] == leaders[1] for x in _uncut(f[1], ends))]
    carried = {letter for _, letters, _ in right for letter in letters}
    loose = [f for f in others if not (_uncut(f[1], ends) or carried & set(f[1]))]
    right += loose
    left = [factor for factor in others if not any(factor is f for f in right)]
    whole = 1 + max(dims)
    entries = (pair(dims[columns], dims[rows]), (whole, columns, rows), ONE)
    shape = {0: dims[0], 1: dims[1]}
    return (
        contract(1, [*left, entries], (0, whole), shape),
        contract(1, [*middle, entries], (whole,)),
        contract(1, [*right, entries], (whole, 1), shape),
    )


def _uncut(letters: Letters, ends: set[int]) -> Letters:
    return tuple(letter for letter in letters if letter not in ends)
