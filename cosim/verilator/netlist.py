"""The netlist that yosys makes of a design, simulated with models of the device's cells."""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tapeout.compiler.ir import Type
from tapeout.targets import tools
from tapeout.targets.rtl.synth import synthesize

from .simulator import Simulator, build

_BLOCKS = Path(__file__).parent / "ecp5_blocks.v"
_MODELLED = ("DP16KD",)  # by our blocks, of which yosys' file has shells
# The warnings of a netlist and of the models of yosys are not ours to mend.
_OPTIONS = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN", "-Wno-TIMESCALEMOD")


def cell_models(place: Path) -> list[Path]:
    """The models of ECP5's cells: those of yosys, and ours of block RAMs and multipliers. Raises MissingTool."""
    share = Path(tools.find("yosys")).resolve().parent.parent / "share" / "yosys" / "ecp5"
    text = (share / "cells_sim.v").read_text()
    for name in _MODELLED:
        text = re.sub(rf"\(\* blackbox \*\)\s*module {name}\(.*?\bendmodule", "", text, flags=re.DOTALL)
    text = text.replace('`include "cells_ff.vh"', "").replace('`include "cells_io.vh"', "")
    models = place / "cells.v"
    models.write_text(text)
    return [models, _BLOCKS]


def build_netlist(folder: Path, types: Mapping[str, Type], place: Path, wave: str | None = None) -> Simulator:
    """Synthesizes the design of `folder` for ECP5 and builds the simulator of its gates. Raises MissingTool or ToolFailed."""
    synthesize(folder, place)
    return build(folder, types, place, [place / "netlist.v", *cell_models(place)], _OPTIONS, "-O1", wave)
