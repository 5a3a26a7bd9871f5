"""Elementwise operators on two tensors."""
from __future__ import annotations

from typing import Any

import tflite

from ...elementwise import SumScaling
from ...errors import Unsupported
from ...fixed import Rounding
from ...ops.add import Add
from ...ops.clip import Clip
from ...ops.mul import Mul
from ...ops.sub import Sub
from .activation import emit_clipped, emit_sums, result_bounds
from .importer import Call


def add(call: Call) -> None:
    _sum(call, Add, tflite.AddOptions)


def sub(call: Call) -> None:
    _sum(call, Sub, tflite.SubOptions)


def _sum(call: Call, op: type[Add] | type[Sub], options: Any) -> None:
    (activation,) = call.options(options, "FusedActivationFunction")
    inputs = [call.input(0), call.input(1)]
    if call.floats:
        emit_clipped(call, op(), inputs, activation)
    else:
        lo, hi = result_bounds(call, activation)
        call.emit(op(SumScaling.of(call.codes(0), call.codes(1), call.result, Rounding.TFLITE, lo, hi)), inputs)


def mul(call: Call) -> None:
    (activation,) = call.options(tflite.MulOptions, "FusedActivationFunction")
    inputs = [call.input(0), call.input(1)]
    if call.floats:
        emit_clipped(call, Mul(), inputs, activation)
    else:
        factor = call.codes(0).scale[0] * call.codes(1).scale[0] / call.result.scale[0]
        emit_sums(call, Mul(), inputs, [factor], activation)


def minimum(call: Call) -> None:
    x, bound = _bounded(call)
    call.emit(Clip(hi=bound), [x])


def maximum(call: Call) -> None:
    x, bound = _bounded(call)
    call.emit(Clip(lo=bound), [x])


def _bounded(call: Call) -> tuple[str, float]:
    """The computed operand, and the constant element that bounds it: a code for int8."""
    position = 1 if call.known(1) is not None else 0
    bound = call.known(position)
    if bound is None or bound.size != 1:
        raise Unsupported("takes a tensor and one constant number; write other uses with RELU")
    if call.tensor(0).q != call.tensor(1).q:
        raise Unsupported("has operands of different formats; give both one scale and zero point")
    return call.input(1 - position), float(bound.ravel()[0])
