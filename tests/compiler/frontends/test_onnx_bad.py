"""Damaged, foreign and unsupported ONNX files: one line that says what is wrong and where, never another exception."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends.onnx import read_onnx

from .onnx_models import NEWEST, floats, model, node, read


def small(**changes: Any) -> onnx.ModelProto:
    constants = {"w": floats(4, 3, 3, 3), "b": floats(4)}
    return model([node("Conv", "x w b", "c"), node("Relu", "c", "y")], {"x": (1, 3, 6, 6)}, "y", constants, **changes)


def message(path: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> str:
    """The error of a file, which names it and is one line."""
    with pytest.raises(TapeoutError) as caught:
        read_onnx(path, shapes or {})
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def saved(made: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def edited(change: Callable[[onnx.ModelProto], object], folder: Path, **changes: Any) -> str:
    made = small(**changes)
    change(made)
    return message(saved(made, folder))


def test_missing_file(tmp_path: Path) -> None:
    assert message(tmp_path / "none.onnx") == "cannot be read: No such file or directory"


@pytest.mark.parametrize("content", [b"", b"\x08", b"not a model", b"\xff" * 100])
def test_no_model(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    assert "truncated" in message(path)


@pytest.mark.parametrize("opset", [7, NEWEST + 1])
def test_opset_out_of_range(opset: int, tmp_path: Path) -> None:
    assert edited(lambda m: None, tmp_path, opset=opset).startswith(f"opset {opset} is not among 8 .. {NEWEST}")


def test_newer_ir_version(tmp_path: Path) -> None:
    assert "IR version 99 is newer" in edited(lambda m: setattr(m, "ir_version", 99), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value: float, tmp_path: Path) -> None:
    w = floats(4, 3, 3, 3)
    w[1, 2, 0, 1] = value
    tensor = onnx.numpy_helper.from_array(w, "w")
    assert edited(lambda m: m.graph.initializer[0].CopyFrom(tensor), tmp_path) == "tensor w: 1 of 108 elements are NaN or infinite"


def test_computed_constant_that_is_not_finite(tmp_path: Path) -> None:
    made = model([node("Div", "a b", "q"), node("Add", "x q", "y")], {"x": (3,)}, "y", {"a": floats(3), "b": 0 * floats(3)})
    assert message(saved(made, tmp_path)).startswith("Add_y: Add: tensor q holds NaN or infinity")


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8"])
def test_weights_of_another_type(dtype: str, tmp_path: Path) -> None:
    w = onnx.numpy_helper.from_array(floats(4, 3, 3, 3).astype(dtype), "w")
    text = edited(lambda m: m.graph.initializer[0].CopyFrom(w), tmp_path)
    assert text == f"Conv_c: Conv: tensor w is {dtype}; only float32 models are supported"


@pytest.mark.parametrize("element", ["FLOAT16", "DOUBLE", "INT64", "UINT8"])
def test_input_of_another_type(element: str, tmp_path: Path) -> None:
    code = TensorProto.DataType.Value(element)
    text = edited(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", code), tmp_path)
    assert text == f"input x is {element.lower()}; only float32 models are supported"


def test_data_that_does_not_fit_its_shape(tmp_path: Path) -> None:
    def cut(m: onnx.ModelProto) -> None:
        m.graph.initializer[0].raw_data = m.graph.initializer[0].raw_data[:-4]

    assert edited(cut, tmp_path).startswith("tensor w: damaged")


def external(location: str, folder: Path, **entries: int) -> Path:
    made = small()
    tensor = made.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    (folder / "model").mkdir()
    (folder / "outside.bin").write_bytes(data)
    return saved(made, folder / "model")


def test_external_data(tmp_path: Path) -> None:
    path = external("w.bin", tmp_path, offset=8, length=432)
    (path.parent / "w.bin").write_bytes(bytes(8) + (tmp_path / "outside.bin").read_bytes())
    assert np.array_equal(np.asarray(read_onnx(path, {}).values["w"].data).transpose(0, 3, 1, 2), floats(4, 3, 3, 3))


def test_external_data_missing(tmp_path: Path) -> None:
    assert message(external("w.bin", tmp_path)).startswith("external data file w.bin of tensor w is missing")


@pytest.mark.parametrize("location", ["../outside.bin", "/etc/hostname", "", "sub/../../outside.bin", "link.bin"])
def test_external_data_outside_of_the_folder(location: str, tmp_path: Path) -> None:
    path = external(location, tmp_path)
    (path.parent / "link.bin").symlink_to(tmp_path / "outside.bin")
    assert "outside of the model's folder" in message(path)


def test_external_data_under_a_name_that_is_no_text(tmp_path: Path) -> None:
    assert message(external("a\0b", tmp_path)) == "holds a name that is no text; the file is damaged"


@pytest.mark.parametrize("entries", [{"length": 431}, {"offset": 4}, {"offset": -4}, {"length": 1 << 60}])
def test_external_data_of_wrong_length(entries: dict[str, int], tmp_path: Path) -> None:
    path = external("w.bin", tmp_path, **entries)
    (path.parent / "w.bin").write_bytes((tmp_path / "outside.bin").read_bytes())
    assert "tensor w needs 432 bytes" in message(path)


@pytest.mark.parametrize(
    ("shape", "given", "text"),
    [
        ((1, 3, "h", "w"), {}, "input x has open dimensions (1x3x?x?); fix them, for example with --shape x=1x3x28x28"),
        ((None, 3, None, 6), {}, "input x has open dimensions (?x3x?x6); fix them, for example with --shape x=1x3x28x6"),
        (None, {}, "input x declares no shape; give it with --shape x=1x28x28x1 (its own dimensions)"),
        ((1, 3, 6, 6), {"z": (1,)}, "--shape z: the model has no such input; its inputs are x"),
        ((1, 3, 6, 6), {"w": (1,)}, "--shape w: the model has no such input; its inputs are x"),
        ((1, 3, 6, 6), {"x": (1, 3, 8, 8)}, "--shape x=1x3x8x8 does not fit the model, which declares 1x3x6x6"),
        ((1, 3, "h", 6), {"x": (1, 3, 6)}, "--shape x=1x3x6 does not fit the model, which declares 1x3x?x6"),
        ((1, 3, "h", 6), {"x": (1, 3, 0, 6)}, "--shape x=1x3x0x6 does not fit the model, which declares 1x3x?x6"),
        ((1, 4, 6, 6), {}, "Conv_c: weights w of shape (4, 3, 3, 3) do not fit 4 channels in 1 group(s)"),
        ((1, 3, 2, 6), {}, "Conv_c: Conv: c: a window of 3 does not fit 2 elements padded by (0, 0, 0, 0)"),
    ],
)  # fmt: skip
def test_shapes(shape: Any, given: dict[str, tuple[int, ...]], text: str, tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "c")], {"x": shape}, "c", {"w": floats(4, 3, 3, 3)})
    assert message(saved(made, tmp_path), given) == text


@pytest.mark.parametrize("leading", ["batch", None, 0, -1, 1])
def test_an_open_batch_is_one(leading: int | str | None, tmp_path: Path) -> None:
    graph = read(model([node("Relu", "x", "y")], {"x": (leading, 3)}, "y"), tmp_path)
    assert graph.values["x"].type.shape == (1, 3)


def test_shapes_fix_open_dimensions(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")], {"x": ("n", 3, "h")}, "y")
    assert read(made, tmp_path, {"x": (2, 3, 4)}).values["y"].type.shape == (2, 3, 4)


def test_initializers_that_are_inputs_too(tmp_path: Path) -> None:
    """So they are listed before IR version 4."""
    made = small()
    made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 3, 3, 3)))
    assert [p.name for p in read(made, tmp_path).inputs] == ["x"]


def test_unused_inputs_stay(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")], {"x": (1, 3), "unused": (2, 2)}, "y")
    assert [p.name for p in read(made, tmp_path).inputs] == ["x", "unused"]


def test_control_flow(tmp_path: Path) -> None:
    branch = helper.make_graph([node("Relu", "x", "z")], "branch", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, (1,))])
    made = model([node("If", "c", "y", then_branch=branch, else_branch=branch)], {"x": (1,)}, "y", {"c": np.array(True)})
    with pytest.raises(Unsupported, match="If_y: If holds a graph of its own"):
        read(made, tmp_path)


def test_foreign_domain(tmp_path: Path) -> None:
    made = model([helper.make_node("Gelu", ["x"], ["y"], "gelu", domain="com.microsoft")], {"x": (1,)}, "y")
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(Unsupported, match=r"gelu: op Gelu of domain 'com\.microsoft' is not supported"):
        read(made, tmp_path)


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([node("Relu", "z", "y")], "Relu_y: Relu: tensor z is used, but no earlier node computes it"),
        ([node("Relu", "x", "x"), node("Relu", "x", "y")], "Relu_x: computes tensor x, which is defined already"),
        ([node("Relu", "x x", "y")], "Relu_y: Relu is malformed"),
        ([node("Relu", "x", "z")], "tensor y is used, but no earlier node computes it"),
        ([node("MaxPool", "x", "y")], "MaxPool_y: MaxPool is malformed"),
        ([node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[0, 1])], "MaxPool_y: MaxPool has strides (0, 1)"),
        ([node("MaxPool", "x", "y", kernel_shape=[2])], "MaxPool_y: MaxPool has a kernel (2,)"),
        ([node("MaxPool", "x", "y", kernel_shape=[2, 2], pads=[5, 5, 5, 5])], "MaxPool_y: MaxPool: y: "),
        ([node("MaxPool", "x", "y z", kernel_shape=[2, 2])], "MaxPool_y: MaxPool (opset 13): output 1 (z) is not supported"),
        ([node("Flatten", "x", "y", axis=7)], "Flatten_y: Flatten has axis 7"),
        ([node("Transpose", "x", "y", perm=[0, 0, 1, 2])], "Transpose_y: Transpose has perm (0, 0, 1, 2)"),
        ([node("Reshape", "x one", "y")], "Reshape_y: a tensor of shape"),
        ([node("ConstantOfShape", "large", "z"), node("Add", "x z", "y")], "ConstantOfShape_z: ConstantOfShape of constants"),
        ([node("Gather", "one large", "z"), node("Add", "x z", "y")], "Gather_z: Gather of constants cannot be computed"),
        ([node("Identity", "one", "y")], "output y is constant"),
    ],
)
def test_graphs_that_do_not_hold_together(nodes: list[onnx.NodeProto], text: str, tmp_path: Path) -> None:
    constants = {"one": np.array([1], np.int64), "large": np.array([1 << 40], np.int64)}
    assert message(saved(model(nodes, {"x": (1, 3, 6, 6)}, "y", constants), tmp_path)).startswith(text)


def damaged(seed: int, data: bytes) -> bytes:
    rng = np.random.default_rng(seed)
    if seed % 2:
        return data[: int(rng.integers(len(data)))]
    flipped = bytearray(data)
    for position in rng.integers(len(data), size=int(rng.integers(1, 4))):
        flipped[position] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


@pytest.mark.parametrize("seed", range(300))
def test_damage_gives_an_error_or_a_graph(seed: int, tmp_path: Path) -> None:
    """Truncations and flipped bits, most of them outside of the weights."""
    constants = {"w": floats(2, 2, 1, 1), "target": np.array([1, -1], np.int64), "v": floats(8, 2)}
    nodes = [
        node("Conv", "x w", "c", pads=[1, 0, 0, 1]), node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", "p target", "flat"), node("Gemm", "flat v", "y", alpha=0.5),
    ]  # fmt: skip
    path = tmp_path / "net.onnx"
    path.write_bytes(damaged(seed, model(nodes, {"x": ("n", 2, 4, 4)}, "y", constants).SerializeToString()))
    try:
        read_onnx(path, {})
    except TapeoutError as error:
        assert "\n" not in str(error)


def quantized_models() -> list[bytes]:
    """One of each kind of file that other quantization tools write."""
    own = {"w": floats(2, 2, 1, 1).astype(np.int8), "s": np.float32(0.1), "z": np.int8(3), "b": np.array([5, -7], np.int32)}
    ends = node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "r s z", "y")
    conv = node("QLinearConv", "q s z w s z s z b", "p", pads=[1, 0, 0, 1])
    linear = [ends[0], conv, node("MaxPool", "p", "r", kernel_shape=[2, 2]), ends[1]]
    dynamic = [
        node("DynamicQuantizeLinear", "x", "q a b"), node("ConvInteger", "q w b", "i"), node("Cast", "i", "f", to=1),
        node("Mul", "a s", "m"), node("Mul", "f m", "y"),
    ]  # fmt: skip
    foreign = [
        node("Quant", "x s zero eight", "q", signed=1, narrow=0, rounding_mode="ROUND"), node("Trunc", "q s zero eight four", "t"),
        node("MultiThreshold", "t steps", "y", out_scale=0.5, out_bias=-1.0, data_layout="NCHW", out_dtype="INT4"),
    ]  # fmt: skip
    for made in foreign:
        made.domain = "qonnx.custom_op.general"
    numbers = {"zero": np.float32(0), "eight": np.float32(8), "four": np.float32(4), "steps": np.sort(floats(2, 5)), "s": np.float32(0.1)}
    graphs = [(linear, own), (dynamic, own), (foreign, numbers)]
    found = []
    for nodes, constants in graphs:
        used = {name for made in nodes for name in made.input} - {name for made in nodes for name in made.output}
        held = {name: np.asarray(array) for name, array in constants.items() if name in used}
        made = model(nodes, {"x": (1, 2, 4, 4)}, "y", held)
        made.opset_import.append(helper.make_opsetid("qonnx.custom_op.general", 1))
        found.append(made.SerializeToString())
    return found


@pytest.mark.parametrize("kind", range(3), ids=["qlinear", "dynamic", "qonnx"])
@pytest.mark.parametrize("seed", range(200))
def test_damage_to_quantized_models_gives_an_error_or_a_graph(kind: int, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    whole = quantized_models()[kind]
    path.write_bytes(damaged(seed, whole))
    try:
        read_onnx(path, {})
    except TapeoutError as error:
        assert "\n" not in str(error)
    path.write_bytes(whole)
    assert read_onnx(path, {}).nodes
