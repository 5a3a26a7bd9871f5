"""What is written as QONNX and QDQ means the same in other engines, and is read back as the same network."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from tapeout.compiler import data, text
from tapeout.compiler.build import lower
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.quant.export import Writer, write_float, write_qdq, write_qonnx
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import load, parse

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
COUNT = 40
Write = Callable[[Graph, Path], list[str]]


@pytest.fixture(scope="module")
def network() -> Graph:
    return read(DIGITS / "digits.onnx", {})


@pytest.fixture(scope="module")
def samples(network: Graph) -> dict[str, Array]:
    return data.inputs(network, data.load(DIGITS / "digits_calibration.npz"), "calibration")


@pytest.fixture(scope="module")
def images() -> Array:
    with np.load(DIGITS / "digits_test.npz") as file:
        return np.asarray(file["image"][:COUNT])


def integers(graph: Graph, samples: dict[str, Array]) -> Array:
    lowered = lower(graph)
    feed = {port.value: array[:COUNT] for port, array in zip(lowered.inputs, samples.values(), strict=True)}
    (array,) = run(lowered, feed).values()
    return array.reshape(COUNT, -1)


def by_onnxruntime(path: Path, images: Array) -> Array:
    """Without its optimizations, which drop a Clip between QuantizeLinear and DequantizeLinear."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": images[i : i + 1]})[0] for i in range(len(images))])


def by_qonnx(path: Path, images: Array) -> Array:
    model = ModelWrapper(str(path)).transform(InferShapes())
    return np.concatenate([execute_onnx(model, {"image": images[i : i + 1]})["logits"] for i in range(len(images))])


RECIPES = ("int8", "int8-sym", "w4a8", "w2a4", "ternary", "fixed<8,3>")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("write", "execute"), [(write_qonnx, by_qonnx), (write_qdq, by_onnxruntime)], ids=["qonnx", "qdq"])
def test_other_engines_compute_the_same_codes(
    recipe: str, write: Write, execute: Callable[[Path, Array], Array], network: Graph, samples: dict[str, Array], images: Array,
    tmp_path: Path,
) -> None:
    quantized = quantize(network, samples, load(recipe), QuantizeOptions())
    notes = write(quantized, tmp_path / "net.onnx")
    assert bool(notes) == (recipe != "fixed<8,3>")  # which rounds half to even, as the formats do
    feed = data.inputs(network, {"image": images}, "images")
    assert (execute(tmp_path / "net.onnx", images) != integers(quantized, feed)).sum() == 0


@pytest.mark.parametrize("recipe", [*RECIPES, "fixed<16,6>"])
def test_qonnx_is_read_back_as_the_same_network(recipe: str, network: Graph, samples: dict[str, Array], tmp_path: Path) -> None:
    assert_same(quantize(network, samples, load(recipe), QuantizeOptions()), write_qonnx, tmp_path)


@pytest.mark.parametrize("recipe", RECIPES)
def test_qdq_is_read_back_as_the_same_network(recipe: str, network: Graph, samples: dict[str, Array], tmp_path: Path) -> None:
    assert_same(quantize(network, samples, load(recipe), QuantizeOptions()), write_qdq, tmp_path)


def assert_same(graph: Graph, write: Write, folder: Path) -> None:
    """The lowered graphs are equal line by line and bit by bit, but for the name of the value that the output quantizes."""
    write(graph, folder / "net.onnx")
    first, second = lower(graph), lower(read(folder / "net.onnx", {}))
    texts = [text.format(g).replace("logits_unquantized", "logits").splitlines()[1:] for g in (first, second)]
    assert texts[0] == texts[1]
    for one, other in zip(first.constants(), second.constants(), strict=True):
        assert one.data is not None and other.data is not None and np.array_equal(one.data, other.data), one.name


def test_an_output_comes_from_its_quantizer(network: Graph, samples: dict[str, Array], tmp_path: Path) -> None:
    """hls4ml finds none behind an Identity, which is there for a second name alone."""
    graph = quantize(network, samples, load("int8"), QuantizeOptions())
    (port,) = graph.outputs
    write_qonnx(replace(graph, outputs=(port, replace(port, name="again"))), tmp_path / "net.onnx")
    last, again = onnx.load(tmp_path / "net.onnx").graph.node[-2:]
    assert (last.op_type, list(last.output)) == ("Quant", ["logits"])
    assert (again.op_type, list(again.input), list(again.output)) == ("Identity", ["logits"], ["again"])


def test_floor_is_what_qonnx_says_itself(network: Graph, samples: dict[str, Array], tmp_path: Path) -> None:
    floor = parse({"weights": {"bits": 8}, "activations": {"bits": 8}, "rounding": "floor"}, "floor")
    assert write_qonnx(quantize(network, samples, floor, QuantizeOptions()), tmp_path / "net.onnx") == []


def test_one_wrong_scale_is_noticed(network: Graph, samples: dict[str, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above bites."""
    real = Writer.initializer

    def wrong(self: Writer, name: str, array: Array) -> str:
        return real(self, name, array * 2 if name.startswith("/conv_relu") and name.endswith("_scale") else array)

    monkeypatch.setattr(Writer, "initializer", wrong)
    with pytest.raises(AssertionError):
        assert_same(quantize(network, samples, load("w2a4"), QuantizeOptions()), write_qdq, tmp_path)


@pytest.mark.parametrize(("recipe", "words"), [("fp16", "f16 has no form"), ("fixed<16,6>", "has no form in QDQ; write QONNX")])
def test_what_a_file_cannot_hold_is_refused(recipe: str, words: str, network: Graph, samples: dict[str, Array], tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=words):
        write_qdq(quantize(network, samples, load(recipe), QuantizeOptions()), tmp_path / "net.onnx")


def test_a_float_network_is_written_too(network: Graph, images: Array, tmp_path: Path) -> None:
    write_float(network, tmp_path / "net.onnx")
    feed = data.inputs(network, {"image": images}, "images")
    (wanted,) = run(network, feed).values()
    (found,) = run(read(tmp_path / "net.onnx", {}), feed).values()
    assert np.array_equal(found, wanted)
