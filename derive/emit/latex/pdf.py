"""A LaTeX document as PDF, by whatever TeX is installed.

TeX runs in a private folder, without shell escape, may read and write nothing above that folder,
and is stopped after a while.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from derive.errors import InputError

__all__ = ["INSTALL", "SECONDS", "pdf"]

SECONDS: Final = 120.0
"""How long TeX may take."""

NAME: Final = "notes"
QUIET: Final = ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape")

PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "latexmk": ("-norc", "-pdf", *(f"-latexoption={option}" for option in QUIET)),
    "pdflatex": QUIET,
    "tectonic": ("--untrusted",),
}
"""What can make a PDF, best first, and how it is called."""

AGAIN: Final = re.compile(rb"Rerun to get|Rerun LaTeX")
RUNS: Final = 3
"""How often pdflatex runs at most; the others know by themselves."""

FENCED: Final[Mapping[str, str]] = {"openin_any": "p", "openout_any": "p", "shell_escape": "f"}
"""What a document may read, write and run."""

INSTALL: Final = (
    "install latexmk, pdflatex or tectonic "
    "(Debian, Ubuntu: apt install texlive-latex-recommended texlive-pictures lmodern)"
)


MISSING: Final = "ctex.sty' not found"
CHINESE: Final = (
    "Chinese needs CJKutf8 or ctex "
    "(Debian, Ubuntu: apt install latex-cjk-chinese latex-cjk-chinese-arphic-gbsn00lp)."
)


def pdf(source: str, seconds: float = SECONDS) -> bytes:
    """The PDF of a LaTeX document.

    Args:
        source: The document.
        seconds: How long TeX may take.

    Raises:
        InputError: No TeX is installed; it takes too long; or it reports an error.
    """
    program = next(filter(shutil.which, PROGRAMS), None)
    if program is None:
        raise InputError(f"no PDF can be made here: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="derive-") as name:
        folder = Path(name)
        (folder / f"{NAME}.tex").write_text(source, encoding="utf-8")
        command = (program, *PROGRAMS[program], f"{NAME}.tex")
        for _ in range(RUNS if program == "pdflatex" else 1):
            told, status = _run(command, folder, seconds)
            if status or not AGAIN.search(_log(folder)):
                break
        made = folder / f"{NAME}.pdf"
        if status or not made.is_file():
            raise InputError(f"{program} made no PDF", _complaint(_log(folder) or told))
        return made.read_bytes()


def _run(command: tuple[str, ...], folder: Path, seconds: float) -> tuple[bytes, int]:
    """What a program printed, and its exit code; what it started ends with it."""
    running = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **FENCED},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        told, _ = running.communicate(timeout=seconds)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise InputError(f"{command[0]} was stopped after {seconds:g} s") from None
        raise
    return told, running.returncode


def _log(folder: Path) -> bytes:
    log = folder / f"{NAME}.log"
    return log.read_bytes() if log.is_file() else b""


def _complaint(told: bytes) -> tuple[str, ...]:
    """The first error of a log, and the line it is in."""
    lines = told.decode("utf-8", "replace").splitlines()
    errors = (n for n, line in enumerate(lines) if line.startswith("!") or "error:" in line)
    place = next(errors, None)
    if place is None:
        return tuple(lines[-1:])
    where = next((line for line in lines[place:] if re.match(r"l\.\d+", line)), "")
    advice = CHINESE if MISSING in lines[place] else ""
    return tuple(line for line in (lines[place], where, advice) if line)
