"""What the ops that sum products share: the accumulator's type, the bias, and the fused requant or clip."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .codes import spread
from .dot import exact_format
from .errors import TapeoutError, Unsupported
from .f16 import fuses, narrow, sum_format, widen
from .ir import BF16, F16, F32, Array, FType, Param, QType, Type, Types
from .ops.clip import Clip
from .ops.requant import Requant
from .ops.threshold import Threshold

Stage = Requant | Threshold  # what turns a sum into a code: `requant` of the ops below


def sum_type(shape: tuple[int, ...], types: Types, requant: Stage | None, accumulator: FType = F32) -> Type:
    """The type of an output of `shape` (..., channels) of inputs (x, w, b, and the two of `requant`).

    Without a requant integers give the sum, whose scale is the product of the operands' scales: 64 bits for codes held in 16,
    32 bits for all others, with an axis of blocks at the end when the weights have a scale for each.
    """
    x, w = types[:2]
    b = types[2] if len(types) > 2 else None
    assert x and w
    if b and b.shape != shape[-1:]:
        raise TapeoutError(f"a bias of {b.dims} does not fit {shape[-1]} output channels")
    if isinstance(x.q, FType) or isinstance(w.q, FType):
        if x.q != w.q or requant:
            raise TapeoutError(f"operands are {x.q.code} and {w.q.code}, which one kernel does not mix")
        if accumulator not in (F32, F16) or (x.q == BF16 and accumulator == F16):
            raise TapeoutError(f"sums of {x.q.code} operands in {accumulator.code} are undefined; sum in f32")
        if b and b.q != (wanted := sum_format(x.q, accumulator)):
            raise TapeoutError(f"sums in {wanted.code} take a bias in {wanted.code}, got {b.q.code}")
        return Type(shape, x.q)
    if len(x.q.scale) > 1 or len(set(w.q.zero)) > 1:
        raise TapeoutError("scales or zero points of these codes have no kernel; quantize activations per tensor, weights symmetrically")
    count = len(blocks(w))
    trailing = (count,) if count > 1 else ()
    bits = 64 if x.q.dtype.itemsize > 1 else 32
    if trailing and isinstance(requant, Threshold):
        raise TapeoutError("thresholds of blocks are undefined: each channel has several sums")
    if requant is None:
        scale = tuple(x.q.scale[0] * s for s in w.q.scale)
        axis = len(shape) - 1 if len(scale) > 1 else None
        return Type((*shape, *trailing), QType(bits, True, scale, (0,) * len(scale), axis, 1 if trailing else None))
    return requant.infer((Type((*shape, *trailing), QType(bits)), *types[3:5]))[0]


def plain(types: Types, output: Type) -> bool:
    """Whether a layer of integers is one of int8 codes by int8 weights with one multiplier a channel, for which kernels are simplest."""
    x, w = types[:2]
    assert x and w
    requantized = len(types) == 5 and types[3] is not None and len(types[3].shape) == 1
    return requantized and x.q.storage == w.q.storage == output.q.storage == "s8" and not _bipolar(x) and not _special(w)


def _bipolar(type: Type) -> bool:
    return isinstance(type.q, QType) and type.q.bipolar


def _special(w: Type) -> bool:
    return isinstance(w.q, QType) and (w.q.packed or w.q.bipolar)


def sum_symbol(op: str, types: Types, output: Type, accumulator: FType = F32, fused: bool = False) -> str:
    """The kernel of a layer: `conv2d_s8` for plain int8, `conv2d_b1` for bipolar codes by bipolar weights, else `conv2d_packed_s8`
    or `conv2d_packed_s16` by how activations are held: weights of any width, any output stage. Floats by their format, `conv2d_f16_fma`
    for sums in f16, `conv2d_f32_fma` for those in f32 that are fused.

    Raises Unsupported for packed or bipolar codes that no kernel reads or writes.
    """
    x, w = types[:2]
    assert x and w
    if isinstance(x.q, FType) or isinstance(w.q, FType):
        return f"{op}_{x.q.storage}{'_fma' if fuses(x.q, accumulator, fused) else ''}"
    if output.quantized.packed and output.q.storage != "b1":
        raise Unsupported(f"kernels of {op} write no packed codes but bipolar ones, got {output.q.code}")
    if x.q.packed or x.q.bipolar:
        if not (x.q.storage == w.q.storage == "b1" and len(types) < 6):
            raise Unsupported(f"kernels of {op} multiply packed bipolar codes alone, got {x.q.code} by {w.q.code}")
        return f"{op}_b1"
    return f"{op}_s8" if plain(types, output) else f"{op}_packed_{x.q.storage}"


def centred_weights(w: Array, type: Type, accumulator: FType = F32) -> Array:
    """Codes of weights as the whole numbers that they stand for, in units of their scale; floats in the format of their sums."""
    if isinstance(type.q, FType):
        return w.astype(sum_format(type.q, accumulator).dtype)
    if type.q.bipolar:
        return 2 * w.astype(np.int32) - 1
    return np.asarray(w.astype(np.int32) - spread(type.q.zero, type.q, type.shape, np.dtype(np.int32)))


def centred(x: Array, type: Type, columns: Array, x_zero: Array | None = None) -> Array:
    """Codes as the whole numbers that they stand for, in the format in which their products with `columns` (K, M) are exact; floats in
    the format of `columns`. `x_zero` is each sample's zero point when it is computed."""
    if isinstance(type.q, FType):
        return x.astype(columns.dtype)
    if type.q.bipolar:
        dtype = exact_format(1, columns)
        return np.asarray(2 * x.astype(dtype) - dtype.type(1))
    if x_zero is not None and x_zero.size:
        dtype = exact_format(type.q.max - type.q.min, columns)
        return np.asarray(x.astype(dtype) - x_zero.astype(dtype).reshape(-1, *(1,) * (x.ndim - 1)))
    zero = type.q.zero[0]
    dtype = exact_format(max(type.q.max - zero, zero - type.q.min), columns)
    return np.asarray(x.astype(dtype) - dtype.type(zero))


