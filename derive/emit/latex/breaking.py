"""A formula that is too long for a line, in pieces: broken where a person would break it.

At the outermost sum, the sign at the beginning of the next line; else at a sum within brackets, or
at a product. Brackets that are opened on one line and closed on another have a size of their own,
since a pair that stretches cannot be parted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from derive.emit.latex.formulas import (
    ENTRYWISE,
    PRODUCT,
    SUM,
    Writer,
    gap,
    latex,
)
from derive.emit.latex.names import BOLD, LatexStyle
from derive.emit.latex.signs import bracketed
from derive.emit.latex.spelling import spelled_out, split_fraction
from derive.emit.latex.widths import width
from derive.emit.text import has_decimals
from derive.notation.expression import Expr, number

__all__ = ["broken", "broken_source"]

ROOM: Final = 60
INDENT: Final = r"\quad "
"""What stands before a line that goes on within brackets or a product."""

WITHIN: Final = 2
"""By how much worse a break is for every pair of brackets around it."""

BETWEEN_FACTORS: Final = 3
"""By how much worse a break between factors is than one between terms."""

PLACEHOLDER: Final = "\0"

TOKEN: Final = re.compile(
    r"\\(?:left|right|[bB]igg?[lr])(?:\\[a-zA-Z{}|]+|.)|\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL
)
OPENING: Final = re.compile(r"\\(?:left|[bB]igg?l)(?:[(\[]|\\l\w+)|\(|\\(?:l[vV]ert|langle)")
CLOSING: Final = re.compile(r"\\(?:right|[bB]igg?r)(?:[)\]]|\\r\w+)|\)|\\(?:r[vV]ert|rangle)")
KEPT_WHOLE: Final = {"[": "]", r"\begin": r"\end"}
"""What is never parted: the places of a slice, an array."""

JOINTS: Final = {
    "+": 0, "-": 0, "=": 0, r"\odot": BETWEEN_FACTORS, r"\oslash": BETWEEN_FACTORS,
    r"\otimes": BETWEEN_FACTORS, r"\sum": BETWEEN_FACTORS + 1,
}  # fmt: skip
"""Signs before which a line may end, and how much worse that is than before the sign of a sum."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a formula that stays on one line.

    Attributes:
        source: The part.
        depth: How bad it is if a line ends before it.
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
    whole = latex(expr, style)
    if width(whole) <= room:
        return (whole,)
    segments = _Parts(writer, room).of(expr, 0)
    return tuple(source for _, source in _filled(segments, 0, room)) if segments[1:] else (whole,)


def broken_source(source: str, room: int = ROOM) -> tuple[str, ...]:
    """A formula in LaTeX in pieces: as :func:`broken`, where there is no tree of it."""
    if width(source) <= room:
        return (source,)
    return tuple(line for _, line in _filled(_parted(source, 0), 0, room))


