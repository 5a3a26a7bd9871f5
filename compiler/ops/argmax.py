"""The class of the largest score."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Argmax(Op):
    """The place along the last axis of the largest code of `x` (..., C), the first of several; output (...), of as few bits as hold C - 1.

    Codes have one scale, so that the largest code is the largest real.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not isinstance(x.q, QType) or not x.shape:
            raise TapeoutError(f"argmax takes integer codes along an axis, got {x.q.code} {x.dims}")
        if x.q.packed or len(set(x.q.scale)) > 1 or len(set(x.q.zero)) > 1:
            raise TapeoutError(f"argmax takes codes of one scale, not packed, got {len(set(x.q.scale))} scales of {x.q.code}")
        return (Type(x.shape[:-1], QType(max((x.shape[-1] - 1).bit_length(), 1), False)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (y,) = self.infer(types)
        return (np.argmax(arrays[0], axis=-1).astype(y.q.dtype),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"rows": types[0].size // types[0].shape[-1], "classes": types[0].shape[-1]}
