"""Any formula of a page as LaTeX, and prose with formulas in it."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

from derive.emit.latex.formulas import latex, latex_indexed
from derive.emit.latex.names import BOLD, LatexStyle, escaped, latex_name
from derive.emit.latex.statements import latex_math, vectors_in
from derive.emit.words import Derivative, Equation, Formula, Indexed, Part, Signs, Words
from derive.tensor.nodes import Variable

__all__ = ["latex_formula", "latex_words"]


def latex_words(words: Words, style: LatexStyle = BOLD) -> str:
    """Prose with its formulas between dollar signs."""
    return "".join(
        escaped(piece) if isinstance(piece, str) else f"${latex_formula(piece, style)}$"
        for piece in words
    )


def latex_formula(formula: Formula, style: LatexStyle = BOLD) -> str:
    """A formula of any kind, without dollar signs."""
    if isinstance(formula, Signs):
        return _signs(formula.text, formula.beside, style)
    if isinstance(formula, Indexed):
        return latex_indexed(formula.tensor, style, formula.letters)
    if isinstance(formula, Equation):
        return " = ".join(latex_formula(side, style) for side in formula.sides)
    if isinstance(formula, Derivative):
        return _derivative(formula, style)
    return latex(formula, style)


@lru_cache(maxsize=1024)
def _signs(signs: str, beside: tuple[str, ...], style: LatexStyle) -> str:
    """What a law says; the same laws are told on many pages."""
    return latex_math(signs, style, vectors_in((signs, *beside)))


def _derivative(formula: Derivative, style: LatexStyle) -> str:
    """``\\frac{\\partial^2 J}{\\partial w \\partial b}``; entries of it with their letters."""
    above = rf"\partial{_exponent(len(formula.by))} {_part(formula.of, style)}"
    below = r" \, ".join(
        rf"\partial {_part(by, style)}{_exponent(len(list(same)))}"
        for by, same in groupby(formula.by)
    )
    quotient = rf"\frac{{{above}}}{{{below}}}"
    if not formula.letters:
        return quotient
    return rf"\left( {quotient} \right)_{{{' '.join(formula.letters)}}}"


def _exponent(count: int) -> str:
    return "" if count == 1 else f"^{{{count}}}"


def _part(part: Part, style: LatexStyle) -> str:
    if isinstance(part, tuple):
        return f"({', '.join(latex_name(variable, style) for variable in part)})"
    return latex_name(part, style) if isinstance(part, Variable) else latex_formula(part, style)
