"""Dot products for the reference: exact ones for integers, in a declared order for floats."""
from __future__ import annotations

from typing import Any

import numpy as np

from .f16 import fma_f16
from .f32 import fma_f32
from .ir import F16, Array


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


def ordered_matmul(x: Array, w: Array, inside: Array | None = None, fused: bool = False) -> Array:
    """`x` (..., K) times `w` (K, M) in their own format, float32 or float16: sum from +0 over k ascending, by `add_product`.

    Elements for which `inside`, broadcast to (..., K), is false are no steps of the sum.
    """
    total = np.zeros((*x.shape[:-1], w.shape[1]), x.dtype)
    for k in range(x.shape[-1]):
        total = add_product(total, x[..., k, None], w[k], None if inside is None else inside[..., k, None], fused)
    return total


def add_product(total: Array, x: Array, w: Array, inside: Array | None = None, fused: bool = False) -> Array:
    """`total + x * w`: in float16 a fused multiply-add, in float32 one if it is `fused`, else a rounded product and a rounded sum; totals
    where `inside` is false. May change `total`."""
    if total.dtype == F16.dtype:
        added: Array = fma_f16(x, w, total)
    elif fused and total.dtype == np.float32:
        added = fma_f32(x, w, total)
    elif inside is None:
        total += x * w
        return total
    else:
        added = total + x * w
    return added if inside is None else np.where(inside, added, total)


def padding_matters(w: Array, fused: bool = False) -> bool:
    """Whether a step with 0 in place of padding can change a sum: one of -0, which fused steps alone make, or by an infinite weight."""
    return w.dtype.kind == "f" and (w.dtype == F16.dtype or fused or not np.isfinite(w).all())
