"""Engines that run designs of hardware: high-level synthesis in its C simulation, RTL and netlists in a simulator."""
from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from tapeout.targets.hardware import Design, Hardware

from .engine import Inputs, Outputs


@dataclass(frozen=True)
class DesignEngine(ABC):
    name: str

    @abstractmethod
    def runs(self, hardware: Hardware) -> bool:
        """Whether designs of this target are for this engine."""

    @abstractmethod
    def run(self, design: Design, inputs: Inputs) -> Outputs:
        """The graph's outputs, (N, *shape) codes by value name. Raises TapeoutError for a tool that is missing, EngineFailed for a run
        that ends early."""


DESIGN_ENGINES: tuple[DesignEngine, ...] = ()
