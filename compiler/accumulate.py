"""What the ops that sum products share: the accumulator's type, the bias, and the fused requant or clip."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .dot import exact_format
from .errors import TapeoutError
from .ir import F32, Array, FType, Param, QType, Type, Types
from .ops.clip import Clip
from .ops.requant import Requant


def sum_type(shape: tuple[int, ...], types: Types, requant: Requant | None) -> Type:
    """The type of an output of `shape` (..., channels) of inputs (x, w, b, mul, shift).

    Without a requant integers give the 32-bit sum, whose scale is the product of the operands' scales.
    """
    x, w = types[:2]
    b = types[2] if len(types) > 2 else None
    assert x and w
    if b and b.shape != shape[-1:]:
        raise TapeoutError(f"a bias of {b.dims} does not fit {shape[-1]} output channels")
    if isinstance(x.q, FType) or isinstance(w.q, FType):
        if x.q != w.q or requant:
            raise TapeoutError(f"operands are {x.q.code} and {w.q.code}, which one kernel does not mix")
        return Type(shape, F32)
    if len(x.q.zero) > 1 or len(set(w.q.zero)) > 1:
        raise TapeoutError("codes with a zero point per channel have no kernel; quantize the weights symmetrically")
    if requant is None:
        scale = tuple(x.q.scale[0] * s for s in w.q.scale)
        axis = len(shape) - 1 if len(scale) > 1 else None
        return Type(shape, QType(32, True, scale, (0,) * len(scale), axis))
    sums = Type(shape, QType(32))
    return requant.infer((sums, *types[3:5]))[0]


def centred(x: Array, type: Type, columns: Array) -> Array:
    """Codes without their zero point, in the format in which their products with `columns` (K, M) are exact; floats as they are."""
    if isinstance(type.q, FType):
        return x
    zero = type.q.zero[0]
    dtype = exact_format(max(type.q.max - zero, zero - type.q.min), columns)
    found: Array = x.astype(dtype) - dtype.type(zero)
    return found


def finish(sums: Array, b: Array, requant: Requant | None, clip: Clip | None, scaling: Sequence[Array]) -> Array:
    """Adds the bias (empty when absent) to exact or ordered sums, then requantizes or clips."""
    if b.size:
        sums = sums + b
    if requant is not None:
        return requant.apply(sums, scaling[0], scaling[1])
    if clip is not None:
        return clip.apply(sums)
    return sums if sums.dtype == np.float32 else sums.astype(np.int32)


def sum_fields(types: Types, requant: Requant | None, clip: Clip | None) -> dict[str, Param]:
    """The kernel's fields for zero points, requantization and clipping of these inputs."""
    x, w = types[:2]
    assert x and w
    if isinstance(x.q, FType):
        return dict((clip or Clip()).fields(x))
    fields: dict[str, Param] = {"x_zero": x.q.zero[0]}
    if requant is not None:
        assert types[3]
        fields |= {"per_channel": int(types[3].size > 1), **requant.fields()}
    return fields
