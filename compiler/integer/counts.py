"""`fake_threshold` in integers: thresholds of the sums before it, found exactly, or of the floats of an input."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import Unsupported
from ..fixed import Rounding
from ..ir import Array, Node, QType
from ..ops.add import Add
from ..ops.average_pool2d import AveragePool2D
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.fake_threshold import FakeThreshold, counted
from ..ops.reshape import Reshape
from ..ops.sub import Sub
from ..ops.threshold import Threshold
from ..window import Window
from .chain import Step, evaluate
from .fed import thresholds_of_codes
from .integerizer import Integerizer, held
from .layers import Layer, Stage, is_layer, layer, threshold_stage, with_thresholds
from .thresholds import find, float_of_order, float_order

_SINGLE = Window((1, 1))


def thresholded(integerizer: Integerizer, node: Node, op: FakeThreshold, core: str, steps: Sequence[Step], packed: bool) -> str:
    """Adds what computes the codes of a `fake_threshold` whose input follows from the value `core` by `steps`; returns their name."""
    t = integerizer.constant(node.inputs[1])
    if t is None:
        raise Unsupported(f"{node.name}: its thresholds are computed; only constant ones are supported")
    name = integerizer.result(node.name)
    stage = Stage(_threshold(op, packed), t.shape[1], lambda y: counted(y, t))
    if core in integerizer.codes:
        fed = integerizer.codes[core]
        if integerizer.format(fed) != held(integerizer.format(fed)):
            return thresholds_of_codes(integerizer, fed, steps, stage, name, len(t))
        return _behind_codes(integerizer, fed, steps, stage, name)
    source = integerizer.producers.get(core)
    if source is None or not integerizer.computed(core):
        return _behind_floats(integerizer, core, steps, stage, t, name)
    links = [*([Step(Node(clip, source.outputs, source.outputs))] if (clip := getattr(source.op, "clip", None)) else []), *steps]
    if is_layer(source):
        return with_thresholds(integerizer, layer(integerizer, source), links, stage, name)
    if isinstance(source.op, AveragePool2D) and not any(source.op.window.pads):
        found = _ones(integerizer, source, integerizer.operand(source.inputs[0], source.name))
        return with_thresholds(integerizer, found, links, stage, name)
    if isinstance(source.op, Add | Sub):
        return _behind_codes(integerizer, _exact_sum(integerizer, source), links, stage, name)
    raise Unsupported(f"{node.name}: its thresholds cannot count the result of {source.op.name()} ({source.name}); quantize that before")


def _threshold(op: FakeThreshold, packed: bool) -> Threshold:
    """The op that gives the codes of `op`, in the format in which they are kept."""
    if op.output.bipolar:
        return threshold_stage(op.output, packed)
    q = held(op.output)
    return Threshold(q, op.lo + q.zero[0] - op.output.zero[0], op.step)


def _behind_codes(integerizer: Integerizer, x: str, steps: Sequence[Step], stage: Stage, name: str) -> str:
    """Each code is a sum of one product, so that it gets thresholds as a layer does."""
    shape = integerizer.builder.values[x].type.shape
    if integerizer.format(x).packed:
        raise Unsupported(f"{name}: binary codes cannot be counted by thresholds again")
    rows = shape if len(shape) == 4 else (1, 1, int(np.prod(shape[:-1])), shape[-1])
    if rows != shape:
        x = integerizer.builder.add(Reshape(rows), (x,), integerizer.fresh(f"{x}_rows"))
    result = name if rows == shape else integerizer.fresh(f"{name}_rows")
    node = Node(AveragePool2D(_SINGLE), (x,), (result,))
    codes = with_thresholds(integerizer, _ones(integerizer, node, x), steps, stage, result)
    return codes if rows == shape else integerizer.builder.add(Reshape(shape), (codes,), name)


def _behind_floats(integerizer: Integerizer, core: str, steps: Sequence[Step], stage: Stage, t: Array, name: str) -> str:
    """Thresholds of floats: of the input itself where the steps treat all channels alike, so that nothing is computed in float."""
    value, down = core, np.zeros(len(t), np.int8)
    if all(link.constant is None or link.constant.size == 1 for link in steps) and steps:
        largest = np.broadcast_to(float_order(np.array([np.finfo(np.float32).max])), (len(t),))
        found = find(lambda order: stage.count(evaluate(steps, float_of_order(order))), -largest, largest, stage.levels)
        t, down = float_of_order(np.clip(found.t, -largest[0] - 1, largest[0] + 1)), found.descending
        steps = ()
    value = integerizer.float_value(core)
    for link in steps:
        inputs = [value if i == link.x else integerizer.float_value(i) for i in link.node.inputs]
        value = integerizer.builder.add(link.node.op, inputs, *link.node.outputs)
    constants = [integerizer.builder.constant(f"{name}_{part}", array) for part, array in (("thresholds", t), ("descending", down))]
    return integerizer.builder.add(stage.op, (value, *constants), name)


def _ones(integerizer: Integerizer, node: Node, x: str) -> Layer:
    """Average pooling as a layer: a depthwise convolution whose weights are 1, its sums scaled by one part in so many."""
    assert isinstance(node.op, AveragePool2D)
    window, x_type = node.op.window, integerizer.format(x)
    channels, taps = integerizer.builder.values[x].type.shape[3], window.kernel[0] * window.kernel[1]
    layer_node = Node(DepthwiseConv2D(window.stride, window.dilation), (x, f"{node.name}_ones"), node.outputs)
    assert isinstance(layer_node.op, DepthwiseConv2D)
    codes, scale = np.ones((*window.kernel, channels), np.int8), np.full(channels, x_type.scale[0] / taps)
    return Layer(layer_node, layer_node.op, x, x_type, codes, QType(8), scale, np.ones((channels, taps), np.int64), np.zeros(channels))


def _exact_sum(integerizer: Integerizer, node: Node) -> str:
    """The sum or difference of codes as codes of 8 bits, where these hold it without rounding."""
    from .rules import CORES

    formats = [integerizer.format(integerizer.operand(i, node.name)) for i in node.inputs]
    scale = min(q.scale[0] for q in formats)
    ratios = [q.scale[0] / scale for q in formats]
    if any(r != int(r) for r in ratios):
        raise Unsupported(f"{node.name}: its operands have scales {formats[0].scale[0]:g} and {formats[1].scale[0]:g}; quantize its result")
    pairs = zip(map(int, ratios), formats, strict=True)
    (low, high), (least, most) = ((r * (q.min - q.zero[0]), r * (q.max - q.zero[0])) for r, q in pairs)
    ends = (low - most, high - least) if isinstance(node.op, Sub) else (low + least, high + most)
    if ends[1] - ends[0] > 255:
        raise Unsupported(f"{node.name}: its result has {ends[1] - ends[0] + 1} codes, more than 8 bits hold without rounding; quantize it")
    q = QType(8, True, (scale,), (-128 - ends[0],))
    assert isinstance(node.op, Add | Sub)
    bare = replace(node, op=replace(node.op, clip=None))
    return CORES[type(node.op)](integerizer, bare, (), q, Rounding.HALF_EVEN, integerizer.fresh(f"{node.name}_exact"))
