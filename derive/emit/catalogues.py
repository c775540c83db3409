"""The languages in which pages are written: a catalogue of phrases for each but English."""

from __future__ import annotations

from derive.emit.words import ENGLISH, Wording
from derive.errors import InputError

__all__ = ["wording"]


def wording(language: str) -> Wording:
    """The phrases of a language.

    Raises:
        InputError: There is no catalogue for it.
    """
    if language == ENGLISH.language:
        return ENGLISH
    raise InputError(f"there is no catalogue for the language {language}", ("Known is en.",))
