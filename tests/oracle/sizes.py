"""Sizes of axes: a number, a name, or a text that is a sum of products, such as ``m*n + k``.

Equal sizes are equal texts: terms and factors are in order, a number comes last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

__all__ = ["Dim", "minus", "names_in", "plus", "size_of", "split", "times"]

Dim = int | str

TERM: Final = re.compile(r"([-+]?) ?([\w*]+)")


def plus(first: Dim, second: Dim) -> Dim:
    """The sum of two sizes.

    >>> plus("n", "k"), plus("n", "n"), plus("n - 1", 1), plus(2, 3)
    ('k + n', '2*n', 'n', 5)
    """
    return _written(_terms(first), _terms(second))


def minus(first: Dim, second: Dim) -> Dim:
    """The difference of two sizes.

    >>> minus("n", 1), minus("k + n", "k")
    ('n - 1', 'n')
    """
    taken = {term: -count for term, count in _terms(second).items()}
    return _written(_terms(first), taken)


def times(first: Dim, second: Dim) -> Dim:
    """The product of two sizes.

    >>> times("n", "m"), times("n + 1", "k"), times(2, 3), times("2*n", 3)
    ('m*n', 'k + k*n', 6, '6*n')
    """
    found: Counter[tuple[str, ...]] = Counter()
    for left, count in _terms(first).items():
        for right, more in _terms(second).items():
            found[tuple(sorted((*left, *right)))] += count * more
    return _written(found)


def size_of(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The number that a size is.

    >>> size_of("m*n + 1", {"m": 2, "n": 3})
    7
    """
    total = 0
    for names, count in _terms(dim).items():
        for name in names:
            count *= sizes[name]
        total += count
    return total


def names_in(dim: Dim) -> set[str]:
    """The names that a size is made of."""
    return {name for names in _terms(dim) for name in names}


def _terms(dim: Dim) -> Mapping[tuple[str, ...], int]:
    """How often each product of names is in a size."""
    found: Counter[tuple[str, ...]] = Counter()
    for sign, term in TERM.findall(str(dim)):
        count, names = -1 if sign == "-" else 1, []
        for factor in term.split("*"):
            if factor.isdigit():
                count *= int(factor)
            else:
                names.append(factor)
        found[tuple(sorted(names))] += count
    return found


def _written(*parts: Mapping[tuple[str, ...], int]) -> Dim:
    terms: Counter[tuple[str, ...]] = Counter()
    for part in parts:
        for names, count in part.items():
            terms[names] += count
    text = ""
    for names, count in sorted(terms.items(), key=lambda term: (not term[0], term[0])):
        if count:
            factors = [str(abs(count))] * (abs(count) != 1 or not names) + list(names)
            text += f" {'-' if count < 0 else '+'} {'*'.join(factors)}"
    number = re.fullmatch(r" ([-+]) (\d+)", text)
    if number or not text:
        return int(number[1] + number[2]) if number else 0
    return text.removeprefix(" + ").removeprefix(" ")


def split(dim: Dim) -> tuple[str, Dim, Dim] | None:
    """A size as a sum, a difference or a product of two; None if it is a name or a number.

    >>> split("k + n"), split("n - 1"), split("m*n"), split("2*n"), split("n")
    (('+', 'k', 'n'), ('-', 'n', 1), ('*', 'm', 'n'), ('*', 2, 'n'), None)
    """
    terms = _terms(dim)
    if isinstance(dim, int) or dim.isidentifier():
        return None
    names, count = next((names, count) for names, count in terms.items() if count > 0)
    first = _written({names: count})
    if len(terms) == 1:
        head: Dim = count if count != 1 else names[0]
        rest = _written({names if count != 1 else names[1:]: 1})
        return ("*", head, rest)
    rest = minus(dim, first)
    if isinstance(rest, int) and rest < 0:
        return ("-", first, -rest)
    return ("+", first, rest)
