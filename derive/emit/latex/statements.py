"""Words with Unicode mathematics in them as LaTeX."""

from __future__ import annotations

from derive.emit.latex.names import BOLD, LatexStyle, escaped

__all__ = ["latex_math", "latex_statement", "plain_statement"]


def plain_statement(words: str) -> str:
    """The words without the dollar signs around mathematics."""
    return words.replace("$", "")


def latex_math(signs: str, style: LatexStyle = BOLD) -> str:
    """Unicode mathematics as a formula."""
    return escaped(signs)


def latex_statement(words: str, style: LatexStyle = BOLD) -> str:
    return "$".join(
        latex_math(p, style) if k % 2 else escaped(p) for k, p in enumerate(words.split("$"))
    )
