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


@dataclass(frozen=True)
class QuantizeOptions:
    """How ranges follow from calibration data.

    `percentile` is the share of values, in per cent, that lie below the upper bound (and above the lower one);
    only PERCENTILE reads it.
    """

    calibration: Calibration = Calibration.MINMAX
    percentile: float = 99.99

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise TapeoutError(f"percentile {self.percentile} is outside 50 .. 100; 99.99 is usual")
