"""Arrows as the data of SVG paths: curves between layers, lines with rounded corners."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from derive.emit.html.layers import Path, Point

__all__ = ["between", "curve", "on_curve", "polyline", "shifted"]

HEAD: Final = (8.0, 3.6)
"""Length and half the width of the head of an arrow."""

ROUND: Final = 8.0
"""Radius of the corners of a line that turns."""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def shifted(path: Path, shift: float) -> tuple[Point, ...]:
    """The points of a line beside a path; above it where the shift is negative."""
    if not path.turns:
        return tuple((x, y + shift) for x, y in path.points)
    first, *corners, last = path.points
    signs = ((-1, 1), (-1, -1), (-1, -1), (-1, 1))
    moved = [(x + a * shift, y + b * shift) for (x, y), (a, b) in zip(corners, signs, strict=True)]
    return ((first[0], first[1] + shift), *moved, (last[0], last[1] + shift))


def _head(before: Point, tip: Point) -> tuple[str, Point]:
    """The head of an arrow, and where its line ends."""
    length, half = HEAD
    distance = math.hypot(tip[0] - before[0], tip[1] - before[1]) or 1.0
    along = ((tip[0] - before[0]) / distance, (tip[1] - before[1]) / distance)
    base = (tip[0] - length * along[0], tip[1] - length * along[1])
    across = (-half * along[1], half * along[0])
    sides = [(base[0] + s * across[0], base[1] + s * across[1]) for s in (1, -1)]
    return _points([sides[0], tip, sides[1]]), base


def curve(points: Sequence[Point], lean: float = 0.0) -> tuple[str, str]:
    """A smooth line through points, horizontal at its ends, and its head.

    Between its points it rises or falls throughout (Fritsch and Butland 1984).

    Args:
        points: Where it goes through.
        lean: How far it stands to the right where it goes down and to the left where it goes up, so
            that two lines beside each other keep their distance.
    """
    tip = points[-1]
    head, base = _head((tip[0] - math.copysign(1, tip[0] - points[-2][0]), tip[1]), tip)
    through = [*points[:-1], base]
    slopes = _slopes(through)
    pieces = [f"M{_points(through[:1])}"]
    for (start, left), (stop, right) in pairwise(zip(through, slopes, strict=True)):
        if abs(start[1] - stop[1]) < 0.05:
            pieces.append(f"L{_points([stop])}")
            continue
        reach = (stop[0] - start[0]) / (3 if left or right else 2)
        aside = lean if stop[1] > start[1] else -lean
        first = (start[0] + reach + aside, start[1] + left * reach)
        second = (stop[0] - reach + aside, stop[1] - right * reach)
        pieces.append(f"C{_points([first, second, stop])}")
    return "".join(pieces), head


def _slopes(points: Sequence[Point]) -> list[float]:
    """Slopes at the points of a line: 0 at its ends and where it turns up or down."""
    rises = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(rises)]
    return [0.0, *inner, 0.0]


def polyline(points: Sequence[Point]) -> tuple[str, str]:
    """A line with rounded corners, and its head."""
    head, base = _head(points[-2], points[-1])
    line = [*points[:-1], base]
    pieces = [f"M{_points(line[:1])}"]
    for before, corner, after in zip(line, line[1:], line[2:], strict=False):
        start, stop = _towards(corner, before), _towards(corner, after)
        pieces.append(f"L{_points([start])}Q{_points([corner, stop])}")
    pieces.append(f"L{_points(line[-1:])}")
    return "".join(pieces), head


def _towards(start: Point, goal: Point) -> Point:
    distance = math.dist(start, goal) or 1.0
    return between(start, goal, min(ROUND / distance, 0.5))


def between(start: Point, stop: Point, t: float) -> Point:
    return (start[0] + t * (stop[0] - start[0]), start[1] + t * (stop[1] - start[1]))


def on_curve(start: Point, stop: Point, t: float) -> Point:
    """A point of the curve between two points."""
    rise = 3 * t**2 - 2 * t**3
    across = 1.5 * t * (1 - t) ** 2 + 1.5 * t**2 * (1 - t) + t**3
    return (start[0] + across * (stop[0] - start[0]), start[1] + rise * (stop[1] - start[1]))
