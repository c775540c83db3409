"""Notes: a derivation on paper and on screen, in each format.

Every format prints the same :class:`~derive.emit.page.Page`; which formats there are is
:data:`FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from derive.errors import InputError
from derive.files import require_free, write_files

if TYPE_CHECKING:
    from derive.emit.page import Page
    from derive.emit.record import Record

__all__ = ["FORMATS", "STYLES", "notes", "read_record", "write_notes"]


class Printer(Protocol):
    """What prints a page in one format: ``code`` is the module that is listed, or ""."""

    def __call__(self, page: Page, *, code: str, style: str, fragment: bool) -> str: ...


FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "tex": ("derive.emit.latex.document", "latex_notes"),
    "txt": ("derive.emit.terminal", "text_notes"),
    "html": ("derive.emit.html", "html_notes"),
    "md": ("derive.emit.markdown", "markdown_notes"),
    "json": ("derive.emit.recorded", "json_notes"),
}
"""By the ending of a file's name: the module of the printer, and its function."""

TEX, PDF = "tex", "pdf"
"""The format that is set as PDF, and the ending of what is made of it."""

STYLES: Final = ("bold", "plain")
"""Vectors and matrices in bold type, or not."""


def notes(
    page: Page, format: str, *, code: str = "", style: str = "bold", fragment: bool = False
) -> str:
    """The notes of a page as text.

    Args:
        page: From :func:`derive.workflow.page`.
        format: A key of :data:`FORMATS`.
        code: The NumPy module, to be listed at the end; "" for none.
        style: ``bold`` or ``plain``.
        fragment: Whether to leave out what makes a document of them, where the format has that.

    Raises:
        InputError: There is no such format or style.
    """
    if format not in FORMATS:
        raise InputError(f"there is no format {format}", (f"Formats are {', '.join(FORMATS)}.",))
    if style not in STYLES:
        raise InputError(f"there is no style {style}", (f"Styles are {', '.join(STYLES)}.",))
    module, function = FORMATS[format]
    printer: Printer = getattr(import_module(module), function)
    return printer(page, code=code, style=style, fragment=fragment)


def write_notes(
    page: Page,
    path: Path,
    *,
    code: str = "",
    style: str = "bold",
    fragment: bool = False,
    pdf: bool = False,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write notes to a file, in the format that its name ends with.

    Args:
        page, code, style, fragment: As for :func:`notes`.
        path: The file. For a name that ends in ``.pdf`` the LaTeX is written beside it.
        pdf: Whether LaTeX is to be set as PDF too, beside it. The LaTeX is written even where that
            fails.
        force: Whether files that exist may be replaced.

    Returns:
        What was written.

    Raises:
        InputError: The name ends with no format's name; a file exists and ``force`` is not set, or
            cannot be written; or no PDF can be made.
    """
    format = path.suffix.removeprefix(".")
    if format == PDF:
        path, format, pdf = path.with_suffix(f".{TEX}"), TEX, True
    if format not in FORMATS:
        endings = ", ".join(f".{known}" for known in (*FORMATS, PDF))
        raise InputError(
            f"the name {path.name} does not say in which format the notes are to be",
            (f"End it with one of {endings}.",),
        )
    if pdf and (format != TEX or fragment):
        what = "a fragment" if fragment else f"a .{format} file"
        raise InputError(f"{what} cannot be set as PDF", (f"Only a whole .{TEX} document can.",))
    text = notes(page, format, code=code, style=style, fragment=fragment)
    if pdf:
        return _write_both(text, path, force)
    write_files({path: text}, force=force)
    return (path,)


def _write_both(text: str, path: Path, force: bool) -> tuple[Path, ...]:
    """Write LaTeX and its PDF; where there is no PDF, the LaTeX alone."""
    from derive.emit.latex.pdf import pdf

    target = path.with_suffix(f".{PDF}")
    for file in (path, target):
        require_free(file, force=force)
    try:
        made = pdf(text)
    except InputError as error:
        write_files({path: text}, force=force)
        raise InputError(f"{path} is written, but {error.summary}", error.details) from None
    write_files({path: text, target: made}, force=force)
    return (path, target)


def read_record(text: str) -> Record:
    """The record that JSON notes hold; its ``text()`` writes them again.

    Raises:
        InputError: The text is no JSON, or not of this format.
    """
    from derive.emit.record import read_record as read

    return read(text)
