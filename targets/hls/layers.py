"""The nodes of an integer graph as layers of hls4ml, each with the fixed-point formats that make it exact.

Nothing here knows hls4ml but the names of its attributes (`hls4ml/model/layers.py` of 1.3): weights and biases are numbers on a grid of
powers of two, accumulators hold every partial sum, and the conversion to a layer's result is its requant.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tapeout.compiler.accumulate import blocks, centred_weights
from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, FType, Graph, Node, Op, QType
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.window import Window

from ..c.names import identifier
from .fixed_point import FixedPoint, clipped, exponent, holding, of_codes


@dataclass(frozen=True)
class Layer:
    """A layer as hls4ml takes it: its class, attributes, and the format of each of its variables (`result`, `accum`, `weight`, `bias`)."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    formats: Mapping[str, FixedPoint]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A network as layers, inputs first; `names` gives the layer that computes each value of the graph."""

    layers: tuple[Layer, ...]
    names: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def result(self, value: str) -> FixedPoint:
        """The format of a value of the graph."""
        return next(layer.formats["result"] for layer in self.layers if layer.name == self.names[value])


class Planner:
    """Layers made so far, in the order of the graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: list[Layer] = []
        self.names: dict[str, str] = {}
        self.results: dict[str, FixedPoint] = {}

    def add(self, value: str, kind: str, inputs: tuple[str, ...], formats: Mapping[str, FixedPoint], **attributes: Any) -> None:
        """Adds the layer that computes a value of the graph from others."""
        name = identifier(value)
        while name.lower() in {layer.name.lower() for layer in self.layers}:  # hls4ml looks formats up without regard to case
            name += "_"
        self.names[value], self.results[value] = name, formats["result"]
        self.layers.append(Layer(name, kind, tuple(self.names[i] for i in inputs), formats, attributes))

    def shape(self, value: str) -> list[int]:
        """The shape of a value without its batch axis. Raises Unsupported for batches."""
        shape = self.graph.values[value].type.shape
        if not shape or shape[0] != 1:
            raise Unsupported(f"{value}: hls4ml takes one sample at a time, got a tensor of {self.graph.values[value].type.dims}")
        return list(shape[1:])


def plan(graph: Graph) -> Plan:
    """The layers of a lowered integer graph whose ports hold codes. Raises Unsupported that names the node which hls4ml cannot compute
    exactly, and why."""
    planner = Planner(graph)
    for value in graph.input_names:
        q = _codes(graph, value)
        planner.add(value, "InputLayer", (), {"result": of_codes(q, value)}, input_shape=planner.shape(value))
    for node in graph.nodes:
        rule = RULES.get(type(node.op))
        if rule is None:
            known = ", ".join(sorted(op.name() for op in RULES))
            raise Unsupported(f"{node.name}: no layer of hls4ml computes {node.op.name()} bit for bit; there are {known}")
        for value in node.inputs:
            if value:
                _codes(graph, value)
        rule(planner, node)
    if outside := [value for value in graph.output_names if value not in planner.names or value in graph.input_names]:
        raise Unsupported(f"{outside[0]}: an output that no node computes")
    return Plan(
        tuple(planner.layers), planner.names, tuple(planner.names[v] for v in graph.input_names),
        tuple(planner.names[v] for v in graph.output_names),
    )  # fmt: skip


def _codes(graph: Graph, value: str) -> QType:
    q = graph.values[value].type.q
    if isinstance(q, FType):
        raise Unsupported(f"{value}: {q.code}, and designs compute with codes; quantize with --recipe 'fixed<W,I>', such as 'fixed<8,3>'")
    return q


# sums of products


@dataclass(frozen=True)
class _Sums:
    """Weights (..., channels) and biases (channels) as numbers, and the formats of a layer of sums."""

    weight: Array
    bias: Array
    formats: Mapping[str, FixedPoint]


def _sums(planner: Planner, node: Node, axis: int) -> _Sums:
    """What layers of sums share; `axis` is that of the output channels in the weights."""
    graph, types = planner.graph, planner.graph.types(node)
    assert types[1] and isinstance(node.op, Dense | Conv2D | DepthwiseConv2D)
    if len(node.inputs) > 5 or len(blocks(types[1])) > 1 or not graph.values[node.inputs[1]].constant:
        raise Unsupported(f"{node.name}: hls4ml takes constant weights without scales of blocks, and no computed zero points")
    if not types[1].quantized.bipolar:
        of_codes(types[1].quantized, node.inputs[1])
    codes = np.moveaxis(centred_weights(graph.data(node.inputs[1]), types[1]).astype(np.int64), axis, -1)
    bias = graph.data(node.inputs[2]).astype(np.int64) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(codes.shape[-1], np.int64)
    x = planner.results[node.inputs[0]]
    out = _codes(graph, node.name)
    units = _sum_units(planner, node, out, codes.shape[-1])  # binary exponents of a sum's unit, by channel
    finest = int(units.min())  # all sums are counted in the least of the channels' units
    fine, biases = codes << (units - finest), bias << (units - finest)
    if isinstance(node.op.requant, Threshold):
        fine, biases = _signed(planner, node, fine, biases, x)
    low, high = _reach(fine, biases, x)
    accumulator = holding(low, high, -finest)
    result = _requantized(node, node.op.requant, out) if isinstance(node.op.requant, Requant) else accumulator
    if accumulator.width > 53:
        raise Unsupported(f"{node.name}: sums of {accumulator.width} bits, and the simulation passes 53; use fewer bits")
    weight_fraction = -finest - x.fraction
    return _Sums(
        fine * 2.0**-weight_fraction, biases * 2.0**finest,
        {
            "weight": holding(int(fine.min()), int(fine.max()), weight_fraction), "accum": accumulator, "result": result,
            "bias": holding(int(biases.min()), int(biases.max()), -finest),
        },
    )  # fmt: skip


def _sum_units(planner: Planner, node: Node, out: QType, channels: int) -> Array:
    """The exponent of two by which a sum of each channel counts: the output's scale by the requant's factor, or the output's own."""
    assert isinstance(node.op, Dense | Conv2D | DepthwiseConv2D)
    requant = node.op.requant
    if requant is None:
        return np.broadcast_to([exponent(s, node.name) for s in out.scale], (channels,)).astype(np.int64)
    if not isinstance(requant, Requant):  # a scale would move sums and thresholds alike
        return np.full(channels, -planner.results[node.inputs[0]].fraction)
    factors = _factors(planner, node, node.inputs[3:5])
    return np.broadcast_to(factors + exponent(out.scale[0], node.name), (channels,)).astype(np.int64)


