"""Formulas and words as HTML: MathML Core, made of the same LaTeX that the notes on paper have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML

from derive.emit.latex import LatexStyle, broken, latex_shape, width
from derive.emit.latex.words import latex_formula
from derive.emit.words import Derivative, Equation, Formula, Indexed, Signs, Words
from derive.errors import UnsupportedError
from derive.notation.expression import Expr
from derive.shapes import ONE, Shape, same

__all__ = ["Mathematics", "Side"]

WIDE: Final = 60
NARROW: Final = 30
"""Widths of a line in digits, on a wide screen and on a telephone."""

REPAIRS: Final = (
    ("&ApplyFunction;", "\u2061"),
    ('<mo stretchy="true">\u0332</mo></mover>', '<mo stretchy="true">\u0305</mo></mover>'),
    (' display="block"', ' displaystyle="true"'),
)
"""What is written otherwise than math-core has it.

A name that XML does not know; the line over several letters, which is the one above; and formulas
on lines of their own, which the page places itself.
"""

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
            for old, new in REPAIRS:
                found = found.replace(old, new)
            known = self.written[source, display] = Markup(found)
        return known

    def inline(self, formula: Formula) -> Markup:
        """A formula within a line of text."""
        return self.math(latex_formula(formula, self.style))

    def display(self, formula: Formula) -> Markup:
        """A formula on a line of its own."""
        return self.math(latex_formula(formula, self.style), True)

    def words(self, words: Words) -> Markup:
        """Prose with its formulas; whatever means something to HTML is escaped."""
        return Markup("").join(
            escape(piece) if isinstance(piece, str) else self.inline(piece) for piece in words
        )

    def listed(self, members: Iterable[Words], between: str) -> Markup:
        """Words one after another, with a separator between them."""
        return escape(between).join(map(self.words, members))

    def shape(self, shape: Shape) -> Markup:
        """Rows and columns."""
        return self.math(latex_shape(shape))

    def shapes(self, factors: Sequence[Expr]) -> Markup:
        """The shapes of the factors of a product."""
        return self.math(r" \cdot ".join(latex_shape(extent(factor)) for factor in factors))

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


def extent(expr: Expr) -> Shape:
    """Rows and columns of an expression; a column's length."""
    return (expr.rows,) if same(expr.cols, ONE) else (expr.rows, expr.cols)
