"""Whole networks as exporters write them: equal to onnxruntime, with no transpose left, and named as in the model."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from .onnx_models import assert_same, floats, lowered, model, node, read, transposes


class Net:
    """Chains nodes; `y` is the name of the last output."""

    def __init__(self, shape: tuple[int, ...] = (1, 3, 12, 10)) -> None:
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.y = "image"

    def add(self, op: str, output: str, *constants: Array, others: str = "", x: str = "", **attributes: Any) -> str:
        names: list[str] = []
        for array in constants:
            names.append(f"{output}.{len(names)}")
            self.constants[names[-1]] = array
        self.nodes.append(node(op, " ".join([x or self.y, *others.split(), *names]), output, **attributes))
        self.y = output
        return output

    def normalized(self, output: str, inputs: int, outputs: int, kernel: int = 3, x: str = "", **attributes: Any) -> str:
        """Convolution and batch normalization."""
        group = attributes.get("group", 1)
        side = kernel // 2
        weights = floats(outputs, inputs // group, kernel, kernel, seed=len(self.nodes)) / (kernel * kernel * inputs // group) ** 0.5
        self.add("Conv", f"{output}.conv", weights, x=x, pads=[side] * 4, **attributes)
        scale, shift, mean, variance = (floats(outputs, seed=i) for i in range(4))
        return self.add("BatchNormalization", output, scale, shift, mean, abs(variance) + 0.5)

    def model(self, opset: int = 13) -> onnx.ModelProto:
        return model(self.nodes, {"image": self.shape}, self.y, self.constants, opset)


def plain_cnn(net: Net) -> None:
    for index, (inputs, outputs) in enumerate(((3, 8), (8, 6))):
        net.normalized(f"block{index}", inputs, outputs)
        net.add("Relu", f"relu{index}")
        net.add("MaxPool", f"pool{index}", kernel_shape=[2, 2], strides=[2, 2])
    net.add("Flatten", "flat")
    net.add("Gemm", "hidden", floats(9, 36), floats(9), transB=1)
    net.add("Relu", "relu")
    net.add("Gemm", "logits", floats(4, 9), floats(4), transB=1)
    net.add("Softmax", "scores", axis=-1)


def reshaped_cnn(net: Net) -> None:
    """Flattening by Reshape, then an activation and dropout before the dense layer."""
    net.normalized("block", 3, 4)
    net.constants["flat.shape"] = np.array([0, -1], np.int64)
    net.add("Reshape", "flat", others="flat.shape")
    net.add("Relu", "relu")
    net.add("Dropout", "dropout")
    net.add("MatMul", "product", floats(480, 5) / 20)
    net.add("Add", "logits", floats(5))


def shape_arithmetic(net: Net) -> None:
    """x.view(x.size(0), -1) as exporters write it."""
    net.normalized("block", 3, 4)
    x = net.add("AveragePool", "pool", kernel_shape=[2, 2], strides=[2, 2])
    net.add("Shape", "shape")
    net.add("Gather", "batch", np.array(0, np.int64), axis=0)
    net.constants["axes"], net.constants["rest"] = np.array([0], np.int64), np.array([-1], np.int64)
    net.add("Unsqueeze", "rows", others="axes")
    net.add("Concat", "target", others="rest", axis=0)
    net.add("Reshape", "flat", x=x, others="target")
    net.add("Gemm", "logits", floats(120, 4) / 10, floats(4))


def residual(net: Net) -> None:
    net.normalized("stem", 3, 6)
    skip = net.add("Relu", "stem.relu")
    net.normalized("a", 6, 6)
    net.add("Relu", "a.relu")
    net.normalized("b", 6, 6)
    net.add("Add", "sum", others=skip)
    x = net.add("Relu", "sum.relu")
    shortcut = net.normalized("shortcut", 6, 8, kernel=1, strides=[2, 2])
    net.normalized("c", 6, 8, x=x, strides=[2, 2])
    net.add("Add", "sum2", others=shortcut)
    net.add("GlobalAveragePool", "pool")
    net.add("Flatten", "flat")
    net.add("Gemm", "logits", floats(8, 4), floats(4))


def dense_blocks(net: Net) -> None:
    x = net.normalized("a", 3, 4)
    y = net.normalized("b", 4, 5)
    net.add("Concat", "join", x=x, others=y, axis=1)
    net.add("BatchNormalization", "norm", floats(9), floats(9, seed=1), floats(9, seed=2), abs(floats(9, seed=3)) + 0.5)
    net.add("Relu", "relu")
    net.normalized("c", 9, 4, kernel=1)
    net.add("AveragePool", "pool", kernel_shape=[2, 2], strides=[2, 2])


def mobilenet(net: Net) -> None:
    net.normalized("stem", 3, 6, strides=[2, 2])
    net.add("Clip", "stem.relu6", np.array(0, np.float32), np.array(6, np.float32))
    net.normalized("depthwise", 6, 6, group=6)
    x = net.add("Clip", "depthwise.relu6", np.array(0, np.float32), np.array(6, np.float32))
    net.normalized("pointwise", 6, 6, kernel=1)
    net.add("Add", "sum", others=x)
    net.add("ReduceMean", "mean", axes=[2, 3], keepdims=0)
    net.add("Gemm", "logits", floats(6, 4), floats(4))


def squeeze_excite(net: Net) -> None:
    x = net.normalized("stem", 3, 6)
    net.add("GlobalAveragePool", "squeeze")
    net.add("Conv", "reduce", floats(2, 6, 1, 1), floats(2))
    net.add("Relu", "reduce.relu")
    net.add("Conv", "expand", floats(6, 2, 1, 1), floats(6))
    gate = net.add("HardSigmoid", "gate", alpha=1 / 6)
    net.add("Mul", "scaled", x=x, others=gate)
    net.add("ReduceMean", "mean", axes=[-1, -2])
    net.add("Flatten", "flat")
    net.add("MatMul", "dense", floats(6, 6))
    net.constants["plane"] = np.array([1, 6, 1, 1], np.int64)
    net.add("Reshape", "gate2", others="plane")
    net.add("Mul", "y", others="scaled")


def shuffled(net: Net) -> None:
    """A channel shuffle is a transpose of the channels alone, which moves data and stays."""
    net.normalized("a", 3, 6)
    net.constants["split"], net.constants["join"] = np.array([1, 2, 3, 12, 10], np.int64), np.array([1, 6, 12, 10], np.int64)
    net.add("Reshape", "groups", others="split")
    net.add("Transpose", "swapped", perm=[0, 2, 1, 3, 4])
    net.add("Reshape", "shuffled", others="join")
    net.normalized("b", 6, 4, group=2)


def normalized_input(net: Net) -> None:
    net.add("Sub", "centred", floats(3, 1, 1))
    net.add("Div", "scaled", abs(floats(3, 1, 1)) + 0.5)
    net.add("Conv", "y", floats(4, 3, 3, 3), floats(4))


def channels_last_model(net: Net) -> None:
    """As converted from TensorFlow: NHWC outside, transposed around each convolution."""
    net.shape = (1, 12, 10, 3)
    net.add("Transpose", "nchw", perm=[0, 3, 1, 2])
    net.normalized("a", 3, 4)
    net.add("Transpose", "a.nhwc", perm=[0, 2, 3, 1])
    net.add("Relu", "relu")
    net.add("Transpose", "relu.nchw", perm=[0, 3, 1, 2])
    net.add("MaxPool", "pool", kernel_shape=[2, 2])
    net.add("Transpose", "y", perm=[0, 2, 3, 1])


def detector(net: Net) -> None:
    """A head whose channels are classes per anchor, flattened by position."""
    net.normalized("a", 3, 6)
    net.add("Transpose", "nhwc", perm=[0, 2, 3, 1])
    net.constants["boxes"] = np.array([1, -1, 3], np.int64)
    net.add("Reshape", "flat", others="boxes")
    net.add("Softmax", "y", axis=2)


NETS: list[tuple[Callable[[Net], None], int]] = [
    (plain_cnn, 0), (reshaped_cnn, 0), (shape_arithmetic, 0), (residual, 0), (dense_blocks, 0), (mobilenet, 0), (squeeze_excite, 0),
    (shuffled, 1), (normalized_input, 0), (channels_last_model, 0), (detector, 0),
]


FIXED_BATCH = (squeeze_excite, shuffled, detector)  # a Reshape names it
CASES = [pytest.param(m, left, batch, id=f"{m.__name__}-{batch}") for m, left in NETS for batch in ((1,) if m in FIXED_BATCH else (1, 2))]


@pytest.mark.parametrize(("make", "left", "batch"), CASES)
def test_network(make: Callable[[Net], None], left: int, batch: int, tmp_path: Path) -> None:
    net = Net()
    make(net)
    net.shape = (batch, *net.shape[1:])
    made = net.model()
    graph = lowered(read(made, tmp_path))
    assert_same(made, graph)
    assert transposes(graph) == left
    named = {o for n in net.nodes for o in n.output}
    added = [n.name for n in graph.nodes if n.name not in named]
    assert all(name.rsplit("_", 1)[0] in named for name in added), added


def ops(graph: Graph) -> list[str]:
    return [n.op.name() for n in graph.nodes]


def test_batch_normalization_leaves_no_trace(tmp_path: Path) -> None:
    net = Net()
    mobilenet(net)
    graph = lowered(read(net.model(), tmp_path))
    assert ops(graph) == ["conv2d", "clip", "depthwise_conv2d", "clip", "conv2d", "add", "mean", "dense"]
    assert all(len(n.inputs) == 3 and n.inputs[2] for n in graph.nodes if isinstance(n.op, Conv2D | DepthwiseConv2D | Dense))


def test_images_are_held_as_nhwc_at_the_ports(tmp_path: Path) -> None:
    net = Net()
    dense_blocks(net)
    graph = read(net.model(), tmp_path)
    assert [(p.axes, graph.values[p.value].type.shape) for p in graph.inputs] == [((0, 2, 3, 1), (1, 12, 10, 3))]
    assert [(p.axes, graph.values[p.value].type.shape) for p in graph.outputs] == [((0, 2, 3, 1), (1, 6, 5, 4))]


def test_a_tensor_that_no_window_reads_stays_as_it_is(tmp_path: Path) -> None:
    graph = read(model([node("Relu", "x", "y")], {"x": (1, 2, 3, 4)}, "y"), tmp_path)
    assert graph.inputs[0].axes == graph.outputs[0].axes == (0, 1, 2, 3)
