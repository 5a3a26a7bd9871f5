"""Shared fixtures. Real models and data are read in place from the zoo, which a user's clone may lack."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

ZOO = Path(os.environ.get("TAPEOUT_ZOO", Path(__file__).resolve().parents[2] / "shared" / "zoo"))


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
