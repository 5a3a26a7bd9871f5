"""Functions of one element: an op each for float32, a table of 256 codes for int8."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

import tflite

from ... import tables
from ...errors import TapeoutError
from ...ir import Array, QType
from ...ops.clip import Clip
from ...ops.hard_swish import HardSwish
from ...ops.leaky_relu import LeakyRelu
from ...ops.lut import Lut
from ...ops.sigmoid import Sigmoid
from ...ops.tanh import Tanh
from .activation import code_bounds
from .importer import Call


def logistic(call: Call) -> None:
    if call.floats:
        call.emit(Sigmoid(), [call.input(0)])
    else:
        _emit_table(call, "sigmoid", tables.tflite_logistic)


def tanh(call: Call) -> None:
    if call.floats:
        call.emit(Tanh(), [call.input(0)])
    else:
        _emit_table(call, "tanh", tables.tflite_tanh)


def leaky_relu(call: Call) -> None:
    (alpha,) = call.options(tflite.LeakyReluOptions, "Alpha")
    if call.floats:
        call.emit(LeakyRelu(alpha), [call.input(0)])
    else:
        _emit_table(call, "leaky_relu", partial(tables.tflite_leaky_relu, alpha=alpha))


def hard_swish(call: Call) -> None:
    if call.floats:
        call.emit(HardSwish(), [call.input(0)])
    else:
        _emit_table(call, "hard_swish", tables.tflite_hard_swish)


def relu(call: Call) -> None:
    if call.floats or call.codes(0) == call.result:
        _clip(call, lo=0.0)
    else:
        _emit_table(call, "relu", tables.tflite_relu)


def relu6(call: Call) -> None:
    _clip(call, lo=0.0, hi=6.0)


def relu_n1_to_1(call: Call) -> None:
    _clip(call, lo=-1.0, hi=1.0)


def _clip(call: Call, lo: float, hi: float = float("inf")) -> None:
    """Clips to reals; codes keep their scale."""
    clip = Clip(lo, hi) if call.floats else Clip(*code_bounds(lo, hi, call.codes(0)))
    call.emit(clip, [call.input(0)])


def _emit_table(call: Call, function: str, table: Callable[[QType, QType], Array]) -> None:
    """Adds a table of the output's codes, which `table` makes for the formats of the input and the output."""
    try:
        codes = table(call.codes(0), call.result)
    except ValueError as error:
        raise TapeoutError(f"{error}: the scales of its tensors do not fit each other") from None
    call.emit(Lut(function), [call.input(0), call.builder.constant(f"{call.output.name}_table", codes, call.result)])
