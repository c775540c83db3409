"""The script that trains the networks of the gallery with their exported gradients."""

from __future__ import annotations

from derive.emit.numpy_code.module import environment

__all__ = ["training_script"]


def training_script(module: str, *, rows: bool) -> str:
    """A program that trains the network of ``circles`` or ``circles_rows``.

    Args:
        module: The generated module that it imports.
        rows: Whether an example is a row, as in ``circles_rows``, or a column.
    """
    template = environment().get_template("train_circles.py.jinja")
    return template.render(module=module, rows=rows)
