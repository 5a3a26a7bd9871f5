"""Layers bettered one after the other: the float network and the quantized one run side by side, and each layer sees what both have there.

What becomes of a layer's weights and bias is decided by steps, in files of their own; the layers behind it see the outcome.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tapeout.compiler.ir import Array, Builder, Graph, Node, Type, Types, Value
from tapeout.compiler.ops.fake_quantize import FakeQuantize

from .placement import LAYERS

_SAMPLES = 512  # at most
_ELEMENTS = 1 << 24  # of one value for all samples: bounds memory
_CHUNK = 1 << 20  # elements of a value that an op computes at once, as in the reference interpreter


@dataclass(frozen=True)
class Layer:
    """A layer with weights on the samples. `x` is its input in the quantized network, `wanted_x` in the float one.

    `w` and `b` are its weights and bias as they are now, before their quantizers; `wanted_w` and `wanted_b` those of the float network. An
    absent bias is an empty array. `format` is the quantizer of the weights, None where they stay float.
    """

    node: Node
    types: Types
    format: FakeQuantize | None
    x: Array
    wanted_x: Array
    w: Array
    b: Array
    wanted_w: Array
    wanted_b: Array

    @property
    def quantized_w(self) -> Array:
        """The weights as the quantized network has them."""
        return self.format.ref((self.types[1],), self.w)[0] if self.format is not None else self.w


Step = Callable[[Layer], Layer]  # a layer with another `w` or `b`


def refine(graph: Graph, formats: Mapping[str, FakeQuantize], samples: Mapping[str, Array], steps: Sequence[Step]) -> Graph:
    """The float graph with the weights and biases that the steps give, for quantizers of these formats and samples by value name.

    Samples are those in the graph's layout; of many, some that lie evenly are taken. Weights and biases that several layers share stay.
    """
    feed = _few(graph, samples)
    readers, last = graph.consumers(), {name: node.name for node in graph.nodes for name in node.inputs}
    constants = {v.name: v.data for v in graph.constants() if v.data is not None}
    wanted, found = dict(feed), {name: _quantized(graph, formats, name, array) for name, array in feed.items()}
    changed: dict[str, Array] = {}
    for node in graph.nodes:
        if isinstance(node.op, LAYERS):
            layer = _layer(graph, formats, node, found, wanted)
            bettered = layer
            for step in steps:
                bettered = step(bettered)
            for name, array in zip(node.inputs[1:3], (bettered.w, bettered.b), strict=False):
                if name and len(readers[name]) == 1 and name not in graph.output_names:
                    changed[name] = array
        coded = {n: _quantized(graph, formats, n, changed.get(n, constants[n])) for n in node.inputs if n in constants}
        for name, array in zip(node.outputs, _computed(graph, node, found | coded), strict=True):
            found[name] = _quantized(graph, formats, name, array)
        wanted.update(zip(node.outputs, _computed(graph, node, wanted | constants), strict=True))
        for name in {n for n in node.inputs if n in wanted and last[n] == node.name}:
            del wanted[name], found[name]
    return with_constants(graph, changed)


def with_constants(graph: Graph, data: Mapping[str, Array]) -> Graph:
    """The graph with other data of some of its constants."""
    values = {}
    for name, array in data.items():
        kept = np.array(array, np.float32)
        kept.setflags(write=False)
        values[name] = Value(name, graph.values[name].type, kept)
    return graph.replace(graph.nodes, {**graph.values, **values})


def with_own_biases(graph: Graph) -> Graph:
    """The graph in which every layer with weights has a bias that nobody else reads: zeros where it had none."""
    builder, readers = Builder(graph.values), graph.consumers()
    nodes = []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS):
            name = node.inputs[2] if len(node.inputs) > 2 else ""
            data = graph.values[name].data if name else np.zeros(graph.values[node.name].type.shape[-1], np.float32)
            if data is not None and (not name or len(readers[name]) > 1):
                node = replace(node, inputs=(*node.inputs[:2], builder.constant(f"{node.name}_bias", data)))
        nodes.append(node)
    return graph.replace(nodes, builder.values)


def _few(graph: Graph, samples: Mapping[str, Array]) -> dict[str, Array]:
    """At most as many samples as the bounds above allow, from the first to the last."""
    largest = max(v.type.size for v in graph.values.values() if not v.constant)
    count = len(samples[graph.input_names[0]])
    kept = np.unique(np.linspace(0, count - 1, max(1, min(count, _SAMPLES, _ELEMENTS // largest))).astype(np.int64))
    return {name: samples[name][kept] for name in graph.input_names}


def _layer(graph: Graph, formats: Mapping[str, FakeQuantize], node: Node, found: Mapping[str, Array], wanted: Mapping[str, Array]) -> Layer:
    w, b = graph.values[node.inputs[1]].data, graph.values[node.inputs[2]].data if any(node.inputs[2:3]) else np.empty(0, np.float32)
    assert w is not None and b is not None
    x = node.inputs[0]
    return Layer(node, graph.types(node), formats.get(node.inputs[1]), found[x], wanted[x], w, b, w, b)


def _quantized(graph: Graph, formats: Mapping[str, FakeQuantize], name: str, array: Array) -> Array:
    return formats[name].ref((graph.values[name].type,), array)[0] if name in formats else array


def _computed(graph: Graph, node: Node, arrays: Mapping[str, Array]) -> list[Array]:
    """The outputs of a node, a part of the samples at a time."""
    fed = {i for i in node.inputs if i and not graph.values[i].constant}
    count = max(len(arrays[i]) for i in fed)
    sizes: list[Type] = [graph.values[i].type for i in (*fed, *node.outputs)]
    chunk = max(1, _CHUNK // max(t.size for t in sizes))
    none = np.empty(0, np.float32)
    parts = [
        node.op.ref(graph.types(node), *((arrays[i][at : at + chunk] if i in fed else arrays[i]) if i else none for i in node.inputs))
        for at in range(0, count, chunk)
    ]
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
