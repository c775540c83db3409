"""Notes in Markdown: nothing in a formula is Markdown, and no command is one GitHub refuses.

Markdown is read before mathematics on GitHub, so a parser of Markdown that knows no mathematics has
to leave every formula as it is.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from typing import Any, Final

import pytest
from markdown_it import MarkdownIt
from sympy import MatrixSymbol, Symbol

import derive
from derive import Problem, Request
from derive.calculus.derivation import Derivation
from derive.emit.markdown import markdown_math, markdown_text, markdown_words
from derive.emit.page import Page
from derive.emit.words import Signs
from derive.examples import descriptions
from derive.language import parse
from derive.notes import notes
from derive.workflow import check, page

COMMANDS: Final = frozenset(
    r"""
    \Bigl \Bigr \bigl \bigr \biggl \biggr \left \right \begin \end \cr \ast \bar \overline \hat
    \widehat \tilde \widetilde \acute \grave \ddot \dot \breve \check \mathring
    \boldsymbol \mathbf \mathrm \mathop \nolimits \text \displaystyle
    \frac \sqrt \sum \prod \partial \infty \times \otimes \odot \oslash \pm \cdot \dots \ldots
    \gt \lt \ge \le \geq \leq \ne \lbrace \rbrace \langle \rangle \lVert \rVert \lvert \rvert
    \vert \Vert \top \underbrace \underline \quad \qquad \enspace \thinspace \negthinspace \ell
    \exp \log \sin \cos \tan \arcsin \arccos \arctan \sinh \cosh \tanh \det \max \min
    \alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi \pi
    \rho \sigma \tau \upsilon \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma
    \Upsilon \Phi \Psi \Omega
    """.split()
)
"""Commands that the MathJax of GitHub and of Jupyter, and KaTeX, know and allow."""

GITHUB: Final = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FENCED: Final = re.compile(r"^(`{3,})\w*\n.*?\n\1$", re.MULTILINE | re.DOTALL)
DISPLAY: Final = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"(?<!\\)\$([^$\n]+?)(?<!\\)\$")

WAYS: Final = (
    ("steps", "matrix", "numerator", "en"),
    ("proof", "index", "numerator", "en"),
    ("proof", "matrix", "denominator", "zh"),
)
FURTHER: Final = (
    "X:(n,d); y:(n); w:(d); b:(); J = norm2(X*w + b - y)^2/2; hessian J wrt (w, b)",
    "A:(m,n); x:(n); y = where(A*x > 1, abs(A*x), -1); jacobian y wrt x, A",
    "A:(m,n); B:(n,m); J = tr(A*B)^2 + norm1(A) + max(A) + sum(A[0,:]); grad J wrt A, B",
    "W_in:(m,n); x_hat_2:(n); lambda:(); alpha_1:(m); grad lambda*alpha_1'*W_in*x_hat_2 "
    "wrt W_in, lambda, alpha_1",
    "z:(n); y:(n) probability; J = softmax_cross_entropy(z, y) + huber(sum(z), 1); hessian J wrt z",
)


@cache
def derivation_of(name: str) -> Derivation:
    """An example, or a problem in the language."""
    return derive.derive(derive.example(name) if name in descriptions() else parse(name))


@cache
def markdown_of(name: str, *way: str) -> str:
    """Notes of a problem: detail, notation, layout and language."""
    detail, notation, layout, lang = way
    found = page(
        derivation_of(name),
        detail=detail,
        notation=notation,
        layout=layout,  # type: ignore[arg-type]
        lang=lang,
    )
    return notes(found, "md")


def formulas(text: str) -> tuple[list[str], list[str]]:
    """Displays and formulas in lines, outside of listings."""
    rest = FENCED.sub("", text)
    return DISPLAY.findall(rest), INLINE.findall(DISPLAY.sub("", rest))


every = pytest.mark.parametrize("name", [*descriptions(), *FURTHER])
each_way = pytest.mark.parametrize("way", WAYS, ids="-".join)


@every
@each_way
def test_markdown_leaves_every_formula_alone(name: str, way: tuple[str, ...]) -> None:
    text = markdown_of(name, *way)
    displays, inline = formulas(text)
    assert displays and inline
    read: list[str] = []
    for token in GITHUB.parse(text):
        assert token.type not in ("html_block", "code_block", "blockquote_open", "lheading_open")
        for child in token.children or ():
            assert child.type in ("text", "softbreak", "strong_open", "strong_close"), child
        if token.type == "inline":
            kept = (c.content if c.type == "text" else "\n" for c in token.children or ())
            read.append("".join(kept))
    seen = "\n".join(read)
    assert re.findall(r"\$\$\n(.*?)\n\$\$", seen, re.DOTALL) == displays
    assert INLINE.findall(re.sub(r"\$\$\n(.*?)\n\$\$", "", seen, flags=re.DOTALL)) == inline


@every
@each_way
def test_commands_are_known_on_github(name: str, way: tuple[str, ...]) -> None:
    displays, inline = formulas(markdown_of(name, *way))
    for formula in (*displays, *inline):
        assert set(re.findall(r"\\[A-Za-z]+", formula)) <= COMMANDS, formula
        assert not re.search(r"\\[^A-Za-z ]", formula), formula
        assert not re.search(r"[<>|*~#$`]", formula), formula
        assert formula.count("{") == formula.count("}")
        assert formula == formula.strip()


@every
@each_way
def test_dollar_signs_stand_apart(name: str, way: tuple[str, ...]) -> None:
    """GitHub takes no dollar sign for mathematics that touches a letter outside of it."""
    rest = DISPLAY.sub("", FENCED.sub("", markdown_of(name, *way)))
    for found in INLINE.finditer(rest):
        before, after = rest[found.start() - 1 : found.start()], rest[found.end()][:1]
        assert before in ("", " ", "(", "\n"), rest[found.start() - 20 : found.end() + 5]
        assert after in " .,;:!?)\n", rest[found.start() - 5 : found.end() + 20]


@every
@each_way
def test_rows_of_a_display_begin_no_list(name: str, way: tuple[str, ...]) -> None:
    displays, _ = formulas(markdown_of(name, *way))
    for display in displays:
        first, *rows, last = display.splitlines()
        assert (first, last) == (r"\begin{aligned}", r"\end{aligned}")
        assert all(re.match(r"[&\\A-Za-z(]", row) for row in rows), display
        assert all(row.endswith(r" \cr") for row in rows[:-1]), display


@every
@each_way
def test_tables_have_as_many_cells_in_every_row(name: str, way: tuple[str, ...]) -> None:
    tokens = GITHUB.parse(markdown_of(name, *way))
    text = FENCED.sub("", markdown_of(name, *way))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.count("|") == 4 for row in rows)
    set_off = sum(token.type == "table_open" for token in tokens)
    assert sum(set(row) <= set("|:-") for row in rows) == set_off > 0


# The pieces


@pytest.mark.parametrize(
    ("latex", "markdown"),
    [
        (r"\bm{A}_1^\top \bm{x}_{12}", r"\boldsymbol{A} _ 1^\top \boldsymbol{x} _ {12}"),
        (r"z_1", "z_1"),
        (r"\operatorname{tr}(A)", r"\mathop{\mathrm{tr}}\nolimits(A)"),
        (r"A \, B \\ C", r"A \thinspace B \cr C"),
        (r"\log\!\left( x \right)", r"\log\negthinspace \left( x \right)"),
        (r"\{ x \mid x < 0 \}", r"\lbrace x \mid x \lt 0 \rbrace"),
        (r"\mathrm{a\_b}", r"\mathrm{a\underline{\enspace}b}"),
        ("|x| * y", r"\vert x\vert \ast y"),
        ("x[i](y)[j][k]", "x[i] (y)[j] [k]"),
    ],
)
def test_formulas_are_written_so_that_markdown_has_no_part_in_them(
    latex: str, markdown: str
) -> None:
    assert markdown_math(latex) == markdown


def test_prose_is_escaped() -> None:
    assert markdown_text("a_b *c* <b> `d` [e](f) $g$ h|i ~j~ #k &amp;") == (
        r"a\_b \*c\* \<b\> \`d\` \[e\](f) \$g\$ h\|i \~j\~ \#k \&amp;"
    )
    (paragraph,) = (t for t in GITHUB.parse(markdown_text("<b> *x* [y](z) `w`")) if t.children)
    assert "".join(child.content for child in paragraph.children or ()) == "<b> *x* [y](z) `w`"
    assert {child.type for child in paragraph.children or ()} <= {"text", "text_special"}


def test_formulas_stand_apart_from_letters() -> None:
    words = ("记", Signs("x"), "为", Signs("y"), Signs("z"), ", (", Signs("w"), ").")
    assert markdown_words(words) == "记 $x$ 为 $y$ $z$, ($w$)."


# The whole


def test_names_and_titles_are_escaped() -> None:
    problem = dataclasses.replace(parse("grad norm2(x)^2 wrt x"), name="my *net* <b> $x$ | #1")
    text = notes(page(derive.derive(problem)), "md")
    assert text.startswith("# my \\*net\\* \\<b\\> \\$x\\$ \\| \\#1\n")


def test_names_from_python_are_no_commands() -> None:
    names = ("input", "write18", "a_b_c", "x__y", "début", "変数", "_z")
    symbols = [MatrixSymbol(name, 3, 1) for name in names]
    form = sum((Symbol("c") * (x.T * x) for x in symbols[1:]), symbols[0].T * symbols[0])
    problem = Problem.build({"J": form}, [Request("grad", "J", names)])
    text = notes(page(derive.derive(problem)), "md")
    displays, inline = formulas(text)
    used = {c for formula in (*displays, *inline) for c in re.findall(r"\\[A-Za-z]+", formula)}
    assert used <= COMMANDS
    assert not re.search(r"\\[^A-Za-z ]", "".join((*displays, *inline)))


def test_code_and_problem_are_listed_in_fences_that_hold() -> None:
    module = 'TEXT = """\n```\n````\n"""\n'
    text = notes(page(derivation_of("testnet")), "md", code=module)
    listed = {t.info: t.content for t in GITHUB.parse(text) if t.type == "fence"}
    assert listed["python"] == module
    assert listed["text"].strip() == derivation_of("testnet").problem.source.strip()


def test_a_fragment_has_neither_title_nor_problem() -> None:
    found = page(derivation_of("testnet"))
    whole, fragment = notes(found, "md"), notes(found, "md", fragment=True)
    assert whole.startswith("# testnet\n\n## ")
    assert fragment.startswith("## ")
    assert "softmax_cross_entropy" not in fragment and "```" not in fragment


def test_plain_style_has_no_bold_type() -> None:
    found = page(derivation_of("testnet"))
    assert r"\boldsymbol" in notes(found, "md")
    assert r"\boldsymbol" not in notes(found, "md", style="plain")


def test_results_alone() -> None:
    text = notes(page(derivation_of("testnet"), detail="result"), "md")
    assert "Closed forms" in text
    assert "Derivation" not in text and "Symbols" not in text


def test_the_check_is_told_and_so_is_a_failure() -> None:
    derivation = derivation_of("testnet")
    report = check(derivation)
    assert "**Checked** 8 steps and 4 gradients" in notes(page(derivation, report), "md")
    first, *rest = report.checks
    broken: Any = dataclasses.replace(first, passed=False, problem="the numbers differ")
    failing = dataclasses.replace(report, checks=(broken, *rest))
    text = notes(page(derivation, failing), "md")
    assert "**FAILED**" in text and "the numbers differ" in text


def test_long_reasons_stand_below_their_line() -> None:
    found: Page = page(derivation_of("lstm"))
    for display in formulas(notes(found, "md"))[0]:
        for row in display.splitlines():
            reason = row.partition("&& ")[2]
            assert len(re.sub(r"\\[a-z]+|[{}]", "", reason)) < 160, row
