"""Every phrase that a page can say is in every catalogue, with the same places and formulas."""

from __future__ import annotations

import re

import pytest

from derive.calculus.chain_rule import derive
from derive.emit.catalogues import languages, wording
from derive.emit.page import page
from derive.emit.words import Wording
from derive.errors import InputError
from derive.examples import descriptions
from derive.notes import FORMATS, notes
from derive.workflow import check, example
from tests.emit.phrases import MATHEMATICS, catalogue, is_prose, missing, phrases

OTHERS = tuple(language for language in languages() if language != "en")


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_is_translated(language: str) -> None:
    assert missing(language) == ()


@pytest.mark.parametrize("language", OTHERS)
def test_no_phrase_is_translated_that_nobody_says(language: str) -> None:
    assert {m.id for m in catalogue(language) if m.id} <= set(phrases())


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_places_and_formulas(language: str) -> None:
    for message in (m for m in catalogue(language) if m.id):
        english, other = str(message.id), str(message.string)
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", other))
        assert formulas(english) == formulas(other), english


def formulas(phrase: str) -> list[str]:
    """The mathematics between dollar signs, side by side."""
    parts = [part.strip("$") for part in MATHEMATICS.findall(phrase)]
    return sorted(side for part in parts for side in part.split(" = "))


class Missing(dict[str, str]):
    """A catalogue that says which phrase it lacks."""

    def get(self, phrase: str, default: str | None = None) -> str:  # type: ignore[override]
        """The translation."""
        assert phrase in self or not is_prose(phrase), phrase
        return super().get(phrase, default or phrase)


@pytest.mark.parametrize("name", descriptions())
def test_pages_say_nothing_that_a_catalogue_lacks(name: str) -> None:
    derivation = derive(example(name))
    report = check(derivation, points=1)
    for language in OTHERS:
        known = wording(language)
        strict = Wording(language, Missing(known.phrases), known.comma, known.stop)
        for detail in ("result", "steps", "proof"):
            found = page(derivation, report, detail=detail, say=strict)
            for format in FORMATS:
                assert notes(found, format)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="no catalogue for the language tlh"):
        wording("tlh")
