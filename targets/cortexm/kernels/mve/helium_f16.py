"""What the Helium kernels of f16 share: the end of a sum, and weights by vectors of output channels."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

LANES = 8


def unrepresentable(clip: Clip | None) -> str | None:
    """Why bounds cannot come behind the rounding to f16: only those that are f16 pass it."""
    clip = clip or Clip()
    return "a clip whose bounds are no f16" if any(float(np.float16(bound)) != bound for bound in (clip.lo, clip.hi)) else None


def refusal(graph: Graph, node: Node) -> str | None:
    """Why helium_f16.h does not end a layer's sums."""
    assert isinstance(node.op, Conv2D | DepthwiseConv2D | Dense)
    if not all(graph.values[i].constant for i in node.inputs[1:] if i):
        return "weights that are no constants"
    return unrepresentable(node.op.clip)


def bound_fields(clip: Clip | None, biased: bool = False) -> dict[str, Param]:
    """The member `end` of the kernels' parameters."""
    clip = clip or Clip()
    lo, hi = (int(np.float16(bound).view(np.uint16)) for bound in (clip.lo, clip.hi))
    fields = {"biased": int(biased), "low": int(np.isfinite(clip.lo)), "high": int(np.isfinite(clip.hi)), "lo": lo, "hi": hi}
    return {f"end.{name}": value for name, value in fields.items()}


def end_fields(node: Node) -> dict[str, Param]:
    """`bound_fields` of a layer."""
    assert isinstance(node.op, Conv2D | DepthwiseConv2D | Dense)
    return bound_fields(node.op.clip, _biased(node))


def _biased(node: Node) -> bool:
    return len(node.inputs) > 2 and bool(node.inputs[2])


def bias(graph: Graph, node: Node, channels: int) -> Array:
    """The bias, filled up to whole vectors; an empty one is never read."""
    b = graph.data(node.inputs[2]) if _biased(node) else np.zeros(0, np.float16)
    return np.concatenate([b, np.zeros(-channels % (2 * LANES) + (channels - len(b)), np.float16)])


def by_vectors(w: Array, width: int) -> Array:
    """Weights (O, K) as one array, of each group of `width` outputs K x width; the last group is as many vectors wide as it needs."""
    parts = []
    for first in range(0, len(w), width):
        rows = w[first : first + width]
        more = -len(rows) % LANES
        parts.append(np.concatenate([rows, np.zeros((more, rows.shape[1]), w.dtype)]).T.ravel())
    return np.concatenate(parts)
