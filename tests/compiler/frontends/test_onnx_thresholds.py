"""MultiThreshold of FINN against the executor of QONNX: what the lowered integers compute, value by value."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.integer import counts
from tapeout.compiler.ir import F32, Array, FType, Graph, QType, Type
from tapeout.compiler.ops.fake_threshold import FakeThreshold, counted
from tapeout.compiler.text import format as written

from .onnx_models import floats, model, node, read
from .test_onnx_qlinear import by_integers, number
from .test_onnx_trunc import QONNX, qonnx

SHAPE = (1, 3, 6, 6)
Declared = Mapping[str, str]


def whole(low: int, high: int, *shape: int, seed: int = 0) -> Array:
    """Whole numbers from `low` to `high`, as floats."""
    return np.random.default_rng([seed, *shape]).integers(low, high + 1, shape).astype(np.float32)


def steps(rows: int, count: int, spread: float, seed: int = 0) -> Array:
    """Thresholds without a pattern, some of them whole numbers, which sums meet."""
    random = np.random.default_rng([seed, rows, count])
    t = random.normal(0, spread, (rows, count))
    return np.sort(np.where(random.random(t.shape) < 0.5, np.rint(t), t), axis=1).astype(np.float32)


def network(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Array], declared: Declared, shape: tuple[int, ...] = SHAPE
) -> onnx.ModelProto:
    made = model(nodes, {"x": shape}, "y", constants)
    made.opset_import.append(helper.make_opsetid(QONNX, 1))
    wrapped = ModelWrapper(made)
    for name, kind in declared.items():
        wrapped.set_tensor_datatype(name, DataType[kind])
    found: onnx.ModelProto = wrapped.model
    return found


def assert_qonnx(made: onnx.ModelProto, folder: Path, count: int = 24) -> Graph:
    """No value of the lowered graph, all of it integers, differs from that of the executor."""
    graph = read(made, folder)
    shape = tuple(d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim)
    wrapped = ModelWrapper(str(folder / "net.onnx")).transform(InferShapes())
    kind = wrapped.get_tensor_datatype("x")
    step = kind.scale_factor() if kind.is_fixed_point() else 1.0
    low, high = (0, 0) if kind.name == "FLOAT32" else (round(kind.min() / step), round(kind.max() / step))
    feeds = [{"x": np.float32(step) * whole(low, high, *shape, seed=s) if high else 2 * floats(*shape, seed=s)} for s in range(count)]
    wanted = np.stack([execute_onnx(wrapped, dict(feed))["y"] for feed in feeds])
    assert len(np.unique(wanted)) > 1
    assert (by_integers(graph, feeds) != wanted).sum() == 0
    return graph


def threshold(x: str, t: str, y: str, **attributes: Any) -> onnx.NodeProto:
    return qonnx("MultiThreshold", f"{x} {t}", y, **{"out_dtype": "UINT4", "data_layout": "NCHW", **attributes})


CONV = node("Conv", "x w", "c", pads=[1, 1, 1, 1])
OUTPUTS: dict[str, tuple[int, dict[str, Any]]] = {
    "u2": (3, {}), "u4": (15, {"out_scale": 0.25}), "s4": (15, {"out_bias": -8.0}), "s8": (255, {"out_bias": -128.0}),
    "fewer": (5, {"out_scale": 0.5, "out_bias": 1.5}), "bipolar": (1, {"out_scale": 2.0, "out_bias": -1.0}), "binary": (1, {}),
    "odd": (3, {"out_scale": 2.0, "out_bias": -3.0}), "half": (4, {"out_scale": 1.0, "out_bias": -1.5}),
}  # fmt: skip


@pytest.mark.parametrize("rows", [4, 1], ids=["per_channel", "per_tensor"])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("kind", "weights"), [("UINT8", "INT4"), ("INT8", "TERNARY"), ("INT4", "BIPOLAR"), ("UINT2", "INT8")])
def test_behind_a_layer_over_declared_integers(kind: str, weights: str, output: str, rows: int, tmp_path: Path) -> None:
    count, attributes = OUTPUTS[output]
    low, high = int(DataType[weights].min()), int(DataType[weights].max())
    w = np.where(whole(0, 1, 4, 3, 3, 3) > 0, 1, -1).astype(np.float32) if weights == "BIPOLAR" else whole(low, high, 4, 3, 3, 3)
    spread = 3.0 * DataType[kind].max() * max(high, 1)
    nodes = [CONV, threshold("c", "t", "y", **attributes)]
    graph = assert_qonnx(network(nodes, {"w": w, "t": steps(rows, count, spread)}, {"x": kind, "w": weights}), tmp_path, 8)
    assert not any(isinstance(n.op, FakeThreshold) for n in lower(graph).nodes)


BEHIND: dict[str, list[onnx.NodeProto]] = {
    "scaled": [CONV, node("Mul", "c third", "d")],
    "negated": [CONV, node("Mul", "c minus", "d")],
    "batch_norm": [CONV, node("BatchNormalization", "c gamma beta mean variance", "d")],
    "clipped": [CONV, node("Relu", "c", "d")],
    "depthwise": [node("Conv", "x v", "c", group=3), node("Identity", "c", "d")],
    "average": [threshold("x", "s", "p"), node("AveragePool", "p", "d", kernel_shape=[2, 2], strides=[2, 1])],
    "codes": [threshold("x", "s", "p"), node("Mul", "p third", "d")],
    "codes_per_channel": [threshold("x", "s", "p"), node("Mul", "p channels", "d")],
    "pooled": [threshold("x", "s", "p"), node("MaxPool", "p", "d", kernel_shape=[2, 2])],
    "residual": [threshold("x", "s", "p"), threshold("x", "r", "q", out_bias=-8.0), node("Add", "p q", "d")],
    "difference": [threshold("x", "s", "p"), threshold("x", "r", "q", out_scale=2.0), node("Sub", "p q", "d")],
    "a_constant_more": [threshold("x", "s", "p"), node("Add", "p third", "d")],
}  # fmt: skip
WEIGHTS = {
    "w": whole(-8, 7, 4, 3, 3, 3), "v": whole(-8, 7, 3, 1, 3, 3), "third": number(1 / 3), "minus": number(-0.7),
    "gamma": np.array([1.5, -0.3, 0.7, -2.0], np.float32), "beta": floats(4), "mean": 9 * floats(4), "variance": np.abs(floats(4)) + 1,
    "channels": np.array([0.3, -1.7, 1.0], np.float32).reshape(1, 3, 1, 1),
}  # fmt: skip
DECLARED = {"x": "INT4", "w": "INT4", "v": "INT4"}


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
@pytest.mark.parametrize("name", BEHIND)
def test_behind(name: str, per_channel: bool, tmp_path: Path) -> None:
    """Every op whose integers thresholds can count."""
    channels = 4 if name in ("scaled", "negated", "batch_norm", "clipped") else 3
    spread = 4.0 if BEHIND[name][0].op_type == "MultiThreshold" else 60.0
    first = {"s": steps(3, 7, 4.0), "r": steps(1, 15, 4.0)}
    constants = {**WEIGHTS, **first, "t": steps(channels if per_channel else 1, 7, spread, seed=1)}
    assert_qonnx(network([*BEHIND[name], threshold("d", "t", "y")], constants, DECLARED), tmp_path)


@pytest.mark.parametrize("before", ["nothing", "Mul", "BatchNormalization"])
@pytest.mark.parametrize("rows", [3, 1])
@pytest.mark.parametrize("kind", ["FLOAT32", "UINT8", "INT8", "INT16", "FIXED<8,3>"])
def test_of_the_input(kind: str, rows: int, before: str, tmp_path: Path) -> None:
    constants = {"t": steps(rows, 15, 60.0 if kind.endswith("INT8") else 1.0), "f": number(0.3), "b": floats(3), "v": np.abs(floats(3)) + 1}
    nodes = {"nothing": [node("Identity", "x", "d")], "Mul": [node("Mul", "x f", "d")]}.get(
        before, [node("BatchNormalization", "x v b b v", "d")]
    )  # fmt: skip
    graph = assert_qonnx(network([*nodes, threshold("d", "t", "y")], constants, {"x": kind}), tmp_path)
    floating = [n for n in lower(graph).nodes if isinstance(lower(graph).values[n.name].type.q, FType) and n.op.name() != "dequantize"]
    assert bool(floating) == (kind == "FLOAT32" and before == "BatchNormalization")


@pytest.mark.parametrize(
    ("shape", "layout", "channel"),
    [((1, 5), "NC", 1), ((1, 5), "", 1), ((1, 4, 5), "NWC", 2), ((1, 4, 5), "", 2), ((1, 5, 4), "NCW", 1), ((1, 3, 4, 5), "NHWC", 3),
     ((1, 5, 3, 4), "NCHW", 1), ((1, 5, 3, 4), "", 1)],
)  # fmt: skip
def test_channels_are_where_the_layout_says(shape: tuple[int, ...], layout: str, channel: int, tmp_path: Path) -> None:
    made = network([threshold("x", "t", "y", data_layout=layout)], {"t": steps(5, 7, 4.0)}, {"x": "INT4"}, shape)
    assert shape[channel] == 5
    assert_qonnx(made, tmp_path)


def test_a_streamlined_network(tmp_path: Path) -> None:
    """Convolutions, a residual sum, a pool and a product, with thresholds between them and integers from the first to the last."""
    nodes = [
        threshold("x", "t0", "a", out_bias=-8.0), node("Conv", "a w1", "b", pads=[1, 1, 1, 1]), threshold("b", "t1", "c"),
        node("Conv", "c w2", "d", pads=[1, 1, 1, 1]), threshold("d", "t2", "e"), node("Add", "c e", "f"), threshold("f", "t3", "g"),
        node("MaxPool", "g", "h", kernel_shape=[2, 2], strides=[2, 2]), node("Transpose", "h", "i", perm=[0, 2, 3, 1]),
        threshold("i", "t4", "j", data_layout="NHWC", out_scale=2.0, out_bias=-1.0), node("Reshape", "j flat", "k"),
        node("MatMul", "k w3", "l"), node("Mul", "l scale", "y"),
    ]  # fmt: skip
    constants = {
        "t0": steps(1, 15, 100.0), "w1": whole(-8, 7, 4, 3, 3, 3), "t1": steps(4, 15, 80.0), "w2": whole(-1, 1, 4, 4, 3, 3),
        "t2": steps(4, 15, 30.0), "t3": steps(1, 15, 10.0) + 10, "t4": steps(4, 1, 4.0) + 6, "flat": np.array([1, -1], np.int64),
        "w3": np.where(whole(0, 1, 36, 10) > 0, 1, -1).astype(np.float32), "scale": number(0.125),
    }  # fmt: skip
    declared = {"x": "UINT8", "w1": "INT4", "w2": "TERNARY", "w3": "BIPOLAR"}
    graph = assert_qonnx(network(nodes, constants, declared), tmp_path, 64)
    assert written(graph).count("fake_threshold") == 5


def test_quantizers_and_thresholds_together(tmp_path: Path) -> None:
    """Weights behind Quant, and nothing declared but the input."""
    nodes = [
        qonnx("Quant", "w s z four", "wq", signed=1, narrow=1, rounding_mode="ROUND"), node("Conv", "x wq b", "c"),
        threshold("c", "t", "y", out_scale=0.5),
    ]  # fmt: skip
    constants = {
        "w": floats(4, 3, 3, 3), "s": number(0.25), "z": number(0), "four": number(4), "b": floats(4), "t": steps(4, 15, 100.0)
    }  # fmt: skip
    assert_qonnx(network(nodes, constants, {"x": "UINT8"}), tmp_path)


@pytest.mark.parametrize("bias", [-0.7, -0.8, 0.3, -1.1, 12.7])
def test_a_bias_that_float32_has_rounded(bias: float, tmp_path: Path) -> None:
    """Codes are those of the executor, whose reals are rounded twice."""
    made = network([threshold("x", "t", "y", out_scale=0.1, out_bias=bias)], {"t": steps(1, 15, 4.0)}, {"x": "INT4"})
    graph, feeds = read(made, tmp_path), [{"x": whole(-8, 7, *SHAPE, seed=s)} for s in range(8)]
    wrapped = ModelWrapper(str(tmp_path / "net.onnx"))
    wanted = np.stack([execute_onnx(wrapped, dict(feed))["y"] for feed in feeds])
    assert np.array_equal(np.rint(by_integers(graph, feeds) / 0.1), np.rint(wanted / 0.1))


REFUSED: dict[str, tuple[list[onnx.NodeProto], Declared, str]] = {
    "layout": ([threshold("x", "t", "y", data_layout="NHW")], {}, "data_layout 'NHW' does not say which of 4 axes has the channels"),
    "channels": ([threshold("x", "t", "y", data_layout="NHWC")], {}, r"6 channels have thresholds of shape \(3, 7\), not"),
    "vector": ([threshold("x", "b", "y")], {}, r"3 channels have thresholds of shape \(3,\), not"),
    "scale": ([threshold("x", "t", "y", out_scale=-1.0)], {}, "MultiThreshold_y: MultiThreshold .*out_scale -1 is not positive"),
    "bias": ([threshold("x", "t", "y", out_bias=0.3)], {}, "out_bias 0.3 is no whole number of halves of out_scale 1"),
    "far": ([threshold("x", "t", "y", out_bias=2.0**40)], {}, "are beyond 32 bits"),
    "type": ([threshold("x", "t", "y")], {"x": "SCALEDINT<8>"}, "tensor x is declared 'SCALEDINT<8>', which is no type of integers"),
    "constant": ([threshold("w", "t", "v"), node("Conv", "x v", "y")], {}, "it counts the constant w; store what comes out"),
    "narrow": (
        [qonnx("Quant", "x s s four", "d", signed=0, narrow=1, rounding_mode="ROUND"), threshold("d", "t", "y")], {},
        "Quant_d: Quant .*narrow unsigned codes, which leave out the greatest, are not supported",
    ),
    "computed": ([node("Relu", "x", "t"), threshold("x", "t", "y")], {}, r"input 1 \(t\) is computed by the model"),
    "lie": ([CONV, threshold("c", "t", "y")], {"w": "BIPOLAR"}, "tensor w is declared BIPOLAR, but 92 of its 108 elements are none"),
}
LOWERED: dict[str, tuple[list[onnx.NodeProto], str]] = {
    "sum": (
        [threshold("x", "t", "p", out_scale=0.5), threshold("x", "t", "q", out_scale=0.75), node("Add", "p q", "d")],
        "d: its operands have scales 0.5 and 0.75; quantize its result",
    ),
    "wide_sum": ([threshold("x", "many", "p"), node("Add", "p p", "d")], "d: its result has 511 codes, more than 8 bits hold"),
    "product": (
        [threshold("x", "t", "p"), node("Mul", "p p", "d")],
        r"y: its thresholds cannot count the result of mul \(d\); quantize that before",
    ),
    "float_layer": ([node("Conv", "x w", "c")], "c: conv2d would stay in float|the constant w has no quantizer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    nodes, declared, words = REFUSED[name]
    constants = {"w": whole(-8, 7, 4, 3, 3, 3), "b": floats(3), "s": number(1), "four": number(4), "t": steps(3, 7, 1.0)}
    if name == "computed":
        del constants["t"]
    with pytest.raises(TapeoutError, match=words):
        read(network(nodes, constants, declared), tmp_path)


@pytest.mark.parametrize("name", LOWERED)
def test_what_has_no_integer_form_is_refused(name: str, tmp_path: Path) -> None:
    nodes, words = LOWERED[name]
    constants = {"w": floats(3, 3, 3, 3), "t": steps(3, 7, 1.0), "many": steps(1, 255, 1.0)}
    last = threshold("c" if name == "float_layer" else "d", "t", "y")
    graph = read(network([*nodes, last], constants, {"x": "INT4"}), tmp_path)
    with pytest.raises(Unsupported, match=words):
        lower(graph)


def test_declarations_without_thresholds_change_nothing(tmp_path: Path) -> None:
    made = network([CONV, node("Relu", "c", "y")], {"w": whole(-8, 7, 4, 3, 3, 3)}, {"x": "UINT8", "w": "INT4"})
    assert "fake" not in written(read(made, tmp_path))


def off_by_one(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, t: real(x, t + 1)


@pytest.mark.parametrize("name", ["scaled", "codes", "average", "residual"])
def test_a_threshold_off_by_one_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above bite."""
    monkeypatch.setattr(counts, "counted", off_by_one(counted))
    with pytest.raises(AssertionError):
        test_behind(name, True, tmp_path)


def test_a_format_holds_its_codes() -> None:
    with pytest.raises(TapeoutError, match="fake_threshold of 7 thresholds does not fit u2"):
        FakeThreshold(QType(2, False)).infer((Type((1, 3), F32), Type((3, 7), F32)))
    with pytest.raises(TapeoutError, match=r"fake_threshold takes t \(C, K\) for 1x3, got 2x7"):
        FakeThreshold(QType(4, False)).infer((Type((1, 3), F32), Type((2, 7), F32)))