def _signed(planner: Planner, node: Node, weights: Array, bias: Array, x: FixedPoint) -> tuple[Array, Array]:
    """Weights and biases whose sums are at least 0 where those of the node reach its threshold. Raises Unsupported for several levels, and
    for codes other than -1 and +1."""
    op, out = node.op, _codes(planner.graph, node.name)
    stage = getattr(op, "requant", None)
    assert isinstance(stage, Threshold)
    t, descending = (planner.graph.data(name).astype(np.int64) for name in node.inputs[3:5])
    signs = out.bipolar or (stage.lo, stage.step) == (-1, 2)
    if t.shape[1] != 1 or not signs or out.scale != (1.0,):
        raise Unsupported(
            f"{node.name}: its output is found by thresholds, of which hls4ml has that of a sign, -1 or +1, alone; quantize with fixed<W,I>"
        )
    low, high = _reach(weights, bias, x)
    steps = np.clip(np.broadcast_to(t[:, 0], bias.shape), low, high + 1)
    direction = np.where(np.broadcast_to(descending, bias.shape) != 0, -1, 1)
    return weights * direction, (bias - steps) * direction


def _add_sums(planner: Planner, node: Node, kind: str, sums: _Sums, **attributes: Any) -> None:
    """Adds the layer of sums, and the sign behind it where the node's stage is one."""
    signs = isinstance(getattr(node.op, "requant", None), Threshold)
    planner.add(f"{node.name}_sums" if signs else node.name, kind, node.inputs[:1], sums.formats, **attributes)
    if signs:
        planner.add(node.name, "Activation", (f"{node.name}_sums",), {"result": FixedPoint(2, 0, True)}, activation="binary_tanh")


def _factors(planner: Planner, node: Node, inputs: tuple[str, ...]) -> Array:
    """The exponents of two that a requant multiplies by. Raises Unsupported for other factors."""
    mul, shift = (planner.graph.data(i).astype(np.int64) for i in inputs)
    if (mul <= 0).any() or (mul & (mul - 1)).any():
        raise Unsupported(f"{node.name}: multiplies by a ratio of scales that is no power of two; quantize with --recipe 'fixed<W,I>'")
    return np.asarray(np.log2(mul).astype(np.int64) - shift)


