"""Index notation as LaTeX."""

from __future__ import annotations

from derive.emit.latex.names import BOLD, LatexStyle, latex_name
from derive.tensor.nodes import Tensor

__all__ = ["latex_indexed"]


def latex_indexed(tensor: Tensor, style: LatexStyle = BOLD, letters: str | None = None) -> str:
    from derive.tensor.printing import index_notation

    signs = {
        "sum": r"\sum",
        "delta": r"\delta",
        "minus": "-",
        "any": r"\cdot",
        "root": "sqrt",
        "digits": "",
    }
    return index_notation(tensor, letters, lambda v: latex_name(v, style), signs)
