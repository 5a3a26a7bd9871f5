"""Calibration: exact extremes, histograms that forget nothing, and bounds that follow from them."""
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.quant.calibrate import Histogram, calibrate
from tapeout.quant.options import Calibration, QuantizeOptions
from tapeout.quant.recipe import TensorRecipe
from tapeout.quant.scheme import Range

from .. import models


def histogram(x: Array) -> Histogram:
    found = Histogram()
    found.add(np.asarray(x, np.float32))
    return found


@pytest.fixture(scope="module")
def graph() -> Graph:
    return models.separable(False)


def test_minmax_is_what_the_reference_computes(graph: Graph) -> None:
    samples = models.samples(graph, 50)
    found = calibrate(graph, samples, QuantizeOptions(Calibration.MINMAX))
    computed = {**samples, **run(graph, samples, keep=True)}
    assert set(found) == {v.name for v in graph.values.values() if not v.constant}
    for name, range in found.items():
        assert range == Range.around(float(computed[name].min()), float(computed[name].max())), name


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_histogram_does_not_depend_on_batches(seed: int, parts: int) -> None:
    random = np.random.default_rng(seed)
    x = (random.normal(0, 1, 200) * 10.0 ** random.integers(-5, 5, 200)).astype(np.float32)
    x[random.random(200) < 0.2] = 0
    pieces = Histogram()
    for piece in np.array_split(x, parts):
        pieces.add(piece)
    whole = histogram(x)
    assert (pieces.low, pieces.high, pieces.exponent) == (whole.low, whole.high, whole.exponent)
    assert (pieces.counts == whole.counts).all() and whole.counts.sum() == len(x)


def test_histogram_of_zeros_and_of_the_largest_values() -> None:
    assert histogram(np.zeros(5)).quantile(0.1) == Range(0.0, 0.0)
    zeros = histogram(np.zeros(5))
    assert zeros.least(zeros.error, TensorRecipe(symmetric=False)) == Range(0.0, 0.0)
    assert histogram(np.array([1.0, -4.0, 2.0])).counts.sum() == 3
    large = float(np.finfo(np.float32).max)
    assert histogram(np.array([large, -large])).quantile(0) == Range(-large, large)


def test_quantile_leaves_out_no_more_than_its_share() -> None:
    x = np.arange(-1000, 9001) / 1000  # 10,001 values, 1,000 of them negative
    found = histogram(x).quantile(0.01)
    width = histogram(x).width
    assert (x < found.low).sum() <= 100 and (x > found.high).sum() <= 100
    assert abs(found.low + 0.9) <= 2 * width and abs(found.high - 8.9) <= 2 * width


def test_percentiles_are_nested_and_end_at_minmax(graph: Graph) -> None:
    samples = models.samples(graph, 100)
    found = [calibrate(graph, samples, QuantizeOptions(Calibration.PERCENTILE, percentile=p)) for p in (90.0, 99.0, 99.99, 100.0)]
    for narrow, wide in pairwise(found):
        assert all(wide[n].low <= narrow[n].low <= 0 <= narrow[n].high <= wide[n].high for n in narrow)
    assert found[-1] == calibrate(graph, samples, QuantizeOptions(Calibration.MINMAX))
    assert any(found[0][n] != found[1][n] for n in found[0])


@pytest.mark.parametrize("symmetric", [False, True])
def test_mse_is_best_among_what_the_methods_find(symmetric: bool) -> None:
    x = np.random.default_rng(0).laplace(0, 1, 20000)
    found = histogram(x)
    recipe = TensorRecipe(symmetric=symmetric)
    best = found.least(found.error, recipe)
    others = [Range(found.low, found.high), found.quantile(1e-4)]
    assert best.low > found.low and best.high < found.high
    assert all(found.error(best, recipe) < found.error(other, recipe) for other in others)


def test_mse_keeps_a_range_that_is_used_evenly() -> None:
    found = histogram(np.linspace(-1, 3, 100000))
    assert found.least(found.error, TensorRecipe(symmetric=False)) == Range(-1.0, 3.0)


def test_entropy_gives_up_outliers_alone() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 100000), [40.0, -40.0]])
    found = histogram(x)
    best = found.least(found.divergence, TensorRecipe(symmetric=True))
    assert 3 < best.high < 15 and -15 < best.low < -3
    assert found.divergence(best, TensorRecipe()) < found.divergence(Range(-1.0, 1.0), TensorRecipe())


def test_error_is_that_of_a_uniform_quantizer() -> None:
    found = histogram(np.linspace(0, 255, 1 << 20))
    assert found.error(Range(0.0, 255.0), TensorRecipe(symmetric=False)) == pytest.approx(1 / 12, rel=0.01)
    assert found.error(Range(0.0, 510.0), TensorRecipe(symmetric=False)) == pytest.approx(4 / 12, rel=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, :, :6], r"input x: got float32\[8, 1, 6, 6, 3\], expected float32\['N', 1, 7, 6, 3\]"),
        (lambda x: x.astype(np.float64), r"input x: got float64"),
        (lambda x: x[:0], "no samples"),
        (lambda x: np.where(x == x[3].max(), np.float32(np.nan), x), r"input x holds NaN or infinity in sample 3"),
        (lambda x: np.where(x == x[5].max(), np.float32(np.inf), x), r"input x holds NaN or infinity in sample 5"),
        (lambda x: x * np.float32(1e38), r"^stem.linear: computes NaN or infinity"),
    ],
)
def test_bad_samples_are_refused_with_one_line(graph: Graph, change: Callable[[Array], Array], message: str) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (8, *graph.values["x"].type.shape)).astype(np.float32)
    with pytest.raises(TapeoutError, match=message), np.errstate(all="ignore"):
        calibrate(graph, {"x": change(x)}, QuantizeOptions())
    with pytest.raises(TapeoutError, match="input x is missing"):
        calibrate(graph, {}, QuantizeOptions())


@pytest.mark.parametrize("percentile", [50.0, 101.0, float("nan")])
def test_percentile_is_checked(percentile: float) -> None:
    with pytest.raises(TapeoutError, match="percentile"):
        QuantizeOptions(Calibration.PERCENTILE, percentile=percentile)
