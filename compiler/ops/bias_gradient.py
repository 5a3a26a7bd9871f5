"""The gradient of a bias that is added along the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, sum_format, sums_in_f16
from ..gradient import check_sums, float_format
from ..ir import F32, Array, FType, Op, Param, Type, Types


@dataclass(frozen=True)
class BiasGradient(Op):
    """Input `g` (..., C), the gradient of a layer's output; output (C), the sum of `g` from +0 over all other axes, in their order.

    16-bit floats by `compiler/f16.py`: sums of widened elements in f32, rounded once in the end, or each rounded to f16 where `accumulator`
    says so.
    """

    accumulator: FType = F32

    def infer(self, types: Types) -> tuple[Type, ...]:
        (g,) = types
        assert g
        operands = float_format(self.name(), types)
        check_sums(operands, self.accumulator)
        if not g.shape:
            raise TapeoutError(f"{self.name()} takes at least one axis")
        return (Type(g.shape[-1:], operands),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        operands = float_format(self.name(), types)
        g = arrays[0].reshape(len(arrays[0]), -1, arrays[0].shape[-1]).astype(sum_format(operands, self.accumulator).dtype)
        total = np.zeros((len(g), g.shape[2]), g.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for row in range(g.shape[1]):
                total += g[:, row]
        return (narrow(total, operands),)

    def symbol(self, types: Types) -> str:
        assert types[0]
        return f"{super().symbol(types)}{'_fma' if sums_in_f16(types[0].q, self.accumulator) else ''}"

    def params(self, types: Types) -> dict[str, Param]:
        (g,) = types
        assert g
        return {"rows": g.size // g.shape[-1], "channels": g.shape[-1]}
