"""Notes as HTML: every formula as MathML, every word translated, nothing from elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Final
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.html import html_notes
from derive.emit.html.mathml import Mathematics
from derive.emit.latex import BOLD
from derive.emit.page import Page, page
from derive.emit.plain import formula_text
from derive.emit.text import UNICODE
from derive.emit.words import Signs, Wording
from derive.errors import UnsupportedError
from derive.examples import descriptions
from derive.language import parse
from derive.verify.report import Check, Report
from derive.vocabulary import FUNCTIONS
from derive.workflow import check, example

EXAMPLES: Final = tuple(descriptions())
DETAILS: Final = ("result", "steps", "proof")
NOTATIONS: Final = ("matrix", "index")
CODE: Final = 'def grad_J(x):\n    """2 * x < 3 & "more"."""\n    return 2.0 * x  # <b>\n'

VOID: Final = frozenset({"meta", "br", "hr", "img", "input", "link"})
QUIET: Final = frozenset({"pre", "style", "math"})
"""Elements whose text is no prose: code, and formulas."""

MARKS: Final = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
TEMPLATE: Final = re.compile(r"(\{\w+\}|\$[^$]*\$)")
WORD: Final = re.compile(r"[A-Za-z]{2,}")


class Marked(Mapping[str, str]):
    """A language in which every phrase is itself in wide letters."""

    def __getitem__(self, phrase: str) -> str:
        parts = TEMPLATE.split(phrase)
        return "".join(p if n % 2 else p.translate(MARKS) for n, p in enumerate(parts))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


MARKED: Final = Wording("en", Marked(), ", ", "; ")


class Reader(HTMLParser):
    """Reads HTML strictly: every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.prose: list[str] = []
        self.formulas: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.seen.append((tag, found))
        if tag not in VOID:
            self.open.append((tag, found.get("class") or ""))
        if tag == "math":
            self.formulas.append("")
        self.prose.extend(v for k, v in attrs if k in ("aria-label", "title", "alt") and v)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1][0] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        tags = {tag for tag, _ in self.open}
        if "math" in tags:
            self.formulas[-1] += data
        elif not tags & QUIET and ("p", "name") not in self.open:
            self.prose.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


@cache
def derivation(name: str) -> Derivation:
    return derive(example(name))


@cache
def font() -> frozenset[int]:
    data = (files("derive.emit.html") / "notes-math.woff2").read_bytes()
    return frozenset(TTFont(io.BytesIO(data)).getBestCmap())


