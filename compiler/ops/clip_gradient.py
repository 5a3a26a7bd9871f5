"""The gradient of a clip's input, and so of relu's."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import widen
from ..gradient import float_format
from ..ir import Array, Op, Param, Type, Types
from .clip import Clip


@dataclass(frozen=True)
class ClipGradient(Op):
    """Inputs `y`, the output of `clip`, and `g` of the same shape, its gradient; output `g` where `lo < y < hi`, else +0.

    So at a bound the gradient is 0, as that of relu and relu6 is in PyTorch, and where `y` is NaN.
    """

    clip: Clip

    def infer(self, types: Types) -> tuple[Type, ...]:
        y, g = types
        assert y and g
        float_format(self.name(), types)
        if y != g:
            raise TapeoutError(f"{self.name()} takes y and g of one shape, got {y.dims} and {g.dims}")
        return (g,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        y, g = widen(arrays[0]), arrays[1]
        inside = (y > np.float32(self.clip.lo)) & (y < np.float32(self.clip.hi))
        return (np.where(inside, g, g.dtype.type(0)),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return self.clip.params(types)

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0, 1)
