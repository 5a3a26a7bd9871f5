"""Adds the loss, the gradients and the updates of weights behind the nodes of a float network."""
from __future__ import annotations

import numpy as np

from ..backward import Backward
from ..errors import Unsupported
from ..ir import F32, Builder, Graph, Node, Port
from ..ops.add import Add
from ..ops.sgd import Sgd
from ..ops.softmax import Softmax
from ..training import Loss, Training


def add_training_step(graph: Graph, training: Training) -> Graph:
    """The network, then a step of its training: weights that are trained become states, which each run changes.

    The last input, `target`, has the type of the output that is trained, the logits where the network ends with a softmax and the loss is
    cross entropy. Outputs are the network's, the `loss`, and each trained weight as it is behind the step. No gradient is computed that no
    weight needs, such as that of the network's input. Raises TapeoutError for layers that there are not, Unsupported for an op without
    gradient on the way.
    """
    if len(graph.outputs) != 1 or graph.values[graph.outputs[0].value].type.q != F32:
        raise Unsupported(f"{graph.name}: training takes a network with one output, of f32")
    return _Step(graph, training).graph()


class _Step:
    """Builds the graph of a step, from the loss back."""

    def __init__(self, graph: Graph, training: Training) -> None:
        self.source, self.training = graph, training
        self.build = Builder(graph.values)
        self.build.nodes = list(graph.nodes)
        layers = training.trained(graph)
        names = [name for node in layers for name in node.inputs[1:3] if name and graph.values[name].constant]
        self.trained = {name: self._state(name) for name in dict.fromkeys(names)}
        self.wanted = _dependent(graph, self.trained)
        self.gradients: dict[str, list[str]] = {}  # of each value, by those who read it

    def graph(self) -> Graph:
        port = self.source.outputs[0]
        logits = _logits(self.source, self.training.loss)
        target = self.build.input(self.build.fresh("target"), self.build.values[logits].type)
        gradient, loss = self.build.fresh(f"{logits}_gradient"), self.build.fresh("loss")
        self.build.add(self.training.loss.op, (logits, target), gradient, loss)
        self.gradients[logits] = [gradient]
        readers = self.source.consumers()
        for node in reversed(self.source.nodes):
            if node.name in self.wanted and node.name in self.gradients:
                self._back(node)
            for name in self.trained:
                if name in self.gradients and readers[name][0] is node:  # nobody reads it any more
                    self._update(name)
        outputs = (*self.source.outputs, Port(loss, loss, "float32", (0,)), *map(self._weight_port, self.trained))
        inputs = (*self.source.inputs, Port(target, target, "float32", port.axes))
        return self.source.replace(self.build.nodes, self.build.values, inputs=inputs, outputs=outputs)

    def _state(self, name: str) -> str:
        """Makes a constant a state; the value that it becomes."""
        next = self.build.fresh(f"{name}_next")
        self.build.state(name, self.source.data(name), next)
        return next

    def _weight_port(self, name: str) -> Port:
        rank = len(self.source.values[name].type.shape)
        return Port(self.trained[name], name, "float32", tuple(range(rank)))

    def _back(self, node: Node) -> None:
        for name, gradient in Backward(self.build, self.wanted).through(node, self._total(node.name)):
            if name in self.wanted:
                self.gradients.setdefault(name, []).append(gradient)

    def _total(self, name: str) -> str:
        """The sum of the gradients of a value by all who read it, the last reader's first."""
        total, *others = self.gradients[name]
        for other in others:
            total = self.build.add(Add(), (total, other), self.build.fresh(f"{name}_gradients"))
        return total

    def _update(self, name: str) -> None:
        rule, gradient = self.training, self._total(name)
        op = Sgd(rule.learning_rate, rule.momentum, rule.weight_decay)
        if not rule.momentum:
            self.build.add(op, (name, gradient, ""), self.trained[name])
            return
        velocity, next = self.build.fresh(f"{name}_velocity"), self.build.fresh(f"{name}_velocity_next")
        self.build.state(velocity, np.zeros(self.source.values[name].type.shape, np.float32), next)
        self.build.add(op, (name, gradient, velocity), self.trained[name], next)


def _dependent(graph: Graph, trained: dict[str, str]) -> frozenset[str]:
    """The trained weights and all that is computed from them."""
    found = set(trained)
    for node in graph.nodes:
        if found.intersection(node.inputs):
            found.update(node.outputs)
    return frozenset(found)


def _logits(graph: Graph, loss: Loss) -> str:
    """The value that the loss takes: the output, or what its softmax is computed from, as the loss has a softmax of its own."""
    output = graph.outputs[0].value
    maker = graph.producer(output)
    return maker.inputs[0] if maker and isinstance(maker.op, Softmax) and loss is Loss.CROSS_ENTROPY else output
