"""Keras checkpoints: the same network as the model computes and as PyTorch brings it, and nothing in a file is run."""
from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends import kind, read, readable
from tapeout.compiler.frontends.tflite import read_tflite
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run

from . import same_network
from .same_network import assert_same_graph, outputs


class Kerases(NamedTuple):
    """Both packages; loading TensorFlow takes ten seconds."""

    keras: Any
    tf_keras: Any


@pytest.fixture(scope="module")
def packages() -> Kerases:
    import tapeout.compiler.frontends.keras  # silences TensorFlow

    assert tapeout.compiler.frontends.keras
    import keras
    import tf_keras

    return Kerases(keras, tf_keras)


@pytest.fixture(scope="module")
def saved(packages: Kerases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the network as every file that Keras writes."""
    folder = tmp_path_factory.mktemp("keras")
    for package in packages:
        model = same_network.of_keras(package)
        for suffix in ("keras", "h5"):
            model.save(folder / f"{package.__name__}.{suffix}")
    return folder


FILES = ("keras.keras", "keras.h5", "tf_keras.keras", "tf_keras.h5")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The network as PyTorch brings it."""
    import torch

    path = tmp_path_factory.mktemp("torch") / "net.pt2"
    torch.export.save(torch.export.export(same_network.of_torch(), (torch.zeros(1, 3, 10, 10),)), path)
    return simplify(read(path, {}))


@pytest.mark.parametrize("name", FILES)
def test_the_same_network_as_from_torch(saved: Path, expected: Graph, name: str) -> None:
    graph = simplify(read(saved / name, {}))
    assert ([p.name for p in graph.inputs], [p.name for p in graph.outputs]) == (["image"], ["dense"])
    assert_same_graph(graph, expected)
    np.testing.assert_allclose(outputs(graph), outputs(expected), atol=1e-6)


def test_the_comparison_bites(saved: Path, expected: Graph, packages: Kerases, tmp_path: Path) -> None:
    model = same_network.of_keras(packages.keras)
    gamma, *others = model.get_layer("norm").get_weights()
    model.get_layer("norm").set_weights([gamma * 1.001, *others])
    model.save(tmp_path / "other.keras")
    with pytest.raises(AssertionError):
        assert_same_graph(simplify(read(tmp_path / "other.keras", {})), expected)


def own_loss(truth: Any, found: Any) -> Any:
    return abs(truth - found)


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_how_a_model_was_trained_does_not_matter(package: str, form: str, packages: Kerases, tmp_path: Path, expected: Graph) -> None:
    """An optimizer, a loss of one's own and metrics are saved with a compiled model; also inside another model."""
    keras = getattr(packages, package)
    model = same_network.of_keras(keras)
    model.compile("adam", own_loss, metrics=["accuracy"])
    model.save(tmp_path / f"net.{form}")
    assert_same_graph(simplify(read(tmp_path / f"net.{form}", {})), expected)
    model.compile("adam", "mse", metrics=["accuracy"])
    outer = keras.Sequential([keras.Input(same_network.SHAPE[1:]), model])
    outer.compile("sgd", own_loss)
    outer.save(tmp_path / f"outer.{form}")
    found = simplify(read(tmp_path / f"outer.{form}", {}))
    assert [n.op for n in found.nodes] == [n.op for n in expected.nodes]


def test_converted_by_the_user(saved: Path, packages: Kerases, tmp_path: Path, expected: Graph) -> None:
    import tensorflow

    model = packages.keras.models.load_model(saved / "keras.keras", compile=False)
    file = tmp_path / "net.tflite"
    file.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())
    assert_same_graph(simplify(read_tflite(file, {})), expected)


def test_the_model_itself_computes_this(saved: Path, packages: Kerases) -> None:
    images = np.random.default_rng(1).normal(0, 1, (4, *same_network.SHAPE)).astype(np.float32)
    model = packages.tf_keras.models.load_model(saved / "tf_keras.h5", compile=False)
    found = outputs(read(saved / "tf_keras.h5", {}))
    np.testing.assert_allclose(found[:, 0], model.predict(images[:, 0], verbose=0), atol=1e-6)


