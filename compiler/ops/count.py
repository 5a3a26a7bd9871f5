"""The number of a call in its batch."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, Type, Types
from .accumulate import POSITION


@dataclass(frozen=True)
class Count(Op):
    """Input `n` (1), the number of this call in a batch of `batch`, from 0 on; output that of the next call: `n + 1`, or 0 where that is
    not below `batch`."""

    batch: int

    def infer(self, types: Types) -> tuple[Type, ...]:
        if types != (Type((1,), POSITION),):
            raise TapeoutError(f"{self.name()} takes a number of s32 1")
        return (Type((1,), POSITION),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (np.where(arrays[0] + 1 < self.batch, arrays[0] + 1, np.int32(0)),)

    def params(self, types: Types) -> dict[str, Param]:
        return {"batch": self.batch}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
