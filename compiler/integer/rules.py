"""How each op that is no layer becomes integer: `MOVES` only move codes, behind `CORES` codes are rounded anew."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import frexp, prod

import numpy as np

from ..codes import encode
from ..elementwise import SumScaling
from ..errors import Unsupported
from ..fixed import Rounding
from ..ir import Array, Node, Op, QType
from ..ops.add import Add
from ..ops.average_pool2d import AveragePool2D
from ..ops.clip import Clip
from ..ops.concat import Concat
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.fake_quantize import FakeQuantize
from ..ops.lut import Lut
from ..ops.max_pool2d import MaxPool2D
from ..ops.mean import Mean, mean_multiplier
from ..ops.mul import Mul
from ..ops.pad import Pad
from ..ops.quantize import Quantize
from ..ops.requant import Requant, scaling
from ..ops.reshape import Reshape
from ..ops.slice import Slice
from ..ops.softmax import Softmax
from ..ops.sub import Sub
from ..ops.transpose import Transpose
from ..tables import from_function
from .chain import Affine, Step, affine, evaluate
from .fed import thresholds_of_codes
from .integerizer import Integerizer, bounds, clip_codes, held
from .layers import FEW_LEVELS, Stage, is_layer, quantized_layer, threshold_stage
from .thresholds import find, float_of_order, float_order

Core = Callable[[Integerizer, Node, Sequence[Step], QType, Rounding, str], str]


def quantized(integerizer: Integerizer, node: Node, op: FakeQuantize, core: str, steps: Sequence[Step]) -> str:
    """Adds what computes the codes of a `fake_quantize` whose input follows from the value `core` by `steps`; returns their name."""
    assert isinstance(op.output, QType)
    q, x = held(op.output), node.inputs[0]
    if len(q.scale) > 1 or len(set(q.zero)) > 1:
        raise Unsupported(f"{x}: activations have one scale for the tensor, got {len(q.scale)}")
    packed = op.output.bipolar and packable(integerizer, node.name)
    if core in integerizer.codes:
        fed = integerizer.format(integerizer.codes[core])
        if not fed.bipolar and (op.output.bipolar or (op.output.bits <= FEW_LEVELS and fed != held(fed))):
            return thresholds_of_codes(integerizer, integerizer.codes[core], steps, _stage(op, packed), integerizer.result(x))
        return _from_codes(integerizer, integerizer.operand(core, node.name), steps, op, q, x)
    source = integerizer.producers.get(core)
    if source is None or not integerizer.computed(core):
        return _from_float(integerizer, core, steps, op, q, integerizer.result(x), packed)
    if is_layer(source):
        return quantized_layer(integerizer, source, steps, op, integerizer.result(x), packed)
    if op.output.bipolar:
        raise Unsupported(f"{x}: only a layer's sums or an input can become binary, not the result of {source.op.name()}")
    if isinstance(source.op, Reshape) and all(link.constant is None or link.constant.size == 1 for link in steps):
        inner, before = integerizer.chain(source.inputs[0])
        codes = quantized(integerizer, Node(op, source.inputs, node.outputs), op, inner, [*before, *steps])
        return integerizer.builder.add(source.op, (codes,), integerizer.result(x))
    for kind, rule in CORES.items():
        if isinstance(source.op, kind):
            return rule(integerizer, source, steps, q, op.rounding, integerizer.result(x))
    raise Unsupported(f"{source.name}: {source.op.name()} cannot be computed in integers; compile the model in float32")


def _stage(op: FakeQuantize, packed: bool) -> Stage:
    """A quantizer as thresholds that are to be found."""
    output, rounding = op.output, op.rounding
    assert isinstance(output, QType)
    return Stage(
        threshold_stage(output, packed), output.max - output.min, lambda y: encode(y, output, rounding).astype(np.int64) - output.min
    )


def packable(integerizer: Integerizer, name: str) -> bool:
    """Whether everybody who reads a bipolar value is a layer with bipolar weights, which takes packed codes."""
    readers = integerizer.readers[name]
    if not readers or name in integerizer.graph.output_names:
        return False
    for node in readers:
        if isinstance(node.op, Reshape):
            before, after = (integerizer.graph.values[n].type.shape for n in (name, node.name))
            if before[-1] % 8 or after[-1] % 8 or not packable(integerizer, node.name):
                return False
            continue
        weights = integerizer.quantizer(node.inputs[1]) if is_layer(node) and node.inputs[0] == name else None
        if node.op.name() == "depthwise_conv2d" or getattr(node.op, "groups", 1) > 1:
            return False
        if weights is None or not isinstance(weights.output, QType) or not weights.output.bipolar:
            return False
    return True


def _from_codes(integerizer: Integerizer, x: str, steps: Sequence[Step], op: FakeQuantize, q: QType, name: str) -> str:
    """Codes that are clipped, scaled by one number or mapped by a function of one element, and quantized anew."""
    x_q = integerizer.format(x)
    assert isinstance(op.output, QType)
    if all(isinstance(link.node.op, Clip) for link in steps) and not op.output.bipolar:
        lo, hi = bounds(steps, q, op.rounding)
        if _same_reals(x_q, q) and lo <= max(q.min, x_q.min) and hi >= min(q.max, x_q.max):
            return x
        result = integerizer.result(name)
        mul, shift = scaling(integerizer.builder, result, [x_q.scale[0] / q.scale[0]])
        return integerizer.builder.add(Requant(q, op.rounding, lo, hi), (x, mul, shift), result)
    if not x_q.bipolar and not op.output.bipolar and (factor := _scaling(steps, x_q, q, op.rounding)):
        result = integerizer.result(name)
        mul, shift = scaling(integerizer.builder, result, [factor[0]])
        return integerizer.builder.add(Requant(q, op.rounding, *factor[1:]), (x, mul, shift), result)
    if any(link.constant is not None and link.constant.size > 1 for link in steps) or x_q.bipolar or op.output.bipolar:
        raise Unsupported(f"{name}: codes cannot be scaled per channel here; put the batch normalization behind a layer")
    if x_q.dtype.itemsize > 1 or q.dtype.itemsize > 1:
        raise Unsupported(f"{name}: {steps[-1].node.op.name()} is a table of codes, which takes 8 bits")

    def function(reals: Array) -> Array:
        return evaluate(steps, reals.astype(np.float32)[:, np.newaxis])[:, 0].astype(np.float64)

    return _table(integerizer, x, function, steps[-1].node.op.name(), q, op.rounding, integerizer.result(name))


def _scaling(steps: Sequence[Step], x: QType, q: QType, rounding: Rounding) -> tuple[float, int, int] | None:
    """The factor and the bounds by which codes of `x` become codes of `q`; None where a table does it better or has to.

    A table evaluates the chain in float32, which a sharp rounding behind a shift to the right does not bear: that is exact here.
    """
    line = affine(steps, Affine(np.array(x.scale), np.zeros(1)))
    if line is None or line.scale.size > 1 or line.scale[0] <= 0 or line.shift.any():
        return None
    factor = float(line.scale[0]) / q.scale[0]
    if x.bits == q.bits == 8 and frexp(factor)[0] != 0.5:
        return None
    return factor, *clip_codes(Clip(line.lo, line.hi), q, rounding)


def _same_reals(x: QType, q: QType) -> bool:
    return (x.scale, x.zero, x.bipolar) == (q.scale, q.zero, q.bipolar) and x.dtype == q.dtype


def _from_float(
    integerizer: Integerizer, core: str, steps: Sequence[Step], op: FakeQuantize, q: QType, name: str, packed: bool
) -> str:
    """The first quantizer behind an input. Few levels are thresholds of the input itself, so that no float arithmetic is left."""
    output = op.output
    assert isinstance(output, QType)
    single = all(link.constant is None or link.constant.size == 1 for link in steps)
    if (output.bipolar or output.bits <= FEW_LEVELS) and single:

        stage = _stage(op, packed)
        largest = float_order(np.array([np.finfo(np.float32).max]))
        found = find(lambda order: stage.count(evaluate(steps, float_of_order(order))), -largest, largest, stage.levels)
        t = integerizer.builder.constant(f"{name}_thresholds", float_of_order(np.clip(found.t, -largest - 1, largest + 1)))
        down = integerizer.builder.constant(f"{name}_descending", found.descending)
        return integerizer.builder.add(stage.op, (integerizer.float_value(core), t, down), name)
    value = integerizer.float_value(core)
    for link in steps:
        inputs = [value if i == link.x else integerizer.float_value(i) for i in link.node.inputs]
        value = integerizer.builder.add(link.node.op, inputs, *link.node.outputs)
    if name == value:
        name = integerizer.fresh(f"{name}_q")
    return integerizer.builder.add(Quantize(q, op.rounding), (value,), name)


# ops that only move codes


def _move(integerizer: Integerizer, node: Node) -> None:
    x = integerizer.codes[node.inputs[0]]
    integerizer.codes[node.name] = integerizer.builder.add(node.op, (x,), integerizer.result(node.name))


def _max_pool(integerizer: Integerizer, node: Node) -> None:
    assert isinstance(node.op, MaxPool2D)
    q = integerizer.format(integerizer.codes[node.inputs[0]])
    lo, hi = clip_codes(node.op.clip or Clip(), q, Rounding.HALF_AWAY)
    op = replace(node.op, lo=max(lo, q.min), hi=min(hi, q.max), clip=None)
    integerizer.codes[node.name] = integerizer.builder.add(op, (integerizer.codes[node.inputs[0]],), integerizer.result(node.name))


def _pad(integerizer: Integerizer, node: Node) -> None:
    assert isinstance(node.op, Pad)
    x = integerizer.codes[node.inputs[0]]
    q, value = integerizer.format(x), node.op.value
    if not (q.min - q.zero[0] - 0.5) * q.scale[0] <= value <= (q.max - q.zero[0] + 0.5) * q.scale[0]:
        name = integerizer.source(node.inputs[0]) if integerizer.quantizer(node.inputs[0]) else node.inputs[0]
        reach = " to ".join(f"{(code - q.zero[0]) * q.scale[0]:.6g}" for code in (q.min, q.max))
        raise Unsupported(f"{node.name}: pads with {value}, which the codes of {name} do not reach; choose one of {reach}")
    code, _ = clip_codes(Clip(value, value), q, Rounding.HALF_AWAY)
    integerizer.codes[node.name] = integerizer.builder.add(replace(node.op, value=code), (x,), integerizer.result(node.name))


def _concat(integerizer: Integerizer, node: Node) -> None:
    """All inputs in the format of what quantizes the result, else in that of the first."""
    readers = [n.op for n in integerizer.readers[node.name] if isinstance(n.op, FakeQuantize)]
    first = integerizer.format(integerizer.operand(node.inputs[0], node.name))
    wanted = readers[0].output if readers else first
    q = held(wanted) if isinstance(wanted, QType) else first
    rounding = readers[0].rounding if readers else Rounding.HALF_UP
    parts = [integerizer.rescaled(integerizer.operand(i, node.name), q, rounding) for i in node.inputs]
    integerizer.codes[node.name] = integerizer.builder.add(node.op, parts, integerizer.result(node.name))


def _clip(integerizer: Integerizer, node: Node) -> None:
    """A clip that stands alone works on codes."""
    assert isinstance(node.op, Clip)
    x = integerizer.codes[node.inputs[0]]
    q = integerizer.format(x)
    if q.bipolar:
        raise Unsupported(f"{node.name}: binary codes cannot be clipped")
    lo, hi = clip_codes(node.op, q, Rounding.HALF_AWAY)
    if (lo, hi) == (q.min, q.max):
        integerizer.codes[node.name] = x
        return
    integerizer.codes[node.name] = integerizer.builder.add(Clip(lo, hi), (x,), integerizer.result(node.name))


MOVES: dict[type[Op], Callable[[Integerizer, Node], None]] = {
    Reshape: _move, Transpose: _move, Slice: _move, MaxPool2D: _max_pool, Pad: _pad, Concat: _concat, Clip: _clip,
}  # fmt: skip


# ops behind which codes are rounded anew


def _sum(integerizer: Integerizer, node: Node, steps: Sequence[Step], q: QType, rounding: Rounding, name: str) -> str:
    """add and sub: both operands at a common scale, as in TensorFlow Lite."""
    assert isinstance(node.op, Add | Sub)
    x, y = (integerizer.operand(i, node.name) for i in node.inputs)
    lo, hi = _clipped(node.op.clip, steps, q, rounding)
    scaled = SumScaling.of(integerizer.format(x), integerizer.format(y), q, rounding, lo, hi)
    return integerizer.builder.add(replace(node.op, scaling=scaled, clip=None), (x, y), name)


def _product(integerizer: Integerizer, node: Node, steps: Sequence[Step], q: QType, rounding: Rounding, name: str) -> str:
    """mul: the product of the codes, then a requant."""
    assert isinstance(node.op, Mul)
    operands = [integerizer.operand(i, node.name) for i in node.inputs]
    products = integerizer.builder.add(Mul(), operands, integerizer.fresh(f"{node.name}_sums"))
    lo, hi = _clipped(node.op.clip, steps, q, rounding)
    factor = prod(integerizer.format(x).scale[0] for x in operands) / q.scale[0]
    mul, shift = scaling(integerizer.builder, name, [factor])
    return integerizer.builder.add(Requant(q, rounding, lo, hi), (products, mul, shift), name)


def _table(integerizer: Integerizer, x: str, real: Callable[[Array], Array], label: str, q: QType, rounding: Rounding, name: str) -> str:
    """A table of 256 codes, each the function's value rounded once."""
    entries = from_function(real, integerizer.format(x), q, rounding)
    table = integerizer.builder.constant(f"{name}_table", entries, q)
    return integerizer.builder.add(Lut(label), (x, table), name)


