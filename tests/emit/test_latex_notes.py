"""LaTeX notes: what stands in them, and that all of them compile without a complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.catalogues import wording
from derive.emit.latex.document import latex_notes
from derive.emit.latex.rows import narrowest, parted
from derive.emit.latex.widths import width
from derive.emit.page import Layout, page
from derive.emit.words import ENGLISH, Wording
from derive.errors import InputError
from derive.examples import descriptions
from derive.language import parse
from derive.notes import notes
from derive.problem import Problem, Request
from derive.workflow import check, example

DETAILS: Final = ("result", "steps", "proof")
NOTATIONS: Final = ("matrix", "index")
LARGEST_OVERFULL: Final = 2.0

tex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed: no notes are compiled"
)


class Chinese(Wording):
    """A language with one word for every phrase; the places of the phrase stay."""

    def __init__(self) -> None:
        super().__init__("zh", Phrases(), comma="、", stop="；")


class Phrases(dict[str, str]):
    """A catalogue that has everything."""

    def get(self, phrase: str, default: str | None = None) -> str:  # type: ignore[override]
        kept = re.findall(r"\$[^$]*\$|\{\w+\}", phrase)
        return "，".join(["中文的说明", *kept])


@cache
def derivation(name: str) -> Derivation:
    return derive(example(name))


@cache
def posed(statement: str) -> Derivation:
    return derive(parse(statement))


LONG_NAME: Final = "averylongnameofaquantity" * 4
ODD: Final[Mapping[str, str]] = {
    "a long sum": "; ".join(
        (
            *(f"A{k} : (n, n)" for k in range(12)),
            "x : (n)",
            f"f = x'*({' + '.join(f'A{k}*A{(k + 5) % 12}' for k in range(12))})*x",
            "grad f wrt x, A0, A7",
        )
    ),
    "a long product": f"{'; '.join(f'M{k} : (n, n)' for k in range(24))}; "
    f"f = tr({'*'.join(f'M{k}' for k in range(24))}); grad f wrt M11",
    "long names": f"{LONG_NAME} : (n); B_{'_'.join('abcdefgh' * 4)} : (n, n); "
    f"f = {LONG_NAME}'*B_{'_'.join('abcdefgh' * 4)}*{LONG_NAME}; grad f wrt {LONG_NAME}",
    "letters of other alphabets": "Жук : (n); 名 : (n, n); é = Жук'*名*Жук; grad é wrt Жук, 名",
    "many symbols": "; ".join(
        (
            *(f"x{k} : (n)" for k in range(60)),
            f"f = {' + '.join(f'x{k}' + chr(39) + f'*x{k}' for k in range(60))}",
            "grad f wrt x3",
        )
    ),
    "many facts": "S : (n, n) symmetric positive_definite; x : (n); f = x'*S*x; grad f wrt S",
    "a comment that would end the listing": "# \\end{lstlisting}\\input{/etc/passwd} % é 名 \t ᵀ\n"
    "x : (n)\ngrad norm2(x)^2 wrt x",
    "a Jacobian and a Hessian": "A : (p, m); X : (m, n); B : (n, q); Y = A*X*B; w : (n); "
    "J = sum(log(1 + exp(A[0,:]*X*w)))^2; jacobian Y wrt X; hessian J wrt w",
}
"""Problems that are hard to set."""


def documents(
    detail: str, notation: str, *, fragment: bool, say: Wording = ENGLISH
) -> Iterator[str]:
    """The notes of every example, and of every problem that is hard to set."""
    found = [derivation(name) for name in descriptions()]
    if notation == "matrix":
        found += [posed(statement) for statement in ODD.values()]
    for one in found:
        for layout in ("numerator", "denominator"):
            if layout == "denominator" and not any(r.kind == "jacobian" for r in one.results):
                continue
            told = page(one, detail=detail, notation=notation, layout=layout, say=say)
            yield latex_notes(told, code=LISTED, fragment=fragment)


LISTED: Final = '''"""Every sign of a module: σ(z̄2) ⊙ ā1ᵀ − ½ ∂J/∂W ‖x̂‖² ≥ 10⁻⁵ λ…"""


def a_function_whose_name_is_long(of_something_long, and_of_something_else, and_more="%s"):
    return {"a": of_something_long[0, :] @ and_of_something_else.T, "b": "\\\\n ~^_&#$%{}"}
'''


SEEN: Final = r"\pdfsavepos\write-1{EDGE \the\pdflastxpos}"
MARGIN: Final = r"\typeout{MARGIN \the\dimexpr 1in+\hoffset+\oddsidemargin+\textwidth\relax}"
OVERLAID: Final = (r"\rlap{$\displaystyle #1$", r"\footnotesize\strut#2\strut}")
"""What TeX takes for as narrow as nothing, or stands in such a box: where it ends is noted."""


def compiled(folder: Path, source: str, engine: str = "pdflatex") -> list[str]:
    """What TeX complains of, and what ends to the right of the text."""
    for overlaid in OVERLAID if engine == "pdflatex" else ():
        source = source.replace(overlaid, overlaid + SEEN)
    source = source.replace(START, f"{START}{MARGIN}\n", 1)
    (folder / "notes.tex").write_text(source, encoding="utf-8")
    ran = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "notes"],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    log = (folder / "notes.log").read_bytes().decode("utf-8", "replace")
    found = list(complaints(log))
    return found if ran.returncode == 0 or found else [log[-2000:]]


COMPLAINT: Final = re.compile(
    r"^(! .*|Overfull .*|Underfull .*|Missing character.*|(?:LaTeX|Package|Class) .*Warning: .*)$",
    re.MULTILINE,
)
WIDE: Final = re.compile(r"Overfull \\[hv]box \((\d+(?:\.\d+)?)pt")
HARMLESS: Final = re.compile(r"LaTeX Font Warning|Underfull \\vbox")


def complaints(log: str) -> Iterator[str]:
    """Errors, warnings other than substitutions of fonts, and boxes that are too full."""
    mark, margin = "", 0.0
    for line in log.splitlines():
        mark = line if line.startswith("NOTES ") else mark
        if line.startswith("MARGIN "):
            margin = float(line.split()[1].removesuffix("pt"))
        if line.startswith("EDGE "):
            beyond = int(line.split()[1]) / 65536 - margin
            if beyond > LARGEST_OVERFULL:
                yield f"{mark} a line ends {beyond:.1f}pt beyond the margin"
        wide = WIDE.match(line)
        if wide and float(wide[1]) <= LARGEST_OVERFULL:
            continue
        if COMPLAINT.match(line) and not HARMLESS.match(line):
            yield f"{mark} {line}".strip()


START, END = "\\begin{document}\n", "\\end{document}\n"


def bound(sources: Iterable[str]) -> str:
    """Several documents as one, each on pages of its own."""
    preamble, bodies = "", []
    for number, source in enumerate(sources):
        head, _, body = source.partition(START)
        if len(head) > len(preamble):
            preamble = head
        mark = rf"\typeout{{NOTES {number}}}"
        bodies.append(f"\\clearpage{mark}\n{body.removesuffix(END)}")
    return f"{preamble}{START}{''.join(bodies)}{END}"


def bound_fragments(sources: Iterable[str]) -> str:
    """Fragments in a plain article, whose lines are as narrow as they may be."""
    packages: dict[str, None] = {}
    bodies = []
    for number, source in enumerate(sources):
        packages |= dict.fromkeys(re.findall(r"^%\s+(\\usepackage.*)$", source, re.MULTILINE))
        bodies.append(f"\\clearpage\\typeout{{NOTES {number}}}\n{source}")
    preamble = "\n".join(("\\documentclass{article}", *packages))
    return f"{preamble}\n{START}{''.join(bodies)}{END}"


@pytest.mark.tex
@tex
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("detail", DETAILS)
def test_every_document_compiles_without_a_complaint(
    detail: str, notation: str, tmp_path: Path
) -> None:
    source = bound(documents(detail, notation, fragment=False))
    assert compiled(tmp_path, source) == []


@pytest.mark.tex
@tex
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("detail", DETAILS)
def test_every_fragment_fits_a_plain_article(detail: str, notation: str, tmp_path: Path) -> None:
    source = bound_fragments(documents(detail, notation, fragment=True))
    assert compiled(tmp_path, source) == []


@pytest.mark.tex
@tex
@pytest.mark.skipif(
    shutil.which("kpsewhich") is None
    or subprocess.run(["kpsewhich", "CJKutf8.sty"], capture_output=True, check=False).returncode,
    reason="CJKutf8 is not installed: no Chinese notes are compiled",
)
@pytest.mark.parametrize("detail", (*DETAILS, "phrases"))
def test_prose_in_chinese_compiles(detail: str, tmp_path: Path) -> None:
    say = Chinese() if detail == "phrases" else wording("zh")
    level = "proof" if detail == "phrases" else detail
    source = bound(documents(level, "matrix", fragment=False, say=say))
    assert compiled(tmp_path, source) == []


@pytest.mark.tex
@pytest.mark.skipif(
    shutil.which("xelatex") is None, reason="xelatex is not installed: nothing stands for tectonic"
)
@pytest.mark.parametrize("name", ["testnet", "layernorm"])
def test_other_engines_set_every_character(name: str, tmp_path: Path) -> None:
    source = latex_notes(page(derivation(name), detail="proof"), code=LISTED)
    assert compiled(tmp_path, source, "xelatex") == []


@pytest.mark.tex
@tex
def test_a_complaint_is_seen(tmp_path: Path) -> None:
    text = notes(page(derivation("testnet")), "tex")
    broken = text.replace(END, rf"\hbox to 9pt{{too wide}}{END}")
    assert [line.split()[0] for line in compiled(tmp_path, broken)] == ["Overfull"]
    beyond = text.replace(END, rf"\par $\wide{{\rule{{170mm}}{{1pt}}}}${END}")
    assert [line.split("ends")[0] for line in compiled(tmp_path, beyond)] == [" a line "]
    wrong = text.replace(END, rf"\undefined{END}")
    assert compiled(tmp_path, wrong)[0] == "! Undefined control sequence."


def test_bodies_share_one_preamble() -> None:
    """What is compiled together stands for what is compiled alone."""
    heads = {text.partition("literate")[0] for text in documents("steps", "matrix", fragment=False)}
    assert len(heads) == 1


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", descriptions())
def test_groups_and_environments_are_balanced(name: str, detail: str) -> None:
    text = latex_notes(page(derivation(name), detail=detail))
    plain = re.sub(r"\\begin\{lstlisting\}.*?\\end\{lstlisting\}", "", text, flags=re.DOTALL)
    plain = re.sub(r"\\[\\{}%]", "", re.sub(r"(?m)^%.*$", "", plain))
    assert plain.count("{") == plain.count("}")
    for environment in set(re.findall(r"\\begin\{([^}]*)\}", text)):
        begins, ends = (text.count(f"\\{word}{{{environment}}}") for word in ("begin", "end"))
        assert begins == ends, environment


def test_a_step_has_its_number_its_shapes_and_its_law() -> None:
    text = latex_notes(page(derivation("testnet")))
    (line,) = (line for line in text.splitlines() if line.startswith(r"\step{5}"))
    assert r"\bar{\bm{a}}_1 &= \underbrace{\bm{W}_2^\top}_{4 \times 2}" in line
    assert r"\underbrace{\bar{\bm{z}}_2}_{2 \times 1} = \bm{W}_2^\top (\bm{p} - \bm{y})" in line
    assert r"$\bm{Z} = \bm{W} \bm{A}$" in line


def test_sections_of_a_document() -> None:
    told = page(derivation("testnet"), check(derivation("testnet")))
    titles = re.findall(r"\\(?:sub)?section\*\{(.*)\}$", latex_notes(told, code="x = 1"), re.M)
    assert titles[1:] == [
        "Symbols", "Forward pass", "Derivation", "Closed forms", "Check",
        "The problem as it was posed", "NumPy code",
    ]  # fmt: skip
    assert titles[0].startswith(r"\raggedright $J$ with respect to $\bm{W}_2$")


def test_results_alone() -> None:
    text = latex_notes(page(derivation("testnet"), detail="result"))
    assert r"\frac{\partial J}{\partial \bm{W}_2} &= (\bm{p} - \bm{y}) \bm{a}_1^\top" in text
    assert "Forward pass" not in text
    assert r"\step{1}" not in text


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_results_alone_say_in_which_layout_they_are(layout: Layout) -> None:
    jacobian = posed("A : (m, n); jacobian A*x wrt x")
    text = latex_notes(page(jacobian, detail="result", layout=layout))
    assert text.count(f"{layout} layout") == 1
    assert "Chain rule" not in text


def test_the_check_is_told_with_its_points_and_errors(seed: int) -> None:
    known = derivation("testnet")
    text = latex_notes(page(known, check(known, seed)))
    assert f"8 steps and 4 gradients, each at 5 random points, seed {seed}" in text
    assert re.search(r"\$\d \\cdot 10\^\{-1\d\}\$ \(complex step\)", text)


def test_plain_style_has_no_bold_letters() -> None:
    told = page(derivation("circles"))
    assert r"\bm{" in notes(told, "tex")
    body = notes(told, "tex", style="plain").partition(START)[2]
    assert r"\bm{" not in body
    assert r"\mathbf{" not in body


def test_a_fragment_lists_its_packages_and_is_no_document() -> None:
    text = notes(page(derivation("testnet")), "tex", fragment=True, code="x = 1")
    comments = [line for line in text.splitlines() if line.startswith("%   ")]
    needed = [re.search(r"\{(.*)\}", line)[1] for line in comments]  # type: ignore[index]
    assert {"amsmath", "mathtools", "bm", "booktabs", "listings"} <= set(needed)
    assert r"\documentclass" not in text
    assert START not in text
    assert text.count(r"\begingroup") == text.count(r"\endgroup") == 1


def test_nothing_but_names_is_said_in_english() -> None:
    text = latex_notes(page(derivation("layernorm"), detail="proof", say=Chinese()))
    body = text.partition(START)[2].partition(r"\begin{lstlisting}")[0]
    prose = re.sub(r"\\\w+\*?(\[\w*\])?(\{[^{}]*\})?|\$[^$]*\$|[a-z.\d]+em", " ", body)
    titles = ("Symbols", "symbol", "shape", "known", "Forward", "Derivation", "Closed", "with")
    assert [word for word in titles if re.search(rf"\b{word}\b", prose)] == []
    assert "中文的说明" in body


def test_every_sign_of_a_module_is_listed() -> None:
    text = latex_notes(page(derivation("testnet")), code=LISTED)
    listing = text.rpartition(r"\begin{lstlisting}")[2]
    known = set(re.findall(r"\{(.)\}\{\{", text))
    assert {c for c in listing if not c.isascii()} <= known
    assert {"ᵀ", "⊙", "\u0304", "σ", "‖"} <= known


@pytest.mark.parametrize(
    "name",
    [r"x_{\input{/etc/passwd}}", r"%A\write18{true}", r"\end{lstlisting}", "$a", "a&b", "#1"],
)
def test_names_that_would_break_out_are_refused(name: str) -> None:
    from sympy import MatrixSymbol

    x = MatrixSymbol(name, 3, 1)
    with pytest.raises(InputError, match="is not a name"):
        Problem.build({"f": (x.T * x)[0, 0]}, [Request("grad", "f", (name,))], {}, variables=[x])
    with pytest.raises(InputError):
        parse(f"{name} : (3); grad norm2({name})^2 wrt {name}")


def test_what_ends_a_listing_does_not_end_ours() -> None:
    text = latex_notes(page(posed(ODD["a comment that would end the listing"])))
    begins, ends = (text.count(f"\\{word}{{lstlisting}}") for word in ("begin", "end"))
    assert begins == ends == 1
    assert r"\input" not in text.partition(r"\begin{lstlisting}")[0]


def test_formulas_are_parted_at_signs_that_stand_in_no_brackets() -> None:
    source = r"a b c d e + \left( b + c \right) d - \sum_{i = 1} (e - f)"
    whole = (r"a b c d e", r"+ \left( b + c \right) d", r"- \sum_{i = 1} (e - f)")
    assert parted(source, max(map(width, whole)) + 2.1) == whole
    assert parted(source, 99.0) == (source,)
    assert narrowest(source) == max(map(width, whole))
    inside = ("a b c d e", r"+ \biggl( b", r"+ c \biggr) d", r"- \sum_{i = 1} (e", "- f)")
    assert parted(source, 5.0) == inside
    cases = r"a + \begin{cases} b - c & d > 0 \\ e & f < 0 \end{cases}"
    assert parted(cases, 5.0) == ("a", cases[2:])
