"""The target `rtl`: SystemVerilog of our own."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.ir import Graph
from tapeout.compiler.synthesis import Synthesis

from ..hardware import DesignOptions, Hardware
from .depths import parse_depths
from .device import find_device
from .emit import Ports, write_design
from .estimate import estimates
from .folding import parse_folds


@dataclass(frozen=True)
class Rtl(Hardware):
    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        device = find_device(options.part) if options.part else None
        depths = parse_depths(options.fifo or ())
        write_design(graph, folder, parse_folds(options.fold or (), graph, device), name, depths, options.weight_memory == "loadable")

    def estimate(self, folder: Path, graph: Graph, options: DesignOptions) -> Synthesis | None:
        device = find_device(options.part or _USUAL)
        folds = {place.layer: place.fold for place in Ports.load(folder).layers}
        return Synthesis(device.name, device.capacity, estimates(graph, folds, device.family))


_USUAL = "ecp5-25k"  # the device whose resources are estimated where none is named


HARDWARE = (Rtl("rtl", frozenset({"fold", "part", "fifo", "weight_memory"})),)
