"""Files of one operator: the reference equals TensorFlow Lite Micro in every byte (int8), or within rounding (float32)."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tflite import ActivationFunctionType, BuiltinOperator, Padding

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.run import run
from tests.tflite_writer import Operator, Tensor, write

from .micro import assert_equal, constant, float32, int8, model, parse, random_codes

FLOAT_TOLERANCE = 1e-5
NONE, RELU, N1_TO_1, RELU6 = (
    ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU_N1_TO_1, ActivationFunctionType.RELU6,
)  # fmt: skip
ACTIVATIONS = {"none": NONE, "relu": RELU, "relu6": RELU6, "n1_to_1": N1_TO_1}
PADDINGS = {"same": Padding.SAME, "valid": Padding.VALID}
SCALES = ((0.05, 3, 0.07, -5), (0.5, -128, 0.011, 127), (0.0039, 0, 0.9, 1))
"""(input scale, zero point, output scale, zero point): alike, saturating, and all but vanishing."""


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    tolerance: float = 0.0

    def __str__(self) -> str:
        return self.name


def weights(shape: tuple[int, ...], axis: int, per_channel: bool) -> Tensor:
    scales = np.linspace(0.001, 0.03, shape[axis]) if per_channel else [0.011]
    return constant("w", random_codes(1, *shape), "int8", list(scales), axis=axis)


def bias(channels: int, scale: float) -> Tensor:
    return constant("b", np.random.default_rng(2).integers(-20000, 20000, channels), "int32", [scale])


def out(size: int, kernel: int, stride: int, dilation: int, same: bool) -> int:
    return -(-size // stride) if same else (size - (kernel - 1) * dilation - 1) // stride + 1


def convolutions() -> Iterator[Case]:
    """Every activation, padding, stride and dilation once with each scale, with and without bias and scales per channel."""
    geometries = [((1, 1), (1, 1)), ((2, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 1)), ((1, 1), (2, 2))]
    for i, ((pad, padding), (stride, dilation), (act, activation)) in enumerate(product(PADDINGS.items(), geometries, ACTIVATIONS.items())):
        for depthwise in (False, True):
            sx, zx, sy, zy = SCALES[i % 3]
            size = [out(n, 3, s, d, padding == Padding.SAME) for n, s, d in zip((9, 8), stride, dilation, strict=True)]
            channels = 6
            w = weights((1, 3, 3, channels), 3, i % 2 == 0) if depthwise else weights((channels, 3, 3, 3), 0, i % 2 == 0)
            name = f"{'depthwise' if depthwise else 'conv'}_{pad}_{act}_s{stride[0]}{stride[1]}_d{dilation[0]}{dilation[1]}"
            fields = {
                "Padding": padding, "StrideH": stride[0], "StrideW": stride[1], "DilationHFactor": dilation[0],
                "DilationWFactor": dilation[1], "FusedActivationFunction": activation,
            }  # fmt: skip
            if depthwise:
                fields["DepthMultiplier"] = 2
            op = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
            b = bias(channels, sx * 0.011) if i % 4 else None
            x, y = int8("x", (1, 9, 8, 3), sx, zx), int8("y", (1, *size, channels), sy, zy)
            yield Case(name, model(op[0], [x, w, b], y, op[1], **fields))
            wf = constant("w", np.random.default_rng(3).normal(0, 1, w.shape), "float32")
            bf = constant("b", np.random.default_rng(4).normal(0, 1, channels), "float32") if b else None
            data = model(op[0], [float32("x", x.shape), wf, bf], float32("y", y.shape), op[1], **fields)
            yield Case(f"{name}_f32", data, FLOAT_TOLERANCE)


def grouped() -> Iterator[Case]:
    x, y = int8("x", (2, 5, 5, 8)), int8("y", (2, 5, 5, 6), 0.3, 4)
    fields = {"Padding": Padding.SAME, "StrideH": 1, "StrideW": 1}
    yield Case("conv_groups", model("CONV_2D", [x, weights((6, 3, 3, 4), 0, True), bias(6, 0.05 * 0.011)], y, "Conv2DOptions", **fields))


def dense() -> Iterator[Case]:
    op, options = "FULLY_CONNECTED", "FullyConnectedOptions"
    for (sx, zx, sy, zy), (act, activation), per_channel, rank in product(SCALES, ACTIVATIONS.items(), (False, True), (2, 4)):
        shape = (3, 20) if rank == 2 else (3, 2, 2, 5)
        x, y = int8("x", shape, sx, zx), int8("y", (3, 7), sy, zy)
        b = bias(7, sx * 0.011) if rank == 2 else None
        name = f"dense_{act}_{sx}_{'channels' if per_channel else 'tensor'}_{rank}"
        yield Case(name, model(op, [x, weights((7, 20), 0, per_channel), b], y, options, FusedActivationFunction=activation))
    w = constant("w", random_codes(5, 7, 20), "int8", [0.01], [9])
    yield Case("dense_weights_zero", model(op, [int8("x", (1, 20)), w, bias(7, 0.05 * 0.01)], int8("y", (1, 7), 0.2), options))
    x, y = int8("x", (2, 3, 20)), int8("y", (2, 3, 7), 0.2)
    yield Case("dense_keep", model(op, [x, weights((7, 20), 0, False), None], y, options, KeepNumDims=1))
    wf = constant("w", np.random.default_rng(3).normal(0, 1, (7, 20)), "float32")
    data = model(op, [float32("x", (2, 20)), wf, None], float32("y", (2, 7)), options, FusedActivationFunction=RELU)
    yield Case("dense_f32", data, FLOAT_TOLERANCE)


def boundaries() -> Iterator[Case]:
    """Sums on both sides of where each code begins: only the exact multiplier and its rounding give these bytes."""
    scale_x, scale_w, scale_y = (float(np.float32(s)) for s in (0.1, 0.003, 37.0))
    first = np.ceil((np.arange(-127, 127) + 0.5) * scale_y / (scale_x * scale_w))
    b = constant("b", np.concatenate([first - 1, first, first + 1]), "int32", [scale_x * scale_w])
    channels = b.shape[0]
    for op, options, spatial in (("FULLY_CONNECTED", "FullyConnectedOptions", ()), ("CONV_2D", "Conv2DOptions", (1, 1))):
        for per_channel in (False, True):
            w = constant("w", np.zeros((channels, *spatial, 1)), "int8", [scale_w] * (channels if per_channel else 1))
            x, y = int8("x", (1, *spatial, 1), scale_x), int8("y", (1, *spatial, channels), scale_y)
            fields = {"StrideH": 1, "StrideW": 1} if spatial else {}
            yield Case(f"boundaries_{op.lower()}_{'channels' if per_channel else 'tensor'}", model(op, [x, w, b], y, options, **fields))


def arithmetic() -> Iterator[Case]:
    """add, sub and mul: each activation and scale; with a constant and with broadcasting operands."""
    shapes = [((1, 4, 4, 3), (1, 4, 4, 3)), ((1, 4, 4, 3), (1, 1, 1, 3)), ((1, 1, 4, 3), (2, 4, 1, 3))]
    for (op, options), (sx, zx, sy, zy), (act, activation) in product(
        (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")), SCALES, ACTIVATIONS.items()
    ):
        name, fields = f"{op.lower()}_{act}_{sx}", {"FusedActivationFunction": activation}
        for i, (a, b) in enumerate(shapes):
            x, z, y = int8("x", a, sx, zx), int8("z", b, 0.031, -7), int8("y", np.broadcast_shapes(a, b), sy, zy)
            yield Case(f"{name}_{i}", model(op, [x, z], y, options, **fields))
        if activation == NONE:  # a sample has every pair of codes
            x, z, y = int8("x", (256, 1), sx, zx), int8("z", (1, 256), 0.031, -7), int8("y", (256, 256), sy, zy)
            yield Case(f"{name}_pairs", model(op, [x, z], y, options))
        c = constant("c", random_codes(3, 3), "int8", [0.02], [5])
        yield Case(f"{name}_constant", model(op, [int8("x", (1, 4, 4, 3), sx, zx), c], int8("y", (1, 4, 4, 3), sy, zy), options, **fields))
        xf, zf, yf = (float32(n, (1, 4, 4, 3)) for n in "xzy")
        yield Case(f"{name}_f32", model(op, [xf, zf], yf, options, **fields), FLOAT_TOLERANCE)


def pools() -> Iterator[Case]:
    for op, (pad, padding), (act, activation), stride in product(
        ("AVERAGE_POOL_2D", "MAX_POOL_2D"), PADDINGS.items(), ACTIVATIONS.items(), ((1, 1), (2, 3))
    ):
        size = [out(n, 3, s, 1, padding == Padding.SAME) for n, s in zip((9, 8), stride, strict=True)]
        fields = {
            "Padding": padding, "StrideH": stride[0], "StrideW": stride[1], "FilterHeight": 3, "FilterWidth": 3,
            "FusedActivationFunction": activation,
        }  # fmt: skip
        name = f"{op.lower()}_{pad}_{act}_s{stride[0]}{stride[1]}"
        yield Case(name, model(op, [int8("x", (2, 9, 8, 3), 0.04, 5)], int8("y", (2, *size, 3), 0.04, 5), "Pool2DOptions", **fields))
        data = model(op, [float32("x", (2, 9, 8, 3))], float32("y", (2, *size, 3)), "Pool2DOptions", **fields)
        yield Case(f"{name}_f32", data, FLOAT_TOLERANCE)


def means() -> Iterator[Case]:
    for (sx, zx, sy, zy), axes, keep in product((*SCALES, (0.05, 3, 0.05, 3)), ((1, 2), (-1,), (1, 2, 3), (2,)), (0, 1)):
        shape = (2, 5, 7, 30)
        full = {a % 4 for a in axes}
        reduced = [1 if i in full else d for i, d in enumerate(shape) if keep or i not in full]
        axis = constant("axes", list(axes), "int32")
        name = f"mean_{sx}_{sy}_{len(axes)}{axes[0]}_{keep}"
        yield Case(name, model("MEAN", [int8("x", shape, sx, zx), axis], int8("y", reduced, sy, zy), "ReducerOptions", KeepDims=keep))
        data = model("MEAN", [float32("x", shape), axis], float32("y", reduced), "ReducerOptions", KeepDims=keep)
        yield Case(f"{name}_f32", data, FLOAT_TOLERANCE)


def unaries() -> Iterator[Case]:
    """Functions of one code; one sample holds all 256 of them."""
    shape = (1, 8, 32)
    fixed = (1 / 256, -128)
    outputs = {"LOGISTIC": [fixed], "TANH": [(1 / 128, 0)]}
    for op in ("LOGISTIC", "TANH", "RELU", "HARD_SWISH", "LEAKY_RELU", "RELU6"):
        for (sx, zx), (sy, zy) in product([(0.05, 3), (0.2, -100), (0.007, 127)], outputs.get(op, [(0.05, 3), (0.03, -128), (0.4, 20)])):
            if op == "RELU6":
                sy, zy = sx, zx
            options, fields = ("LeakyReluOptions", {"Alpha": 0.13}) if op == "LEAKY_RELU" else ("", {})
            name = f"{op.lower()}_{sx}_{sy:.3f}"
            yield Case(name, model(op, [int8("x", shape, sx, zx)], int8("y", shape, sy, zy), options, **fields))
        yield Case(f"{op.lower()}_f32", model(op, [float32("x", shape)], float32("y", shape), options, **fields), FLOAT_TOLERANCE)


def softmaxes() -> Iterator[Case]:
    for scale, beta, shape in product((0.02, 0.1, 0.9), (1.0, 0.3), ((3, 10), (1, 4, 5))):
        name = f"softmax_{scale}_{beta}_{len(shape)}"
        x, y = int8("x", shape, scale, 7), int8("y", shape, 1 / 256, -128)
        yield Case(name, model("SOFTMAX", [x], y, "SoftmaxOptions", Beta=beta))
        if scale == 0.02:
            data = model("SOFTMAX", [float32("x", shape)], float32("y", shape), "SoftmaxOptions", Beta=beta)
            yield Case(f"{name}_f32", data, FLOAT_TOLERANCE)


def ints(name: str, *values: int | list[int]) -> Tensor:
    return constant(name, list(values), "int32")


def pair(
    name: str, op: str, before: Sequence[int], after: Sequence[int], extra: Sequence[Tensor], options: str = "", **fields: int
) -> Iterator[Case]:
    """A case in int8 and one in float32 of an operator that moves elements; both must be equal."""
    yield Case(name, model(op, [int8("x", before), *extra], int8("y", after), options, **fields))
    yield Case(f"{name}_f32", model(op, [float32("x", before), *extra], float32("y", after), options, **fields))


def movers() -> Iterator[Case]:
    yield from pair("reshape", "RESHAPE", (1, 4, 6), (2, 12), [ints("shape", 2, -1)])
    yield from pair("squeeze", "SQUEEZE", (1, 4, 1, 6), (4, 6), [], "SqueezeOptions")
    yield from pair("expand_dims", "EXPAND_DIMS", (4, 6), (4, 1, 6), [ints("axis", 1)])
    yield from pair("pad", "PAD", (1, 4, 5, 3), (1, 7, 6, 3), [ints("pads", [0, 0], [1, 2], [0, 1], [0, 0])])
    yield from pair("pad_channels", "PAD", (1, 4, 5, 3), (2, 4, 5, 8), [ints("pads", [0, 1], [0, 0], [0, 0], [2, 3])])
    yield from pair("transpose", "TRANSPOSE", (2, 3, 4, 5), (2, 5, 3, 4), [ints("order", 0, 3, 1, 2)])
    yield from pair("slice", "SLICE", (2, 5, 6, 3), (1, 3, 6, 2), [ints("begin", 1, 2, 0, 1), ints("size", 1, 3, -1, 2)])
    strided = [ints("begin", 0, 1, -5, 0), ints("end", 2, 5, -1, 3), ints("strides", 1, 2, 1, 1)]
    yield from pair("strided_slice", "STRIDED_SLICE", (2, 5, 6, 3), (2, 2, 4, 3), strided, "StridedSliceOptions")
    strided = [ints("begin", 1, 1, 0, -1), ints("end", 2, 2, 4, 9), ints("strides", 1, 1, 1, 1)]
    masks = {"BeginMask": 1, "EndMask": 2, "ShrinkAxisMask": 8}
    yield from pair("strided_slice_masks", "STRIDED_SLICE", (2, 5, 6, 3), (2, 4, 4), strided, "StridedSliceOptions", **masks)
    for axis, shape in ((1, (1, 8, 5)), (-1, (1, 4, 10))):
        for make, suffix in ((int8, ""), (float32, "_f32")):
            inputs = [make("x", (1, 4, 5)), make("z", (1, 4, 5))]
            yield Case(f"concat_{axis}{suffix}", model("CONCATENATION", inputs, make("y", shape), "ConcatenationOptions", Axis=axis))
    filled = constant("value", [-77], "int8", [0.05], [3])
    pads = ints("pads", [0, 0], [1, 2], [0, 1], [0, 0])
    yield Case("padv2", model("PADV2", [int8("x", (1, 4, 5, 3)), pads, filled], int8("y", (1, 7, 6, 3))))


def conversions() -> Iterator[Case]:
    for i, (sx, zx, sy, zy) in enumerate((*SCALES, (0.25, 9, 0.5, -3))):
        x, y = int8("x", (1, 4, 64), sx, zx), int8("y", (1, 4, 64), sy, zy)
        yield Case(f"quantize_{i}", model("QUANTIZE", [float32("x", x.shape)], y))
        yield Case(f"requantize_{i}", model("QUANTIZE", [x], y))
        yield Case(f"dequantize_{i}", model("DEQUANTIZE", [x], float32("y", x.shape)))


def limits() -> Iterator[Case]:
    for op in ("MINIMUM", "MAXIMUM"):
        c = constant("c", [20], "int8", [0.05], [3])
        yield Case(f"{op.lower()}", model(op, [int8("x", (1, 4, 5)), c], int8("y", (1, 4, 5)), "MaximumMinimumOptions"))
        c = constant("c", [0.5], "float32")
        yield Case(f"{op.lower()}_f32", model(op, [float32("x", (1, 4, 5)), c], float32("y", (1, 4, 5)), "MaximumMinimumOptions"))


CASES = [
    case
    for group in (convolutions, grouped, dense, boundaries, arithmetic, pools, means, unaries, softmaxes, movers, conversions, limits)
    for case in group()
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_operator(case: Case, tmp_path: Path) -> None:
    assert_equal(tmp_path / "model.tflite", case.data, case.tolerance)


def test_damaged_operators_are_read_or_refused(tmp_path: Path) -> None:
    """Bytes of files of every operator replaced: nothing but a TapeoutError of one line comes out."""
    rng = np.random.default_rng(0)
    for case in CASES[:: max(1, len(CASES) // 300)]:
        damaged = bytearray(case.data)
        for at in rng.integers(0, len(damaged), 2):
            damaged[at] = rng.choice([0, 1, 127, 128, 255])
        try:
            parse(tmp_path / "model.tflite", bytes(damaged))
        except TapeoutError as error:
            assert "\n" not in str(error)


def test_an_activation_without_an_operator_there(tmp_path: Path) -> None:
    """RELU_N1_TO_1 alone, which TensorFlow Lite Micro lacks: codes are clipped to those of -1 and 1."""
    graph = parse(tmp_path / "model.tflite", model("RELU_N1_TO_1", [int8("x", (256,), 0.03, 10)], int8("y", (256,), 0.03, 10)))
    x = np.arange(-128, 128, dtype=np.int8)[None]
    np.testing.assert_array_equal(run(graph, {"x": x})["y"], np.clip(x, 10 - 33, 10 + 33))


def test_weights_held_in_float16_are_constants(tmp_path: Path) -> None:
    half = constant("half", np.linspace(-1, 1, 12).reshape(3, 4), "float16")
    tensors = [float32("x", (1, 4)), half, float32("w", (3, 4)), float32("y", (1, 3))]
    operators = [
        Operator(BuiltinOperator.DEQUANTIZE, ("half",), ("w",)),
        Operator(BuiltinOperator.FULLY_CONNECTED, ("x", "w"), ("y",), "FullyConnectedOptions"),
    ]
    graph = parse(tmp_path / "model.tflite", write(tensors, operators, ["x"], ["y"]))
    assert [n.op.name() for n in graph.nodes] == ["dense"]
    assert half.data is not None
    np.testing.assert_array_equal(graph.values["w"].data, half.data.astype(np.float32))


def test_weights_held_in_int8_are_constants(tmp_path: Path) -> None:
    codes = constant("codes", random_codes(0, 3, 4), "int8", [0.5, 0.25, 2.0], [0, 1, 0], axis=0)
    tensors = [float32("x", (1, 4)), codes, float32("w", (3, 4)), float32("y", (1, 3))]
    operators = [
        Operator(BuiltinOperator.DEQUANTIZE, ("codes",), ("w",)),
        Operator(BuiltinOperator.FULLY_CONNECTED, ("x", "w"), ("y",), "FullyConnectedOptions"),
    ]
    graph = parse(tmp_path / "model.tflite", write(tensors, operators, ["x"], ["y"]))
    expected = (random_codes(0, 3, 4) - np.array([[0], [1], [0]])) * np.array([[0.5], [0.25], [2.0]])
    np.testing.assert_array_equal(graph.values["w"].data, expected)


def test_shapes_that_the_model_computes_are_folded(tmp_path: Path) -> None:
    """Flatten as converters write it for an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    tensors = [
        replace(float32("x", (1, 3, 4)), signature=(-1, 3, 4)),
        Tensor("dims", (3,), "int32"), Tensor("batch", (), "int32"), Tensor("shape", (2,), "int32"),
        ints("zero", 0), ints("one", 1), constant("rest", -1, "int32"),
        replace(float32("y", (1, 12)), signature=(-1, 12)),
    ]  # fmt: skip
    operators = [
        Operator(BuiltinOperator.SHAPE, ("x",), ("dims",), "ShapeOptions"),
        Operator(BuiltinOperator.STRIDED_SLICE, ("dims", "zero", "one", "one"), ("batch",), "StridedSliceOptions", {"ShrinkAxisMask": 1}),
        Operator(BuiltinOperator.PACK, ("batch", "rest"), ("shape",), "PackOptions", {"ValuesCount": 2}),
        Operator(BuiltinOperator.RESHAPE, ("x", "shape"), ("y",)),
    ]
    data = write(tensors, operators, ["x"], ["y"])
    graph = parse(tmp_path / "model.tflite", data, {"x": (5, 3, 4)})
    assert [n.op for n in graph.nodes] == [Reshape((5, 12))]
    assert graph.values["y"].type.shape == (5, 12)
    assert parse(tmp_path / "model.tflite", data).values["y"].type.shape == (1, 12)


def test_values_have_the_names_of_the_tensors(tmp_path: Path) -> None:
    x, y = int8("in:0", (1, 4, 4, 2)), int8("out/y;fused/Relu", (1, 4, 4, 3))
    options = {"Padding": Padding.SAME, "StrideH": 1, "StrideW": 1}
    data = model("CONV_2D", [x, weights((3, 1, 1, 2), 0, True), bias(3, 1.0)], y, "Conv2DOptions", **options)
    graph = parse(tmp_path / "model.tflite", data)
    assert list(graph.values) == ["in:0", "w", "out/y_bias", "out/y_sum", "out/y_mul", "out/y_shift", "out/y"]
    assert graph.outputs[0].name == "out/y;fused/Relu"
    assert graph.values["w"].type.quantized.scale == tuple(float(np.float32(s)) for s in np.linspace(0.001, 0.03, 3))
