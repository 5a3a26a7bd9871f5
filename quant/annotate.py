"""A float Graph with `fake_quantize` nodes: the one form in which a quantized network is trained, exported, imported and lowered."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Builder, Graph, Node, verify
from tapeout.compiler.ops.fake_quantize import FakeQuantize


def annotate(graph: Graph, quantizers: Mapping[str, FakeQuantize]) -> Graph:
    """The graph with a `fake_quantize` node behind each value that `quantizers` names, read in its place by everybody.

    Values are graph inputs, constants (weights and biases) and results of nodes; the new value of `x` is `x_fq`. Raises TapeoutError
    for a name that the graph does not have.
    """
    for name in quantizers:
        if name not in graph.values:
            raise TapeoutError(f"{name}: there is no such value to quantize")
    builder = Builder(taken=list(graph.values))
    for name, value in graph.values.items():
        if value.constant or name in graph.input_names:
            builder.values[name] = value
    renamed: dict[str, str] = {}

    def follow(name: str) -> None:
        if name in quantizers and name not in renamed:
            renamed[name] = builder.add(quantizers[name], (name,), builder.fresh(f"{name}_fq"))

    for name in graph.input_names:
        follow(name)
    for node in graph.nodes:
        for name in node.inputs:
            if name and graph.values[name].constant:
                follow(name)
        builder.copy(Node(node.op, tuple(renamed.get(i, i) for i in node.inputs), node.outputs))
        for name in node.outputs:
            follow(name)
    outputs = tuple(replace(p, value=renamed.get(p.value, p.value)) for p in graph.outputs)
    return verify(graph.replace(builder.nodes, builder.values, outputs=outputs))
