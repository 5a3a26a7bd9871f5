"""Transposes move to where they cost nothing: each other, the ports of the graph, and the weights of dense layers."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ..ir import Array, Builder, FType, Graph, Node, Op, Port, QType, Type
from ..ops.clip import Clip
from ..ops.dense import Dense
from ..ops.fake_quantize import FakeQuantize
from ..ops.lut import Lut
from ..ops.reshape import Reshape
from ..ops.transpose import Transpose
from ..unary import Unary

Rule = Callable[[Graph, Node, Transpose], Graph | None]


def move_transpose(graph: Graph) -> Graph:
    """The graph with the transposes that can be avoided removed.

    A transpose sinks below elementwise functions, quantizers with one scale among them; two in a row become
    one; one that moves only axes of size 1 is a reshape; one behind an input or before an output changes the
    port's axes; one that a reshape flattens for a dense layer permutes the columns of the layer's weights, unless
    groups of columns share a scale. All others stay.
    """
    rules: tuple[Rule, ...] = (_drop, _merge, _into_input, _into_output, _into_dense, _sink)
    changed: Graph | None = graph
    while changed is not None:
        graph = changed
        changed = next(
            (result for node in graph.nodes if isinstance(node.op, Transpose) for rule in rules if (result := rule(graph, node, node.op))),
            None,
        )
    return graph


def _drop(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """A transpose that moves nothing goes; one that moves only axes of size 1 is a reshape."""
    x = node.inputs[0]
    if list(op.perm) == sorted(op.perm):
        ports = tuple(replace(p, value=x) if p.value == node.name else p for p in graph.outputs)
        return _rebuilt(graph, [_reading(n, node.name, x) for n in graph.nodes if n is not node], outputs=ports)
    order = [axis for axis in op.perm if graph.values[x].type.shape[axis] != 1]
    if order != sorted(order):
        return None
    reshape = replace(node, op=Reshape(graph.values[node.name].type.shape))
    return graph.replace([reshape if n is node else n for n in graph.nodes])


def _merge(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """Two transposes in a row are one."""
    before = graph.producer(node.inputs[0])
    if before is None or not isinstance(before.op, Transpose):
        return None
    first = before.op
    merged = Node(Transpose(tuple(first.perm[axis] for axis in op.perm)), before.inputs, node.outputs)
    unused = _sole_reader(graph, before.name) is node
    return graph.replace([merged if n is node else n for n in graph.nodes if not (unused and n is before)])


def _into_input(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """An input that only a transpose reads is held in that order."""
    x = node.inputs[0]
    if x not in graph.input_names or _sole_reader(graph, x) is not node or node.name in graph.output_names:
        return None
    inputs = tuple(replace(p, axes=tuple(p.axes[axis] for axis in op.perm)) if p.value == x else p for p in graph.inputs)
    values = {**graph.values, x: replace(graph.values[x], type=graph.values[node.name].type)}
    nodes = [_reading(n, node.name, x) for n in graph.nodes if n is not node]
    return _rebuilt(graph.replace(nodes, values, inputs=inputs), nodes)


def _into_output(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """An output is given in the order in which its elements were computed."""
    x = node.inputs[0]
    if node.name not in graph.output_names or graph.consumers()[node.name] or x in (*graph.input_names, *graph.output_names):
        return None
    outputs = tuple(_before(p, x, op) if p.value == node.name else p for p in graph.outputs)
    return graph.replace([n for n in graph.nodes if n is not node], outputs=outputs)


def _before(port: Port, value: str, op: Transpose) -> Port:
    return replace(port, value=value, axes=tuple(port.axes[op.perm.index(axis)] for axis in range(len(op.perm))))


def _into_dense(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """A flattened transpose is undone by the order of the columns of the dense layer's weights."""
    flat = _sole_reader(graph, node.name)
    if flat is None or not isinstance(flat.op, Reshape):
        return None
    name, reader = flat.name, _sole_reader(graph, flat.name)
    while reader is not None and _elementwise(reader):
        name, reader = reader.name, _sole_reader(graph, reader.name)
    if reader is None or not isinstance(reader.op, Dense) or reader.inputs[0] != name:
        return None
    quantizer = graph.producer(reader.inputs[1])
    user, constant = reader, reader.inputs[1]
    if quantizer is not None and isinstance(quantizer.op, FakeQuantize):
        user, constant = quantizer, quantizer.inputs[0]
    weights = graph.values[constant]
    columns = _columns(graph.values[node.inputs[0]].type.shape, op.perm, graph.values[reader.inputs[1]].type.shape[1])
    alone = user is reader or _sole_reader(graph, user.name) is reader
    if columns is None or weights.data is None or not alone or _has_blocks(user.op) or _has_blocks(weights.type):
        return None
    builder = Builder(graph.values)
    if _sole_reader(graph, constant) is user:
        del builder.values[constant]
    permuted = builder.constant(constant, weights.data[:, columns], weights.type.q)
    moved = {flat.name: _reading(flat, node.name, node.inputs[0]), user.name: _reading(user, constant, permuted)}
    return graph.replace([moved.get(n.name, n) for n in graph.nodes if n is not node], builder.values)


