"""conv2d, depthwise_conv2d and dense: sums of products of codes, and the stage that makes a code of each sum."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..accumulate import centred_weights
from ..codes import encode
from ..errors import TapeoutError, Unsupported
from ..fixed import Int, Rounding, multiplier, round_half_away
from ..ir import Array, Node, Op, QType, Type
from ..ops.add import Add
from ..ops.clip import Clip
from ..ops.conv2d import Conv2D
from ..ops.dense import Dense
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.dequantize import Dequantize
from ..ops.fake_quantize import FakeQuantize
from ..ops.requant import Requant
from ..ops.threshold import Threshold
from .chain import Affine, Step, affine, evaluate
from .integerizer import Integerizer, clip_codes, held
from .thresholds import find

_MOST_LEVELS = 8  # bits up to which thresholds can stand in for what is no scaling: 255 for each channel
_BIAS_ERROR = 1 / 8  # of a code: what rounding the bias to the scale of the sums may shift before thresholds take over
FEW_LEVELS = 2  # bits up to which thresholds are no larger than what else makes a sum a code exactly
_BIAS_LIMITS = {32: 1 << 30, 64: 1 << 44}  # by the bits of sums: half of 32, and in 64 what leaves room for a multiplier
_FARTHEST = (1 << 31) - 1
_FLOAT_WHOLE = 1 << 24  # below it float32 holds every whole number


def is_layer(node: Node) -> bool:
    return isinstance(node.op, Conv2D | DepthwiseConv2D | Dense)


@dataclass
class Layer:
    """A layer over codes, before its stage. `scale` (C) or (C, B) is that of the sums, `weights` the whole numbers (C, taps)."""

    node: Node
    op: Conv2D | DepthwiseConv2D | Dense
    x: str
    x_type: QType
    codes: Array
    q: QType
    scale: Array
    weights: Int
    bias: Array  # (C) in reals, float64

    @property
    def bias_limit(self) -> int:
        """What a bias in units of the sums has to be below."""
        return _BIAS_LIMITS[64 if self.x_type.dtype.itemsize > 1 else 32]

    def reach(self) -> tuple[Int, Int]:
        """The least and the greatest sum of each channel, over all codes of the input, without bias."""
        x = self.x_type
        low, high = (-1, 1) if x.bipolar else (x.min - x.zero[0], x.max - x.zero[0])
        if isinstance(self.op, Conv2D | DepthwiseConv2D) and any(self.op.pads):
            low, high = min(low, 0), max(high, 0)
        products = np.stack([self.weights * low, self.weights * high])
        return products.min(axis=0).sum(axis=1), products.max(axis=0).sum(axis=1)


def layer(integerizer: Integerizer, node: Node) -> Layer:
    """The node as a layer over codes. Raises Unsupported that names the node when its operands are not quantized."""
    return layer_over(integerizer, node, integerizer.operand(node.inputs[0], node.name))


def layer_over(integerizer: Integerizer, node: Node, x: str) -> Layer:
    """The node as a layer over the codes `x`, a value of the integer graph. Raises as `layer` does."""
    op = node.op
    assert isinstance(op, Conv2D | DepthwiseConv2D | Dense)
    x_type = integerizer.format(x)
    codes, q = integerizer.constant_codes(node.inputs[1])
    channel = codes.ndim - 1 if isinstance(op, DepthwiseConv2D) else 0
    if q.axis not in (None, channel) or len(set(q.zero)) > 1 or (q.zero[0] and not isinstance(op, Dense)):
        raise Unsupported(
            f"{node.name}: the weights {node.inputs[1]} have scales along axis {q.axis} or several zero points; "
            "quantize them symmetrically, per output channel or per tensor"
        )
    outputs = codes.shape[channel]
    scales = np.asarray(q.scale, np.float64).reshape((outputs, -1) if q.block and len(q.scale) > 1 else (-1,))
    if scales.ndim == 2 and scales.shape[1] == 1:
        scales, q = scales[:, 0], replace(q, block=None)
    whole = np.moveaxis(centred_weights(codes, Type(codes.shape, q)).astype(np.int64), channel, 0).reshape(outputs, -1)
    bias = integerizer.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(outputs)
    if bias is None:
        raise Unsupported(f"{node.name}: its bias is computed; only a constant one can be quantized")
    scale = np.broadcast_to(scales * x_type.scale[0], (outputs, *scales.shape[1:]))
    return Layer(node, op, x, x_type, codes, q, scale, whole, bias.astype(np.float64))


def quantized_layer(integerizer: Integerizer, node: Node, steps: Sequence[Step], quantizer: FakeQuantize, name: str, packed: bool) -> str:
    """Adds the layer, its sums and the stage that gives the codes `name` of what `steps` make of them."""
    found = layer(integerizer, node)
    q = held(quantizer.output) if isinstance(quantizer.output, QType) else None
    assert q is not None
    links = [*([Step(Node(found.op.clip, node.outputs, node.outputs))] if found.op.clip else []), *steps]
    start = Affine(found.scale if found.scale.ndim == 1 else found.scale[:, 0], found.bias)
    line = affine(links, start)
    close = line is not None and q.bits > FEW_LEVELS and _bias_error(line, q) < _BIAS_ERROR
    if line is not None and not q.bipolar and (close or _exact(line, q, found.bias_limit)):
        return _with_requant(integerizer, found, line, quantizer, q, name)
    if q.bits > _MOST_LEVELS:
        raise Unsupported(
            f"{node.name}: what stands between it and its quantizer of {q.bits} bits ({', '.join(link.node.name for link in links)}) is no "
            "scaling; quantize in between"
        )
    output, rounding = quantizer.output, quantizer.rounding
    assert isinstance(output, QType)
    stage = Stage(
        threshold_stage(output, packed), output.max - output.min, lambda y: encode(y, output, rounding).astype(np.int64) - output.min
    )
    return with_thresholds(integerizer, found, links, stage, name)


def float_sums(integerizer: Integerizer, node: Node) -> str:
    """Adds the layer's sums and their value in float32; returns its name, the node's own."""
    found = layer(integerizer, node)
    if found.scale.ndim > 1:
        raise Unsupported(f"{node.name}: its weights have a scale for each group, and nothing quantizes its result")
    scale = found.scale.astype(np.float32).astype(np.float64)
    biased = len(node.inputs) > 2 and bool(node.inputs[2])
    bias = _bias_codes(found.bias / found.scale, found.bias_limit) if biased and integerizer.quantizer(node.inputs[2]) else None
    sums = add_sums(integerizer, found, bias)
    inputs = [sums]
    if len(integerizer.format(sums).scale) > 1:
        inputs.append(integerizer.builder.constant(f"{node.name}_scale", scale.astype(np.float32)))
    rest: list[tuple[Op, list[str]]] = []
    if biased and bias is None:  # a bias in float is added in float
        rest.append((Add(), [integerizer.float_value(node.inputs[2])]))
    if found.op.clip:
        rest.append((found.op.clip, []))
    value = integerizer.builder.add(Dequantize(), inputs, integerizer.fresh(f"{node.name}_product") if rest else node.name)
    for count, (op, others) in enumerate(rest, 1):
        name = node.name if count == len(rest) else integerizer.fresh(f"{node.name}_biased")
        value = integerizer.builder.add(op, [value, *others], name)
    return value


def exact_sums(integerizer: Integerizer, node: Node, steps: Sequence[Step], name: str) -> str | None:
    """Adds the layer's sums, with what `steps` add to them, and their value in float32 as `name`; None where that is not what the
    steps compute: where they do more than add whole units of the sums, or where a float32 would round on the way."""
    found = layer(integerizer, node)
    line = None if found.scale.ndim > 1 or found.op.clip else affine(steps, Affine(found.scale, found.bias))
    if line is None or (line.lo, line.hi) != (-math.inf, math.inf) or not np.array_equal(line.scale, found.scale):
        return None
    units = line.shift / line.scale
    low, high = found.reach()
    farthest = np.maximum(np.abs(low), np.abs(high)).max(initial=0) + np.abs(units).max(initial=0)
    if (np.frexp(found.scale)[0] != 0.5).any() or (units != np.rint(units)).any() or farthest >= _FLOAT_WHOLE:
        return None
    inputs = [add_sums(integerizer, found, np.broadcast_to(units, found.bias.shape).astype(np.int64))]
    if len(integerizer.format(inputs[0]).scale) > 1:
        inputs.append(integerizer.builder.constant(f"{name}_scale", found.scale.astype(np.float32)))
    return integerizer.builder.add(Dequantize(), inputs, name)


def add_sums(integerizer: Integerizer, found: Layer, bias: Int | None, pack: bool = True, zero: str = "") -> str:
    """Adds the constants and the node of the sums; `bias` in whole numbers, `zero` a zero point of the input that is computed."""
    node, builder, q = found.node, integerizer.builder, found.q
    q = replace(q, packed=pack or q.bits != 8)
    w = builder.constant(integerizer.source(node.inputs[1]), found.codes, q)
    b = ""
    if bias is not None and (bias.any() or any(node.inputs[2:])):
        wide = 64 if found.x_type.dtype.itemsize > 1 else 32
        scale = found.scale if found.scale.ndim == 1 else found.scale[:, 0]
        b_q = QType(wide, True, tuple(map(float, scale)), (0,) * len(scale), 0) if len(scale) > 1 else QType(wide, True, (float(scale[0]),))
        known = integerizer.source(node.inputs[2]) if any(node.inputs[2:]) else f"{node.name}_bias"
        b = builder.constant(known, bias, b_q)
    computed = ("", "", zero) if zero else ()
    return builder.add(replace(found.op, clip=None), (found.x, w, b, *computed), integerizer.fresh(f"{node.name}_sums"))


def _bias_codes(bias: Array, limit: int) -> Int | None:
    """Biases in units of the sums, nearest, ties away from zero; None when one is beyond what a sum leaves room for."""
    found = round_half_away(bias)
    return found.astype(np.int64) if np.abs(found).max(initial=0) < limit else None


def _bias_error(line: Affine, q: QType) -> float:
    """By how many codes of `q` rounding the shift to whole sums moves the result."""
    with np.errstate(all="ignore"):
        units = line.shift / line.scale
        error = np.abs(units - np.rint(units)) * np.abs(line.scale) / q.scale[0]
    return float(np.where(np.isfinite(error), error, 0).max(initial=0))


def _exact(line: Affine, q: QType, bias_limit: int) -> bool:
    """Whether sums become codes of `q` by a multiplier and a shift without error."""
    ratio = line.scale / q.scale[0]
    if not ratio.all() or (np.abs(ratio) >= 2.0**30).any():
        return False
    pairs = [multiplier(abs(float(r))) for r in ratio.reshape(-1)]
    same = all(abs(float(r)) == math.ldexp(mul, -shift) for r, (mul, shift) in zip(ratio.reshape(-1), pairs, strict=True))
    units = line.shift / line.scale
    return same and bool((units == np.rint(units)).all()) and bool((np.abs(units) < bias_limit).all())


def _with_requant(integerizer: Integerizer, found: Layer, line: Affine, quantizer: FakeQuantize, q: QType, name: str) -> str:
    """Sums, and a requant by their scale, times what the chain scales them by, over that of the codes."""
    scale = np.broadcast_to(line.scale, found.bias.shape).copy()
    shift = np.broadcast_to(line.shift, found.bias.shape)
    dead = (scale == 0) | (np.abs(shift) >= np.abs(scale) * found.bias_limit)
    if dead.any():  # a channel whose bias hides its sums altogether: its weights do not matter, and any scale that holds the bias does
        scale[dead] = np.maximum(np.abs(shift[dead]) / (1 << 20), q.scale[0] / (1 << 20))
        found.weights[dead] = 0
        channel = found.codes.ndim - 1 if isinstance(found.op, DepthwiseConv2D) else 0
        np.moveaxis(found.codes, channel, 0)[dead] = found.q.zero[0]
    bias = _bias_codes(shift / scale, found.bias_limit)
    assert bias is not None
    factors = scale / q.scale[0]
    if found.scale.ndim > 1:
        factors = factors[:, np.newaxis] * (found.scale / found.scale[:, :1])
    op, mul, shifts = _requant(integerizer, found, factors, bias, quantizer.rounding, q, line, name)
    plain = found.x_type.dtype == np.int8 and q.dtype == np.int8 and op.blocks == 1 and found.q.bits == 8
    sums = add_sums(integerizer, found, bias, pack=not plain)
    return integerizer.builder.add(op, (sums, mul, shifts), name)


def _requant(
    integerizer: Integerizer, found: Layer, factors: Array, bias: Int, rounding: Rounding, q: QType, line: Affine, name: str
) -> tuple[Requant, str, str]:
    """The stage and its constants. The multiplier has 31 bits, fewer where sums are so wide that 64 bits would not hold the products."""
    low, high = found.reach()
    widest = int(np.maximum(np.abs(low), np.abs(high)).max(initial=1) + np.abs(bias).max(initial=0))
    bits = min(31, 62 - widest.bit_length())
    lo, hi = clip_codes(Clip(line.lo, line.hi), replace(q, axis=None), rounding)
    single = factors.ndim == 1 and len(set(factors)) == 1
    rows = [[float(f) for f in np.atleast_1d(row)] for row in (factors[:1] if single else factors)]
    mul, shift = [], []
    for row in rows:
        top = max(map(abs, row))
        try:
            _, s = multiplier(top, bits)
        except ValueError as error:
            raise TapeoutError(f"{found.node.name}: {error}; the scales of its tensors do not fit each other") from None
        mul.append(list(round_half_away(np.array(row) * 2.0**s).astype(np.int64)))
        shift.append(s)
    blocks = found.scale.shape[1] if found.scale.ndim > 1 else 1
    data = np.array(mul, np.int32)
    mul_name = integerizer.builder.constant(f"{name}_mul", data if blocks > 1 else data[:, 0])
    shift_name = integerizer.builder.constant(f"{name}_shift", np.array(shift, np.int8))
    return Requant(q, rounding, lo, hi, blocks), mul_name, shift_name


@dataclass(frozen=True)
class Stage:
    """Thresholds that are to be found: the op, how many there are, and how many of them each float32 result (S, C) reaches."""

    op: Threshold
    levels: int
    count: Callable[[Array], Int]


def with_thresholds(integerizer: Integerizer, found: Layer, links: Sequence[Step], stage: Stage, name: str) -> str:
    """Sums without bias, and the sums from which on each code is reached: what the float graph computes, exactly."""
    node = found.node
    if found.scale.ndim > 1:
        raise Unsupported(f"{node.name}: weights with a scale for each group take more than {FEW_LEVELS} bits behind them")
    bias = found.bias.astype(np.float32)
    biased = bool(any(node.inputs[2:]))

    def codes(sums: Int) -> Int:
        x = (sums * found.scale).astype(np.float32)
        return stage.count(evaluate(links, x + bias if biased else x))

    low, high = found.reach()
    if max(-int(low.min()), int(high.max())) >= _FARTHEST:
        raise Unsupported(f"{node.name}: its sums are beyond 32 bits")
    thresholds = find(codes, low, high, stage.levels)
    wide = np.int64 if found.x_type.dtype.itemsize > 1 else np.int32
    t = integerizer.builder.constant(f"{name}_thresholds", thresholds.t.astype(wide))
    down = integerizer.builder.constant(f"{name}_descending", thresholds.descending)
    sums = add_sums(integerizer, found, None)
    return integerizer.builder.add(stage.op, (sums, t, down), name)


def threshold_stage(output: QType, packed: bool) -> Threshold:
    """The stage that gives codes of `output`; bipolar ones packed, or as -1 and +1."""
    if output.bipolar:
        q = replace(output, packed=True) if packed else QType(2, True, output.scale, (0,), narrow=True)
        return Threshold(q) if packed else Threshold(q, lo=-1, step=2)
    q = held(output)
    return Threshold(q, lo=q.min)
