"""A drawing of a directed graph in layers from left to right.

Each vertex stands as far right as the longest path to it (Sugiyama, Tagawa and Toda 1981): an edge
that passes a layer gets a place in it, the order within a layer is that of the mean of the
neighbours' places, whichever of several passes has the fewest crossings, and heights are the
neighbours' means as far as the order allows, so that chains are straight. A drawing that is too
wide goes on in the next row wherever one edge alone leads on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["PORT", "Box", "Drawing", "Path", "Point", "drawn"]

Point: TypeAlias = tuple[float, float]
Edge: TypeAlias = tuple[int, int]

PASSES: Final = 12
"""Passes over the layers, for order and for heights."""

BETWEEN: Final = 22.0
"""Between two vertices of a layer."""

PASSING: Final = 26.0
"""Height that an edge takes which passes a layer."""

ROW_GAP: Final = 58.0
"""Between two rows, where the edge runs that leads from one to the next."""

PORT: Final = 24.0
"""Between two edges where they meet a vertex."""

MARGIN: Final = 28.0
"""At both ends of a row, in the middle of which such an edge turns."""


@dataclass(frozen=True, slots=True)
class Box:
    """How much room a vertex needs.

    Attributes:
        width, height: Of the vertex itself.
        above, below: What belongs to it there.
    """

    width: float
    height: float
    above: float = 0.0
    below: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """The way of an edge: points through which it goes, horizontally.

    Attributes:
        points: From the right side of one vertex to the left side of another, one in each layer
            that is passed.
        turns: Whether it leads to the next row, and its corners are points.
    """

    points: tuple[Point, ...]
    turns: bool = False


@dataclass(frozen=True)
class Drawing:
    """Places of a graph's vertices and edges.

    Attributes:
        width, height: Of the whole.
        centres: Of the vertices.
        paths: Of the edges.
    """

    width: float
    height: float
    centres: Sequence[Point]
    paths: Sequence[Path]


@dataclass(frozen=True, slots=True)
class _Passing:
    """The place of an edge in a layer that it passes."""

    edge: Edge
    layer: int


Vertex: TypeAlias = int | _Passing


def drawn(
    boxes: Sequence[Box], edges: Sequence[Edge], gaps: Sequence[float], widest: float
) -> Drawing:
    """A drawing of an acyclic graph.

    Args:
        boxes: Of the vertices, each behind those from which an edge leads to it.
        edges: Pairs of vertices, by their numbers; each once.
        gaps: The least distance between the sides of the vertices of each edge.
        widest: Width from which on it goes on in a new row.
    """
    layers = _ordered(_layered(len(boxes), edges), edges)
    heights = _heights(layers, boxes, edges)
    return _Placing(layers, heights, boxes, edges, gaps, widest).drawing()


def _layered(count: int, edges: Sequence[Edge]) -> list[list[Vertex]]:
    """The vertices by layer, and edges in the layers that they pass."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for start, end in edges:
        before[end].append(start)
        after[start].append(end)
    layer: list[int] = []
    for vertex in range(count):
        layer.append(1 + max((layer[start] for start in before[vertex]), default=-1))
    for vertex in reversed(range(count)):
        if not before[vertex] and after[vertex]:
            layer[vertex] = min(layer[end] for end in after[vertex]) - 1
    layers: list[list[Vertex]] = [[] for _ in range(1 + max(layer))]
    for vertex, place in enumerate(layer):
        layers[place].append(vertex)
    for start, end in edges:
        for place in range(layer[start] + 1, layer[end]):
            layers[place].append(_Passing((start, end), place))
    return layers


def _links(
    layers: Sequence[Sequence[Vertex]], edges: Iterable[Edge]
) -> list[list[tuple[Vertex, Vertex]]]:
    """The pieces of edges between each layer and the next."""
    place = {vertex: number for number, layer in enumerate(layers) for vertex in layer}
    links: list[list[tuple[Vertex, Vertex]]] = [[] for _ in layers[1:]]
    for edge in edges:
        chain = _chain(edge, place)
        for number, link in enumerate(itertools.pairwise(chain), place[edge[0]]):
            links[number].append(link)
    return links


def _chain(edge: Edge, place: Mapping[Vertex, int]) -> list[Vertex]:
    start, end = edge
    passed = [_Passing(edge, number) for number in range(place[start] + 1, place[end])]
    return [start, *passed, end]


