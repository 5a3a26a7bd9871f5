"""Codes as beats of a stream, and back: side by side, the first in the lowest bits, each beat in whole bytes."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, QType
from tapeout.targets.rtl.ports import PortStream


def encode(codes: Array, port: PortStream) -> bytes:
    """Frames of codes (N, *shape)."""
    stream = port.stream
    bits = (codes.astype(np.int64).reshape(-1, stream.lanes, 1) >> np.arange(stream.bits)) & 1
    padded = np.zeros((len(bits), 8 * port.bytes), np.uint8)
    padded[:, : stream.width] = bits.reshape(len(bits), stream.width)
    return np.packbits(padded, axis=1, bitorder="little").tobytes()


def decode(data: bytes, port: PortStream, q: QType, shape: tuple[int, ...]) -> Array:
    """Codes (N, *shape). Raises ValueError when they are no whole frames."""
    stream = port.stream
    beats = np.frombuffer(data, np.uint8).reshape(-1, stream.beats, port.bytes)
    bits = np.unpackbits(beats, axis=2, bitorder="little")[:, :, : stream.width].astype(np.int64)
    weights = 1 << np.arange(stream.bits, dtype=np.int64)
    if q.min < 0:
        weights[-1] = q.min - q.narrow
    codes = (bits.reshape(len(beats), -1, stream.bits) * weights).sum(axis=-1)
    return np.ascontiguousarray(codes.reshape(len(beats), *shape).astype(q.dtype))
