"""`tapeout compile --training` as a user calls it."""
from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.test_cli import CALIBRATION, MODEL, refused, tapeout


def test_a_training_step_is_compiled_and_equals_the_reference(tmp_path: Path) -> None:
    options = ("--training", "sgd", "--update", "last:1", "--momentum", "0.9", "--inputs", "caller")
    done = tapeout("compile", MODEL, *options, "--target", "c", "-o", tmp_path / "t")
    assert done.returncode == 0, done.stderr
    assert "void digits_train_step(const float *input_image, const float *input_target);" in (tmp_path / "t/c/digits.h").read_text()
    done = tapeout("cosim", tmp_path / "t", "--count", "4")
    assert done.returncode == 0, done.stderr
    assert f"host: 0 / {4 * (10 + 1 + 3850)} elements differ" in done.stdout
    assert "the network is trained meanwhile" in done.stdout
    done = tapeout("inspect", tmp_path / "t")
    assert "state('dense.weight', (10, 384), f32(), next='dense.weight_next')" in done.stdout


@pytest.mark.parametrize(("message", "options"), [
    ("--update last:9: takes last:1 to last:4", ("--training", "sgd", "--update", "last:9")),
    ("there are conv, depthwise, pointwise, dense", ("--training", "sgd", "--update", "layer7")),
    ("--momentum: says how weights are trained; give --training sgd", ("--momentum", "0.9")),
    ("--learning-rate -1.0: takes a number from 0 on", ("--training", "sgd", "--learning-rate", "-1")),
    ("--training: a step is made of floats; leave out --calibrate", ("--training", "sgd", "--calibrate", CALIBRATION)),
])
def test_training_that_cannot_be_is_refused(message: str, options: tuple[object, ...], tmp_path: Path) -> None:
    refused(2, message, "compile", MODEL, "--target", "c", *options, "-o", tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(("message", "options"), [
    ("--threshold: --training pepita has no such thing", ("--training", "pepita", "--threshold", "2")),
    ("--batch: --training pepita has no such thing", ("--training", "pepita", "--loss", "mse", "--batch", "2")),
    ("--momentum: --training cff has no such thing", ("--training", "cff", "--momentum", "0.9")),
    ("--master-weights: --training ff has no such thing", ("--training", "ff", "--recipe", "fp16", "--master-weights")),
    ("--threshold: --training sgd has no such thing", ("--training", "sgd", "--threshold", "2")),
])
def test_forward_only_training_that_cannot_be_is_refused(message: str, options: tuple[object, ...], tmp_path: Path) -> None:
    refused(2, message, "compile", MODEL, "--target", "c", *options, "-o", tmp_path / "t")


def perceptron(path: Path) -> Path:
    """A network of 6 to 5 and 3 with relu and softmax, as ONNX."""
    random, helper = np.random.default_rng(0), onnx.helper
    weights = {"w": (5, 6), "b": (5,), "v": (3, 5), "c": (3,)}
    constants = [onnx.numpy_helper.from_array(random.normal(size=s).astype(np.float32), n) for n, s in weights.items()]
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["a"], transB=1), helper.make_node("Relu", ["a"], ["h"]),
        helper.make_node("Gemm", ["h", "v", "c"], ["z"], transB=1), helper.make_node("Softmax", ["z"], ["y"], axis=-1),
    ]
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, size]) for n, size in (("x", 6), ("y", 3)))
    graph = helper.make_graph(nodes, "perceptron", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def figures(said: str) -> list[int]:
    return [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", said)]


def test_a_step_of_forward_forward_in_fp16_is_compiled_and_equals_the_reference(tmp_path: Path) -> None:
    """Of a network with convolutions, by which more is spared than gradients of weights."""
    done = tapeout("compile", MODEL, "--training", "ff", "--recipe", "fp16", "--target", "c", "-o", tmp_path / "t")
    assert done.returncode == 0, done.stderr
    (said,) = json.loads((tmp_path / "t/report.json").read_text())["warnings"]
    arena, backward, own, other, spared = figures(said.removeprefix("--training ff"))
    assert own < arena < other < backward and spared == other - own
    done = tapeout("cosim", tmp_path / "t", "--count", "2")
    assert done.returncode == 0, done.stderr
    assert "host: 0 / " in done.stdout


def test_a_step_of_pepita_is_compiled_and_equals_the_reference(tmp_path: Path) -> None:
    """And the report says what is gained beside back-propagation."""
    options = ("--training", "pepita", "--learning-rate", "0.1", "--inputs", "caller", "--target", "c")
    done = tapeout("compile", perceptron(tmp_path / "perceptron.onnx"), *options, "-o", tmp_path / "t")
    assert done.returncode == 0, done.stderr
    assert "void perceptron_train_step(const float *input_x, const float *input_target);" in (tmp_path / "t/c/perceptron.h").read_text()
    report = json.loads((tmp_path / "t/report.json").read_text())
    (said,) = report["warnings"]
    arena, backward, own, other = figures(said)
    assert arena == own == report["memory"]["arena_bytes"] and other < backward
    assert said.endswith("learning forward only spares none of these") and own >= other  # of so few units
    done = tapeout("cosim", tmp_path / "t", "--count", "4")
    assert done.returncode == 0, done.stderr
    assert f"host: 0 / {4 * (3 + 1 + 35 + 18)} elements differ" in done.stdout
