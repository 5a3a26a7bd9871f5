"""Which rows of its inputs a node needs for some rows of its output, so that images can be computed in strips of whole rows."""
from __future__ import annotations

from dataclasses import dataclass, replace

from .elementwise import Sum
from .ir import Graph, Node, Op
from .ops.average_pool2d import AveragePool2D
from .ops.cast import Cast
from .ops.clip import Clip
from .ops.concat import Concat
from .ops.conv2d import Conv2D
from .ops.depthwise_conv2d import DepthwiseConv2D
from .ops.dequantize import Dequantize
from .ops.lut import Lut
from .ops.max_pool2d import MaxPool2D
from .ops.mul import Mul
from .ops.quantize import Quantize
from .ops.requant import Requant
from .ops.threshold import Threshold
from .unary import Unary

_WINDOWED = Conv2D | DepthwiseConv2D
_POOLS = AveragePool2D | MaxPool2D
_BY_ELEMENT = Sum | Mul | Cast | Clip | Lut | Requant | Quantize | Dequantize | Threshold | Unary


@dataclass(frozen=True)
class RowWindow:
    """Output row `r` is computed from the input rows `r * stride - pad` to `r * stride - pad + reach - 1`, as far as there are any."""

    reach: int = 1
    stride: int = 1
    pad: int = 0

    def first(self, row: int) -> int:
        """The first input row that output row `row` and those after it need."""
        return max(0, row * self.stride - self.pad)

    def end(self, row: int, height: int) -> int:
        """The input row, of `height`, after the last that the output rows before `row` need."""
        return min(height, (row - 1) * self.stride - self.pad + self.reach) if row > 0 else 0

    def pads(self, first: int, end: int, height: int) -> tuple[int, int]:
        """How many rows of padding above and below the input the output rows `first` to `end`, not included, see."""
        return max(0, self.pad - first * self.stride), max(0, (end - 1) * self.stride - self.pad + self.reach - height)


def row_window(graph: Graph, node: Node) -> RowWindow | None:
    """How the rows of a node's output depend on those of its computed inputs; None where some rows cannot be computed from some rows."""
    op, types, output = node.op, graph.types(node), graph.values[node.name].type
    if len(node.outputs) > 1 or len(output.shape) != 4 or output.shape[0] != 1:
        return None
    if isinstance(op, _WINDOWED | _POOLS):
        if any(i and not graph.values[i].constant for i in node.inputs[1:]):
            return None
        window = op.window(types) if isinstance(op, _WINDOWED) else op.window
        return RowWindow((window.kernel[0] - 1) * window.dilation[0] + 1, window.stride[0], window.pads[0])
    if isinstance(op, _BY_ELEMENT) or (isinstance(op, Concat) and op.axis > 1):
        follows = [
            (t.shape[1] if len(t.shape) == 4 else 1) == (1 if graph.values[i].constant else output.shape[1])
            for i, t in zip(node.inputs, types, strict=True) if t
        ]
        return RowWindow() if all(follows) else None
    return None


def padded_by(op: Op, top: int, bottom: int) -> Op:
    """The op with other numbers of rows of padding."""
    if isinstance(op, _WINDOWED):
        return replace(op, pads=(top, op.pads[1], bottom, op.pads[3]))
    if isinstance(op, _POOLS):
        pads = op.window.pads
        return replace(op, window=replace(op.window, pads=(top, pads[1], bottom, pads[3])))
    return op