@pytest.fixture(params=EXAMPLES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shown(name: str, detail: str, notation: str, say: Wording = MARKED) -> Page:
    return page(derivation(name), detail=detail, notation=notation, say=say)


@cache
def document(name: str, detail: str, notation: str) -> str:
    return html_notes(shown(name, detail, notation), code=CODE)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("detail", DETAILS)
def test_every_formula_is_mathml_and_every_word_is_translated(
    name: str, detail: str, notation: str
) -> None:
    html = document(name, detail, notation)
    reader = read(html)
    assert reader.formulas and all(text.strip() for text in reader.formulas)
    assert not re.search(r"merror|math-core|fallback", html)
    for text in (*reader.formulas, *reader.prose):
        assert not set(text) & set("\\$`"), text
    own = {*WORD.findall(name), *FUNCTIONS}
    words = {word for text in reader.prose for word in WORD.findall(text)} - own
    assert words - set(formulas_in_prose(name, detail, notation)) == set()


def formulas_in_prose(name: str, detail: str, notation: str) -> Iterator[str]:
    """Words in formulas that stand in a plain title or in the description of a picture."""
    for variable in derivation(name).names.values():
        yield from WORD.findall(variable.name)
        yield from WORD.findall(UNICODE.name(variable))


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("detail", DETAILS)
def test_nothing_comes_from_elsewhere(name: str, detail: str, notation: str) -> None:
    html = document(name, detail, notation)
    assert not re.search(r"https?:|//\w|@import|javascript:|\son\w+=", html.split("</style>")[1])
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|\ssrc=", html)
    assert re.findall(r"url\(\"?([a-z]+:)?", html) == ["data:"]


def test_the_font_has_every_sign(name: str) -> None:
    for detail, notation in ((d, n) for d in DETAILS for n in NOTATIONS):
        article = html_notes(shown(name, detail, notation), fragment=True)
        for leaf in ElementTree.fromstring(article).iter():
            if leaf.tag not in ("mi", "mo", "mn", "mtext") or not leaf.text:
                continue
            signs = {ord(sign) for sign in leaf.text}
            if leaf.tag == "mi" and len(leaf.text) == 1 and "mathvariant" not in leaf.attrib:
                signs.add(italic(leaf.text))
            assert not {chr(sign) for sign in signs - font()}, leaf.text


def italic(sign: str) -> int:
    """The italic sign that a browser shows for an identifier of one letter."""
    if sign == "h":
        return 0x210E
    for first, last, base in (("a", "z", 0x1D44E), ("A", "Z", 0x1D434), ("α", "ω", 0x1D6FC)):
        if first <= sign <= last:
            return base + ord(sign) - ord(first)
    return ord(sign)


def test_a_document_is_whole_and_a_fragment_the_article_alone() -> None:
    found = shown("testnet", "steps", "matrix", Wording())
    whole, fragment = html_notes(found), html_notes(found, fragment=True)
    assert whole.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<nav" in whole and "@font-face" in whole
    assert fragment.strip().startswith("<article") and fragment.strip().endswith("</article>")
    assert not re.search(r"<nav|<html|@font-face|\sid=", fragment)
    assert ElementTree.fromstring(fragment).tag == "article"


def test_the_style_sheet_of_a_fragment_is_for_it_alone() -> None:
    sheet = (files("derive.templates") / "notes.css").read_text(encoding="utf-8")
    bare = re.sub(r"/\*.*?\*/|@media[^{]*\{|\{[^{}]*\}", " @ ", sheet, flags=re.DOTALL)
    selectors = [part.strip(" @\n}") for part in re.split(r"[,@}]", bare)]
    assert len(selectors) > 60
    assert [s for s in selectors if s and not s.startswith(".derive-notes")] == []


def test_contents_lead_somewhere(name: str) -> None:
    reader = read(document(name, "steps", "matrix"))
    places = [found["id"] for _, found in reader.seen if "id" in found]
    links = [(found["href"] or "")[1:] for tag, found in reader.seen if tag == "a"]
    assert len(set(places)) == len(places)
    assert sorted(links) == sorted(filter(None, places))


@pytest.mark.parametrize("detail", DETAILS)
def test_steps_lines_and_answers_are_those_of_the_page(name: str, detail: str) -> None:
    found = shown(name, detail, "matrix")
    article = ElementTree.fromstring(html_notes(found, fragment=True))
    steps = [step for section in found.sections for step in section.steps]
    shown_steps = with_class(article, "step")
    assert len(shown_steps) == (0 if detail == "result" else len(steps))
    for step, element in zip(steps, shown_steps, strict=False):
        assert element.tag == "details" and "open" in element.attrib
        (lines,) = with_class(element, "lines")
        assert len(with_class(lines, "line")) == len(step.lines)
        assert len(with_class(lines, "proof")) == sum(bool(line.proof) for line in step.lines)
        for line, row in zip(step.lines, with_class(lines, "line"), strict=True):
            sides = [s for s in with_class(row, "side") if "narrow" not in s.attrib["class"]]
            assert len(sides) == len({formula_text(side) for side in line.sides})
            (reason,) = with_class(row, "reason")
            assert bool("".join(reason.itertext()).strip()) == bool(line.reasons)
    answers = [answer for section in found.sections for answer in section.answers]
    rows = [row for table in with_class(article, "answers") for row in table]
    others = 0 if detail == "result" else sum(len(answer.others) for answer in answers)
    assert len(rows) == len(answers) + others


def with_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if name in e.attrib.get("class", "").split()]


def test_text_is_escaped() -> None:
    evil = '"><script>alert(1)</script>&'
    problem = replace(example("testnet"), name=evil, source=f"</pre>{evil}")
    found = replace(page(derive(problem)), notes=((evil, Signs("x < y & z")),))
    html = html_notes(found, code=f"# </pre>{evil}\nx = 'a&<b>'\n")
    reader = read(html)
    assert "<script" not in html and "</pre>&quot;" not in html
    assert "script" not in {tag for tag, _ in reader.seen}
    assert evil in "".join(reader.prose)
    assert any("<" in text and "&" in text for text in reader.formulas)


