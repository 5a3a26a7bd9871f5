"""Sliding windows over NHWC tensors: what convolutions and poolings share."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import TapeoutError
from .ir import Array


@dataclass(frozen=True)
class Window:
    """The geometry of a sliding window; pairs are (height, width), pads are (top, left, bottom, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Number of window positions along each axis. Raises TapeoutError when the window does not fit."""
        sizes = []
        for axis, size in enumerate((height, width)):
            reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
            room = size + self.pads[axis] + self.pads[axis + 2] - reach
            if room < 0:
                raise TapeoutError(f"a window of {reach} does not fit {size} elements padded by {self.pads}")
            sizes.append(room // self.stride[axis] + 1)
        return sizes[0], sizes[1]

    def patches(self, x: Array, fill: float) -> Array:
        """All windows of `x` (N, H, W, C), padded with `fill`, as a view (N, out_h, out_w, k_h, k_w, C)."""
        out_h, out_w = self.output(x.shape[1], x.shape[2])
        top, left, bottom, right = self.pads
        if any(self.pads):
            x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=x.dtype.type(fill))
        n, h, w, c = x.strides
        return np.lib.stride_tricks.as_strided(
            x,
            (x.shape[0], out_h, out_w, *self.kernel, x.shape[3]),
            (n, h * self.stride[0], w * self.stride[1], h * self.dilation[0], w * self.dilation[1], c),
            writeable=False,
        )

    def overlap(self, tap: tuple[int, int], height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The windows, by row and column, whose `tap` lies in the input, not in the padding; and the elements of the input that it is."""
        windows, elements = [], []
        for axis, outputs in enumerate(self.output(height, width)):
            size, stride = (height, width)[axis], self.stride[axis]
            start = tap[axis] * self.dilation[axis] - self.pads[axis]
            first = max(0, -(start // stride))
            end = max(first, min(outputs, (size - 1 - start) // stride + 1))
            windows.append(slice(first, end))
            elements.append(slice(first * stride + start, end * stride + start, stride) if end > first else slice(0, 0))
        return (windows[0], windows[1]), (elements[0], elements[1])

    def taps(self, height: int, width: int) -> Array:
        """How many elements of the input, not of the padding, each window has: (out_h, out_w).

        Raises TapeoutError when a window lies in the padding altogether, so that it has nothing to reduce.
        """
        counts = []
        for axis, outputs in enumerate(self.output(height, width)):
            size, dilation = (height, width)[axis], self.dilation[axis]
            start = np.arange(outputs, dtype=np.int64) * self.stride[axis] - self.pads[axis]
            first = np.maximum(0, -(start // dilation))
            last = np.minimum(self.kernel[axis] - 1, (size - 1 - start) // dilation)
            counts.append(np.maximum(0, last - first + 1))
        inside: Array = np.outer(*counts)
        if not inside.all():
            raise TapeoutError(f"a window of {self.kernel} lies in the padding {self.pads} altogether; reduce the padding")
        return inside

    def params(self, x: tuple[int, ...], y: tuple[int, ...]) -> dict[str, int]:
        """The fields of the kernel's `window` for an input of shape `x` and an output of shape `y`, both NHWC and dense.

        Pixel and row strides count elements; kernels step by them, so that a tile of a larger tensor
        needs no copy. Pads at the bottom and at the right follow from the output's size.
        """
        fields = {
            "batches": x[0], "in_h": x[1], "in_w": x[2], "in_c": x[3], "in_row": x[2] * x[3], "in_pixel": x[3],
            "out_h": y[1], "out_w": y[2], "out_c": y[3], "out_row": y[2] * y[3], "out_pixel": y[3],
            "k_h": self.kernel[0], "k_w": self.kernel[1], "stride_h": self.stride[0], "stride_w": self.stride[1],
            "dilation_h": self.dilation[0], "dilation_w": self.dilation[1], "pad_top": self.pads[0], "pad_left": self.pads[1],
        }
        return {f"window.{name}": value for name, value in fields.items()}


def same_pads(size: tuple[int, int], window: Window, lower: bool = False) -> tuple[int, int, int, int]:
    """The pads that give ceil(size / stride) outputs, the odd one at the bottom right, or top left when `lower`."""
    before, after = [], []
    for axis in (0, 1):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        outputs = -(-size[axis] // window.stride[axis])
        total = max(0, (outputs - 1) * window.stride[axis] + reach - size[axis])
        small, large = total // 2, total - total // 2
        before.append(large if lower else small)
        after.append(small if lower else large)
    return before[0], before[1], after[0], after[1]
