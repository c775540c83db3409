"""Code with its words marked up for colours."""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

__all__ = ["listing"]


def listing(code: str) -> Markup:
    """Python code as HTML for a ``<pre>``: escaped, with a class on each kind of word."""
    lexer, formatter = _highlighter()
    return Markup(highlight(code, lexer, formatter))


@cache
def _highlighter() -> tuple[Any, Any]:
    return PythonLexer(), HtmlFormatter(nowrap=True)
