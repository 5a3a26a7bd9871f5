"""Cases of depthwise_conv2d: strides, dilations, pads and channel multipliers."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant
from tests.layers import BIPOLAR, Layer

from . import Case, Constant, Input, Real, one_node, quantized, random_codes, random_floats, rng_for, scaling
from .conv2d import convolve


def real_of(op: DepthwiseConv2D) -> Real:
    """A depthwise convolution is a grouped one with one input channel per group."""

    def real(x: Array, w: Array, b: Array, *_: Array) -> Array:
        grouped = Conv2D(op.stride, op.dilation, op.pads, x.shape[-1], op.requant, op.clip)
        return convolve(grouped, x, np.moveaxis(w, -1, 0)[..., None], b)

    return real


def codes(
    name: str, x: tuple[int, ...], w: tuple[int, ...], op: DepthwiseConv2D, per_channel: bool = True, bias: bool = True,
    zero: int = -128, octaves: int = 0,
) -> Case:  # fmt: skip
    """`zero` is that of `x`; scales of weights lie up to `octaves` powers of two apart, besides."""
    rng = rng_for(name)
    channels = w[2] if per_channel else 1
    scales = tuple(float(s) * 2.0 ** -(i * octaves // channels) for i, s in enumerate(rng.uniform(0.5, 2.0, channels) / 127))
    x_type = quantized(0.05, zero)
    assert op.requant
    sums = QType(32, True, tuple(x_type.scale[0] * s for s in scales), (0,) * channels, 0 if per_channel else None)
    mul, shift = scaling([s / op.requant.output.scale[0] for s in sums.scale])
    weights = Constant(random_codes(rng, w), QType(8, True, scales, (0,) * channels, 2 if per_channel else None))
    b = Constant(random_codes(rng, w[2:], -2000, 2000, "int32"), sums) if bias else None
    return Case(name, one_node(name, op, Input(x, x_type), weights, b, mul, shift), real_of(op))


def ties(name: str, rounding: Rounding) -> Case:
    """Sums in eighths of an output's code, so that many lie midway between two codes."""
    rng, x, w = rng_for(name), quantized(0.5, -3), QType(8, True, (0.25,), (0,))
    weights, (mul, shift) = Constant(random_codes(rng, (3, 3, 5), -1, 1), w), scaling([0.125])
    op = DepthwiseConv2D(requant=Requant(quantized(1.0, 2), rounding))
    return Case(name, one_node(name, op, Input((1, 5, 8, 5), x), weights, None, mul, shift), real_of(op))


def floats(name: str, x: tuple[int, ...], w: tuple[int, ...], op: DepthwiseConv2D, bias: bool = True) -> Case:
    rng = rng_for(name)
    b = Constant(random_floats(rng, w[2:])) if bias else None
    return Case(name, one_node(name, op, Input(x), Constant(random_floats(rng, w)), b), real_of(op), 1e-5)


def packed(name: str, op: DepthwiseConv2D, q: QType, w_q: QType, stage: str | Rounding | int, channels: int = 5, **others: Any) -> Case:
    """An image of 6 x 5 pixels, or as many input channels as `op` makes one of, by windows of 3 x 2."""
    name, x, w = f"depthwise_conv2d_{name}", (1, 6, 5, others.pop("inputs", channels)), (3, 2, channels)
    return Layer(name, op, lambda op, *reals: real_of(op)(*reals), x, w, -1, q, w_q, stage, **others).case()


S8, S4, S16 = quantized(0.0625, -7), quantized(0.25, 0, 4), quantized(2.0**-9, 0, 16)
SAME, STRIDE = DepthwiseConv2D(pads=(1, 1, 1, 0)), DepthwiseConv2D((2, 1), (1, 2), (1, 0, 2, 1))

OUT = Requant(quantized(0.2, -5))
RELU = Requant(quantized(0.1, -128), Rounding.TFLITE, -128, 100)
WITHIN = Requant(quantized(0.2, 9), Rounding.TFLITE, -80, 100)
RELU_ABOVE = Requant(quantized(0.1, -20), Rounding.TFLITE, -20, 127)
SIGNED = Requant(quantized(0.1, 4), Rounding.TFLITE)
CLIPPED = Requant(quantized(0.15, 9), lo=-100, hi=90)


