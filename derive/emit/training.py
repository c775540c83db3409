"""The script that trains the networks of the gallery with their exported gradients."""

from __future__ import annotations

from derive.emit.templates import template

__all__ = ["training_script"]


def training_script(module: str, *, rows: bool) -> str:
    """A program that trains the network of ``circles`` or ``circles_rows``.

    Args:
        module: The generated module that it imports.
        rows: Whether an example is a row, as in ``circles_rows``, or a column.
    """
    return template("train_circles.py.jinja").render(module=module, rows=rows)
