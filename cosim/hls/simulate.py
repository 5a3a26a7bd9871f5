"""The C simulation of a project of hls4ml, by plain g++: codes in, codes out."""
from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapeout.compiler.ir import Array, Graph
from tapeout.targets import tools
from tapeout.targets.hardware import Design
from tapeout.targets.hls.hardware import HlsProject
from tapeout.targets.hls.layers import plan

from ..design import DesignEngine, Run
from ..engine import EngineFailed, Inputs, Outputs

_HERE = Path(__file__).parent
_INCLUDES = (
    "firmware/ap_types", "firmware/ac_types/include", "firmware/ac_types", "firmware/ac_math/include", "firmware/ac_simutils/include",
    "firmware/nnet_utils", "firmware", ".",
)  # fmt: skip


@dataclass(frozen=True)
class CSimulation(DesignEngine):
    """Builds with $CXX, or g++; `seconds` end an endless run."""

    name: str = "hls"
    seconds: int = 3600

    def runs(self, hardware: object) -> bool:
        return isinstance(hardware, HlsProject)

    def run(self, design: Design, inputs: Inputs) -> tuple[Run, ...]:
        if isinstance(design.hardware, HlsProject) and design.hardware.vendor_header:
            header = design.hardware.vendor_header
            raise tools.MissingTool(f"{design.hardware.name}: its C simulation includes <{header}>, which only the vendor's tools have")
        return (Run(self._simulate(design, inputs, design.graph.output_names, trace=False)),)

    def trace(self, design: Design, inputs: Inputs, stalls: float, sample: int) -> Outputs:
        return self.traced(design, {name: array[sample : sample + 1] for name, array in inputs.items()})

    def traced(self, design: Design, inputs: Inputs) -> Outputs:
        """What the layers of the project give, by the name of the graph's value, in the order of the nodes.

        Layers of streams whose traces hls4ml writes for a part of the tensor alone, those of Quartus, are left out.
        """
        graph, names = design.graph, plan(design.graph).names
        written = (design.folder / "firmware" / f"{design.name}.cpp").read_text()
        traced = dict(re.findall(r'save_layer_output<\w+>\(\w+, "(\w+)", ([^)]+)\)', written))
        sizes = {name: math.prod(map(int, size.split("*"))) for name, size in traced.items()}
        values = [node.name for node in graph.nodes if sizes.get(names[node.name]) == graph.values[node.name].type.size]
        return self._simulate(design, inputs, (*design.graph.output_names, *values), trace=True)

    def _simulate(self, design: Design, inputs: Inputs, values: tuple[str, ...], trace: bool) -> Outputs:
        graph = design.graph
        samples = len(next(iter(inputs.values())))
        fed = [_reals(graph, value, inputs[value]).reshape(samples, -1) for value in graph.input_names]
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            traced = values[len(graph.outputs) :]
            program = _build(self.name, design, folder, traced)
            np.concatenate(fed, axis=1).astype("<f8").tofile(folder / "inputs.bin")
            _execute(self, program, folder, trace)
            found = np.fromfile(folder / "outputs.bin", "<f8")
        sizes = [graph.values[value].type.size for value in values]
        if found.size != samples * sum(sizes):
            raise EngineFailed(self.name, f"wrote {found.size} numbers for {samples} samples, expected {samples * sum(sizes)}")
        parts = np.split(found.reshape(samples, -1), np.cumsum(sizes)[:-1], axis=1)
        return {value: _codes(graph, value, part) for value, part in zip(values, parts, strict=True)}


def _reals(graph: Graph, value: str, codes: Array) -> Array:
    """The numbers that codes stand for, exact in float64."""
    return np.asarray(codes.astype(np.float64) * np.array(graph.values[value].type.quantized.scale))


def _codes(graph: Graph, value: str, reals: Array) -> Array:
    """Codes of a value for numbers on its grid; a number off the grid, which no exact design gives, is rounded to a code that differs."""
    type = graph.values[value].type
    q = type.quantized
    codes = np.rint(reals.reshape(len(reals), *type.shape) / np.array(q.scale))
    return np.asarray(codes.astype(np.int64).astype(q.dtype))


def _build(engine: str, design: Design, folder: Path, traced: tuple[str, ...]) -> Path:
    """The program of a design. Raises MissingTool without a compiler, EngineFailed when the sources do not compile."""
    graph, project = design.graph, design.folder.resolve()
    (folder / "layout.h").write_text(_layout(design, traced))
    for link in ("firmware", "weights"):
        (folder / link).symlink_to(project / "firmware" / ("weights" if link == "weights" else ""))
    program = folder / "program"
    command = shlex.split(os.environ.get("CXX", "g++"))
    if not command or not shutil.which(command[0]):
        raise tools.MissingTool(f"there is no C++ compiler {' '.join(command)!r}: apt-get install g++, or set CXX to another one")
    includes = [f"-I{project / path}" for path in _INCLUDES if (project / path).is_dir()]
    defines = [f'-DBRIDGE="{design.name}_bridge.cpp"', '-DWEIGHTS_DIR="weights"']
    flags = ["-std=c++17", "-O2", "-w", f"-I{folder}", *includes, *defines]
    try:
        tools.call([*command, *flags, _HERE / "simulate.cpp", project / "firmware" / f"{design.name}.cpp", "-o", program])
    except tools.ToolFailed as error:
        raise EngineFailed(engine, f"the project of {graph.name} does not compile: {error}") from None
    return program


def _layout(design: Design, traced: tuple[str, ...]) -> str:
    """layout.h: how many numbers go in and out, the call, and the layers that a trace has, by hls4ml's names."""
    graph, names = design.graph, plan(design.graph).names
    sizes = {value: graph.values[value].type.size for value in (*graph.input_names, *graph.output_names, *traced)}
    arguments = [f"(in) + {offset}" for offset in _offsets(graph.input_names, sizes)]
    arguments += [f"(out) + {offset}" for offset in _offsets(graph.output_names, sizes)]
    counts = len(graph.inputs) + len(graph.outputs) if isinstance(design.hardware, HlsProject) and design.hardware.sizes else 0
    arguments += [f"sizes[{i}]" for i in range(counts)]
    rows = "".join(f'    {{"{names[value]}", {sizes[value]}}},\n' for value in traced)
    return (
        f"enum {{ INPUTS = {sum(sizes[v] for v in graph.input_names)}, OUTPUTS = {sum(sizes[v] for v in graph.output_names)} }};\n"
        f"static unsigned short sizes[{max(counts, 1)}];\n"
        f"#define CALL(in, out) {design.name}_double({', '.join(arguments)})\n"
        f'struct layer {{ const char *name; unsigned long size; }};\nstatic const layer traced[] = {{\n{rows}    {{"", 0}},\n}};\n'
    )


def _offsets(values: tuple[str, ...], sizes: Mapping[str, int]) -> list[int]:
    return [sum(sizes[v] for v in values[:i]) for i in range(len(values))]


def _execute(engine: CSimulation, program: Path, folder: Path, trace: bool) -> None:
    try:
        ran = subprocess.run(
            [program, *(["trace"] if trace else [])], cwd=folder, capture_output=True, timeout=engine.seconds, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        raise EngineFailed(engine.name, f"still runs after {engine.seconds} seconds") from None
    if ran.returncode:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or [""]
        raise EngineFailed(engine.name, f"ended with status {ran.returncode}: {last[0]}", crashed=True)


HLS = CSimulation()
