"""PDF notes: whole or not at all, in a private folder, without a shell."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from derive.calculus.chain_rule import derive
from derive.cli import main
from derive.emit.latex import pdf as room
from derive.emit.latex.pdf import pdf
from derive.emit.page import page
from derive.errors import InputError
from derive.language import parse
from derive.notes import notes, write_notes

QUESTION: Final = "grad norm2(A*x - b)^2 wrt x"
PAGE: Final = page(derive(parse(QUESTION)))
DOCUMENT: Final = notes(PAGE, "tex")
BODY: Final = "\\begin{document}\n"

tex = pytest.mark.skipif(
    not any(map(shutil.which, room.PROGRAMS)), reason="no TeX is installed: no PDF is made"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["notes", "-e", QUESTION, "--no-check", *arguments])


def program(folder: Path, name: str, text: str) -> None:
    """A program of a name, in Python."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds all programs there are."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


PRINTS: Final = 'import pathlib; pathlib.Path("notes.pdf").write_bytes(b"%PDF-1.5 of ")\n'


@pytest.mark.tex
@tex
def test_a_document_becomes_a_pdf(tmp_path: Path) -> None:
    written = write_notes(PAGE, tmp_path / "a.tex", pdf=True)
    assert written == (tmp_path / "a.tex", tmp_path / "a.pdf")
    assert (tmp_path / "a.tex").read_text(encoding="utf-8") == DOCUMENT
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.tex"]


@pytest.mark.tex
@tex
def test_nothing_is_run_or_read_by_a_document(tmp_path: Path) -> None:
    secret, proof = tmp_path / "secret.txt", tmp_path / "ran"
    secret.write_text("SECRET")
    hostile = (
        rf"\immediate\write18{{touch {proof}}}"
        rf"\openin15={secret} \ifeof15 \typeout{{closed}}\else \undefined\fi"
    )
    assert pdf(DOCUMENT.replace(BODY, f"{BODY}{hostile}\n")).startswith(b"%PDF-")
    assert not proof.exists()


@pytest.mark.tex
@tex
def test_an_error_is_told_with_its_line() -> None:
    with pytest.raises(InputError, match="made no PDF") as told:
        pdf(DOCUMENT.replace(BODY, f"{BODY}\\undefined\n"))
    assert "Undefined control sequence" in str(told.value)


@pytest.mark.tex
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_tex_that_does_not_end_is_stopped() -> None:
    with pytest.raises(InputError, match="was stopped after 2 s"):
        pdf(DOCUMENT.replace(BODY, f"{BODY}\\def\\x{{\\x}}\\x\n"), seconds=2)


@pytest.mark.parametrize("name", room.PROGRAMS)
def test_each_program_is_called_without_a_shell(name: str, alone: Path) -> None:
    program(
        alone,
        name,
        "import os, pathlib, sys\n"
        "fence = map(os.environ.get, ('openin_any', 'shell_escape'))\n"
        "told = [*sys.argv[1:], os.getcwd(), *fence]\n"
        "pathlib.Path('notes.pdf').write_text('\\n'.join(told))\n",
    )
    *options, folder, reads, shell = pdf(DOCUMENT).decode().split("\n")
    assert options[-1] == "notes.tex"
    assert any(word in " ".join(options) for word in ("-no-shell-escape", "--untrusted"))
    assert (reads, shell) == ("p", "f")
    assert not Path(folder).exists()


def test_the_best_program_is_taken(alone: Path) -> None:
    for name in room.PROGRAMS:
        program(alone, name, PRINTS.replace("of ", f"of {name}"))
    assert pdf(DOCUMENT) == b"%PDF-1.5 of latexmk"
    (alone / "latexmk").unlink()
    assert pdf(DOCUMENT) == b"%PDF-1.5 of pdflatex"


def test_pdflatex_runs_again_where_it_asks_to(alone: Path) -> None:
    count = alone / "count"
    program(
        alone,
        "pdflatex",
        f"import pathlib; count = pathlib.Path({str(count)!r})\n"
        "count.write_text((count.read_text() if count.exists() else '') + 'x')\n"
        "log = 'LaTeX Warning: Rerun to get it right.' if len(count.read_text()) < 2 else ''\n"
        f"pathlib.Path('notes.log').write_text(log)\n{PRINTS}",
    )
    pdf(DOCUMENT)
    assert count.read_text() == "xx"


def test_without_tex_the_source_is_written_and_one_line_says_what_to_install(
    alone: Path, tmp_path: Path
) -> None:
    told = run("-o", str(tmp_path / "a.pdf"))
    assert told.exit_code == 2
    assert (tmp_path / "a.tex").read_text(encoding="utf-8").startswith(r"\documentclass")
    assert not (tmp_path / "a.pdf").exists()
    (line,) = told.stderr.splitlines()
    assert line == (
        f"error: {tmp_path / 'a.tex'} is written, but no PDF can be made here: install latexmk, "
        "pdflatex or tectonic (Debian, Ubuntu: apt install texlive-latex-recommended "
        "texlive-pictures lmodern)"
    )


@pytest.mark.parametrize("text", ["raise SystemExit(1)\n", f"{PRINTS}raise SystemExit(1)\n", ""])
def test_a_pdf_is_placed_whole_or_not_at_all(text: str, alone: Path, tmp_path: Path) -> None:
    program(alone, "pdflatex", text)
    told = run("-o", str(tmp_path / "a.tex"), "--pdf")
    assert told.exit_code == 2
    assert "is written, but pdflatex made no PDF" in told.stderr
    assert (tmp_path / "a.tex").exists()
    assert not (tmp_path / "a.pdf").exists()


def test_what_chinese_needs_is_said(alone: Path) -> None:
    error = "! LaTeX Error: File `ctex.sty' not found."
    log = f"import pathlib; pathlib.Path('notes.log').write_text({error!r})\n"
    program(alone, "pdflatex", f"{log}raise SystemExit(1)\n")
    with pytest.raises(InputError) as told:
        pdf(DOCUMENT)
    assert told.value.details[0] == error
    assert "apt install latex-cjk-chinese" in told.value.details[-1]


def test_no_file_is_replaced_without_force(alone: Path, tmp_path: Path) -> None:
    program(alone, "pdflatex", PRINTS)
    kept = tmp_path / "a.pdf"
    kept.write_bytes(b"mine")
    told = run("-o", str(kept))
    assert told.exit_code == 2
    assert told.stderr == f"error: {kept} exists already\n  --force replaces it.\n"
    assert kept.read_bytes() == b"mine"
    assert not (tmp_path / "a.tex").exists()
    told = run("-o", str(kept), "--force")
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [f"wrote {tmp_path / 'a.tex'}", f"wrote {kept}"]
    assert kept.read_bytes() == b"%PDF-1.5 of "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.md", "--pdf"], "a .md file cannot be set as PDF"),
        (["-o", "a.tex", "--pdf", "--fragment"], "a fragment cannot be set as PDF"),
        (["-o", "a.pdf", "--fragment"], "a fragment cannot be set as PDF"),
        (["-o", "a.odt"], "End it with one of"),
    ],
)
def test_only_a_whole_document_becomes_a_pdf(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert told.exit_code == 2
    assert message in told.stderr
    assert os.listdir(tmp_path) == []
