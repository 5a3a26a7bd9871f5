"""Engines: what runs a compiled model on samples and returns its outputs.

The reference interpreter is one. All others build the emitted C with the harness of `cosim/harness` for a
`Machine`, a way to build and start a program, and differ in the machine, in the hooks that watch the run and in
the layout of the arena.
"""
from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tapeout.compiler.errors import CheckFailed
from tapeout.compiler.ir import Array, Type
from tapeout.compiler.run import check_inputs, run
from tapeout.targets.compiled import Compiled

from .layout import Layout, as_planned, locate, relocate
from .model_table import model_table
from .records import decode, encode

HARNESS = Path(__file__).parent / "harness"

Inputs = Mapping[str, Array]  # (N, *shape) by value name
Outputs = dict[str, Array]  # likewise


class EngineFailed(CheckFailed):
    """An engine could not build the model, or its run ended before all samples were done.

    `crashed` says that the program ended by itself; `node` is the one that ran then, when that is known.
    """

    def __init__(self, engine: str, reason: str, node: str | None = None, crashed: bool = False) -> None:
        super().__init__(f"{engine}: {f'node {node}: ' if node else ''}{reason}")
        self.engine = engine
        self.reason = reason
        self.node = node
        self.crashed = crashed


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        """The graph's outputs. Raises TapeoutError for inputs that do not fit or a tool that is missing, EngineFailed for
        a run that ends early."""
        ...


class Machine(Protocol):
    @property
    def name(self) -> str: ...

    def execute(self, compiled: Compiled, hooks: str, inputs: bytes, folder: Path) -> bytes:
        """Builds the program of `program_sources` in `folder`, starts it there and returns its outputs.bin for this inputs.bin.

        Raises EngineFailed, or TapeoutError for a tool that is missing.
        """
        ...


@dataclass(frozen=True)
class Reference:
    """The definition itself."""

    name: str = "reference"

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        return run(compiled.graph, inputs)


@dataclass(frozen=True)
class Harnessed:
    """The emitted C on a machine, watched by `hooks`, which write nothing to outputs.bin."""

    name: str
    machine: Machine
    hooks: str = "plain"
    layout: Layout = as_planned

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        graph = compiled.graph
        types = [graph.values[name].type for name in graph.output_names]
        try:
            arrays = execute(self.machine, compiled, inputs, self.hooks, types, self.layout)
        except EngineFailed as error:
            if error.crashed and self.hooks == "plain":  # the plain program does not know its nodes, the traced one does
                execute(self.machine, compiled, inputs, "trace", traced_types(compiled), self.layout)
            raise
        return dict(zip(graph.output_names, arrays, strict=True))


def execute(
    machine: Machine, compiled: Compiled, inputs: Inputs, hooks: str, types: list[Type], layout: Layout = as_planned
) -> list[Array]:
    """Runs the model on a machine in a temporary folder; a record of its outputs.bin holds a tensor of each of `types`.

    Raises EngineFailed, or TapeoutError for inputs that do not fit or a tool that is missing.
    """
    count = check_inputs(compiled.graph, inputs)
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        moved = relocate(compiled, layout, Path(folder) / "model")
        data = machine.execute(moved, hooks, encode(compiled.graph, inputs), Path(folder))
    try:
        return decode(data, count, types)
    except ValueError as error:
        raise EngineFailed(machine.name, str(error)) from None


def traced(compiled: Compiled) -> list[str]:
    """The values that the trace hooks write after each node: those in the arena, not rows of an input that lies outside."""
    return [name for node in compiled.graph.nodes for name in node.outputs if compiled.plan.holds(name)]


def traced_types(compiled: Compiled) -> list[Type]:
    """What a record holds under the trace hooks: the `traced` values, then the outputs of the graph."""
    return [compiled.graph.values[name].type for name in (*traced(compiled), *compiled.graph.output_names)]


def program_sources(compiled: Compiled, hooks: str, folder: Path) -> list[Path]:
    """The C files of a program, less its port: the model, the harness and the hooks. Writes `model_table.c` to `folder`."""
    table = folder / "model_table.c"
    table.write_text(model_table(compiled.graph, compiled.plan, compiled.name))
    model = [compiled.folder / f"{compiled.name}.c", compiled.folder / f"{compiled.name}_weights.c"]
    return [*model, table, HARNESS / "harness.c", HARNESS / f"hooks_{hooks}.c"]


def program_flags(compiled: Compiled, hooks: str) -> list[str]:
    """The compiler flags that every machine needs: the language, warnings, exact floats, and where headers lie."""
    strict = ["-std=c99", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    watched = [] if hooks == "plain" else ["-DTAPEOUT_HOOKS"]
    return [*strict, *watched, f"-I{compiled.folder}", f"-I{HARNESS}"]


def failure(engine: str, compiled: Compiled, printed: str, reason: str) -> EngineFailed:
    """The error for a program that printed this and ended for this `reason`, which may be empty.

    A line of `harness_report` in it tells the node and the byte of the arena.
    """
    report = re.search(r"^tapeout: (.+) node (-?\d+) offset (-?\d+)$", printed, re.MULTILINE)
    if not report:
        said = re.search(r"^tapeout: (.+)$", printed, re.MULTILINE)
        return EngineFailed(engine, said[1] if said else reason or "ended early", crashed=True)
    index, offset = int(report[2]), int(report[3])
    node = compiled.graph.nodes[index].name if index >= 0 else None
    what = reason or report[1]
    return EngineFailed(engine, f"{what}: {locate(compiled.plan, offset, index)}" if offset >= 0 else what, node, crashed=True)
