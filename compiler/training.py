"""What a training step is told: the loss, how weights move, and which of them do."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .errors import TapeoutError
from .ir import Graph, Node, Op
from .ops.conv2d import Conv2D
from .ops.dense import Dense
from .ops.depthwise_conv2d import DepthwiseConv2D
from .ops.mean_squared_error import MeanSquaredError
from .ops.softmax_cross_entropy import SoftmaxCrossEntropy

LAYERS = (Conv2D, DepthwiseConv2D, Dense)  # the ops with weights that can be trained


class Loss(StrEnum):
    """What the outputs are compared with the target by."""

    CROSS_ENTROPY = "cross-entropy"
    MSE = "mse"

    def op(self, scale: float) -> Op:
        """The loss and its gradient, times `scale`."""
        return SoftmaxCrossEntropy(scale) if self is Loss.CROSS_ENTROPY else MeanSquaredError(scale)


class Method(StrEnum):
    """How a step trains: by back-propagation, or forward only, see `add_forward_forward_step.py` and `add_pepita_step.py` of the passes."""

    SGD = "sgd"
    FF = "ff"
    CFF = "cff"
    PEPITA = "pepita"


@dataclass(frozen=True)
class Training:
    """A step of training by `method`. `update` names the layers that it trains: `all`, `last:K`, or names with commas between.

    `master_weights`: what is trained is held in float32, and each step rounds it to the format of 16 bits in which the network computes.
    `loss_scale`: gradients are computed of the loss times this, so that they do not vanish in 16 bits, and updates divide by it.
    `threshold`: the goodness of a layer, its mean of squared activities, that Forward-Forward tells samples apart by.
    `batch`: the gradients of so many steps are added, and the last of them makes one update with their mean.
    """

    loss: Loss = Loss.CROSS_ENTROPY
    update: str = "all"
    learning_rate: float = 0.01
    momentum: float = 0.0
    weight_decay: float = 0.0
    master_weights: bool = False
    loss_scale: float = 1.0
    batch: int = 1
    method: Method = Method.SGD
    threshold: float = 1.0

    def trained(self, graph: Graph) -> list[Node]:
        """The layers that are trained, in their order. Raises TapeoutError that names a layer that there is not."""
        layers = [n for n in graph.nodes if isinstance(n.op, LAYERS) and graph.values[n.inputs[1]].constant]
        if not layers:
            raise TapeoutError("--training: the network has no layer with weights to train")
        if self.update == "all":
            return layers
        if self.update.startswith("last:"):
            count = self.update.removeprefix("last:")
            if not count.isdigit() or not 1 <= int(count) <= len(layers):
                raise TapeoutError(f"--update {self.update}: takes last:1 to last:{len(layers)}, the number of layers")
            return layers[-int(count) :]
        names = [name.strip() for name in self.update.split(",")]
        for name in names:
            if not any(name in layer_names(n) for n in layers):
                known = ", ".join(layer_names(n)[0] for n in layers)
                raise TapeoutError(f"--update {name}: there is no such layer with weights; there are {known}")
        return [n for n in layers if any(name in layer_names(n) for name in names)]


def layer_names(node: Node) -> tuple[str, ...]:
    """What a layer may be called: by its weights without their last part, `conv` for `conv.weight`; by its weights; by its output."""
    weight = node.inputs[1]
    return (weight.rpartition(".")[0] or weight, weight, node.name)
