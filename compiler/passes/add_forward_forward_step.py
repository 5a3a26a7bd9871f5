"""Turns a chain of fully connected layers into one that learns by Forward-Forward, layer by layer, without a backward pass."""
from __future__ import annotations

import math

from ..errors import Unsupported
from ..ir import F32, Builder, Graph, Node, Port, Type
from ..ops.add import Add
from ..ops.clip import Clip
from ..ops.dense import Dense
from ..ops.embed_label import EmbedLabel
from ..ops.goodness import Goodness
from ..ops.goodness_loss import GoodnessLoss
from ..ops.goodness_update import GoodnessUpdate
from ..ops.normalise import Normalise
from ..ops.reshape import Reshape
from ..ops.softmax import Softmax
from ..training import Method, Training

_WAY_OUT = "train it with --training sgd"


def add_forward_forward_step(graph: Graph, training: Training) -> Graph:
    """A step of Forward-Forward (Hinton 2022, arXiv 2212.13345) on one sample, positive or negative.

    Inputs: the network's; `label`, shaped like its output, which takes the place of the first elements of the input; last `target` (1):
    +1 where the label is that of the sample, -1 where it is not. Outputs: `goodness` (1), the sum over layers of the mean of squared
    activities, computed first: the class that is predicted is the label with the largest; `loss`, the sum over layers; the weights.
    Then each layer in turn runs again, learns, and hands its activities over normalised; no gradient passes a layer.

    With the method `cff` (Lorberbom et al. 2023, arXiv 2305.12393) the loss of each layer takes the goodness of all layers, of which only
    its own is differentiated, and the threshold is that of all of them.

    Raises Unsupported for other networks than chains of fully connected layers, at least two, of one row.
    """
    chain = _chain(graph)
    build = Builder(graph.values)
    port = graph.inputs[0]
    output = graph.outputs[0]
    label = build.input(build.fresh("label"), build.values[output.value].type)
    target = build.input(build.fresh("target"), Type((1,), F32))
    seen = build.add(EmbedLabel(), (port.value, label), build.fresh("labelled"))
    total = _run(build, chain, seen)
    loss, trained = _learn(build, chain, seen, target, training, total if training.method is Method.CFF else "", training.trained(graph))
    inputs = (port, Port(label, label, "float32", output.axes), Port(target, target, "float32", (0,)))
    weights = (Port(next, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name, next in trained.items())
    outputs = (Port(total, total, "float32", (0,)), Port(loss, loss, "float32", (0,)), *weights)
    return graph.replace(build.nodes, build.values, inputs=inputs, outputs=outputs)


def _chain(graph: Graph) -> list[Node]:
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


def _forward(build: Builder, node: Node, x: str, role: str) -> str:
    return build.add(node.op, (x, *node.inputs[1:]), build.fresh(f"{node.name}_{role}"))


def _hand_over(build: Builder, y: str) -> str:
    return build.add(Normalise(), (y,), build.fresh(f"{y}_normalised"))


def _run(build: Builder, chain: list[Node], x: str) -> str:
    """The goodness of all layers."""
    total = ""
    for node in chain:
        after_layer = isinstance(node.op, Dense) and total
        x = _forward(build, node, _hand_over(build, x) if after_layer else x, "run")
        if isinstance(node.op, Dense):
            own = build.add(Goodness(), (x,), build.fresh(f"{x}_goodness"))
            total = build.add(Add(), (total, own), build.fresh("goodness")) if total else own
    return total


def _learn(
    build: Builder, chain: list[Node], x: str, target: str, training: Training, total: str, chosen: list[Node],
) -> tuple[str, dict[str, str]]:
    """Runs and trains layer after layer; the loss of all and what each trained weight becomes."""
    loss, trained = "", dict[str, str]()
    layers = [node for node in chain if isinstance(node.op, Dense)]
    for node in chain:
        if not isinstance(node.op, Dense):
            x = _forward(build, node, x, "learn")
            continue
        y = _forward(build, node, x, "learn")
        if node in chosen:
            goodness = total or build.add(Goodness(), (y,), build.fresh(f"{y}_goodness"))
            derivative, own = build.fresh(f"{y}_derivative"), build.fresh(f"{y}_loss")
            build.add(GoodnessLoss(training.threshold * (len(layers) if total else 1)), (goodness, target), derivative, own)
            w, b = node.inputs[1:3]
            trained.update({name: build.fresh(f"{name}_next") for name in (w, b)})
            for name in (w, b):
                data = build.values[name].data
                assert data is not None
                build.state(name, data, trained[name])
            build.add(GoodnessUpdate(training.learning_rate), (w, b, x, y, derivative), trained[w], trained[b])
            loss = build.add(Add(), (loss, own), build.fresh("loss")) if loss else own
        x = y if node is layers[-1] else _hand_over(build, y)
    return loss, trained
