"""Random small ONNX networks: every supported op, odd sizes, several inputs and outputs. The same seed gives the same network."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tapeout.compiler.ir import Array

Shape = tuple[int, ...]

_LARGEST = 2000  # elements of a tensor, so that a case takes milliseconds


class Net:
    """A network in the making: `shapes` has its tensors that depend on inputs, `nodes` what computes them."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.batch = int(self.random.choice([1, 1, 2]))
        self.opset = int(self.random.choice([13, 17, 21]))
        self.shapes: dict[str, Shape] = {}
        self.inputs: dict[str, Shape] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}

    def number(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return int(self.random.integers(low, high, endpoint=True))

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def any(self, rank: int = 0) -> str | None:
        """A tensor, of this rank if one is asked for; late ones are more likely."""
        names = [n for n, s in self.shapes.items() if rank in (0, len(s))]
        return names[int(len(names) * self.random.random() ** 0.5)] if names else None

    def input(self) -> None:
        image = (self.batch, self.number(1, 5), self.number(1, 9), self.number(1, 9))
        shape = [image, image, (self.batch, self.number(1, 12)), image[:3], (self.batch, 1, 1, 1)][self.number(0, 4)]
        name = f"in{len(self.inputs)}"
        self.inputs[name] = self.shapes[name] = shape

    def constant(self, shape: Sequence[int], spread: float = 1.0) -> str:
        return self.store(self.random.normal(0, spread, tuple(shape)).astype(np.float32))

    def positive(self, size: int) -> str:
        return self.store(self.random.uniform(0.5, 2, size).astype(np.float32))

    def integers(self, values: Sequence[int]) -> str:
        return self.store(np.array(values, np.int64))

    def store(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name

    def add(self, op: str, inputs: Sequence[str], results: int = 1, **attributes: Any) -> None:
        """Adds a node if ONNX infers sound shapes for it."""
        outputs = [f"t{len(self.nodes)}{'abc'[i] if results > 1 else ''}" for i in range(results)]
        made = helper.make_node(op, inputs, outputs, name=f"{op}{len(self.nodes)}", **attributes)
        used = {name: self.constants[name] for name in inputs if name in self.constants}
        single = self._proto([made], {n: self.shapes[n] for n in inputs if n in self.shapes}, outputs, used)
        inferred = onnx.shape_inference.infer_shapes(single, strict_mode=True, data_prop=True)
        shapes = [tuple(int(d.dim_value) for d in v.type.tensor_type.shape.dim) for v in inferred.graph.output]
        if all(min(s, default=1) > 0 and np.prod(s) <= _LARGEST for s in shapes):
            self.nodes.append(made)
            self.shapes.update(zip(outputs, shapes, strict=True))

    def model(self) -> onnx.ModelProto:
        """Its outputs are what nothing reads, a tensor on the way at times, and the last of all at least."""
        read = {name for n in self.nodes for name in n.input}
        computed = [o for n in self.nodes for o in n.output]
        ends = [name for name in computed if name not in read]
        inner = [name for name in computed if name in read]
        if inner and self.chance(0.3):
            ends.insert(0, inner[self.number(0, len(inner) - 1)])
        return self._proto(self.nodes, self.inputs, ends, self.constants)

    def _proto(
        self, nodes: Sequence[onnx.NodeProto], inputs: dict[str, Shape], outputs: Sequence[str], constants: dict[str, Array]
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            nodes, "random",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shapes.get(name)) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)


def random_model(seed: int) -> onnx.ModelProto:
    """A network of up to a dozen nodes over one to three inputs; ops that fit no tensor there are passed over."""
    net = Net(seed)
    for _ in range(net.number(1, 3)):
        net.input()
    wanted = net.number(3, 12)
    for _ in range(100):
        if len(net.nodes) >= wanted:
            break
        LAYERS[net.number(0, len(LAYERS) - 1)](net)
    return net.model()


def samples(model: onnx.ModelProto, count: int, seed: int) -> dict[str, Array]:
    """Normal random inputs (count, *shape) by name."""
    random = np.random.default_rng(seed)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input}
    return {name: random.normal(0, 1.5, (count, *shape)).astype(np.float32) for name, shape in shapes.items()}


