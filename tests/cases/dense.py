"""Cases of dense: per tensor and per channel, with and without bias, odd sizes."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F16, Array, Builder, QType, Type
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.requant import Requant
from tests.layers import BIPOLAR, Layer

from . import Case, Constant, Input, Real, make_graph, one_node, quantized, random_codes, random_floats, rng_for, scaling


def real_of(op: Dense) -> Real:
    def real(x: Array, w: Array, b: Array, *_: Array) -> Array:
        y: Array = x @ w.T + (b if b.size else 0)
        if op.clip:
            return np.clip(y, op.clip.lo, op.clip.hi)
        if isinstance(op.requant, Requant):
            q = op.requant.output
            return np.clip(y, (op.requant.lo - q.zero[0]) * q.scale[0], (op.requant.hi - q.zero[0]) * q.scale[0])
        return y

    return real


def codes(
    name: str, x: tuple[int, ...], outputs: int, requant: Requant, per_channel: bool, bias: bool = True, w_zero: int = 0, least: int = -128
) -> Case:
    """`least` is the least code of weights."""
    rng = rng_for(name)
    channels = outputs if per_channel else 1
    axis = 0 if per_channel else None
    scales = tuple(float(s) for s in rng.uniform(0.5, 2.0, channels) / 127)
    x_type = quantized(0.05, 11)
    w = Constant(random_codes(rng, (outputs, x[-1]), least), QType(8, True, scales, (w_zero,) * channels, axis))
    sums = QType(32, True, tuple(x_type.scale[0] * s for s in scales), (0,) * channels, axis)
    b = Constant(random_codes(rng, (outputs,), -3000, 3000, "int32"), sums) if bias else None
    mul, shift = scaling([s / requant.output.scale[0] for s in sums.scale])
    op = Dense(requant)
    return Case(name, one_node(name, op, Input(x, x_type), w, b, mul, shift), real_of(op))


def ties(name: str, inputs: int, outputs: int, rounding: Rounding) -> Case:
    """Sums in eighths of an output's code, so that many lie midway between two codes."""
    rng, x, w = rng_for(name), quantized(0.5, -3), QType(8, True, (0.25,), (0,))
    weights, (mul, shift) = Constant(random_codes(rng, (outputs, inputs), -1, 1), w), scaling([0.125])
    op = Dense(Requant(quantized(1.0, 2), rounding))
    return Case(name, one_node(name, op, Input((1, inputs), x), weights, None, mul, shift), real_of(op))


def floats(name: str, x: tuple[int, ...], outputs: int, clip: Clip | None = None, bias: bool = True) -> Case:
    rng = rng_for(name)
    op = Dense(clip=clip)
    b = Constant(random_floats(rng, (outputs,))) if bias else None
    return Case(name, one_node(name, op, Input(x), Constant(random_floats(rng, (outputs, x[-1]))), b), real_of(op), 1e-5)


def product(op: Dense, x: Array, w: Array, b: Array) -> Array:
    return np.asarray(x @ w.T + (b if b.size else 0))


def packed(name: str, inputs: int, x: QType, w: QType, stage: str | Rounding | int, **others: Any) -> Case:
    """Two rows of `inputs`, five outputs."""
    return Layer(f"dense_{name}", Dense(), product, (2, inputs), (others.pop("outputs", 5), inputs), 0, x, w, stage, **others).case()


S4, U4, S16 = quantized(0.25, 0, 4), quantized(0.5, 0, 4, signed=False), quantized(2.0**-9, 0, 16)
S8 = quantized(0.0625, -7)
UP, EVEN = Rounding.HALF_UP, Rounding.HALF_EVEN

OUT = Requant(quantized(0.2, -5))
RELU = Requant(quantized(0.1, -128), Rounding.TFLITE, -128, 100)
WIDE, NARROW = Requant(quantized(0.7, 9), Rounding.TFLITE), Requant(quantized(0.4, -20), lo=-20, hi=99)

