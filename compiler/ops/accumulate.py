"""The sum of the gradients of a batch, one call after the other."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..gradient import float_format
from ..ir import F32, Array, Op, Param, QType, Type, Types

POSITION = QType(32)  # the format of a call's number in its batch


@dataclass(frozen=True)
class Accumulate(Op):
    """Inputs `a`, the sum so far, a gradient `g` of its shape and `n` (1), the number of this call in its batch; output the next sum.

    `g` where `n` is 0, else `a + g`: widened to float32, added, and rounded to the format of `a` once. `g` has that format or, beside a
    float32 `a`, another one of floats. The output may lie over `a`.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        a, g, n = types
        assert a and g and n
        float_format(self.name(), (g,))
        if a.shape != g.shape or float_format(self.name(), (a,)) not in (F32, g.q) or n != Type((1,), POSITION):
            said = ", ".join(f"{t.q.code} {t.dims}" for t in (a, g, n))
            raise TapeoutError(f"{self.name()} takes a and g of one shape, in the format of g or with a in f32, and n of s32 1, got {said}")
        return (a,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        a, g, n = widen(arrays[0]), widen(arrays[1]), arrays[2]
        n = n.reshape(*n.shape[:-1], *(1,) * len(types[0].shape))
        return (narrow(np.where(n == 0, g, a + g), float_format(self.name(), types[:1])),)

    def symbol(self, types: Types) -> str:
        """`accumulate_f32`, with a gradient of another format `accumulate_f16_f32`."""
        a, g = types[:2]
        assert a and g
        return f"{self.name()}_{a.q.storage if a.q == g.q else f'{g.q.storage}_{a.q.storage}'}"

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
