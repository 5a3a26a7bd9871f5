"""Layers with weights as matrices: a row of weights for each output channel, whatever the layout of the op."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Node, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D


def as_rows(node: Node, w: Array) -> Array:
    """The weights of a layer as (O, taps, channels read), taps being the places of the kernel."""
    if isinstance(node.op, DepthwiseConv2D):
        return np.moveaxis(w, -1, 0).reshape(w.shape[-1], -1, 1)
    return w.reshape(w.shape[0], -1, w.shape[-1])


def from_rows(node: Node, rows: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `as_rows`, for weights of that shape."""
    if isinstance(node.op, DepthwiseConv2D):
        return np.ascontiguousarray(np.moveaxis(rows.reshape(shape[-1], *shape[:-1]), 0, -1))
    return rows.reshape(shape)


def channels_read(node: Node, types: Types) -> Array:
    """The channel of the layer's input that each weight multiplies: (O, channels read)."""
    x, w = types[:2]
    assert x and w
    outputs = w.shape[-1] if isinstance(node.op, DepthwiseConv2D) else w.shape[0]
    each = 1 if isinstance(node.op, DepthwiseConv2D) else w.shape[-1]
    group = np.arange(outputs) * _groups(node, types) // outputs
    return group[:, np.newaxis] * each + np.arange(each)


def _groups(node: Node, types: Types) -> int:
    """How many parts of the input's channels are read apart from each other."""
    assert types[0]
    if isinstance(node.op, DepthwiseConv2D):
        return types[0].shape[-1]
    return node.op.groups if isinstance(node.op, Conv2D) else 1


def blocks(node: Node, types: Types, rows: Array) -> Array:
    """Rows (O, ...) by groups: (groups, O / groups, weights of one output)."""
    groups = _groups(node, types)
    return rows.reshape(groups, len(rows) // groups, -1)


def positions(node: Node, types: Types) -> int:
    """The number of sums that a layer computes for each output channel of one sample."""
    x = types[0]
    assert x
    if isinstance(node.op, Conv2D | DepthwiseConv2D):
        return int(np.prod(node.op.window(types).output(*x.shape[1:3]))) * x.shape[0]
    return x.size // x.shape[-1]


def inputs_of(node: Node, types: Types, x: Array, chosen: Array) -> Array:
    """What `chosen` sums of a layer multiply with `blocks` of its weights, for samples (N, ...): (groups, chosen, weights of one output).

    Sums are counted through the samples, `positions` in each.
    """
    groups = _groups(node, types)
    if isinstance(node.op, Dense):
        return x.reshape(1, -1, x.shape[-1])[:, chosen]
    assert isinstance(node.op, Conv2D | DepthwiseConv2D)
    patches = node.op.window(types).patches(x.reshape(-1, *x.shape[2:]), 0)
    found = patches[np.unravel_index(chosen, patches.shape[:3])]  # (chosen, k_h, k_w, C)
    parts = found.reshape(len(chosen), -1, groups, found.shape[-1] // groups)
    return np.ascontiguousarray(parts.transpose(2, 0, 1, 3)).reshape(groups, len(chosen), -1)
