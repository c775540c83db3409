"""What is wrong is caught before it is printed or written; what breaks says so in one message."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from derive.cli import program

ROOT: Final = Path(__file__).resolve().parents[2]

WRONG_LAW: Final = """
from dataclasses import replace
from derive.calculus.rules import RULES
RULES["tanh"] = replace(RULES["tanh"], derivatives=("1 + v**2",))
from derive.cli import main
main()
"""

WRONG_CODE: Final = """
from derive.emit.numpy_code import NumpyModule
right = NumpyModule.text
def wrong(module, **options):
    return right(module, **options).replace("* x", "* x * 1.0001")
NumpyModule.text = wrong
from derive.cli import main
main()
"""


def execute(planted: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", planted, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("explain",),
        ("verify",),
        ("code",),
        ("code", "-o", "out.py", "--test"),
        ("build", "-o", "out"),
    ],
    ids=" ".join,
)
def test_a_wrong_law_fails_and_writes_nothing(folder: Path, command: tuple[str, ...]) -> None:
    ran = execute(WRONG_LAW, *command, "-e", "J = sum(tanh(W*x)); grad J wrt W", cwd=folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    first, *more = ran.stderr.splitlines()
    assert first == "error: the derivation failed the check, and nothing was written"
    words = "\n".join(more)
    assert "gradient of J with respect to W" in words
    assert "expected " in words and ", got " in words
    assert "at point " in words and "seed 0" in words
    assert "Traceback" not in ran.stderr
    assert list(folder.iterdir()) == []


def test_a_problem_without_a_point_to_check_it_at(run, folder: Path) -> None:
    ran = run("code", "-e", "J = log(-norm2(x)^2); grad J wrt x", "-o", "out.py")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(
        "error: the derivation could not be checked, and nothing was written\n"
    )
    assert "no point was found inside the domain" in ran.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "command", [("verify",), ("code", "-o", "out.py"), ("build", "-o", "out")], ids=" ".join
)
def test_wrong_code_fails_and_is_not_written(folder: Path, command: tuple[str, ...]) -> None:
    text = "x : (3); J = sum(x .* x .* x); grad J wrt x"
    ran = execute(WRONG_CODE, *command, "-e", text, cwd=folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    first, *more = ran.stderr.splitlines()
    assert first == "error: the generated code failed the check, and nothing was written"
    words = "\n".join(more)
    assert "grad_J_x" in words
    assert "expected " in words and ", got " in words
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (
            ZeroDivisionError("of\ntwo lines"),
            1,
            "error: internal error: ZeroDivisionError: of two lines\n"
            "  This is a fault of derive. Please report it, with the problem that led to it.\n",
        ),
        (RecursionError(), 2, "error: the problem is nested too deeply or too large\n"),
        (MemoryError(), 2, "error: the problem is nested too deeply or too large\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (PermissionError(13, "Permission denied", "p"), 2, "error: p: Permission denied\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_breaks_is_one_message(
    capsys: pytest.CaptureFixture[str], failure: BaseException, status: int, message: str
) -> None:
    with pytest.raises(SystemExit) as left, program.failing_well():
        raise failure
    assert left.value.code == status
    assert capsys.readouterr().err.startswith(message)


def test_a_reader_that_leaves_is_no_failure(folder: Path) -> None:
    command = f'"{sys.executable}" -c "from derive.cli import main; main()" explain circles | true'
    ran = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("", "")


@pytest.mark.parametrize(
    ("output", "status", "message"),
    [("/dev/full", 2, "error: No space left on device\n"), ("&-", 0, "")],
)
def test_output_that_cannot_be_printed(output: str, status: int, message: str) -> None:
    command = (
        f'"{sys.executable}" -c "from derive.cli import main; main()" explain testnet >{output}'
    )
    ran = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, "", message)


def test_a_terminal_without_mathematical_signs_gets_ascii(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from derive.cli import main; main()", "explain", "testnet"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"dJ/dW2 = (p - y)*a1'" in ran.stdout
