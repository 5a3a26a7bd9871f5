"""Average pooling; with the whole plane as window it is global average pooling."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..fixed import Rounding, divide
from ..ir import Array, FType, Op, Param, QType, Type, Types
from ..window import Window
from .clip import Clip


@dataclass(frozen=True)
class AveragePool2D(Op):
    """Input `x` (N, H, W, C); output (N, out_h, out_w, C) in the format of `x`.

    The divisor is the number of elements of the window that lie inside `x`, or with `count_include_pad` all of them.
    Integers: the mean of the codes, as they are, rounded by `rounding` and clipped to `lo` .. `hi`; padding that
    counts is the zero point. TensorFlow Lite rounds half away from zero, of codes and not of reals.
    floats: the sum runs from +0 in float32 over rows and columns of the window, then one division, then `clip` if there.
    """

    window: Window
    count_include_pad: bool = False
    rounding: Rounding = Rounding.HALF_AWAY
    lo: int = -128
    hi: int = 127
    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if len(x.shape) != 4:
            raise TapeoutError(f"average_pool2d takes x NHWC, got {x.dims}")
        if self.rounding is Rounding.TFLITE:
            raise TapeoutError("average_pool2d divides, which the rounding tflite does not define; half_away is TensorFlow Lite's")
        height, width = self.window.output(x.shape[1], x.shape[2])
        self.window.taps(x.shape[1], x.shape[2])
        return (Type((x.shape[0], height, width, x.shape[3]), x.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x_type,), (x,) = types, arrays
        (y,) = self.infer(types)
        assert x_type
        floats = isinstance(x_type.q, FType)
        fill = 0 if floats or not self.count_include_pad else x_type.quantized.zero[0]
        images = x.reshape(-1, *x.shape[2:])
        patches = self.window.patches(widen(images) if floats else images.astype(np.int64), fill)
        sums = np.zeros((*patches.shape[:3], patches.shape[5]), patches.dtype)
        for row in range(self.window.kernel[0]):
            for column in range(self.window.kernel[1]):
                sums += patches[:, :, :, row, column]
        counts = self.window.taps(x.shape[2], x.shape[3])[:, :, None]
        if self.count_include_pad:
            counts = np.full_like(counts, self.window.kernel[0] * self.window.kernel[1])
        if isinstance(x_type.q, QType):
            means = np.clip(divide(sums, counts, self.rounding), self.lo, self.hi).astype(x.dtype)
        else:
            means = sums / counts.astype(np.float32)
            means = narrow(self.clip.apply(means) if self.clip else means, x_type.q)
        return (means.reshape(len(x), *y.shape),)

    def params(self, types: Types) -> dict[str, Param]:
        (x,) = types
        assert x
        window = {**self.window.params(x.shape, self.infer(types)[0].shape), "count_include_pad": int(self.count_include_pad)}
        if isinstance(x.q, FType):
            return {**window, **(self.clip or Clip()).fields(x)}
        return {**window, "x_zero": x.q.zero[0], "lo": self.lo, "hi": self.hi, "rounding": self.rounding}
