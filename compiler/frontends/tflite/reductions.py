"""Reductions: poolings, means and softmax."""
from __future__ import annotations

import numpy as np
import tflite

from ...errors import TapeoutError
from ...fixed import Rounding
from ...ops.average_pool2d import AveragePool2D
from ...ops.max_pool2d import MaxPool2D
from ...ops.mean import Mean, mean_multiplier
from ...ops.mul import Mul
from ...ops.requant import Requant
from ...ops.softmax import Softmax
from .activation import emit_clipped, result_bounds
from .importer import Call
from .shapes import axis_of
from .windows import WINDOW, window_and_pads


def average_pool_2d(call: Call) -> None:
    _pool(call, AveragePool2D)


def max_pool_2d(call: Call) -> None:
    _pool(call, MaxPool2D)


def _pool(call: Call, op: type[AveragePool2D] | type[MaxPool2D]) -> None:
    height, width, activation, *options = call.options(
        tflite.Pool2DOptions, "FilterHeight", "FilterWidth", "FusedActivationFunction", *WINDOW
    )
    window = window_and_pads(call, (height, width), *options)
    if call.floats:
        emit_clipped(call, op(window), [call.input(0)], activation)
    else:
        lo, hi = result_bounds(call, activation)
        call.emit(op(window, lo=lo, hi=hi), [call.input(0)])


def mean(call: Call) -> None:
    (keep,) = call.options(tflite.ReducerOptions, "KeepDims")
    rank = len(call.type(0).shape)
    axes = tuple(sorted({axis_of(a, rank) for a in call.numbers(1)}))
    if call.floats:
        call.emit(Mean(axes, bool(keep)), [call.input(0)])
        return
    op = Mean(axes, bool(keep), Requant(call.result, Rounding.TFLITE))
    factor = call.codes(0).scale[0] / call.result.scale[0]
    call.emit(op, [call.input(0), *call.scaling([factor], lambda real: mean_multiplier(real, op.count(call.type(0))))])


def softmax(call: Call) -> None:
    (beta,) = call.options(tflite.SoftmaxOptions, "Beta")
    x = call.input(0)
    if not call.floats:
        call.emit(Softmax.for_codes(call.codes(0).scale[0], beta), [x])
        return
    if not np.isfinite(beta):
        raise TapeoutError(f"has beta {beta}: corrupt")
    if beta != 1:
        factor = call.builder.constant(f"{call.output.name}_beta", np.array([beta], np.float32))
        x = call.emit(Mul(), [x, factor], last=False, suffix="_scaled")
    call.emit(Softmax(), [x])
