"""The gallery's index: every problem with its closed forms, as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.emit.html.document import embedded_font
from derive.emit.html.mathml import Mathematics
from derive.emit.latex import BOLD
from derive.emit.latex.words import latex_formula
from derive.emit.markdown import markdown_math, markdown_text
from derive.emit.page import Page
from derive.emit.templates import template

__all__ = ["Entry", "gallery_html", "gallery_markdown"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem of the gallery.

    Attributes:
        name: Of the problem and of its folder.
        about: What it is about, in a line.
        page: Its derivation.
        files: What lies in its folder, in the order in which it is offered.
    """

    name: str
    about: str
    page: Page
    files: Sequence[str]


def gallery_html(entries: Iterable[Entry]) -> str:
    """All problems on one page that needs nothing else."""
    mathematics = Mathematics(BOLD)
    shown = [
        {
            "name": entry.name,
            "about": entry.about,
            "files": entry.files,
            "answers": [
                {
                    "left": mathematics.display(answer.left),
                    "side": mathematics.side(answer.form),
                }
                for section in entry.page.sections
                for answer in section.answers
            ],
            "meanings": [
                {
                    "left": mathematics.display(meaning.sides[0]),
                    "side": mathematics.side(meaning.sides[-1]),
                }
                for meaning in dict.fromkeys(
                    meaning for section in entry.page.sections for meaning in section.meanings
                )
            ],
        }
        for entry in entries
    ]
    return template("gallery.html.jinja").render(entries=shown, font=embedded_font())


def gallery_markdown(entries: Iterable[Entry]) -> str:
    """All problems as a table, with the first closed form of each."""
    shown = []
    for entry in entries:
        answers = [answer for section in entry.page.sections for answer in section.answers]
        first = answers[0]
        shown.append(
            {
                "name": entry.name,
                "about": markdown_text(entry.about),
                "files": entry.files,
                "answer": markdown_math(
                    f"{latex_formula(first.left, BOLD)} = {latex_formula(first.form, BOLD)}"
                ),
                "more": len(answers) - 1,
            }
        )
    return template("gallery.md.jinja").render(entries=shown)
