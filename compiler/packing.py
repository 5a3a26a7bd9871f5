"""Packed codes as bytes and back; see `QType.packed`."""
from __future__ import annotations

import numpy as np

from .ir import Array, Type


def pack(codes: Array, type: Type) -> Array:
    """The bytes (N * type.bytes) as uint8 of codes (..., last axis): codes of a row from the least significant bit on."""
    bits = type.quantized.bits
    rows = codes.reshape(-1, type.shape[-1] if type.shape else 1).astype(np.int64)
    digits = (rows[..., np.newaxis] >> np.arange(bits)) & 1
    return np.asarray(np.packbits(digits.reshape(len(rows), -1).astype(np.uint8), axis=1, bitorder="little")).reshape(-1)


def unpack(data: Array, type: Type, count: int = 1) -> Array:
    """The codes (count, *shape) of packed bytes."""
    q = type.quantized
    row = type.shape[-1] if type.shape else 1
    digits = np.unpackbits(data.reshape(-1, -(-row * q.bits // 8)), axis=1, count=row * q.bits, bitorder="little")
    codes: Array = (digits.reshape(-1, row, q.bits).astype(np.int64) << np.arange(q.bits)).sum(axis=-1)
    if q.min < 0:
        codes -= (codes >> (q.bits - 1)) << q.bits
    return codes.astype(q.dtype).reshape(count, *type.shape)
