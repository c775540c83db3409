"""Every command, on what it is for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from derive.errors import InputError
from derive.examples import descriptions
from derive.files import write_files
from derive.language import parse
from derive.notes import FORMATS

NOTES: Final = [f"notes.{format}" for format in FORMATS if format != "txt"]
TEXT: Final = "J = norm2(A*x - b)^2; grad J wrt x"


def test_help_names_every_command(run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        ran = run(*arguments)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("Usage: derive [OPTIONS] COMMAND")
        for command in ("explain", "code", "verify", "build", "examples", "new"):
            assert f"\n  {command} " in ran.out


def test_version(run) -> None:
    assert run("--version").out == "derive, version 0.1.0\n"


@pytest.mark.parametrize("command", ["explain", "code", "verify", "build", "examples", "new"])
def test_every_command_has_help(run, command: str) -> None:
    ran = run(command, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: derive {command} ")


# explain


def test_explain_a_file_an_example_and_typed_text(run, folder: Path) -> None:
    (folder / "lsq.derive").write_text(TEXT, encoding="utf-8")
    from_file = run("explain", "lsq.derive")
    typed = run("explain", "-", typed=TEXT)
    given = run("explain", "-e", TEXT)
    assert {ran.status for ran in (from_file, typed, given)} == {0}
    assert typed.out == given.out
    assert "2 Aᵀ (A x − b)" in given.out
    assert from_file.out.split()[-30:] == given.out.split()[-30:]
    assert "(p − y) a1ᵀ" in run("explain", "testnet").out


def test_explain_reads_a_file_rather_than_the_example_of_its_name(run, folder: Path) -> None:
    (folder / "testnet").write_text(TEXT, encoding="utf-8")
    assert "2 Aᵀ (A x − b)" in run("explain", "testnet").out


def test_explain_an_example_beside_a_folder_of_its_name(run, folder: Path) -> None:
    (folder / "testnet").mkdir()
    assert "(p − y) a1ᵀ" in run("explain", "testnet").out


def test_explain_details(run) -> None:
    lengths = {}
    for detail in ("result", "steps", "proof"):
        ran = run("explain", "testnet", "--detail", detail)
        assert ran.status == 0
        assert "∂J/∂b2 = p − y" in ran.out
        lengths[detail] = ran.out.count("\n")
    assert lengths["result"] < lengths["steps"] < lengths["proof"]


def test_the_letters_that_stand_for_any_are_not_the_problems_own(run) -> None:
    said = run("explain", "--no-check", "-e", "x:(n); y:(n); grad x'*y wrt x").out
    assert "Write v\u0304 for the gradient of f with respect to v" in said
    said = run("explain", "--no-check", "-e", "v:(n); a:(n); grad a'*v wrt v").out
    assert "Write x\u0304 for the gradient of f with respect to x" in said
    assert "(∂y/∂x)ᵀ ȳ over every y that is computed from x" in " ".join(said.split())


def test_explain_other_variables(run) -> None:
    out = run("explain", "testnet", "--wrt", "x, z2", "--detail", "result").out
    assert out.startswith("J with respect to x, z2")
    assert "∂J/∂x = W1ᵀ (W2ᵀ (p − y) ⊙ 1[z1 > 0])" in out


def test_explain_in_ascii(run) -> None:
    ran = run("explain", "testnet", "--ascii")
    assert ran.out.isascii()
    assert "dJ/dW2 = (p - y)*a1'" in ran.out


def test_explain_in_index_notation(run) -> None:
    assert "[i]" in run("explain", "testnet", "--notation", "index").out


def test_explain_says_what_was_checked(run) -> None:
    assert "seed 7: largest relative error" in " ".join(
        run("explain", "testnet", "--seed", "7").out.split()
    )
    assert "Checked" not in run("explain", "testnet", "--no-check").out


# code


def test_code_is_printed(run, folder: Path) -> None:
    ran = run("code", "-e", TEXT)
    assert (ran.status, ran.err) == (0, "")
    assert "def grad_J_x(" in ran.out
    assert "def value_and_grad_J(" in ran.out
    assert list(folder.iterdir()) == []


def test_code_and_its_test_are_written_and_pass(run, folder: Path) -> None:
    ran = run("code", "testnet", "-o", "net.py", "--test")
    assert (ran.status, ran.out) == (0, "wrote net.py\nwrote test_net.py\n")
    assert sorted(path.name for path in folder.iterdir()) == ["net.py", "test_net.py"]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout


def test_code_says_what_was_verified(run, folder: Path) -> None:
    run("code", "testnet", "-o", "net.py")
    words = " ".join((folder / "net.py").read_text(encoding="utf-8").split())
    assert "8 steps and 4 gradients, each at 5 random points, seed 0" in words
    assert "functions, each at 3 random points, seed 0" in words


def test_code_for_a_name_that_cannot_be_imported(run, folder: Path) -> None:
    ran = run("code", "testnet", "-o", "my-net.py", "--test")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "error: a test cannot import my-net.py\n  Call it my_net.py.\n"
    assert list(folder.iterdir()) == []
    assert run("code", "testnet", "-o", "my-net.py").status == 0


# verify


def test_verify(run) -> None:
    ran = run("verify", "testnet")
    assert (ran.status, ran.err) == (0, "")
    derivation, generated = ran.out.splitlines()
    assert derivation.startswith("the derivation: 8 steps and 4 gradients, each at 5 random points")
    assert generated.startswith("the generated code: 5 functions, each at 3 random points")


# build


def test_build_writes_everything(run, folder: Path) -> None:
    ran = run("build", "testnet", "-o", "some/where")
    names = sorted(["derivation.txt", *NOTES, "test_testnet.py", "testnet.derive", "testnet.py"])
    assert (ran.status, ran.err) == (0, "")
    assert sorted(path.name for path in (folder / "some/where").iterdir()) == names
    told = [word for name in names for word in ("wrote", f"some/where/{name}")]
    assert sorted(ran.out.split()) == sorted(told)


def test_build_in_two_languages(run, folder: Path) -> None:
    assert run("build", "neuron", "-o", "out", "--lang", "en", "--lang", "zh").status == 0
    for name in (*NOTES, "derivation.txt"):
        english = (folder / "out" / name).read_text(encoding="utf-8")
        chinese = (folder / "out" / name.replace(".", ".zh.")).read_text(encoding="utf-8")
        assert re.search("[\u4e00-\u9fff]", chinese) and not re.search("[\u4e00-\u9fff]", english)


def test_build_in_a_language_that_there_is_not(run, folder: Path) -> None:
    ran = run("build", "neuron", "-o", "out", "--lang", "tlh")
    assert ran.status == 2
    assert ran.err == ("error: there is no catalogue for the language tlh\n  There are en, zh.\n")
    assert not (folder / "out").exists()


def test_an_index_of_what_was_built(run, folder: Path) -> None:
    ran = run("examples", "--index", "out")
    assert (ran.status, ran.out) == (2, "") and "derive build attention" in ran.err
    for name in descriptions():
        (folder / "out" / name).mkdir(parents=True)
    assert run("examples", "--index", "out").status == 0
    page = (folder / "out/index.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in page for name in descriptions())
    assert run("examples", "--index", "out").status == 2


@pytest.mark.parametrize("name", ["circles", "circles_rows"])
def test_build_of_circles_writes_the_training_script(run, folder: Path, name: str) -> None:
    assert run("build", name, "-o", "out").status == 0
    assert f"from {name} import value_and_grad_J" in (folder / "out/train.py").read_text()


def test_build_in_the_folder_of_the_problem(run, folder: Path) -> None:
    (folder / "lsq.derive").write_text(TEXT, encoding="utf-8")
    assert run("build", "lsq.derive", "-o", ".").status == 0
    assert (folder / "lsq.py").exists()
    assert (folder / "lsq.derive").read_text(encoding="utf-8") == TEXT


def test_build_of_a_problem_whose_name_is_no_module(run, folder: Path) -> None:
    (folder / "2-nets.derive").write_text(TEXT, encoding="utf-8")
    assert run("build", "2-nets.derive", "-o", "out").status == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "2-nets.derive", "_2_nets.py", "derivation.txt", *sorted(NOTES), "test__2_nets.py",
    ]  # fmt: skip


# files


def test_files_that_exist_are_kept(run, folder: Path) -> None:
    (folder / "net.py").write_text("mine")
    ran = run("code", "testnet", "-o", "net.py")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "error: net.py exists already\n  --force replaces it.\n"
    assert (folder / "net.py").read_text() == "mine"
    assert run("code", "testnet", "-o", "net.py", "--force").status == 0
    assert "def value_and_grad_J" in (folder / "net.py").read_text(encoding="utf-8")


def test_a_test_that_exists_keeps_the_module_from_being_written(run, folder: Path) -> None:
    (folder / "test_net.py").write_text("mine")
    assert run("code", "testnet", "-o", "net.py", "--test").status == 2
    assert [path.name for path in folder.iterdir()] == ["test_net.py"]


def test_build_over_a_file_writes_nothing(run, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out/derivation.txt").write_text("mine")
    ran = run("build", "testnet", "-o", "out")
    assert (ran.status, ran.err) == (
        2,
        "error: out/derivation.txt exists already\n  --force replaces it.\n",
    )
    assert [path.name for path in (folder / "out").iterdir()] == ["derivation.txt"]
    (folder / "out/notes.txt").write_text("also mine")
    assert run("build", "testnet", "-o", "out", "--force").status == 0
    assert (folder / "out/notes.txt").read_text() == "also mine"
    assert len(list((folder / "out").iterdir())) == 5 + len(NOTES)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (".", "error: . is a folder and cannot be written to\n"),
        ("file/net.py", "error: file/net.py cannot be written: "),
        ("/proc/net.py", "error: /proc/net.py cannot be written: "),
        ("/dev/null", "error: /dev/null is not an ordinary file and cannot be written to\n"),
        ("a\0b.py", "error: "),
        ("x" * 300 + ".py", "error: "),
    ],
)
def test_places_that_cannot_be_written(run, folder: Path, output: str, message: str) -> None:
    (folder / "file").write_text("mine")
    ran = run("code", "testnet", "-o", output, "--force")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)
    assert "internal" not in ran.err
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_move_that_fails_takes_the_others_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_text("old")
    move = os.replace

    def failing(source: object, target: object) -> None:
        if str(target).endswith("c"):
            raise OSError(28, "No space left on device", str(target))
        move(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(InputError, match="c cannot be written: No space left on device"):
        write_files({folder / name: "new" for name in "abc"}, force=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "old"}


def test_folders_made_for_files_that_cannot_be_written_are_removed(folder: Path) -> None:
    with pytest.raises(InputError):
        write_files({folder / "a/b" / ("x" * 300): "text"})
    assert list(folder.iterdir()) == []


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "real.py").write_text("old")
    (folder / "link.py").symlink_to("real.py")
    write_files({folder / "link.py": "new"}, force=True)
    assert (folder / "link.py").is_symlink()
    assert (folder / "real.py").read_text() == "new"


# examples and new


def test_examples(run) -> None:
    lines = run("examples").out.splitlines()
    assert len(lines) == len(descriptions())
    (testnet,) = (line for line in lines if line.startswith("testnet "))
    assert testnet.split(maxsplit=1)[1].startswith("A classifier of 3 inputs")
    assert run("examples", "--names").out.split() == list(descriptions())


@pytest.mark.parametrize("name", descriptions())
def test_every_example_is_explained(run, name: str) -> None:
    ran = run("explain", name)
    assert (ran.status, ran.err) == (0, "")
    assert "Checked" in ran.out


@pytest.mark.parametrize("batch", ["columns", "rows", "none"])
@pytest.mark.parametrize("head", ["identity", "sigmoid", "softmax"])
def test_new_net(run, folder: Path, head: str, batch: str) -> None:
    options = ("--layers", "2,4,6,6,4,3", "--hidden", "relu", "--head", head, "--batch", batch)
    printed = run("new", "net", *options)
    assert printed.status == 0
    assert len(parse(printed.out).requests[0].wrt) == 10
    assert run("new", "net", *options, "-o", "net.derive").out == "wrote net.derive\n"
    assert (folder / "net.derive").read_text(encoding="utf-8") == printed.out
    assert run("new", "net", *options, "-o", "net.derive").status == 2
    assert run("explain", "net.derive").status == 0


def test_new_net_for_the_circles(run) -> None:
    layers = ("--layers", "2,4,6,6,4,1", "--hidden", "relu", "--head", "sigmoid", "--loss", "bce")
    assert "W2 : (6, 4)" in run("new", "net", *layers, "--batch", "columns").out
