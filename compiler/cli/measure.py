"""The figures of a compile: firmware, one seeded run in the simulator, and the report made of them."""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tapeout.cosim.engine import Machine
from tapeout.cosim.host import Host
from tapeout.cosim.measure import Measurement
from tapeout.cosim.measure import measure as measure_run
from tapeout.cosim.profile import Profile
from tapeout.cosim.qemu import QemuMachine
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets.board import Board
from tapeout.targets.c.emit import describe_layout
from tapeout.targets.c.names import Names
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller import firmware
from tapeout.targets.microcontroller.cycles import CycleModel, models, nanojoules
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.target import Target
from tapeout.targets.tools import MissingTool

from ..errors import CheckFailed
from ..ir import Array, Graph, Value
from ..report import SCHEMA, Layer, Memory, Model, Report, Scratch, Totals, edge, gates, layers, node_macs
from ..states import parameters

if TYPE_CHECKING:
    from .compile import Job

_SEED = 0


@dataclass(frozen=True)
class Figures:
    """What was measured; None for what could not be. `notes` says of figures, by their path in the report, how."""

    built: firmware.Firmware | None
    run: Measurement | None
    touched_bytes: int | None
    notes: dict[str, str]
    tools: dict[str, str]
    warnings: tuple[str, ...]


def measure(compiled: Compiled, board: Board | None) -> Figures:
    """Builds and runs what the tools that are there allow. Raises CheckFailed when a run does not use the arena as planned."""
    inputs = random_inputs(compiled.graph, 1, _SEED)
    target = compiled.target
    if not isinstance(target, Microcontroller):
        notes = {"memory.arena_touched_bytes": "measured on the host"}
        try:
            return Figures(None, None, _touched(Host(), compiled, inputs), notes, _versions("gcc"), ())
        except MissingTool as error:
            return Figures(None, None, None, {}, {}, (f"the arena is not measured: {error}",))
    machine = QemuMachine()
    built = None
    try:
        built = firmware_of(compiled, board)
        if target.beyond:
            return _unmeasured(built, target)
        run = measure_run(compiled, inputs, machine)
        where = f"measured in QEMU, {run.board}"
        notes = {
            "memory.flash_bytes": f"measured in the ELF for {built.board.name}",
            "memory.ram_bytes": f"measured: sections of the ELF for {built.board.name}, stack in QEMU",
            "memory.stack_bytes": f"{where}, painted",
            "memory.stack_static_bytes": f"by the compiler ({target.family.toolchain.stack_source})",
            "memory.arena_touched_bytes": where,
            "totals.instructions": f"{where}, exact, one input of seed {_SEED}",
            "layers[].instructions": f"{where}, with a mark between nodes",
            **model_notes(models().get(target.name), board),
        }
        used = (target.family.toolchain.compiler, target.family.simulator)
        return Figures(built, run, _touched(machine, compiled, inputs), notes, _versions(*used), ())
    except MissingTool as error:
        notes = {"memory.flash_bytes": f"measured in the ELF for {built.board.name}"} if built else {}
        return Figures(built, None, None, notes, {}, (f"instructions and stack are not measured: {error}",))


def _unmeasured(built: firmware.Firmware, target: Microcontroller) -> Figures:
    """What is known of a program that QEMU does not run."""
    notes = {
        "memory.flash_bytes": f"measured in the ELF for {built.board.name}",
        "memory.stack_static_bytes": f"by the compiler ({target.family.toolchain.stack_source})",
    }
    said = f"instructions, stack and arena are not measured: QEMU's core has no {target.beyond}; tapeout cosim counts cycles on the RTL"
    return Figures(built, None, None, notes, _versions(target.family.toolchain.compiler), (said,))


def model_notes(model: CycleModel | None, board: Board | None) -> dict[str, str]:
    """How cycles, time and energy follow from the counts; nothing of a core that has no model."""
    if model is None:
        return {}
    notes = {"totals.cycles": f"modelled from instructions by class, zero wait states: {model.source}"}
    if board:
        clock = f"{model.stall:g} x cycles / {board.clock_hz / 1e6:g} MHz"
        notes["totals.latency_ns"] = f"model, {clock}; {model.band}"
    if board and board.power_mw is not None:
        notes["totals.energy_nj"] = f"model, {board.power_mw:g} mW of one board x latency; {model.band}, of the time alone"
    return notes


def _touched(machine: Machine, compiled: Compiled, inputs: dict[str, Array]) -> int:
    found = touched(machine, compiled, inputs)
    if not found.holds:
        raise CheckFailed(f"{compiled.target.name}: the run does not use the arena as planned: {found.text()}")
    return found.bytes


def firmware_of(compiled: Compiled, board: Board | None) -> firmware.Firmware:
    """The program with a minimal main, kept in the bundle, and the stack that the compiler states for it."""
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        built = firmware.build(compiled, board, Path(folder))
        elf = compiled.folder / "firmware" / built.elf.name
        shutil.copyfile(built.elf, elf)
    return replace(built, elf=elf)


