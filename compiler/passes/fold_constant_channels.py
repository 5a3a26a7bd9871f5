"""Channels that carry nothing are removed, exactly: constant ones join the biases that read them, unread ones go.

A channel is *known* when its codes depend on no input of the graph: that of a convolution whose weights for it are all zero,
and all that is computed from such channels alone. The reference itself computes the codes, so that padding, rounding and
clipping are what they are. A channel is *removed* from memory when every reader can do without: because it has one code
everywhere, which adds a constant to the reader's sums, or because the reader's weights for it are zero. Only integers: a
float sum with a term less may differ in its last bit or in NaN.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..channels import Index, channels, links, mixes, taps
from ..fixed import INT32_MAX
from ..ir import Array, Builder, Graph, Node, Op, QType, Value
from ..ops.conv2d import Conv2D
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.reshape import Reshape

Mask = npt.NDArray[np.bool_]
_ABSENT = np.empty(0, np.int8)


@dataclass(frozen=True)
class _Known:
    """The channels of a value that are known, and a sample (1, *shape) that is right in them."""

    mask: Mask
    data: Array

    @property
    def codes(self) -> Index:
        """The first code of each channel."""
        first: Index = self.data.reshape(-1, self.mask.size)[0].astype(np.int64)
        return first

    @property
    def uniform(self) -> Mask:
        """The known channels with one code everywhere."""
        rows = self.data.reshape(-1, self.mask.size)
        equal: Mask = self.mask & (rows == rows[0]).all(0)
        return equal


def fold_constant_channels(graph: Graph) -> Graph:
    """The graph without the channels that its outputs do not need. Nodes keep their names."""
    known = _known_channels(graph)
    removed = _removable_channels(graph, known)
    if not any(mask.any() for mask in removed.values()):
        return graph
    return _Cut(graph, known, removed).graph()


def _known_channels(graph: Graph) -> dict[str, _Known]:
    """What is known of each value, from the first node to the last."""
    known: dict[str, _Known] = {}
    for value in graph.values.values():
        count = channels(value.type)
        data = np.zeros((1, *value.type.shape), value.type.q.dtype) if value.data is None else value.data[None]
        known[value.name] = _Known(np.full(count, value.constant), data)
    for node in graph.nodes:
        mask = _known_outputs(graph, node, known)
        if mask.any():
            arrays = (_ABSENT if not i else _data(graph.values[i], known) for i in node.inputs)
            (data,) = node.op.ref(graph.types(node), *arrays)
            known[node.name] = _Known(mask, data)
    return known


def _data(value: Value, known: Mapping[str, _Known]) -> Array:
    return known[value.name].data if value.data is None else value.data


def _known_outputs(graph: Graph, node: Node, known: Mapping[str, _Known]) -> Mask:
    """The output channels that depend on known channels only."""
    count = channels(graph.values[node.name].type)
    if mixes(graph, node):
        unread = ~taps(graph, node).any(1)
        return np.asarray((unread | known[node.inputs[0]].mask).all(1))
    read = links(graph, node)
    if read is None:
        return np.zeros(count, np.bool_)
    mask: Mask = np.ones(count, np.bool_)
    for name, index in zip(node.inputs, read, strict=True):
        if name and index is not None:
            np.logical_and(mask, (index < 0) | known[name].mask[index], out=mask)
        elif name:
            mask &= bool(known[name].mask.all())
    if isinstance(node.op, DepthwiseConv2D):
        weights = graph.values[node.inputs[1]].data
        assert weights is not None
        np.logical_or(mask, ~weights.any((0, 1)), out=mask)
    return mask


def _removable_channels(graph: Graph, known: Mapping[str, _Known]) -> dict[str, Mask]:
    """The largest set of channels, by value, without which every node can do at once.

    Starts from all and takes back what some node needs until nothing changes. Every value keeps a channel.
    """
    removed = {v.name: np.full(channels(v.type), not v.constant) for v in graph.values.values()}
    for name in (*graph.input_names, *graph.output_names):
        removed[name][:] = False
    changed = True
    while changed:
        before = {name: mask.copy() for name, mask in removed.items()}
        for node in reversed(graph.nodes):
            _take_back(graph, node, known, removed)
        for mask in removed.values():
            if mask.all():
                mask[0] = False
        changed = any((before[name] != mask).any() for name, mask in removed.items())
    return removed


def _take_back(graph: Graph, node: Node, known: Mapping[str, _Known], removed: Mapping[str, Mask]) -> None:
    """Keeps the channels that this node needs, and those that it cannot leave out of its output."""
    if mixes(graph, node):
        removed[node.inputs[0]][:] &= _spared(graph, node, known[node.inputs[0]], removed[node.name])
        return
    read = links(graph, node)
    if read is None:
        for name in (*node.inputs, *node.outputs):
            if name:
                removed[name][:] = False
        return
    out = removed[node.name]
    for name, index in zip(node.inputs, read, strict=True):
        if not name or graph.values[name].constant:
            continue
        if index is None:
            removed[name][:] = False
            continue
        needed = np.zeros_like(removed[name])
        needed[index[(index >= 0) & ~out]] = True
        removed[name][:] &= ~needed
        np.logical_and(out, (index < 0) | removed[name][index], out=out)


def _spared(graph: Graph, node: Node, x: _Known, removed: Mask) -> Mask:
    """The input channels that a sum can do without: those without weights, and those that add a constant to it.

    A constant must be the same at the border, where padding may stand in for some of the codes, and the sums must fit
    32 bits in any order.
    """
    weights = taps(graph, node)[~removed]
    unread: Mask = np.asarray(~weights.any((0, 1)))
    q = graph.values[node.inputs[0]].type.quantized
    padded = isinstance(node.op, Conv2D) and any(node.op.pads)
    bias = graph.values[node.inputs[2]].data if node.inputs[2] else None
    largest = int(np.abs(weights).sum((1, 2)).max(initial=0)) * (q.max - q.min) + int(np.abs(_wide(bias)).max(initial=0))
    if largest > INT32_MAX:
        return unread
    return unread | (x.uniform & (x.codes == q.zero[0]) if padded else x.uniform)


def _wide(array: Array | None) -> Index:
    return np.asarray(_ABSENT if array is None else array, np.int64)


class _Cut:
    """Builds the graph without the removed channels."""

    def __init__(self, graph: Graph, known: Mapping[str, _Known], removed: Mapping[str, Mask]) -> None:
        self.old, self.known = graph, known
        self.kept = {name: ~mask for name, mask in removed.items()}
        self.build = Builder(taken=tuple(graph.values))
        self.readers = graph.consumers()

    def graph(self) -> Graph:
        for port in self.old.inputs:
            self.build.values[port.value] = self.old.values[port.value]
        for name in self.old.output_names:
            if self.old.values[name].constant:
                self.build.values[name] = self.old.values[name]
        for node in self.old.nodes:
            inputs = self._mixing_inputs(node) if mixes(self.old, node) else self._linked_inputs(node)
            self.build.add(self._op(node), inputs, *node.outputs)
        return self.old.replace(self.build.nodes, self.build.values)

    def _op(self, node: Node) -> Op:
        if isinstance(node.op, Reshape) and node.op.shape:
            return replace(node.op, shape=(*node.op.shape[:-1], int(self.kept[node.name].sum())))
        return node.op

    def _mixing_inputs(self, node: Node) -> list[str]:
        x, w, b, *scaling = node.inputs
        rows, columns = self.kept[node.name], self.kept[x]
        weights = self._constant(node, w, {0: rows, -1: columns})
        constant = self._constant_terms(node, rows, ~columns)
        if constant.any():
            bias = _wide(self.old.values[b].data)[rows] if b else 0
            q = _cut_format(self.old.values[b].type.q, {0: rows}, 1) if b else QType(32)
            b = self._named(node, b or f"{node.name}.bias", (constant + bias).astype(np.int32), q)
        else:
            b = self._constant(node, b, {0: rows})
        return [x, weights, b, *(self._constant(node, name, {0: rows}) for name in scaling)]

    def _constant_terms(self, node: Node, rows: Mask, dropped: Mask) -> Index:
        """What the dropped input channels add to each sum that is kept."""
        x = self.known[node.inputs[0]]
        codes = x.codes - self.old.values[node.inputs[0]].type.quantized.zero[0]
        sums: Index = taps(self.old, node)[rows][:, :, dropped].sum(1) @ codes[dropped]
        return sums

    def _linked_inputs(self, node: Node) -> list[str]:
        read = links(self.old, node) or (None,) * len(node.inputs)
        found = []
        for name, index in zip(node.inputs, read, strict=True):
            if not name or not self.old.values[name].constant:
                found.append(name)
            else:
                mask = None if index is None else np.isin(np.arange(channels(self.old.values[name].type)), index[self.kept[node.name]])
                found.append(self._constant(node, name, {} if mask is None else {-1: mask}))
        return found

    def _constant(self, node: Node, name: str, masks: Mapping[int, Mask]) -> str:
        """The constant with only the entries of the masks, by axis; a vector of one entry serves all channels and stays."""
        if not name:
            return ""
        value = self.old.values[name]
        assert value.data is not None
        if all(mask.all() for mask in masks.values()) or value.data.size == 1:
            self.build.values[name] = value
            return name
        data = value.data
        for axis, mask in masks.items():
            data = np.compress(mask, data, axis)
        return self._named(node, name, data, _cut_format(value.type.q, masks, data.ndim))

    def _named(self, node: Node, name: str, data: Array, q: object) -> str:
        """Adds a constant, under the name it had when no other node reads that."""
        assert isinstance(q, QType)
        if name not in self.old.values or self.readers[name] != [node]:
            return self.build.constant(name, data, q)
        cut = Builder()
        cut.constant(name, data, q)
        self.build.values.update(cut.values)
        return name


def _cut_format(q: object, masks: Mapping[int, Mask], rank: int) -> QType:
    """The format of what is left when only the entries of the masks are, by axis."""
    assert isinstance(q, QType)
    for axis, mask in masks.items():
        if q.axis == axis % rank and len(q.scale) > 1:
            q = replace(
                q, scale=tuple(s for s, keep in zip(q.scale, mask, strict=True) if keep),
                zero=tuple(z for z, keep in zip(q.zero, mask, strict=True) if keep) if len(q.zero) > 1 else q.zero,
            )
    return q
