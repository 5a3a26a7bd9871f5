"""Calibration: the range of every activation, from the reference interpreter's run of the float graph on samples.

One pass over the samples in batches. Each value keeps its extremes and one histogram of fixed size, so memory does not
grow with the samples, and the result does not depend on how they are cut into batches.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tapeout.compiler.codes import decode, encode
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Graph, QType
from tapeout.compiler.run import check_inputs, steps

from .options import Calibration, QuantizeOptions
from .recipe import TensorRecipe
from .scheme import Range, activation_format

_BINS = 1 << 14  # so that an int8 step spans 32 bins or more, 16 when the values have one sign
_BATCH = 32  # samples; more gains no speed, as smaller arrays stay in the cache
_BATCH_ELEMENTS = 1 << 22  # of the largest value: bounds the memory of one step
_ENTROPY_BINS = 1 << 11  # so that samples of a few hundred inputs fill them
_INT8 = TensorRecipe(symmetric=False)
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

    def error(self, range: Range, recipe: TensorRecipe) -> float:
        """The mean squared error of quantizing the values, taken at the middle of their bins, with this range."""
        used = np.flatnonzero(self.counts)
        x = (used - _BINS // 2 + 0.5) * self.width
        return float(np.average((_quantized(x, range, recipe) - x) ** 2, weights=self.counts[used]))

    def divergence(self, range: Range, recipe: TensorRecipe) -> float:
        """The Kullback-Leibler divergence of the values from what quantization with this range leaves of them, in nats.

        As in TensorRT's calibration (S. Migacz, "8-bit Inference with TensorRT", GTC 2017): values beyond the range count at its ends, and
        within one code the quantized distribution is uniform over the bins that hold anything.
        """
        merged = self.counts.reshape(-1, _BINS // _ENTROPY_BINS).sum(axis=1)
        merged[_ENTROPY_BINS // 2] = 0  # the zeros behind a relu, which every format holds exactly
        if not merged.any():
            return 0.0
        width = self.width * _BINS / _ENTROPY_BINS
        used = np.flatnonzero(merged)
        middle = (used - _ENTROPY_BINS // 2 + 0.5) * width
        x = np.clip(middle, range.low, range.high)
        bins, place = np.unique(np.floor(x / width), return_inverse=True)
        reference = np.bincount(place, merged[used].astype(np.float64))
        code = np.zeros(len(bins), np.int64)
        code[place] = np.unique(_quantized(x, range, recipe), return_inverse=True)[1]
        inside = np.bincount(place, merged[used] * (middle == x))  # what is clipped belongs to the reference alone
        candidate = (np.bincount(code, inside) / np.maximum(np.bincount(code), 1))[code]
        p, q = reference / reference.sum(), np.maximum(candidate / reference.sum(), 1e-12)
        return float((p * np.log(p / q)).sum())

    def least(self, measure: Callable[[Range, TensorRecipe], float], recipe: TensorRecipe) -> Range:
        """The best range of a grid: first both bounds are drawn in together, then the upper and the lower one alone."""
        factors = np.arange(_GRID, 0, -1) / _GRID
        best = Range(self.low, self.high)
        for low, high in (1, 1), (0, 1), (1, 0):
            candidates = [Range(best.low * (f if low else 1), best.high * (f if high else 1)) for f in factors]
            best = min(candidates, key=lambda r: measure(r, recipe))
        return best


def _quantized(x: Array, range: Range, recipe: TensorRecipe) -> Array:
    """Reals behind a quantizer for this range; as they are when the recipe keeps floats."""
    q = activation_format(range, recipe)
    return decode(encode(x, q, Rounding.HALF_EVEN), q, x.dtype) if isinstance(q, QType) and not recipe.dynamic else x


def calibrate(
    graph: Graph, samples: Mapping[str, Array], options: QuantizeOptions, recipes: Mapping[str, TensorRecipe] | None = None
) -> dict[str, Range]:
    """The range of every float value that is no constant, for samples (N, *shape) in float32 by value name.

    `recipes` say what the values become, by name, int8 for all others; two of the methods measure its error.

    Raises TapeoutError that names the input when samples are missing, none, of another shape or format, or not
    finite, and that names the node when a finite input makes it overflow.
    """
    known = recipes or {}
    return {name: _range(histogram, options, known.get(name, _INT8)) for name, histogram in _collect(graph, samples).items()}


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


def _range(histogram: Histogram, options: QuantizeOptions, recipe: TensorRecipe) -> Range:
    match options.calibration:
        case Calibration.MINMAX:
            return Range(histogram.low, histogram.high)
        case Calibration.PERCENTILE:
            return histogram.quantile(1 - options.percentile / 100)
        case Calibration.MSE:
            return histogram.least(histogram.error, recipe)
        case Calibration.ENTROPY:
            return histogram.least(histogram.divergence, recipe)
