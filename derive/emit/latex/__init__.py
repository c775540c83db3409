"""Mathematics as LaTeX: formulas, names, entries and laws, for amsmath, mathtools and bm."""

from derive.emit.latex.breaking import broken, broken_source
from derive.emit.latex.formulas import latex, latex_indexed, latex_shape, underbraced
from derive.emit.latex.names import (
    BOLD,
    PLAIN,
    LatexStyle,
    escaped,
    latex_dim,
    latex_name,
    style_for,
)
from derive.emit.latex.statements import latex_math, latex_statement, plain_statement
from derive.emit.latex.widths import width

__all__ = [
    "BOLD",
    "PLAIN",
    "LatexStyle",
    "broken",
    "broken_source",
    "escaped",
    "latex",
    "latex_dim",
    "latex_indexed",
    "latex_math",
    "latex_name",
    "latex_shape",
    "latex_statement",
    "plain_statement",
    "style_for",
    "underbraced",
    "width",
]
