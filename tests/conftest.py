"""Shared fixtures. Real models and data are read in place from the zoo, which a user's clone may lack."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
ZOO = Path(os.environ.get("TAPEOUT_ZOO", Path(__file__).resolve().parents[2] / "shared" / "zoo"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what people read anew to tests/golden; look at the difference")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in tests/golden, or writes the file with --update-golden."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        expected = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        assert text.splitlines() == expected, f"{name} has changed; if that is meant, run pytest with --update-golden and read the diff"

    return compare


@pytest.fixture(scope="session")
def zoo() -> Path:
    """The folder of real models and data; tests that ask for it are left out where it is missing."""
    return ZOO


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if ZOO.is_dir():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"no zoo at {ZOO}: set TAPEOUT_ZOO to the folder of test models")
    needing = [i for i in items if "zoo" in getattr(i, "fixturenames", ())]
    config.hook.pytest_deselected(items=needing)
    items[:] = [i for i in items if i not in needing]
    print(f"{len(needing)} tests left out: they need the models that TAPEOUT_ZOO would point to")
