"""Quality figures against values worked out by hand, and thresholds that bite."""
from __future__ import annotations

import math

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.cosim.quality import Threshold, measure, parse_thresholds

WANTED = np.array([[3.0, 0.0], [0.0, 4.0]])
FOUND = np.array([[3.0, 0.5], [4.0, 0.0]])


def test_figures() -> None:
    quality = measure("host", FOUND, WANTED, np.array([0, 0]), "float.onnx")
    assert quality.sqnr_db == pytest.approx(10 * math.log10(25 / 32.25))
    assert quality.cosine == pytest.approx(9 / math.sqrt(25.25 * 25))
    assert (quality.max_abs, quality.top1_agreement, quality.accuracy, quality.float_accuracy) == (4.0, 0.5, 1.0, 0.5)


def test_the_first_maximum_wins_ties() -> None:
    assert measure("host", np.array([[1.0, 1.0]]), None, np.array([0]), None).accuracy == 1.0
    assert measure("host", np.array([[1.0, 1.0]]), None, np.array([1]), None).accuracy == 0.0


def test_classes_are_compared_as_they_are() -> None:
    """With labels, and with the place of the float model's largest output; several to a sample have no figure."""
    quality = measure("rtl", np.array([[1.0], [0.0]]), WANTED, np.array([1, 1]), "float.onnx", classes=True)
    assert (quality.top1_agreement, quality.accuracy, quality.float_accuracy, quality.sqnr_db) == (0.0, 0.5, 0.5, None)
    assert measure("rtl", FOUND, None, np.array([0, 0]), None, classes=True).accuracy is None


def test_equal_outputs_have_no_finite_sqnr_and_meet_any() -> None:
    quality = measure("host", WANTED, WANTED, None, "float.onnx")
    assert quality.sqnr_db is None and quality.max_abs == 0
    assert Threshold("sqnr_db", 100).met(quality)
    assert not Threshold("accuracy", 0.1).met(quality)


@pytest.mark.parametrize(("text", "met"), [
    ("cosine=0.3", True), ("cosine=0.4", False), ("max_abs=4", True), ("max_abs=3.9", False),
    ("max_relative=1", True), ("max_relative=0.9", False), ("top1_agreement=0.6", False),
])
def test_thresholds(text: str, met: bool) -> None:
    assert [t.met(measure("host", FOUND, WANTED, None, "float.onnx")) for t in parse_thresholds(text)] == [met]


@pytest.mark.parametrize("text", ["speed=1", "cosine", "cosine=x"])
def test_mistakes_name_the_keys(text: str) -> None:
    with pytest.raises(TapeoutError, match="keys are sqnr_db, cosine, max_abs, max_relative, top1_agreement, accuracy"):
        parse_thresholds(text)
