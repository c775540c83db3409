"""Pictures of computations: where things stand, and that nothing is in the way of anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import pytest

from derive.calculus.chain_rule import derive
from derive.emit.html.diagram import WIDEST, Node, Picture, pictures
from derive.emit.html.layers import Box, drawn
from derive.emit.html.mathml import Mathematics
from derive.emit.latex import BOLD
from derive.emit.page import page
from derive.emit.words import ENGLISH, Wording
from derive.examples import descriptions, example_text
from derive.language import parse

EXAMPLES = tuple(descriptions())
CHAIN = "x:(n); A:(n,n); B:(n,n); u = A*x; v = tanh(u); w = B*v; f = sum(w); grad f wrt x"
BRANCHES = "x:(n); a = exp(x); b = sin(x); c = a .* b; d = c + a; f = sum(d); grad f wrt x"


@cache
def drawings(text: str) -> tuple[Picture, ...]:
    found = page(derive(parse(text)))
    mathematics = Mathematics(BOLD)
    return tuple(
        picture for section in found.sections for picture in pictures(section, mathematics, ENGLISH)
    )


def of(text: str) -> Picture:
    (found,) = drawings(text)
    return found


@pytest.fixture(params=EXAMPLES)
def several(request: pytest.FixtureRequest) -> tuple[Picture, ...]:
    found = drawings(example_text(str(request.param)))
    assert found
    return found


def corners(node: Node) -> tuple[float, float, float, float]:
    return node.x, node.y, node.x + node.width, node.y + node.height


def overlap(a: Node, b: Node, least: float = 0.0) -> bool:
    left, top, right, bottom = corners(a)
    x0, y0, x1, y1 = corners(b)
    return left < x1 + least and x0 < right + least and top < y1 + least and y0 < bottom + least


def points(line: str, count: int = 24) -> Iterator[tuple[float, float]]:
    """Points along the data of a path."""
    x, y = 0.0, 0.0
    for sign, numbers in re.findall(r"([MLCQ])([^MLCQ]*)", line):
        flat = [float(number) for number in re.split(r"[ ,]", numbers)]
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        curve = [(x, y), *pairs] if sign != "M" else pairs
        for k in range(count + 1):
            t, left = k / count, list(curve)
            while len(left) > 1:
                left = [(a + t * (c - a), b + t * (d - b)) for (a, b), (c, d) in pairwise(left)]
            yield left[0]
        x, y = pairs[-1]


def test_boxes_stand_apart(several: tuple[Picture, ...]) -> None:
    for picture in several:
        for a, b in combinations(picture.nodes, 2):
            assert not overlap(a, b, 4.0), (a.name, b.name)


def test_everything_is_inside(several: tuple[Picture, ...]) -> None:
    for picture in several:
        for node in picture.nodes:
            left, top, right, bottom = corners(node)
            assert left >= -0.1 and top >= -0.1
            assert right <= picture.width - 1 and bottom <= picture.height - 1
        for arrow in picture.arrows:
            for x, y in points(arrow.line):
                assert -1 <= x <= picture.width - 1 and -1 <= y <= picture.height - 1


def test_no_line_runs_through_a_box(several: tuple[Picture, ...]) -> None:
    for picture in several:
        for arrow in picture.arrows:
            for x, y in points(arrow.line):
                for node in picture.nodes:
                    left, top, right, bottom = corners(node)
                    inside = left + 1 < x < right - 1 and top + 1 < y < bottom - 1
                    assert not inside, (arrow.line, node.name)


def test_every_edge_has_its_shape(several: tuple[Picture, ...]) -> None:
    for picture in several:
        ahead = [arrow for arrow in picture.arrows if not arrow.back]
        shapes = [label for label in picture.labels if not label.back]
        assert len(shapes) == len(ahead)


def test_every_gradient_has_a_way_back(several: tuple[Picture, ...]) -> None:
    for picture in several:
        assert any(arrow.back for arrow in picture.arrows)
        for node in picture.nodes:
            tips = [tip(a.head) for a in picture.arrows if a.back]
            reached = any(touches(node, point) for point in tips)
            assert reached == bool(node.adjoint), node.name


def tip(head: str) -> tuple[float, float]:
    x, y = head.split(" ")[1].split(",")
    return float(x), float(y)


def touches(node: Node, point: tuple[float, float]) -> bool:
    left, top, right, bottom = corners(node)
    return left - 0.2 <= point[0] <= right + 0.2 and top - 0.2 <= point[1] <= bottom + 0.2


def test_a_chain_is_straight_and_crosses_nothing() -> None:
    found = of(CHAIN)
    chain = [n for n in found.nodes if n.kind == "computed" or re.search("𝒙|𝑓|<mi>f", n.name)]
    middles = {round(node.y + node.height / 2, 3) for node in chain}
    assert len(chain) == 5 and len(middles) == 1
    lefts = [node.x for node in chain]
    assert lefts == sorted(lefts)
    assert not [arrow for arrow in found.arrows if "C" in arrow.line]


def test_what_is_given_beside_the_chain_stands_above_or_below() -> None:
    found = of("x:(n); W:(m,n); c:(m); z = W*x + c; f = norm2(z)^2; grad f wrt W")
    by_name = {re.sub("<.*?>", "", node.name): node for node in found.nodes}
    z = by_name["𝒛"]
    assert by_name["𝑾"].x + by_name["𝑾"].width < z.x
    assert by_name["𝒙"].y > z.y + z.height and by_name["𝒄"].y > z.y + z.height
    found = of("x:(n); W:(m,n); c:(m); z = W*x + c; f = norm2(z)^2; grad f wrt W, c")
    by_name = {re.sub("<.*?>", "", node.name): node for node in found.nodes}
    assert by_name["𝑾"].y + by_name["𝑾"].height < by_name["𝒛"].y
    assert by_name["𝒙"].x < by_name["𝒛"].x


def test_long_chains_go_on_in_the_next_row() -> None:
    lines = [f"a{k} = tanh(a{k - 1})" for k in range(1, 20)]
    found = of("a0:(n); " + "; ".join(lines) + "; f = sum(a19); grad f wrt a0")
    assert found.width <= WIDEST + 2
    rows = {round(node.y + node.height / 2) for node in found.nodes}
    assert len(rows) == 3
    lengths = [sum(round(n.y + n.height / 2) == row for n in found.nodes) for row in sorted(rows)]
    assert max(lengths) - min(lengths) <= 1


def test_the_picture_of_a_jacobian_has_both_shapes() -> None:
    found = of("A:(m,n); x:(n); v = A*x; h = tanh(v); jacobian h wrt x")
    back = [re.sub("<.*?>", "", label.shape) for label in found.labels if label.back]
    assert sorted(back) == ["m×m", "m×n"]


def test_the_picture_is_described_in_words() -> None:
    found = of(BRANCHES)
    assert found.title == "The computation of f"
    assert "c is computed from a and b; d is computed from a and c" in found.description
    (german,) = (
        p
        for section in page(derive(parse(CHAIN))).sections
        for p in pictures(
            section,
            Mathematics(BOLD),
            Wording("de", {"{v} is computed from {inputs}": "{v} kommt von {inputs}"}),
        )
    )
    assert "u kommt von" in german.description


def test_of_several_quantities_those_of_one_step_have_no_picture() -> None:
    text = "x:(n); y:(n); a = x + y; u = exp(x); b = sin(u); jacobian a wrt x; jacobian b wrt x"
    assert [found.title for found in drawings(text)] == ["The computation of b"]


def test_layers_are_those_of_the_longest_path() -> None:
    found = drawn([Box(10, 10)] * 4, [(0, 1), (1, 2), (0, 3), (2, 3)], [20] * 4, 1000)
    across = [x for x, _ in found.centres]
    assert across == sorted(across) and len(set(across)) == 4
    assert found.width == 4 * 10 + 3 * 20
    path = found.paths[2]
    assert len(path.points) == 4 and not path.turns


def test_crossings_are_undone() -> None:
    edges = [(0, 4), (0, 5), (1, 3), (2, 3), (3, 6), (4, 6), (5, 6)]
    found = drawn([Box(10, 10)] * 7, edges, [20] * len(edges), 1000)
    left, right = ([found.centres[edge[side]][1] for edge in edges[:4]] for side in (0, 1))
    for (a, c), (b, d) in combinations(zip(left, right, strict=True), 2):
        assert (a - b) * (c - d) >= 0
