"""Turns a chain of layers into one that learns by Forward-Forward, layer by layer, without a backward pass."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir import F32, Array, Builder, Graph, Node, Port, Type
from ..layer_chain import LayerChain, Stage, in_format_of, make_states, move_convolution, pixels, run_again, superimpose
from ..ops.add import Add
from ..ops.dense import Dense
from ..ops.embed_label import EmbedLabel
from ..ops.goodness import Goodness
from ..ops.goodness_loss import GoodnessLoss
from ..ops.goodness_update import GoodnessUpdate
from ..ops.normalise import Normalise
from ..ops.sgd import Sgd
from ..states import next_port
from ..training import Method, Training

_SEED = 1  # of the patterns


def patterns(inputs: int, classes: int) -> Array:
    """Fixed random images, one a column (inputs, classes), uniform between -1 and 1, which tell a label at every place of an image.

    A convolution would see a label in a corner at that corner alone; so Scodellaro et al. (2023, arXiv 2312.14924) lay one over the whole
    image, of waves there.
    """
    return np.random.default_rng(_SEED).uniform(-1, 1, (inputs, classes)).astype(np.float32)


def add_forward_forward_step(graph: Graph, training: Training) -> Graph:
    """A step of Forward-Forward (Hinton 2022, arXiv 2212.13345) on one sample, positive or negative.

    Inputs: the network's; `label`, shaped like its output, which takes the place of the first elements of the input, or where the first
    layer is a convolution adds its class's pattern of `patterns` to what that reads; last `target` (1): +1 where the label is that of the
    sample, -1 where it is not. Outputs: `goodness` (1), the sum over layers of the mean of squared
    activities, computed first: the class that is predicted is the label with the largest; `loss`, the sum over layers; the weights.
    Then each layer in turn runs again, learns, and hands its activities over normalised; no gradient passes a layer. Poolings stand
    between a layer and the one that it hands over to: its goodness is of what it computes itself.

    The step is one along the gradient of the loss times the number of units, of a convolution that of its channels: the mean of the
    gradients at all its places, so that a rate fits layers of any width and images of any size. A fully connected layer moves in
    place; of a convolution the gradient of its weights is held, one layer's at a time.

    With the method `cff` (Lorberbom et al. 2023, arXiv 2305.12393) the loss of each layer takes the goodness of all layers, of which only
    its own is differentiated, and the threshold is that of all of them.

    Raises Unsupported for other networks than chains of layers, at least two, of one sample.
    """
    chain = LayerChain.of(graph)
    build = Builder(graph.values)
    port = graph.inputs[0]
    output = graph.outputs[0]
    label = build.input(build.fresh("label"), build.values[output.value].type)
    target = build.input(build.fresh("target"), Type((1,), F32))
    seen = _labelled(build, chain, port.value, label)
    total = _run(build, chain.stages, seen)
    loss, trained = _learn(build, chain.stages, seen, target, training, total, training.trained(graph))
    inputs = (port, Port(label, label, "float32", output.axes), Port(target, target, "float32", (0,)))
    weights = (next_port(build.values[name], name) for name in trained)
    outputs = (Port(total, total, "float32", (0,)), Port(loss, loss, "float32", (0,)), *weights)
    return graph.replace(build.nodes, build.values, inputs=inputs, outputs=outputs)


def _labelled(build: Builder, chain: LayerChain, x: str, label: str) -> str:
    """What the first layer reads, with the label: before it an input in float32 is made one of 16 bits, if it is."""
    if isinstance(chain.stages[0].layer.op, Dense):
        return run_again(build, chain.head, build.add(EmbedLabel(), (x, label), build.fresh("labelled")), "labelled")
    x = run_again(build, chain.head, x, "seen")
    return superimpose(build, x, patterns(build.values[x].type.size, build.values[label].type.size), label, "labelled")


def _hand_over(build: Builder, stage: Stage, y: str, role: str) -> str:
    """What the next layer reads."""
    y = run_again(build, stage.behind, y, role)
    return build.add(Normalise(), (y,), build.fresh(f"{y}_normalised"))


def _run(build: Builder, stages: Sequence[Stage], x: str) -> str:
    """The goodness of all layers."""
    total = ""
    for stage in stages:
        y = run_again(build, [stage.layer], x, "run")
        own = build.add(Goodness(), (y,), build.fresh(f"{y}_goodness"))
        total = build.add(Add(), (total, own), build.fresh("goodness")) if total else own
        if stage is not stages[-1]:
            x = _hand_over(build, stage, y, "run")
    return total


def _learn(
    build: Builder, stages: Sequence[Stage], x: str, target: str, training: Training, total: str, chosen: Sequence[Node],
) -> tuple[str, dict[str, str]]:
    """Runs and trains layer after layer; the loss of all and what each trained weight becomes."""
    loss, trained = "", dict[str, str]()
    together = training.method is Method.CFF
    for stage in stages:
        y = run_again(build, [stage.layer], x, "learn")
        if stage.layer in chosen:
            goodness = total if together else build.add(Goodness(), (y,), build.fresh(f"{y}_goodness"))
            derivative, own = build.fresh(f"{y}_derivative"), build.fresh(f"{y}_loss")
            build.add(GoodnessLoss(training.threshold * (len(stages) if together else 1)), (goodness, target), derivative, own)
            states = make_states(build, stage.layer)
            trained.update(states)
            _move(build, stage.layer, x, y, derivative, training.learning_rate, states)
            loss = build.add(Add(), (loss, own), build.fresh("loss")) if loss else own
        if stage is not stages[-1]:
            x = _hand_over(build, stage, y, "learn")
    return loss, trained


def _move(build: Builder, node: Node, x: str, y: str, derivative: str, rate: float, states: dict[str, str]) -> None:
    """Moves the weights of a layer that computed `y` of `x`. The derivative of the mean of squares by an activity is that by the mean times
    `2 * y`, which is 0 behind a relu where the gradient is; so `y` itself is what the gradients are computed of."""
    if isinstance(node.op, Dense):
        build.add(GoodnessUpdate(rate), (*node.inputs[1:3], x, y, derivative), *states.values())
        return
    op = Sgd(rate, scale=2 / pixels(build, y))
    move_convolution(build, node, x, y, op, states, in_format_of(build, derivative, y))
