"""What every test shares: the seed, where golden pages lie, and a terminal without surprises.

``--seed N`` moves every random point; ``--regen-all`` rewrites the golden pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent

hypothesis.settings.register_profile("derive", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("derive")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="seed of the random points (default: 0)")


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.getoption('seed')}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of the language's functions, where it was tested."""
    told: dict[str, dict[str, str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for label, cell in getattr(report, "user_properties", ()):
                if label == "vocabulary":
                    told.setdefault(cell[0], {})[cell[1]] = "yes" if report.passed else "NO"
    columns = list(dict.fromkeys(column for row in told.values() for column in row))
    if told:
        terminalreporter.section("functions of the language")
        terminalreporter.line(f"{'':26}" + "".join(f"{column:13}" for column in columns))
    for name, row in sorted(told.items()):
        cells = "".join(f"{row.get(column, '-'):13}" for column in columns)
        terminalreporter.line(f"{name:26}{cells}".rstrip())


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run."""
    return int(request.config.getoption("seed"))


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """A generator that starts anew, from the seed of this run, in every test."""
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def original_datadir(request: pytest.FixtureRequest) -> Path:
    """Golden pages of tests/ROOM/test_X.py: tests/goldens/ROOM/test_X/.

    Beside the tests, a golden module named after its test would be collected as one.
    """
    return TESTS / "goldens" / request.path.relative_to(TESTS).with_suffix("")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colour, and a width that does not depend on where the tests run."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