@pytest.mark.parametrize("style", ["bold", "plain"])
def test_arrays_are_bold_unless_plain(style: str) -> None:
    article = html_notes(shown("testnet", "steps", "matrix"), style=style, fragment=True)
    assert ("𝑾" in article) == (style == "bold")


def test_the_check_is_told() -> None:
    report = check(derivation("testnet"))
    html = html_notes(page(derivation("testnet"), report))
    assert re.search(
        r"Checked</strong> 8 steps and 4 gradients, each at 5 random points, seed 0", html
    )
    failed = Check("step W2_bar", False, 0.5, "complex step", problem="<wrong>")
    html = html_notes(page(derivation("testnet"), replace(report, checks=(failed,))))
    assert "FAILED" in html and "step W2_bar: &lt;wrong&gt;" in html


def test_words_of_the_check_are_translated() -> None:
    report = check(derivation("testnet"))
    reader = read(html_notes(page(derivation("testnet"), report, say=MARKED)))
    assert isinstance(report, Report)
    text = " ".join(reader.prose)
    assert "complex" not in text and "step".translate(MARKS) in text


def test_code_keeps_its_text_and_gets_colours() -> None:
    html = html_notes(shown("testnet", "steps", "matrix"), code=CODE)
    (listed,) = re.findall(r'<code class="python">(.*?)</code>', html, re.DOTALL)
    assert ElementTree.fromstring(f"<p>{listed}</p>").findtext(".") is not None
    text = "".join(ElementTree.fromstring(f"<p>{listed}</p>").itertext())
    assert text == CODE
    assert '<span class="k">return</span>' in listed


MATHEMATICS: Final = Mathematics(BOLD)


def test_what_is_no_latex_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"cannot be shown as MathML"):
        MATHEMATICS.math(r"\nosuchcommand{x}")


@pytest.mark.parametrize(
    "source", [r"\write18{ls}", r"\input{/etc/passwd}", r"\href{x}{y}", r"\csname x\endcsname"]
)
def test_latex_that_does_something_is_refused(source: str) -> None:
    with pytest.raises(UnsupportedError):
        MATHEMATICS.math(source)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (r"\overline{\mathrm{ab}}_2", '<msub><mrow class="overline">'),
        (r"\bar{x}", '<mover accent="true"><mi>x</mi>'),
        (r"(a + b)^\top", "<msup><mrow><mo"),
        (r"x \bigl( y \bigr)^2", "</mo></mrow><mn>2</mn></msup>"),
        (r"f \bigl( (a) (b)_i \bigr)^2", "<mi>f</mi><msup><mrow>"),
        (r"a) b \bigr)^2", "<math><msup><mrow><mi>a</mi>"),
        (r"\left( \frac{a}{b} \right)", '<mo class="fence">'),
        (r"a \odot b", 'largeop="false"'),
        (r"\log x", "\u2061"),
    ],
)
def test_mathml_as_browsers_want_it(source: str, found: str) -> None:
    written = MATHEMATICS.math(source)
    assert found in written
    ElementTree.fromstring(written)


def test_formulas_on_their_own_lines_are_large_and_stay_where_they_are() -> None:
    assert MATHEMATICS.math("x", True) == '<math displaystyle="true"><mi>x</mi></math>'
    assert MATHEMATICS.math("x") == "<math><mi>x</mi></math>"


def test_long_formulas_have_lines_of_their_own_on_narrow_screens() -> None:
    terms = " + ".join(f"x'*{a}*{b}*x" for a, b in ("AB", "BC", "CA", "AA", "BB"))
    found = page(derive(parse(f"x:(n); A:(n,n); B:(n,n); C:(n,n); f = {terms}; grad f wrt x")))
    article = ElementTree.fromstring(html_notes(found, fragment=True))
    (forward,) = with_class(article, "forward")
    (wide,), (narrow,) = with_class(forward, "wide"), with_class(forward, "narrow")
    assert len(wide) < len(narrow)
    assert "".join(wide.itertext()).replace(" ", "") in "".join(narrow.itertext())
