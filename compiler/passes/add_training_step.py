"""Adds the loss, the gradients and the updates of weights behind the nodes of a float network."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..backward import Backward
from ..errors import Unsupported
from ..f16 import narrow, widen
from ..ir import F32, Array, Builder, FType, Graph, Node, Port, Type
from ..ops.accumulate import POSITION, Accumulate
from ..ops.add import Add
from ..ops.cast import Cast
from ..ops.count import Count
from ..ops.sgd import Sgd
from ..ops.softmax import Softmax
from ..states import next_port
from ..training import Loss, Training


def add_training_step(graph: Graph, training: Training, checkpoint: Mapping[str, Array] | None = None) -> Graph:
    """The network, then a step of its training: weights that are trained become states, which each run changes.

    The last input, `target`, is float32 of the shape of the output that is trained, the logits where the network ends with a softmax and
    the loss is cross entropy. Outputs are the network's, the `loss`, and each trained weight as it is behind the step. No gradient is
    computed that no weight needs, such as that of the network's input. `checkpoint` has the float32 numbers of which weights of 16 bits
    are roundings, by their names, from which master weights begin. Raises TapeoutError for layers that there are not, Unsupported for an
    op without gradient on the way.
    """
    if len(graph.outputs) != 1 or graph.values[graph.outputs[0].value].type.q != F32:
        raise Unsupported(f"{graph.name}: training takes a network with one output, of f32")
    return _Step(graph, training, checkpoint or {}).graph()


class _Step:
    """Builds the graph of a step, from the loss back."""

    def __init__(self, graph: Graph, training: Training, checkpoint: Mapping[str, Array]) -> None:
        self.source, self.training, self.checkpoint = graph, training, checkpoint
        self.build = Builder(graph.values)
        layers = training.trained(graph)
        names = [name for node in layers for name in node.inputs[1:3] if name and graph.values[name].constant]
        self.trained = {name: self._state(name) for name in dict.fromkeys(names)}  # the states, by what layers read
        self._forward()
        self.wanted = _dependent(graph, self.trained)
        self.gradients: dict[str, list[str]] = {}  # of each value, by those who read it
        self.number = ""  # of a call in its batch
        if training.batch > 1:
            self.number = self.build.fresh("batch_number")
            self.build.state(self.number, np.zeros(1, np.int32), self.build.fresh("batch_number_next"), POSITION)

    def graph(self) -> Graph:
        port = self.source.outputs[0]
        logits = _logits(self.source, self.training.loss)
        target = self.build.input(self.build.fresh("target"), Type(self.build.values[logits].type.shape, F32))
        gradient, loss = self.build.fresh(f"{logits}_gradient"), self.build.fresh("loss")
        self.build.add(self.training.loss.op(self.training.loss_scale), (logits, target), gradient, loss)
        self.gradients[logits] = [gradient]
        readers = self.source.consumers()
        for node in reversed(self.source.nodes):
            if node.name in self.wanted and node.name in self.gradients:
                self._back(node)
            for name in self.trained:
                if name in self.gradients and readers[name][0] is node:  # nobody reads it any more
                    self._update(name)
        if self.number:
            self.build.add(Count(self.training.batch), (self.number,), self.build.values[self.number].next)
        outputs = (*self.source.outputs, Port(loss, loss, "float32", (0,)), *map(self._weight_port, self.trained))
        inputs = (*self.source.inputs, Port(target, target, "float32", port.axes))
        return self.source.replace(self.build.nodes, self.build.values, inputs=inputs, outputs=outputs)

    def _state(self, name: str) -> str:
        """Makes a constant a state, or a master copy of it one; the state."""
        value, next = self.source.values[name], self.build.fresh(f"{name}_next")
        data = self.source.data(name)
        if not self.training.master_weights or value.type.q == F32:
            self.build.state(name, data, next, value.type.q)
            return name
        assert isinstance(value.type.q, FType)
        exact = self.checkpoint.get(name, widen(data))
        if exact.shape != data.shape or narrow(exact, value.type.q).tobytes() != data.tobytes():
            exact = widen(data)
        del self.build.values[name]
        self.build.state(master := self.build.fresh(f"{name}_master"), exact, next)
        return master

    def _forward(self) -> None:
        """The network's own nodes, before the first reader of a weight with a master copy the cast that makes it."""
        for node in self.source.nodes:
            for name in dict.fromkeys(node.inputs):
                q = self.source.values[name].type.q if name in self.trained else F32
                if name in self.trained and name not in self.build.values and isinstance(q, FType):
                    self.build.add(Cast(q), (self.trained[name],), name)
            self.build.nodes.append(node)

    def _weight_port(self, name: str) -> Port:
        return next_port(self.build.values[self.trained[name]], name)

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
        rule, state, gradient = self.training, self.build.values[self.trained[name]], self._total(name)
        op = Sgd(rule.learning_rate, rule.momentum, rule.weight_decay, 1 / (rule.loss_scale * rule.batch), rule.batch)
        zeros = np.zeros(state.type.shape, state.type.q.dtype)
        number = (self.number,) if self.number else ()
        if number:
            total, next = self.build.fresh(f"{name}_total"), self.build.fresh(f"{name}_total_next")
            self.build.state(total, zeros, next, state.type.q)
            gradient = self.build.add(Accumulate(), (total, gradient, *number), next)
        if not rule.momentum:
            self.build.add(op, (state.name, gradient, "", *number), state.next)
            return
        velocity, next = self.build.fresh(f"{name}_velocity"), self.build.fresh(f"{name}_velocity_next")
        self.build.state(velocity, zeros, next, state.type.q)
        self.build.add(op, (state.name, gradient, velocity, *number), state.next, next)


def _dependent(graph: Graph, trained: Mapping[str, str]) -> frozenset[str]:
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
    while maker and isinstance(maker.op, Cast):
        maker = graph.producer(maker.inputs[0])
    return maker.inputs[0] if maker and isinstance(maker.op, Softmax) and loss is Loss.CROSS_ENTROPY else output
