"""Turns a chain of layers into one that learns by PEPITA: a second forward pass in the place of the backward pass."""
from __future__ import annotations

import math

import numpy as np

from ..errors import Unsupported
from ..ir import F32, Array, Builder, Graph, Node, Port, Type
from ..layer_chain import LayerChain, in_format_of, make_states, move_convolution, pixels, run_again, superimpose
from ..ops.dense import Dense
from ..ops.outer_update import OuterUpdate
from ..ops.sgd import Sgd
from ..ops.sub import Sub
from ..states import next_port
from ..training import Loss, Training
from .remove_dead_nodes import remove_dead_nodes

_SEED = 0  # of the feedback


def feedback(inputs: int, classes: int) -> Array:
    """The fixed random matrix (inputs, classes) by which the error moves the input.

    Uniform between plus and minus `0.05 * sqrt(6 / inputs)`, as the authors' program draws it with `he_uniform`
    (github.com/GiorgiaD/PEPITA, functions.py): a standard deviation of `0.05 * sqrt(2 / inputs)`.
    """
    limit = 0.05 * math.sqrt(6 / inputs)
    return np.random.default_rng(_SEED).uniform(-limit, limit, (inputs, classes)).astype(np.float32)


def add_pepita_step(graph: Graph, training: Training) -> Graph:
    """A step of PEPITA (Dellaferrera and Kreiman 2022, arXiv 2201.11665) on one sample.

    Inputs: the network's; last `target`, shaped like its output. Outputs: the network's; `loss`; the weights. The error `e` is
    `softmax(logits) - target`, or for the mean squared error the output less `target`. A second pass runs on `x + F e`, with `F` of
    `feedback`, and moves each layer from what it computes there: `w -= rate * (h - h2) x2^T`, with `h` of the first and `h2` of the second
    pass, and the last one `w -= rate * e x2^T`; each bias as the weight of an input that is 1. Of a convolution it is the mean of these
    products over all places of `h`, as in the authors' program. The first pass is not stored: each `h` is computed again beside `h2`,
    before its layer moves, so that only two neighbouring layers of both passes are held.

    Raises Unsupported for other networks than chains of layers, at least two, of one sample, the last one fully connected.
    """
    chain = LayerChain.of(graph)
    last = chain.stages[-1]
    if not isinstance(last.layer.op, Dense) or last.behind:
        node = last.behind[-1] if last.behind else last.layer
        raise Unsupported(f"{node.name}: PEPITA takes a fully connected layer at the end, no {node.op.label}; train it with --training sgd")
    build = Builder(graph.values)
    build.nodes.extend(graph.nodes)
    port, output = graph.inputs[0], graph.outputs[0]
    target = build.input(build.fresh("target"), Type(build.values[output.value].type.shape, F32))
    error, loss = _error(build, last.layer.name if training.loss is Loss.CROSS_ENTROPY else output.value, target, training.loss)
    trained = _learn(build, chain, port.value, error, training, training.trained(graph))
    inputs = (port, Port(target, target, "float32", output.axes))
    weights = (next_port(build.values[name], name) for name in trained)
    outputs = (output, Port(loss, loss, "float32", (0,)), *weights)
    return remove_dead_nodes(graph.replace(build.nodes, build.values, inputs=inputs, outputs=outputs))


def _error(build: Builder, y: str, target: str, loss: Loss) -> tuple[str, str]:
    """The names of the error and the loss. The gradient of a mean of squares is `2 / size` times the error, that of one row's cross
    entropy the error itself where the target sums to 1."""
    error, name = build.fresh("error"), build.fresh("loss")
    build.add(loss.op(build.values[y].type.size / 2 if loss is Loss.MSE else 1.0), (y, target), error, name)
    return error, name


def _learn(build: Builder, chain: LayerChain, x: str, error: str, training: Training, chosen: list[Node]) -> dict[str, str]:
    """Both passes, side by side, and the updates; what each trained weight becomes."""
    inputs, classes = build.values[x].type.size, build.values[error].type.size
    trained, second = dict[str, str](), superimpose(build, x, feedback(inputs, classes), error, "modulated")
    x, second = run_again(build, chain.head, x, "again"), run_again(build, chain.head, second, "modulated")
    for stage in chain.stages:
        before, layer = second, [stage.layer]
        x, second = run_again(build, layer, x, "again"), run_again(build, layer, second, "modulated")
        if stage.layer in chosen:
            states = make_states(build, stage.layer)
            trained.update(states)
            last = stage is chain.stages[-1]
            difference = (in_format_of(build, error, second), "") if last else (x, second)
            _move(build, stage.layer, before, *difference, training.learning_rate, states)
        x, second = run_again(build, stage.behind, x, "again"), run_again(build, stage.behind, second, "modulated")
    return trained


def _move(build: Builder, node: Node, x: str, y: str, z: str, rate: float, states: dict[str, str]) -> None:
    """Moves the weights of a layer that read `x` in the second pass by `y - z`, without `z` by `y`."""
    if isinstance(node.op, Dense):
        build.add(OuterUpdate(rate), (*node.inputs[1:3], x, y, z), *states.values())
        return
    difference = build.add(Sub(), (y, z), build.fresh(f"{node.name}_difference"))
    move_convolution(build, node, x, difference, Sgd(rate, scale=1 / pixels(build, y)), states)
