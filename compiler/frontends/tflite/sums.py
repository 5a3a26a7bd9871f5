"""Convolutions and fully connected layers."""
from __future__ import annotations

import numpy as np
import tflite

from ...errors import TapeoutError, Unsupported
from ...ir import F32, Array, Op, QType
from ...ops.conv2d import Conv2D
from ...ops.dense import Dense
from ...ops.depthwise_conv2d import DepthwiseConv2D
from ...ops.reshape import Reshape
from .activation import emit_clipped, emit_sums
from .convert import as_floats
from .importer import Call
from .windows import WINDOW, image, window_and_pads

_CONVOLUTION = (*WINDOW, "DilationHFactor", "DilationWFactor")


def conv_2d(call: Call) -> None:
    *options, activation = call.options(tflite.Conv2DOptions, *_CONVOLUTION, "FusedActivationFunction")
    w = _weights(call)
    channels = image(call)[3]
    if w.ndim != 4 or not w.size or channels % w.shape[3]:
        raise TapeoutError(f"weights {list(w.shape)} do not fit the input {call.type(0).dims}")
    window = window_and_pads(call, (w.shape[1], w.shape[2]), *options)
    op = Conv2D(window.stride, window.dilation, window.pads, groups=channels // w.shape[3])
    _emit(call, op, call.input(0), w, 0, activation)


def depthwise_conv_2d(call: Call) -> None:
    *options, activation = call.options(tflite.DepthwiseConv2DOptions, *_CONVOLUTION, "FusedActivationFunction")
    w = _weights(call)
    if w.ndim != 4 or not w.size or w.shape[0] != 1:
        raise TapeoutError(f"weights are {list(w.shape)}, not 1 x height x width x channels: corrupt")
    window = window_and_pads(call, (w.shape[1], w.shape[2]), *options)
    _emit(call, DepthwiseConv2D(window.stride, window.dilation, window.pads), call.input(0), w[0], 2, activation)


def fully_connected(call: Call) -> None:
    activation, layout, keep = call.options(tflite.FullyConnectedOptions, "FusedActivationFunction", "WeightsFormat", "KeepNumDims")
    if layout != tflite.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise Unsupported("has shuffled weights; convert the model again with weights in the default format")
    x, w, shape = call.input(0), _weights(call), call.type(0).shape
    if w.ndim != 2 or not w.size or call.type(0).size % w.shape[1]:
        raise TapeoutError(f"weights {list(w.shape)} do not fit the input {call.type(0).dims}")
    rows = shape if keep and shape[-1:] == w.shape[1:] else (call.type(0).size // w.shape[1], w.shape[1])
    if rows != shape:
        x = call.emit(Reshape(rows), [x], last=False, suffix="_rows")
    _emit(call, Dense(), x, w, 0, activation)


def _weights(call: Call) -> Array:
    """The weights, as floats beside float activations.

    A file with dynamic range quantization holds them in int8: what counts is the number that a code stands for. Its own
    runtime would also quantize activations, anew for each inference, which is left out here.
    """
    w = call.constant(1)
    return as_floats(call.tensor(1), w) if call.floats else w


def _emit(call: Call, op: Op, x: str, w: Array, axis: int, activation: int) -> None:
    """Adds `op` of `x` and weights whose output channels lie along `axis`, with what follows it."""
    if call.floats:
        weights = call.network.constant(call.tensor(1), w, F32)
        emit_clipped(call, op, [x, weights, _bias(call, w.shape[axis], np.dtype("float32"))], activation)
        return
    q = call.tensor(1).q
    if not isinstance(q, QType) or q.bits != 8:
        raise Unsupported(f"weights {call.tensor(1).name} are {w.dtype} beside int8 activations; convert the model to full int8")
    if any(q.zero) and not (isinstance(op, Dense) and len(q.zero) == 1):
        raise Unsupported(f"weights {call.tensor(1).name} have a zero point that is not 0; convert the model with symmetric weights")
    if len(q.scale) not in (1, w.shape[axis]):
        raise TapeoutError(f"weights {call.tensor(1).name} have {len(q.scale)} scales for {w.shape[axis]} output channels: corrupt")
    q = QType(8, True, q.scale, q.zero, axis if len(q.scale) > 1 else None)
    weights = call.network.constant(call.tensor(1), w, q)
    factors = [call.codes(0).scale[0] * scale / call.result.scale[0] for scale in q.scale]  # in float64, left to right
    emit_sums(call, op, [x, weights, _bias(call, w.shape[axis], np.dtype("int32"))], factors, activation)


def _bias(call: Call, channels: int, dtype: np.dtype[np.generic]) -> str:
    """The value with the bias, '' when there is none."""
    if not call.has(2):
        return ""
    b = call.constant(2)
    if b.shape != (channels,) or b.dtype != dtype:
        raise TapeoutError(f"bias {call.tensor(2).name} is {b.dtype}{list(b.shape)}, expected {dtype}[{channels}]")
    # The file's name of a bias begins with that of the layer that it was fused into.
    return call.network.constant(call.tensor(2), b, call.tensor(2).q, f"{call.output.short_name}_bias")
