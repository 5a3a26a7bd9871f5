"""A model of time and energy: cycles from counts of executed instructions by class, seconds by a board's clock, joules by its power.

The figures of each core and where they are from: cycles.toml in the folder of its family. How well the model holds: benchmarks/latency.md.
"""
from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..board import Board


@dataclass(frozen=True)
class CycleModel:
    """A core. `cycles` are those of one instruction of a class, or one event; `issue` is the share of them that is left where
    instructions are issued in pairs; `stall` what a chip takes for each modelled cycle, as its memories make the core wait."""

    core: str
    cycles: Mapping[str, float]
    issue: float
    stall: float
    source: str
    assumes: str
    stall_source: str
    band: str  # what is known of the model's error, in words

    def modelled(self, counts: Mapping[str, int]) -> int:
        """Cycles of so many instructions of each class and so many events. Raises ValueError for what the core does not have."""
        missing = [name for name, count in counts.items() if count and name not in self.cycles]
        if missing:
            raise ValueError(f"{self.core}: cycles.toml has no cycles for {', '.join(missing)}")
        return round(self.issue * sum(count * self.cycles[name] for name, count in counts.items() if count))

    def nanoseconds(self, cycles: int, board: Board) -> int:
        """How long a board takes for so many modelled cycles."""
        return round(cycles * self.stall / board.clock_hz * 1e9)


def nanojoules(nanoseconds: int, board: Board) -> int | None:
    """The energy that a board takes in a time; None when its power is not known."""
    return None if board.power_mw is None else round(nanoseconds * board.power_mw / 1e3)


@cache
def models() -> dict[str, CycleModel]:
    """The models by name of the core; a core whose cycles are not known has none."""
    tables = (tomllib.loads(path.read_text()) for path in sorted(Path(__file__).parents[1].glob("*/cycles.toml")))
    return {core: CycleModel(core, **entry) for table in tables for core, entry in table.items()}
