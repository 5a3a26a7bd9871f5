"""A jet tagger that others trained, in QONNX: its input gets a format here, its logits equal those of the qonnx executor."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from tests.compiler.test_vendor import project
from tests.targets.test_rtl import random_and_corners
from tests.test_cli import refused, tapeout
from tests.test_training_command import perceptron

LOGITS = "Add_3_out0"


def executed(path: Path, x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[float]:
    """The logits of one sample (16) by the qonnx executor."""
    model = ModelWrapper(str(path))
    context = execute_onnx(model, {model.graph.input[0].name: x[None]}, return_full_exec_context=True)
    return [float(v) for v in context[LOGITS].reshape(-1)]


def test_logits_are_those_of_the_executor(zoo: Path, tmp_path: Path) -> None:
    """On random inputs of the grid, those at the ends of the format among them, in whole numbers of 2**-11."""
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    out = tmp_path / "jet"
    done = tapeout("compile", path, "--target", "c", "--input-type", "fixed<16,6>", "--output-layer", "logits", "--io", "int8", "-o", out)
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    assert [layer["op"] for layer in report["layers"]] == ["dense"] * 4
    done = tapeout("cosim", out, "--count", "40", "--save", tmp_path / "all.npz")
    assert done.returncode == 0 and "host-asan: 0 / 200 elements differ" in done.stdout, done.stdout
    with np.load(tmp_path / "all.npz") as saved:
        x, y = saved["inputs/global_in"], saved["host/global_out"]
    for codes, logits in zip(x.reshape(40, 16), y.reshape(40, 5), strict=True):
        assert executed(path, codes.astype(np.float32) * 2.0**-10) == (logits * 2.0**-11).tolist()


@pytest.mark.long
@pytest.mark.parametrize("target", ["vitis-hls", "catapult-hls"])
def test_high_level_synthesis_equals_the_reference(target: str, zoo: Path, tmp_path: Path) -> None:
    """On 10,000 random and corner inputs, by the command line; forty of them, corners first, by the executor too."""
    path, out = zoo / "qonnx" / "qkeras_jettagging.onnx", tmp_path / "jet"
    done = tapeout("compile", path, "--target", target, "--input-type", "fixed<16,6>", "-o", out)
    assert done.returncode == 0, done.stderr
    np.savez(tmp_path / "x.npz", x=random_and_corners(10000))
    done = tapeout("cosim", out, "--engines", "reference,host,hls", "--inputs", tmp_path / "x.npz", "--save", tmp_path / "all.npz")
    assert done.returncode == 0 and "hls: 0 / 50000 elements differ" in done.stdout, done.stdout
    with np.load(tmp_path / "all.npz") as saved:
        x, y = (saved[name].reshape(10000, -1)[::250] for name in ("inputs/global_in", "hls/global_out"))
    for codes, logits in zip(x, y, strict=True):
        assert executed(path, codes.astype(np.float32) * 2.0**-10) == (logits * 2.0**-11).tolist()


def test_without_a_format_it_is_refused(zoo: Path, tmp_path: Path) -> None:
    command = ("compile", zoo / "qonnx" / "qkeras_jettagging.onnx", "--target", "c", "-o", tmp_path / "jet")
    refused(2, "MatMul_0_out0: dense would stay in float", *command)
    refused(2, "--input-type 'fixed<40,6>': write NAME=fixed<W,I> or NAME=ufixed<W,I>", *command, "--input-type", "fixed<40,6>")
    refused(2, "the type of x is given twice", *command, "--input-type", "x=fixed<8,2>", "--input-type", "x=fixed<8,3>")
    refused(2, "give --target of hardware", *command, "--reuse-factor", "4")


def test_the_report_of_a_design_shows_no_kernels(zoo: Path, tmp_path: Path) -> None:
    """Nor the memory of the C beside it."""
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    command = ("compile", path, "--input-type", "fixed<16,6>", "--output-layer", "logits", "--io", "int8")
    for target, shown in (("rtl", False), ("c", True)):
        done = tapeout(*command, "--target", target, "-o", tmp_path / target)
        assert done.returncode == 0, done.stderr
        found = [text in done.stdout for text in ("dense_packed_s8", "arena touched", "the design is in rtl/")]
        assert found == [shown, shown, not shown]


def test_reports_of_a_vendor_are_read_into_the_report(zoo: Path, tmp_path: Path) -> None:
    path = zoo / "qonnx" / "qkeras_jettagging.onnx"
    for target in ("rtl", "c"):
        command = ("compile", path, "--input-type", "fixed<16,6>", "--output-layer", "logits", "--target", target)
        assert tapeout(*command, "-o", tmp_path / target).returncode == 0
    reports = project(tmp_path / "project")
    done = tapeout("report", tmp_path / "rtl", "--vendor", reports)
    assert done.returncode == 0 and "Vivado times, routed" in done.stdout, done.stderr
    assert json.loads((tmp_path / "rtl" / "report.json").read_text())["vendor"]["timing"]["setup_slack_ns"] == 0.221
    assert "Vivado times, routed" in tapeout("report", tmp_path / "rtl").stdout
    refused(2, "--vendor: c is no design of hardware", "report", tmp_path / "c", "--vendor", reports)


def test_logits_are_not_measured_against_a_softmax(tmp_path: Path) -> None:
    measured, cut = "quality of", "quality: not measured, since the source model is quantized, or ends behind the logits"
    for options, said in ((), measured), (("--output-layer", "logits"), cut):
        out = tmp_path / f"net{len(options)}"
        done = tapeout("compile", perceptron(tmp_path / "perceptron.onnx"), "--target", "c", *options, "-o", out)
        assert done.returncode == 0, done.stderr
        assert said in tapeout("cosim", out, "--count", "2", "--engines", "host").stdout
