"""How far kernels that slide a window read ahead of what they write, so that an output may lie over the input that it is computed from."""
from __future__ import annotations

from dataclasses import dataclass

from tapeout.compiler.ir import Op, Types
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D


@dataclass(frozen=True)
class Rows:
    """An image of `in_rows` rows of `in_bytes` from which `out_rows` of `out_bytes` are computed, each from the row `stride` further on."""

    in_rows: int
    in_bytes: int
    out_rows: int
    out_bytes: int
    stride: int
    pad: int

    @classmethod
    def of(cls, op: Op, types: Types) -> Rows:
        x, y = types[0], op.infer(types)[0]
        assert x and isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D)
        window = op.window(types) if isinstance(op, Conv2D | DepthwiseConv2D) else op.window
        return cls(x.shape[1], x.bytes // x.shape[1], y.shape[1], y.bytes // y.shape[1], window.stride[0], window.pads[0])

    def trail(self, together: int, ahead: bool) -> int:
        """By how many bytes the output has to begin before the input.

        Rows are computed `together`, so many at a time; `ahead` says that all that they read is read before any of them is written. Row
        by row what is written must end before what is still to be read begins. Below 0 the output may begin behind the input.
        """
        lead = -self.in_rows * self.in_bytes
        for first in range(0, self.out_rows, together):
            behind = min(first + together, self.out_rows)
            reading = behind if ahead else first
            if reading < self.out_rows:
                lead = max(lead, behind * self.out_bytes - max(0, reading * self.stride - self.pad) * self.in_bytes)
        return lead


def window_trail(op: Op, types: Types) -> int | None:
    """For kernels that compute one output row after another, and write a pixel when they have read its window; None for several images."""
    assert types[0]
    return None if types[0].shape[0] > 1 else Rows.of(op, types).trail(together=1, ahead=False)
