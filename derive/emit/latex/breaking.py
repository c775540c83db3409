"""A formula that is too long for a line, in pieces: broken where a person would break it.

At the outermost sum, the sign at the beginning of the next line; else at a product; and within what
stands in brackets where even one term is longer than a line. Brackets that are opened on one line
and closed on another have a size of their own, since a pair that stretches cannot be parted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from derive.emit.latex.formulas import ENTRYWISE, PRODUCT, SUM, Writer, spelled_out, split_fraction
from derive.emit.latex.names import BOLD, LatexStyle
from derive.emit.latex.signs import bracketed
from derive.emit.latex.widths import width
from derive.emit.text import has_decimals
from derive.notation.expression import Expr, number

__all__ = ["broken"]

ROOM: Final = 60
INDENT: Final = r"\quad "
"""What stands before a line that goes on within brackets."""

PLACEHOLDER: Final = "\0"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a formula that stays on one line.

    Attributes:
        source: The part.
        depth: In how many brackets and products a line may end before it; the least is best.
        joint: What stands before it within a line.
        start: What stands before it at the beginning of a line.
    """

    source: str
    depth: int = 0
    joint: str = ""
    start: str = ""


def broken(expr: Expr, style: LatexStyle = BOLD, room: int = ROOM) -> tuple[str, ...]:
    """The formula in pieces, one a line of an ``aligned``; one piece where it fits.

    Args:
        expr: The formula.
        style: How names are set.
        room: Width of a line in digits.
    """
    writer = Writer(style, has_decimals(expr))
    whole = writer.write(expr)
    if width(whole) <= room:
        return (whole,)
    lines = _Breaker(writer, room).lines(expr)
    return lines if len(lines) > 1 else (whole,)