def _requantized(node: Node, requant: Requant, out: QType) -> FixedPoint:
    fraction = of_codes(out, node.name).fraction
    return clipped(requant.lo, requant.hi, requant.rounding, fraction, node.name)


def _reach(weights: Array, bias: Array, x: FixedPoint) -> tuple[int, int]:
    """The least and the largest partial sum in any order, 0 among them."""
    down, up = np.minimum(weights * x.min, weights * x.max), np.maximum(weights * x.min, weights * x.max)
    axes = tuple(range(weights.ndim - 1))
    least = np.minimum(down, 0).sum(axis=axes) + np.minimum(bias, 0)
    most = np.maximum(up, 0).sum(axis=axes) + np.maximum(bias, 0)
    return int(least.min()), int(most.max())


def _dense(planner: Planner, node: Node) -> None:
    if len(planner.shape(node.inputs[0])) != 1:
        raise Unsupported(f"{node.name}: dense layers of hls4ml take one vector; flatten before it")
    sums = _sums(planner, node, 0)
    _add_sums(
        planner, node, "Dense", sums, weight_data=sums.weight, bias_data=sums.bias,
        n_in=sums.weight.shape[0], n_out=sums.weight.shape[1],
    )  # fmt: skip


def _conv2d(planner: Planner, node: Node) -> None:
    op = node.op
    assert isinstance(op, Conv2D)
    if op.groups != 1:
        raise Unsupported(f"{node.name}: hls4ml has no convolution in groups")
    sums = _sums(planner, node, 0)
    window = _window(planner, node, op.window(planner.graph.types(node)))
    _add_sums(
        planner, node, "Conv2D", sums, weight_data=sums.weight, bias_data=sums.bias, **window,
        n_chan=sums.weight.shape[2], n_filt=sums.weight.shape[3], **_filter(window),
    )  # fmt: skip


def _depthwise(planner: Planner, node: Node) -> None:
    op = node.op
    assert isinstance(op, DepthwiseConv2D)
    sums = _sums(planner, node, 2)
    channels = planner.shape(node.inputs[0])[2]
    if sums.weight.shape[2] != channels:
        raise Unsupported(f"{node.name}: depthwise layers of hls4ml have one filter a channel, got {sums.weight.shape[2] // channels}")
    window = _window(planner, node, op.window(planner.graph.types(node)))
    _add_sums(
        planner, node, "DepthwiseConv2D", sums, depthwise_data=sums.weight[..., None], bias_data=sums.bias, **window,
        n_chan=channels, n_filt=channels, depth_multiplier=1, **_filter(window),
    )  # fmt: skip


def _window(planner: Planner, node: Node, window: Window) -> dict[str, Any]:
    if window.dilation != (1, 1):
        raise Unsupported(f"{node.name}: hls4ml has no windows with gaps, got a dilation of {window.dilation}")
    (height, width, _), (out_height, out_width, _) = planner.shape(node.inputs[0]), planner.shape(node.name)
    return {
        "in_height": height, "in_width": width, "out_height": out_height, "out_width": out_width,
        "pool_height": window.kernel[0], "pool_width": window.kernel[1],
        "stride_height": window.stride[0], "stride_width": window.stride[1], "data_format": "channels_last",
        "pad_top": window.pads[0], "pad_left": window.pads[1], "pad_bottom": window.pads[2], "pad_right": window.pads[3],
    }  # fmt: skip


def _filter(window: dict[str, Any]) -> dict[str, Any]:
    """The size of a window under the names of convolutions."""
    return {"filt_height": window.pop("pool_height"), "filt_width": window.pop("pool_width"), "padding": "valid"}


# everything else


def _max_pool(planner: Planner, node: Node) -> None:
    op, result = node.op, planner.results[node.inputs[0]]
    assert isinstance(op, MaxPool2D)
    if any(op.window.pads) or op.lo > result.min or op.hi < result.max:
        raise Unsupported(f"{node.name}: pooling of hls4ml is taken without padding and without a clip")
    planner.add(
        node.name, "MaxPooling2D", node.inputs, {"result": result, "accum": result}, **_window(planner, node, op.window),
        n_filt=planner.shape(node.name)[2],
    )  # fmt: skip


