"""Calibration: the range of every activation, from the reference interpreter's run of the float graph on samples.

One pass over the samples in batches. Each value keeps its extremes and one histogram of fixed size, so memory does not
grow with the samples, and the result does not depend on how they are cut into batches.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import F32, Array, Graph
from tapeout.compiler.run import check_inputs, steps

from .options import Calibration, QuantizeOptions
from .scheme import Range, activation_type

_BINS = 1 << 14  # so that an int8 step spans 32 bins or more, 16 when the values have one sign
_BATCH = 32  # samples; more gains no speed, as smaller arrays stay in the cache
_BATCH_ELEMENTS = 1 << 22  # of the largest value: bounds the memory of one step
_GRID = 128  # ranges tried for each bound by MSE: 1/128 to 1 of the extreme


class Histogram:
    """Counts of the values of a tensor in equal bins over -2**exponent .. 2**exponent, with the exact extremes.

    The exponent grows as values do, by merging pairs of bins: what was counted stays exact.
    """

    def __init__(self) -> None:
        self.low = self.high = 0.0
        self.exponent: int | None = None
        self.counts = np.zeros(_BINS, np.int64)

    @property
    def width(self) -> float:
        """Of one bin."""
        return 2.0 ** ((self.exponent or 0) + 1) / _BINS

    def add(self, x: Array) -> None:
        """Counts all elements of a float32 array; raises ValueError for NaN and infinity."""
        low, high = float(x.min(initial=0)), float(x.max(initial=0))
        if not np.isfinite([low, high]).all():
            raise ValueError("NaN or infinity")
        self.low, self.high = min(self.low, low), max(self.high, high)
        largest = max(-low, high)
        if largest > 0:
            self._reach(int(np.frexp(largest)[1]))
        bins = np.floor(x.ravel() * np.float64(1 / self.width)).astype(np.int64) + _BINS // 2
        self.counts += np.bincount(bins, minlength=_BINS)

    def _reach(self, exponent: int) -> None:
        """Makes 2**exponent the bound unless it is greater already."""
        if self.exponent is None:
            zeros = self.counts[_BINS // 2]
            self.counts[:] = 0
            self.counts[_BINS // 2] = zeros
            self.exponent = exponent
        while self.exponent < exponent:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.pad(merged, _BINS // 4)
            self.exponent += 1

    def quantile(self, share: float) -> Range:
        """The least range of whole bins that leaves out at most `share` of the values at either end."""
        allowed = int(share * self.counts.sum())
        below = np.cumsum(self.counts)
        first = int(np.searchsorted(below, allowed, side="right"))
        last = _BINS - 1 - int(np.searchsorted(np.cumsum(self.counts[::-1]), allowed, side="right"))
        low = (first - _BINS // 2) * self.width
        high = (last + 1 - _BINS // 2) * self.width
        return Range.around(max(low, self.low), min(high, self.high))

    def error(self, range: Range, symmetric: bool) -> float:
        """The mean squared error of quantizing the values, taken at the middle of their bins, with this range."""
        q = activation_type(range, symmetric)
        used = np.flatnonzero(self.counts)
        x = (used - _BINS // 2 + 0.5) * self.width
        code = np.clip(np.rint(x / q.scale[0]) + q.zero[0], q.min, q.max)
        return float(np.average(((code - q.zero[0]) * q.scale[0] - x) ** 2, weights=self.counts[used]))

    def least_error(self, symmetric: bool) -> Range:
        """The best range of a grid: first both bounds are drawn in together, then the upper and the lower one alone."""
        factors = np.arange(_GRID, 0, -1) / _GRID
        best = Range(self.low, self.high)
        for low, high in (1, 1), (0, 1), (1, 0):
            candidates = [Range(best.low * (f if low else 1), best.high * (f if high else 1)) for f in factors]
            best = min(candidates, key=lambda r: self.error(r, symmetric))
        return best


def calibrate(graph: Graph, samples: Mapping[str, Array], options: QuantizeOptions) -> dict[str, Range]:
    """The range of every float value that is no constant, for samples (N, *shape) in float32 by value name.

    Raises TapeoutError that names the input when samples are missing, none, of another shape or format, or not
    finite, and that names the node when a finite input makes it overflow.
    """
    return {name: _range(histogram, options) for name, histogram in _collect(graph, samples).items()}


def _collect(graph: Graph, samples: Mapping[str, Array]) -> dict[str, Histogram]:
    count = check_inputs(graph, samples)
    if not count:
        raise TapeoutError("calibration data holds no samples; give at least one")
    for port in graph.inputs:
        bad = ~np.isfinite(samples[port.value]).reshape(count, -1).all(axis=1)
        if bad.any():
            sample = int(bad.argmax())
            raise TapeoutError(f"calibration data of input {port.name} holds NaN or infinity in sample {sample}; expected finite values")
    largest = max(v.type.size for v in graph.values.values() if not v.constant)
    batch = max(1, min(_BATCH, _BATCH_ELEMENTS // largest))
    histograms = {v.name: Histogram() for v in graph.values.values() if not v.constant and v.type.q == F32}
    for start in range(0, count, batch):
        feed = {name: samples[name][start : start + batch] for name in graph.input_names}
        for name in feed:
            histograms[name].add(feed[name])
        for node, results in steps(graph, feed):
            for name, array in zip(node.outputs, results, strict=True):
                try:
                    histograms[name].add(array)
                except ValueError as error:
                    raise TapeoutError(f"{node.name}: computes {error} on the calibration samples; check their scaling") from None
    return histograms


def _range(histogram: Histogram, options: QuantizeOptions) -> Range:
    match options.calibration:
        case Calibration.MINMAX:
            return Range(histogram.low, histogram.high)
        case Calibration.PERCENTILE:
            return histogram.quantile(1 - options.percentile / 100)
        case Calibration.MSE:
            return histogram.least_error(options.symmetric)