def test_what_the_file_holds_decides(saved: Path, tmp_path: Path) -> None:
    for name, expected_kind in (("keras.keras", "keras"), ("tf_keras.h5", "h5")):
        renamed = tmp_path / f"{name}.onnx"
        renamed.write_bytes((saved / name).read_bytes())
        assert kind(renamed) == expected_kind
        with readable(renamed, {}) as (form, file):
            assert (form, kind(file)) == ("tflite", "tflite")
        assert not file.exists()


def test_nothing_is_said(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in FILES:
        read(saved / name, {})
    assert capfd.readouterr() == ("", "")


def test_several_inputs_outputs_and_open_sizes(packages: Kerases, tmp_path: Path) -> None:
    keras = packages.keras
    left, right = keras.Input((None, None, 2), name="left"), keras.Input((4, 4, 2), name="right")
    both = keras.layers.Add(name="both")([left, right])
    model = keras.Model([left, right], [keras.layers.Flatten(name="flat")(both), keras.layers.ReLU(name="clipped")(both)])
    path = tmp_path / "two.keras"
    model.save(path)
    graph = read(path, {"left": (1, 4, 4, 2)})
    assert ([p.name for p in graph.inputs], [p.name for p in graph.outputs]) == (["left", "right"], ["flat", "clipped"])
    a, b = (np.random.default_rng(i).normal(size=(1, 1, 4, 4, 2)).astype(np.float32) for i in (1, 2))
    flat, clipped = (run(graph, {"left": a, "right": b})[p.value] for p in graph.outputs)
    assert np.array_equal(flat.ravel(), (a + b).ravel()) and np.array_equal(clipped, np.maximum(a + b, 0))
    for shapes, message in (
        ({}, r"input left has the shape 1x\?x\?x2; fix it with --shape left="),
        ({"up": (1,)}, "has no input 'up'; its inputs are left, right"),
        ({"left": (1, 4, 4, 2), "right": (1, 5, 5, 2)}, r"input right has the shape \?x4x4x2, which 1x5x5x2 does not fit"),
    ):
        with pytest.raises(TapeoutError, match=message):
            read(path, shapes)


@pytest.mark.parametrize("name", ["ic_resnet8", "vww_mobilenet96"])
def test_checkpoints_of_mlperf_tiny(zoo: Path, name: str) -> None:
    """The same ops as in the float file that their authors converted; numbers within float tolerance."""
    found, known = (simplify(read(zoo / "mlperf_tiny" / f"{name}{end}", {})) for end in (".h5", "_float.tflite"))
    assert [(n.op, found.values[n.name].type) for n in found.nodes] == [(n.op, known.values[n.name].type) for n in known.nodes]
    x = np.random.default_rng(0).uniform(0, 255 if name.startswith("ic") else 1, (2, *found.values[found.inputs[0].value].type.shape))
    first, second = (run(g, {g.inputs[0].value: x.astype(np.float32)})[g.outputs[0].value] for g in (found, known))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_jet_tagger_of_hls4ml(zoo: Path, packages: Kerases, tmp_path: Path) -> None:
    model = packages.tf_keras.models.model_from_json((zoo / "hls4ml/KERAS_3layer.json").read_text())
    model.load_weights(zoo / "hls4ml/KERAS_3layer_weights.h5")
    model.save(tmp_path / "jets.h5")
    graph = read(tmp_path / "jets.h5", {})
    x = np.random.default_rng(0).normal(size=(5, 1, 16)).astype(np.float32)
    found = run(graph, {graph.inputs[0].value: x})[graph.outputs[0].value]
    np.testing.assert_allclose(found[:, 0], model.predict(x[:, 0], verbose=0), atol=1e-5)


# what carries code


def h5(path: Path, config: object) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    return path


def archive(path: Path, config: object) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("model.weights.h5", b"")
    return path


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}


