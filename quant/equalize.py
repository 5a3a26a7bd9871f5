"""Cross-layer equalization: the channels between two layers get ranges of weights that are alike, and the network stays the function it is.

M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, arXiv 1906.04721, section 4.1.
Factors are any float32: rounded to powers of two they would leave the float results bit for bit, but cost up to 8 dB in real networks.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.transpose import Transpose

from .matrix import as_rows, channels_read, from_rows
from .placement import LAYERS
from .refine import with_constants

_ROUNDS = 1000  # long chains pass ranges on from pair to pair
_SETTLED = 1e-3  # of the logarithm of a factor
_LEAST = 2.0**-13  # of the largest weight of a channel against its bias
_FARTHEST = 32  # exponent of a factor: far from where float32 overflows or loses bits


@dataclass(frozen=True)
class Pair:
    """Two layers between which every channel can be scaled; `channel` is the one of `first` that each input channel of `second` holds."""

    first: Node
    second: Node
    channel: Array


def equalize(graph: Graph) -> Graph:
    """The simplified float graph with other weights and biases; its results are the same but for the rounding of these."""
    found = pairs(graph)
    exponents = _exponents(graph, found)
    data: dict[str, Array] = {}
    for pair, exponent in zip(found, exponents, strict=True):
        factor = np.exp2(exponent).astype(np.float32)
        w, v = (_rows(graph, data, node) for node in (pair.first, pair.second))
        reads = pair.channel[channels_read(pair.second, graph.types(pair.second))]
        for node, rows in ((pair.first, w / factor[:, np.newaxis, np.newaxis]), (pair.second, v * factor[reads][:, np.newaxis])):
            name = node.inputs[1]
            data[name] = from_rows(node, rows, graph.values[name].type.shape)
        if b := _bias(pair.first):
            data[b] = graph.data(b) / factor
    return with_constants(graph, data)


def pairs(graph: Graph) -> list[Pair]:
    """The layers between which nothing but what scales with each channel stands, in the order of the graph."""
    readers = graph.consumers()
    found = []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS) and (pair := _pair(graph, readers, node)) is not None:
            own = [name for name in (*pair.first.inputs[1:3], pair.second.inputs[1]) if name]
            alone = all(graph.values[n].constant and len(readers[n]) == 1 and n not in graph.output_names for n in own)
            if alone and len(set(own)) == len(own):
                found.append(pair)
    return found


def _pair(graph: Graph, readers: Mapping[str, list[Node]], first: Node) -> Pair | None:
    shape = graph.values[first.name].type.shape
    channel: Array | None = np.broadcast_to(np.arange(shape[-1]), shape)
    at = first
    while channel is not None and _homogeneous(at.op):
        if at.name in graph.output_names or len(readers[at.name]) != 1:
            return None
        (reader,) = readers[at.name]
        if isinstance(reader.op, LAYERS):
            last, as_input = _by_last(channel), reader.inputs[0] == at.name and reader.inputs.count(at.name) == 1
            return Pair(first, reader, last) if last is not None and as_input else None
        channel, at = _moved(graph, reader, channel), reader
    return None


def _homogeneous(op: Op) -> bool:
    """Whether the op clips nothing but what is negative."""
    clip = op if isinstance(op, Clip) else getattr(op, "clip", None)
    return clip is None or (clip.lo, clip.hi) == (0.0, inf)


def _moved(graph: Graph, node: Node, channel: Array) -> Array | None:
    """The channel of each element behind a node; None where scaling a channel does not simply scale what comes out."""
    op, shape = node.op, graph.values[node.name].type.shape
    if isinstance(op, Reshape | Transpose | Slice):
        moved: Array = op.ref(graph.types(node), channel[np.newaxis])[0][0]
        return moved
    if isinstance(op, Clip | LeakyRelu):
        return channel
    last = _by_last(channel)
    padded = isinstance(op, Pad) and (op.value != 0 or op.before[-1] or op.after[-1])
    merged = isinstance(op, Mean) and channel.ndim - 1 in op.axes
    if last is None or padded or merged or not isinstance(op, MaxPool2D | AveragePool2D | Pad | Mean):
        return None
    return np.broadcast_to(last, shape)


def _by_last(channel: Array) -> Array | None:
    """The channel by the index along the last axis, when it depends on that alone."""
    rows = channel.reshape(-1, channel.shape[-1])
    return rows[0] if (rows == rows[0]).all() else None


def _exponents(graph: Graph, found: list[Pair]) -> list[Array]:
    """The logarithm to base 2 of the factor of each pair's channels: ranges made equal pair by pair until nothing moves."""
    ranges = {n.name: np.abs(_rows(graph, {}, n)).max(1).astype(np.float64) for pair in found for n in (pair.first, pair.second)}
    reads = [pair.channel[channels_read(pair.second, graph.types(pair.second))] for pair in found]
    varying = [_varying(graph, pair.first) for pair in found]
    exponents = [np.zeros(graph.values[pair.first.name].type.shape[-1]) for pair in found]
    for _ in range(_ROUNDS):
        farthest = 0.0
        for pair, read, alive, total in zip(found, reads, varying, exponents, strict=True):
            before, behind = ranges[pair.first.name], ranges[pair.second.name]
            ours, theirs = before.max(1), np.zeros(len(before))
            np.maximum.at(theirs, read, behind)
            used = (ours > 0) & (theirs > 0) & alive
            step = np.log2(np.where(used, ours, 1.0)) - np.log2(np.where(used, theirs, 1.0))
            step = np.clip(total + step / 2, -_FARTHEST, _FARTHEST) - total  # s = sqrt(r1 * r2) / r2
            total += step
            before /= np.exp2(step)[:, np.newaxis]
            behind *= np.exp2(step)[read]
            farthest = max(farthest, float(np.abs(step).max(initial=0)))
        if farthest < _SETTLED:
            break
    return exponents


def _varying(graph: Graph, node: Node) -> Array:
    """Which channels of a layer are more than their bias. To scale up weights that hardly matter would make a bias beyond all others."""
    w = np.abs(_rows(graph, {}, node)).max((1, 2))
    least = _LEAST * np.abs(graph.data(_bias(node))) if _bias(node) else np.zeros(len(w))
    return np.asarray(w > least)


def _rows(graph: Graph, data: Mapping[str, Array], node: Node) -> Array:
    name = node.inputs[1]
    return as_rows(node, data[name] if name in data else graph.data(name))


def _bias(node: Node) -> str:
    return node.inputs[2] if len(node.inputs) > 2 else ""
