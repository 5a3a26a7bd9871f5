"""Engines that simulate SystemVerilog: `rtl` the design, `netlist` what yosys makes of it."""
from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tapeout.compiler.ir import Type
from tapeout.compiler.run import check_inputs
from tapeout.targets import tools
from tapeout.targets.hardware import Design, Hardware
from tapeout.targets.rtl.hardware import Rtl

from ..design import DesignEngine, Run, Stopped
from ..engine import EngineFailed, Inputs, Outputs
from .netlist import build_netlist
from .queues import node_outputs, watch
from .simulator import Conditions, Simulator, build

_STALLS = 0.25  # of the cycles, on every port


class Build(Protocol):
    def __call__(self, folder: Path, types: Mapping[str, Type], place: Path, *, wave: str | None = None) -> Simulator: ...


@dataclass(frozen=True)
class Simulation(DesignEngine):
    """Frames back to back: without stalls, in which cycles are counted, and with random stalls on every port."""

    make: Build = build
    traces: bool = True  # nodes have queues to look into

    def runs(self, hardware: Hardware) -> bool:
        return isinstance(hardware, Rtl)

    def run(self, design: Design, inputs: Inputs) -> tuple[Run, ...]:
        check_inputs(design.graph, inputs)
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            made = self._built(design, Path(place))
            outputs, timing = made.run(inputs)
            return Run(outputs, timing=timing), Run(made.run(inputs, _STALLS)[0], _STALLS, timing)

    def trace(self, design: Design, inputs: Inputs, stalls: float, sample: int) -> Outputs:
        """All samples run again, as they did, since a mistake may show after others only, or in a stall."""
        if not self.traces:
            return {}
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            watched = watch(design.folder, _types(design), Path(place))
            return node_outputs(watched, design.graph, inputs, Conditions(stalls), sample)

    @property
    def waves(self) -> bool:
        return True

    def waveform(self, design: Design, inputs: Inputs, stalls: float, frame: int, file: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            made, at = self._built(design, Path(place), file.suffix), Path(place) / "run"
            at.mkdir()
            try:
                made.run_in(at, inputs, Conditions(stalls), (f"wave={file.resolve()}", f"frame={frame}"))
            except Stopped:
                return  # as the run did that is shown

    def _built(self, design: Design, place: Path, wave: str | None = None) -> Simulator:
        try:
            return replace(self.make(design.folder, _types(design), place, wave=wave), name=self.name)
        except tools.ToolFailed as error:
            raise EngineFailed(self.name, str(error)) from None


def _types(design: Design) -> dict[str, Type]:
    return {name: value.type for name, value in design.graph.values.items()}


ENGINES = (Simulation("rtl"), Simulation("netlist", False, build_netlist, False))
