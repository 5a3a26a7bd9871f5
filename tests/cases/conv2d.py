"""Cases of conv2d: strides, dilations, pads and groups, for codes and floats."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant
from tests.layers import BIPOLAR, CODES, Layer

from . import Case, Constant, Input, Real, one_node, quantized, random_codes, random_floats, rng_for, scaling


def pad(x: Array, pads: Sequence[int]) -> Array:
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def convolve(op: Conv2D, x: Array, w: Array, b: Array) -> Array:
    """Direct convolution in float64, one tap after another; x (N, B, H, W, C)."""
    padded = pad(x.reshape(-1, *x.shape[2:]), op.pads)
    outputs, k_h, k_w, inputs = w.shape
    reach = [(k - 1) * d + 1 for k, d in zip((k_h, k_w), op.dilation, strict=True)]
    out_h, out_w = [(padded.shape[i + 1] - reach[i]) // op.stride[i] + 1 for i in (0, 1)]
    y = np.zeros((len(padded), out_h, out_w, outputs))
    for o in range(outputs):
        first = o // (outputs // op.groups) * inputs
        for i in range(k_h):
            for j in range(k_w):
                rows = slice(i * op.dilation[0], i * op.dilation[0] + (out_h - 1) * op.stride[0] + 1, op.stride[0])
                columns = slice(j * op.dilation[1], j * op.dilation[1] + (out_w - 1) * op.stride[1] + 1, op.stride[1])
                y[..., o] += (padded[:, rows, columns, first : first + inputs] * w[o, i, j]).sum(-1)
    if b.size:
        y = y + b
    if op.clip:
        y = np.clip(y, op.clip.lo, op.clip.hi)
    if isinstance(op.requant, Requant):
        q = op.requant.output
        y = np.clip(y, (op.requant.lo - q.zero[0]) * q.scale[0], (op.requant.hi - q.zero[0]) * q.scale[0])
    return y.reshape(*x.shape[:2], *y.shape[1:])


def real_of(op: Conv2D) -> Real:
    return lambda x, w, b, *_: convolve(op, x, w, b)


def codes(name: str, x: tuple[int, ...], w: tuple[int, ...], op: Conv2D, per_channel: bool = True, bias: bool = True) -> Case:
    """Weights `w` with scales such that the output uses its range."""
    rng = rng_for(name)
    channels = w[0] if per_channel else 1
    scales = tuple(float(s) for s in rng.uniform(0.5, 2.0, channels) / 127)
    x_type = quantized(0.05, -7)
    assert op.requant
    mul, shift = scaling([x_type.scale[0] * s / op.requant.output.scale[0] for s in scales])
    weights = Constant(random_codes(rng, w), QType(8, True, scales, (0,) * channels, 0 if per_channel else None))
    sums = QType(32, True, tuple(x_type.scale[0] * s for s in scales), (0,) * channels, 0 if per_channel else None)
    b = Constant(random_codes(rng, w[:1], -2000, 2000, "int32"), sums) if bias else None
    return Case(name, one_node(name, op, Input(x, x_type), weights, b, mul, shift), real_of(op))


def ties(name: str, rounding: Rounding) -> Case:
    """Sums in eighths of an output's code, so that many lie midway between two codes."""
    rng, x, w = rng_for(name), quantized(0.5, -3), QType(8, True, (0.25,), (0,))
    weights, (mul, shift) = Constant(random_codes(rng, (6, 2, 2, 5), -1, 1), w), scaling([0.125])
    op = Conv2D(requant=Requant(quantized(1.0, 2), rounding))
    return Case(name, one_node(name, op, Input((1, 5, 4, 5), x), weights, None, mul, shift), real_of(op))


def infinite(name: str) -> Case:
    """Weights among which are infinities: padding is no 0 by which they are multiplied."""
    w = random_floats(rng_for(name), (3, 3, 3, 2))
    w[0, 0, 0, 1], w[2, 2, 1, 0] = np.inf, -np.inf
    return Case(name, one_node(name, Conv2D(pads=(1, 1, 1, 1)), Input((1, 4, 4, 2)), Constant(w), None))


def floats(name: str, x: tuple[int, ...], w: tuple[int, ...], op: Conv2D, bias: bool = True) -> Case:
    rng = rng_for(name)
    b = Constant(random_floats(rng, w[:1])) if bias else None
    graph = one_node(name, op, Input(x), Constant(random_floats(rng, w)), b)
    return Case(name, graph, real_of(op), 1e-5)


