"""The MLPerf Tiny models: the reference equals TensorFlow Lite Micro in every output byte."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.frontends import read
from tapeout.compiler.ir import F32
from tapeout.compiler.run import run
from tapeout.cosim.floatref import float_outputs

from .micro import feeds, interpret

INT8 = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet96")
FLOAT = ("ad_autoencoder", "ic_resnet8", "vww_mobilenet96")


@pytest.mark.parametrize("name", INT8)
def test_int8_models_equal_the_interpreter(zoo: Path, name: str) -> None:
    path = zoo / f"mlperf_tiny/{name}_int8.tflite"
    graph = read(path, {})
    inputs = feeds(graph, samples=20)
    (expected,) = interpret(path.read_bytes(), inputs)
    np.testing.assert_array_equal(run(graph, inputs)[graph.output_names[0]], expected)


def test_keyword_spotting_on_its_test_set(zoo: Path) -> None:
    path = zoo / "mlperf_tiny/kws_dscnn_int8.tflite"
    graph = read(path, {})
    x = np.load(zoo / "datasets/kws01_test_mfcc_int8.npz")["x"].reshape(-1, 1, 49, 10, 1)[:100]
    (expected,) = interpret(path.read_bytes(), {"x": x})
    np.testing.assert_array_equal(run(graph, {graph.input_names[0]: x})[graph.output_names[0]], expected)


@pytest.mark.parametrize("name", FLOAT)
def test_float_models_are_within_rounding_of_the_interpreter(zoo: Path, name: str) -> None:
    path = zoo / f"mlperf_tiny/{name}_float.tflite"
    graph = read(path, {})
    inputs = feeds(graph, samples=2)
    (expected,) = interpret(path.read_bytes(), inputs)
    got = run(graph, inputs)[graph.output_names[0]]
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_ports_are_the_files(zoo: Path) -> None:
    graph = read(zoo / "mlperf_tiny/kws_dscnn_int8.tflite", {})
    (x,), (y,) = graph.inputs, graph.outputs
    assert (x.name, x.dtype, x.axes, graph.values[x.value].type.shape) == ("input_1", "int8", (0, 1, 2, 3), (1, 49, 10, 1))
    assert (y.name, y.dtype, y.axes, graph.values[y.value].type.shape) == ("Identity", "int8", (0, 1), (1, 12))
    assert graph.values[x.value].type.quantized.zero == (83,)


def test_weights_in_int8_beside_float_activations_are_dequantized(zoo: Path) -> None:
    path = zoo / "mlperf_tiny/kws_dscnn_float.tflite"
    graph = read(path, {})
    assert all(v.type.q == F32 for v in graph.values.values())
    with np.load(zoo / "datasets/kws01_test_mfcc_int8.npz") as file:
        x, labels = ((file["x"][:200].astype(np.float32) - 83) * np.float32(0.5847)), file["y"][:200]
    got = run(graph, {graph.input_names[0]: x[:, None]})[graph.output_names[0]][:, 0]
    (expected,) = float_outputs(path, {graph.inputs[0].name: x}).values()  # which quantizes activations on the way
    assert (got.argmax(1) == expected.argmax(1)).mean() >= 0.98
    assert (got.argmax(1) == labels).mean() >= (expected.argmax(1) == labels).mean() - 0.01
