"""Dot products for the reference: exact ones for integers, in a declared order for floats."""
from __future__ import annotations

import numpy as np

from .ir import Array


def exact_matmul(x: Array, w: Array) -> Array:
    """`x` (..., K) times `w` (K, M) for integer arrays, exact, as int64 (..., M).

    Uses the floating-point matrix product of the smallest format in which every partial sum is exact.
    """
    bound = x.shape[-1] * int(np.abs(x).max(initial=0)) * int(np.abs(w).max(initial=0))
    if bound >= 1 << 53:
        return x.astype(np.int64) @ w.astype(np.int64)
    dtype = np.float32 if bound < 1 << 24 else np.float64
    return (x.astype(dtype) @ w.astype(dtype)).astype(np.int64)


def ordered_matmul(x: Array, w: Array) -> Array:
    """`x` (..., K) times `w` (K, M) in float32: sum from +0 over k ascending, each product rounded before its sum."""
    total = np.zeros((*x.shape[:-1], w.shape[1]), np.float32)
    for k in range(x.shape[-1]):
        total += x[..., k, None] * w[k]
    return total
