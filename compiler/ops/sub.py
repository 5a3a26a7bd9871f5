"""Elementwise difference of two tensors."""
from __future__ import annotations

from dataclasses import dataclass

from ..elementwise import SumScaling, aligned, broadcast_fields, broadcast_shape, overwritable
from ..errors import TapeoutError
from ..ir import F32, Array, FType, Op, Param, Type, Types
from .clip import Clip


@dataclass(frozen=True)
class Sub(Op):
    """Inputs `x` and `y`, broadcast as NumPy does; output `x - y`.

    Integer codes follow `scaling`, as in TensorFlow Lite: see `SumScaling` with the second operand subtracted.
    float32: one rounded subtraction, then `clip` if there.
    """

    scaling: SumScaling | None = None
    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, y = types
        assert x and y
        shape = broadcast_shape(types)
        if isinstance(x.q, FType):
            return (Type(shape, F32),)
        if self.scaling is None:
            raise TapeoutError("sub of integer codes takes a scaling")
        self.scaling.check(x.q, y.quantized)
        return (Type(shape, self.scaling.output),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (out,) = self.infer(types)
        x_type, y_type = types
        assert x_type and y_type
        x, y = aligned(arrays[0], x_type, len(out.shape)), aligned(arrays[1], y_type, len(out.shape))
        if self.scaling is None:
            total = x - y
            return (self.clip.apply(total) if self.clip else total,)
        s = self.scaling
        total = s.scaled(x, x_type.quantized.zero[0], s.x) - s.scaled(y, y_type.quantized.zero[0], s.y)
        return (s.finish(total),)

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types
        assert x and y
        walk = broadcast_fields(types)
        if self.scaling is None:
            return {**walk, **(self.clip or Clip()).fields(x)}
        return {**walk, **self.scaling.fields(x.quantized, y.quantized)}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return overwritable(types, self.infer(types)[0])
