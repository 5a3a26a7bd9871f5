"""One small network as PyTorch has it and as Keras has it, with the same weights."""
from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run

SHAPE = (1, 10, 10, 3)  # of the input image, NHWC
EPSILON = 1e-3
_generator = np.random.default_rng(3)


def _weights(*shape: int) -> Array:
    return _generator.normal(0, 0.4, shape).astype(np.float32)


CONV, CONV_BIAS = _weights(3, 3, 3, 8), _weights(8)  # HWIO
GAMMA, BETA, MEAN, VARIANCE = _weights(8), _weights(8), _weights(8), np.square(_weights(8)) + 0.5
DEPTHWISE, DEPTHWISE_BIAS = _weights(3, 3, 8), _weights(8)  # HWC
DENSE, DENSE_BIAS = _weights(4 * 4 * 8, 5), _weights(5)  # (rows x columns x channels, outputs)


class Net(torch.nn.Module):
    """Convolution, batch norm, relu, depthwise convolution without padding, pooling, flatten, dense, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8, eps=EPSILON)
        self.depthwise = torch.nn.Conv2d(8, 8, 3, groups=8)
        self.pool = torch.nn.AvgPool2d(2)
        self.dense = torch.nn.Linear(128, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(image)))
        x = self.pool(torch.relu(self.depthwise(x)))
        return torch.softmax(self.dense(x.flatten(1)), dim=1)


def of_torch() -> Net:
    net = Net().eval()
    state = {
        "conv.weight": CONV.transpose(3, 2, 0, 1), "conv.bias": CONV_BIAS,
        "norm.weight": GAMMA, "norm.bias": BETA, "norm.running_mean": MEAN, "norm.running_var": VARIANCE,
        "norm.num_batches_tracked": np.array(0),
        "depthwise.weight": DEPTHWISE.transpose(2, 0, 1)[:, None], "depthwise.bias": DEPTHWISE_BIAS,
        "dense.weight": DENSE.reshape(4, 4, 8, 5).transpose(3, 2, 0, 1).reshape(5, 128), "dense.bias": DENSE_BIAS,
    }  # fmt: skip
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.items()})
    return net


def of_keras(keras: Any) -> Any:
    """The model in Keras 3 or tf_keras, whichever is given."""
    layers = keras.layers
    image = x = keras.Input(SHAPE[1:], name="image")
    x = layers.Conv2D(8, 3, padding="same", name="conv")(x)
    x = layers.ReLU()(layers.BatchNormalization(epsilon=EPSILON, name="norm")(x))
    x = layers.AveragePooling2D(2)(layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x))
    model = keras.Model(image, layers.Dense(5, activation="softmax", name="dense")(layers.Flatten()(x)))
    for name, arrays in (
        ("conv", (CONV, CONV_BIAS)), ("norm", (GAMMA, BETA, MEAN, VARIANCE)),
        ("depthwise", (DEPTHWISE[..., None], DEPTHWISE_BIAS)), ("dense", (DENSE, DENSE_BIAS)),
    ):  # fmt: skip
        model.get_layer(name).set_weights(arrays)
    return model


def canonical(graph: Graph) -> list[tuple[Any, ...]]:
    """The nodes without names: op, output type, and for each input the number of the node it comes from (-1: the input) or its constant."""
    numbers = {graph.inputs[0].value: -1, **{node.name: index for index, node in enumerate(graph.nodes)}}
    return [
        (node.op, graph.values[node.name].type, *(numbers.get(i, graph.values[i].data if i else None) for i in node.inputs))
        for node in graph.nodes
    ]


def assert_same_graph(found: Graph, expected: Graph) -> None:
    """The same ops with the same fields, types and edges, in the same order; constants within 1e-6, as converters fold norms in float32."""
    mine, theirs = canonical(found), canonical(expected)
    assert [n[:2] for n in mine] == [n[:2] for n in theirs]
    for node, other in zip(mine, theirs, strict=True):
        assert len(node) == len(other)
        for a, b in zip(node[2:], other[2:], strict=True):
            assert type(a) is type(b)
            if isinstance(a, np.ndarray):
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
            else:
                assert a == b
    assert found.values[found.inputs[0].value].type == expected.values[expected.inputs[0].value].type


def outputs(graph: Graph) -> Array:
    """Of the only output, for four images."""
    images = np.random.default_rng(1).normal(0, 1, (4, *SHAPE)).astype(np.float32)
    return run(graph, {graph.inputs[0].value: images})[graph.outputs[0].value]
