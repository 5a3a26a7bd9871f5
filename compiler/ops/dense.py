"""Fully connected layer over the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accumulate import Stage, blocks, centred, centred_weights, finish, plain, sum_fields, sum_symbol, sum_type
from ..dot import exact_matmul, ordered_matmul
from ..errors import TapeoutError
from ..f16 import fuses
from ..ir import F32, Array, Cost, FType, Op, Param, QType, Type, Types
from .clip import Clip


@dataclass(frozen=True)
class Dense(Op):
    """Inputs `x` (..., I), `w` (O, I), optional `b` (O), those of `requant` if there, optional `x_zero`; output (..., O).

    Integers: `sum((x - x_zero) * (w - w_zero)) + b`, exact, then `requant` if there; bipolar codes count as -1 and +1. Weights with a
    scale for each block give (..., O, blocks), the bias in the first. `x_zero` (s32) is a zero point that is computed.
    float32: the sum runs from +0 over I ascending, each product rounded before its sum, or fused with it where it is `fused`; then
    `b`; then `clip`. 16-bit floats: the same by `compiler/f16.py`, with sums and `b` in f32, or in f16 where `accumulator` says so.
    """

    requant: Stage | None = None
    clip: Clip | None = None
    accumulator: FType = F32
    fused: bool = False

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, w = types[:2]
        assert x and w
        if not x.shape or len(w.shape) != 2 or x.shape[-1] != w.shape[1]:
            raise TapeoutError(f"dense takes x (..., I) and w (O, I), got {x.dims} and {w.dims}")
        return (sum_type((*x.shape[:-1], w.shape[0]), types, self.requant, self.accumulator),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0] and types[1]
        columns = centred_weights(arrays[1], types[1], self.accumulator).T
        x = centred(arrays[0], types[0], columns, *arrays[5:])
        parts = [self._dot(types[0].q, x[..., part], columns[part]) for part in blocks(types[1])]
        sums = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        return (finish(sums, types, arrays, self.requant, self.clip),)

    def _dot(self, q: QType | FType, x: Array, columns: Array) -> Array:
        if isinstance(q, QType):
            return exact_matmul(x, columns)
        return ordered_matmul(x, columns, fused=fuses(q, self.accumulator, self.fused))

    def symbol(self, types: Types) -> str:
        return sum_symbol(self.name(), types, self.infer(types)[0], self.accumulator, self.fused)

    def params(self, types: Types) -> dict[str, Param]:
        x, w = types[:2]
        assert x and w
        fields: dict[str, Param] = {"rows": x.size // x.shape[-1], "inputs": w.shape[1], "outputs": w.shape[0]}
        (y,) = self.infer(types)
        if not isinstance(w.q, FType) and plain(types, y):
            fields["w_zero"] = w.q.zero[0]
        return fields | sum_fields(types, self.requant, self.clip, y)

    def cost(self, types: Types) -> Cost:
        (y,) = self.infer(types)
        assert types[1]
        moved = super().cost(types)
        return Cost(y.size * types[1].shape[1], moved.bytes_read, moved.bytes_written)
