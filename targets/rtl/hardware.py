"""The target `rtl`: SystemVerilog of our own."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.ir import Graph

from ..hardware import DesignOptions, Hardware
from .depths import parse_depths
from .emit import write_design
from .folding import parse_folds


@dataclass(frozen=True)
class Rtl(Hardware):
    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        depths = parse_depths(options.fifo or ())
        write_design(graph, folder, parse_folds(options.fold or (), graph), name, depths, options.weight_memory == "loadable")


HARDWARE = (Rtl("rtl", frozenset({"fold", "fifo", "weight_memory"})),)
