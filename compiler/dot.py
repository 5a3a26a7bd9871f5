"""Dot products for the reference: exact ones for integers, in a declared order for floats."""
from __future__ import annotations

from typing import Any

import numpy as np

from .ir import Array


def exact_format(largest: int, w: Array) -> np.dtype[Any]:
    """The quickest format in which sums of products of `w` (K, M), over K, with |x| <= `largest` are exact.

    Floating point when no partial sum can lose a bit, whatever its order: BLAS is far quicker than NumPy's integers.
    """
    bound = largest * int(np.abs(w.astype(np.int64)).sum(axis=0).max(initial=0))
    return np.dtype(np.float32 if bound < 1 << 24 else np.float64 if bound < 1 << 53 else np.int64)


def exact_matmul(x: Array, w: Array) -> Array:
    """`x` (..., K) times `w` (K, M) as int64 (..., M); `x` has the `exact_format` for `w`."""
    product: Array = np.matmul(x, w.astype(x.dtype)).astype(np.int64)
    return product


def ordered_matmul(x: Array, w: Array) -> Array:
    """`x` (..., K) times `w` (K, M) in float32: sum from +0 over k ascending, each product rounded before its sum."""
    total = np.zeros((*x.shape[:-1], w.shape[1]), np.float32)
    for k in range(x.shape[-1]):
        total += x[..., k, None] * w[k]
    return total
