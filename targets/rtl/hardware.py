"""The target `rtl`: SystemVerilog of our own."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph

from ..hardware import DesignOptions, Hardware
from .depths import parse_depths
from .emit import write_design
from .folding import parse_folds
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
        if options.strategy and (options.fifo or options.weight_memory):
            raise TapeoutError(f"--strategy {STRATEGY}: has no queues and no weights in memory; leave out --fifo and --weight-memory")
        if options.clock_ns and not options.strategy:
            raise TapeoutError(f"--clock-ns: target {self.name} takes it with --strategy {STRATEGY}, whose stages it divides")

    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        self.check(options)
        if options.strategy:
            write_design(graph, folder, {}, name, unrolled=unroll(graph, levels_for(options.clock_ns)))
            return
        depths = parse_depths(options.fifo or ())
        write_design(graph, folder, parse_folds(options.fold or (), graph), name, depths, options.weight_memory == "loadable")


HARDWARE = (Rtl("rtl", frozenset({"fold", "fifo", "weight_memory", "strategy", "clock_ns"})),)
