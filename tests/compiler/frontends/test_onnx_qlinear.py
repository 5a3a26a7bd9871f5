"""QOperator files that onnxruntime writes: the same graph as in QDQ form, and the codes of onnxruntime's own kernels."""
from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from tapeout.compiler import text
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends.onnx import qlinear, read_onnx
from tapeout.compiler.frontends.onnx.call import Call
from tapeout.compiler.frontends.onnx.importer import Codes, Importer
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run

from .onnx_models import floats, model, node, read

IMAGE = (1, 3, 8, 8)
COUNT = 64
RESIDUAL = [
    node("Conv", "x w1 b1", "c1", pads=[1, 1, 1, 1]), node("Relu", "c1", "r1"), node("Conv", "r1 w2 b2", "c2", pads=[1, 1, 1, 1]),
    node("Add", "c2 r1", "a"), node("MaxPool", "a", "p", kernel_shape=[2, 2], strides=[2, 2]),
    node("Conv", "p w3", "c3", group=4, pads=[1, 1, 1, 1]), node("Sigmoid", "c3", "s"), node("Mul", "s p", "m"),
    node("Concat", "m p", "cc", axis=1), node("LeakyRelu", "cc", "l", alpha=0.1), node("GlobalAveragePool", "l", "g"),
    node("Flatten", "g", "f"), node("Gemm", "f w4 b4", "h", transB=1), node("MatMul", "h w5", "y"),
]  # fmt: skip
WEIGHTS = {
    "w1": floats(4, 3, 3, 3), "b1": floats(4), "w2": floats(4, 4, 3, 3, seed=1), "b2": floats(4, seed=1), "w3": floats(4, 1, 3, 3),
    "w4": floats(6, 8), "b4": floats(6), "w5": floats(6, 5),
}  # fmt: skip


class Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """The same calibration data, each time."""

    def __init__(self, feeds: Sequence[Mapping[str, Array]]) -> None:
        self.left = iter(feeds)

    def get_next(self) -> Mapping[str, Array] | None:
        return next(self.left, None)


def samples(made: onnx.ModelProto, count: int = COUNT) -> list[dict[str, Array]]:
    shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in made.graph.input}
    return [{name: floats(*shape, seed=100 * index + seed) for index, (name, shape) in enumerate(shapes.items())} for seed in range(count)]


def quantized(
    made: onnx.ModelProto, form: QuantFormat, folder: Path, activations: QuantType = QuantType.QUInt8, weights: QuantType = QuantType.QInt8,
    per_channel: bool = False,
) -> Path:
    """The file that onnxruntime makes of a float model."""
    paths = [folder / name for name in ("float.onnx", f"{form.name}.onnx")]
    paths[0].write_bytes(made.SerializeToString())
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            paths[0], paths[1], Samples(samples(made, 16)), quant_format=form, per_channel=per_channel, activation_type=activations,
            weight_type=weights,
        )
    finally:
        logging.disable(logging.NOTSET)
    return paths[1]


def by_onnxruntime(path: Path, feeds: Sequence[Mapping[str, Array]]) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, dict(feed))[0] for feed in feeds])


def by_integers(graph: Graph, feeds: Sequence[Mapping[str, Array]]) -> Array:
    """What the lowered graph, all of it integers, computes."""
    lowered = lower(graph)
    arrays = {p.value: p.from_source(np.stack([f[p.name] for f in feeds])) for p in lowered.inputs}
    (port,) = lowered.outputs
    return port.to_source(run(lowered, arrays)[port.value])


def anonymous(graph: Graph) -> tuple[list[str], list[Array]]:
    """The text of a graph with values named by their order, and the data of its constants."""
    graph = text.ordered(graph)
    names = {name: f"v{index}" for index, name in enumerate(graph.values)}
    lines = [re.sub(r"'([^']*)'", lambda m: names.get(m[1], m[1]), line) for line in text.format(graph).splitlines()[1:]]
    return lines, [np.asarray(c.data) for c in graph.constants()]


def assert_equal(one: Graph, other: Graph) -> None:
    (lines, data), (others, others_data) = anonymous(one), anonymous(other)
    assert lines == others
    assert all(np.array_equal(a, b) for a, b in zip(data, others_data, strict=True))


