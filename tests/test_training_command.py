"""`tapeout compile --training` as a user calls it."""
from __future__ import annotations

from pathlib import Path

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
    ("forward-only training takes fully connected layers in a chain, no conv2d; train it with --training sgd", ("--training", "ff")),
    ("forward-only training takes fully connected layers in a chain, no conv2d; train it with --training sgd", ("--training", "pepita")),
    ("--threshold: --training pepita has no such thing", ("--training", "pepita", "--threshold", "2")),
    ("--batch: --training pepita has no such thing", ("--training", "pepita", "--loss", "mse", "--batch", "2")),
    ("--momentum: --training cff has no such thing", ("--training", "cff", "--momentum", "0.9")),
    ("--threshold: --training sgd has no such thing", ("--training", "sgd", "--threshold", "2")),
])
def test_forward_only_training_that_cannot_be_is_refused(message: str, options: tuple[object, ...], tmp_path: Path) -> None:
    refused(2, message, "compile", MODEL, "--target", "c", *options, "-o", tmp_path / "t")
