"""Notes in a browser: nothing overflows, every formula has a box, in light and in dark.

Chromium measures them, by a script that the test puts beside the notes; notes have none.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from derive.calculus.chain_rule import derive
from derive.emit.html import html_notes
from derive.emit.page import page
from derive.examples import descriptions, example_text
from derive.language import parse

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed to show notes in", allow_module_level=True)

WIDTHS: Final = (1280, 390)
SCHEMES: Final = {"light": 1, "dark": 0}
PROBLEMS: Final = {
    **{name: example_text(name) for name in descriptions()},
    "jacobian": "A:(m,n); x:(n); B:(k,m); y = softmax(B*tanh(A*x)); jacobian y wrt x, A",
    "hessian": "x:(n); A:(n,n) symmetric; b:(n); f = log(1 + exp(x'*A*x + b'*x)); hessian f wrt x",
    "long": "x:(n); A:(n,n); B:(n,n); f = x'*A*B*x + x'*B*A*B*A*x + x'*A*A*B*B*A*x; grad f wrt x",
    "names": "log_v:(n); W_hat:(n,n); loss = sum(W_hat*exp(log_v)); grad loss wrt log_v",
}
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--virtual-time-budget=20000",
    "--window-size=1400,900",
)
"""Nothing is fetched, and fonts have time to load."""

MEASURE: Final = """
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
const start = e => e.textContent.trim().slice(0, 80);
function holder(e, body) {
  let held = e.parentElement;
  while (held && held != body && !scrolls(held)) held = held.parentElement;
  return held;
}
function measure(frame) {
  const doc = frame.contentDocument, view = frame.contentWindow, width = view.innerWidth;
  const wide = [], boxless = [], clipped = [], cut = [];
  for (const folded of [false, true]) {
    for (const step of doc.querySelectorAll("details")) step.open = !folded;
    for (const e of doc.body.querySelectorAll("*")) {
      if (e.closest("svg") && e.localName != "svg" && e.localName != "math") continue;
      if (!e.checkVisibility()) continue;
      const box = e.getBoundingClientRect(), free = holder(e, doc.body) == doc.body;
      if (e.localName == "math" && !(box.width > 0 && box.height > 0)) boxless.push(start(e));
      if (free && (box.right > width + 0.5 || box.left < -0.5)) wide.push(start(e));
      if (e.localName == "pre" || !scrolls(e)) continue;
      if (e.localName == "span" && e.scrollWidth > e.clientWidth + 1) clipped.push(start(e));
      if (e.scrollHeight > e.clientHeight + 1) cut.push(start(e));
    }
  }
  const style = view.getComputedStyle(doc.body);
  return {
    width, wide, boxless, clipped, cut,
    page: doc.scrollingElement.scrollWidth,
    formulas: doc.querySelectorAll("math").length,
    fonts: [...doc.fonts].map(font => font.status),
    ink: style.color, paper: style.backgroundColor,
  };
}
async function run() {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    await frame.contentDocument.fonts.ready;
    found[frame.id] = measure(frame);
  }
  const told = document.createElement("pre");
  told.textContent = JSON.stringify(found);
  document.body.replaceChildren(told);
}
addEventListener("load", run);
"""


@cache
def notes(name: str) -> str:
    return html_notes(page(derive(parse(PROBLEMS[name], name=name)), detail="proof"))


def shown(pages: Mapping[str, str], scheme: str, folder: Path) -> dict[str, Any]:
    """What Chromium measures of pages, at each width."""
    frames = "".join(
        f'<iframe id="{name} {width}" style="border:0;width:{width}px;height:900px" '
        f'srcdoc="{html.escape(text)}"></iframe>'
        for name, text in pages.items()
        for width in WIDTHS
    )
    file = folder / f"{scheme}.html"
    file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><body>{frames}<script>{MEASURE}</script>",
        encoding="utf-8",
    )
    assert CHROMIUM is not None
    ran = subprocess.run(
        [
            CHROMIUM,
            *OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    (told,) = re.findall(r"<pre>(.*)</pre>", ran.stdout, re.DOTALL)
    return dict(json.loads(html.unescape(told)))


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def measured(scheme: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return shown({name: notes(name) for name in PROBLEMS}, scheme, tmp_path_factory.mktemp("notes"))


def test_nothing_overflows(measured: dict[str, Any]) -> None:
    for name, found in measured.items():
        assert f" {found['width']}" in f" {name}"
        assert found["wide"] == [], name
        assert found["page"] <= found["width"], name


def test_every_formula_has_a_box(measured: dict[str, Any]) -> None:
    for name, found in measured.items():
        assert found["formulas"] > 0, name
        assert found["boxless"] == [], name


def test_the_font_of_the_notes_is_used(measured: dict[str, Any]) -> None:
    for name, found in measured.items():
        assert found["fonts"] == ["loaded"], name


def test_no_formula_is_cut_off_above_or_below(measured: dict[str, Any]) -> None:
    for name, found in measured.items():
        assert found["cut"] == [], name


def test_on_a_wide_screen_no_formula_needs_scrolling(measured: dict[str, Any]) -> None:
    for name, found in measured.items():
        assert found["width"] == 390 or found["clipped"] == [], name


def test_ink_is_dark_on_light_and_light_on_dark(measured: dict[str, Any], scheme: str) -> None:
    for found in measured.values():
        ink, paper = (sum(map(int, re.findall(r"\d+", found[key])[:3])) for key in ("ink", "paper"))
        assert (ink < paper) == (scheme == "light") and abs(ink - paper) > 500


def test_a_page_that_overflows_is_seen(tmp_path: Path) -> None:
    text = notes("testnet")
    broken = text.replace("</header>", '</header><p style="width:2000px">wide</p>')
    assert broken != text
    for found in shown({"testnet": broken}, "light", tmp_path).values():
        assert "wide" in found["wide"] and found["page"] >= 2000


def test_a_formula_without_a_box_or_cut_off_is_seen(tmp_path: Path) -> None:
    low = "display: block; height: 5px; overflow: auto hidden"
    formula = "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"
    planted = f'<p><math></math></p><span style="{low}">{formula}</span>'
    broken = notes("testnet").replace("</header>", f"</header>{planted}")
    for found in shown({"testnet": broken}, "light", tmp_path).values():
        assert found["boxless"] and len(found["cut"]) == 2
