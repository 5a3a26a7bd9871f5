"""The search behind `tapeout compile --autotune FILE`: each kernel that may run a layer is counted in QEMU, on that layer alone.

Modelled cycles decide, not instructions, as a kernel with fewer instructions may well take longer. FILE has one line for each kernel
of each layer. A count holds as long as the C that calls the kernel, the kernel's files and the compiler are the same, whatever the
weights and the network: layers with equal C are counted once. A line whose kernel's files or compiler have changed is counted again.
"""
from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import click

from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.measure import build_plugin, count
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import tools
from tapeout.targets.c.emit import Emitter
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.cycles import models
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import compile_flags
from tapeout.targets.target import Target

from ..errors import CheckFailed, TapeoutError
from ..ir import Graph, Node, Port, Value

SCHEMA = "tapeout-autotune-1"
_NAME = "layer"  # of the network of one layer
_SEED = 0


@dataclass(frozen=True)
class Source:
    """What decides a count: digests of the C that calls a kernel and of the files and flags it is built of, and the compiler."""

    target: str
    kernel: str
    call: str
    files: str
    compiler: str

    def replaces(self, other: Source) -> bool:
        """Whether the other is of the same kernel as it was before."""
        same = (self.target, self.kernel) == (other.target, other.kernel)
        return same and (self.files, self.compiler) != (other.files, other.compiler)


@dataclass(frozen=True)
class Count:
    """What a kernel takes for a layer, which people know by its text."""

    layer: str
    cycles: int
    instructions: int

    def line(self, source: Source) -> str:
        return json.dumps({"layer": self.layer} | asdict(source) | {"cycles": self.cycles, "instructions": self.instructions})


Counts = dict[Source, Count]


