"""What the Helium kernels of f16 with sums in f32 share: the end of a sum, and biases by halves of vectors."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ..fpu.float_blocks import bias_of
from .helium_f16 import LANES

_TINY = float(np.finfo(np.float32).tiny)


def refusal(graph: Graph, node: Node) -> str | None:
    """Why helium_f16_wide.h does not end a layer's sums."""
    assert isinstance(node.op, Conv2D | DepthwiseConv2D)
    if not all(graph.values[i].constant for i in node.inputs[1:] if i):
        return "weights that are no constants"
    clip = node.op.clip or Clip()
    b = bias_of(graph, node, 1)
    if any(0 < abs(np.float32(bound)) < _TINY for bound in (clip.lo, clip.hi)) or ((b != 0) & (np.abs(b) < _TINY)).any():
        return "a bias or bound that is subnormal"
    return None if np.isfinite(graph.data(node.inputs[1])).all() else "infinite weights, by which padding would be multiplied"


def end_fields(node: Node) -> dict[str, Param]:
    """The member `end` of the kernels' parameters."""
    assert isinstance(node.op, Conv2D | DepthwiseConv2D)
    clip = node.op.clip or Clip()
    lo, hi = (int(np.float32(bound).view(np.int32)) for bound in (clip.lo, clip.hi))
    fields = {"low": int(np.isfinite(clip.lo)), "high": int(np.isfinite(clip.hi)), "lo": lo, "hi": hi}
    return {f"end.{name}": value for name, value in fields.items()}


def bias_by_halves(graph: Graph, node: Node, channels: int) -> Array:
    """The bias, of each eight channels the even ones and then the odd ones; 0 for those that do not exist."""
    b = bias_of(graph, node, channels)
    return np.ascontiguousarray(np.concatenate([b, np.zeros(-channels % LANES, np.float32)]).reshape(-1, LANES // 2, 2).transpose(0, 2, 1))
