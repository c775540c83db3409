"""The phrases that a catalogue translates: ``python -m tests.emit.phrases zh`` adds missing ones.

They are the rows of the tables of laws and reasons, what a page says of itself, and every string
that is handed to ``say`` in derive/emit and templates.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from derive.calculus.rules import RULES, ArrayRule
from derive.emit.catalogues import COMMA, STOP
from derive.emit.page import (
    CONVENTIONS,
    COUNTED,
    DOUBLED,
    INDEPENDENT,
    INNER_PRODUCT,
    METHODS,
)
from derive.emit.proofs import LEMMAS
from derive.emit.reasons import FORMS, OTHERS, WHY
from derive.language import mismatches
from derive.vocabulary import FACTS

ROOT: Final = Path(__file__).resolve().parents[2]
KINDS: Final = ("scalar", "column vector", "matrix")
KEYWORDS: Final = {"say": None, "text": None, "said": None, "count": (2, 3), "phrase": None}
"""Functions to which phrases are handed, as they are called in the source."""
SIGNS: Final = (COMMA, STOP)
PROSE: Final = re.compile(r"[A-Za-z]{2}")
MATHEMATICS: Final = re.compile(r"\$[^$]*\$")


def phrases() -> tuple[str, ...]:
    """Every phrase with a word in it, in a steady order."""
    found = (*tables(), *sources())
    return tuple(dict.fromkeys((*SIGNS, *filter(is_prose, found))))


def is_prose(phrase: str) -> bool:
    """Whether there is something to translate."""
    return bool(PROSE.search(re.sub(r"\{\w+\}", "", MATHEMATICS.sub("", phrase))))


def tables() -> Iterator[str]:
    """What the tables of laws, reasons and facts say."""
    yield from FORMS.values()
    yield from WHY.values()
    yield from OTHERS
    for told in CONVENTIONS.values():
        yield from told
    for pair in (*COUNTED.values(), *METHODS.values()):
        yield from pair
    yield from (INNER_PRODUCT, INDEPENDENT, DOUBLED, mismatches.FORCED, mismatches.MISFIT)
    yield from KINDS
    yield from (fact.replace("_", " ") for fact in FACTS)
    yield from ("sought", "given", "shape inferred")
    for lines in LEMMAS.values():
        yield from lines
    for rule in RULES.values():
        yield rule.statement
        yield rule.kink
        if isinstance(rule, ArrayRule):
            yield from rule.proof


def sources() -> Iterator[str]:
    """What is handed to ``say`` in the source."""
    methods = [("derive/emit/**.py", "python"), ("templates/**.jinja", "jinja2")]
    for folder in ("derive/emit", "templates"):
        found = extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods],
            keywords=KEYWORDS,
        )
        for _, _, message, _, _ in found:
            yield from filter(None, [message] if isinstance(message, str) else message)


def missing(language: str) -> tuple[str, ...]:
    """The phrases that a catalogue lacks."""
    known = {m.id for m in catalogue(language) if m.string}
    return tuple(phrase for phrase in phrases() if phrase not in known)


def path_of(language: str) -> Path:
    """The catalogue of a language."""
    return ROOT / "derive" / "emit" / "catalogues" / f"{language}.po"


def catalogue(language: str) -> Catalog:
    """A catalogue as it is."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> Iterable[str]:
    """Add what is missing, without a translation, and drop what nobody says any more."""
    old = catalogue(language) if path_of(language).exists() else Catalog()
    known = {m.id: m.string for m in old if m.id}
    new = Catalog(language, project="matrix-derive", charset="utf-8", fuzzy=False)
    for phrase in phrases():
        new.add(phrase, known.get(phrase, ""))
    with path_of(language).open("wb") as file:
        write_po(file, new, width=0, no_location=True, omit_header=True)
    return missing(language)


if __name__ == "__main__":
    for phrase in update(sys.argv[1]):
        print(phrase)
