"""Which input channels an output channel is made of. Channels lie along the last axis; integers only."""
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .elementwise import Sum
from .ir import Graph, Node, QType, Type, Types
from .ops.average_pool2d import AveragePool2D
from .ops.clip import Clip
from .ops.concat import Concat
from .ops.conv2d import Conv2D
from .ops.dense import Dense
from .ops.depthwise_conv2d import DepthwiseConv2D
from .ops.lut import Lut
from .ops.max_pool2d import MaxPool2D
from .ops.mean import Mean
from .ops.mul import Mul
from .ops.pad import Pad
from .ops.requant import Requant
from .ops.reshape import Reshape

Index = npt.NDArray[np.int64]
Links = tuple[Index | None, ...]

_Single = AveragePool2D | Clip | Lut | MaxPool2D  # each channel by itself, of the first input


def channels(type: Type) -> int:
    return type.shape[-1] if type.shape else 1


def mixes(graph: Graph, node: Node) -> bool:
    """Whether a node is a requantized sum over all channels of its input, all else constant; see `_fixed`."""
    return isinstance(node.op, Conv2D | Dense) and _fixed(graph, node) and (not isinstance(node.op, Conv2D) or node.op.groups == 1)


def taps(graph: Graph, node: Node) -> Index:
    """The weights of a node that mixes channels, less their zero point, as (outputs, taps, inputs)."""
    weights = graph.values[node.inputs[1]]
    assert weights.data is not None
    zero = weights.type.quantized.zero[0] if isinstance(node.op, Dense) else 0
    return (weights.data.astype(np.int64) - zero).reshape(weights.data.shape[0], -1, weights.data.shape[-1])


def links(graph: Graph, node: Node) -> Links | None:
    """For each input the channel of it that each output channel reads, -1 for none.

    None stands for an input without channels, such as a scalar; None altogether for an op whose output channels
    are not each made of one channel of every input.
    """
    types, op = graph.types(node), node.op
    (y, *others) = graph.output_types(node)
    x = types[0]
    if others or x is None or not isinstance(y.q, QType) or not isinstance(x.q, QType) or not x.shape or not y.shape:
        return None
    same = np.arange(channels(y))
    if isinstance(op, Concat):
        return _concatenated(op, types, len(same))
    if isinstance(op, DepthwiseConv2D) and _fixed(graph, node):
        return (same // (len(same) // channels(x)), *_along(types[1:], same))
    if isinstance(op, Requant) and op.blocks == 1:
        return (same, *_along(types[1:], same))
    if isinstance(op, Reshape) and channels(y) % channels(x) == 0:
        return (same % channels(x),)
    if isinstance(op, Pad) and op.before[-1] == op.after[-1] == 0:
        return (same,)
    if isinstance(op, Mean) and len(x.shape) - 1 not in op.axes:
        return (same, *(None for _ in types[1:]))
    if isinstance(op, Sum) or (isinstance(op, Mul) and op.requant is not None):
        return (*_along(types[:2], same), *(None for _ in types[2:]))
    return (same, *(None for _ in types[1:])) if isinstance(op, _Single) else None


def _fixed(graph: Graph, node: Node) -> bool:
    """Whether a sum is requantized, by one multiplier a channel, and takes only constants besides its first input. Bipolar codes,
    which have no 0, and blocks and thresholds are left to others."""
    stage, types = getattr(node.op, "requant", None), graph.types(node)[:2]
    if not isinstance(stage, Requant) or stage.blocks > 1 or any(t and isinstance(t.q, QType) and t.q.bipolar for t in types):
        return False
    return all(not name or graph.values[name].constant for name in node.inputs[1:])


def _along(types: Types, same: Index) -> Links:
    """The identity for operands with as many channels as the output, None for those that have one entry."""
    return tuple(same if t and t.shape and t.shape[-1] == len(same) > 1 else None for t in types)


def _concatenated(op: Concat, types: Types, outputs: int) -> Links:
    present = [t for t in types if t]
    if op.axis < len(present[0].shape) - 1:
        return tuple(np.arange(outputs) for _ in present)
    found, start = [], 0
    for t in present:
        index = np.full(outputs, -1)
        index[start : start + channels(t)] = np.arange(channels(t))
        found.append(index)
        start += channels(t)
    return tuple(found)