def _ordered(layers: list[list[Vertex]], edges: Sequence[Edge]) -> list[list[Vertex]]:
    """The layers in an order with few crossings."""
    links = _links(layers, edges)
    best, fewest = layers, _crossings(layers, links)
    current = [list(layer) for layer in layers]
    for turn in range(PASSES):
        if not fewest:
            break
        numbers = range(1, len(layers)) if turn % 2 == 0 else range(len(layers) - 2, -1, -1)
        for number in numbers:
            pairs = links[number - 1] if turn % 2 == 0 else links[number]
            other = current[number - 1 if turn % 2 == 0 else number + 1]
            current[number] = _by_neighbours(current[number], other, pairs, turn % 2 == 0)
        found = _crossings(current, links)
        if found < fewest:
            best, fewest = [list(layer) for layer in current], found
    return best


def _by_neighbours(
    layer: Sequence[Vertex],
    other: Sequence[Vertex],
    pairs: Sequence[tuple[Vertex, Vertex]],
    forward: bool,
) -> list[Vertex]:
    """A layer in the order of the means of its neighbours' places."""
    rank = {vertex: number for number, vertex in enumerate(other)}
    means: dict[Vertex, float] = {}
    for number, vertex in enumerate(layer):
        at = [rank[a] for a, b in pairs if b == vertex] if forward else []
        at = at if forward else [rank[b] for a, b in pairs if a == vertex]
        means[vertex] = sum(at) / len(at) if at else float(number)
    return sorted(layer, key=means.__getitem__)


def _crossings(
    layers: Sequence[Sequence[Vertex]], links: Sequence[Sequence[tuple[Vertex, Vertex]]]
) -> int:
    """How many pairs of links cross."""
    count = 0
    for number, pairs in enumerate(links):
        left = {vertex: place for place, vertex in enumerate(layers[number])}
        right = {vertex: place for place, vertex in enumerate(layers[number + 1])}
        ends = [(left[a], right[b]) for a, b in pairs]
        count += sum(
            (a - c) * (b - d) < 0 for k, (a, b) in enumerate(ends) for c, d in ends[k + 1 :]
        )
    return count


def _extent(vertex: Vertex, boxes: Sequence[Box]) -> tuple[float, float]:
    """How far a vertex reaches above and below its centre."""
    if isinstance(vertex, _Passing):
        return PASSING / 2, PASSING / 2
    box = boxes[vertex]
    return box.height / 2 + box.above, box.height / 2 + box.below


def _heights(
    layers: Sequence[Sequence[Vertex]], boxes: Sequence[Box], edges: Sequence[Edge]
) -> dict[Vertex, float]:
    """The height of each vertex: the mean of those before it as far as there is room.

    The passes go back and forth, so that what has nothing before it stands where it leads to.
    """
    before: dict[Vertex, list[Vertex]] = {vertex: [] for layer in layers for vertex in layer}
    after: dict[Vertex, list[Vertex]] = {vertex: [] for layer in layers for vertex in layer}
    for pairs in _links(layers, edges):
        for start, end in pairs:
            before[end].append(start)
            after[start].append(end)
    heights: dict[Vertex, float] = {}
    for layer in layers:
        heights.update(zip(layer, _apart(layer, [0.0] * len(layer), boxes), strict=True))
    for turn in range(PASSES + 1):
        near, others = (before, after) if turn % 2 == 0 else (after, before)
        for layer in layers if turn % 2 == 0 else layers[::-1]:
            wanted = []
            for vertex in layer:
                at = [heights[other] for other in near[vertex] or others[vertex]]
                wanted.append(sum(at) / len(at) if at else heights[vertex])
            heights.update(zip(layer, _apart(layer, wanted, boxes), strict=True))
    return heights


def _apart(layer: Sequence[Vertex], wanted: Sequence[float], boxes: Sequence[Box]) -> list[float]:
    """Heights near those wanted, in order and apart: least squares, by pooling neighbours."""
    offsets = [0.0]
    for above, below in itertools.pairwise(layer):
        step = _extent(above, boxes)[1] + BETWEEN + _extent(below, boxes)[0]
        offsets.append(offsets[-1] + step)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
    flat = [mean for mean, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=False)]