def _filled(segments: Sequence[Segment], depth: int, room: float) -> list[tuple[int, str]]:
    """Lines as full as they can be; what is longer than a line is parted further inside."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and segment.depth > depth:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    if len(groups) == 1 and len(segments) > 1:
        deeper = min(segment.depth for segment in segments[1:])
        return _filled([replace(segments[0], depth=deeper), *segments[1:]], deeper, room)
    lines: list[tuple[int, str]] = []
    is_open = False
    for group in groups:
        inner = _row(group)
        if is_open:
            longer = lines[-1][1] + group[0].joint + inner
            if width(longer) <= room:
                lines[-1] = (lines[-1][0], longer)
                continue
        ahead = (INDENT if depth else "") + group[0].start if lines else ""
        if width(ahead + inner) <= room or len(group) == 1:
            lines.append((depth, ahead + inner))
            is_open = True
            continue
        first = replace(group[0], source=ahead + group[0].source)
        lines += _filled([first, *group[1:]], depth + 1, room)
        is_open = False
    return lines


def _row(segments: Sequence[Segment]) -> str:
    """Segments on one line."""
    return segments[0].source + "".join(part.joint + part.source for part in segments[1:])


class _Parts:
    """Takes a formula apart where lines may end; ``nest`` is the number of brackets around it."""

    def __init__(self, writer: Writer, room: float) -> None:
        self.writer, self.room = writer, room

    def of(self, expr: Expr, nest: int) -> list[Segment]:
        """The parts of a formula."""
        expr = spelled_out(expr)
        if expr.op == "negative":
            inner = self.within(expr.args[0], ENTRYWISE, nest)
            return [replace(inner[0], source="-" + inner[0].source), *inner[1:]]
        if expr.op == "add":
            return self._sum(expr, nest)
        if expr.op == "product":
            return self._product(expr, nest)
        if expr.op == "hadamard":
            return self._entrywise([self._least(arg) for arg in expr.args], r" \odot ", nest)
        if expr.op == "quotient":
            above, below = expr.args
            return self._entrywise([(above, ENTRYWISE), (below, PRODUCT)], r" \oslash ", nest)
        if expr.op == "fraction":
            return self._fraction(expr, nest)
        if expr.op in ("sum", "trace", "transpose", "diag", "diagonal", "call"):
            return self._function(expr, nest)
        return _parted(self.writer.write(expr), nest)

    def within(self, expr: Expr, least: int, nest: int) -> list[Segment]:
        """A part at its place, in brackets that can be parted where it needs them."""
        whole = self.writer.write(expr, least)
        if width(whole) <= self.room / 3:
            return [Segment(whole, WITHIN * nest)]
        if self.writer.level(expr) >= least:
            return self.of(expr, nest)
        return self._enclosed(expr, nest)

    def _enclosed(self, expr: Expr, nest: int, before: str = "", after: str = "") -> list[Segment]:
        """A formula in brackets, with what stands before and behind them."""
        held = PLACEHOLDER + self.writer.write(expr)
        opening, _, closing = bracketed(held, stretch=False).partition(held)
        inner = self.of(expr, nest + 1)
        first = replace(inner[0], source=before + opening + inner[0].source)
        segments = [first, *inner[1:]]
        last = segments[-1]
        return [*segments[:-1], replace(last, source=last.source + closing + after)]

    def _sum(self, expr: Expr, nest: int) -> list[Segment]:
        found: list[Segment] = []
        for position, term in enumerate(expr.args):
            below = term.op == "negative"
            inner = term.args[0] if below and position else term
            parts = self.within(inner, ENTRYWISE if position else SUM, nest)
            sign = "-" if below else "+"
            joint, start = (f" {sign} ", f"{{}}{sign} ") if position else ("", "")
            deeper = [replace(part, depth=max(part.depth, WITHIN * nest + 1)) for part in parts[1:]]
            first = replace(parts[0], depth=WITHIN * nest, joint=joint, start=start)
            found += [first, *deeper]
        return found

    def _least(self, arg: Expr) -> tuple[Expr, int]:
        """A factor of an entrywise product, and what it has to bind at least."""
        arg = spelled_out(arg)
        kronecker = arg.op == "call" and arg.value == "kron"
        nests = kronecker or arg.op in ("hadamard", "quotient")
        return arg, PRODUCT if nests else ENTRYWISE

    def _entrywise(
        self, factors: Sequence[tuple[Expr, int]], sign: str, nest: int
    ) -> list[Segment]:
        found: list[Segment] = []
        for arg, least in factors:
            parts = self.within(arg, least, nest)
            joint, start = (sign, "{}" + sign.lstrip()) if found else ("", "")
            depth = WITHIN * nest + BETWEEN_FACTORS
            found += [replace(parts[0], depth=depth, joint=joint, start=start), *parts[1:]]
        return found

    def _product(self, expr: Expr, nest: int) -> list[Segment]:
        found: list[Segment] = []
        scalar = False
        for position, arg in enumerate(expr.args):
            whole = self.writer.factor(arg, position)
            short = width(whole) <= self.room / 3
            parts = [Segment(whole)] if short else self.within(arg, PRODUCT + 1, nest)
            if found:
                joint = gap(found[-1].source, parts[0].source)
                if scalar:
                    joined = found[-1].source + joint + parts[0].source
                    found[-1] = replace(found[-1], source=joined)
                    found += parts[1:]
                else:
                    start = r"{}\cdot "
                    depth = WITHIN * nest + BETWEEN_FACTORS
                    found.append(replace(parts[0], depth=depth, joint=joint, start=start))
                    found += parts[1:]
            else:
                found += parts
            scalar = arg.is_scalar and len(parts) == 1
        return found

    def _fraction(self, expr: Expr, nest: int) -> list[Segment]:
        """A coefficient above its line, and what stands behind it."""
        front, rest = split_fraction(expr)
        if rest is None:
            front, rest = number(1), expr.args[0]
        line = rf"\frac{{{self.writer.inline(front)}}}{{{self.writer.inline(expr.args[1])}}}"
        inner = self.within(rest, ENTRYWISE, nest)
        return [replace(inner[0], source=f"{line} {inner[0].source}"), *inner[1:]]

    def _function(self, expr: Expr, nest: int) -> list[Segment]:
        """A function of one argument that is long itself."""
        whole = self.writer.write(expr)
        if len(expr.args) == 1:
            held = bracketed(self.writer.write(expr.args[0]))
            before, found, after = whole.partition(held)
            if found:
                return self._enclosed(expr.args[0], nest, before.removesuffix(r"\!"), after)
        return _parted(whole, nest)


def _parted(source: str, nest: int) -> list[Segment]:
    """A formula in LaTeX in parts, by the signs in it that stand in no braces.

    A pair of brackets that stretches is parted with what it holds, and so is one of a fixed size.
    """
    segments: list[Segment] = []
    brackets = braces = whole = 0
    piece, joint, start, depth = "", "", "", WITHIN * nest
    for token in TOKEN.findall(source):
        braces += (token == "{") - (token == "}")
        whole += (token in KEPT_WHOLE) - (token in KEPT_WHOLE.values())
        if not braces and not whole:
            if OPENING.fullmatch(token):
                brackets += 1
                token = _fixed(token)
            elif CLOSING.fullmatch(token):
                brackets -= 1
                token = _fixed(token)
            elif token in JOINTS and piece.strip() and _ends_a_factor(piece):
                segments.append(Segment(piece.strip(), depth, joint, start))
                depth = WITHIN * (nest + brackets) + JOINTS[token]
                joint, start = (" ", "") if token == r"\sum" else (f" {token} ", f"{{}}{token} ")
                piece = token if token == r"\sum" else ""
                continue
        piece += token
    return [*segments, Segment(piece.strip(), depth, joint, start)]


def _ends_a_factor(piece: str) -> bool:
    """Whether a sign behind this is one between two operands, not a sign of its own."""
    return re.search(r"(?:[-+=(\[,]|\\[lL]e|\\ge|\\odot|\\frac|\\sum\S*)\s*$", piece) is None


def _fixed(token: str) -> str:
    """A bracket that stretches as one of a fixed size."""
    for stretching, fixed in ((r"\left", r"\biggl"), (r"\right", r"\biggr")):
        if token.startswith(stretching):
            return fixed + token.removeprefix(stretching)
    return token
