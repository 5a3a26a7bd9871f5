"""Portable C99 for any machine with a C compiler; the host engines of co-simulation run it."""
from __future__ import annotations

from pathlib import Path

from ..target import Target

KERNELS = Path(__file__).parent / "kernels"

TARGETS = (Target("c", (KERNELS,)),)