def _has_blocks(holder: Op | Type) -> bool:
    """Whether groups of columns share a scale, in the format of a tensor or in that of a quantizer."""
    q = holder.q if isinstance(holder, Type) else holder.output if isinstance(holder, FakeQuantize) else None
    return isinstance(q, QType) and (q.block is not None or (q.axis is not None and q.axis != 0))


def _elementwise(node: Node) -> bool:
    """Whether a node computes each element from that one alone, by one rule for all."""
    if isinstance(node.op, FakeQuantize):
        return isinstance(node.op.output, FType) or len(node.op.output.scale) == 1
    return isinstance(node.op, Clip | Lut | Unary)


def _columns(shape: tuple[int, ...], perm: tuple[int, ...], count: int) -> Array | None:
    """For each of the last `count` elements of `shape` its place after the transpose; None when rows move too."""
    axes = [a for a, n in enumerate(shape) if n != 1]
    order = [axes.index(a) for a in perm if shape[a] != 1]
    sizes = [shape[axes[i]] for i in order]
    rows = next((i for i in range(len(sizes) + 1) if prod(sizes[i:]) == count), None)
    if rows is None or order[:rows] != list(range(rows)):
        return None
    places: Array = np.arange(count).reshape(sizes[rows:]).transpose(np.argsort(np.array(order[rows:], int)))
    return places.reshape(-1)


def _sink(graph: Graph, node: Node, op: Transpose) -> Graph | None:
    """A transpose before an elementwise function moves behind it."""
    reader = _sole_reader(graph, node.name)
    if reader is None or not _elementwise(reader) or reader.inputs[0] != node.name:
        return None
    after = Builder(graph.values).fresh(f"{reader.name}_transposed")
    nodes = []
    for n in graph.nodes:
        if n is reader:
            nodes += [_reading(n, node.name, node.inputs[0]), Node(op, (reader.name,), (after,))]
        elif n is not node:
            nodes.append(_reading(n, reader.name, after))
    ports = tuple(replace(p, value=after) if p.value == reader.name else p for p in graph.outputs)
    return _rebuilt(graph, nodes, outputs=ports)


def _sole_reader(graph: Graph, name: str) -> Node | None:
    """The node that alone reads a value, which is no output of the graph."""
    readers = graph.consumers()[name]
    return readers[0] if len(readers) == 1 and name not in graph.output_names else None


def _reading(node: Node, old: str, new: str) -> Node:
    """The node with input `old` replaced."""
    return replace(node, inputs=tuple(new if i == old else i for i in node.inputs))


def _rebuilt(graph: Graph, nodes: Sequence[Node], **changes: tuple[Port, ...]) -> Graph:
    """The graph with other nodes and the types that follow from them."""
    builder = Builder({name: v for name, v in graph.values.items() if v.constant or name in graph.input_names})
    for node in nodes:
        builder.copy(node)
    return graph.replace(nodes, builder.values, **changes)
