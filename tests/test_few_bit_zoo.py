"""Networks of one and two bits that others trained: read from QONNX, lowered to packed C, with the predictions of the qonnx executor."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from tapeout.compiler.build import lower
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.run import run
from tapeout.cosim.engine import Engine, Reference
from tapeout.cosim.host import HOST, HOST_ASAN
from tapeout.cosim.qemu import QEMU
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.test_cli import tapeout

ACCURACY = {"TFC_1W1A": 0.9296, "TFC_2W2A": 0.9660}
KERNELS = {"TFC_1W1A": ["dense_b1"] * 4, "TFC_2W2A": ["dense_packed_s8"] * 4}
BITS = {"TFC_1W1A": 1, "TFC_2W2A": 2}
LAYERS = ((64, 784), (64, 64), (64, 64), (10, 64))


@pytest.fixture(scope="module")
def digits(zoo: Path) -> tuple[Array, Array]:
    """The 10,000 MNIST test images as 0 .. 1, and their labels."""
    with np.load(zoo / "datasets" / "mnist_test10k.npz") as file:
        return (file["x"].astype(np.float32) / 255).reshape(-1, 1, 1, 28, 28), file["y"].astype(np.int64)


def executed(path: Path, images: Array) -> Array:
    """The outputs of the qonnx executor, 1000 images at a time."""
    model = ModelWrapper(str(path))
    name = model.graph.input[0].name
    model.set_tensor_shape(name, [1000, 1, 28, 28])
    model = model.transform(InferShapes())
    parts = [execute_onnx(model, {name: images[i : i + 1000, 0]}) for i in range(0, len(images), 1000)]
    return np.concatenate([next(iter(p.values())) for p in parts])


def outputs(graph: Graph, engine: Engine, images: Array, folder: Path, target: str = "c") -> Array:
    compiled = Compiled.write(folder, "net", find_target(target), graph)
    (array,) = engine.run(compiled, {graph.input_names[0]: images}).values()
    return array.reshape(len(images), -1)


@pytest.mark.parametrize("name", ACCURACY)
def test_predictions_are_those_of_the_executor(name: str, zoo: Path, digits: tuple[Array, Array], tmp_path: Path) -> None:
    images, labels = digits
    path = zoo / "qonnx" / f"{name}.onnx"
    graph = lower(read(path, {}))
    found = outputs(graph, HOST, images, tmp_path / "host")
    wanted = executed(path, images)
    assert (found.argmax(1) != wanted.argmax(1)).sum() == 0
    assert round(float((found.argmax(1) == labels).mean()), 4) == ACCURACY[name]
    assert np.array_equal(found, outputs(graph, Reference(), images, tmp_path / "reference"))


@pytest.mark.parametrize("name", ACCURACY)
def test_every_engine_agrees(name: str, zoo: Path, digits: tuple[Array, Array], tmp_path: Path) -> None:
    graph = lower(read(zoo / "qonnx" / f"{name}.onnx", {}))
    images = digits[0][:200]
    wanted = outputs(graph, Reference(), images, tmp_path / "reference")
    for engine, target in ((HOST_ASAN, "c"), (QEMU, "cortex-m4")):
        assert np.array_equal(outputs(graph, engine, images, tmp_path / engine.name, target), wanted)


@pytest.mark.parametrize("name", ACCURACY)
def test_weights_are_packed_to_the_bit(name: str, zoo: Path) -> None:
    graph = lower(read(zoo / "qonnx" / f"{name}.onnx", {}))
    layers = [n for n in graph.nodes if n.op.name() == "dense"]
    assert [n.op.symbol(graph.types(n)) for n in layers] == KERNELS[name]
    assert [graph.values[n.inputs[1]].type.bytes for n in layers] == [-(-o * i * BITS[name] // 8) for o, i in LAYERS]


def test_a_quantizer_that_is_dropped_is_noticed(zoo: Path) -> None:
    """Without the quantizer behind the second batch norm that layer would stay in float: refused by name."""
    graph = read(zoo / "qonnx" / "TFC_2W2A.onnx", {})
    quantizers = [n for n in graph.nodes if isinstance(n.op, FakeQuantize) and not graph.values[n.inputs[0]].constant]
    lost = quantizers[2]
    nodes = [n if lost.name not in n.inputs else type(n)(n.op, tuple(lost.inputs[0] if i == lost.name else i for i in n.inputs), n.outputs)
             for n in graph.nodes if n is not lost]  # fmt: skip
    with pytest.raises(Unsupported, match=r"no quantizer is behind it"):
        lower(graph.replace(nodes))


def test_an_input_without_quantizer_is_refused(zoo: Path) -> None:
    with pytest.raises(Unsupported, match="MatMul_0_out0: dense would stay in float"):
        lower(read(zoo / "qonnx" / "qkeras_jettagging.onnx", {}))


def test_what_has_no_quantizer_can_stay_in_float_and_is_told(zoo: Path, tmp_path: Path) -> None:
    done = tapeout("compile", zoo / "qonnx" / "qkeras_jettagging.onnx", "--target", "c", "--no-strict", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for node in ("MatMul_0_out0: dense", "global_out: softmax"):
        assert f"warning: {node} runs in float32" in done.stdout
    done = tapeout("cosim", tmp_path / "out", "--count", "20")
    assert done.returncode == 0 and "host-asan: 0 / 100 elements differ" in done.stdout, done.stdout + done.stderr


def test_the_command_compiles_it(zoo: Path, tmp_path: Path) -> None:
    done = tapeout("compile", zoo / "qonnx" / "TFC_1W1A.onnx", "--target", "cortex-m4", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    done = tapeout("cosim", tmp_path / "out", "--count", "20")
    assert done.returncode == 0 and "qemu: 0 / 200 elements differ" in done.stdout, done.stdout + done.stderr


def test_the_annotated_graph_says_the_same_as_the_integers(zoo: Path, digits: tuple[Array, Array]) -> None:
    graph = read(zoo / "qonnx" / "TFC_2W2A.onnx", {})
    images = {graph.input_names[0]: digits[0][:500]}
    (floats,), (integers,) = run(graph, images).values(), run(lower(graph), images).values()
    assert np.array_equal(floats.argmax(-1), integers.argmax(-1))