TYPES = [(QuantType.QUInt8, QuantType.QInt8), (QuantType.QInt8, QuantType.QInt8)]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("activations", "weights"), TYPES, ids=lambda t: t.name)
def test_a_residual_network_is_the_same_in_both_forms(
    activations: QuantType, weights: QuantType, per_channel: bool, tmp_path: Path
) -> None:
    made = model(RESIDUAL, {"x": IMAGE}, "y", WEIGHTS)
    paths = [quantized(made, form, tmp_path, activations, weights, per_channel) for form in (QuantFormat.QOperator, QuantFormat.QDQ)]
    operators, pairs = (read_onnx(path, {}) for path in paths)
    assert_equal(operators, pairs)
    feeds = samples(made)
    assert (by_integers(operators, feeds) != by_onnxruntime(paths[0], feeds)).sum() == 0


def behind_conv(*nodes: onnx.NodeProto, **constants: Array) -> onnx.ModelProto:
    """A convolution (1, 4, 8, 8), whose result `c` the nodes take to `y`."""
    return model([node("Conv", "x w", "c"), *nodes], {"x": IMAGE}, "y", {"w": floats(4, 3, 1, 1), **constants})


def ints(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def number(value: float, dtype: str = "float32") -> Array:
    return np.array(value, dtype)


W, B = floats(4, 4, 3, 3), floats(4)
FLAT = node("Flatten", "c", "f")
OPS = {
    "conv": behind_conv(node("Conv", "c v b", "y", pads=[1, 0, 1, 2], strides=[2, 1]), v=W, b=B),
    "conv_without_bias": behind_conv(node("Conv", "c v", "y", dilations=[2, 2]), v=W),
    "conv_of_groups": behind_conv(node("Conv", "c v b", "y", group=2), v=floats(4, 2, 3, 3), b=B),
    "conv_depthwise": behind_conv(node("Conv", "c v b", "y", group=4, auto_pad="SAME_UPPER"), v=floats(4, 1, 3, 3), b=B),
    "conv_of_a_signal": model([node("Conv", "x w b", "y", pads=[1, 1])], {"x": (1, 3, 12)}, "y", {"w": floats(4, 3, 3), "b": B}),
    "matmul": behind_conv(FLAT, node("MatMul", "f v", "y"), v=floats(256, 5)),
    "matmul_of_rows": behind_conv(node("MatMul", "c v", "y"), v=floats(8, 6)),
    "gemm": behind_conv(FLAT, node("Gemm", "f v b", "y"), v=floats(256, 5), b=floats(5)),
    "gemm_transposed": behind_conv(FLAT, node("Gemm", "f v", "y", transB=1), v=floats(5, 256)),
    "add": behind_conv(node("Conv", "x v", "d"), node("Add", "c d", "y"), v=floats(4, 3, 1, 1, seed=1)),
    "mul": behind_conv(node("Conv", "x v", "d"), node("Mul", "c d", "y"), v=floats(4, 3, 1, 1, seed=1)),
    "sigmoid": behind_conv(node("Sigmoid", "c", "y")),
    "leaky_relu": behind_conv(node("LeakyRelu", "c", "y", alpha=0.2)),
    "concat": behind_conv(node("Conv", "x v", "d"), node("Concat", "d c", "y", axis=1), v=3 * floats(4, 3, 1, 1, seed=1)),
    "average_pool": behind_conv(node("AveragePool", "c", "y", kernel_shape=[3, 2], strides=[2, 1])),
    "global_average_pool": behind_conv(node("GlobalAveragePool", "c", "y")),
    "max_pool": behind_conv(node("MaxPool", "c", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])),
    "relu": behind_conv(node("Add", "c c", "a"), node("Relu", "a", "y")),
    "clip": behind_conv(node("Add", "c c", "a"), node("Clip", "a lo hi", "y"), lo=number(-0.5), hi=number(1.5)),
    "reshape": behind_conv(node("Reshape", "c t", "r"), node("Add", "r r", "y"), t=ints(1, 8, 8, 4)),
    "transpose": behind_conv(node("Transpose", "c", "t", perm=[0, 2, 3, 1]), node("Add", "t t", "y")),
    "flatten": behind_conv(node("Flatten", "c", "t", axis=2), node("Add", "t t", "y")),
    "squeeze": behind_conv(node("Squeeze", "c a", "t"), node("Add", "t t", "y"), a=ints(0)),
    "unsqueeze": behind_conv(node("Unsqueeze", "c a", "t"), node("Add", "t t", "y"), a=ints(2)),
    "split": behind_conv(node("Split", "c", "s t", axis=1), node("Add", "t s", "y")),
    "pad": behind_conv(node("Pad", "c p", "t"), node("Add", "t t", "y"), p=ints(0, 0, 1, 2, 0, 0, 0, 3)),
}  # fmt: skip


