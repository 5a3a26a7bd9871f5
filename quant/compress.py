"""A-priori compression: convolutions by sums of one-way filters of a chosen rank (arXiv 2304.04964).

Two-way: each plane of a kernel is a sum of (kh x 1) after (1 x kw) filters: Ci * (kh + kw) weights per output kernel and rank.
Three-way: each kernel is a sum of filters over depth, height and width in turn: Ci + kh + kw weights per output kernel and rank.
What results is built of the float ops that are there, so that it compiles, quantizes and retrains as any network.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import F32, Array, Builder, Graph, Node, verify
from tapeout.compiler.ops.concat import INPUTS, Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from .lowrank import ThreeWay, TwoWay, full_rank, three_way, two_way


@dataclass(frozen=True)
class Compressed:
    """What became of one layer: weights without biases, the relative error |w - w'| / |w| of its kernels."""

    layer: str
    rank: int
    full_rank: int
    before: int
    after: int
    error: float


def compress(graph: Graph, rank: int, ways: int, layers: Sequence[str] = ()) -> tuple[Graph, list[Compressed]]:
    """The simplified graph with convolutions of this rank, at most full rank; `layers` are shell patterns of names, all when empty.

    Left as they are: depthwise and grouped convolutions, and kernels of one row or column, in which there is nothing to part.
    Raises Unsupported for a pattern that names no layer to be compressed, and where no layer is.
    """
    if rank < 1 or ways not in (2, 3):
        raise TapeoutError(f"rank {rank}, {ways} ways: the rank is at least 1, the ways are 2 or 3")
    graph = simplify(graph)
    taken = _chosen(graph, layers)
    builder = Builder(taken=tuple(graph.values))
    builder.values.update({name: v for name, v in graph.values.items() if v.constant or name in graph.input_names})
    report = []
    for node in graph.nodes:
        if node.name not in taken:
            builder.copy(node)
            continue
        w = _weights(graph, node)
        full = full_rank(ways, w.shape)
        used = min(rank, full)
        parts = two_way(w, used) if ways == 2 else three_way(w, used)
        if isinstance(parts, TwoWay):
            _two(builder, graph, node, parts)
        else:
            _three(builder, node, parts)
        report.append(Compressed(node.name, used, full, w.size, _size(parts), _error(w, parts)))
    return verify(graph.replace(builder.nodes, builder.values)), report


def table(report: Iterable[Compressed]) -> str:
    """The report for people."""
    rows: list[tuple[str, ...]]
    rows = [(c.layer, f"{c.rank} of {c.full_rank}", f"{c.before:,}", f"{c.after:,}", f"{c.error:.4f}") for c in report]
    total = (sum(c.before for c in report), sum(c.after for c in report))
    rows = [("layer", "rank", "weights", "become", "error"), *rows, ("all", "", *(f"{n:,}" for n in total), "")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(n) if i == 0 else text.rjust(n) for i, (text, n) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def _chosen(graph: Graph, patterns: Sequence[str]) -> set[str]:
    """The names of the layers to compress."""
    reasons = {node.name: _reason(graph, node) for node in graph.nodes}
    possible = [name for name, reason in reasons.items() if reason is None]
    for pattern in patterns:
        named = [name for name in reasons if fnmatchcase(name, pattern)]
        if not any(name in possible for name in named):
            why = f": {reasons[named[0]]}" if named else "; the layers that can be compressed are " + (", ".join(possible) or "none")
            raise Unsupported(f"{pattern}: names no layer to compress{why}")
    if not possible:
        raise Unsupported(f"{graph.name}: has no float convolution to compress")
    return {name for name in possible if not patterns or any(fnmatchcase(name, p) for p in patterns)}


def _reason(graph: Graph, node: Node) -> str | None:
    """Why a node is left as it is; None for a convolution to be compressed."""
    if not isinstance(node.op, Conv2D):
        return f"{node.name} is no convolution over all channels"
    w = graph.values[node.inputs[1]]
    if not w.constant or w.type.q != F32:
        return f"{node.name} has no float weights; compress before quantization"
    if node.op.groups != 1:
        return f"{node.name} has groups"
    if min(w.type.shape[1:3]) == 1:
        return f"{node.name} has kernels of one row or column"
    return None


def _weights(graph: Graph, node: Node) -> Array:
    data = graph.values[node.inputs[1]].data
    assert data is not None
    return data


def _size(parts: TwoWay | ThreeWay) -> int:
    return sum(array.size for array in vars(parts).values())


def _error(w: Array, parts: TwoWay | ThreeWay) -> float:
    norm = float(np.linalg.norm(w))
    return float(np.linalg.norm(w - parts.kernels())) / norm if norm else 0.0


def _steps(node: Node) -> tuple[DepthwiseConv2D, Conv2D]:
    """The vertical filter and, with what else the layer does, the horizontal one. Zeros pad both, so the order does not matter."""
    op = node.op
    assert isinstance(op, Conv2D)
    top, left, bottom, right = op.pads
    vertical = DepthwiseConv2D((op.stride[0], 1), (op.dilation[0], 1), (top, 0, bottom, 0))
    return vertical, replace(op, stride=(1, op.stride[1]), dilation=(1, op.dilation[1]), pads=(0, left, 0, right))


def _three(builder: Builder, node: Node, parts: ThreeWay) -> None:
    """A pointwise convolution to rank channels per output, then filters down and along; the last sums over the ranks."""
    name, (vertical, horizontal) = node.name, _steps(node)
    outputs, _, rank = parts.depth.shape
    across = parts.depth.transpose(0, 2, 1).reshape(outputs * rank, 1, 1, -1)
    down = parts.vertical.transpose(1, 0, 2).reshape(-1, 1, outputs * rank)
    x = _layer(builder, Conv2D(), node.inputs[0], across, f"{name}_depth")
    x = _layer(builder, vertical, x, down, f"{name}_vertical")
    along = builder.constant(f"{name}_w", parts.horizontal[:, np.newaxis].astype(np.float32))
    builder.add(replace(horizontal, groups=outputs), (x, along, *node.inputs[2:]), name)


def _two(builder: Builder, graph: Graph, node: Node, parts: TwoWay) -> None:
    """For each output a depthwise convolution down and one along that sums over channels and ranks; so only one lives at a time."""
    name, (vertical, horizontal) = node.name, _steps(node)
    outputs, channels, rank, height = parts.vertical.shape
    bias = graph.values[node.inputs[2]].data if node.inputs[2] else None
    rows = []
    for o in range(outputs):
        down = parts.vertical[o].reshape(channels * rank, height).T[:, np.newaxis]
        along = parts.horizontal[o].reshape(channels * rank, -1).T[np.newaxis, np.newaxis]
        x = _layer(builder, vertical, node.inputs[0], down, f"{name}_vertical_{o}")
        shift = "" if bias is None else builder.constant(f"{name}_b_{o}", bias[o : o + 1])
        rows.append(_layer(builder, horizontal, x, along, name if outputs == 1 else f"{name}_{o}", shift))
    while len(rows) > 1:
        last = len(rows) <= INPUTS
        joined = [rows[i : i + INPUTS] for i in range(0, len(rows), INPUTS)]
        rows = [builder.add(Concat(3), group, name if last else builder.fresh(f"{name}_joined")) for group in joined]


def _layer(builder: Builder, op: Conv2D | DepthwiseConv2D, x: str, w: Array, name: str, bias: str = "") -> str:
    weights = builder.constant(f"{name}_w", w.astype(np.float32))
    return builder.add(op, (x, weights, bias), name)