def _pool(integerizer: Integerizer, node: Node, steps: Sequence[Step], q: QType, rounding: Rounding, name: str) -> str:
    """Average pooling stays in the format of its input where that is wanted; else it is a mean of the whole plane, or a sum of codes."""
    assert isinstance(node.op, AveragePool2D)
    x = integerizer.operand(node.inputs[0], node.name)
    links = [*([Step(Node(node.op.clip, node.outputs, node.outputs))] if node.op.clip else []), *steps]
    clips = all(isinstance(link.node.op, Clip) for link in links)
    if clips and _same_reals(integerizer.format(x), q):
        lo, hi = _clipped(None, links, q, rounding)
        return integerizer.builder.add(replace(node.op, lo=lo, hi=hi, clip=None, rounding=rounding), (x,), name)
    window = node.op.window
    if any(window.pads):
        raise Unsupported(f"{node.name}: average_pool2d with padding keeps the scale of its input; quantize its result with that scale")
    if clips and window.kernel == integerizer.builder.values[x].type.shape[1:3]:
        return _mean(integerizer, Node(Mean((1, 2), True), node.inputs, node.outputs), links, q, rounding, name)
    return _sum_pool(integerizer, node, x, links, q, rounding, name)


def _sum_pool(
    integerizer: Integerizer, node: Node, x: str, links: Sequence[Step], q: QType, rounding: Rounding, name: str
) -> str:
    """The sum of each window, by a depthwise convolution with weights of 1, and a requant that divides and scales as the chain does."""
    assert isinstance(node.op, AveragePool2D)
    window, x_type = node.op.window, integerizer.builder.values[x].type
    line = affine(links, Affine(np.ones(1), np.zeros(1)))
    if line is None or line.scale.size > 1 or line.scale[0] <= 0 or line.shift.any():
        raise Unsupported(f"{node.name}: what stands between it and its quantizer is no scaling by one number; quantize in between")
    ones = np.ones((*window.kernel, x_type.shape[3]), np.int8)
    w = integerizer.builder.constant(f"{node.name}_ones", ones, QType(8))
    op = DepthwiseConv2D(window.stride, window.dilation)
    sums = integerizer.builder.add(op, (x, w, ""), integerizer.fresh(f"{node.name}_sums"))
    lo, hi = clip_codes(Clip(line.lo, line.hi), q, rounding)
    factor = integerizer.format(x).scale[0] * float(line.scale[0]) / prod(window.kernel) / q.scale[0]
    mul, shift = scaling(integerizer.builder, name, [factor])
    return integerizer.builder.add(Requant(q, rounding, lo, hi), (sums, mul, shift), name)


