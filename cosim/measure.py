"""What a run costs on a Cortex-M: instructions, counted exactly by a plugin of QEMU, and stack, painted.

Instructions are not cycles: dual issue, wait states and a vector unit's width do not show. Counts depend on the sample, the
compiler and the core alone, so they repeat to the last digit.
"""
from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tapeout.compiler.run import check_inputs
from tapeout.targets import tools
from tapeout.targets.compiled import Compiled

from .engine import EngineFailed, Inputs, program_flags, program_sources
from .qemu import PORT, STARTUP, QemuMachine
from .records import encode

COUNTING = Path(__file__).parent / "counting"


@dataclass(frozen=True)
class Measurement:
    """Instructions of `<name>_init` and `<name>_run`, and of each node by its number, as in the built product; bytes of
    stack that a run writes below its caller's frame, the C library's frames included.

    The nodes are counted in a build with two marks per node, in which gcc may move an instruction or two to another side; so
    their sum is close to `run_instructions`, not equal.
    """

    init_instructions: int
    run_instructions: int
    node_instructions: tuple[int, ...]
    stack_bytes: int
    board: str  # on which QEMU ran it


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
    # Between two notes lie the first mark, not the second, and for init and run the instruction that calls.
    spans = [after - before for before, after in pairwise(watched)]
    return Measurement(
        init_instructions=notes[1] - notes[0] - 2,
        run_instructions=notes[3] - notes[2] - 2,
        node_instructions=tuple(span - 1 for span in spans[3 : 3 + 2 * nodes : 2]),
        stack_bytes=stack,
        board=board,
    )


def build_plugin(folder: Path) -> Path:
    """Compiles the plugin. Raises MissingTool or ToolFailed."""
    plugin = folder / "count.so"
    tools.call(["gcc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", COUNTING / "count.c", "-o", plugin])
    return plugin


def _notes(
    machine: QemuMachine, compiled: Compiled, sample: bytes, plugin: Path, folder: Path, hooks: list[str]
) -> tuple[list[int], int, str]:
    """The instructions executed before each mark, the bytes of stack that the run uses, and the board."""
    folder.mkdir()
    (folder / "inputs.bin").write_bytes(sample)
    functions = [f"-DMODEL_INIT={compiled.name}_init", f"-DMODEL_RUN={compiled.name}_run"]
    # The folder of the marks comes first: for the model, its hooks.h stands for the harness's.
    flags = [*hooks, *functions, f"-I{COUNTING}", *program_flags(compiled, "plain")]
    sources = [*program_sources(compiled, "measure", folder), PORT, STARTUP]
    firmware = machine.build(compiled, sources, flags, folder, ["-Wl,--wrap=tapeout_init,--wrap=tapeout_run"])
    machine.start(compiled, firmware, folder, ["-plugin", f"{plugin},out={folder / 'notes'}"])
    stack = int(np.frombuffer((folder / "outputs.bin").read_bytes(), "<u4", 1)[0])
    return [int(line) for line in (folder / "notes").read_text().split()], stack, firmware.board.name