W4, Y16 = QType(4, packed=True), QType(16)
NIBBLES = [  # weights of 4 bits, by two rows
    packed("packed_s8_nibbles", 32, S8, W4, UP, outputs=16),
    packed("packed_s8_nibbles_odd", 37, S8, W4, EVEN, outputs=7, bias=0),
    packed("packed_s8_nibbles_long", 320, S8, W4, UP, outputs=9, per_channel=False, y=quantized(1.0, -128)),
    packed("packed_s8_nibbles_long_tail", 165, S8, W4, Rounding.FLOOR, outputs=6, negative=True),
    packed("packed_s8_nibbles_tflite", 18, S8, W4, Rounding.TFLITE, outputs=5),
    packed("packed_s8_nibbles_one", 1, S8, W4, UP, outputs=1),
]
HALVES = [  # activations of 16 bits, by two rows
    packed("packed_s16_halves", 32, S16, QType(), UP, outputs=16, y=Y16),
    packed("packed_s16_halves_odd", 37, S16, QType(), EVEN, outputs=7, y=Y16, bias=0),
    packed("packed_s16_halves_zero", 24, quantized(2.0**-6, 100, 12), QType(), UP, outputs=6, y=quantized(1.0, 9, 12)),
    packed("packed_s16_halves_long", 320, S16, QType(), UP, outputs=9, y=Y16, per_channel=False, bias=64, bits=26),
    packed("packed_s16_halves_wide", 1600, S16, QType(), UP, outputs=3, y=Y16, bias=64, bits=20),
    packed("packed_s16_halves_one", 1, S16, QType(), UP, outputs=1, y=Y16),
]

def midpoints(name: str) -> Case:
    """1 + 145 * 113 * 2**-25 is just above the middle of two f16 numbers and is that middle when rounded to float32; and below it."""
    build = Builder()
    build.input("x", Type((1, 2), F16))
    build.constant("k", np.array([1, 145 * 2.0**-13], np.float16))
    build.constant("w", np.array([[1, 113 * 2.0**-12], [1 + 2.0**-10, -113 * 2.0**-12]], np.float16))
    build.add(Mul(), ("x", "k"), "scaled")
    build.add(Dense(accumulator=F16), ("scaled", "w", ""), "y0")
    return Case(name, make_graph(name, build, ("x",), ("y0",)))