class _Breaker:
    def __init__(self, writer: Writer, room: float) -> None:
        self.writer, self.room = writer, room

    def lines(self, expr: Expr) -> tuple[str, ...]:
        """The lines of a formula that is too long for one."""
        segments = self._segments(spelled_out(expr), 0)
        return tuple(
            (INDENT if depth else "") + source for depth, source in self._filled(segments, 0)
        )

    def _filled(self, segments: Sequence[Segment], depth: int) -> list[tuple[int, str]]:
        """Lines as full as they can be; what is longer than a line is parted further inside."""
        groups: list[list[Segment]] = []
        for segment in segments:
            if groups and segment.depth > depth:
                groups[-1].append(segment)
            else:
                groups.append([segment])
        if len(groups) == 1 and len(segments) > 1:
            deeper = min(segment.depth for segment in segments[1:])
            first = replace(segments[0], depth=deeper)
            return self._filled([first, *segments[1:]], deeper)
        lines: list[tuple[int, str]] = []
        open_line = False
        for group in groups:
            inner = _row(group)
            if lines and open_line:
                longer = lines[-1][1] + group[0].joint + inner
                if width(longer) <= self.room:
                    lines[-1] = (lines[-1][0], longer)
                    continue
            ahead = group[0].start if lines else ""
            if width(ahead + inner) <= self.room or len(group) == 1:
                lines.append((depth if lines else 0, ahead + inner))
                open_line = True
                continue
            opened = self._filled(
                [replace(group[0], source=ahead + group[0].source), *group[1:]], depth + 1
            )
            lines.extend(opened)
            open_line = False
        return lines

    def _segments(self, expr: Expr, depth: int) -> list[Segment]:
        """A formula in parts, with the depth at which each may begin a line."""
        expr = spelled_out(expr)
        if expr.op == "negative":
            inner = self._within(expr.args[0], ENTRYWISE, depth)
            return [replace(inner[0], source="-" + inner[0].source), *inner[1:]]
        if expr.op == "add":
            return self._sum(expr, depth)
        if expr.op in ("product", "hadamard"):
            return self._product(expr, depth)
        if expr.op == "quotient":
            above, below = expr.args
            parts = [
                self._within(above, ENTRYWISE, depth + 1),
                self._within(below, PRODUCT, depth + 1),
            ]
            return _joined(parts, r" \oslash ", depth)
        if expr.op == "fraction":
            return self._fraction(expr, depth)
        if expr.op in ("sum", "trace", "transpose", "call"):
            return self._function(expr, depth)
        return [Segment(self.writer.write(expr), depth)]

    def _within(self, expr: Expr, least: int, depth: int) -> list[Segment]:
        """A part at its place, in brackets that can be parted where it needs them."""
        if width(self.writer.write(expr, least)) <= self.room / 2:
            return [Segment(self.writer.write(expr, least), depth)]
        if self.writer.level(expr) >= least:
            return self._segments(expr, depth)
        return self._enclosed(expr, depth)

    def _enclosed(self, expr: Expr, depth: int, before: str = "", after: str = "") -> list[Segment]:
        """A formula in brackets, with what stands before and behind them."""
        whole = self.writer.write(expr)
        opening, _, closing = bracketed(PLACEHOLDER + whole, stretch=False).partition(
            PLACEHOLDER + whole
        )
        inner = self._segments(expr, depth + 1)
        first = replace(inner[0], source=before + opening + inner[0].source, depth=depth)
        segments = [first, *inner[1:]]
        last = segments[-1]
        return [*segments[:-1], replace(last, source=last.source + closing + after)]

    def _sum(self, expr: Expr, depth: int) -> list[Segment]:
        found: list[Segment] = []
        for position, term in enumerate(expr.args):
            below = term.op == "negative"
            inner = term.args[0] if below and position else term
            parts = self._within(inner, ENTRYWISE if position else SUM, depth + 1)
            sign = "-" if below else "+"
            joint, start = (f" {sign} ", f"{{}}{sign} ") if position else ("", "")
            found += [replace(parts[0], depth=depth, joint=joint, start=start), *parts[1:]]
        return found

    def _product(self, expr: Expr, depth: int) -> list[Segment]:
        if expr.op == "hadamard":
            nested = [spelled_out(arg) for arg in expr.args]
            parts = [
                self._within(
                    arg,
                    PRODUCT if arg.op in ("hadamard", "quotient") else ENTRYWISE,
                    depth + 1,
                )
                for arg in nested
            ]
            return _joined(parts, r" \odot ", depth)
        parts = []
        for position, arg in enumerate(expr.args):
            short = width(self.writer.factor(arg, position)) <= self.room / 2
            whole = [Segment(self.writer.factor(arg, position), depth)]
            parts.append(whole if short else self._within(arg, PRODUCT + 1, depth + 1))
        found = parts[0]
        for place, part in enumerate(parts[1:], 1):
            if expr.args[place - 1].is_scalar and len(parts[place - 1]) == 1:
                joint = self.writer.beside(
                    [found[-1].source, part[0].source], expr.args[place - 1 : place + 1]
                )
                found = [*found[:-1], replace(found[-1], source=joint), *part[1:]]
                continue
            start = r"{}\cdot "
            found = [*found, replace(part[0], depth=depth, joint=" ", start=start), *part[1:]]
        return found

    def _fraction(self, expr: Expr, depth: int) -> list[Segment]:
        """A coefficient above its line, and what stands behind it."""
        front, rest = split_fraction(expr)
        if rest is None:
            front, rest = number(1), expr.args[0]
        line = rf"\frac{{{self.writer.inline(front)}}}{{{self.writer.inline(expr.args[1])}}}"
        inner = self._within(rest, ENTRYWISE, depth)
        return [replace(inner[0], source=f"{line} {inner[0].source}"), *inner[1:]]

    def _function(self, expr: Expr, depth: int) -> list[Segment]:
        """A function of one argument that is long itself."""
        whole = self.writer.write(expr)
        if len(expr.args) != 1:
            return [Segment(whole, depth)]
        argument = self.writer.write(expr.args[0])
        held = bracketed(argument)
        before, found, after = whole.partition(held)
        if not found:
            return [Segment(whole, depth)]
        return self._enclosed(expr.args[0], depth, before.removesuffix(r"\!"), after)


def _joined(parts: Sequence[list[Segment]], sign: str, depth: int) -> list[Segment]:
    """Factors with a sign between them, which begins a line."""
    found = list(parts[0])
    for part in parts[1:]:
        start = "{}" + sign.lstrip()
        found += [replace(part[0], depth=depth, joint=sign, start=start), *part[1:]]
    return found


def _row(segments: Sequence[Segment]) -> str:
    """Segments on one line."""
    return segments[0].source + "".join(part.joint + part.source for part in segments[1:])