def layer(kind: str, **entries: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": "odd", **entries.pop("config", {})}, **entries}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "lambda": (layer("Lambda"), "layer odd: Lambda is a function in Python"),
    "lambda in a layer": (layer("TimeDistributed", config={"layer": layer("Lambda", config={"name": "inner"})}), "layer inner: Lambda"),
    "lambda in a model": (sequential(layer("Lambda")), "layer odd: Lambda"),
    "lambda as activation": (layer("Dense", config={"activation": {"class_name": "__lambda__", "config": {}}}), "layer odd: __lambda__"),
    "function": (layer("Dense", config={"activation": {"class_name": "function", "config": "f", "module": "m"}}), "layer odd: function"),
    "saved model": (layer("TFSMLayer"), "layer odd: TFSMLayer is a program"),
    "pickle": (layer("TorchModuleWrapper"), "layer odd: TorchModuleWrapper is a pickle"),
    "graph op": (layer("TensorFlowOpLayer"), "layer odd: TensorFlowOpLayer is a program"),
    "any tensorflow": (layer("TFOpLambda", config={"function": "io.write_file"}), "calls tf.io.write_file"),
    "module": (layer("Dense", module="payload", registered_name="Dense"), "layer odd is a Dense of payload, code of its own"),
    "function of keras": (layer("get_file", module="keras.utils"), "is a get_file of keras.utils"),
    "registered": (layer("Mine", registered_name="package>Mine"), "layer odd is a Mine of package>Mine"),
    "initializer": (
        layer("Dense", config={"kernel_initializer": {"module": "payload", "class_name": "Run", "config": {}}}), "odd is a Run of payload",
    ),
    "qkeras": (layer("QDense"), "layer odd is a QDense of QKeras; export the network as QONNX"),
}  # fmt: skip


@pytest.mark.parametrize("write", [h5, archive])
@pytest.mark.parametrize("name", REFUSED)
def test_models_that_carry_code_are_refused(tmp_path: Path, payload: Path, name: str, write: Any) -> None:
    config, message = REFUSED[name]
    path = write(tmp_path / "model", sequential(layer("InputLayer", config={"batch_input_shape": [None, 4]}), config))
    with pytest.raises(TapeoutError, match=message) as error:
        read(path, {})
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert not payload.exists()


@pytest.fixture
def payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module on the path that makes this file when it is imported."""
    mark = tmp_path / "ran"
    (tmp_path / "payload.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Dense: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield mark
    sys.modules.pop("payload", ModuleType("payload"))


def test_keras_alone_would_import_any_module(packages: Kerases, tmp_path: Path, payload: Path) -> None:
    path = archive(tmp_path / "model.keras", REFUSED["module"][0])
    with pytest.raises(TypeError, match="Dense"):
        packages.tf_keras.models.load_model(path, compile=False)
    assert payload.exists()


def test_quantized_jet_tagger_is_refused(zoo: Path, tmp_path: Path) -> None:
    path = h5(tmp_path / "jets.h5", json.loads((zoo / "hls4ml/qkeras_3layer.json").read_text()))
    with pytest.raises(TapeoutError, match="layer fc1 is a QDense of QKeras; export the network as QONNX"):
        read(path, {})


def test_files_that_are_no_models(zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match="holds weights alone; save the whole model with model.save"):
        read(zoo / "hls4ml/KERAS_3layer_weights.h5", {})
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes((zoo / "hls4ml/KERAS_3layer_weights.h5").read_bytes()[:100])
    with pytest.raises(TapeoutError, match="damaged.h5: damaged"):
        read(damaged, {})
    with pytest.raises(TapeoutError, match="damaged"):
        read(archive(tmp_path / "list.keras", [1]), {})
    with pytest.raises(TapeoutError, match="cannot be converted"):
        read(archive(tmp_path / "empty.keras", sequential()), {})


def test_without_tensorflow_one_line_says_what_to_install(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tapeout.compiler.frontends.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(TapeoutError, match=r"reading it needs h5py: pip install 'tapeout\[keras\]'"):
        read(saved / "keras.keras", {})
