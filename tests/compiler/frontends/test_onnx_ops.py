"""Every ONNX op in every version of its definition, with its attributes, against onnxruntime."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array

from .onnx_models import NEWEST, assert_same, floats, lowered, model, node, read

IMAGE = (2, 6, 7, 5)


@dataclass(frozen=True)
class Case:
    """One node: inputs `x`, `x1`, ... of `shapes`, then `constants`; made for each version of the op in `since` .. `until`."""

    op: str
    label: str
    shapes: tuple[tuple[int, ...], ...] = (IMAGE,)
    constants: tuple[Array | None, ...] = ()
    since: int = 8
    until: int = NEWEST
    outputs: int = 1
    attributes: dict[str, Any] = field(default_factory=dict)

    def versions(self) -> list[int]:
        known = {onnx.defs.get_schema(self.op, v).since_version for v in range(max(8, self.since), self.until + 1)}
        return sorted({max(8, self.since, v) for v in known})


def case(op: str, label: str, *constants: Array | None, shapes: tuple[tuple[int, ...], ...] = (IMAGE,), **others: Any) -> Case:
    own = {key: others.pop(key) for key in ("since", "until", "outputs") if key in others}
    return Case(op, label, shapes, constants, attributes=others, **own)


def ints(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def number(value: float) -> Array:
    return np.array(value, np.float32)


def convolutions() -> Iterator[Case]:
    w, b = floats(4, 6, 3, 2), floats(4)
    yield case("Conv", "plain", w)
    yield case("Conv", "bias", w, b)
    yield case("Conv", "pads", w, b, pads=[1, 0, 2, 1])
    yield case("Conv", "stride", w, b, strides=[2, 3], pads=[1, 1, 1, 1])
    yield case("Conv", "dilation", w, b, dilations=[2, 3], pads=[2, 2, 2, 2])
    yield case("Conv", "valid", w, auto_pad="VALID")
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        yield case("Conv", auto, w, b, auto_pad=auto)
        yield case("Conv", f"{auto}_stride", w, b, auto_pad=auto, strides=[2, 2])
    yield case("Conv", "groups", floats(4, 3, 3, 3), b, group=2)
    yield case("Conv", "depthwise", floats(6, 1, 3, 3), floats(6), group=6, strides=[2, 1], pads=[1, 1, 0, 1])
    yield case("Conv", "depthwise_multiple", floats(12, 1, 2, 3), floats(12), group=6)
    yield case("Conv", "one_channel", floats(3, 1, 3, 3), floats(3), shapes=((2, 1, 6, 5),))
    yield case("Conv", "signal", floats(4, 5, 3), floats(4), shapes=((2, 5, 9),), pads=[2, 1], strides=[2], dilations=[2])
    yield case("Conv", "signal_same", floats(5, 1, 4), floats(5), shapes=((1, 5, 9),), auto_pad="SAME_UPPER", strides=[2], group=5)


def poolings() -> Iterator[Case]:
    for op in ("MaxPool", "AveragePool"):
        yield case(op, "plain", kernel_shape=[2, 3])
        yield case(op, "pads", kernel_shape=[3, 3], pads=[1, 0, 2, 1], strides=[2, 2])
        yield case(op, "valid", kernel_shape=[3, 2], auto_pad="VALID", strides=[2, 1])
        for auto in ("SAME_UPPER", "SAME_LOWER"):
            yield case(op, auto, kernel_shape=[3, 2], auto_pad=auto, strides=[2, 2])
        for kernel, stride, pads in ((3, 2, 0), (3, 2, 1), (2, 3, 1), (2, 2, 0), (1, 3, 0)):
            size: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [min(pads, kernel - 1)] * 4}
            yield case(op, f"ceil_{kernel}_{stride}_{pads}", since=10, ceil_mode=1, **size)
        yield case(op, "signal", shapes=((2, 5, 9),), kernel_shape=[4], strides=[2], pads=[1, 2])
        yield case(op, "dilation", since=10 if op == "MaxPool" else 19, kernel_shape=[2, 3], dilations=[2, 2], pads=[1, 1, 1, 1])
        yield case(f"Global{op}", "plane")
        yield case(f"Global{op}", "signal", shapes=((2, 5, 9),))
    yield case("AveragePool", "counted", kernel_shape=[3, 3], pads=[1, 1, 2, 1], count_include_pad=1)
    yield case("AveragePool", "counted_ceil_exact", since=10, kernel_shape=[3, 2], pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1)


def dense() -> Iterator[Case]:
    row = ((3, 5),)
    yield case("Gemm", "plain", floats(5, 4), floats(4), shapes=row)
    yield case("Gemm", "row", floats(5, 4), floats(1, 4), shapes=row)
    yield case("Gemm", "scalar", floats(5, 4), floats(1), shapes=row)
    yield case("Gemm", "matrix", floats(5, 4), floats(3, 4), shapes=row)
    yield case("Gemm", "column", floats(5, 4), floats(3, 1), shapes=row)
    yield case("Gemm", "no_bias", floats(5, 4), shapes=row, since=11)
    yield case("Gemm", "scaled", floats(4, 5), floats(4), shapes=row, transB=1, alpha=0.3, beta=-1.7)
    yield case("Gemm", "transposed", floats(3, 4), floats(4), shapes=row, transA=1)
    for shape in ((5,), (3, 5), (2, 3, 5), (2, 3, 4, 5)):
        yield case("MatMul", f"rank{len(shape)}", floats(5, 4), shapes=(shape,))


def elementwise() -> Iterator[Case]:
    for op in ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Identity"):
        yield case(op, "plain")
    yield case("LeakyRelu", "alpha", alpha=0.3)
    yield case("HardSigmoid", "attributes", alpha=0.3, beta=0.4)
    yield case("HardSwish", "plain", since=14)
    yield case("Clip", "attributes", until=10, min=-0.5, max=0.7)
    yield case("Clip", "attribute_min", until=10, min=0.0)
    yield case("Clip", "inputs", number(-0.5), number(0.7), since=11)
    yield case("Clip", "max", None, number(0.7), since=11)
    yield case("Clip", "open", number(0.1), number(np.inf), since=11)
    for op in ("Add", "Sub", "Mul"):
        for name, shape in (("scalar", ()), ("row", (5,)), ("channel", (6, 1, 1)), ("full", IMAGE), ("ones", (1, 1, 1, 1))):
            yield case(op, f"constant_{name}", floats(*shape))
        yield case(op, "computed", shapes=(IMAGE, IMAGE))
        yield case(op, "broadcast", shapes=(IMAGE, (2, 6, 1, 1)))
        yield case(op, "lower_rank", shapes=((7, 5), IMAGE))
        yield case(op, "larger", floats(4, 3, 5), shapes=((3, 1),))
    yield case("Div", "constant", number(255.0))
    yield case("Div", "channel", 1.5 + abs(floats(6, 1, 1)))
    yield case("Sum", "three", shapes=(IMAGE, IMAGE, (6, 1, 1)))
    yield case("Sum", "one")
    yield case("Dropout", "inference")
    yield case("Cast", "float", since=9, to=1)
    scale, bias, mean, variance = floats(6), floats(6, seed=1), floats(6, seed=2), abs(floats(6, seed=3)) + 0.1
    yield case("BatchNormalization", "plain", scale, bias, mean, variance)
    yield case("BatchNormalization", "epsilon", scale, bias, mean, variance, epsilon=0.1)
    yield case("BatchNormalization", "matrix", scale, bias, mean, variance, shapes=((3, 6),))


def reductions() -> Iterator[Case]:
    for axis in (-1, 0, 1, 2):
        yield case("Softmax", f"axis{axis}", axis=axis)
    yield case("Softmax", "default")
    yield case("Softmax", "plane", shapes=((2, 6, 1, 1),), axis=1)
    for keep in (0, 1):
        for axes in ((2, 3), (-1,), (1,), (0, 2)):
            label = f"axes{axes}_{keep}"
            yield case("ReduceMean", label, axes=list(axes), keepdims=keep, until=17)
            yield case("ReduceMean", label, ints(*axes), keepdims=keep, since=18)
        yield case("ReduceMean", f"all_{keep}", keepdims=keep)
    yield case("ReduceMean", "nothing", ints(), since=18, noop_with_empty_axes=1)


def shapes() -> Iterator[Case]:
    for axis in (0, 1, 2, 3, 4):
        yield case("Flatten", f"axis{axis}", axis=axis)
    yield case("Flatten", "negative", since=11, axis=-1)
    for target in ((2, -1), (0, 0, -1), (2, 3, 2, 7, 5), (0, -1, 7, 5), (420,), (12, 35), (2, 6, 35), (1, 2, 6, 1, 7, 5), (10, 42)):
        yield case("Reshape", "x".join(map(str, target)), ints(*target))
    yield case("Reshape", "allowzero", ints(2, -1), since=14, allowzero=1)
    gaps = ((2, 1, 5, 1),)
    for axes in ((1,), (1, 3), (-1,)):
        for op in ("Squeeze", "Unsqueeze"):
            if op == "Squeeze" or min(axes) >= 0:
                yield case(op, f"attribute{axes}", shapes=gaps, axes=list(axes), until=12)
            yield case(op, f"input{axes}", ints(*axes), shapes=gaps, since=13)
    yield case("Squeeze", "all", shapes=gaps)
    yield case("Transpose", "default")
    yield case("Transpose", "perm", perm=[0, 3, 1, 2])
    yield case("Concat", "channels", shapes=(IMAGE, (2, 3, 7, 5)), axis=1)
    yield case("Concat", "rows", floats(2, 6, 1, 5), shapes=(IMAGE, IMAGE), axis=2)
    yield case("Concat", "one", axis=0)
    yield case("Concat", "many", shapes=((1, 2),) * 35, axis=1)
    pads = [0, 1, 2, 0, 0, 0, 1, 3]
    yield case("Pad", "attributes", until=10, pads=pads, value=0.5)
    yield case("Pad", "inputs", ints(*pads), since=11)
    yield case("Pad", "value", ints(*pads), number(-2), since=11)
    yield case("Pad", "axes", ints(1, 2, 0, 3), None, ints(3, 1), since=18)
    yield case("Slice", "attributes", until=9, starts=[1, -3], ends=[4, 1000], axes=[1, 3])
    yield case("Slice", "attributes_all", until=9, starts=[0, 1, 1, 0], ends=[2, 3, -1, 4])
    yield case("Slice", "inputs", ints(1, -3), ints(4, 1000), ints(1, 3), since=10)
    yield case("Slice", "steps", ints(1, 0), ints(6, 7), ints(1, -2), ints(2, 3), since=10)
    yield case("Slice", "backwards", ints(-1, 4), ints(-1000, 0), ints(3, 2), ints(-1, -2), since=10)
    yield case("Split", "equal", outputs=3, axis=1, until=17)
    yield case("Split", "num_outputs", outputs=2, axis=2, num_outputs=2, since=18)
    yield case("Split", "sizes", outputs=2, axis=1, split=[1, 5], until=12)
    yield case("Split", "sizes_input", ints(1, 2, 3), outputs=3, axis=1, since=13)


FAMILIES = (convolutions, poolings, dense, elementwise, reductions, shapes)
CASES = [(c, version) for family in FAMILIES for c in family() for version in c.versions()]


def identified(cases: list[tuple[Case, int]]) -> pytest.MarkDecorator:
    params = [pytest.param(c, version, id=f"{c.op}-{c.label}-{version}") for c, version in cases]
    return pytest.mark.parametrize(("case", "version"), params)


def compare(case: Case, version: int, around: bool, folder: Path) -> None:
    """Reads a case, whose images come through a pooling with `around`, and compares it before and after the passes."""
    inputs = {f"x{i}": shape for i, shape in enumerate(case.shapes)}
    constants = {f"c{i}": c for i, c in enumerate(case.constants) if c is not None}
    pooled = {x: f"{x}_pooled" for x, shape in inputs.items() if around and len(shape) == 4}
    nodes = [node("MaxPool", x, y, kernel_shape=[1, 1]) for x, y in pooled.items()]
    operands = [pooled.get(x, x) for x in inputs] + [f"c{i}" if c is not None else "-" for i, c in enumerate(case.constants)]
    outputs = " ".join(f"y{i}" for i in range(case.outputs))
    nodes.append(node(case.op, " ".join(operands), outputs, **case.attributes))
    made = model(nodes, inputs, outputs, constants, version)
    graph = read(made, folder)
    assert_same(made, graph)
    assert_same(made, lowered(graph))


@identified(CASES)
def test_alone(case: Case, version: int, tmp_path: Path) -> None:
    """One node, whose inputs are the model's."""
    compare(case, version, False, tmp_path)


