"""The engine of projects for high-level synthesis."""
from __future__ import annotations

from ..design import DesignEngine
from .simulate import HLS

ENGINES: tuple[DesignEngine, ...] = (HLS,)
