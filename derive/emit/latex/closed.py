"""The closed forms of a page as one display of LaTeX, for where there is no document around it."""

from __future__ import annotations

from derive.emit.latex.names import style_for
from derive.emit.latex.words import latex_formula
from derive.emit.page import Page
from derive.emit.words import Equation

__all__ = ["latex_closed_forms"]


def latex_closed_forms(page: Page) -> str:
    """All answers, and what the names in them stand for, between double dollar signs.

    MathJax sets it as LaTeX does, so there is no ``\\bm`` in it.
    """
    style = style_for(page.derivation.names.values())
    equations = [
        equation.sides
        for section in page.sections
        for equation in (
            *(Equation((answer.left, answer.form)) for answer in section.answers),
            *section.meanings,
        )
    ]
    rows = (
        f"{latex_formula(left, style)} & = {latex_formula(right, style)}"
        for left, right in equations
    )
    inner = " \\\\\n".join(rows).replace(r"\bm{", r"\boldsymbol{")
    return f"$$\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n$$"
