"""Files that are broken, or hold what is not taken: one clear line that names the file and the culprit."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite
from tflite import Padding

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends import read
from tests.tflite_writer import Operator, write

from .micro import constant, float32, int8, model, parse, random_codes

SAME = {"Padding": Padding.SAME, "StrideH": 1, "StrideW": 1}


def conv(**changes: Mapping[str, Any]) -> bytes:
    """A convolution in int8 whose tensors take these changes by name."""
    tensors = {
        "x": int8("x", (1, 4, 4, 2)),
        "w": constant("w", random_codes(0, 3, 3, 3, 2), "int8", [0.01]),
        "b": constant("b", [1, 2, 3], "int32", [0.0005]),
        "y": int8("y", (1, 4, 4, 3)),
    }
    x, w, b, y = (replace(t, **changes.get(n, {})) for n, t in tensors.items())
    return model("CONV_2D", [x, w, b], y, "Conv2DOptions", **SAME)


def test_the_convolution_that_the_others_break_is_read(tmp_path: Path) -> None:
    assert [n.op.name() for n in parse(tmp_path / "m.tflite", conv()).nodes] == ["conv2d", "requant"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w": {"zero": (3,)}}, r"y \(CONV_2D\): weights w have a zero point that is not 0"),
        ({"w": {"scale": (0.1, 0.2)}}, "tensor w has 2 scales, which do not fit axis 0"),
        ({"w": {"scale": (float("nan"),)}}, "tensor w has a scale that is not positive and finite"),
        ({"w": {"scale": (0.0,)}}, "tensor w has a scale that is not positive and finite"),
        ({"w": {"scale": ()}}, "tensor w is int8 without a scale"),
        ({"x": {"scale": ()}}, "tensor x is int8 without a scale"),
        ({"x": {"zero": (300,)}}, "tensor x has zero points that do not fit"),
        ({"x": {"dtype": "uint8"}}, "tensor x is uint8; convert the model to int8 or float32"),
        ({"x": {"dtype": "int16"}}, "tensor x is int16; convert the model to int8 or float32"),
        ({"x": {"shape": (1, 4, 4, 3)}}, r"y \(CONV_2D\): weights \[3, 3, 3, 2\] do not fit the input 1x4x4x3"),
        ({"x": {"shape": (1, 4, 8)}}, r"y \(CONV_2D\): "),
        ({"y": {"shape": (1, 4, 4, 4)}}, r"y \(CONV_2D\): gives 1x4x4x3, but the file declares \[1, 4, 4, 4\]"),
        ({"y": {"scale": (1e-30,)}}, r"y \(CONV_2D\): y: multiplier .* scales of its tensors do not fit"),
        ({"b": {"shape": (1, 3), "data": np.zeros((1, 3), np.int32)}}, r"bias b is int32\[1, 3\], expected int32\[3\]"),
        ({"x": {"shape": (1, -1, 4, 2)}}, r"input x has an open dimension in \[1, -1, 4, 2\]; fix it with --shape 'x=1xNx4x2'"),
        ({"x": {"shape": (1, 4, 4, 2), "signature": (-1, 4, -1, 2)}}, r"fix it with --shape 'x=1x4xNx2'"),
        ({"x": {"shape": (1, 0, 4, 2)}}, "input x has the shape .* holds no elements"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Mapping[str, Any]], message: str) -> None:
    with pytest.raises(TapeoutError, match=f"m.tflite: .*{message}") as error:
        parse(tmp_path / "m.tflite", conv(**changes))
    assert "\n" not in str(error.value)


def test_not_a_number_in_weights(tmp_path: Path) -> None:
    w = constant("w", np.full((3, 1, 1, 2), np.nan), "float32")
    data = model("CONV_2D", [float32("x", (1, 4, 4, 2)), w, None], float32("y", (1, 4, 4, 3)), "Conv2DOptions", **SAME)
    with pytest.raises(TapeoutError, match="constant w holds NaN or infinity"):
        parse(tmp_path / "m.tflite", data)


def test_unknown_operators_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"m.tflite: y \(CEIL\): this operator is not taken"):
        parse(tmp_path / "m.tflite", model("CEIL", [float32("x", (2,))], float32("y", (2,))))


def test_missing_options(tmp_path: Path) -> None:
    data = model("SOFTMAX", [float32("x", (1, 2))], float32("y", (1, 2)))
    with pytest.raises(TapeoutError, match=r"y \(SOFTMAX\): its SoftmaxOptions are missing"):
        parse(tmp_path / "m.tflite", data)


def test_an_operator_that_reads_what_none_computes(tmp_path: Path) -> None:
    ghost = float32("ghost", (2,))
    data = write([ghost, float32("x", (2,)), float32("y", (2,))], [Operator(tflite.BuiltinOperator.RELU, ("ghost",), ("y",))], ["x"], ["y"])
    with pytest.raises(TapeoutError, match="reads tensor ghost, which no operator before it computes"):
        parse(tmp_path / "m.tflite", data)


def test_weights_that_are_fed(tmp_path: Path) -> None:
    data = model("CONV_2D", [int8("x", (1, 4, 4, 2)), int8("w", (3, 1, 1, 2)), None], int8("y", (1, 4, 4, 3)), "Conv2DOptions", **SAME)
    with pytest.raises(Unsupported, match="input w must be constant"):
        parse(tmp_path / "m.tflite", data)


def test_shapes_are_fixed_and_overridden(tmp_path: Path) -> None:
    data = conv(x={"signature": (-1, -1, 4, 2)}, y={"signature": (-1, -1, 4, 3)})
    graph = parse(tmp_path / "m.tflite", data, {"x": (2, 7, 4, 2)})
    assert graph.values["y"].type.shape == (2, 7, 4, 3)
    assert parse(tmp_path / "m.tflite", conv(), {"x": (1, 5, 5, 2)}).values["y"].type.shape == (1, 5, 5, 3)
    assert parse(tmp_path / "m.tflite", conv(x={"signature": (-1, 4, 4, 2)})).values["y"].type.shape == (1, 4, 4, 3)
    with pytest.raises(TapeoutError, match="--shape names z, which is no input; the inputs are x"):
        parse(tmp_path / "m.tflite", data, {"z": (1,)})
    with pytest.raises(TapeoutError, match="--shape gives input x 1 dimensions, the model has 4"):
        parse(tmp_path / "m.tflite", data, {"x": (1,)})


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x89PNG\r\n\x1a\n", b"x" * 100])
def test_other_files(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(TapeoutError, match=r"m.tflite: .*give a .onnx, .tflite, .keras, .h5 or .pt2 file"):
        parse(tmp_path / "m.tflite", data)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match=r"absent.tflite: No such file"):
        read(tmp_path / "absent.tflite", {})
    with pytest.raises(TapeoutError, match="Is a directory"):
        read(tmp_path, {})


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    assert parse(tmp_path / "m.onnx", conv()).name == "m"


def two_layers() -> bytes:
    """Small, with most kinds of tables: options, scales per channel, two operators and a signature."""
    tensors = [
        replace(int8("x", (1, 6, 6, 2)), signature=(-1, 6, 6, 2)),
        constant("w", random_codes(0, 3, 3, 3, 2), "int8", [0.01, 0.02, 0.03]),
        constant("b", [1, 2, 3], "int32", [0.0005]),
        int8("h", (1, 6, 6, 3)),
        constant("shape", [-1, 108], "int32"),
        int8("y", (1, 108)),
    ]
    operators = [
        Operator(tflite.BuiltinOperator.CONV_2D, ("x", "w", "b"), ("h",), "Conv2DOptions", SAME),
        Operator(tflite.BuiltinOperator.RESHAPE, ("h", "shape"), ("y",)),
    ]
    return write(tensors, operators, ["x"], ["y"])


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    data = two_layers()
    parse(tmp_path / "m.tflite", data)
    for length in (*range(0, len(data), 5), *range(len(data) - 8, len(data))):
        try:
            parse(tmp_path / "m.tflite", data[:length])
        except TapeoutError as error:
            assert "m.tflite: " in str(error) and "\n" not in str(error)
        else:
            raise AssertionError(f"{length} of {len(data)} bytes are read as a whole file")


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    """Any byte flipped or word replaced: nothing but a TapeoutError comes out."""
    data = two_layers()
    rng = np.random.default_rng(0)
    refused = 0
    for at in range(len(data)):
        damaged = bytearray(data)
        if at % 2:
            damaged[at] ^= 1 << int(rng.integers(8))
        else:
            damaged[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", rng.bytes(4)])
        try:
            parse(tmp_path / "m.tflite", bytes(damaged[: len(data)]))
        except TapeoutError as error:
            refused += 1
            assert "m.tflite: " in str(error) and "\n" not in str(error)
    assert refused > len(data) // 3


def test_damaged_models_of_the_zoo(zoo: Path, tmp_path: Path) -> None:
    data = (zoo / "mlperf_tiny/kws_dscnn_int8.tflite").read_bytes()
    rng = np.random.default_rng(1)
    for length in rng.integers(0, len(data), 20):
        with pytest.raises(TapeoutError, match=r"m.tflite: "):
            parse(tmp_path / "m.tflite", data[:length])
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 20):
            damaged[at] = rng.integers(256)
        try:
            parse(tmp_path / "m.tflite", bytes(damaged))
        except TapeoutError as error:
            assert "\n" not in str(error)