class _Placing:
    """Puts layers beside each other, and rows of layers below each other."""

    def __init__(
        self,
        layers: list[list[Vertex]],
        heights: Mapping[Vertex, float],
        boxes: Sequence[Box],
        edges: Sequence[Edge],
        gaps: Sequence[float],
        widest: float,
    ) -> None:
        self.layers, self.heights, self.boxes = layers, heights, boxes
        self.edges, self.widest = edges, widest
        self.place = {vertex: number for number, layer in enumerate(layers) for vertex in layer}
        self.widths = [
            max(
                (boxes[v].width for v in layer if not isinstance(v, _Passing)),
                default=0.0,
            )
            for layer in layers
        ]
        self.gaps = [0.0] * len(layers)
        for (start, end), gap in zip(edges, gaps, strict=True):
            for number in range(self.place[start], self.place[end]):
                self.gaps[number] = max(self.gaps[number], gap)

    def drawing(self) -> Drawing:
        """The rows below each other."""
        rows = self.rows()
        centres: dict[Vertex, Point] = {}
        row_of = {number: k for k, row in enumerate(rows) for number in row}
        several, top, width = len(rows) > 1, 0.0, 0.0
        bottoms = []
        for row in rows:
            inside = [v for number in row for v in self.layers[number]]
            above = min(self.heights[v] - _extent(v, self.boxes)[0] for v in inside)
            below = max(self.heights[v] + _extent(v, self.boxes)[1] for v in inside)
            across = MARGIN if several else 0.0
            for number in row:
                for vertex in self.layers[number]:
                    x = across + self.widths[number] / 2
                    centres[vertex] = (x, top + self.heights[vertex] - above)
                across += self.widths[number] + self.gaps[number] * (number != row[-1])
            width = max(width, across + (MARGIN if several else 0.0))
            top += below - above
            bottoms.append(top)
            top += ROW_GAP
        ports = self.ports(centres)
        paths = [self.path(edge, centres, ports, row_of, bottoms) for edge in self.edges]
        found = [centres[number] for number in range(len(self.boxes))]
        return Drawing(width, top - ROW_GAP, found, paths)

    def ports(self, centres: Mapping[Vertex, Point]) -> dict[tuple[Vertex, Edge], float]:
        """How far above or below a vertex's centre each of its edges meets it."""
        at: dict[tuple[Vertex, bool], list[tuple[float, int]]] = {}
        for number, edge in enumerate(self.edges):
            chain = _chain(edge, self.place)
            at.setdefault((edge[0], True), []).append((centres[chain[1]][1], number))
            at.setdefault((edge[1], False), []).append((centres[chain[-2]][1], number))
        found = {}
        for (vertex, _), ends in at.items():
            middle = (len(ends) - 1) / 2
            for rank, (_, number) in enumerate(sorted(ends)):
                found[vertex, self.edges[number]] = (rank - middle) * PORT
        return found

    def rows(self) -> list[list[int]]:
        """The layers of each row: as few rows as there can be, and about as long as each other."""
        rows = self.filled(self.widest)
        narrower = self.longest(rows)
        while len(rows) > 1:
            narrower -= PORT
            tried = self.filled(narrower)
            if len(tried) > len(rows) or narrower < max(self.widths):
                break
            if self.longest(tried) < self.longest(rows):
                rows = tried
        return rows

    def length(self, row: Sequence[int]) -> float:
        """The width of layers beside each other."""
        return sum(self.widths[n] for n in row) + sum(self.gaps[n] for n in row[:-1])

    def longest(self, rows: Sequence[Sequence[int]]) -> float:
        """The width of the widest row."""
        return max(map(self.length, rows))

    def filled(self, widest: float) -> list[list[int]]:
        """Rows with as many layers as there is room for, one edge leading on."""
        rows: list[list[int]] = [[0]]
        for number in range(1, len(self.layers)):
            row = [*rows[-1], number]
            cut = self.last_cut(rows[-1], number)
            if self.length(row) + 2 * MARGIN > widest and cut is not None:
                rows[-1:] = [[n for n in row if n <= cut], [n for n in row if n > cut]]
            else:
                rows[-1] = row
        return rows

    def last_cut(self, row: Sequence[int], number: int) -> int | None:
        """The last layer of a row behind which one edge alone leads on; None where none is."""
        for last in reversed(range(row[0], number)):
            across = [
                edge for edge in self.edges if self.place[edge[0]] <= last < self.place[edge[1]]
            ]
            if len(across) == 1 and self.place[across[0][1]] == last + 1 == (
                self.place[across[0][0]] + 1
            ):
                return last
        return None

    def path(
        self,
        edge: Edge,
        centres: Mapping[Vertex, Point],
        ports: Mapping[tuple[Vertex, Edge], float],
        row_of: Mapping[int, int],
        bottoms: Sequence[float],
    ) -> Path:
        """The way of one edge."""
        start, end = edge
        from_x, from_y = centres[start]
        to_x, to_y = centres[end]
        from_y += ports[start, edge]
        to_y += ports[end, edge]
        first = (from_x + self.boxes[start].width / 2, from_y)
        last = (to_x - self.boxes[end].width / 2, to_y)
        row = row_of[self.place[start]]
        if row != row_of[self.place[end]]:
            between = bottoms[row] + ROW_GAP / 2
            right = from_x + self.widths[self.place[start]] / 2 + MARGIN / 2
            left = to_x - self.widths[self.place[end]] / 2 - MARGIN / 2
            corners = ((right, from_y), (right, between), (left, between), (left, to_y))
            return Path((first, *corners, last), turns=True)
        middle = [centres[vertex] for vertex in _chain(edge, self.place)[1:-1]]
        return Path((first, *middle, last))
