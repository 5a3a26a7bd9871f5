"""Engines that run designs of hardware: high-level synthesis in its C simulation, RTL and netlists in a simulator.

An engine is found by its file: every `cosim/<folder>/engines.py` has a tuple `ENGINES`.
"""
from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.targets.hardware import Design, Hardware

from .engine import EngineFailed, Inputs, Outputs


@dataclass(frozen=True)
class Timing:
    """Clock cycles of a run without stalls: of all frames; from the first beat in to the last one of the first frame out; between ends of
    frames, rounded up, None for a single frame. `planned` is the interval that the folds were chosen for."""

    cycles: int
    latency: int
    interval: int | None
    planned: int

    def text(self) -> str:
        """`latency 612 cycles, a frame every 256 cycles (256 planned)`."""
        every = "one frame tells no interval" if self.interval is None else f"a frame every {self.interval:,} cycles"
        return f"latency {self.latency:,} cycles, {every} ({self.planned:,} planned)"


@dataclass(frozen=True)
class Run:
    """The outputs of all samples, by value name; each port stalled in a share `stalls` of the cycles."""

    outputs: Outputs
    stalls: float = 0.0
    timing: Timing | None = None


class Stopped(EngineFailed):
    """A run that ended before all frames had come out: `frame` is the first that had not."""

    def __init__(self, engine: str, reason: str, frame: int, stalls: float) -> None:
        super().__init__(engine, reason)
        self.frame = frame
        self.stalls = stalls


@dataclass(frozen=True)
class DesignEngine(ABC):
    name: str
    usual: bool = True  # runs when no engines are named; False for one that takes long

    @abstractmethod
    def runs(self, hardware: Hardware) -> bool:
        """Whether designs of this target are for this engine."""

    @abstractmethod
    def run(self, design: Design, inputs: Inputs) -> tuple[Run, ...]:
        """The same samples (N, *shape) of codes, by value name, in one way or more. Raises TapeoutError for a tool that is missing,
        EngineFailed for a run that ends early."""

    def trace(self, design: Design, inputs: Inputs, stalls: float, sample: int) -> Outputs:
        """What nodes give for one sample in such a run, (1, *shape), as far as the engine can tell, to name the first that differs."""
        return {}

    @property
    def waves(self) -> bool:
        """Whether it writes waveforms."""
        return False

    def waveform(self, design: Design, inputs: Inputs, stalls: float, frame: int, file: Path) -> None:
        """Writes the signals from the first beat of a frame in to its last one out, in the format that the file's name ends with."""
        raise TapeoutError(f"--waveform: engine {self.name} has no signals")


def design_engines() -> tuple[DesignEngine, ...]:
    """Every engine for designs, by folder and then in the order of its file."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/engines.py"))
    return tuple(engine for f in folders for engine in importlib.import_module(f"{__package__}.{f}.engines").ENGINES)
