"""output/ holds what the program writes now, and what it holds is right and works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

import derive
from derive.emit.catalogues import languages
from derive.examples import descriptions
from derive.workflow import build_index, check_code

ROOT: Final = Path(__file__).resolve().parents[1]
GALLERY: Final = ROOT / "output"
NETWORKS: Final = ("circles", "circles_rows")
TRAINED: Final = ("*.png",)
"""What a training run leaves behind, which depends on the machine."""


FIGURES: Final = ("error", "point", "worst")
"""What a record says of the largest errors."""


def steady(text: str, format: str = "") -> str:
    """A text without the figures that depend on the machine, in one line."""
    if format == ".json":
        text = json.dumps(json.loads(text, object_hook=without_figures), ensure_ascii=False)
    return re.sub(r"\b(\d+e-\d+|0) \((?=complex|central)", "ERROR (", " ".join(text.split()))


def without_figures(data: dict[str, Any]) -> dict[str, Any]:
    """A part of a record without what it says of the largest errors."""
    return {key: value for key, value in data.items() if key not in FIGURES}


@pytest.mark.parametrize("name", descriptions())
def test_the_gallery_is_what_the_program_writes(name: str, tmp_path: Path) -> None:
    written = derive.build(derive.example(name), tmp_path, lang=languages())
    kept = {
        path.name
        for path in (GALLERY / name).iterdir()
        if path.is_file() and not any(path.match(pattern) for pattern in TRAINED)
    }
    assert kept == {path.name for path in written}, "run make gallery, and read the difference"
    for path in written:
        old = (GALLERY / name / path.name).read_text(encoding="utf-8")
        new = path.read_text(encoding="utf-8")
        same = steady(old, path.suffix) == steady(new, path.suffix)
        assert same, f"{path.name}: run make gallery, and read the difference"


def test_the_gallery_has_no_other_folders() -> None:
    folders = [path.name for path in GALLERY.iterdir() if path.is_dir()]
    assert sorted(folders) == sorted(descriptions())


def test_the_index_is_what_the_program_writes(tmp_path: Path) -> None:
    for name in descriptions():
        (tmp_path / name).mkdir()
        for file in (GALLERY / name).iterdir():
            if file.is_file():
                (tmp_path / name / file.name).touch()
    written = build_index(tmp_path)
    assert {path.name for path in written} == {p.name for p in GALLERY.iterdir() if p.is_file()}
    for path in written:
        old, new = (folder / path.name for folder in (GALLERY, tmp_path))
        assert old.read_text(encoding="utf-8") == new.read_text(encoding="utf-8")


def test_every_link_of_the_index_leads_somewhere() -> None:
    page = (GALLERY / "index.html").read_text(encoding="utf-8")
    links = [link for link in re.findall(r'href="([^"]+)"', page) if not link.startswith("#")]
    assert links and all((GALLERY / link).is_file() for link in links)


@pytest.mark.parametrize("name", descriptions())
def test_every_gradient_of_the_gallery_at_three_sizes(name: str, seed: int) -> None:
    problem = derive.example(name)
    report = check_code(derive.derive(problem), seed)
    assert report.passed, str(report)
    assert report.points == 3
    assert max(report.worst.values()) < 1e-9
    if problem.sizes:
        assert any(1 in sizes.values() for sizes in report.sizes)


@pytest.mark.parametrize("name", descriptions())
def test_the_tests_of_the_gallery_pass(name: str, tmp_path: Path) -> None:
    shutil.copytree(GALLERY / name, tmp_path / name)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "."],
        cwd=tmp_path / name,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_learns(name: str, number: int, tmp_path: Path) -> None:
    shutil.copytree(GALLERY / name, tmp_path / name)
    ran = subprocess.run(
        [sys.executable, "train.py", "--seed", str(number)],
        cwd=tmp_path / name,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    found = re.search(r"^held-out accuracy ([\d.]+)%$", ran.stdout, re.MULTILINE)
    assert found is not None
    assert float(found[1]) >= 97.0
    assert "\r" not in ran.stdout
    pictures = list((tmp_path / name).glob("*.png"))
    assert bool(pictures) != ("matplotlib is not installed" in ran.stdout)


def test_without_matplotlib_the_script_says_so_and_goes_on(tmp_path: Path) -> None:
    shutil.copytree(GALLERY / "circles", tmp_path, dirs_exist_ok=True)
    (tmp_path / "decision_boundary.png").unlink(missing_ok=True)
    (tmp_path / "matplotlib.py").write_text("raise ImportError('planted')")
    ran = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "matplotlib is not installed, so there is no picture" in ran.stdout
    assert not (tmp_path / "decision_boundary.png").exists()
