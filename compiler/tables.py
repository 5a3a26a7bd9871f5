"""Tables of 256 codes for `lut`: from any real function, and those of TensorFlow Lite Micro, equal in every byte.

Each entry is the output's code for the input code `x.min + index`.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .errors import TapeoutError
from .fixed import INT32_MAX, Int, Rounding, doubling_high_multiply, multiplier, requantize, round_half_away, shift_right
from .gemmlowp import exp_of_negative, one_minus_over_one_plus, one_over_one_plus
from .ir import Array, QType

_FUNCTION_BITS = 4  # integer bits of the fixed-point input of TFLite's logistic and tanh


def from_function(function: Callable[[Array], Array], x: QType, y: QType, rounding: Rounding) -> Array:
    """`clip(round(function(real of each code of x) / y_scale) + y_zero)`, computed in float64.

    `function` takes and gives float64 arrays. Raises TapeoutError when it is not a number somewhere, or when
    `x` is not a format of 8 bits with one scale.
    """
    if x.bits != 8 or y.bits != 8 or len(x.scale) != 1 or len(y.scale) != 1:
        raise TapeoutError(f"a table takes 8-bit codes of one scale, got {x.code} and {y.code}")
    codes = np.arange(x.min, x.max + 1, dtype=np.float64)
    with np.errstate(all="ignore"):
        reals = np.asarray(function((codes - x.zero[0]) * x.scale[0]), np.float64) / y.scale[0]
    if np.isnan(reals).any():
        raise TapeoutError(f"the function of a table is not a number at code {int(codes[np.isnan(reals)][0])}")
    return _saturate(_rounded(np.clip(reals, -1e6, 1e6), rounding) + y.zero[0], y)


def _rounded(reals: Array, rounding: Rounding) -> Array:
    match rounding:
        case Rounding.HALF_UP:
            return np.floor(reals + 0.5)
        case Rounding.HALF_EVEN:
            return np.rint(reals)
        case Rounding.HALF_AWAY:
            return round_half_away(reals)
        case Rounding.FLOOR:
            return np.floor(reals)
        case Rounding.TFLITE:
            raise ValueError("TFLITE rounds a product, not a real")


def _saturate(codes: Array, q: QType) -> Array:
    return np.clip(codes, q.min, q.max).astype(q.dtype)


def _centred(x: QType) -> Int:
    """Every code of `x` without its zero point."""
    return np.arange(x.min, x.max + 1, dtype=np.int64) - x.zero[0]


def _float_ratio(*factors: float, by: float) -> float:
    """The product of `factors` over `by` in float32, as TFLite Micro computes some of its multipliers."""
    product = np.float32(1)
    for factor in factors:
        product = product * np.float32(factor)
    return float(product / np.float32(by))


# The kernels of TensorFlow Lite Micro. Source of each: tensorflow/lite/kernels/internal/reference/ and
# tensorflow/lite/micro/kernels/ of github.com/tensorflow/tflite-micro.


def tflite_logistic(x: QType, y: QType) -> Array:
    """LOGISTIC of int8 (integer_ops/logistic.h). The kernel takes an output of scale 1/256 and zero point -128 for granted."""
    if y.scale[0] != 1 / 256 or y.zero[0] != -128:
        raise TapeoutError(f"LOGISTIC of int8 has an output of scale 1/256 and zero point -128, got {y.scale[0]} and {y.zero[0]}")
    inside, saturated = _fixed_point_input(x)
    one_over = one_over_one_plus(exp_of_negative(-np.abs(inside), _FUNCTION_BITS))
    result = np.where(inside > 0, one_over, INT32_MAX - one_over)
    result = np.where(inside == 0, 1 << 30, result)
    codes = np.minimum(shift_right(result, 23, Rounding.HALF_AWAY) - 128, 127)
    return _saturate(np.where(saturated, np.where(_centred(x) > 0, 127, -128), codes), y)


def tflite_tanh(x: QType, y: QType) -> Array:
    """TANH of int8 (integer_ops/tanh.h). The kernel takes an output of scale 1/128 and zero point 0 for granted."""
    if y.scale[0] != 1 / 128 or y.zero[0] != 0:
        raise TapeoutError(f"TANH of int8 has an output of scale 1/128 and zero point 0, got {y.scale[0]} and {y.zero[0]}")
    inside, saturated = _fixed_point_input(x)
    # twice the input is the same bits with one more integer bit
    magnitude = one_minus_over_one_plus(exp_of_negative(-np.abs(inside), _FUNCTION_BITS + 1))
    codes = shift_right(np.sign(inside) * magnitude, 24, Rounding.HALF_AWAY)
    return _saturate(np.where(saturated, np.where(_centred(x) > 0, 127, -128), codes), y)


def tflite_leaky_relu(x: QType, y: QType, alpha: float) -> Array:
    """LEAKY_RELU of int8 (leaky_relu.h): a requantization for each sign, with multipliers formed in float32."""
    centred = _centred(x)
    identity = requantize(centred, *multiplier(_float_ratio(x.scale[0], by=y.scale[0])), Rounding.TFLITE)
    slope = _float_ratio(x.scale[0], alpha, by=y.scale[0])
    scaled = int(math.copysign(1, slope)) * requantize(centred, *multiplier(abs(slope)), Rounding.TFLITE)
    return _saturate(np.where(centred >= 0, identity, scaled) + y.zero[0], y)


def tflite_relu(x: QType, y: QType) -> Array:
    """RELU of int8 (micro/kernels/activations_common.cc): a requantization clipped below at the zero point."""
    scaled = requantize(_centred(x), *multiplier(_float_ratio(x.scale[0], by=y.scale[0])), Rounding.TFLITE) + y.zero[0]
    return _saturate(np.maximum(scaled, y.zero[0]), y)


def tflite_hard_swish(x: QType, y: QType) -> Array:
    """HARD_SWISH of int8 (hard_swish.h): 16-bit fixed point. Raises TapeoutError where its output multiplier is above 1."""
    high_scale = np.float32(1 / 128) * np.float32(x.scale[0])
    output, output_exponent = _multiplier_16(_float_ratio(float(high_scale), by=y.scale[0]))
    gate, gate_exponent = _multiplier_16(_float_ratio(float(high_scale), by=3 / 32768))
    if output_exponent > 0:
        raise TapeoutError(f"HARD_SWISH of int8 takes no input of scale {x.scale[0]} with an output of scale {y.scale[0]}")
    high = _centred(x) << 7
    before_shift = _doubling_high_multiply_16(high, output)
    reluish = high
    if gate_exponent > 0:
        reluish = _saturate_16(reluish << (gate_exponent - 1))
    reluish = _doubling_high_multiply_16(reluish, gate)
    if gate_exponent > 0:
        reluish = _saturate_16(reluish << 1)
    elif gate_exponent < 0:
        reluish = shift_right(reluish, -gate_exponent, Rounding.HALF_AWAY)
    reluish = (reluish + (1 << 15)) >> 1
    product = reluish * before_shift
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return _saturate(shift_right(truncated, -output_exponent, Rounding.HALF_AWAY) + y.zero[0], y)


def _multiplier_16(real: float) -> tuple[int, int]:
    """(mul, exponent) with `real = mul / 2**15 * 2**exponent`: TFLite's 31-bit multiplier cut to 15 bits."""
    mul, shift = multiplier(real)
    return (32767 if mul >= INT32_MAX - (1 << 15) else (mul + (1 << 15)) >> 16), 31 - shift


def _saturate_16(x: Int) -> Int:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def _doubling_high_multiply_16(a: Int, b: int) -> Int:
    """`a * b / 2**15` for 16-bit numbers, with the rounding of `fixed.doubling_high_multiply`."""
    return doubling_high_multiply(a << 16, b)


def _fixed_point_input(x: QType) -> tuple[Int, Array]:
    """Every code of `x` with `_FUNCTION_BITS` integer bits, and where the kernels saturate before they compute."""
    real = float(np.float32(x.scale[0])) * (1 << (31 - _FUNCTION_BITS))
    mul, shift = multiplier(min(real, 2.0**30 - 1))
    radius = math.floor(((1 << _FUNCTION_BITS) - 1) * 2.0 ** (31 - _FUNCTION_BITS) / 2.0 ** (31 - shift))
    centred = _centred(x)
    saturated = np.abs(centred) >= radius
    return requantize(np.where(saturated, 0, centred), mul, shift, Rounding.TFLITE), saturated
