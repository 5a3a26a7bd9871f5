"""Trained networks keep their accuracy: the example of this repository, and one of the zoo."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import data
from tapeout.compiler.build import lower
from tapeout.compiler.frontends.onnx import read_onnx
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.quant import Calibration

from .integers import integers

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


def accuracy(graph: Graph, inputs: dict[str, Array], labels: Array) -> float:
    (logits,) = run(lower(graph), inputs).values()
    return float((logits.reshape(len(labels), -1).argmax(axis=1) == labels).mean())


@pytest.mark.parametrize("calibration", Calibration)
@pytest.mark.parametrize("symmetric", [False, True])
def test_digits(calibration: Calibration, symmetric: bool) -> None:
    graph = read_onnx(DIGITS / "digits.onnx", {})
    samples = data.inputs(graph, data.load(DIGITS / "digits_calibration.npz"), "digits_calibration.npz")
    test = data.load(DIGITS / "digits_test.npz")
    integer = integers(graph, samples, calibration, symmetric)
    assert accuracy(integer, data.inputs(graph, test, "digits_test.npz"), test["y"]) >= 0.985


@pytest.mark.parametrize(
    ("calibration", "count", "least"),
    [(Calibration.MSE, 10000, 0.988), (Calibration.MINMAX, 2000, 0.98), (Calibration.PERCENTILE, 2000, 0.98)],
)
def test_mnist(zoo: Path, calibration: Calibration, count: int, least: float) -> None:
    graph = read_onnx(zoo / "onnx" / "mnist-8" / "model.onnx", {})
    train, test = (np.load(zoo / "datasets" / f"mnist_{name}.npz") for name in ("train60k", "test10k"))
    samples, inputs = (data.inputs(graph, {"x": x[:, None].astype(np.float32)}, "mnist") for x in (train["x"][:500], test["x"][:count]))
    assert accuracy(integers(graph, samples, calibration), inputs, test["y"][:count]) >= least
