"""Floats rounded to the reals that a format holds: what quantization does to a tensor, told in floats."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..codes import decode, encode
from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..fixed import Rounding
from ..ir import F32, Array, FType, Op, QType, Type, Types


@dataclass(frozen=True)
class FakeQuantize(Op):
    """`y = (clip(round(x / scale) + zero) - zero) * scale` in float32, the format being `output`; bipolar: `x >= 0 ? scale : -scale`.

    With `dynamic` the format says bits, signedness and symmetry, and each sample's own extremes say scale and zero point; see
    `dynamic_format`. A float `output` rounds to that format, half to even. The pass `make_integer` replaces these nodes, and
    no target has a kernel for them.
    """

    output: QType | FType
    rounding: Rounding = Rounding.HALF_EVEN
    dynamic: bool = False
    power_of_two: bool = False  # of a dynamic format: the scale is the next power of two

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if x.q != F32:
            raise TapeoutError(f"fake_quantize takes float32, got {x.q.code}")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x,) = arrays
        assert types[0]
        if isinstance(self.output, FType):
            return (widen(narrow(x, self.output)),)
        if not self.dynamic:
            shape = types[0].shape
            return (decode(encode(x, self.output, self.rounding, shape), self.output, x.dtype, shape),)
        own = len(types[0].shape)
        samples = x.reshape(-1, *types[0].shape) if x.ndim > own else x[np.newaxis]
        rows = [self._dynamic(row) for row in samples]
        return (np.stack(rows).reshape(x.shape),)

    def _dynamic(self, sample: Array) -> Array:
        q = dynamic_format(self, float(sample.min(initial=0)), float(sample.max(initial=0)))
        return decode(encode(sample, q, self.rounding), q, sample.dtype)


def dynamic_format(op: FakeQuantize, low: float, high: float) -> QType:
    """The format of a sample whose least and greatest elements, with 0 among them, are `low` and `high`.

    Symmetric formats (zero point 0 and signed, or all codes from 0 on) reach to the greater magnitude; others, of which `zero` is
    the least code, spread all codes over `low` .. `high`. Each float operation is rounded to float32, as kernels do it.
    """
    q = op.output
    assert isinstance(q, QType)
    one = np.float32
    if q.zero[0] == 0:
        extent, steps = max(one(high), one(-low)) if q.signed else one(high), one(q.max)
    else:
        extent, steps = one(high) - one(low), one(q.max - q.min)
    scale = float(extent / steps) if extent > 0 else 1.0
    scale = max(scale, float(np.finfo(np.float32).tiny))
    if op.power_of_two:
        fraction, exponent = np.frexp(scale)
        scale = float(np.ldexp(1.0, exponent - (fraction == 0.5)))
    zero = 0 if q.zero[0] == 0 else min(q.max, q.min + int(np.floor(one(-low) / one(scale) + one(0.5))))
    return replace(q, scale=(scale,), zero=(zero,))