@pytest.mark.parametrize("per_channel", [False, True], ids=["per_tensor", "per_channel"])
@pytest.mark.parametrize("name", OPS)
def test_each_op_gives_onnxruntimes_codes(name: str, per_channel: bool, tmp_path: Path) -> None:
    path = quantized(OPS[name], QuantFormat.QOperator, tmp_path, per_channel=per_channel)
    graph, feeds = read_onnx(path, {}), samples(OPS[name])
    assert (by_integers(graph, feeds) != by_onnxruntime(path, feeds)).sum() == 0


@pytest.mark.parametrize("activations", [QuantType.QUInt8, QuantType.QInt8], ids=lambda t: t.name)
def test_softmax_is_within_a_code(activations: QuantType, tmp_path: Path) -> None:
    """Ours is the fixed point of TensorFlow Lite, onnxruntime's a quotient of floats."""
    made = behind_conv(FLAT, node("Gemm", "f v", "g"), node("Softmax", "g", "y"), v=floats(256, 10))
    path = quantized(made, QuantFormat.QOperator, tmp_path, activations)
    feeds = samples(made)
    off = 256 * np.abs(by_integers(read_onnx(path, {}), feeds) - by_onnxruntime(path, feeds))
    assert off.max() <= 1
    assert (off > 0).mean() < 0.1


def between(nodes: Sequence[onnx.NodeProto], zero: np.integer[Any], constants: Mapping[str, Array]) -> onnx.ModelProto:
    """Nodes that take the codes `q` of the input (1, 3, 6, 6) to codes `r`, between QuantizeLinear and DequantizeLinear."""
    ends = [node("QuantizeLinear", "x s z", "q"), *nodes, node("DequantizeLinear", "r s z", "y")]
    return model(ends, {"x": (1, 3, 6, 6)}, "y", {"s": number(0.0173), "z": np.asarray(zero), **constants}, opset=18)


ZEROS = [np.int8(0), np.int8(-100), np.int8(17), np.uint8(0), np.uint8(131)]
OVER_CODES: dict[str, tuple[list[onnx.NodeProto], dict[str, Any]]] = {
    "max_pool": ([node("MaxPool", "q", "r", kernel_shape=[3, 3], pads=[1, 1, 0, 1])], {}),
    "clip": ([node("Clip", "q lo hi", "r")], {"lo": 3, "hi": 90}),
    "clip_below": ([node("Clip", "q lo", "r")], {"lo": 20}),
    "clip_twice": ([node("Clip", "q lo hi", "t"), node("Clip", "t - lower", "r")], {"lo": 3, "hi": 90, "lower": 55}),
    "clip_to_four_bits": ([node("Clip", "q lo hi", "r")], {"lo": 0, "hi": 15}),
    "clip_then_pool": ([node("Clip", "q lo hi", "t"), node("MaxPool", "t", "r", kernel_shape=[2, 2])], {"lo": 3, "hi": 40}),
    "pad": ([node("Pad", "q p c", "r")], {"p": ints(0, 0, 1, 2, 0, 0, 0, 3), "c": 9}),
    "pad_with_code_0": ([node("Pad", "q p", "r")], {"p": ints(0, 0, 1, 2, 0, 0, 0, 3)}),
    "slice": ([node("Slice", "q from to axes", "r")], {"from": ints(1, 2), "to": ints(5, 6), "axes": ints(2, 3)}),
    "concat": ([node("Transpose", "q", "t", perm=[0, 1, 3, 2]), node("Concat", "q t", "r", axis=1)], {}),
    "identity": ([node("Identity", "q", "r")], {}),
    "reshape": ([node("Reshape", "q t", "r")], {"t": ints(1, 6, -1)}),
    "split": ([node("Split", "q sizes", "t u", axis=1), node("Concat", "u t", "r", axis=1)], {"sizes": ints(1, 2)}),
}  # fmt: skip


def over_codes(name: str, zero: np.integer[Any]) -> onnx.ModelProto:
    nodes, constants = OVER_CODES[name]
    arrays = {key: number(value, zero.dtype.name) if isinstance(value, int) else value for key, value in constants.items()}
    return between(nodes, zero, arrays)


@pytest.mark.parametrize("zero", ZEROS, ids=lambda z: f"{z.dtype}_{z}")
@pytest.mark.parametrize("name", OVER_CODES)
def test_ops_over_codes(name: str, zero: np.integer[Any], tmp_path: Path) -> None:
    made = over_codes(name, zero)
    graph, feeds = read(made, tmp_path), samples(made, 16)
    assert np.array_equal(by_integers(graph, feeds), by_onnxruntime(tmp_path / "net.onnx", feeds))


