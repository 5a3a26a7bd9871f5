"""Fully connected layer over the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accumulate import centred, finish, sum_fields, sum_type
from ..dot import exact_matmul, ordered_matmul
from ..errors import TapeoutError
from ..ir import Array, Cost, FType, Op, Param, Type, Types
from .clip import Clip
from .requant import Requant


@dataclass(frozen=True)
class Dense(Op):
    """Inputs `x` (..., I), `w` (O, I), optional `b` (O), with `requant` also `mul` and `shift`; output (..., O).

    Integers: `sum((x - x_zero) * (w - w_zero)) + b` in 32 bits, exact, then `requant` if there.
    float32: the sum runs from +0 over I ascending, each product rounded before its sum; then `b`; then `clip`.
    """

    requant: Requant | None = None
    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, w = types[:2]
        assert x and w
        if not x.shape or len(w.shape) != 2 or x.shape[-1] != w.shape[1]:
            raise TapeoutError(f"dense takes x (..., I) and w (O, I), got {x.dims} and {w.dims}")
        return (sum_type((*x.shape[:-1], w.shape[0]), types, self.requant),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, w, b = arrays[:3]
        assert types[0] and types[1]
        if isinstance(types[0].q, FType):
            sums = ordered_matmul(x, w.T)
        else:
            columns = w.T.astype(np.int32) - types[1].quantized.zero[0]
            sums = exact_matmul(centred(x, types[0], columns), columns)
        return (finish(sums, b, self.requant, self.clip, arrays[3:]),)

    def params(self, types: Types) -> dict[str, Param]:
        x, w = types[:2]
        assert x and w
        fields: dict[str, Param] = {"rows": x.size // x.shape[-1], "inputs": w.shape[1], "outputs": w.shape[0]}
        if not isinstance(w.q, FType):
            fields["w_zero"] = w.q.zero[0]
        return fields | sum_fields(types, self.requant, self.clip)

    def cost(self, types: Types) -> Cost:
        (y,) = self.infer(types)
        assert types[1]
        moved = super().cost(types)
        return Cost(y.size * types[1].shape[1], moved.bytes_read, moved.bytes_written)
