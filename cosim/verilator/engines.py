"""Engines that simulate SystemVerilog: `rtl` the design, `netlist` what yosys makes of it."""
from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.ir import Type
from tapeout.compiler.run import check_inputs
from tapeout.targets import tools
from tapeout.targets.hardware import Design, Hardware
from tapeout.targets.rtl.hardware import Rtl

from ..design import DesignEngine
from ..engine import EngineFailed, Inputs, Outputs
from .netlist import build_netlist
from .simulator import Simulator, build

_STALLS = 0.25  # of the cycles, on every port


@dataclass(frozen=True)
class Simulation(DesignEngine):
    """Frames back to back, with random stalls on every port."""

    make: Callable[[Path, Mapping[str, Type], Path], Simulator] = build

    def runs(self, hardware: Hardware) -> bool:
        return isinstance(hardware, Rtl)

    def run(self, design: Design, inputs: Inputs) -> Outputs:
        check_inputs(design.graph, inputs)
        types = {name: value.type for name, value in design.graph.values.items()}
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            try:
                outputs, _ = self.make(design.folder, types, Path(place)).run(inputs, _STALLS)
            except tools.ToolFailed as error:
                raise EngineFailed(self.name, str(error)) from None
        return outputs


ENGINES = (Simulation("rtl"), Simulation("netlist", False, build_netlist))
