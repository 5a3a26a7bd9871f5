"""What tests that run programs on cores in QEMU share."""
from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what all programs of a core link."""
    return tmp_path_factory.mktemp("programs")