def _window(net: Net, shape: Shape, dilated: bool = True) -> dict[str, Any]:
    """Attributes of a window that fits a plane."""
    plane = shape[2:]
    dilation = [net.number(1, 2) if dilated else 1 for _ in plane]
    kernel = [net.number(1, max(1, min(4, (n - 1) // d + 1))) for n, d in zip(plane, dilation, strict=True)]
    padded = net.chance(0.5)
    pads = [net.number(0, k - 1) if padded else 0 for k in kernel * 2]
    found: dict[str, Any] = {"kernel_shape": kernel, "strides": [net.number(1, 3) for _ in plane]}
    if dilated:
        found["dilations"] = dilation
    same = all(d == 1 and s <= k for d, s, k in zip(dilation, found["strides"], kernel, strict=True))
    if same and net.chance(0.3):
        found["auto_pad"] = "SAME_UPPER" if net.chance(0.5) else "SAME_LOWER"
    else:
        found["pads"] = pads
    return found


def _plane(net: Net) -> str | None:
    return net.any(4) if net.chance(0.9) else net.any(3)


def _convolve(net: Net, x: str, groups: int, outputs: int) -> None:
    shape = net.shapes[x]
    window = _window(net, shape)
    w = net.constant((outputs, shape[1] // groups, *window["kernel_shape"]), 0.4)
    if net.chance(0.1):
        net.constants[w][net.number(0, outputs - 1)] = 0
    bias = [net.constant((outputs,))] if net.chance(0.7) else []
    net.add("Conv", [x, w, *bias], group=groups, **window)


def convolution(net: Net) -> None:
    if x := _plane(net):
        channels = net.shapes[x][1]
        groups = int(net.random.choice([g for g in range(1, channels + 1) if channels % g == 0])) if net.chance(0.3) else 1
        _convolve(net, x, groups, groups * net.number(1, 4))


def depthwise(net: Net) -> None:
    if x := _plane(net):
        _convolve(net, x, net.shapes[x][1], net.shapes[x][1] * net.number(1, 2))


def pooling(net: Net) -> None:
    if x := _plane(net):
        if net.chance(0.5):
            net.add("MaxPool", [x], **_window(net, net.shapes[x], dilated=False))
        else:
            net.add("AveragePool", [x], count_include_pad=net.number(0, 1), **_window(net, net.shapes[x], dilated=False))


def global_pooling(net: Net) -> None:
    if x := _plane(net):
        net.add("GlobalAveragePool" if net.chance(0.7) else "GlobalMaxPool", [x])


def batch_norm(net: Net) -> None:
    if x := _plane(net):
        channels = net.shapes[x][1]
        mean = net.constant((channels,))
        net.add("BatchNormalization", [x, net.positive(channels), net.constant((channels,)), mean, net.positive(channels)])


def binary(net: Net) -> None:
    """Two computed tensors that broadcast, the same one twice among them, or one and a constant on either side."""
    x = net.any()
    assert x
    shape, op = net.shapes[x], ["Add", "Sub", "Mul"][net.number(0, 2)]
    same_rank = {n: s for n, s in net.shapes.items() if len(s) == len(shape)}
    others = [n for n, s in same_rank.items() if all(a == b or 1 in (a, b) for a, b in zip(s, shape, strict=True))]
    if others and net.chance(0.7):
        y = others[net.number(0, len(others) - 1)]
    else:
        kept = shape[net.number(0, len(shape)) :]
        y = net.constant([n if net.chance(0.6) else 1 for n in kept])
    net.add(op, [x, y] if net.chance(0.5) else [y, x])


def divide(net: Net) -> None:
    x = net.any()
    assert x
    net.add("Div", [x, net.positive(net.shapes[x][-1] if net.shapes[x] else 1)])


def unary(net: Net) -> None:
    x = net.any()
    assert x
    choices: list[tuple[str, dict[str, Any]]] = [
        ("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"alpha": 0.2}), ("HardSwish", {}), ("HardSigmoid", {}),
        ("Identity", {}), ("Dropout", {}),
    ]
    op, attributes = choices[net.number(0, len(choices) - 1)]
    if op != "HardSwish" or net.opset >= 14:
        net.add(op, [x], **attributes)


def clip(net: Net) -> None:
    x = net.any()
    assert x
    bounds = [net.store(np.array(v, np.float32)) if net.chance(0.7) else "" for v in (-net.random.random(), 6 * net.random.random())]
    net.add("Clip", [x, *bounds])


def softmax(net: Net) -> None:
    x = net.any()
    if x and net.shapes[x]:
        net.add("Softmax", [x], axis=net.number(-len(net.shapes[x]), len(net.shapes[x]) - 1))


def concat(net: Net) -> None:
    x = net.any()
    if not x or not net.shapes[x]:
        return
    shape = net.shapes[x]
    axis = net.number(0, len(shape) - 1)
    fitting = [n for n, s in net.shapes.items() if len(s) == len(shape) and s[:axis] + s[axis + 1 :] == shape[:axis] + shape[axis + 1 :]]
    parts = [fitting[net.number(0, len(fitting) - 1)] for _ in range(net.number(0, 2))]
    if net.chance(0.2):
        parts.append(net.constant([2 if a == axis else n for a, n in enumerate(shape)]))
    net.add("Concat", [x, *parts], axis=axis - len(shape) * net.number(0, 1))


def pad(net: Net) -> None:
    x = net.any()
    assert x
    rank = len(net.shapes[x])
    pads = [net.number(0, 2) if net.chance(0.4) else 0 for _ in range(2 * rank)]
    if rank:
        value = [net.store(np.array(net.random.normal(), np.float32))] if net.chance(0.5) else []
        net.add("Pad", [x, net.integers(pads), *value])


def cut(net: Net) -> None:
    x = net.any()
    assert x
    for axis, size in enumerate(net.shapes[x]):
        if size > 1 and net.chance(0.5):
            start = net.number(0, size - 1)
            end, step = (net.number(start + 1, size + 1), net.number(1, 2)) if net.chance(0.8) else (-size - 1, -1)
            net.add("Slice", [x, *(net.integers([v]) for v in (start, end, axis, step))])
            return


def split(net: Net) -> None:
    x = net.any()
    assert x
    for axis, size in enumerate(net.shapes[x]):
        if size > 1 and net.chance(0.5):
            first = net.number(1, size - 1)
            net.add("Split", [x, net.integers([first, size - first])], results=2, axis=axis)
            return


def transpose(net: Net) -> None:
    x = net.any()
    if not x or not net.shapes[x]:
        return
    net.add("Transpose", [x], perm=[int(a) for a in net.random.permutation(len(net.shapes[x]))])


def reshape(net: Net) -> None:
    x = net.any()
    assert x
    shape, size = net.shapes[x], int(np.prod(net.shapes[x]))
    targets: list[Callable[[], None]] = [
        lambda: net.add("Flatten", [x], axis=net.number(0, len(shape))),
        lambda: net.add("Reshape", [x, net.integers([-1, max(d for d in range(1, 8) if size % d == 0)])]),
        lambda: net.add("Reshape", [x, net.integers([1, max(d for d in range(1, 5) if size % d == 0), -1, 1])]),
        lambda: net.add("Reshape", [x, net.integers(shape[::-1])]),
        lambda: net.add("Unsqueeze", [x, net.integers([net.number(0, len(shape))])]) if len(shape) < 4 else None,
        lambda: net.add("Squeeze", [x, net.integers([a for a, n in enumerate(shape) if n == 1])]) if 1 in shape[1:] else None,
    ]
    targets[net.number(0, len(targets) - 1)]()


def dense(net: Net) -> None:
    x = net.any(2)
    if x and net.chance(0.7):
        inputs, outputs, transposed = net.shapes[x][1], net.number(1, 7), net.number(0, 1)
        w = net.constant((outputs, inputs) if transposed else (inputs, outputs), 0.4)
        bias = [net.constant((outputs,))] if net.chance(0.7) else []
        net.add("Gemm", [x, w, *bias], transB=transposed, alpha=1.0 if net.chance(0.7) else 0.5)
        return
    x = net.any()
    if x and net.shapes[x]:
        net.add("MatMul", [x, net.constant((net.shapes[x][-1], net.number(1, 7)), 0.4)])


def mean(net: Net) -> None:
    x = net.any()
    if not x or not net.shapes[x]:
        return
    rank = len(net.shapes[x])
    axes = sorted({net.number(0, rank - 1) for _ in range(net.number(1, 3))})
    keep = net.number(0, 1)
    if net.opset >= 18:
        net.add("ReduceMean", [x, net.integers(axes)], keepdims=keep)
    else:
        net.add("ReduceMean", [x], axes=axes, keepdims=keep)


LAYERS: tuple[Callable[[Net], None], ...] = (
    convolution, convolution, convolution, depthwise, pooling, global_pooling, batch_norm, binary, binary, binary, divide, unary, unary,
    clip, softmax, concat, concat, pad, cut, split, transpose, reshape, dense, dense, mean,
)
