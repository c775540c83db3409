"""The languages in which pages are written: one catalogue of phrases for each but English.

A language is one file here, ``LANGUAGE.po``, in gettext's format; its header names the signs that
join lists. ``tests/emit/test_catalogues.py`` lists the phrases that a catalogue lacks.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from derive.emit.words import ENGLISH, Wording
from derive.errors import InputError

__all__ = ["languages", "wording"]

ENDING = ".po"
COMMA, STOP = "list separator", "reason separator"
"""Phrases of a catalogue that are signs: between members of a list, between reasons."""


def languages() -> tuple[str, ...]:
    """The codes of all languages.

    >>> languages()
    ('en', 'zh')
    """
    names = (file.name for file in files(__name__).iterdir())
    found = (name.removesuffix(ENDING) for name in names if name.endswith(ENDING))
    return (ENGLISH.language, *sorted(found))


@cache
def wording(language: str) -> Wording:
    """The phrases of a language.

    Raises:
        InputError: There is no catalogue for it.
    """
    if language == ENGLISH.language:
        return ENGLISH
    if language not in languages():
        known = ", ".join(languages())
        raise InputError(
            f"there is no catalogue for the language {language}", (f"There are {known}.",)
        )
    with (files(__name__) / f"{language}{ENDING}").open("rb") as file:
        catalogue = read_po(file, locale=language)
    phrases = {str(m.id): str(m.string) for m in catalogue if m.id and m.string}
    return Wording(
        language,
        phrases,
        comma=phrases.get(COMMA, ENGLISH.comma),
        stop=phrases.get(STOP, ENGLISH.stop),
    )
