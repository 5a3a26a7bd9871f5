"""Cases of dense: per tensor and per channel, with and without bias, odd sizes."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from . import Case, Constant, Input, Real, one_node, quantized, random_codes, random_floats, rng_for, scaling


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


def codes(name: str, x: tuple[int, ...], outputs: int, requant: Requant, per_channel: bool, bias: bool = True, w_zero: int = 0) -> Case:
    rng = rng_for(name)
    channels = outputs if per_channel else 1
    axis = 0 if per_channel else None
    scales = tuple(float(s) for s in rng.uniform(0.5, 2.0, channels) / 127)
    x_type = quantized(0.05, 11)
    w = Constant(random_codes(rng, (outputs, x[-1]), -128), QType(8, True, scales, (w_zero,) * channels, axis))
    sums = QType(32, True, tuple(x_type.scale[0] * s for s in scales), (0,) * channels, axis)
    b = Constant(random_codes(rng, (outputs,), -3000, 3000, "int32"), sums) if bias else None
    mul, shift = scaling([s / requant.output.scale[0] for s in sums.scale])
    op = Dense(requant)
    return Case(name, one_node(name, op, Input(x, x_type), w, b, mul, shift), real_of(op))


def floats(name: str, x: tuple[int, ...], outputs: int, clip: Clip | None = None, bias: bool = True) -> Case:
    rng = rng_for(name)
    op = Dense(clip=clip)
    b = Constant(random_floats(rng, (outputs,))) if bias else None
    return Case(name, one_node(name, op, Input(x), Constant(random_floats(rng, (outputs, x[-1]))), b), real_of(op), 1e-5)


OUT = Requant(quantized(0.2, -5))
RELU = Requant(quantized(0.1, -128), Rounding.TFLITE, -128, 100)

CASES = [
    codes("dense_s8_per_tensor", (1, 13), 7, RELU, per_channel=False),
    codes("dense_s8_per_channel", (1, 16), 5, OUT, per_channel=True),
    codes("dense_s8_rows", (2, 3, 9), 4, OUT, per_channel=True, bias=False),
    codes("dense_s8_weight_zero", (3, 17), 3, RELU, per_channel=False, w_zero=-9),
    codes("dense_s8_large_sums", (1, 700), 3, Requant(quantized(1.0, 0), Rounding.HALF_EVEN), per_channel=True),
    codes("dense_s8_vector", (5,), 1, OUT, per_channel=False),
    floats("dense_f32", (1, 13), 7),
    floats("dense_f32_rows", (2, 3, 9), 4, Clip(0.0), bias=False),
    floats("dense_f32_clip", (3, 33), 5, Clip(0.0, 6.0)),
]
