"""The proof that no 32-bit accumulator overflows, from the actual constants; changes nothing."""
from __future__ import annotations

from math import prod

import numpy as np

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

_LIMIT = 1 << 31


def check_accumulators(graph: Graph) -> Graph:
    """The graph itself, when every integer sum, and every value on the way of its requantization, fits 32 bits.

    The bound of a sum is `sum(|w|) * max|x - zero| + |b|` for each output channel, which every order of
    summation respects. Raises TapeoutError that names the node and the channel.
    """
    for node in graph.nodes:
        sums = _largest_sums(graph, node)
        if sums is None:
            continue
        _require(node, "its accumulator", sums)
        requant = node.op if isinstance(node.op, Requant) else getattr(node.op, "requant", None)
        if requant is not None:
            mul, shift = (_data(graph.values[name]).astype(np.int64) for name in node.inputs[-2:])
            _check_requant(node, requant, sums, mul, shift)
    return graph


def _check_requant(node: Node, requant: Requant, sums: Int, mul: Int, shift: Int) -> None:
    if requant.rounding is Rounding.TFLITE:
        sums = np.array([int(s) << max(31 - int(k), 0) for s, k in np.broadcast(sums, shift)], object)
        _require(node, "its accumulator, shifted to the left,", sums)
        shift = np.maximum(shift, 31)
    scaled = [(int(s) * int(m) >> int(k)) + 1 for s, m, k in np.broadcast(sums, mul, shift)]
    _require(node, "its requantized accumulator", np.array(scaled, object) + max(abs(z) for z in requant.output.zero))


def _require(node: Node, what: str, bounds: Array) -> None:
    worst = int(np.argmax(bounds))
    if bounds.flat[worst] >= _LIMIT:
        raise TapeoutError(
            f"{node.name}: {what} can reach {bounds.flat[worst]} in channel {worst}, beyond 32 bits; "
            "the layer is too wide for its weights, or its scales and zero points do not fit them: narrow it or quantize it anew"
        )


def _largest_sums(graph: Graph, node: Node) -> Int | None:
    """The largest magnitude of the 32-bit value before requantization, one entry per channel or one for all; else None."""
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
        sums = _largest_sums(graph, producer) if producer is not None and x.q.bits == 32 else None
        return np.array([min(_reach(x.q), _LIMIT - 1)]) if sums is None else sums  # -2**31 is a code, and no overflow
    return None


def _layer_sums(graph: Graph, node: Node, x: QType) -> Int:
    w = graph.values[node.inputs[1]]
    channel = -1 if isinstance(node.op, DepthwiseConv2D) else 0
    taps = np.moveaxis(np.abs(_data(w).astype(np.int64) - w.type.quantized.zero[0]), channel, 0)
    sums: Int = taps.reshape(len(taps), -1).sum(axis=1) * _reach(x)
    if len(node.inputs) > 2 and node.inputs[2]:
        sums = sums + np.abs(_data(graph.values[node.inputs[2]]).astype(np.int64))
    return sums


def _data(value: Value) -> Array:
    """The constant's elements; for a computed value the extreme code everywhere."""
    if value.data is not None:
        return value.data
    q = value.type.quantized
    return np.full(value.type.shape, q.min if -q.min > q.max else q.max, np.int64)


def _reach(q: QType) -> int:
    """The largest |code - zero|."""
    return max(max(q.max - z, z - q.min) for z in q.zero)
