"""The wheel holds every file of the package, under the names by which they are imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
# folder of the source tree: where it lies in the wheel
FOLDERS: Final = {"derive": "derive", "cli": "derive/cli", "templates": "derive/templates"}
PAGES: Final = ("pyproject.toml", "README.md", "LICENSE")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; if it fails, so does the test, with all that it printed."""
    ran = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def expected_files() -> set[str]:
    """Every file under the folders of the package; only byte code is left out."""
    return {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, which is built from a copy of the source tree.

    A copy has no ``build/``, which setuptools never cleans and whose leftovers would ship.
    """
    tree = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for page in PAGES:
        shutil.copy(ROOT / page, tree)
    run("-m", "build", "--no-isolation", cwd=tree)
    (built,) = (tree / "dist").glob("matrix_derive-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_wheel_holds_every_file_and_no_other(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {name for name in names if ".dist-info/" not in name}
    expected = expected_files()
    assert sorted(expected - shipped) == [], "not shipped: list it in pyproject.toml"
    assert sorted(shipped - expected) == []


def test_wheel_carries_its_license_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        pages = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
        assert "licenses/LICENSE" in pages
        assert "derive = derive.cli:main" in archive.read(pages["entry_points.txt"]).decode()


def test_installed_package_needs_no_source_tree(installed: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import derive, derive.cli, derive.examples, derive.templates\n"
        "from jinja2 import PackageLoader\n"
        "print(*derive.__path__, *derive.cli.__path__, *derive.templates.__path__, sep='\\n')\n"
        "print(*PackageLoader('derive.templates', '').list_templates(), sep='\\n')\n"
    )
    printed = run("-c", program, installed, cwd=installed).splitlines()
    places = ["derive", "derive/cli", "derive/templates"]
    assert printed[:3] == [str(installed / place) for place in places]
    templates = {
        name.removeprefix("derive/templates/")
        for name in expected_files()
        if name.endswith(".jinja")
    }
    assert {line for line in printed[3:] if line.endswith(".jinja")} == templates


def test_source_tree_needs_no_installation() -> None:
    program = (
        "import sys\n"
        "finders = [f for f in sys.meta_path if 'editable' not in getattr(f, '__module__', '')]\n"
        "sys.meta_path[:] = finders\n"
        "import derive.cli, derive.templates\n"
        "print(derive.cli.__file__, derive.templates.__file__, sep='\\n')\n"
    )
    printed = run("-c", program, cwd=ROOT).splitlines()
    assert printed == [str(ROOT / "cli/__init__.py"), str(ROOT / "templates/__init__.py")]
