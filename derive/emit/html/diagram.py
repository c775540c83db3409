"""A picture of a computation: forward to the right, and back against every arrow, with shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from markupsafe import Markup

from derive.calculus.derivation import Sweep
from derive.emit.html.layers import PORT, Box, Path, Point, drawn
from derive.emit.html.mathml import Mathematics, extent
from derive.emit.html.strokes import between, curve, on_curve, polyline, shifted
from derive.emit.page import Section
from derive.emit.plain import formula_text, words_text
from derive.emit.text import UNICODE
from derive.emit.words import Wording, joined
from derive.notation.board import quantity_form
from derive.shapes import Shape
from derive.tensor.nodes import Variable
from derive.tensor.substitution import variables_of

__all__ = ["Arrow", "Label", "Node", "Picture", "pictures"]

WIDEST: Final = 900.0
"""Width in pixels from which on a picture goes on in a new row."""

NAME_ROW: Final = 30.0
QUOTIENT_ROW: Final = 46.0
"""Heights of the name of a quantity in its box, and of a quotient."""

RISE: Final = 44.0
"""Length of the arrows from what stands above and below."""

ROOM: Final = 46.0
"""Of an arrow on both sides of the shape that stands on it."""

BESIDE: Final = 10.0
"""Between two quantities that stand side by side above another."""

APART: Final = 8.0
"""How far the arrows of a pair lie from the middle between them."""

LABEL_HEIGHT: Final = 18.0
PLACES: Final = (0.5, 0.36, 0.64, 0.25, 0.75)
"""Where on its way the shape of an edge may stand; the first that is free."""

MOST_ABOVE: Final = 3
"""Quantities above another, from which on some stand below it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A quantity in its box.

    Attributes:
        x, y, width, height: Of the box; x and y are its upper left corner.
        name: As a formula.
        adjoint: Its gradient by its name, or "".
        kind: ``given``, ``sought`` or ``computed``.
        fold: Height of the line between the two names.
    """

    x: float
    y: float
    width: float
    height: float
    name: Markup
    adjoint: Markup
    kind: str
    fold: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line with a head.

    Attributes:
        line: The line, as the data of a path.
        head: The corners of the head.
        back: Whether it carries a gradient.
    """

    line: str
    head: str
    back: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A shape beside an edge; x and y are its upper left corner.

    Attributes:
        back: Whether it is the shape of what comes back alone.
    """

    x: float
    y: float
    width: float
    height: float
    shape: Markup
    back: bool

    def meets(self, other: Label) -> bool:
        """Whether two labels overlap."""
        return (
            abs(self.x + self.width / 2 - other.x - other.width / 2)
            < (self.width + other.width) / 2
            and abs(self.y - other.y) < self.height
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, ready to be written.

    Attributes:
        width, height: In pixels.
        nodes, arrows, labels: What is drawn.
        title: What it shows, in words.
        description: What is computed from what, in words.
    """

    width: float
    height: float
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    labels: tuple[Label, ...]
    title: str
    description: str


def pictures(section: Section, mathematics: Mathematics, say: Wording) -> tuple[Picture, ...]:
    """The pictures of a section's computations: one for each quantity that is differentiated.

    Of several, those are left out in which it is computed in one step. What is given and used once
    enters from above, or from below unless it is sought; one of it stands on the left where
    nothing else does.
    """
    least = 1 if len(section.sweeps) == 1 else 2
    sweeps = [sweep for sweep in section.sweeps if len(sweep.forward) >= least]
    return tuple(_Painter(section, sweep, mathematics, say).picture() for sweep in sweeps)


