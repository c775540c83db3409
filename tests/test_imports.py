"""Imports point one way, and each outside package has one door.

Every import statement counts: at the top, inside a function, under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDERS: Final[Mapping[str, Path]] = {
    "derive": ROOT / "derive",
    "derive.cli": ROOT / "cli",
    "derive.templates": ROOT / "templates",
}

# room: what it may import, besides itself. The longest row that holds a module is its row; a row
# inside a room adds to the room's. "derive" is derive/__init__.py alone, the public names.
EDGES: Final[Mapping[str, tuple[str, ...]]] = {
    "derive.errors": (),
    "derive.shapes": ("derive.errors",),
    "derive.vocabulary": ("derive.errors", "derive.shapes"),
    "derive.problem": ("derive.errors", "derive.shapes", "derive.vocabulary"),
    "derive.language": ("derive.errors", "derive.shapes", "derive.vocabulary", "derive.problem"),
    "derive.tensor": ("derive.errors", "derive.shapes"),
    "derive.tensor.lowering": ("derive.vocabulary", "derive.problem"),
    "derive.calculus": ("derive.errors", "derive.shapes", "derive.problem", "derive.tensor"),
    "derive.notation": (
        "derive.errors",
        "derive.shapes",
        "derive.vocabulary",
        "derive.tensor",
        "derive.calculus",
    ),
    "derive.verify": ("derive.errors", "derive.shapes", "derive.vocabulary", "derive.problem"),
    "derive.emit": (
        "derive.errors",
        "derive.shapes",
        "derive.vocabulary",
        "derive.problem",
        "derive.tensor",
        "derive.calculus",
        "derive.notation",
        "derive.verify.claims",
        "derive.verify.report",
    ),
    "derive.templates": (),
    "derive.examples": (),
    "derive.files": ("derive.errors",),
    "derive.notes": ("derive.errors", "derive.emit", "derive.files"),
    "derive.workflow": (
        "derive.errors",
        "derive.shapes",
        "derive.problem",
        "derive.vocabulary",
        "derive.language",
        "derive.calculus",
        "derive.notation",
        "derive.verify",
        "derive.emit",
        "derive.examples",
        "derive.files",
        "derive.notes",
    ),
    "derive.notebook": ("derive.calculus", "derive.emit", "derive.notes", "derive.workflow"),
    "derive.cli": (
        "derive",
        "derive.errors",
        "derive.language",
        "derive.emit.page",
        "derive.emit.terminal",
        "derive.examples",
        "derive.files",
        "derive.notes",
        "derive.workflow",
    ),
    "derive": (
        "derive.errors",
        "derive.shapes",
        "derive.vocabulary",
        "derive.problem",
        "derive.language",
        "derive.tensor",
        "derive.calculus",
        "derive.notation",
        "derive.verify",
        "derive.emit",
    ),
}

# outside package: where it may be imported. The standard library may be imported everywhere.
DOORS: Final[Mapping[str, tuple[str, ...]]] = {
    "sympy": (
        "derive.shapes",
        "derive.vocabulary",
        "derive.problem",
        "derive.language",
        "derive.tensor",
        "derive.calculus",
        "derive.notation",
        "derive.verify",
        "derive.emit",
    ),
    "lark": ("derive.language",),
    "numpy": ("derive.verify",),
    "babel": ("derive.emit.catalogues",),
    "jinja2": ("derive.emit",),
    "math_core": ("derive.emit",),
    "markupsafe": ("derive.emit.html",),
    "pygments": ("derive.emit.html",),
    "click": ("derive.cli",),
    "rich": ("derive.cli", "derive.emit.terminal*"),
}


def find_modules() -> dict[str, Path]:
    """Every module of the package, by the name under which it is imported."""
    modules = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join((package, *parts)).removesuffix(".__init__")
            modules[name] = path
    return modules


MODULES: Final = find_modules()


def within(module: str, row: str) -> bool:
    """Whether a row of a table covers a module."""
    if row == "derive":
        return module == "derive"
    return fnmatchcase(module, row) or module.startswith(row + ".")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported; a relative import keeps its dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            for alias in node.names:
                name = f"{origin}.{alias.name}"
                yield node.lineno, name if node.level or name in MODULES else origin


def allowed(module: str, target: str) -> bool:
    """Whether the tables let a module import a target."""
    if target.split(".")[0] != "derive":
        package = target.split(".")[0]
        doors = DOORS.get(package, ())
        return package in sys.stdlib_module_names or any(within(module, door) for door in doors)
    rows = [row for row in EDGES if within(module, row)]
    reach = [*rows, *(edge for row in rows for edge in EDGES[row])]
    return any(within(target, row) for row in reach)


def violations(module: str, source: str) -> list[str]:
    """The imports of one module that the tables do not allow, a line each."""
    return [
        f"line {line}: {module} imports {target}"
        for line, target in imported(ast.parse(source))
        if not allowed(module, target)
    ]


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_tables(module: str) -> None:
    assert violations(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_lies_in_a_room(module: str) -> None:
    assert any(within(module, row) for row in EDGES)


def test_rows_name_modules_that_exist() -> None:
    named = {*EDGES, *(edge for edges in EDGES.values() for edge in edges)}
    assert sorted(named - MODULES.keys()) == []


def test_rows_point_backwards() -> None:
    rooms = list(EDGES)
    for place, room in enumerate(rooms[:-1]):
        above = [row for row in rooms[:place] if row != "derive"]
        for edge in EDGES[room]:
            assert edge == "derive" or any(within(edge, row) for row in above), (room, edge)


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("derive.verify.walker", "from derive.tensor import nodes", "derive.tensor.nodes"),
        ("derive.verify.walker", "def f():\n    import derive.calculus", "derive.calculus"),
        ("derive.verify.walker", "from derive import Derivation", "derive"),
        ("derive.verify.walker", "from derive import notation", "derive.notation"),
        ("derive.tensor.nodes", "from derive.problem import Problem", "derive.problem"),
        ("derive.shapes", "if TYPE_CHECKING:\n    import derive.problem", "derive.problem"),
        ("derive.errors", "import sympy", "sympy"),
        ("derive.emit.latex", "from derive.verify import check", "derive.verify"),
        ("derive.emit.latex", "from rich.table import Table", "rich.table"),
        ("derive.language.parser", "import numpy as np", "numpy"),
        ("derive.calculus.laws", "from .chain import sweep", ".chain.sweep"),
        ("derive.calculus.laws", "import os, jax", "jax"),
        ("derive.cli.explain", "from derive.tensor import lower", "derive.tensor"),
        ("derive.cli.explain", "import cli", "cli"),
        ("derive.helpers", "from derive.errors import InputError", "derive.errors"),
    ],
)
def test_planted_imports_are_caught(module: str, source: str, target: str) -> None:
    (found,) = violations(module, source)
    assert found.endswith(f"{module} imports {target}")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("derive.tensor.lowering", "from derive.problem import Problem"),
        ("derive.tensor.lowering", "from derive.errors import InputError"),
        ("derive.emit.terminal", "from rich.table import Table"),
        ("derive.emit.terminal_steps", "from rich.table import Table"),
        ("derive.emit.json", "from derive.verify.report import Report"),
        ("derive.cli.explain", "from derive import explain"),
        ("derive.calculus.laws", "from derive.calculus.chain import sweep"),
    ],
)
def test_imports_in_the_tables_pass(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_help_imports_neither_sympy_nor_numpy() -> None:
    program = (
        "import sys\n"
        "from derive.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "sys.exit(' '.join({'sympy', 'numpy'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stderr.strip() == ""
    assert "Usage" in ran.stdout