def _versions(*tools: str) -> dict[str, str]:
    """The first line of what each tool says of its version."""
    return {t: subprocess.run([t, "--version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0] for t in tools}


def report(job: Job, compiled: Compiled, nominal: Graph, figures: Figures, digest: str) -> Report:
    """The report of a compile. `nominal` is the graph before exact folding, `digest` the SHA-256 of the model.

    Raises TapeoutError for a budget without figure.
    """
    graph, plan = compiled.graph, compiled.plan
    rows = _layers(compiled, nominal, figures.run, job.board)
    totals = _totals(compiled, nominal, figures.run, job.board)
    memory = _memory(compiled, figures)
    names = Names(graph, compiled.name)
    given = {p.value: names.input(p) if plan.holds(p.value) else names.argument(p.value) for p in graph.inputs}
    inputs = tuple(edge(graph, p, plan, given[p.value], describe_layout(p.axes)) for p in graph.inputs)
    outputs = tuple(edge(graph, p, plan, names.output(p), describe_layout(p.axes)) for p in graph.outputs)
    arena = _arena_note(plan.arena_bytes, figures.touched_bytes, bool(compiled.selection.sparse()))
    notes = {"memory.arena_bytes": arena, "totals.macs": "counted from the graph"}
    return Report(
        SCHEMA, version("tapeout"), Model(job.name, job.model.name, digest, _how(job)),
        compiled.target.name, job.board.name if job.board else None,
        inputs, outputs, memory, totals, rows,
        gates(job.budgets, memory, totals, rows), notes | figures.notes, figures.tools, figures.warnings,
    )


def _arena_note(planned: int, touched_bytes: int | None, sparse: bool) -> str:
    """What is known of the arena's size. Every tensor is touched in full, or the compile has failed before, but for sparse scratch."""
    if touched_bytes is None:
        return "planned"
    left = planned - touched_bytes
    what = "of alignment and scratch" if sparse else "of alignment"
    return "planned, equal to the bytes a run touches" + (f" and {left} {what}" if left else "")


def _layers(compiled: Compiled, nominal: Graph, run: Measurement | None, board: Board | None) -> tuple[Layer, ...]:
    graph, selection = compiled.graph, compiled.selection
    symbols, by = selection.symbols(), {name: chosen.by.value for name, chosen in selection.chosen.items()}
    found = layers(graph, nominal, compiled.plan, [symbols.get(n.name) for n in graph.nodes], compiled.sources)
    rows = tuple(
        replace(row, weight_bytes=selection.constant_bytes(graph, node), kernel_by=by.get(node.name))
        for row, node in zip(found, graph.nodes, strict=True)
    )
    if run is None:
        return rows
    return tuple(
        _with_effort(row, profile, row.macs_executed, compiled.target, board) for row, profile in zip(rows, run.nodes, strict=True)
    )


def _totals(compiled: Compiled, nominal: Graph, run: Measurement | None, board: Board | None) -> Totals:
    macs = sum(node_macs(nominal).values())
    executed = sum(node_macs(compiled.graph).values())
    totals = Totals(macs, executed, sum(v.type.size for v in _parameters(compiled.graph)))
    if run is None:
        return totals
    return replace(_with_effort(totals, run.run, macs, compiled.target, board), init_instructions=run.init.instructions)


def _parameters(graph: Graph) -> list[Value]:
    """The constants and the trained weights of a graph, each once."""
    return list({value.name: value for node in graph.nodes for value in parameters(graph, node)}.values())


_Row = TypeVar("_Row", Layer, Totals)


def _with_effort(row: _Row, profile: Profile, macs: int, target: Target, board: Board | None) -> _Row:
    """A row with what it executes, and the cycles, time and energy modelled of that where the core has a model; time and energy
    need a board."""
    row = replace(
        row, instructions=profile.instructions, instructions_per_mac=_per_mac(profile.instructions, macs),
        classes=dict(profile.classes), events=dict(profile.events),
    )
    model = models().get(target.name)
    if model is None:
        return row
    cycles = model.modelled({**profile.classes, **profile.events})
    latency = model.nanoseconds(cycles, board) if board else None
    energy = nanojoules(latency, board) if board and latency is not None else None
    return replace(row, cycles=cycles, cycles_per_mac=_per_mac(cycles, macs), latency_ns=latency, energy_nj=energy)


def _memory(compiled: Compiled, figures: Figures) -> Memory:
    plan, built = compiled.plan, figures.built
    memory = Memory(
        plan.arena_bytes, plan.lower_bound_bytes, plan.optimal,
        tuple(Scratch(b.name.removesuffix(".scratch"), b.bytes) for b in plan.buffers if not b.values),
        compiled.selection.weight_bytes(compiled.graph), compiled.regions, figures.touched_bytes,
    )
    if built:
        sections = {s.name: s.bytes for s in built.sections}
        memory = replace(
            memory, flash_bytes=built.flash_bytes, data_bytes=sections.get(".data", 0), bss_bytes=sections.get(".bss", 0),
            stack_static_bytes=built.stack_bytes, sections=sections,
        )
    if built and figures.run:
        memory = replace(memory, stack_bytes=figures.run.stack_bytes, ram_bytes=built.ram_bytes + figures.run.stack_bytes)
    return memory


def _per_mac(count: int, macs: int) -> float | None:
    return round(count / macs, 4) if macs else None


def _how(job: Job) -> str | None:
    """How the model was quantized here, in a few words."""
    from tapeout.quant.recipe import load

    if job.recipe is None:
        return None
    if job.calibration is None:
        return load(job.recipe).name
    how = ", ".join((f"calibrated by {job.quantize.calibration} on {job.calibration.name}", *job.quantize.improve))
    return f"{load(job.recipe).name}, {how}"
