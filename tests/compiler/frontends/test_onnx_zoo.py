"""Real ONNX models against onnxruntime and against the outputs that come with them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array
from tapeout.compiler.run import run

from .onnx_models import assert_same, lowered, transposes


def tensor(path: Path) -> Array:
    return np.asarray(numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())))


@pytest.mark.parametrize("count", range(3))
def test_mnist_8_gives_the_outputs_that_come_with_it(zoo: Path, count: int) -> None:
    graph = lowered(read(zoo / "onnx/mnist-8/model.onnx", {}))
    pair = zoo / f"onnx/mnist-8/test_data_set_{count}"
    x, y = tensor(pair / "input_0.pb"), tensor(pair / "output_0.pb")
    found = run(graph, {graph.inputs[0].value: graph.inputs[0].from_source(x[np.newaxis])})[graph.outputs[0].value]
    np.testing.assert_allclose(found[0], y, rtol=1e-5, atol=1e-5 * np.abs(y).max())


def test_mnist_8_is_three_layers_with_bias(zoo: Path) -> None:
    graph = lowered(read(zoo / "onnx/mnist-8/model.onnx", {}))
    assert [n.op.name() for n in graph.nodes] == ["conv2d", "clip", "max_pool2d", "conv2d", "clip", "max_pool2d", "reshape", "dense"]
    assert graph.output_names == ("Plus214_Output_0",)


@pytest.mark.parametrize("name", ["onnx/mnist-8/model.onnx", "onnx/onnx-mlir_mnist.onnx", "hls4ml/three_layer_keras.onnx"])
def test_equal_to_onnxruntime(zoo: Path, name: str) -> None:
    graph = read(zoo / name, {})
    rng = np.random.default_rng(0)
    port = graph.inputs[0]
    shape = [graph.values[port.value].type.shape[port.axes.index(a)] for a in range(len(port.axes))]
    samples = [{port.name: rng.random(shape, np.float32)} for _ in range(10)]
    made = onnx.load(zoo / name)
    assert_same(made, graph, samples)
    assert_same(made, lowered(graph), samples)
    assert transposes(lowered(graph)) == 0


@pytest.mark.parametrize(("name", "op"), [("hls4ml/conv2d_small_mp_keras.onnx", "Selu")])
def test_refused_by_name(zoo: Path, name: str, op: str) -> None:
    with pytest.raises(Unsupported, match=op):
        read(zoo / name, {})