def packed(
    name: str, x: tuple[int, ...], w: tuple[int, ...], op: Conv2D, q: QType, w_q: QType, stage: str | Rounding | int, **others: Any
) -> Case:
    return Layer(f"conv2d_{name}", op, convolve, x, w, 0, q, w_q, stage, **others).case()


S8, S4, S16 = quantized(0.0625, -7), quantized(0.25, 0, 4), quantized(2.0**-9, 0, 16)
UP, EVEN = Rounding.HALF_UP, Rounding.HALF_EVEN
SAME, STRIDE = Conv2D(pads=(1, 1, 1, 1)), Conv2D((2, 1), (1, 2), (1, 0, 2, 1))
IMAGE, FILTERS = (1, 5, 4, 3), (4, 3, 3, 3)

STEPS = Conv2D((2, 2), pads=(1, 1, 1, 1))
W4, Y16, Z12 = QType(4, packed=True), QType(16), quantized(2.0**-6, 100, 12)
NIBBLES = [  # weights of 4 bits
    packed("packed_s8_nibbles", IMAGE, FILTERS, SAME, S8, W4, UP),
    packed("packed_s8_nibbles_odd", (1, 6, 6, 5), (7, 3, 3, 5), SAME, S8, W4, UP, bias=0),
    packed("packed_s8_nibbles_even", (1, 9, 7, 8), (6, 3, 3, 8), SAME, S8, W4, EVEN, per_channel=False),
    packed("packed_s8_nibbles_stride", (1, 9, 8, 16), (5, 3, 3, 16), Conv2D((2, 2), pads=(0, 0, 1, 1)), S8, W4, UP),
    packed("packed_s8_nibbles_rows", (1, 9, 6, 4), (3, 3, 2, 4), Conv2D((2, 1), (2, 1), (2, 1, 1, 0)), S8, W4, Rounding.FLOOR),
    packed("packed_s8_nibbles_pixels", (1, 3, 5, 20), (9, 1, 1, 20), Conv2D(), S8, W4, UP, per_channel=False),
    packed("packed_s8_nibbles_pixels_32", (1, 4, 3, 32), (4, 1, 1, 32), Conv2D(), S8, W4, UP, y=quantized(1.0, -128)),
    packed("packed_s8_nibbles_pixels_stride", (1, 6, 5, 6), (4, 1, 1, 6), Conv2D((2, 2)), S8, W4, Rounding.TFLITE),
    packed("packed_s8_nibbles_wide", (1, 4, 4, 36), (3, 3, 3, 36), SAME, S8, W4, UP, negative=True),
    packed("packed_s8_nibbles_inside", (2, 8, 6, 8), (3, 3, 2, 8), Conv2D((2, 1), (2, 1)), S8, W4, UP),
    packed("packed_s8_nibbles_images", (2, 5, 6, 4), (3, 3, 3, 4), SAME, S8, W4, UP),
    packed("packed_s8_nibbles_padding", (1, 2, 3, 4), (2, 2, 2, 4), Conv2D(pads=(3, 3, 3, 3)), S8, W4, UP),
    packed("packed_s8_nibbles_one", (1, 1, 1, 1), (1, 1, 1, 1), Conv2D(), S8, W4, UP),
]
HALVES = [  # activations of 16 bits
    packed("packed_s16_halves", IMAGE, FILTERS, SAME, S16, CODES, UP, y=Y16),
    packed("packed_s16_halves_odd", (1, 6, 6, 5), (7, 3, 3, 5), SAME, S16, CODES, UP, y=Y16, bias=0),
    packed("packed_s16_halves_zero", (1, 5, 7, 3), (2, 3, 3, 3), STEPS, Z12, CODES, UP, y=quantized(1.0, 9, 12)),
    packed("packed_s16_halves_even", (1, 9, 7, 8), (6, 3, 3, 8), SAME, S16, CODES, EVEN, y=Y16, per_channel=False, bias=64),
    packed("packed_s16_halves_rows", (1, 9, 6, 4), (3, 3, 2, 4), Conv2D((2, 1), (2, 1), (2, 1, 1, 0)), S16, CODES, Rounding.FLOOR, y=Y16),
    packed("packed_s16_halves_pixels", (1, 3, 5, 20), (9, 1, 1, 20), Conv2D(), S16, CODES, UP, y=Y16, per_channel=False),
    packed("packed_s16_halves_pixels_24", (1, 3, 5, 24), (4, 1, 1, 24), Conv2D(), S16, CODES, UP, y=Y16, bits=24),
    packed("packed_s16_halves_stride", (1, 9, 8, 16), (5, 3, 3, 16), Conv2D((2, 2), pads=(0, 0, 1, 1)), S16, CODES, UP, y=Y16),
    packed("packed_s16_halves_inside", (2, 8, 6, 8), (3, 3, 2, 8), Conv2D((2, 1), (2, 1)), S16, CODES, UP, y=Y16),
    packed("packed_s16_halves_long", (1, 3, 3, 128), (3, 3, 3, 128), SAME, S16, CODES, UP, y=Y16, bits=24),
    packed("packed_s16_halves_long_floor", (1, 2, 3, 124), (2, 3, 3, 124), SAME, S16, CODES, Rounding.FLOOR, y=Y16, bits=20, bias=64),
    packed("packed_s16_halves_negative", (1, 4, 4, 36), (3, 3, 3, 36), SAME, S16, CODES, UP, y=Y16, negative=True),
    packed("packed_s16_halves_one", (1, 1, 1, 1), (1, 1, 1, 1), Conv2D(), S16, CODES, UP, y=Y16),
]