def blocks(w: Type) -> list[slice]:
    """The parts of the last axis of weights that have a scale each; a single one without blocks."""
    size, block = w.shape[-1], (w.q.block if isinstance(w.q, QType) else None) or w.shape[-1]
    return [slice(start, min(start + block, size)) for start in range(0, size, block)]


def finish(sums: Array, types: Types, arrays: Sequence[Array], requant: Stage | None, clip: Clip | None) -> Array:
    """Adds the bias to exact or ordered sums, to the first of their blocks if they have any; then the output stage.

    `arrays` are those of the node: x, w, b, and the two of `requant`.
    """
    assert types[1]
    b = arrays[2]
    if b.size and len(blocks(types[1])) > 1:
        sums[..., 0] += b
    elif b.size:
        sums = sums + b
    if requant is not None:
        return requant.apply(sums, arrays[3], arrays[4])
    if types[0] and isinstance(types[0].q, FType):
        return narrow(clip.apply(widen(sums)) if clip else sums, types[0].q)
    return sums.astype(np.int64 if types[0] and types[0].q.dtype.itemsize > 1 else np.int32)


def sum_fields(types: Types, requant: Stage | None, clip: Clip | None, output: Type) -> dict[str, Param]:
    """The kernel's fields for zero points, requantization and clipping of these inputs; see `sum_symbol` for the kernels."""
    x, w = types[:2]
    assert x and w
    if isinstance(x.q, FType):
        return dict((clip or Clip()).fields(x))
    if plain(types, output):
        assert types[3] and isinstance(requant, Requant)
        return {"x_zero": x.q.zero[0], "per_channel": int(types[3].size > 1), **requant.fields()}
    return {"x_zero": x.q.zero[0], **_weight_fields(w), **_stage_fields(types, requant, output)}


def _weight_fields(w: Type) -> dict[str, Param]:
    """The member `weights` of the kernels of packed weights."""
    q = w.quantized
    parts = blocks(w)
    return {
        "weights.bits": q.bits if q.packed else 8 * q.dtype.itemsize, "weights.is_signed": int(q.min < 0),
        "weights.bipolar": int(q.bipolar), "weights.zero": q.zero[0], "weights.block": parts[0].stop, "weights.blocks": len(parts),
    }  # fmt: skip


def _stage_fields(types: Types, requant: Stage | None, output: Type) -> dict[str, Param]:
    """The member `stage` of the kernels of packed weights."""
    x, w, b = types[:3]
    assert x and w
    fields: dict[str, Param] = {
        "y_bits": 1 if output.q.storage == "b1" else 8 * output.q.dtype.itemsize, "wide": int(x.q.dtype.itemsize > 1),
        "wide_bias": int(b is not None and b.q.dtype.itemsize > 4), "raw": int(requant is None), "blocks": len(blocks(w)),
    }  # fmt: skip
    if isinstance(requant, Requant):
        assert types[4]
        fields |= {"per_channel": int(types[4].size > 1), **requant.fields()}
    elif requant is not None:
        assert types[3]
        fields |= requant.fields(types[3])
    return {f"stage.{name}": value for name, value in fields.items()}


def packed_strides(x: Type, y: Type) -> dict[str, Param]:
    """The fields of a kernel's `window` that count bytes instead of elements, where `x` or `y` (N, H, W, C) is packed."""
    fields: dict[str, Param] = {}
    for name, type in (("in", x), ("out", y)):
        if isinstance(type.q, QType) and type.q.packed:
            pixel = -(-type.shape[3] * type.q.bits // 8)
            fields |= {f"window.{name}_row": type.shape[2] * pixel, f"window.{name}_pixel": pixel}
    return fields
