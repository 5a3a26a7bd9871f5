"""What a run costs on a Cortex-M: instructions, counted exactly by a plugin of QEMU, and stack, painted.

Instructions are not cycles: dual issue, wait states and a vector unit's width do not show. So they are counted by class as well,
for tapeout.targets.cortexm.cycles to model cycles of them. Counts depend on the sample, the compiler and the core alone, so they
repeat to the last digit.
"""
from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tapeout.compiler.run import check_inputs
from tapeout.targets import tools
from tapeout.targets.c.names import Names
from tapeout.targets.compiled import Compiled

from .engine import EngineFailed, Inputs, program_flags, program_sources
from .profile import Profile, read_notes
from .qemu import PORT, STARTUP, QemuMachine
from .records import encode

COUNTING = Path(__file__).parent / "counting"


@dataclass(frozen=True)
class Measurement:
    """What `<name>_init` and `<name>_run` execute, and each node by its number, as in the built product; bytes of
    stack that a run writes below its caller's frame, the C library's frames included.

    The nodes are counted in a build with two marks per node, in which gcc may move an instruction or two to another side; so
    their sum is close to that of `run`, not equal.
    """

    init: Profile
    run: Profile
    nodes: tuple[Profile, ...]
    stack_bytes: int
    board: str  # on which QEMU ran it

    @property
    def init_instructions(self) -> int:
        return self.init.instructions

    @property
    def run_instructions(self) -> int:
        return self.run.instructions

    @property
    def node_instructions(self) -> tuple[int, ...]:
        return tuple(node.instructions for node in self.nodes)


def measure(compiled: Compiled, inputs: Inputs, machine: QemuMachine | None = None) -> Measurement:
    """Runs the first of the samples, (N, *shape) by value name.

    Raises MissingTool, EngineFailed, and TapeoutError for inputs that do not fit.
    """
    check_inputs(compiled.graph, inputs)
    sample = encode(compiled.graph, {name: inputs[name][:1] for name in compiled.graph.input_names})
    machine = machine or QemuMachine()
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        plugin = build_plugin(Path(folder))
        notes, stack, board = _notes(machine, compiled, sample, plugin, Path(folder) / "plain", [])
        watched, *_ = _notes(machine, compiled, sample, plugin, Path(folder) / "watched", ["-DTAPEOUT_HOOKS"])
    nodes = len(compiled.graph.nodes)
    if len(notes) != 4 or len(watched) != 4 + 2 * nodes:
        raise EngineFailed(machine.name, f"made {len(notes)} and {len(watched)} marks, expected 4 and {4 + 2 * nodes}")
    spans = [after - before for before, after in pairwise(watched)]
    return Measurement(
        init=_called(notes[0], notes[1]),
        run=_called(notes[2], notes[3]),
        nodes=tuple(span.without(alu=1) for span in spans[3 : 3 + 2 * nodes : 2]),
        stack_bytes=stack,
        board=board,
    )


def count(compiled: Compiled, inputs: Inputs, plugin: Path, machine: QemuMachine | None = None) -> Profile:
    """What `<name>_run` executes for the first of the samples, without stack and nodes: one build where `measure` makes two.

    `plugin` is that of `build_plugin`. Raises as `measure` does.
    """
    check_inputs(compiled.graph, inputs)
    sample = encode(compiled.graph, {name: inputs[name][:1] for name in compiled.graph.input_names})
    machine = machine or QemuMachine()
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        notes, *_ = _notes(machine, compiled, sample, plugin, Path(folder) / "plain", [])
    if len(notes) != 4:
        raise EngineFailed(machine.name, f"made {len(notes)} marks, expected 4")
    return _called(notes[2], notes[3])


def _called(before: Profile, after: Profile) -> Profile:
    """What a function executes: between two notes lie the first mark, not the second, and the instruction that calls."""
    return (after - before).without(alu=1, branch_taken=1)


def build_plugin(folder: Path) -> Path:
    """Compiles the plugin. Raises MissingTool or ToolFailed."""
    plugin = folder / "count.so"
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")
    tools.call(["gcc", *strict, "-shared", "-fPIC", COUNTING / "count.c", "-o", plugin])
    return plugin


def _notes(
    machine: QemuMachine, compiled: Compiled, sample: bytes, plugin: Path, folder: Path, hooks: list[str]
) -> tuple[list[Profile], int, str]:
    """What was executed before each mark, the bytes of stack that the run uses, and the board."""
    folder.mkdir()
    (folder / "inputs.bin").write_bytes(sample)
    foreign = ",".join(f"tapeout_foreign[{i}]" for i in range(len(compiled.plan.foreign(compiled.graph))))
    functions = [
        f"-DMODEL_INIT={compiled.name}_init", f"-DMODEL_RUN={Names(compiled.graph, compiled.name).entry}",
        f'-DMODEL_HEADER="{compiled.name}.h"',
        f"-DMODEL_ARGUMENTS={foreign}",
    ]
    # The folder of the marks comes first: for the model, its hooks.h stands for the harness's.
    flags = [*hooks, *functions, f"-I{COUNTING}", *program_flags(compiled, "plain")]
    sources = [*program_sources(compiled, "measure", folder), PORT, STARTUP]
    firmware = machine.build(compiled, sources, flags, folder, ["-Wl,--wrap=tapeout_init,--wrap=tapeout_run"])
    machine.start(compiled, firmware, folder, ["-plugin", f"{plugin},out={folder / 'notes'}"])
    stack = int(np.frombuffer((folder / "outputs.bin").read_bytes(), "<u4", 1)[0])
    return read_notes(folder / "notes"), stack, firmware.board.name
