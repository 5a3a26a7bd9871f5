"""Poolings."""
from __future__ import annotations

from typing import Any

import tflite

from ...ops.average_pool2d import AveragePool2D
from ...ops.max_pool2d import MaxPool2D
from .activation import emit_clipped, result_bounds
from .importer import Call
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
