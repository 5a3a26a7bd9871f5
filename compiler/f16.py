"""What is computed with elements of 16-bit floats, to the bit: `f16` is IEEE binary16, `bf16` bfloat16. The C twin is
`targets/c/kernels/f16.h`.

There are two contracts, and no third; float32 has two of its own, see `numbers.md`.

*Sums in f32*, of every op: elements are widened, which is exact, the op computes as it does in float32, its sums in their declared
order, and each result is rounded to the format once, to nearest even. Products of two f16 numbers are exact in float32, so that a
fused multiply-add gives the same bits there.

*Sums in f16*, of layers whose `accumulator` is `f16`: the sum starts at +0 and each step is one fused multiply-add in f16,
`sum = round(x * w + sum)`, in the declared order; then the bias, which is f16, is added and rounded; then the clip, whose bounds are
float32 in both contracts. Taps in the padding are left out: they are no steps (a step with 0 would turn a sum of -0 into +0).

Neither has lanes or partial sums: one accumulator for each output, and kernels that use vectors compute several outputs at once.
Subnormal numbers are kept, and any NaN is as good as any other.
"""
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ir import F16, F32, Array, FType, QType

Half = npt.NDArray[np.float16]


def widen(x: Array) -> npt.NDArray[np.float32]:
    """Floats of any format as float32, exactly."""
    return np.asarray(x, np.float32)


def narrow(x: Array, q: FType) -> Array:
    """Floats rounded to a format, to nearest even; beyond its largest number to infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x.astype(q.dtype))


def fma_f16(x: Array, w: Array, total: Array) -> Half:
    """`x * w + total` of f16 numbers, rounded once to f16.

    By float64, which rounds twice, and yet never otherwise than once. The product is exact: 22 bits. Let 2**e <= |s| < 2**(e + 1) for
    the exact sum s = p + c. All of p and c are multiples of 2**-48, so float64's 53 bits hold s unless e >= 5; then s may lie next to,
    but not on, a midpoint m of two f16 numbers, an odd multiple of 2**(e - 11), with 0 < |s - m| <= 2**(e - 53), and be rounded onto m.
    As s has bits of 2**(e - 53) or less and c, being near 2**5 or larger or else too small to reach s, has none, p has such bits, and
    with its 22 bits |p| < 2**(e - 31). So c lies within 2**(e - 30) of m; but c is f16 and of that size a multiple of 2**(e - 10), or
    of 2**(e - 11) just below 2**e, and the next to m is 2**(e - 11) away. There is no such s.
    """
    with np.errstate(all="ignore"):
        exact = np.multiply(x, w, dtype=np.float64) + total
        return np.asarray(exact.astype(np.float16))


def sums_in_f16(operands: QType | FType, accumulator: FType) -> bool:
    """Whether a layer on operands of this format sums in f16; an accumulator says nothing of other operands."""
    return operands == F16 and accumulator == F16


def fuses(operands: QType | FType, accumulator: FType, fused: bool) -> bool:
    """Whether a layer's steps are fused multiply-adds, in the format of its sums: those in f16 always, those of f32 operands where it is
    `fused`, which says nothing of other operands."""
    return sums_in_f16(operands, accumulator) or (operands == F32 and fused)


def sum_format(operands: QType | FType, accumulator: FType) -> FType:
    """The format of a layer's sums, and of its bias."""
    return F16 if sums_in_f16(operands, accumulator) else F32