def _average_pool(planner: Planner, node: Node) -> None:
    """An average over 2**n elements is a depthwise convolution by 2**-n, so that its rounding is that of the result."""
    op, q = node.op, _codes(planner.graph, node.name)
    assert isinstance(op, AveragePool2D)
    x, taps = planner.results[node.inputs[0]], op.window.kernel[0] * op.window.kernel[1]
    if any(op.window.pads) or taps & (taps - 1):
        raise Unsupported(f"{node.name}: averages of fixed point take windows of 2**n elements without padding, got {op.window.kernel}")
    channels, shift = planner.shape(node.name)[2], taps.bit_length() - 1
    weights = np.full((*op.window.kernel, channels, 1), 2.0**-shift)
    low, high = _reach(np.ones((*op.window.kernel, channels), np.int64), np.zeros(channels, np.int64), x)
    window = _window(planner, node, op.window)
    formats = {
        "weight": FixedPoint(1, shift, False), "bias": FixedPoint(1, 0, False), "accum": holding(low, high, x.fraction + shift),
        "result": clipped(op.lo, op.hi, op.rounding, of_codes(q, node.name).fraction, node.name),
    }  # fmt: skip
    planner.add(
        node.name, "DepthwiseConv2D", node.inputs, formats, depthwise_data=weights, bias_data=np.zeros(channels), **window,
        n_chan=channels, n_filt=channels, depth_multiplier=1, **_filter(window),
    )  # fmt: skip


def _add(planner: Planner, node: Node) -> None:
    op, graph = node.op, planner.graph
    assert isinstance(op, Add) and op.scaling
    if any(graph.values[i].constant for i in node.inputs) or len({tuple(planner.shape(i)) for i in node.inputs}) > 1:
        raise Unsupported(f"{node.name}: hls4ml adds two computed tensors of one shape")
    _check_sum(node, op.scaling, *(_codes(graph, i) for i in node.inputs))
    scaling = op.scaling
    result = clipped(scaling.lo, scaling.hi, scaling.rounding, of_codes(scaling.output, node.name).fraction, node.name)
    planner.add(node.name, "Merge", node.inputs, {"result": result}, op="add")


def _check_sum(node: Node, scaling: SumScaling, x: QType, y: QType) -> None:
    """Raises Unsupported unless operands are brought to one scale without rounding, so that the sum is rounded once."""
    for q, (mul, shift) in ((x, scaling.x), (y, scaling.y), (scaling.output, scaling.out)):
        inner = q is not scaling.output
        if mul & (mul - 1) or any(q.zero) or (inner and mul.bit_length() - 1 - shift + scaling.left < 0):
            raise Unsupported(f"{node.name}: hls4ml adds codes of near powers of two as scales; quantize with --recipe 'fixed<W,I>'")
    if scaling.rounding is Rounding.TFLITE:
        raise Unsupported(f"{node.name}: fixed point does not round as {scaling.rounding} does")


def _requant(planner: Planner, node: Node) -> None:
    op, x = node.op, planner.results[node.inputs[0]]
    assert isinstance(op, Requant)
    out, given = _codes(planner.graph, node.name), _codes(planner.graph, node.inputs[0])
    if _same_reals(given, out) and (op.lo, op.hi) == (out.min, out.max):  # other codes of the same numbers
        planner.names[node.name], planner.results[node.name] = planner.names[node.inputs[0]], x
        return
    factors = set(_factors(planner, node, node.inputs[1:3]).ravel().tolist())
    if factors != {exponent(x.unit, node.name) - exponent(out.scale[0], node.name)}:
        raise TapeoutError(f"{node.name}: factors 2**{sorted(factors)} do not fit its scales")
    planner.add(node.name, "Activation", node.inputs[:1], {"result": _requantized(node, op, out)}, activation="linear")


def _same_reals(x: QType, y: QType) -> bool:
    """Whether two formats are of the same numbers, counted from other zero points."""
    one = len(x.scale) == len(y.scale) == 1
    return one and x.scale == y.scale and (x.min - x.zero[0], x.max - x.zero[0]) == (y.min - y.zero[0], y.max - y.zero[0])


def _reshape(planner: Planner, node: Node) -> None:
    planner.add(
        node.name, "Reshape", node.inputs, {"result": planner.results[node.inputs[0]]}, target_shape=planner.shape(node.name),
        data_format="channels_last",
    )  # fmt: skip


RULES: dict[type[Op], Callable[[Planner, Node], None]] = {
    Add: _add, AveragePool2D: _average_pool, Conv2D: _conv2d, Dense: _dense, DepthwiseConv2D: _depthwise, MaxPool2D: _max_pool,
    Requant: _requant, Reshape: _reshape,
}  # fmt: skip