@pytest.mark.parametrize("zero", [np.int8(0), np.int8(-100), np.int8(17)], ids=str)
def test_relu_over_codes(zero: np.int8, tmp_path: Path) -> None:
    """It bounds codes by 0, which is the real 0 only where the zero point is; of unsigned codes onnxruntime has none."""
    made = between([node("Relu", "q", "r")], zero, {})
    graph, feeds = read(made, tmp_path), samples(made, 16)
    assert np.array_equal(by_integers(graph, feeds), by_onnxruntime(tmp_path / "net.onnx", feeds))


def microsoft(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    made = node(op, inputs, output, **attributes)
    made.domain = qlinear.MICROSOFT
    return made


CODES = {
    "s": number(0.02), "z": number(7, "uint8"), "other": number(0.03), "w": np.zeros((3, 3), np.int8), "wz": number(0, "int8"),
    "wq": np.zeros((3, 3), np.uint8), "lo": number(3, "uint8"), "hi": number(9, "uint8"),
}  # fmt: skip
START = node("QuantizeLinear", "x s z", "q")
REFUSED = {
    "another_scale": (microsoft("QLinearSigmoid", "q other z s z", "r"), "not that of the node which makes the codes q"),
    "another_zero": (microsoft("QLinearSigmoid", "q s - s z", "r"), "not that of the node which makes the codes q"),
    "arithmetic": (node("Mul", "q q", "r"), "Mul_r: Mul .*computes with integer codes; of such ops only Clip"),
    "floats": (microsoft("QLinearAdd", "x s z q s z s z", "r"), r"input 0 \(x\) is no tensor of codes; put QuantizeLinear before it"),
    "mixed": (node("Concat", "q wq", "r", axis=0), "some of its inputs are codes and some are not"),
    "channels_last": (microsoft("QLinearGlobalAveragePool", "q s z s z", "r", channels_last=1), "channels_last is not supported"),
    "alpha": (microsoft("QGemm", "q s z w s wz - s z", "r", alpha=0.5), "QGemm_r: QGemm .*alpha 0.5 is not supported"),
    "float_result": (microsoft("QGemm", "q s z w s wz", "r"), "its result has no scale"),
    "concat": (microsoft("QLinearConcat", "s z q s", "r", axis=0), "4 inputs are not two and three for each tensor"),
    "unknown": (microsoft("QLinearWhere", "q s z", "r"), "QLinearWhere_r: op QLinearWhere of domain 'com.microsoft' .*QuantFormat.QDQ"),
    "twice": (microsoft("QLinearSigmoid", "q s z s z", "q"), "computes tensor q, which is defined already"),
    "nothing": (node("Clip", "q hi lo", "r"), "codes are clipped to 9 .. 3"),
    "bounds": (node("Clip", "lo q hi", "r"), "its bounds are codes that the model computes"),
    "missing": (microsoft("QLinearSigmoid", "q s z", "r"), "QLinearSigmoid_r: QLinearSigmoid lacks its input 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    bad, words = REFUSED[name]
    made = model([START, bad, node("DequantizeLinear", "r s z", "y")], {"x": (3, 3)}, "y", CODES)
    with pytest.raises(TapeoutError, match=words):
        read(made, tmp_path)


def test_codes_of_different_formats_do_not_join(tmp_path: Path) -> None:
    nodes = [START, node("QuantizeLinear", "x other z", "p"), node("Concat", "q p", "r", axis=0), node("DequantizeLinear", "r s z", "y")]
    with pytest.raises(Unsupported, match="Concat_r: Concat .*its inputs are codes with different scales"):
        read(model(nodes, {"x": (3, 3)}, "y", CODES), tmp_path)


def test_codes_as_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="output q is integer codes; put DequantizeLinear before it"):
        read(model([START], {"x": (3, 3)}, "q", CODES), tmp_path)


def test_a_wrong_bias_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above bite."""
    monkeypatch.setattr(qlinear, "_bias", lambda *_: "")
    with pytest.raises(AssertionError):
        test_a_residual_network_is_the_same_in_both_forms(*TYPES[0], False, tmp_path)
    with pytest.raises(AssertionError):
        test_each_op_gives_onnxruntimes_codes("conv", False, tmp_path)


def test_padding_with_the_real_0_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def zero(importer: Importer, call: Call, codes: Codes) -> str:
        importer.constants["nothing"] = np.zeros((), np.float32)
        return "nothing"

    monkeypatch.setattr(qlinear, "_pad_value", zero)
    with pytest.raises(AssertionError):
        test_ops_over_codes("pad", np.int8(17), tmp_path)


def test_wrong_bounds_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qlinear, "_bounded", lambda importer, call: importer.codes.update({call.output: importer.codes[call.inputs[0]]}))
    with pytest.raises(AssertionError):
        test_ops_over_codes("clip", np.uint8(131), tmp_path)
