"""What a user decides about quantization after training."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tapeout.compiler.errors import TapeoutError


class Calibration(StrEnum):
    """How the range of an activation follows from what it was on the calibration samples.

    MINMAX      from the least to the greatest value
    PERCENTILE  the range that leaves out at most a given share of the values at either end
    MSE         the range, of a grid, with the least mean squared error after quantization
    ENTROPY     the range, of a grid, whose codes say most of the distribution: the least Kullback-Leibler divergence
    """

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


class Improvement(StrEnum):
    """What is done to weights and biases so that less is lost, in the order in which it is done.

    EQUALIZE      channels between two layers get ranges of weights that are alike; the float network stays the function it is
    ADAROUND      each weight is rounded up or down as serves the results of its layer; needs torch
    CORRECT_BIAS  the error of the mean of each channel's sums goes into the bias
    """

    EQUALIZE = "equalize"
    ADAROUND = "adaround"
    CORRECT_BIAS = "correct-bias"


@dataclass(frozen=True)
class QuantizeOptions:
    """How ranges follow from calibration data, and what makes weights fit them.

    `percentile` is the share of values, in per cent, that lie below the upper bound (and above the lower one);
    only PERCENTILE reads it. `seed` is that of ADAROUND.
    """

    calibration: Calibration = Calibration.MINMAX
    percentile: float = 99.99
    improve: tuple[Improvement, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise TapeoutError(f"percentile {self.percentile} is outside 50 .. 100; 99.99 is usual")
