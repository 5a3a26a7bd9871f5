"""Weights of 4 bits in words: each half of a word holds four nibbles, 8 larger than the weights, so that the same nibble of both halves
makes a pair. The twin is nibbles.h."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array


def packed(pairs: Array) -> Array:
    """Weights (..., 4, 2) of -8 .. 7, four pairs of which make a word, as uint32 (...): pair k in nibble k of both halves."""
    nibbles = (pairs.astype(np.int64) + 8) & 15
    shifts = 4 * np.arange(4)[:, np.newaxis] + 16 * np.arange(2)
    return np.asarray((nibbles << shifts).sum(axis=(-2, -1)).astype(np.uint32))
