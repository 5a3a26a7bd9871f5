"""The proof that no accumulator overflows, from the actual constants; changes nothing."""
from __future__ import annotations

from math import prod

import numpy as np

from ..accumulate import Stage, blocks, centred_weights
from ..errors import TapeoutError
from ..fixed import Int, Rounding
from ..ir import Array, FType, Graph, Node, QType, Value
from ..ops.average_pool2d import AveragePool2D
from ..ops.conv2d import Conv2D
from ..ops.dense import Dense
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.mean import Mean
from ..ops.mul import Mul
from ..ops.requant import Requant
from ..ops.threshold import Threshold

_LIMIT = 1 << 31


def check_accumulators(graph: Graph) -> Graph:
    """The graph itself, when every integer sum, and every value on the way of its requantization, fits 32 bits, or 64 where sums have
    these, or one multiplier for each of several blocks.

    The bound of a sum is `sum(|w|) * max|x - zero| + |b|` for each output channel, which every order of
    summation respects. Thresholds must be in order, since kernels bisect them. Raises TapeoutError that names the node and the channel.
    """
    for node in graph.nodes:
        if isinstance(node.op, Threshold):
            _check_thresholds(graph, node, 1)
        sums = largest_sums(graph, node)
        if sums is None:
            continue
        _require(node, "its accumulator", sums, 64 if _wide(graph, node) else 32)
        stage = node.op if isinstance(node.op, Requant) else getattr(node.op, "requant", None)
        if stage is not None:
            _check_stage(graph, node, stage, sums)
    return graph


def _check_stage(graph: Graph, node: Node, stage: Stage, sums: Array) -> None:
    first = 3 if isinstance(node.op, _LAYERS) else len(node.inputs) - 2
    if isinstance(stage, Threshold):
        _check_thresholds(graph, node, first)
        return
    mul, shift = (_data(graph.values[name]).astype(np.int64) for name in node.inputs[first : first + 2])
    if stage.rounding is Rounding.TFLITE and (mul < 0).any():
        raise TapeoutError(f"{node.name}: a multiplier is negative, which rounding as TensorFlow Lite does not take")
    if stage.blocks > 1 or _wide(graph, node):
        products = np.abs(mul.astype(object)) * sums
        _require(node, "its requantized accumulator", products.sum(axis=-1) if stage.blocks > 1 else products, 64)
    else:
        _check_requant(node, stage, sums, np.abs(mul), shift)


def _check_requant(node: Node, requant: Requant, sums: Array, mul: Int, shift: Int) -> None:
    if requant.rounding is Rounding.TFLITE:
        sums = np.array([int(s) << max(31 - int(k), 0) for s, k in np.broadcast(sums, shift)], object)
        _require(node, "its accumulator, shifted to the left,", sums)
        shift = np.maximum(shift, 31)
    scaled = [(int(s) * int(m) >> int(k)) + 1 for s, m, k in np.broadcast(sums, mul, shift)]
    _require(node, "its requantized accumulator", np.array(scaled, object) + max(abs(z) for z in requant.output.zero))


def _check_thresholds(graph: Graph, node: Node, first: int) -> None:
    t, descending = (_data(graph.values[name]) for name in node.inputs[first : first + 2])
    signed = np.where(descending[:, np.newaxis] != 0, t[:, ::-1], t)
    wrong = ~(signed[:, 1:] >= signed[:, :-1]).all(axis=1) | (t != t).any(axis=1)
    if wrong.any():
        raise TapeoutError(f"{node.name}: the thresholds of channel {int(np.argmax(wrong))} are not in order")


def _require(node: Node, what: str, bounds: Array, bits: int = 32) -> None:
    worst = int(np.argmax(bounds))
    if bounds.flat[worst] >= 1 << (bits - 1):
        raise TapeoutError(
            f"{node.name}: {what} can reach {bounds.flat[worst]} in channel {worst}, beyond {bits} bits; "
            "the layer is too wide for its weights, or its scales and zero points do not fit them: narrow it or quantize it anew"
        )


_LAYERS = (Conv2D, DepthwiseConv2D, Dense)


def _wide(graph: Graph, node: Node) -> bool:
    """Whether sums have 64 bits: those of a layer of codes held in 16, or those that a requant reads."""
    x = graph.types(node)[0]
    held = 0 if x is None else 8 * x.q.dtype.itemsize
    return held >= 16 if isinstance(node.op, _LAYERS) else held == 64 and isinstance(node.op, Requant)


def largest_sums(graph: Graph, node: Node) -> Array | None:
    """The largest magnitude of the value before requantization, one entry per channel, or per channel and block, or one for all; else
    None."""
    types = graph.types(node)
    x = types[0]
    if x is None or isinstance(x.q, FType):
        return None
    op = node.op
    if isinstance(op, Conv2D | DepthwiseConv2D | Dense):
        return _layer_sums(graph, node, x.q)
    if isinstance(op, Mul):
        assert types[1]
        return np.array([_reach(x.q) * _reach(types[1].quantized)])
    if isinstance(op, Mean):
        return np.array([_reach(x.q) * op.count(x)])
    if isinstance(op, AveragePool2D):
        return np.array([2 * max(-x.q.min, x.q.max) * prod(op.window.kernel)])  # the rounding doubles a remainder
    if isinstance(op, Requant):
        producer = graph.producer(node.inputs[0])
        sums = largest_sums(graph, producer) if producer is not None and x.q.bits >= 32 else None
        return np.array([min(_reach(x.q), (1 << (x.q.bits - 1)) - 1)]) if sums is None else sums  # -2**31 is a code, and no overflow
    return None


def _layer_sums(graph: Graph, node: Node, x: QType) -> Array:
    """Bounds (channels,), or (channels, blocks), as integers of any size."""
    w = graph.values[node.inputs[1]]
    numbers = np.abs(centred_weights(_data(w), w.type).astype(np.int64))
    reach = x.max - x.min if len(node.inputs) > 5 and node.inputs[5] else _reach(x)
    if isinstance(node.op, DepthwiseConv2D):
        sums = numbers.reshape(-1, numbers.shape[-1]).sum(axis=0).astype(object) * reach
    else:
        parts = [numbers[..., part].reshape(len(numbers), -1).sum(axis=1) for part in blocks(w.type)]
        sums = (np.stack(parts, axis=-1) if len(parts) > 1 else parts[0]).astype(object) * reach
    if len(node.inputs) > 2 and node.inputs[2]:
        bias = np.abs(_data(graph.values[node.inputs[2]]).astype(object))
        if sums.ndim > 1:
            sums[:, 0] += bias
        else:
            sums = sums + bias
    return np.asarray(sums)


def _data(value: Value) -> Array:
    """The constant's elements; for a computed value the extreme code everywhere."""
    if value.data is not None:
        return value.data
    q = value.type.quantized
    return np.full(value.type.shape, q.min if -q.min > q.max else q.max, np.int64)


def _reach(q: QType) -> int:
    """The largest magnitude of the whole number that a code stands for."""
    return 1 if q.bipolar else max(max(q.max - z, z - q.min) for z in q.zero)
