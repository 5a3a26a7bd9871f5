"""Engines that run designs of hardware: high-level synthesis in its C simulation, RTL and netlists in a simulator.

An engine is found by its file: every `cosim/<folder>/engines.py` has a tuple `ENGINES`.
"""
from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tapeout.targets.hardware import Design, Hardware

from .engine import Inputs, Outputs


@dataclass(frozen=True)
class DesignEngine(ABC):
    name: str
    usual: bool = True  # runs when no engines are named; False for one that takes long

    @abstractmethod
    def runs(self, hardware: Hardware) -> bool:
        """Whether designs of this target are for this engine."""

    @abstractmethod
    def run(self, design: Design, inputs: Inputs) -> Outputs:
        """The graph's outputs, (N, *shape) codes by value name. Raises TapeoutError for a tool that is missing, EngineFailed for a run
        that ends early."""


def design_engines() -> tuple[DesignEngine, ...]:
    """Every engine for designs, by folder and then in the order of its file."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/engines.py"))
    return tuple(engine for f in folders for engine in importlib.import_module(f"{__package__}.{f}.engines").ENGINES)
