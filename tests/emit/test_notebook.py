"""A derivation in a notebook shows itself."""

from __future__ import annotations

import re

import pytest

import derive
from derive import notebook
from derive.calculus.derivation import Derivation
from derive.examples import descriptions
from derive.language import parse
from derive.notes import FORMATS, notes
from derive.workflow import page


@pytest.fixture(scope="module")
def derivation() -> Derivation:
    return derive.derive(derive.example("testnet"))


def test_markdown_is_a_fragment_of_the_notes(derivation: Derivation) -> None:
    assert derivation._repr_markdown_() == notes(page(derivation), "md", fragment=True)


def test_html_is_a_fragment_of_the_notes(derivation: Derivation) -> None:
    if "html" in FORMATS:
        shown = derivation._repr_html_()
        assert shown == notes(page(derivation), "html", fragment=True)
        assert shown is not None and "<math" in shown and "<html" not in shown
    else:
        assert derivation._repr_html_() is None


@pytest.mark.parametrize("name", descriptions())
def test_latex_is_one_display_of_the_closed_forms(name: str) -> None:
    derivation = derive.derive(derive.example(name))
    shown = derivation._repr_latex_()
    assert shown is not None
    assert shown.startswith("$$\n\\begin{aligned}\n") and shown.endswith("\n\\end{aligned}\n$$")
    assert "\\bm" not in shown and "$" not in shown[2:-2]
    rows = shown.splitlines()[2:-2]
    found = page(derivation)
    answers = sum(len(section.answers) + len(section.meanings) for section in found.sections)
    assert len(rows) == answers
    assert all(row.count(" & = ") == 1 for row in rows)
    assert all(row.endswith(r" \\") for row in rows[:-1])


@pytest.mark.parametrize("form", notebook.FORMS)
def test_what_cannot_be_shown_is_left_out(
    form: str, derivation: Derivation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> str:
        raise RuntimeError("planted")

    assert getattr(derivation, f"_repr_{form}_")() is not None
    monkeypatch.setattr("derive.emit.page.page", fails)
    assert getattr(derivation, f"_repr_{form}_")() is None


def test_the_plain_form_is_short(derivation: Derivation) -> None:
    assert repr(derivation) == "<Derivation testnet: J by W2, J by b2, J by W1, J by b1>"
    hessian = derive.derive(parse("hessian norm2(x)^2 wrt x"))
    assert re.fullmatch(r"<Derivation problem: [^<>]*>", repr(hessian))
