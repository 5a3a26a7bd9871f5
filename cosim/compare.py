"""Equality of an engine with the reference: bits, no tolerance."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.targets.compiled import Compiled

from . import engine
from .engine import Inputs, Machine, Outputs, execute, traced_types
from .layout import Layout, as_planned


@dataclass(frozen=True)
class Difference:
    """An element that differs: element `index` of the value `value` for sample number `sample`.

    `node` is set when a trace found the value to be the first, in the order of the nodes, that differs.
    """

    value: str
    sample: int
    index: tuple[int, ...]
    reference: int | float
    engine: int | float
    node: str | None = None

    def text(self, engine: str) -> str:
        """`node conv3 [0,4,2,7] of sample 5: reference 12, host 13`."""
        where = f"node {self.node}" if self.node else f"output {self.value}"
        if self.node and self.node != self.value:
            where += f" output {self.value}"
        index = ",".join(map(str, self.index))
        return f"{where} [{index}] of sample {self.sample}: reference {self.reference}, {engine} {self.engine}"


@dataclass(frozen=True)
class Comparison:
    """How many output elements were compared and differ, and the first that does, by sample."""

    compared: int
    differ: int
    first: Difference | None = None

    def text(self, engine: str) -> str:
        """`host: 3 / 1200 elements differ; first at ...`."""
        counts = f"{engine}: {self.differ} / {self.compared} elements differ"
        return f"{counts}; first at {self.first.text(engine)}" if self.first else counts


def differing(reference: Array, engine: Array) -> Array:
    """Where two arrays differ in their bits; every NaN equals every NaN. Raises ValueError for another shape or format."""
    if reference.shape != engine.shape or reference.dtype != engine.dtype:
        raise ValueError(f"{engine.dtype}{list(engine.shape)} compared with {reference.dtype}{list(reference.shape)}")
    if reference.dtype.kind not in "fV":  # V is bfloat16
        return np.asarray(reference != engine)
    bits = np.dtype(f"u{reference.dtype.itemsize}")
    unlike = np.ascontiguousarray(reference).view(bits) != np.ascontiguousarray(engine).view(bits)
    return np.asarray(unlike & ~(np.isnan(reference) & np.isnan(engine)))


def compare(reference: Mapping[str, Array], engine: Mapping[str, Array], graph: Graph) -> Comparison:
    """Compares the graph's outputs (N, *shape) by value name."""
    compared = differ = 0
    first: Difference | None = None
    for name in dict.fromkeys(graph.output_names):
        unlike = differing(reference[name], engine[name])
        compared += unlike.size
        differ += int(unlike.sum())
        found = _first(name, unlike, reference[name], engine[name])
        if found and (first is None or found.sample < first.sample):
            first = found
    return Comparison(compared, differ, first)


def first_differing_node(
    machine: Machine, compiled: Compiled, inputs: Inputs, sample: int, layout: Layout = as_planned
) -> Difference | None:
    """The first node, in order, whose output differs from the reference's on one sample; None when all are equal.

    Builds the model so that it writes the output of every node as soon as it has run.
    """
    graph = compiled.graph
    first = 0 if graph.states() else sample  # states come from the samples before
    alone = {name: inputs[name][first : sample + 1] for name in graph.input_names}
    found = first_difference(graph, alone, trace(machine, compiled, alone, layout))
    return replace(found, sample=first + found.sample) if found else None


def first_difference(graph: Graph, inputs: Inputs, traced: Mapping[str, Array]) -> Difference | None:
    """The first node, in order, of which `traced` has an output that differs from the reference's on these inputs."""
    reference = run(graph, inputs, keep=True)
    for node in graph.nodes:
        for name in (name for name in node.outputs if name in traced):
            if found := _first(name, differing(reference[name], traced[name]), reference[name], traced[name], node.name):
                return found
    return None


def trace(machine: Machine, compiled: Compiled, inputs: Inputs, layout: Layout = as_planned) -> Outputs:
    """What every node computes in the arena (N, *shape) by value name, each taken right after its node has run."""
    arrays = execute(machine, compiled, inputs, "trace", traced_types(compiled), layout)
    return dict(zip(engine.traced(compiled), arrays, strict=False))


def _first(value: str, unlike: Array, reference: Array, engine: Array, node: str | None = None) -> Difference | None:
    if not unlike.any():
        return None
    sample, *index = (int(i) for i in np.unravel_index(int(unlike.argmax()), unlike.shape))
    at = (sample, *index)
    return Difference(value, sample, tuple(index), reference[at].item(), engine[at].item(), node)
