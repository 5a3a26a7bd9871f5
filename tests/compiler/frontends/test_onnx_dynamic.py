"""Files of onnxruntime's dynamic quantization: layers over codes whose scale follows from each sample."""
from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from tapeout.compiler.build import lower
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.frontends.onnx import dynamic, read_onnx

from .onnx_models import floats, model, node, read
from .test_onnx_qlinear import FLAT, IMAGE, RESIDUAL, WEIGHTS, behind_conv, by_integers, by_onnxruntime, number, samples

LAYERS = {
    "conv": behind_conv(node("Conv", "c v b", "y", pads=[1, 0, 1, 2], strides=[2, 1]), v=floats(4, 4, 3, 3), b=floats(4)),
    "conv_of_groups": behind_conv(node("Conv", "c v", "y", group=2), v=floats(4, 2, 3, 3)),
    "conv_depthwise": behind_conv(node("Conv", "c v", "y", group=4, auto_pad="SAME_UPPER"), v=floats(4, 1, 3, 3)),
    "matmul": behind_conv(FLAT, node("MatMul", "f v", "y"), v=floats(256, 5)),
    "gemm": behind_conv(FLAT, node("Gemm", "f v b", "y", transB=1), v=floats(5, 256), b=floats(5)),
    "transposed": behind_conv(node("Transpose", "c", "t", perm=[0, 2, 3, 1]), node("MatMul", "t v", "y"), v=floats(4, 5)),
}


def quantized(made: onnx.ModelProto, folder: Path, per_channel: bool = False) -> Path:
    paths = [folder / name for name in ("float.onnx", "dynamic.onnx")]
    paths[0].write_bytes(made.SerializeToString())
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(*paths, per_channel=per_channel, weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)
    return paths[1]


@pytest.mark.parametrize("per_channel", [False, True], ids=["per_tensor", "per_channel"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_give_onnxruntimes_floats(name: str, per_channel: bool, tmp_path: Path) -> None:
    """Every bit: the sums are integers, and each sum is multiplied by the rounded product of both scales there too."""
    path = quantized(LAYERS[name], tmp_path, per_channel)
    graph, feeds = read_onnx(path, {}), samples(LAYERS[name])
    ops = [n.op.name() for n in lower(graph).nodes]
    assert ops.count("dynamic_quantize") == ops.count("scale_sums") == 2
    assert (by_integers(graph, feeds) != by_onnxruntime(path, feeds)).sum() == 0


def test_a_residual_network(tmp_path: Path) -> None:
    """Float ops between the layers round as they do."""
    made = model(RESIDUAL, {"x": IMAGE}, "y", WEIGHTS)
    path = quantized(made, tmp_path)
    feeds = samples(made)
    found, wanted = by_integers(read_onnx(path, {}), feeds), by_onnxruntime(path, feeds)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


QUANTIZE = node("DynamicQuantizeLinear", "x", "q s z")
SUMS = node("MatMulInteger", "q w z", "i")
CAST = node("Cast", "i", "c", to=1)
REFUSED: dict[str, tuple[Sequence[onnx.NodeProto], str]] = {
    "no_scale": ([QUANTIZE, SUMS, CAST, node("Add", "c c", "y")], "Add_y: Add .*it reads dynamic sums; supported are"),
    "wrong_cast": ([QUANTIZE, SUMS, node("Cast", "i", "c", to=7)], "Cast_c: Cast .*it reads dynamic sums"),
    "half_a_scale": ([QUANTIZE, SUMS, CAST, node("Mul", "c s", "y")], "scales sums by what is not the scale of their codes times that"),
    "two_constants": ([QUANTIZE, node("Mul", "s ws", "t"), node("Mul", "t ws", "u")], "a scale takes one constant"),
    "another_scale": (
        [QUANTIZE, node("DynamicQuantizeLinear", "v", "p r o"), SUMS, CAST, node("Mul", "r ws", "t"), node("Mul", "c t", "y")],
        "scales sums by what is not the scale of their codes",
    ),
    "another_zero": (
        [QUANTIZE, node("DynamicQuantizeLinear", "v", "p r o"), node("MatMulInteger", "q w o", "y")], "its zero point is not that of"
    ),
    "no_zero": ([QUANTIZE, node("MatMulInteger", "q w", "y")], "MatMulInteger_y: MatMulInteger .*its zero point is not that"),
    "static": (
        [node("QuantizeLinear", "x ws wz", "q"), node("MatMulInteger", "q w wz", "y")], "only codes of Dynamic.*QLinearMatMul"
    ),
    "rows": ([QUANTIZE, SUMS, CAST, node("Mul", "s rows", "t"), node("Mul", "c t", "y")], r"scales of shape \(4, 1\) are none of output"),
    "codes": ([QUANTIZE, node("Transpose", "q", "y")], "Transpose_y: Transpose .*it reads dynamic codes"),
    "output": ([QUANTIZE, node("MatMulInteger", "q w z", "y")], "output y is integer codes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    nodes, words = REFUSED[name]
    constants = {"w": np.ones((3, 4), np.int8), "ws": number(0.1), "wz": number(0, "int8"), "rows": floats(4, 1)}
    with pytest.raises(Unsupported, match=words):
        read(model(nodes, {"x": (4, 3), "v": (4, 3)}, "y", constants), tmp_path)


def test_codes_that_do_not_spread_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above bite: zero point 0 means symmetric."""
    monkeypatch.setattr(dynamic, "_FORMAT", replace(dynamic._FORMAT, zero=(0,)))
    with pytest.raises(AssertionError):
        test_layers_give_onnxruntimes_floats("conv", False, tmp_path)
