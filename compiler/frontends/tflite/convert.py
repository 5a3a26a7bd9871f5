"""Between floats and codes."""
from __future__ import annotations

import numpy as np

from ...errors import Unsupported
from ...fixed import Rounding
from ...ir import F32, Array, FType
from ...ops.dequantize import Dequantize
from ...ops.quantize import Quantize
from ...ops.requant import Requant
from .file import Tensor
from .importer import Call, single


def quantize(call: Call) -> None:
    """Floats to codes, or codes of one scale to codes of another."""
    if call.floats:
        call.emit(Quantize(call.result, Rounding.HALF_AWAY), [call.input(0)])
        return
    factor = call.codes(0).scale[0] / call.result.scale[0]
    call.emit(Requant(call.result, Rounding.TFLITE), [call.input(0), *call.scaling([factor])])


def dequantize(call: Call) -> None:
    """Codes to floats; those of a constant, such as weights held in float16 or int8, become a float constant."""
    if call.output.q != F32:
        raise Unsupported(f"gives {call.output.kind.lower()}, not float32")
    tensor, array = call.tensor(0), call.known(0)
    if array is None:
        single(tensor)
        call.emit(Dequantize(), [call.input(0)])
    else:
        call.fold(as_floats(tensor, array))


def as_floats(tensor: Tensor, array: Array) -> Array:
    """A constant as float32, whichever format the file holds it in: float32, float16, or int8 with its scales."""
    if array.dtype in (np.float32, np.float16):
        return array.astype(np.float32)
    q = tensor.q
    if isinstance(q, FType) or q.bits != 8:
        raise Unsupported(f"tensor {tensor.name} is {tensor.kind.lower()}, which is not taken as weights; use int8 or float16")
    side = [1] * array.ndim
    if q.axis is not None:
        side[q.axis] = -1
    scale, zero = np.array(q.scale, np.float32).reshape(side), np.array(q.zero, np.int32).reshape(side)
    return (array.astype(np.int32) - zero).astype(np.float32) * scale