def three(
    name: str, x: tuple[int, ...], requant: Requant, pads: tuple[int, int, int, int] = (1, 1, 1, 1), stride: int = 1,
    multiplier: int = 1, **others: Any,
) -> Case:  # fmt: skip
    """A kernel of 3 x 3 taps, the usual one."""
    op = DepthwiseConv2D((stride, stride), pads=pads, requant=requant)
    return codes(f"depthwise_conv2d_s8_three_{name}", x, (3, 3, x[3] * multiplier), op, **others)


def short(
    name: str, x: tuple[int, ...], w: tuple[int, ...], op: DepthwiseConv2D, q: QType, w_q: QType, stage: Rounding, **more: Any
) -> Case:
    return Layer(f"depthwise_conv2d_packed_{name}", op, lambda op, *r: real_of(op)(*r), x, w, -1, q, w_q, stage, **more).case()


AROUND, TWO = DepthwiseConv2D(pads=(1, 1, 1, 1)), DepthwiseConv2D((2, 2), pads=(0, 0, 1, 1))
W4, Y16, UP = QType(4, packed=True), QType(16), Rounding.HALF_UP
NIBBLES = [  # weights of 4 bits
    short("s8_nibbles", (1, 7, 5, 4), (3, 3, 4), AROUND, S8, W4, UP),
    short("s8_nibbles_odd", (2, 6, 8, 7), (3, 3, 7), AROUND, S8, W4, UP, bias=0),
    short("s8_nibbles_two", (1, 9, 10, 6), (3, 3, 6), TWO, S8, W4, UP, per_channel=False),
    short("s8_nibbles_floor", (1, 4, 7, 18), (3, 3, 18), DepthwiseConv2D(), S8, W4, Rounding.FLOOR),
    short("s8_nibbles_four", (1, 6, 11, 9), (4, 4, 9), DepthwiseConv2D(pads=(2, 1, 1, 2)), S8, W4, UP),
    short("s8_nibbles_one", (1, 1, 1, 1), (3, 3, 1), AROUND, S8, W4, UP),
]
HALVES = [  # activations of 16 bits
    short("s16_halves", (1, 7, 5, 4), (3, 3, 4), AROUND, S16, QType(), UP, y=Y16),
    short("s16_halves_odd", (2, 6, 5, 11), (3, 2, 11), SAME, S16, QType(), UP, y=Y16, bias=0),
    short("s16_halves_two", (1, 9, 10, 6), (3, 3, 6), TWO, S16, QType(), Rounding.HALF_EVEN, y=quantized(1.0, 9, 12), per_channel=False),
    short("s16_halves_stride", (1, 9, 10, 8), (3, 2, 8), STRIDE, S16, QType(), Rounding.FLOOR, y=Y16, bias=64, bits=24),
    short("s16_halves_thrice", (1, 5, 4, 7), (3, 3, 21), AROUND, S16, QType(), UP, y=Y16),
    short("s16_halves_one", (1, 1, 1, 1), (1, 1, 1), DepthwiseConv2D(), S16, QType(), UP, y=Y16),
]

INFINITE = np.where(rng_for("infinite").random((3, 3, 5)) < 0.3, np.inf, 1.0).astype(np.float32)  # by which padding is not multiplied