OUT = Requant(quantized(0.2, -5))
RELU = Requant(quantized(0.2, -5), Rounding.TFLITE, -5, 60)
WIDE = Requant(quantized(1.0, 11), Rounding.TFLITE, -100, 90)
WIDE_UP = Requant(quantized(0.9, -128))

CASES = [
    codes("conv2d_s8_valid", (1, 7, 6, 3), (4, 3, 3, 3), Conv2D(requant=OUT)),
    codes("conv2d_s8_same_stride", (1, 7, 6, 3), (5, 3, 3, 3), Conv2D((2, 1), (1, 1), (1, 0, 1, 2), requant=RELU)),
    codes("conv2d_s8_dilated", (2, 9, 8, 2), (3, 3, 2, 2), Conv2D((1, 2), (2, 3), (2, 1, 2, 1), requant=OUT), bias=False),
    codes("conv2d_s8_groups", (1, 5, 5, 6), (4, 3, 3, 3), Conv2D(pads=(1, 1, 1, 1), groups=2, requant=OUT), per_channel=False),
    codes("conv2d_s8_pointwise", (3, 4, 5, 7), (9, 1, 1, 7), Conv2D(requant=RELU)),
    codes("conv2d_s8_kernel_larger_than_input", (1, 2, 3, 1), (1, 5, 5, 1), Conv2D(pads=(2, 2, 2, 2), requant=OUT)),
    *(
        codes(f"conv2d_s8_{r.value}", (1, 5, 4, 3), (2, 3, 2, 3), Conv2D(requant=Requant(quantized(0.02, 4), r)))
        for r in Rounding
    ),
    codes("conv2d_s8_even", (1, 9, 7, 8), (6, 3, 3, 8), Conv2D(pads=(1, 1, 1, 1), requant=RELU)),
    codes("conv2d_s8_odd", (1, 6, 6, 5), (7, 3, 3, 5), Conv2D(pads=(1, 1, 1, 1), requant=RELU), bias=False),
    codes("conv2d_s8_odd_padding", (1, 5, 7, 3), (2, 3, 3, 3), Conv2D((2, 2), pads=(0, 1, 1, 1), requant=OUT)),
    codes("conv2d_s8_pixels", (1, 5, 5, 20), (9, 1, 1, 20), Conv2D(requant=OUT), per_channel=False),
    codes("conv2d_s8_pixels_stride", (1, 6, 5, 6), (4, 1, 1, 6), Conv2D((2, 2), requant=RELU)),
    codes("conv2d_s8_rows", (1, 12, 9, 1), (4, 10, 4, 1), Conv2D((2, 2), pads=(4, 1, 5, 1), requant=RELU)),
    codes("conv2d_s8_one_row", (1, 1, 11, 4), (3, 1, 3, 4), Conv2D(pads=(0, 1, 0, 1), requant=RELU)),
    codes("conv2d_s8_one_row_stride", (2, 1, 12, 2), (5, 1, 5, 2), Conv2D((1, 2), pads=(0, 1, 0, 2), requant=OUT)),
    codes("conv2d_s8_one_row_much_padding", (1, 1, 3, 8), (4, 1, 5, 8), Conv2D(pads=(0, 4, 0, 3), requant=OUT)),
    codes("conv2d_s8_wide", (1, 4, 4, 36), (3, 3, 3, 36), Conv2D(pads=(1, 1, 1, 1), requant=OUT)),
    codes("conv2d_s8_loops", (1, 4, 7, 23), (3, 2, 3, 23), Conv2D(pads=(1, 1, 0, 1), requant=OUT)),
    codes("conv2d_s8_loops_rest", (1, 3, 6, 44), (2, 2, 3, 44), Conv2D(pads=(0, 1, 1, 1), requant=RELU)),
    codes("conv2d_s8_images", (2, 5, 6, 4), (3, 3, 3, 4), Conv2D(pads=(1, 1, 1, 1), requant=RELU)),
    codes("conv2d_s8_image", (1, 6, 9, 3), (5, 3, 3, 3), Conv2D(pads=(1, 1, 1, 1), requant=RELU)),
    codes("conv2d_s8_image_stride", (1, 9, 12, 3), (8, 3, 3, 3), Conv2D((2, 2), pads=(0, 0, 1, 1), requant=WIDE)),
    codes("conv2d_s8_unseen", (1, 1, 1, 3), (2, 1, 1, 3), Conv2D((2, 2), pads=(1, 1, 0, 0), requant=OUT)),
    codes("conv2d_s8_pairs_apart", (1, 5, 12, 6), (5, 2, 3, 6), Conv2D((1, 2), pads=(0, 2, 1, 2), requant=OUT)),
    codes("conv2d_s8_pairs_odd", (1, 3, 7, 5), (2, 2, 3, 5), Conv2D(requant=OUT)),
    codes("conv2d_s8_windows_of_padding", (1, 2, 3, 4), (2, 2, 2, 4), Conv2D(pads=(3, 3, 3, 3), requant=OUT)),
    codes("conv2d_s8_dilated_rows", (1, 9, 5, 4), (2, 3, 2, 4), Conv2D((1, 1), (3, 1), (3, 0, 3, 1), requant=OUT)),
    *(ties(f"conv2d_s8_ties_{r.value}", r) for r in (Rounding.HALF_UP, Rounding.TFLITE)),
    codes("conv2d_s8_one", (1, 1, 1, 1), (1, 1, 1, 1), Conv2D(requant=OUT)),
    codes("conv2d_s8_pointwise_32", (1, 3, 5, 32), (6, 1, 1, 32), Conv2D(requant=WIDE)),
    codes("conv2d_s8_pointwise_60", (2, 3, 3, 60), (7, 1, 1, 60), Conv2D(requant=WIDE_UP)),
    codes("conv2d_s8_pointwise_160", (1, 2, 5, 160), (4, 1, 1, 160), Conv2D((1, 2), requant=WIDE_UP)),
    codes("conv2d_s8_same_16", (2, 6, 5, 16), (5, 3, 3, 16), Conv2D(pads=(1, 1, 1, 1), requant=WIDE_UP), bias=False),
    codes("conv2d_s8_stride_16", (1, 9, 8, 16), (8, 3, 3, 16), Conv2D((2, 2), pads=(0, 0, 1, 1), requant=WIDE)),
    codes("conv2d_s8_inside_16", (2, 8, 6, 8), (3, 3, 2, 8), Conv2D((2, 1), (2, 1), requant=WIDE), per_channel=False),
    codes("conv2d_s8_far_pads", (1, 2, 4, 16), (3, 1, 2, 16), Conv2D(pads=(2, 3, 1, 4), requant=WIDE)),
    codes("conv2d_s8_long_rows", (1, 6, 7, 12), (6, 5, 5, 12), Conv2D(pads=(2, 2, 2, 2), requant=WIDE)),
    codes("conv2d_s8_many_rows", (1, 21, 10, 1), (8, 10, 4, 1), Conv2D((2, 2), pads=(4, 1, 5, 1), requant=RELU)),
    codes("conv2d_s8_vectors", (1, 3, 5, 3), (37, 2, 2, 3), Conv2D(pads=(1, 0, 0, 1), requant=WIDE)),
    codes("conv2d_s8_pointwise_vectors", (1, 2, 5, 9), (75, 1, 1, 9), Conv2D(requant=WIDE_UP)),
    *(packed(f"packed_s8_{bits}_bits", IMAGE, FILTERS, SAME, S8, QType(bits, packed=True), UP) for bits in (1, 2, 3, 5)),
    packed("packed_s8_together", (2, 5, 4, 4), (3, 3, 2, 4), SAME, S8, QType(4, packed=True), EVEN, y=QType(16)),
    packed("packed_s8_stride", (1, 9, 8, 4), (3, 3, 2, 4), STRIDE, S8, QType(2, narrow=True, packed=True), 3, y=QType(2)),
    packed("packed_s8_groups", (1, 5, 5, 6), (4, 3, 3, 3), Conv2D(groups=2), S8, QType(4, packed=True), Rounding.TFLITE),
    packed("packed_s8_bipolar", IMAGE, FILTERS, SAME, S8, BIPOLAR, 1, y=BIPOLAR),
    packed("packed_s8_bipolar_few_levels", (1, 5, 4, 9), (11, 3, 3, 9), SAME, S4, BIPOLAR, 1, y=QType(2), bias=0),
    packed("packed_s8_unpacked_raw", IMAGE, FILTERS, SAME, S8, QType(), "raw"),
    packed("packed_s8_blocks", (1, 4, 4, 7), (3, 3, 3, 7), SAME, S8, QType(4, packed=True, block=3), UP, bits=26),
    packed("packed_s8_blocks_raw", (1, 4, 3, 8), (3, 2, 2, 8), SAME, S8, QType(3, packed=True, block=4), "raw"),
    packed("packed_s8_computed_zero", IMAGE, FILTERS, SAME, S8, QType(4, packed=True), UP, x_zero=-9),
    packed("packed_s16_same", IMAGE, FILTERS, SAME, S16, QType(16), EVEN, y=QType(16), bits=20, bias=64),
    packed("packed_s16_6_bits", (1, 6, 5, 4), (6, 3, 3, 2), Conv2D(groups=2), S16, QType(6, packed=True), 15, y=QType(4)),
    packed("packed_s16_blocks", (1, 4, 4, 5), (3, 2, 3, 5), SAME, S16, QType(4, packed=True, block=2), UP, bits=24, negative=True),
    packed("packed_s16_raw", IMAGE, FILTERS, STRIDE, S16, QType(8), "raw", bias=64, x_zero=300),
    *NIBBLES, *HALVES,
    packed("b1_bits", (1, 5, 4, 11), (9, 3, 3, 11), SAME, BIPOLAR, BIPOLAR, 1, y=BIPOLAR),
    packed("b1_bytes", (2, 4, 5, 64), (17, 3, 3, 64), SAME, BIPOLAR, BIPOLAR, 1, y=BIPOLAR, bias=0),
    packed("b1_stride", (1, 9, 8, 32), (3, 3, 2, 32), STRIDE, BIPOLAR, BIPOLAR, 3, y=QType(2)),
    packed("b1_pointwise", (1, 3, 3, 40), (5, 1, 1, 40), Conv2D(), BIPOLAR, BIPOLAR, EVEN, y=QType(16)),
    packed("b1_groups", (1, 4, 4, 16), (4, 3, 3, 8), Conv2D(pads=(1, 1, 1, 1), groups=2), BIPOLAR, BIPOLAR, "raw", bias=0),
    floats("conv2d_f32_valid", (1, 6, 7, 3), (4, 3, 3, 3), Conv2D()),
    floats("conv2d_f32_same_stride", (2, 7, 6, 3), (5, 3, 3, 3), Conv2D((2, 1), (1, 1), (1, 0, 1, 2), clip=Clip(0.0))),
    floats("conv2d_f32_pointwise", (3, 3, 3, 7), (17, 1, 1, 7), Conv2D(clip=Clip(0.0))),
    floats("conv2d_f32_tall", (2, 11, 3, 3), (9, 3, 3, 3), Conv2D(pads=(1, 1, 1, 1), clip=Clip(-0.5, 2.0))),
    floats("conv2d_f32_wide", (1, 4, 12, 2), (26, 2, 3, 2), Conv2D((1, 2), (2, 1), (2, 1, 1, 2)), bias=False),
    floats("conv2d_f32_stride", (1, 9, 13, 1), (8, 4, 2, 1), Conv2D((2, 2), pads=(2, 0, 1, 1), clip=Clip(-0.1, 0.3))),
    floats("conv2d_f32_dilated", (1, 5, 9, 2), (5, 2, 2, 2), Conv2D(dilation=(1, 2), pads=(0, 1, 1, 1))),
    floats("conv2d_f32_windows_of_padding", (1, 2, 3, 4), (3, 2, 2, 4), Conv2D(pads=(3, 3, 3, 3))),
    floats("conv2d_f32_vectors", (1, 3, 5, 3), (70, 2, 2, 3), Conv2D(pads=(1, 0, 0, 1), clip=Clip(-1.0, 4.0))),
    floats("conv2d_f32_one", (1, 1, 1, 1), (1, 1, 1, 1), Conv2D()),
    infinite("conv2d_f32_infinite"),
    floats("conv2d_f32_groups", (1, 5, 5, 6), (4, 3, 3, 3), Conv2D((1, 1), (2, 1), (1, 1, 1, 1), 2, clip=Clip(0.0, 6.0)), bias=False),
]
