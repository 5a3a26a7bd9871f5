"""Scales and shifts of channels, such as batch normalization, go into the weights and biases beside them."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..ir import F32, Array, Builder, Graph, Node
from ..ops.add import Add
from ..ops.clip import Clip
from ..ops.conv2d import Conv2D
from ..ops.dense import Dense
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.mul import Mul
from ..ops.sub import Sub


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with add, sub and mul of constants per channel folded into float conv2d, depthwise_conv2d and dense.

    Those behind a layer always fold; of those before it a scale always does, a shift only without padding.
    Nobody else may read the values between. New weights are computed in float64 and rounded once: the
    results are those of the unfolded graph in real numbers, not bit for bit.
    """
    readers = graph.consumers()
    private = {name for name, nodes in readers.items() if len(nodes) == 1} - set(graph.output_names)
    affines: dict[str, _Affine] = {}
    layers: dict[str, _Layer] = {}
    kept: dict[str, Node] = {}
    for node in graph.nodes:
        kept[node.name] = node
        layer, affine = _layer(graph, node), _affine(graph, node)
        if layer is not None:
            while layer.x in private and layer.x in affines and (folded := layer.after(affines[layer.x])) is not None:
                del kept[layer.x]
                layer = folded
            layers[node.name] = layer
        elif affine is not None:
            affines[node.name] = affine
            if affine.x in private and affine.x in layers and (folded := layers[affine.x].before(affine)) is not None:
                del kept[affine.x], affines[node.name]
                layers[node.name] = folded
    builder = Builder(graph.values)
    return graph.replace([_rebuilt(builder, node, layers.get(node.name), private) for node in kept.values()], builder.values)


@dataclass(frozen=True)
class _Affine:
    """`x * scale + shift`, then `clip`, for each channel of the last axis or for all; in float64."""

    x: str
    scale: Array
    shift: Array
    clip: Clip | None


@dataclass(frozen=True)
class _Layer:
    """A layer, the node that it was, and its weights and bias in float64; `folds` counts what was folded into it."""

    node: Node
    op: Conv2D | DepthwiseConv2D | Dense
    x: str
    w: Array
    b: Array
    folds: int = 0

    def before(self, affine: _Affine) -> _Layer | None:
        """This layer followed by `affine`; None when it clips already or weights overflow float32."""
        if self.op.clip is not None:
            return None
        factor = np.broadcast_to(affine.scale, self.b.shape)
        if isinstance(self.op, Conv2D):
            w = self.w * factor[:, np.newaxis, np.newaxis, np.newaxis]
        else:
            w = self.w * (factor[:, np.newaxis] if isinstance(self.op, Dense) else factor)
        return self._with(replace(self.op, clip=affine.clip), self.x, w, self.b * affine.scale + affine.shift)

    def after(self, affine: _Affine) -> _Layer | None:
        """This layer preceded by `affine`; None when that clips, shifts padding, or weights overflow float32."""
        padded = not isinstance(self.op, Dense) and any(self.op.pads)
        if affine.clip is not None or (padded and affine.shift.any()):
            return None
        scaled = self.w * self._per_input(affine.scale)
        shifted = self.w * self._per_input(affine.shift)
        channel = 2 if isinstance(self.op, DepthwiseConv2D) else 0
        added = shifted.sum(axis=tuple(a for a in range(self.w.ndim) if a != channel))
        return self._with(self.op, affine.x, scaled, self.b + added)

    def _per_input(self, channels: Array) -> Array:
        """A number per input channel, or one for all, so that it broadcasts against the weights."""
        if channels.size == 1 or isinstance(self.op, Dense):
            return channels
        if isinstance(self.op, DepthwiseConv2D):
            return np.repeat(channels, self.w.shape[2] // channels.size)
        return np.repeat(channels.reshape(self.op.groups, 1, 1, -1), self.w.shape[0] // self.op.groups, axis=0)

    def _with(self, op: Conv2D | DepthwiseConv2D | Dense, x: str, w: Array, b: Array) -> _Layer | None:
        largest = float(np.finfo(np.float32).max)
        if max(np.abs(w).max(initial=0), np.abs(b).max(initial=0)) > largest:
            return None
        return _Layer(self.node, op, x, w, b, self.folds + 1)


def _layer(graph: Graph, node: Node) -> _Layer | None:
    if not isinstance(node.op, Conv2D | DepthwiseConv2D | Dense) or graph.output_types(node)[0].q != F32:
        return None
    w = graph.values[node.inputs[1]].data
    bias_name = node.inputs[2] if len(node.inputs) > 2 else ""
    b = graph.values[bias_name].data if bias_name else np.zeros(graph.output_types(node)[0].shape[-1:])
    if w is None or b is None:
        return None
    return _Layer(node, node.op, node.inputs[0], w.astype(np.float64), b.astype(np.float64))


def _affine(graph: Graph, node: Node) -> _Affine | None:
    """What a float add, sub or mul of a computed value and a constant per channel does; None for all else."""
    if not isinstance(node.op, Add | Sub | Mul) or graph.output_types(node)[0].q != F32:
        return None
    left, right = (graph.values[name] for name in node.inputs[:2])
    x, other = (right, left) if left.constant else (left, right)
    if other.data is None or x.constant or graph.output_types(node)[0].shape != x.type.shape:
        return None
    if other.type.size not in (1, (other.type.shape or (1,))[-1]):
        return None
    c, one = other.data.reshape(-1).astype(np.float64), np.ones(1)
    if isinstance(node.op, Mul):
        return _Affine(x.name, c, np.zeros(1), node.op.clip)
    if isinstance(node.op, Add):
        return _Affine(x.name, one, c, node.op.clip)
    return _Affine(x.name, -one if left.constant else one, c if left.constant else -c, node.op.clip)


def _rebuilt(builder: Builder, node: Node, layer: _Layer | None, private: set[str]) -> Node:
    """The node that computes a value: as it stands, or the layer into which others were folded."""
    if layer is None or not layer.folds:
        return node
    w, *bias = layer.node.inputs[1:]
    names = []
    for name, data in ((w, layer.w), (bias[0] if bias and bias[0] else f"{layer.node.name}_bias", layer.b)):
        if name in private:
            del builder.values[name]
        names.append(builder.constant(name, data.astype(np.float32)))
    return Node(layer.op, (layer.x, *names), node.outputs)
