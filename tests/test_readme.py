"""What README.md shows is what happens.

Every ``console`` block is run, in one folder and in order; ``$ cat FILE`` stands for writing the
file first. Every ``pycon`` block is a doctest. ``--regen-all`` rewrites what the commands print.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import derive

ROOT: Final = Path(__file__).resolve().parents[1]
README: Final = ROOT / "README.md"
SHIM: Final = '#!/bin/sh\nexec "{python}" -c "from derive.cli import main; main()" "$@"\n'
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    text = README.read_text(encoding="utf-8")
    return [found[2] for found in BLOCK.finditer(text) if found[1] == kind]


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what is shown under it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def steady(text: str) -> str:
    """A text without the figures that depend on the machine, in one line."""
    return re.sub(r"\b\d+e-\d+\b", "ERROR", " ".join(text.split()))


def execute(command: str, shown: str, folder: Path) -> str:
    """What a command prints, errors included."""
    if command.startswith("cat ") and not (folder / command.split()[1]).exists():
        (folder / command.split()[1]).write_text(shown.rstrip("\n") + "\n", encoding="utf-8")
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the command in its ``bin``."""
    shim = tmp_path / "bin/derive"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(0o755)
    return tmp_path


def test_commands_print_what_is_shown(folder: Path, request: pytest.FixtureRequest) -> None:
    text = README.read_text(encoding="utf-8")
    ran = 0
    for block in blocks("console"):
        fresh = ""
        for command, shown in commands(block):
            printed = execute(command, shown, folder)
            ending = "\n" if shown.endswith("\n\n") else ""
            fresh += f"$ {command}\n{printed}{ending}"
            ran += 1
            if not request.config.getoption("regen_all"):
                assert steady(printed) == steady(shown), command
        text = text.replace(block, fresh)
    assert ran
    if request.config.getoption("regen_all"):
        README.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("block", blocks("pycon"), ids=range(len(blocks("pycon"))))
def test_python_prints_what_is_shown(block: str) -> None:
    example = doctest.DocTestParser().get_doctest(block, {}, "README.md", str(README), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_every_command_and_every_folder_is_named() -> None:
    from derive.cli import main

    text = README.read_text(encoding="utf-8")
    for command in main.commands:
        assert f"derive {command}" in text
    for option in (o for c in main.commands.values() for p in c.params for o in p.opts):
        assert not option.startswith("--") or option in text or option == "--help", option
    rooms = [path for path in (ROOT / "derive").iterdir() if (path / "__init__.py").is_file()]
    for room in rooms:
        assert f"`derive/{room.name}`" in text
    assert derive.__version__ in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
