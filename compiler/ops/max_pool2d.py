"""Maximum pooling."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..ir import Array, FType, Op, Param, QType, Type, Types
from ..window import Window
from .clip import Clip


@dataclass(frozen=True)
class MaxPool2D(Op):
    """Input `x` (N, H, W, C); output (N, out_h, out_w, C) in the format of `x`. Padding never wins.

    Integers: the largest code, clipped to `lo` .. `hi`.
    floats: from minus infinity over rows and columns of the window, an element replaces the maximum when it is
    greater. So NaN never wins, a window of nothing but NaN gives minus infinity, and of two zeros the first stays;
    then `clip` if there.
    """

    window: Window
    lo: int = -128
    hi: int = 127
    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if len(x.shape) != 4:
            raise TapeoutError(f"max_pool2d takes x NHWC, got {x.dims}")
        height, width = self.window.output(x.shape[1], x.shape[2])
        self.window.taps(x.shape[1], x.shape[2])
        return (Type((x.shape[0], height, width, x.shape[3]), x.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x_type,), (x,) = types, arrays
        (y,) = self.infer(types)
        assert x_type
        lowest = x_type.q.min if isinstance(x_type.q, QType) else -np.inf
        images = x.reshape(-1, *x.shape[2:])
        patches = self.window.patches(images if isinstance(x_type.q, QType) else widen(images), lowest)
        largest = np.full((*patches.shape[:3], patches.shape[5]), lowest, patches.dtype)
        for row in range(self.window.kernel[0]):
            for column in range(self.window.kernel[1]):
                tap = patches[:, :, :, row, column]
                largest = np.where(tap > largest, tap, largest)
        if isinstance(x_type.q, QType):
            largest = np.clip(largest, self.lo, self.hi).astype(x.dtype)
        else:
            largest = narrow(self.clip.apply(largest) if self.clip else largest, x_type.q)
        return (largest.reshape(len(x), *y.shape),)

    def params(self, types: Types) -> dict[str, Param]:
        (x,) = types
        assert x
        window: dict[str, Param] = {**self.window.params(x.shape, self.infer(types)[0].shape)}
        if isinstance(x.q, FType):
            return {**window, **(self.clip or Clip()).fields(x)}
        return {**window, "lo": self.lo, "hi": self.hi}
