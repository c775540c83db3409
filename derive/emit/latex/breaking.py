"""Formulas in pieces that fit."""

from __future__ import annotations

from derive.emit.latex.formulas import latex
from derive.emit.latex.names import BOLD, LatexStyle
from derive.notation.expression import Expr

__all__ = ["broken", "width"]


def width(source: str) -> float:
    return float(len(source))


def broken(expr: Expr, style: LatexStyle = BOLD, room: int = 60) -> tuple[str, ...]:
    return (latex(expr, style),)