CASES = [
    midpoints("dense_f16_fma_midpoints"),
    codes("dense_s8_per_tensor", (1, 13), 7, RELU, per_channel=False),
    codes("dense_s8_per_channel", (1, 16), 5, OUT, per_channel=True),
    codes("dense_s8_rows", (2, 3, 9), 4, OUT, per_channel=True, bias=False),
    codes("dense_s8_weight_zero", (3, 17), 3, RELU, per_channel=False, w_zero=-9),
    codes("dense_s8_large_sums", (1, 700), 3, Requant(quantized(1.0, 0), Rounding.HALF_EVEN), per_channel=True),
    codes("dense_s8_vector", (5,), 1, OUT, per_channel=False),
    codes("dense_s8_one_of_each", (1, 1), 1, OUT, per_channel=True),
    codes("dense_s8_blocks_left", (1, 203), 10, WIDE, per_channel=False, least=-127),
    codes("dense_s8_one_block_left", (2, 72), 9, NARROW, per_channel=True, least=-127),
    codes("dense_s8_small_sums", (2, 2), 41, Requant(quantized(0.004, 5), Rounding.TFLITE), per_channel=True, bias=False, least=-127),
    codes("dense_s8_whole_turns", (3, 128), 8, WIDE, per_channel=True, least=-127),
    codes("dense_s8_whole_blocks", (2, 24), 7, WIDE, per_channel=False, least=-127),
    codes("dense_s8_whole_blocks_half_up", (2, 80), 6, NARROW, per_channel=False, least=-127),
    codes("dense_s8_rows_apart", (5, 1, 6), 3, NARROW, per_channel=False, least=-127),
    codes("dense_s8_high_sums", (1, 470), 4, Requant(quantized(30.0, 5), Rounding.TFLITE), per_channel=True, least=127),
    codes("dense_s8_higher_sums", (1, 600), 4, Requant(quantized(30.0, 5), Rounding.TFLITE), per_channel=True, least=127),
    codes("dense_s8_least_weights", (1, 40), 6, WIDE, per_channel=True),
    codes("dense_s8_weights_stacked_too_high", (2, 200), 7, WIDE, per_channel=False),
    codes("dense_s8_weights_stacked_too_high_half_up", (1, 333), 8, NARROW, per_channel=True),
    *(ties(f"dense_s8_ties_{r.value}", 16, 9, r) for r in (Rounding.HALF_UP, Rounding.TFLITE)),
    codes("dense_s8_one", (1, 1), 1, OUT, per_channel=True),
    codes("dense_s8_whole", (1, 32), 16, Requant(quantized(0.4, 9), Rounding.TFLITE), per_channel=True),
    codes("dense_s8_long", (2, 320), 9, Requant(quantized(1.0, -128), Rounding.TFLITE), per_channel=True),
    codes("dense_s8_long_tail", (2, 165), 17, Requant(quantized(1.0, 3), Rounding.HALF_UP, -90, 80), per_channel=True),
    *(packed(f"packed_s8_{bits}_bits", 11, S8, QType(bits, packed=True), r) for bits in range(1, 9) for r in [list(Rounding)[bits % 5]]),
    packed("packed_s8_ternary", 33, S4, QType(2, narrow=True, packed=True), 3, y=QType(2)),
    packed("packed_s8_bipolar", 13, S8, BIPOLAR, UP, bias=0),
    packed("packed_s8_bipolar_raw", 16, U4, BIPOLAR, "raw"),
    packed("packed_s8_bipolar_bits", 9, S8, BIPOLAR, 1, y=BIPOLAR, outputs=11),
    packed("packed_s8_unsigned", 13, S4, QType(4, False, zero=(8,), packed=True), 15, y=QType(4, False), per_channel=False),
    packed("packed_s8_unpacked_raw", 10, S8, QType(), "raw", bias=0),
    packed("packed_s8_12_bits", 7, S8, QType(12, packed=True), UP, y=QType(16)),
    packed("packed_s8_16_bits", 7, S8, QType(16), EVEN, y=QType(16)),
    packed("packed_s8_blocks", 21, S8, QType(4, packed=True, block=8), UP, bits=26),
    packed("packed_s8_blocks_odd", 20, S4, QType(3, packed=True, block=3), EVEN, bits=26),
    packed("packed_s8_blocks_raw", 21, S8, QType(4, packed=True, block=8), "raw"),
    packed("packed_s8_negative", 12, S8, QType(4, packed=True), UP, negative=True),
    packed("packed_s8_tensor", 12, S8, QType(2, packed=True), EVEN, per_channel=False),
    packed("packed_s8_computed_zero", 12, S8, QType(4, packed=True), UP, x_zero=5),
    packed("packed_s8_computed_zero_raw", 12, S8, QType(), "raw", x_zero=-128),
    packed("packed_s8_few_levels", 14, S4, QType(2, packed=True), 1, y=QType(2)),
    *NIBBLES, *HALVES,
    packed("packed_s16_16_bits", 300, S16, QType(16), UP, y=QType(16), bits=20, bias=64),
    packed("packed_s16_negative", 9, S16, QType(8), EVEN, y=QType(16), bits=24, negative=True),
    packed("packed_s16_4_bits", 9, quantized(0.5, 100, 12), QType(4, packed=True), Rounding.FLOOR, bits=24),
    packed("packed_s16_5_bits_thresholds", 9, S16, QType(5, packed=True), 7, y=QType(3)),
    packed("packed_s16_13_bits_raw", 9, S16, QType(13, packed=True), "raw", bias=64),
    packed("packed_s16_blocks", 9, S16, QType(7, packed=True, block=4), Rounding.HALF_AWAY, bits=20),
    packed("packed_s16_bipolar_bits", 9, S16, BIPOLAR, 1, y=BIPOLAR, x_zero=77),
    packed("b1_bits", 64, BIPOLAR, BIPOLAR, 1, y=BIPOLAR, outputs=19),
    packed("b1_tail", 45, BIPOLAR, BIPOLAR, 7, y=QType(3), bias=0),
    packed("b1_few", 3, BIPOLAR, BIPOLAR, "raw", bias=0),
    packed("b1_long", 3000, BIPOLAR, BIPOLAR, UP, y=quantized(1.0, 3)),
    packed("b1_s16", 72, BIPOLAR, BIPOLAR, EVEN, y=QType(16), per_channel=False),
    floats("dense_f32", (1, 13), 7),
    floats("dense_f32_rows", (2, 3, 9), 4, Clip(0.0), bias=False),
    floats("dense_f32_clip", (3, 33), 5, Clip(0.0, 6.0)),
    floats("dense_f32_many", (6, 14), 73, Clip(0.0)),
    floats("dense_f32_four_vectors", (1, 5), 32, Clip(-1.0, 0.75)),
    floats("dense_f32_one", (1, 1), 1, bias=False),
]
