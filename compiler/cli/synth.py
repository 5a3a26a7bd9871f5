"""`tapeout synth`: synthesizes, places and routes the design of a compiled folder, and holds it against budgets."""
from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import CheckFailed, TapeoutError

if TYPE_CHECKING:
    from tapeout.targets.bundle import Bundle
    from tapeout.targets.rtl.device import Device

    from ..budget import Budget
    from ..synthesis import Resources, Synthesis, Timing

_FRAMES = 3  # simulated back to back: of the first the latency is known, of the others the interval


@click.command("synth")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--device", "device_name", required=True, metavar="D", help="ecp5-25k, ecp5-85k, ice40-hx8k or gowin-gw2ar18.")
@click.option("--clock", "clock_mhz", type=click.FloatRange(0, min_open=True), default=100.0, show_default=True, metavar="MHZ",
              help="The clock that placement and routing aim at; what they reach is reported.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of placement and routing.")
@click.option("--no-route", is_flag=True, help="Stop behind synthesis: no clock, no latency, no energy.")
@click.option("--budget", default="", metavar="K=V,...", help="Bounds such as lut=20k,dsp=28,fmax=50M,latency=2us,interval=256,energy=1uJ.")
def command(folder: Path, device_name: str, clock_mhz: float, seed: int, no_route: bool, budget: str) -> None:
    """Synthesize the design that was compiled into DIR for a device, place and route it; into report.json with it.

    Status 1 when a budget is not met.
    """
    from tapeout.targets.bundle import Bundle
    from tapeout.targets.rtl.device import find_device

    from ..budget import parse_budgets
    from ..design_gates import design_gates
    from ..report import from_json
    from .synthesis_tables import show_synthesis

    bundle, device, budgets = Bundle.load(folder), find_device(device_name), parse_budgets(budget)
    report = from_json((folder / "report.json").read_text(), str(folder / "report.json"))
    _check(bundle, budgets)
    synthesis = run_synthesis(bundle, device, clock_mhz, seed, route=not no_route)
    gates = design_gates(budgets, synthesis)
    kept = tuple(gate for gate in report.budgets if gate.quantity not in {g.quantity for g in gates})
    report = replace(report, synthesis=synthesis, budgets=(*kept, *gates), tools=report.tools | _versions(device))
    (folder / "report.json").write_text(report.to_json())
    show_synthesis(synthesis)
    for gate in gates:
        click.echo(gate.text())
    over = [gate.text() for gate in gates if not gate.met]
    if over:
        raise CheckFailed("; ".join(over))


def _check(bundle: Bundle, budgets: Sequence[Budget]) -> None:
    """Raises TapeoutError for a folder without a design in RTL, or a budget that bounds none, before anything runs."""
    from tapeout.targets.rtl.hardware import Rtl

    from ..design_gates import DESIGN

    if not isinstance(bundle.hardware, Rtl):
        raise TapeoutError(f"{bundle.folder}: holds no design in RTL, but {bundle.manifest.target}; compile with --target rtl")
    for budget in budgets:
        if budget.quantity not in DESIGN:
            raise TapeoutError(f"--budget {budget.quantity}: bounds no design of hardware; these do: {', '.join(DESIGN)}")


def run_synthesis(bundle: Bundle, device: Device, clock_mhz: float, seed: int, route: bool = True) -> Synthesis:
    """All figures of a design on a device. Raises MissingTool, and TapeoutError for a design that does not fit."""
    from tapeout.targets import tools
    from tapeout.targets.rtl.energy import model_energy
    from tapeout.targets.rtl.estimate import design_rows
    from tapeout.targets.rtl.families import find_family
    from tapeout.targets.rtl.ports import Ports
    from tapeout.targets.rtl.synth import place_and_route, synthesize

    from ..synthesis import Synthesis

    design = bundle.design().folder
    for tool in ("yosys", *((find_family(device.family).nextpnr,) if route else ())):
        tools.find(tool)
    rows = design_rows(bundle.graph, Ports.load(design).layers, device.family)
    with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
        netlist = synthesize(design, Path(place), device)
        layers = tuple(replace(row, used=netlist.layers[row.name]) for row in rows)
        made = Synthesis(device.name, device.capacity, layers, netlist.pins)
        check_fits(made, device)
        if not route:
            return made
        try:
            routed = place_and_route(design, Path(place), device, clock_mhz, seed)
        except tools.ToolFailed as error:
            raise TapeoutError(f"{device.name}: could not be placed and routed ({error}); {_ADVICE}") from None
        timing = _measured(bundle, Path(place))
        return replace(made, routed=routed, timing=timing, energy=model_energy(netlist.total, timing, routed, device))


_ADVICE = "fold it more, such as --fold with more cycles or --fold lut=N, or take a larger device"


def check_fits(synthesis: Synthesis, device: Device) -> None:
    """Raises TapeoutError that says of what there is too much, by how much, and which layer has most of it."""
    assert synthesis.used
    whole: Resources = synthesis.used + synthesis.pins if synthesis.pins else synthesis.used
    over = []
    for kind, count in whole.named().items():
        room = device.capacity.named()[kind]
        if count > room:
            _, most = max((row.used.named()[kind], row.name) for row in synthesis.layers if row.used)
            over.append(f"{kind} {count:,} of {room:,}, {count - room:,} too many, most in {most}")
    if over:
        raise TapeoutError(f"the design does not fit {device.name}: {'; '.join(over)}; {_ADVICE}")


def _measured(bundle: Bundle, place: Path) -> Timing:
    """Cycles in simulation, without stalls."""
    from tapeout.cosim.vectors import random_inputs
    from tapeout.cosim.verilator.simulator import build

    from ..synthesis import Timing

    types = {name: value.type for name, value in bundle.graph.values.items()}
    _, timing = build(bundle.design().folder, types, place / "simulator").run(random_inputs(bundle.graph, _FRAMES, 0))
    assert timing.interval is not None  # of several frames
    return Timing(timing.latency, timing.interval)


def _versions(device: Device) -> dict[str, str]:
    from importlib.metadata import version

    from tapeout.targets import tools
    from tapeout.targets.rtl.families import find_family

    nextpnr = find_family(device.family).nextpnr
    return {"yosys": tools.call(["yosys", "-V"]).strip(), nextpnr: version(nextpnr)}