@identified([(c, version) for c, version in CASES if any(len(s) == 4 for s in c.shapes)])
def test_between_images(case: Case, version: int, tmp_path: Path) -> None:
    """One node, whose input is held as NHWC."""
    compare(case, version, True, tmp_path)


REFUSED = [
    case("ConvTranspose", "any", floats(6, 4, 3, 3)),
    case("Selu", "any"),
    case("Div", "computed", shapes=(IMAGE, IMAGE)),
    case("Div", "zero", floats(1) * 0),
    case("MatMul", "computed", shapes=((3, 5), (5, 4))),
    case("Conv", "computed", shapes=(IMAGE, (4, 6, 3, 3))),
    case("Conv", "volume", floats(4, 2, 1, 1, 1), shapes=((1, 2, 3, 4, 5),)),
    case("Conv", "negative", floats(4, 6, 3, 3), pads=[-1, 0, 0, 0]),
    case("AveragePool", "counted_ceil", since=10, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], ceil_mode=1, count_include_pad=1),
    case("BatchNormalization", "training", floats(6), floats(6), floats(6), abs(floats(6)), since=14, training_mode=1),
    case("BatchNormalization", "variance", floats(6), floats(6), floats(6), -1 - abs(floats(6))),
    case("Pad", "reflect", ints(0, 0, 1, 1, 0, 0, 1, 1), since=11, mode="reflect"),
    case("Cast", "half", since=9, to=10),
    case("Dropout", "training", number(0.5), np.array(True), since=12),
    case("DequantizeLinear", "float", number(1), since=10),
]


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.op}-{c.label}") for c in REFUSED])
def test_refused(case: Case, tmp_path: Path) -> None:
    """What cannot be compiled is refused with the node's name and its op."""
    inputs = [f"x{i}" for i in range(len(case.shapes))]
    constants = {f"c{i}": c for i, c in enumerate(case.constants) if c is not None}
    nodes = [node(case.op, " ".join([*inputs, *constants]), "y", **case.attributes)]
    made = model(nodes, dict(zip(inputs, case.shapes, strict=True)), "y", constants, case.versions()[-1])
    with pytest.raises(Unsupported, match=f"^.*net.onnx: {case.op}_y: {case.op}"):
        read(made, tmp_path)