class _Painter:
    def __init__(
        self, section: Section, sweep: Sweep, mathematics: Mathematics, say: Wording
    ) -> None:
        self.of, self.mathematics, self.say = sweep.of, mathematics, say
        known = {symbol.name.value: symbol.shape for symbol in section.symbols}
        known |= {quantity.name.value: quantity.shape for quantity in section.forward}
        self.inputs = {variable: _inputs(variable, known) for variable in sweep.forward}
        seen = {v for inputs in self.inputs.values() for v in inputs} | set(self.inputs)
        self.shapes: dict[Variable, Shape] = {v: known[v] for v in known if v in seen}
        self.sought = {sweep.of.name} | {result.wrt for result in sweep.results}
        names = {step.adjoint.name for step in sweep.steps}
        steps = [step.step for step in section.steps if step.step.adjoint.name in names]
        self.adjoints = {step.quantity: step.adjoint for step in steps}
        self.backward = {(step.quantity, s.user) for step in steps for s in step.sources}
        self.returned = {
            v: extent(quantity_form(adjoint))
            for v, adjoint in self.adjoints.items()
            if adjoint.role == "jacobian"
        }
        self.users: dict[Variable, list[Variable]] = {v: [] for v in self.shapes}
        for user, used in self.inputs.items():
            for variable in used:
                self.users[variable].append(user)
        self.above: dict[Variable, list[Variable]] = {v: [] for v in self.inputs}
        self.below: dict[Variable, list[Variable]] = {v: [] for v in self.inputs}
        self._choose_sides()
        beside = {v for held in (self.above, self.below) for vs in held.values() for v in vs}
        self.ranked = [variable for variable in self.shapes if variable not in beside]
        self.edges = [(u, v) for v, used in self.inputs.items() for u in used if u not in beside]
        self.boxes = {variable: self._box(variable) for variable in self.ranked}
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self.labels: list[Label] = []

    def _choose_sides(self) -> None:
        """What is given and used once stands above or below its user."""
        order = {variable: number for number, variable in enumerate(self.shapes)}
        for user, used in self.inputs.items():
            single = sorted(
                (v for v in used if v.value is None and len(self.users[v]) == 1),
                key=order.__getitem__,
            )
            if len(single) == len(used):
                sought = [v for v in single if v.name in self.sought]
                passed = [v for v in single if v not in sought]
                single.remove((sought if len(sought) == 1 else passed or sought)[0])
            above = [v for v in single if v.name in self.sought]
            below = [v for v in single if v.name not in self.sought]
            if len(above) > MOST_ABOVE and not below:
                half = (len(above) + 1) // 2
                above, below = above[:half], above[half:]
            self.above[user], self.below[user] = above, below

    # Sizes.

    def _name_width(self, variable: Variable) -> float:
        return _text_width(formula_text(quantity_form(variable), UNICODE))

    def _rows(self, variable: Variable) -> tuple[float, float]:
        """Heights of the name and of the adjoint below it."""
        adjoint = self.adjoints.get(variable)
        if adjoint is None:
            return NAME_ROW, 0.0
        return NAME_ROW, QUOTIENT_ROW if adjoint.role == "jacobian" else NAME_ROW

    def _own_width(self, variable: Variable) -> float:
        width = self._name_width(variable)
        adjoint = self.adjoints.get(variable)
        if adjoint is not None and adjoint.role == "jacobian":
            width = max(width, *(0.75 * _text_width(part) for part in adjoint.name.split("/")))
        return max(width + 22.0, 40.0)

    def _width(self, variable: Variable) -> float:
        """The width of a box; what stands above and below has room there."""
        beside = (self.above.get(variable, []), self.below.get(variable, []))
        return max(self._own_width(variable), *map(self._row_width, beside))

    def _box(self, variable: Variable) -> Box:
        into = sum(end == variable for _, end in self.edges)
        out = sum(start == variable for start, _ in self.edges)
        return Box(
            self._width(variable),
            max(sum(self._rows(variable)), PORT * max(into, out) + 6),
            self._reach(self.above.get(variable, [])),
            self._reach(self.below.get(variable, [])),
        )

    def _slot(self, variable: Variable) -> float:
        """The width that a quantity above or below another takes, its arrows' shape included."""
        widths = [_label_width(shape) for shape in self._carried(variable)]
        several = 2 * (APART + 3 + max(widths)) if len(widths) > 1 else widths[0]
        return max(self._own_width(variable), several)

    def _carried(self, variable: Variable) -> list[Shape]:
        """The shapes beside the arrows of a quantity: its own, and that of what comes back."""
        back = [self.returned[variable]] if variable in self.returned else []
        return [self.shapes[variable], *back]

    def _row_width(self, row: Sequence[Variable]) -> float:
        return sum(map(self._slot, row)) + BESIDE * max(0, len(row) - 1)

    def _reach(self, row: Sequence[Variable]) -> float:
        if not row:
            return 0.0
        return RISE + max(sum(self._rows(variable)) for variable in row)

    # Drawing.

    def picture(self) -> Picture:
        """Everything in its place."""
        rank = {variable: number for number, variable in enumerate(self.ranked)}
        found = drawn(
            [self.boxes[variable] for variable in self.ranked],
            [(rank[start], rank[end]) for start, end in self.edges],
            [max(map(_label_width, self._carried(start))) + ROOM for start, _ in self.edges],
            WIDEST,
        )
        for variable, centre in zip(self.ranked, found.centres, strict=True):
            self._place(variable, *centre, self.boxes[variable].height)
        for edge, path in zip(self.edges, found.paths, strict=True):
            self._lead(edge, path)
        for user in self.inputs:
            self._neighbours(user, *found.centres[rank[user]])
        return Picture(
            math.ceil(found.width) + 2,
            math.ceil(found.height) + 2,
            tuple(self.nodes),
            tuple(self.arrows),
            tuple(self.labels),
            words_text(self.say("The computation of {of}", of=quantity_form(self.of))),
            self._description(),
        )

    def _place(self, variable: Variable, x: float, y: float, height: float) -> None:
        width = self._width(variable)
        rows = self._rows(variable)
        adjoint = self.adjoints.get(variable)
        kind = "computed" if variable in self.inputs else "given"
        self.nodes.append(
            Node(
                x - width / 2,
                y - height / 2,
                width,
                height,
                self.mathematics.inline(quantity_form(variable)),
                Markup("") if adjoint is None else self.mathematics.inline(quantity_form(adjoint)),
                "sought" if variable.name in self.sought else kind,
                y + (rows[0] - rows[1]) / 2 if adjoint is not None else 0.0,
            )
        )

    def _lead(self, edge: tuple[Variable, Variable], path: Path) -> None:
        """The arrows of an edge between layers."""
        pair = edge in self.backward
        shift = APART if pair else 0.0
        draw = polyline if path.turns else partial(curve, lean=shift)
        self.arrows.append(Arrow(*draw(shifted(path, -shift)), back=False))
        if pair:
            self.arrows.append(Arrow(*draw(shifted(path, shift)[::-1]), back=True))
        start, stop = path.points[2:4] if path.turns else path.points[:2]
        self._label(edge, lambda t: on_curve(start, stop, t), (0.0, 1.0))

    def _label(
        self, edge: tuple[Variable, Variable], at: Callable[[float], Point], across: Point
    ) -> None:
        """The shape of what an edge carries, beside each arrow where the two differ.

        Args:
            edge: What it leads from and to.
            at: The points between its arrows, from 0 to 1.
            across: The direction from the arrow ahead to the one back.
        """
        carried = [(self.shapes[edge[0]], 0)]
        returned = self.returned.get(edge[0])
        if edge in self.backward and returned is not None:
            carried = [(self.shapes[edge[0]], -1), (returned, 1)]
        for shape, side in carried:
            width = _label_width(shape)
            away = side * (APART + 3 + abs(across[0]) * width / 2 + abs(across[1]) * 7)
            options = [
                Label(
                    x + away * across[0] - width / 2,
                    y + away * across[1] - LABEL_HEIGHT / 2,
                    width,
                    LABEL_HEIGHT,
                    self.mathematics.shape(shape),
                    side > 0,
                )
                for x, y in map(at, PLACES)
            ]
            free = (o for o in options if not any(o.meets(other) for other in self.labels))
            self.labels.append(next(free, options[0]))

    def _neighbours(self, user: Variable, x: float, y: float) -> None:
        """What stands above and below a quantity, and its arrows."""
        for row, sign in ((self.above[user], -1), (self.below[user], 1)):
            edge = y + sign * self.boxes[user].height / 2
            left = x - self._row_width(row) / 2
            for variable in row:
                height, slot = sum(self._rows(variable)), self._slot(variable)
                at = left + slot / 2
                self._place(variable, at, edge + sign * (RISE + height / 2), height)
                self._rise((variable, user), (at, edge + sign * RISE), (at, edge))
                left += slot + BESIDE

    def _rise(self, edge: tuple[Variable, Variable], start: Point, stop: Point) -> None:
        """The arrows of an edge from above or below."""
        pair = edge in self.backward
        shift = APART if pair else 0.0
        ahead = ((start[0] - shift, start[1]), (stop[0] - shift, stop[1]))
        back = ((stop[0] + shift, stop[1]), (start[0] + shift, start[1]))
        self.arrows.append(Arrow(*polyline(ahead), back=False))
        if pair:
            self.arrows.append(Arrow(*polyline(back), back=True))
        self._label(edge, lambda t: between(start, stop, t), (1.0, 0.0))

    def _description(self) -> str:
        """What is computed from what, in words."""
        say = self.say
        told = [
            say(
                "{v} is computed from {inputs}",
                v=quantity_form(user),
                inputs=say.listed([quantity_form(v) for v in used]),
            )
            for user, used in self.inputs.items()
            if used
        ]
        return words_text(joined(told, say.stop))


def _inputs(variable: Variable, known: Collection[Variable]) -> tuple[Variable, ...]:
    """What a quantity is computed from."""
    return (
        ()
        if variable.value is None
        else tuple(part for part in variables_of(variable.value) if part in known)
    )


def _label_width(shape: Shape) -> float:
    """About the width of a shape in pixels."""
    return 7.0 * len(" × ".join(map(str, shape)) or "1") + 6.0


def _text_width(name: str) -> float:
    """About the width of a name in pixels; digits behind letters and what follows are smaller."""
    head = name.split("_")[0]
    small = sum(c.isdigit() for c in head) + len(name) - len(head)
    wide = sum(c.isalnum() and not c.isdigit() for c in head)
    return 11.0 * wide + 7.0 * small
