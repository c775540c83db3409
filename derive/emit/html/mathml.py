"""Formulas and words as HTML: MathML Core, made of the same LaTeX that the notes on paper have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML

from derive.emit.latex import LatexStyle, broken, latex_shape, width
from derive.emit.latex.words import latex_formula
from derive.emit.words import Derivative, Equation, Formula, Indexed, Signs, Words
from derive.errors import UnsupportedError
from derive.notation.expression import Expr
from derive.shapes import ONE, Shape, same

__all__ = ["Mathematics", "Side", "extent"]

WIDE: Final = 60
NARROW: Final = 30
"""Widths of a line in digits, on a wide screen and on a telephone."""

APPLICATION: Final = ("&ApplyFunction;", "\u2061")
"""A sign by a name that only HTML knows, and the sign."""

LINE_ABOVE: Final = "\u0332"
"""What math-core has above several letters; browsers do not stretch it, but they draw borders."""

SCRIPTS: Final = frozenset({"msub", "msup", "msubsup"})
BRACKETS: Final = {")": "(", "]": "[", "}": "{", "⟩": "⟨", "|": "|", "‖": "‖"}
"""What closes, and what it closes."""

FENCES: Final = frozenset("()[]{}")
CIRCLED: Final = frozenset("⊙⊘⊗")
"""Binary signs that some browsers enlarge like sums."""

INDENTED: Final = re.compile(r"^\\quad ")


@dataclass(frozen=True, slots=True)
class Side:
    """A side of an equation in lines, for wide screens and for narrow ones.

    Attributes:
        wide, narrow: The lines, each with whether it is indented.
    """

    wide: tuple[tuple[Markup, bool], ...]
    narrow: tuple[tuple[Markup, bool], ...]

    @property
    def bends(self) -> bool:
        """Whether the two differ."""
        return self.wide != self.narrow


class Mathematics:
    """Writes formulas in one style.

    Attributes:
        style: How names are set.
    """

    def __init__(self, style: LatexStyle) -> None:
        self.style = style
        self.written: dict[tuple[str, bool], Markup] = {}

    @cached_property
    def converter(self) -> LatexToMathML:
        """What makes MathML of LaTeX; it knows no command that reads or writes anything."""
        return LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)

    def math(self, source: str, display: bool = False) -> Markup:
        """LaTeX as a ``<math>`` element.

        Raises:
            UnsupportedError: MathML has nothing for it.
        """
        known = self.written.get((source, display))
        if known is None:
            try:
                found = self.converter.convert_with_local_state(source, displaystyle=display)
            except LatexError as error:
                raise UnsupportedError(
                    f"{source} cannot be shown as MathML", (str(error),)
                ) from None
            known = self.written[source, display] = _repaired(found)
        return known

    def inline(self, formula: Formula) -> Markup:
        """A formula within a line of text."""
        return self.math(latex_formula(formula, self.style))

    def display(self, formula: Formula) -> Markup:
        """A formula on a line of its own."""
        return self.math(latex_formula(formula, self.style), True)

    def words(self, words: Words, display: bool = False) -> Markup:
        """Prose with its formulas; whatever means something to HTML is escaped."""
        written = self.display if display else self.inline
        return Markup("").join(
            escape(piece) if isinstance(piece, str) else written(piece) for piece in words
        )

    def listed(self, members: Iterable[Words], between: str) -> Markup:
        """Words one after another, with a separator between them."""
        return escape(between).join(map(self.words, members))

    def shape(self, shape: Shape) -> Markup:
        """Rows and columns."""
        return self.math(latex_shape(shape))

    def shapes(self, factors: Sequence[Expr]) -> Markup:
        """The shapes of the factors of a product."""
        return self.math(r" \cdot ".join(_tight(latex_shape(extent(factor))) for factor in factors))

    def side(self, formula: Formula, sign: str = "=") -> Side:
        """A side of an equation behind its sign, in lines where it is long."""
        return Side(self.lines(formula, sign, WIDE), self.lines(formula, sign, NARROW))

    def lines(self, formula: Formula, sign: str, room: int) -> tuple[tuple[Markup, bool], ...]:
        """The lines of a formula for a width; whether each is indented."""
        if isinstance(formula, Signs | Indexed | Derivative | Equation):
            pieces: Sequence[str] = (latex_formula(formula, self.style),)
        else:
            pieces = broken(formula, self.style, room)
        first, *rest = pieces
        bare = [(INDENTED.sub("", piece), bool(INDENTED.match(piece))) for piece in rest]
        return (
            (self.math(f"{{}} {sign} {first}", True), False),
            *((self.math(piece, True), indented) for piece, indented in bare),
        )

    def room(self, formula: Formula) -> float:
        """The width of a formula in digits."""
        return width(latex_formula(formula, self.style))


def _repaired(written: str) -> Markup:
    """MathML as browsers want it: well-formed, and set where it stands."""
    root = ElementTree.fromstring(written.replace(*APPLICATION))
    if root.attrib.pop("display", ""):
        root.set("displaystyle", "true")
    for element in list(root.iter()):
        _hold(element)
        if element.tag == "mover" and element[1].text == LINE_ABOVE:
            element.tag, element.attrib = "mrow", {"class": "overline"}
            element.remove(element[1])
        elif element.tag == "mo" and element.text in CIRCLED:
            element.set("largeop", "false")
        elif element.tag == "mrow" and len(element) > 2:
            _mark_fences(element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _hold(row: Element) -> None:
    """Brackets with what they hold as one base, where the closing one alone had a script."""
    place = 0
    while place < len(row):
        script = row[place]
        sign = script[0] if script.tag in SCRIPTS else None
        if sign is None or sign.tag != "mo" or sign.text not in BRACKETS:
            place += 1
            continue
        start = _opening(row, place, sign)
        base = ElementTree.Element("mrow")
        base.extend([*row[start:place], sign])
        script[0] = base
        del row[start:place]
        place = start + 1


def _opening(row: Element, place: int, sign: Element) -> int:
    """Where the bracket stands that a sign closes; the start of the row where none does."""
    depth = 1
    for start in reversed(range(place)):
        other = row[start]
        if other.tag in SCRIPTS:
            other = other[0]
        if other.tag != "mo":
            continue
        if other.text == BRACKETS[sign.text or ""] and other.get("form") != "postfix":
            depth -= 1
        elif other.text == sign.text:
            depth += 1
        if not depth:
            return start
    return 0


def _mark_fences(row: Element) -> None:
    """The brackets around a row that grow with it, so that the style sheet knows them."""
    for sign in (row[0], row[-1]):
        if sign.tag == "mo" and sign.text in FENCES and not sign.attrib:
            sign.set("class", "fence")


def _tight(shape: str) -> str:
    """A shape without space in it, for several beside each other."""
    return shape.replace(r" \times ", r"{\times}")


def extent(expr: Expr) -> Shape:
    """Rows and columns of an expression; a column's length."""
    return (expr.rows,) if same(expr.cols, ONE) else (expr.rows, expr.cols)
