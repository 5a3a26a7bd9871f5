"""Synthesis of a design by yosys, placement and routing by nextpnr: what it takes of a device, layer by layer, and how fast it runs."""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.synthesis import Resources, Routed, total

from .. import tools
from .device import Device
from .families import FOLDER, Family, counted, find_family
from .ports import Ports
from .wrapper import LABEL, NAME, pins_of, wrapper


@dataclass(frozen=True)
class Netlist:
    """What a netlist takes: each layer, and the wrapper where there is one. `cells` counts by kind."""

    layers: Mapping[str, Resources]
    pins: Resources | None
    cells: Mapping[str, int]

    @property
    def total(self) -> Resources:
        return total(self.layers.values())


def synthesize(folder: Path, place: Path, device: Device, dsp: bool = True, wrap: bool = True) -> Netlist:
    """Makes the netlist of the design in `folder`: `netlist.json` for nextpnr and `netlist.v` for simulation, in `place`.

    Each instance of the top module is mapped by itself, so that every cell is of one layer; then all is flat. Without `dsp` multipliers
    are made of tables. A device with too few pins gets the design in a wrapper, if `wrap`. Raises MissingTool, ToolFailed, or
    TapeoutError for a kind of cell that is not known.
    """
    ports, family, place = Ports.load(folder), find_family(device.family), place.resolve()
    if not ports.layers:
        raise TapeoutError(f"{folder}: an older tapeout wrote this design; compile again")
    place.mkdir(parents=True, exist_ok=True)
    files, top = [file.name for file in sorted(folder.glob("*.sv"))], ports.module
    wrapped = wrap and pins_of(ports) > device.pins
    if wrapped:
        (place / "pins.sv").write_text(wrapper(ports))
        files, top = [*files, str(place / "pins.sv")], NAME
    tools.call(["yosys", "-q", "-p", _script(files, ports.module, top, place, family, dsp)], folder)
    return _by_layer(place / "netlist.json", ports, wrapped, family)


def _script(files: Iterable[str], module: str, top: str, place: Path, family: Family, dsp: bool) -> str:
    mapping = family.mapping.format(top=top, folder=FOLDER, multipliers="" if dsp else family.no_multipliers)
    parts = dict.fromkeys((module, top))
    return "; ".join(filter(None, (
        f"read_verilog -lib {FOLDER / family.blocks}" if family.blocks else "",
        f"read_verilog -sv -defer {' '.join(files)}", f"hierarchy -top {top}",
        *(f"setattr -set keep_hierarchy 1 {part}/c:*" for part in parts), mapping,
        *(f"setattr -unset keep_hierarchy {part}/c:*" for part in parts), "setattr -mod -unset keep_hierarchy", "flatten", "clean",
        family.finish, f"write_verilog -noattr {place}/netlist.v", f"write_json {place}/netlist.json",
    )))  # fmt: skip


def _by_layer(file: Path, ports: Ports, wrapped: bool, family: Family) -> Netlist:
    """The cells of a flat netlist, by the instance that their names begin with."""
    prefix = f"{LABEL}." if wrapped else ""
    owners = {instance: place.layer for place in ports.layers for instance in place.instances}
    cells: dict[str, Counter[str]] = {place.layer: Counter() for place in ports.layers}
    rest: Counter[str] = Counter()
    for name, kind in _kinds(file).items():
        instance, inside, _ = name.removeprefix(prefix).partition(".")
        if inside and instance not in owners and not name.startswith("$"):
            raise TapeoutError(f"{name}: a cell of no layer's instance; compile again")
        (cells[owners[instance]] if instance in owners else rest)[kind] += 1
    if not wrapped:  # a few cells of the top module itself, which the first layer takes
        cells[ports.layers[0].layer] += rest
    pins = counted(rest, family.cells, "pins") if wrapped else None
    layers = {layer: counted(found, family.cells, layer) for layer, found in cells.items()}
    return Netlist(layers, pins, sum(cells.values(), Counter()))


def _kinds(file: Path) -> dict[str, str]:
    """The kind of each cell of a flat netlist."""
    modules = json.loads(file.read_text())["modules"]
    (module,) = (m for m in modules.values() if int(m.get("attributes", {}).get("top", "0"), 2))
    return {name: cell["type"] for name, cell in module["cells"].items()}


def place_and_route(folder: Path, place: Path, device: Device, clock_mhz: float = 100.0, seed: int = 1, route: bool = True) -> Routed:
    """Places and routes what `synthesize` made of the design in `folder`; the pins are nextpnr's choice. Without `route` wires are
    as long as their ends lie apart. Raises MissingTool or ToolFailed, also for a design that does not fit."""
    family, place = find_family(device.family), place.resolve()
    report, options = place / "routed.json", list(family.options)
    if device.places:
        (place / "pins.cst").write_text("".join(f'IO_LOC "{name}" {pin};\n' for name, pin in device.places.items()))
        options += ["--vopt", "cst=pins.cst"]
    tools.call(
        [family.nextpnr, *device.nextpnr, "--json", "netlist.json", "--report", report.name, "--freq", f"{clock_mhz:g}",
         "--timing-allow-fail", "--seed", str(seed), "-q", *options, *(() if route else ("--no-route",))],
        place,
    )  # fmt: skip
    read = json.loads(report.read_text())
    cells = counted(Counter(_kinds(place / "netlist.json").values()), family.cells, "netlist")
    placed, slowest = _sites(read["utilization"], family, cells), _slowest(read["critical_paths"], Ports.load(folder))
    return Routed(placed, _clock(read["fmax"]), seed, round(clock_mhz * 1e6), slowest)


def _slowest(paths: Sequence[Mapping[str, Any]], ports: Ports) -> str:
    """The layer in which the slowest path between registers ends; '' when it ends in none."""
    inside = [path for path in paths if path["from"] == path["to"]]
    if not inside:
        return ""
    instance = inside[0]["path"][-1]["to"]["cell"].removeprefix(f"{LABEL}.").partition(".")[0]
    return next((place.layer for place in ports.layers if instance in place.instances), "")


def _sites(utilization: Mapping[str, Mapping[str, int]], family: Family, cells: Resources) -> Resources:
    """What is placed; `cells` of the netlist count where a family has no site of their own, such as flip-flops in iCE40's logic cells.

    Raises TapeoutError for a report without a kind that the family counts.
    """
    for kind in family.sites:
        if kind not in utilization:
            raise TapeoutError(f"{family.nextpnr}: its report counts no {kind}; this tapeout reads that of another version")
    known = total(family.sites.values()).named()
    found = total(each.times(utilization[kind]["used"]) for kind, each in family.sites.items()).named()
    return Resources(**{kind: found[kind] if known[kind] else count for kind, count in cells.named().items()})


def _clock(clocks: Mapping[str, Mapping[str, float]]) -> int:
    """The hertz of the one clock of a design. Raises TapeoutError when there is not one."""
    if len(clocks) != 1:
        raise TapeoutError(f"the place-and-route tool found {len(clocks)} clocks ({', '.join(clocks) or 'none'}); a design has one")
    (clock,) = clocks.values()
    return round(clock["achieved"] * 1e6)
