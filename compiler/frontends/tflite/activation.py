"""Fused activations: bounds on codes for int8, a clip node for float32."""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from tflite import ActivationFunctionType

from ...errors import Unsupported
from ...fixed import Rounding, round_half_away
from ...ir import Op, QType
from ...ops.clip import Clip
from ...ops.requant import Requant
from .importer import Call

_BOUNDS = {
    ActivationFunctionType.NONE: (-math.inf, math.inf),
    ActivationFunctionType.RELU: (0.0, math.inf),
    ActivationFunctionType.RELU6: (0.0, 6.0),
    ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}
_FAR = np.float32(1e6)  # steps from the zero point, beyond all codes


def bounds(activation: int) -> tuple[float, float]:
    """The reals that an activation clips to."""
    if activation not in _BOUNDS:
        name = next((n for n, code in vars(ActivationFunctionType).items() if code == activation), activation)
        raise Unsupported(f"has the fused activation {name}, which is not taken; make it an operator of its own")
    return _BOUNDS[activation]


def code_bounds(lo: float, hi: float, q: QType) -> tuple[int, int]:
    """The codes for real bounds: the quotient by the scale in float32, rounded half away from zero, within the range.

    Source: CalculateActivationRangeQuantized in tensorflow/lite/kernels/kernel_util.cc.
    """

    def code(real: float) -> int:
        if math.isinf(real):
            return q.min if real < 0 else q.max
        with np.errstate(over="ignore"):
            steps = np.clip(np.array(real, np.float32) / np.float32(q.scale[0]), -_FAR, _FAR)
        return min(max(q.zero[0] + int(round_half_away(steps)), q.min), q.max)

    return code(lo), code(hi)


def result_bounds(call: Call, activation: int) -> tuple[int, int]:
    """The codes that an activation clips the output to."""
    return code_bounds(*bounds(activation), call.result)


def emit_clipped(call: Call, op: Op, inputs: Sequence[str], activation: int) -> None:
    """Adds a node that computes in float32 or keeps its input's scale, and a clip for its activation if it has one."""
    lo, hi = bounds(activation)
    if not call.floats and (lo, hi) != (-math.inf, math.inf):
        lo, hi = code_bounds(lo, hi, call.result)
    if (lo, hi) == (-math.inf, math.inf):
        call.emit(op, inputs)
    else:
        call.emit(Clip(lo, hi), [call.emit(op, inputs, last=False, suffix="_linear")])


def emit_sums(call: Call, op: Op, inputs: Sequence[str], factors: Sequence[float], activation: int) -> None:
    """Adds a node with 32-bit sums and their requantization by one factor or one per channel."""
    lo, hi = result_bounds(call, activation)
    sums = call.emit(op, inputs, last=False, suffix="_sum")
    call.emit(Requant(call.result, Rounding.TFLITE, lo, hi), [sums, *call.scaling(factors)])
