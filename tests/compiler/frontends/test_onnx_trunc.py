"""Trunc of QONNX against the executor of QONNX: what the lowered integers compute, value by value."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.frontends.onnx import trunc
from tapeout.compiler.ir import Array

from .onnx_models import floats, model, node, read
from .test_onnx_qlinear import by_integers, ints, number

QONNX = "qonnx.custom_op.general"
SHAPE = (1, 4, 6, 6)
COUNT = 12


def qonnx(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    made = node(op, inputs, output, **attributes)
    made.domain = QONNX
    return made


def network(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, float | Array], version: int = 1) -> onnx.ModelProto:
    arrays = {key: value if isinstance(value, np.ndarray) else number(value) for key, value in constants.items()}
    made = model(nodes, {"x": SHAPE}, "y", arrays)
    made.opset_import.append(helper.make_opsetid(QONNX, version))
    return made


def assert_qonnx(made: onnx.ModelProto, folder: Path, count: int = COUNT) -> None:
    """No value of the lowered graph, all of it integers, differs from that of the executor."""
    graph = read(made, folder)
    feeds = [{"x": floats(*SHAPE, seed=seed) + 1.5 * floats(1, 4, 1, 1, seed=seed)} for seed in range(count)]
    wrapped = ModelWrapper(str(folder / "net.onnx")).transform(InferShapes())
    wanted = np.stack([execute_onnx(wrapped, dict(feed))["y"] for feed in feeds])
    assert len(np.unique(wanted)) > 1
    assert (by_integers(graph, feeds) != wanted).sum() == 0


def quant(bits: int, signed: bool) -> onnx.NodeProto:
    return qonnx("Quant", f"x s z b{bits}", "q", signed=int(signed), narrow=0, rounding_mode="ROUND")


BITS = {f"b{bits}": float(bits) for bits in range(2, 17)}
STEPS = {
    "at_once": [node("Identity", "q", "t")],
    "moved": [node("Transpose", "q", "m", perm=[0, 2, 3, 1]), node("Slice", "m from to", "n"), node("Reshape", "n shape", "t")],
    "pooled": [node("MaxPool", "q", "t", kernel_shape=[2, 2], pads=[1, 0, 0, 1])],
    "clipped": [node("Relu", "q", "t")],
    "summed": [node("AveragePool", "q", "p", kernel_shape=[2, 3], strides=[1, 2]), node("Mul", "p six", "t")],
    "summed_plane": [node("GlobalAveragePool", "q", "p"), node("Mul", "p all", "t")],
}  # fmt: skip
CONSTANTS: dict[str, float | Array] = {
    **BITS, "from": ints(0, 1), "to": ints(1, 5), "shape": ints(1, -1), "six": 6.0, "all": 36.0,
}
MORE = {"summed": 3, "summed_plane": 6}  # bits
SCALES = [0.03125, 0.0173, 0.0291]


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "HALF_UP"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("bits", "out"), [(8, 4), (8, 6), (8, 8), (4, 2), (6, 3)])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("steps", STEPS)
def test_version_1(steps: str, signed: bool, bits: int, out: int, scale: float, rounding: str, tmp_path: Path) -> None:
    """It keeps the scale, so that the reals are divided; an average pool times its window has codes of more bits."""
    more = MORE.get(steps, 0)
    last = qonnx("Trunc", f"t s z b{bits + more} b{out}", "y", rounding_mode=rounding)
    assert_qonnx(network([quant(bits, signed), *STEPS[steps], last], {"s": scale, "z": 0.0, **CONSTANTS}), tmp_path, 4)


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "HALF_UP"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("shift", "out"), [(4, 4), (2, 6), (2, 4), (0, 8), (1, 3)])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("steps", STEPS)
def test_version_2(steps: str, signed: bool, shift: int, out: int, scale: float, rounding: str, tmp_path: Path) -> None:
    """It keeps the reals, but for the bits that it cuts off, and clips."""
    last = qonnx("Trunc", f"t s z b8 o b{out}", "y", rounding_mode=rounding, signed=int(signed), narrow=int(signed and out == 6))
    constants = {**CONSTANTS, "s": scale, "z": 0.0, "o": float(np.float32(scale)) * 2.0 ** (shift + MORE.get(steps, 0))}
    assert_qonnx(network([quant(8, signed), *STEPS[steps], last], constants, 2), tmp_path, 4)


@pytest.mark.parametrize("zero", [0, 16, 32, -48])
def test_a_zero_point_moves_along(zero: int, tmp_path: Path) -> None:
    last = qonnx("Trunc", "q s z b8 o b4", "y", rounding_mode="FLOOR", signed=1, narrow=0)
    made = network([quant(8, True), last], {"s": 0.0173, "z": float(zero), "o": float(np.float32(0.0173)) * 16, **BITS}, 2)
    assert_qonnx(made, tmp_path)


REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, float], str]] = {
    "rounding": ("q s z b8 b4", {"rounding_mode": "CEIL"}, {}, "rounding mode CEIL is not supported; there are ROUND"),
    "no_quantizer": ("x s z b8 b4", {}, {}, "Trunc_y: Trunc .*not known to be whole steps of 0.0173; put a Quant with"),
    "finer_scale": ("q double z b8 b4", {}, {}, "not known to be whole steps of 0.0346"),
    "more_bits": ("q s z b8 b9", {}, {}, "from 8 bits with zero point 0 by -1"),
    "zero": ("q s sixteen b8 b4", {}, {}, "from 8 bits with zero point 16 by 4"),
    "half_a_bit": ("q s z half b4", {}, {}, "its bit width 7.5 is no whole number"),
    "scale": ("q s z b8 three b4", {}, {"three": 3 * 0.0173}, "its output scale 0.0519 is not 1, 2, 4, 8, ... times its scale 0.0173"),
    "finer": ("q s z b8 fine b4", {}, {"fine": 0.00865}, "its output scale 0.00865 is not 1, 2"),
    "odd_zero": ("q s one b8 double b4", {}, {}, "the zero point 1 moves what is rounded; supported is 0, or with FLOOR a multiple of 2"),
    "rounded_zero": ("q s sixteen b8 double b4", {"rounding_mode": "ROUND"}, {}, "the zero point 16 moves what is rounded"),
    "far_zero": ("q s sixteen b8 double b4", {}, {}, "the zero point 8 of the result is none of its codes -8 .. 7"),
    "narrow": ("q s z b8 double b4", {"signed": 0, "narrow": 1}, {}, "narrow unsigned codes"),
    "channels": ("q many z b8 b4", {}, {}, "input 1 has 4 entries; supported is one for the tensor"),
    "constant": ("many s z b8 b4", {}, {}, "it cuts the constant many; store what comes out"),
    "sign": ("q minus z b8 b4", {}, {}, "its scale -1 is not positive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    inputs, attributes, constants, words = REFUSED[name]
    known: dict[str, float | Array] = {
        **BITS, "s": 0.0173, "z": 0.0, "double": 0.0346, "half": 7.5, "one": 1.0, "sixteen": 16.0, "minus": -1.0,
        "many": floats(1, 4, 1, 1),
    }  # fmt: skip
    with pytest.raises(Unsupported, match=words):
        read(network([quant(8, True), qonnx("Trunc", inputs, "y", **attributes)], {**known, **constants}), tmp_path)


@pytest.mark.parametrize("between", ["Mul", "AveragePool"])
def test_what_leaves_no_whole_steps_is_refused(between: str, tmp_path: Path) -> None:
    middle = node("Mul", "q s", "t") if between == "Mul" else node("AveragePool", "q", "t", kernel_shape=[2, 2])
    with pytest.raises(Unsupported, match="not known to be whole steps"):
        read(network([quant(8, True), middle, qonnx("Trunc", "t s z b8 b4", "y")], {"s": 0.0173, "z": 0.0, **BITS}), tmp_path)


def test_another_rounding_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above bite."""
    monkeypatch.setattr(trunc, "rounding_mode", lambda *_: Rounding.HALF_EVEN)
    for steps in STEPS:
        with pytest.raises(AssertionError):
            test_version_1(steps, True, 8, 4, 0.0173, "FLOOR", tmp_path)
        with pytest.raises(AssertionError):
            test_version_2(steps, True, 4, 4, 0.0173, "FLOOR", tmp_path)
