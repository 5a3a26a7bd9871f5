"""Turns a chain of fully connected layers into one that learns by Forward-Forward, layer by layer, without a backward pass."""
from __future__ import annotations

from ..ir import F32, Builder, Graph, Node, Port, Type
from ..layer_chain import layer_chain, make_states, run_again
from ..ops.add import Add
from ..ops.dense import Dense
from ..ops.embed_label import EmbedLabel
from ..ops.goodness import Goodness
from ..ops.goodness_loss import GoodnessLoss
from ..ops.goodness_update import GoodnessUpdate
from ..ops.normalise import Normalise
from ..states import next_port
from ..training import Method, Training


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
    chain = layer_chain(graph)
    build = Builder(graph.values)
    port = graph.inputs[0]
    output = graph.outputs[0]
    label = build.input(build.fresh("label"), build.values[output.value].type)
    target = build.input(build.fresh("target"), Type((1,), F32))
    seen = build.add(EmbedLabel(), (port.value, label), build.fresh("labelled"))
    total = _run(build, chain, seen)
    loss, trained = _learn(build, chain, seen, target, training, total if training.method is Method.CFF else "", training.trained(graph))
    inputs = (port, Port(label, label, "float32", output.axes), Port(target, target, "float32", (0,)))
    weights = (next_port(build.values[name], name) for name in trained)
    outputs = (Port(total, total, "float32", (0,)), Port(loss, loss, "float32", (0,)), *weights)
    return graph.replace(build.nodes, build.values, inputs=inputs, outputs=outputs)


def _hand_over(build: Builder, y: str) -> str:
    return build.add(Normalise(), (y,), build.fresh(f"{y}_normalised"))


def _run(build: Builder, chain: list[Node], x: str) -> str:
    """The goodness of all layers."""
    total = ""
    for node in chain:
        after_layer = isinstance(node.op, Dense) and total
        x = run_again(build, node, _hand_over(build, x) if after_layer else x, "run")
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
            x = run_again(build, node, x, "learn")
            continue
        y = run_again(build, node, x, "learn")
        if node in chosen:
            goodness = total or build.add(Goodness(), (y,), build.fresh(f"{y}_goodness"))
            derivative, own = build.fresh(f"{y}_derivative"), build.fresh(f"{y}_loss")
            build.add(GoodnessLoss(training.threshold * (len(layers) if total else 1)), (goodness, target), derivative, own)
            states = make_states(build, node)
            trained.update(states)
            build.add(GoodnessUpdate(training.learning_rate), (*node.inputs[1:3], x, y, derivative), *states.values())
            loss = build.add(Add(), (loss, own), build.fresh("loss")) if loss else own
        x = y if node is layers[-1] else _hand_over(build, y)
    return loss, trained