CASES = [
    Case("depthwise_conv2d_f32_infinite",
         one_node("depthwise_conv2d_f32_infinite", DepthwiseConv2D(pads=(1, 1, 1, 1)), Input((1, 4, 4, 5)), Constant(INFINITE), None)),
    codes("depthwise_conv2d_s8_same", (1, 7, 5, 4), (3, 3, 4), DepthwiseConv2D(pads=(1, 1, 1, 1), requant=RELU)),
    codes("depthwise_conv2d_s8_stride", (2, 7, 8, 3), (3, 2, 3), DepthwiseConv2D((2, 1), pads=(1, 0, 1, 1), requant=OUT), bias=False),
    codes("depthwise_conv2d_s8_multiplier", (1, 6, 5, 2), (4, 3, 6), DepthwiseConv2D((2, 2), pads=(1, 1, 2, 0), requant=OUT)),
    codes("depthwise_conv2d_s8_dilated", (1, 8, 9, 5), (3, 3, 5), DepthwiseConv2D(dilation=(2, 3), requant=OUT), per_channel=False),
    codes("depthwise_conv2d_s8_one_channel", (1, 9, 4, 1), (5, 4, 8), DepthwiseConv2D((2, 2), pads=(2, 1, 1, 1), requant=RELU)),
    codes("depthwise_conv2d_s8_five", (1, 7, 6, 7), (5, 5, 7), DepthwiseConv2D(pads=(2, 2, 2, 2), requant=SIGNED), zero=3),
    codes("depthwise_conv2d_s8_one_row", (2, 1, 9, 6), (1, 4, 6), DepthwiseConv2D((1, 3), pads=(0, 2, 0, 1), requant=OUT)),
    codes("depthwise_conv2d_s8_one_column", (1, 9, 4, 5), (3, 1, 5), DepthwiseConv2D((2, 1), (3, 1), (2, 0, 3, 0), CLIPPED), zero=77),
    three("one_element", (1, 1, 1, 1), OUT),
    three("one_column", (1, 5, 3, 4), OUT, (0, 0, 0, 0), zero=5),
    three("two_channels", (1, 4, 5, 2), RELU),
    three("odd_channels", (2, 5, 6, 7), RELU_ABOVE, zero=-1),
    three("odd_width", (1, 6, 7, 5), CLIPPED, (1, 0, 0, 1), zero=127),
    three("per_tensor", (1, 3, 4, 8), CLIPPED, (0, 1, 1, 0), per_channel=False, bias=False),
    three("apart", (1, 5, 5, 9), RELU, octaves=13),
    three("apart_half_up", (1, 4, 4, 6), OUT, octaves=9, zero=3),
    three("signed", (1, 4, 4, 5), SIGNED, zero=3),
    three("half_even", (1, 4, 4, 5), Requant(quantized(0.1, 4), Rounding.HALF_EVEN)),
    three("much_padding", (1, 2, 1, 5), OUT, (4, 3, 3, 5)),
    three("many_channels", (1, 3, 3, 258), RELU),
    three("long_rows", (1, 1, 20, 260), OUT),
    three("wide", (1, 3, 141, 3), OUT),
    three("wide_shared", (1, 4, 21, 5), OUT),
    three("two_channels_signed", (1, 3, 4, 2), OUT),
    three("multiplier", (1, 4, 4, 3), RELU, multiplier=2),
    three("stride_2_one_element", (1, 2, 2, 3), OUT, (0, 0, 1, 1), 2),
    three("stride_2_tail_1", (1, 9, 10, 6), RELU, (1, 1, 1, 1), 2),
    three("stride_2_tail_2", (1, 8, 12, 5), RELU_ABOVE, (0, 0, 1, 1), 2, zero=0),
    three("stride_2_tail_3", (2, 7, 14, 4), CLIPPED, (1, 0, 1, 1), 2, zero=20, octaves=5),
    three("stride_2_much_padding", (1, 1, 3, 6), OUT, (3, 2, 4, 6), 2, zero=-3),
    three("stride_2_many_channels", (1, 4, 8, 257), RELU, (0, 0, 1, 1), 2),
    three("stride_2_shared", (2, 9, 13, 7), Requant(quantized(0.1, -128), Rounding.TFLITE), (1, 1, 1, 1), 2, zero=4),
    three("stride_2_wide", (1, 2, 150, 2), RELU, (0, 0, 1, 1), 2),
    codes("depthwise_conv2d_s8_large_taps", (2, 6, 9, 11), (5, 7, 11), DepthwiseConv2D((1, 2), (1, 1), (2, 3, 2, 3), requant=WITHIN)),
    codes("depthwise_conv2d_s8_thrice", (1, 5, 4, 7), (3, 3, 21), DepthwiseConv2D(pads=(1, 1, 1, 1), requant=OUT), bias=False),
    *(ties(f"depthwise_conv2d_s8_ties_{r.value}", r) for r in (Rounding.HALF_UP, Rounding.TFLITE)),
    codes("depthwise_conv2d_s8_one", (1, 1, 1, 1), (1, 1, 1), DepthwiseConv2D(requant=OUT)),
    codes("depthwise_conv2d_s8_even", (2, 6, 8, 5), (3, 3, 5), DepthwiseConv2D(pads=(1, 1, 1, 1), requant=WITHIN)),
    codes("depthwise_conv2d_s8_wide", (2, 5, 13, 3), (3, 3, 3), DepthwiseConv2D(requant=OUT)),
    codes("depthwise_conv2d_s8_narrow", (1, 6, 2, 17), (3, 3, 17), DepthwiseConv2D(pads=(1, 1, 1, 1), requant=RELU)),
    codes("depthwise_conv2d_s8_column", (1, 7, 1, 19), (3, 3, 19), DepthwiseConv2D(pads=(1, 1, 1, 1), requant=WITHIN)),
    codes("depthwise_conv2d_s8_small", (1, 5, 7, 6), (2, 2, 6), DepthwiseConv2D(pads=(0, 1, 1, 1), requant=WITHIN), per_channel=False),
    codes("depthwise_conv2d_s8_stride_2", (1, 9, 20, 7), (3, 3, 7), DepthwiseConv2D((2, 2), pads=(0, 0, 1, 1), requant=WITHIN)),
    codes("depthwise_conv2d_s8_stride_3", (1, 9, 16, 8), (3, 3, 8), DepthwiseConv2D((1, 3), pads=(1, 0, 1, 0), requant=RELU)),
    codes("depthwise_conv2d_s8_four", (1, 6, 11, 9), (4, 4, 9), DepthwiseConv2D(pads=(2, 1, 1, 2), requant=OUT)),
    codes("depthwise_conv2d_s8_row", (1, 3, 9, 4), (1, 4, 4), DepthwiseConv2D(pads=(0, 3, 0, 0), requant=WITHIN), bias=False),
    codes("depthwise_conv2d_s8_far_pads", (1, 2, 4, 8), (3, 3, 8), DepthwiseConv2D(pads=(4, 3, 4, 3), requant=WITHIN)),
    codes("depthwise_conv2d_s8_vectors", (1, 3, 4, 37), (2, 3, 37), DepthwiseConv2D(pads=(1, 1, 0, 1), requant=WITHIN)),
    *(packed(f"packed_s8_{bits}_bits", SAME, S8, QType(bits, packed=True), r) for bits, r in zip((1, 2, 3, 4, 7), Rounding, strict=True)),
    packed("packed_s8_bipolar_bits", SAME, S8, BIPOLAR, 1, 11, y=BIPOLAR),
    packed("packed_s8_multiplier", STRIDE, S4, QType(2, narrow=True, packed=True), 3, 6, inputs=2, y=QType(2)),
    packed("packed_s8_tensor", SAME, S8, QType(4, packed=True), Rounding.HALF_UP, per_channel=False, bias=0),
    packed("packed_s8_unpacked_raw", SAME, S8, QType(), "raw"),
    packed("packed_s8_computed_zero", SAME, S8, QType(5, packed=True), Rounding.HALF_UP, x_zero=17),
    *NIBBLES, *HALVES,
    packed("packed_s16_16_bits", SAME, S16, QType(16), Rounding.HALF_EVEN, y=QType(16), bits=24, bias=64),
    packed("packed_s16_4_bits", STRIDE, S16, QType(4, packed=True), 15, y=QType(4, False)),
    packed("packed_s16_raw", SAME, S16, QType(11, packed=True), "raw", bias=0),
    floats("depthwise_conv2d_f32_same", (2, 7, 5, 4), (3, 3, 4), DepthwiseConv2D(pads=(1, 1, 1, 1), clip=Clip(0.0, 6.0))),
    floats("depthwise_conv2d_f32_tall", (2, 11, 3, 11), (3, 3, 11), DepthwiseConv2D(pads=(1, 1, 1, 1), clip=Clip(0.0))),
    floats("depthwise_conv2d_f32_wide", (1, 5, 14, 8), (3, 2, 8), DepthwiseConv2D((2, 1), (1, 2), (1, 1, 1, 2)), bias=False),
    floats("depthwise_conv2d_f32_stride", (1, 9, 12, 5), (3, 3, 5), DepthwiseConv2D((2, 2), pads=(0, 0, 1, 1), clip=Clip(-0.25, 0.375))),
    floats("depthwise_conv2d_f32_many_channels", (1, 3, 6, 132), (2, 2, 132), DepthwiseConv2D()),
    floats("depthwise_conv2d_f32_windows_of_padding", (1, 2, 2, 3), (2, 2, 3), DepthwiseConv2D(pads=(3, 3, 3, 3))),
    floats("depthwise_conv2d_f32_one", (1, 1, 1, 1), (1, 1, 1), DepthwiseConv2D()),
    floats("depthwise_conv2d_f32_multiplier", (1, 6, 5, 2), (4, 3, 6), DepthwiseConv2D((2, 1), (1, 2), (1, 1, 2, 1)), bias=False),
]
