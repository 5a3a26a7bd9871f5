"""The target `rtl`: SystemVerilog of our own."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.synthesis import Synthesis

from ..hardware import DesignOptions, Hardware
from .depths import parse_depths
from .device import find_device
from .emit import write_design
from .estimate import design_rows
from .folding import parse_folds
from .ports import Ports
from .unroll import STRATEGY, levels_for, unroll


@dataclass(frozen=True)
class Rtl(Hardware):
    """Layers that take cycles and share multipliers, or, by a strategy, layers in which every weight is wired."""

    def check(self, options: DesignOptions) -> None:
        super().check(options)
        if options.strategy not in (None, STRATEGY):
            raise TapeoutError(f"--strategy {options.strategy}: target {self.name} takes {STRATEGY}")
        if options.strategy and options.fold:
            raise TapeoutError(f"--strategy {STRATEGY}: has no multipliers to share; leave out --fold")
        if options.strategy and options.fifo:
            raise TapeoutError(f"--strategy {STRATEGY}: no queues stand between layers; leave out --fifo")
        if options.strategy and options.weight_memory == "loadable":
            raise TapeoutError(f"--strategy {STRATEGY}: weights are wires, which nothing loads; leave out --weight-memory")
        if options.clock_ns and not options.strategy:
            raise TapeoutError(f"--clock-ns: target {self.name} takes it with --strategy {STRATEGY}, whose stages it divides")

    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        self.check(options)
        device = find_device(options.part) if options.part else None
        unrolled = unroll(graph, levels_for(options.clock_ns)) if options.strategy else {}
        folds = {} if options.strategy else parse_folds(options.fold or (), graph, device)
        depths = parse_depths(options.fifo or ())
        write_design(graph, folder, folds, name, depths, options.weight_memory == "loadable", unrolled)

    def estimate(self, folder: Path, graph: Graph, options: DesignOptions) -> Synthesis | None:
        device = find_device(options.part or _USUAL)
        return Synthesis(device.name, device.capacity, design_rows(graph, Ports.load(folder).layers, device.family))


_USUAL = "ecp5-25k"  # the device whose resources are estimated where none is named

HARDWARE = (Rtl("rtl", frozenset({"clock_ns", "fifo", "fold", "part", "strategy", "weight_memory"})),)
