"""What a derivation looks like in a notebook: its notes, in the richest form that can be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from derive.calculus.derivation import Derivation
    from derive.emit.page import Page

__all__ = ["shown"]


def shown(derivation: Derivation, form: str) -> str | None:
    """A derivation in one form; None where it cannot be shown so, since a cell goes on then.

    Args:
        derivation: What is shown, unchecked.
        form: A key of :data:`FORMS`.
    """
    from derive.workflow import page

    try:
        return FORMS[form](page(derivation))
    except Exception:  # a cell that shows less is better than a cell that fails
        return None


def _notes(format: str) -> Callable[[Page], str]:
    def printed(page: Page) -> str:
        from derive.notes import notes

        return notes(page, format, fragment=True)

    return printed


def _closed_forms(page: Page) -> str:
    from derive.emit.latex.closed import latex_closed_forms

    return latex_closed_forms(page)


FORMS: Final[Mapping[str, Callable[[Page], str]]] = {
    "html": _notes("html"),
    "latex": _closed_forms,
    "markdown": _notes("md"),
}
"""How each kind of text that a notebook can show is printed."""
