"""Letters of a contraction: numbered the same way whatever order its factors came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from derive.tensor.nodes import Delta, Factor, Letters

__all__ = ["canonical", "connected"]


def connected(letters: Iterable[Letters]) -> dict[int, int]:
    """For every letter, one letter that stands for all it is connected with through factors."""
    leader: dict[int, int] = {}

    def find(letter: int) -> int:
        while leader.setdefault(letter, letter) != letter:
            letter = leader[letter]
        return letter

    for along in letters:
        for letter in along:
            leader[find(letter)] = find(along[0])
    return {letter: find(letter) for letter in leader}


def canonical(factors: Sequence[Factor], free: Letters) -> tuple[Factor, ...]:
    """Factors in canonical order with letters renumbered, free ones first."""
    if len(factors) == 1:
        letters = factors[0][1]
        names = {letter: axis for axis, letter in enumerate(free)}
        for letter in letters:
            names.setdefault(letter, len(names))
        return (_renamed(factors[0], names),)
    colours: dict[int, object] = {letter: axis for axis, letter in enumerate(free)}
    for _, letters, _ in factors:
        for letter in letters:
            colours.setdefault(letter, -1)
    colours = _refine(factors, colours)
    names = {letter: axis for axis, letter in enumerate(free)}
    ordered = sorted(factors, key=lambda f: (f[0].key, f[2], tuple(colours[x] for x in f[1])))
    while True:
        tied = _first_tie(ordered, colours, names)
        if tied is None:
            break
        colours[tied] = -2 - len(names)
        colours = _refine(factors, colours)
        ordered = sorted(factors, key=lambda f: (f[0].key, f[2], tuple(colours[x] for x in f[1])))
        names[tied] = len(names)
    names = {letter: axis for axis, letter in enumerate(free)}
    for _, letters, _ in ordered:
        for letter in letters:
            names.setdefault(letter, len(names))
    renamed = [_renamed(factor, names) for factor in ordered]
    renamed.sort(key=lambda f: (f[0].key, f[2], f[1]))
    return tuple(renamed)


def _renamed(factor: Factor, names: Mapping[int, int]) -> Factor:
    tensor, letters, power = factor
    new = tuple(names[letter] for letter in letters)
    return tensor, tuple(sorted(new)) if isinstance(tensor, Delta) else new, power


def _refine(factors: Sequence[Factor], colours: dict[int, object]) -> dict[int, object]:
    """Tell letters apart by the factors they stand in, and by those of their neighbours."""
    ranks: dict[int, object] = colours
    count = len(set(map(repr, colours.values())))
    while True:
        marks: dict[int, list[object]] = {letter: [] for letter in ranks}
        for tensor, letters, power in factors:
            around = tuple(ranks[x] for x in letters)
            either = isinstance(tensor, Delta)
            if either:
                around = tuple(sorted(around, key=repr))
            for position, letter in enumerate(letters):
                marks[letter].append((tensor.key, str(power), either or position, around))
        labels = {
            letter: repr((ranks[letter], sorted(marks[letter], key=repr))) for letter in ranks
        }
        order = {label: rank for rank, label in enumerate(sorted(set(labels.values())))}
        ranks = {letter: order[labels[letter]] for letter in ranks}
        if len(order) == count:
            return ranks
        count = len(order)


def _first_tie(
    ordered: Sequence[Factor], colours: Mapping[int, object], names: Mapping[int, int]
) -> int | None:
    """A letter that shares its colour with another one, in the order of the factors."""
    counts: dict[object, int] = {}
    for letter in {x for _, letters, _ in ordered for x in letters}:
        counts[colours[letter]] = counts.get(colours[letter], 0) + 1
    for _, letters, _ in ordered:
        for letter in letters:
            if letter not in names and counts[colours[letter]] > 1:
                return letter
    return None