def _mean(integerizer: Integerizer, node: Node, steps: Sequence[Step], q: QType, rounding: Rounding, name: str) -> str:
    """The sum of the codes, requantized by a multiplier that holds the division."""
    assert isinstance(node.op, Mean)
    x = integerizer.operand(node.inputs[0], node.name)
    count = node.op.count(integerizer.builder.values[x].type)
    lo, hi = bounds(steps, q, rounding)
    factor = integerizer.format(x).scale[0] / q.scale[0]
    mul, shift = scaling(integerizer.builder, name, [factor], lambda real: mean_multiplier(real, count))
    return integerizer.builder.add(replace(node.op, requant=Requant(q, rounding, lo, hi)), (x, mul, shift), name)


def _softmax(integerizer: Integerizer, node: Node, steps: Sequence[Step], q: QType, rounding: Rounding, name: str) -> str:
    """Scale 1/256 and zero point -128, TensorFlow Lite's."""
    x = integerizer.operand(node.inputs[0], node.name)
    if steps or (q.scale, q.zero, q.code) != ((1 / 256,), (-128,), "s8"):
        raise Unsupported(f"{node.name}: softmax gives s8 codes of scale 1/256 and zero point -128, not {q.code} of {q.scale[0]:.6g}")
    return integerizer.builder.add(Softmax.for_codes(integerizer.format(x).scale[0]), (x,), name)


def _clipped(clip: Clip | None, steps: Sequence[Step], q: QType, rounding: Rounding) -> tuple[int, int]:
    lo, hi = clip_codes(clip or Clip(), q, rounding)
    low, high = bounds(steps, q, rounding)
    return max(lo, low), min(hi, high)


CORES: dict[type[Op], Core] = {
    Add: _sum, Sub: _sum, Mul: _product, AveragePool2D: _pool, Mean: _mean, Softmax: _softmax,
}  # fmt: skip
