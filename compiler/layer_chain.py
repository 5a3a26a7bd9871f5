"""Chains of fully connected layers, which is what learns forward only."""
from __future__ import annotations

import math

from .errors import Unsupported
from .ir import F32, Builder, Graph, Node
from .ops.clip import Clip
from .ops.dense import Dense
from .ops.reshape import Reshape
from .ops.softmax import Softmax

_WAY_OUT = "train it with --training sgd"


def layer_chain(graph: Graph) -> list[Node]:
    """The nodes, without a softmax at the end. Raises Unsupported for all that is no chain of layers that can learn by itself."""
    nodes = [n for n in graph.nodes if not isinstance(n.op, Softmax) or n.name != graph.outputs[0].value]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise Unsupported(f"{graph.name}: forward-only training takes one input and one output; {_WAY_OUT}")
    before = graph.inputs[0].value
    for node in nodes:
        if node.inputs[0] != before or not isinstance(node.op, Dense | Reshape):
            raise Unsupported(f"{node.name}: forward-only training takes fully connected layers in a chain, no {node.op.label}; {_WAY_OUT}")
        if isinstance(node.op, Dense):
            _check_layer(graph, node, node.op.clip)
        before = node.name
    if sum(isinstance(n.op, Dense) for n in nodes) < 2:
        raise Unsupported(f"{graph.name}: forward-only training takes at least two layers; {_WAY_OUT}")
    return nodes


def _check_layer(graph: Graph, node: Node, clip: Clip | None) -> None:
    x, w = graph.types(node)[:2]
    assert x and w
    if x.q != F32 or x.size != w.shape[1]:
        raise Unsupported(f"{node.name}: forward-only training takes one row of f32, got {x.q.code} {x.dims}; give --shape with 1 first")
    if len(node.inputs) < 3 or not all(name and graph.values[name].constant for name in node.inputs[1:3]):
        raise Unsupported(f"{node.name}: forward-only training takes layers with constant weights and bias; {_WAY_OUT}")
    if clip is not None and (clip.lo != 0 or not math.isinf(clip.hi)):
        raise Unsupported(f"{node.name}: forward-only training takes relu or no activation; {_WAY_OUT}")


def run_again(build: Builder, node: Node, x: str, role: str) -> str:
    """A second node like this one, of `x`; its output, which is named after both and the role."""
    return build.add(node.op, (x, *node.inputs[1:]), build.fresh(f"{node.name}_{role}"))


def make_states(build: Builder, node: Node) -> dict[str, str]:
    """Makes the weights and the bias of a layer states; what each becomes, by its name."""
    trained = {name: build.fresh(f"{name}_next") for name in node.inputs[1:3]}
    for name, next in trained.items():
        data = build.values[name].data
        assert data is not None
        build.state(name, data, next)
    return trained