def load(file: Path) -> Counts:
    """The counts in a file; none when there is no such file. Raises TapeoutError for one that is not of this schema."""
    if not file.exists():
        if not file.parent.is_dir():
            raise TapeoutError(f"--autotune {file}: there is no folder {file.parent}")
        return {}
    try:
        data = json.loads(file.read_text())
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        return {
            Source(*(str(row[key]) for key in ("target", "kernel", "call", "files", "compiler"))):
            Count(str(row["layer"]), int(row["cycles"]), int(row["instructions"])) for row in data["counts"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TapeoutError(f"--autotune {file}: not a file of counts ({error!r}); remove it, or name another") from None


def save(counts: Counts, file: Path) -> None:
    """Writes a line for each count, the layers in order and of each the fastest kernel first."""
    rows = sorted(counts.items(), key=lambda row: (row[0].target, row[1].layer, row[1].cycles, row[0].kernel, row[0].call))
    lines = ",\n".join(f"    {found.line(source)}" for source, found in rows)
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(f'{{\n  "schema": "{SCHEMA}",\n  "counts": [\n{lines}\n  ]\n}}\n')
    os.replace(beside, file)


def tune(target: Target, graph: Graph, candidates: Mapping[str, Sequence[str]], file: Path) -> dict[str, str]:
    """The kernel with the fewest modelled cycles for each node that has a choice, by its name.

    Raises TapeoutError for a target that QEMU does not run or whose cycles are not modelled, and for a file that is no file of counts;
    MissingTool, and CheckFailed.
    """
    if not isinstance(target, Microcontroller) or target.beyond:
        raise TapeoutError(f"--autotune: kernels are counted in QEMU, which does not run target {target.name}; leave it out")
    if target.name not in models():
        raise TapeoutError(f"--autotune: modelled cycles decide, and there is no model of target {target.name}; leave it out")
    counts = load(file)
    try:
        compiler = tools.call([target.family.toolchain.compiler, "--version"]).partition("\n")[0]
        with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
            tuner = _Tuner(target, compiler, counts, file, Path(folder))
            return {n.name: tuner.fastest(graph, n, symbols) for n in graph.nodes if len(symbols := candidates.get(n.name, ())) > 1}
    except tools.MissingTool as error:
        raise tools.MissingTool(f"--autotune: {error}") from None


@dataclass
class _Tuner:
    target: Microcontroller
    compiler: str
    counts: Counts
    file: Path
    folder: Path

    @cached_property
    def plugin(self) -> Path:
        return build_plugin(self.target.family, self.folder)

    def fastest(self, graph: Graph, node: Node, symbols: Sequence[str]) -> str:
        layer = alone(graph, node)
        found = {symbol: self.count(layer, node.name, symbol) for symbol in symbols}
        return min(found, key=lambda symbol: (found[symbol].cycles, found[symbol].instructions, symbol))

    def count(self, layer: Graph, name: str, symbol: str) -> Count:
        """What a kernel takes for the network of one layer, whose node has this name in the whole; counted, unless it is known."""
        compiled = Compiled.write(self.folder / symbol, _NAME, self.target, layer, pins={layer.nodes[0].name: symbol})
        source = _source(compiled, self.target, symbol, self.compiler)
        if source not in self.counts:
            found = self._counted(compiled, name, symbol)
            for other in [known for known in self.counts if source.replaces(known)]:
                del self.counts[other]
            self.counts[source] = found
            save(self.counts, self.file)
        return self.counts[source]

    def _counted(self, compiled: Compiled, name: str, symbol: str) -> Count:
        try:
            profile = count(compiled, random_inputs(compiled.graph, 1, _SEED), self.plugin)
        except EngineFailed as error:
            raise CheckFailed(f"--autotune: {name}: kernel {symbol}: {error}") from None
        cycles = models()[self.target.name].modelled({**profile.classes, **profile.events})
        click.echo(f"autotune: {name}: {symbol} takes {cycles:,} cycles", err=True)
        return Count(_described(compiled.graph), cycles, profile.instructions)


def alone(graph: Graph, node: Node) -> Graph:
    """The network of one node; its values are called by their place, so that equal layers are equal."""
    names: dict[str, str] = {}
    for i, name in enumerate(node.inputs):
        if name:
            names.setdefault(name, f"c{i}" if graph.values[name].constant else f"x{i}")
    names |= {name: f"y{i}" for i, name in enumerate(node.outputs)}
    values = {new: Value(new, graph.values[old].type, graph.values[old].data) for old, new in names.items()}

    def ports(olds: Iterable[str]) -> tuple[Port, ...]:
        shapes = {names[old]: graph.values[old].type for old in olds}
        return tuple(Port(name, name, t.q.dtype.name, tuple(range(len(t.shape)))) for name, t in shapes.items())

    fed = ports(name for name in node.inputs if name and not graph.values[name].constant)
    one = Node(node.op, tuple(names.get(i, "") for i in node.inputs), tuple(names[o] for o in node.outputs))
    return Graph(_NAME, fed, ports(node.outputs), (one,), values)


def _described(layer: Graph) -> str:
    """The op and its types: `conv2d 1x8x8x8 s8, 8x3x3x8 s8 -> 1x8x8x8 s8`."""
    (node,) = layer.nodes
    inputs, outputs = ([f"{t.dims} {t.q.code}" for t in types if t] for types in (layer.types(node), layer.output_types(node)))
    return f"{node.op.label} {', '.join(inputs)} -> {', '.join(outputs)}"


def _source(compiled: Compiled, target: Microcontroller, symbol: str, compiler: str) -> Source:
    emitter = Emitter(compiled.graph, compiled.plan, compiled.selection, compiled.name)
    library = compiled.selection.library(compiled.graph)
    called = [library.folder / source for source in library.sources] if library else []
    files = [path.read_text() for path in (*emitter.kernel_files(), *called)]
    return Source(target.name, symbol, _digest([emitter.source()]), _digest([*compile_flags(target), *files]), compiler)


def _digest(texts: Iterable[str]) -> str:
    """16 hexadecimal digits of their SHA-256."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
