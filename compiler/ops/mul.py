"""Elementwise product of two tensors."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..elementwise import aligned, broadcast_fields, broadcast_shape, overwritable
from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..ir import Array, FType, Op, Param, QType, Type, Types
from .clip import Clip
from .requant import Requant


@dataclass(frozen=True)
class Mul(Op):
    """Inputs `x` and `y`, broadcast as NumPy does, with `requant` also `mul` and `shift` of one entry; output `x * y`.

    Integers: `(x - x_zero) * (y - y_zero)` in 32 bits, exact, then `requant` if there.
    float32: one rounded product, then `clip` if there; 16-bit floats by way of float32, see `compiler/f16.py`.
    """

    requant: Requant | None = None
    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, y = types[:2]
        assert x and y
        shape = broadcast_shape(types)
        if isinstance(x.q, FType):
            return (Type(shape, x.q),)
        if len(x.q.scale) > 1 or len(y.quantized.scale) > 1:
            raise TapeoutError("mul takes operands of one scale each")
        products = Type(shape, QType(32, True, (x.q.scale[0] * y.quantized.scale[0],)))
        if self.requant is None:
            return (products,)
        if len(types) != 4 or types[2] is None or types[2].size != 1:
            raise TapeoutError("mul with a requant takes one multiplier and one shift")
        return self.requant.infer((products, *types[2:]))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (out,) = self.infer(types)
        x_type, y_type = types[:2]
        assert x_type and y_type
        x, y = aligned(arrays[0], x_type, len(out.shape)), aligned(arrays[1], y_type, len(out.shape))
        if isinstance(x_type.q, FType):
            product = widen(x) * widen(y)
            return (narrow(self.clip.apply(product) if self.clip else product, x_type.q),)
        products = (x.astype(np.int64) - x_type.q.zero[0]) * (y.astype(np.int64) - y_type.quantized.zero[0])
        return (self.requant.apply(products, *arrays[2:]) if self.requant else products.astype(np.int32),)

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types[:2]
        assert x and y
        walk = broadcast_fields(types)
        if isinstance(x.q, FType):
            return {**walk, **(self.clip or Clip()).fields(x)}
        zeros: dict[str, Param] = {"x_zero": x.q.zero[0], "y_zero": y.quantized.zero[0]}
        if self.requant is None:
            return {**walk, **zeros}
        fields = self.requant.fields()
        return {**walk, **zeros, "out_zero": fields.pop("y_zero"), **fields}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return overwritable(types, self.infer(types)[0])
