"""QOperator ONNX, as onnxruntime writes it: ops over integer codes, of the default domain and of com.microsoft.

Each is read as what it is made of: DequantizeLinear of its inputs, the op over floats, QuantizeLinear of its result; so the graph is
that of the same network in QDQ form. onnxruntime's own kernels scale sums by a float32 factor before they round half to even, where
integers here are scaled by 31 bits; both differ from the exact result in ties alone, and there by one code.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...ir import QType
from .call import Attribute, Call
from .importer import Codes, Importer
from .ops import READERS, Reader
from .quantizers import DequantizeLinear, QuantizeLinear, define_codes, reals

MICROSOFT = "com.microsoft"
_MOVING = ("Concat", "Flatten", "Identity", "MaxPool", "Pad", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")


def QLinearConv(importer: Importer, call: Call) -> None:
    """Inputs x, w and y with scale and zero point each, weights per output channel or not, then a bias of int32 in units of the sums."""
    x, w = _real(importer, call, 0), _real(importer, call, 3, axis=0)
    _result(importer, call, "Conv", (x, w, _bias(importer, call, 8, 1, 4)), 6)


def QLinearMatMul(importer: Importer, call: Call) -> None:
    _result(importer, call, "MatMul", (_real(importer, call, 0), _real(importer, call, 3, axis=-1)), 6)


def QGemm(importer: Importer, call: Call) -> None:
    """A and B with scale and zero point each, C of int32 in units of the sums, then the scale and zero point of the result."""
    if call.number("alpha", 1.0) != 1.0:
        call.refuse(f"alpha {call.number('alpha', 1.0):g} is not supported; only 1 is, so put it into the scale of B")
    if not call.input(7):
        call.refuse("its result has no scale and stays in float; quantize it, or write the network with QuantFormat.QDQ")
    a, b = _real(importer, call, 0), _real(importer, call, 3, axis=0 if call.integer("transB", 0) else 1)
    _result(importer, call, "Gemm", (a, b, _bias(importer, call, 6, 1, 4)), 7)


def QLinearConcat(importer: Importer, call: Call) -> None:
    """The scale and zero point of the result, then each input with its own."""
    if (len(call.inputs) - 2) % 3:
        call.refuse(f"{len(call.inputs)} inputs are not two and three for each tensor")
    parts = tuple(_real(importer, call, i) for i in range(2, len(call.inputs), 3))
    _result(importer, call, "Concat", parts, 0)


def QLinearAdd(importer: Importer, call: Call) -> None:
    _result(importer, call, "Add", (_real(importer, call, 0), _real(importer, call, 3)), 6)


def QLinearMul(importer: Importer, call: Call) -> None:
    _result(importer, call, "Mul", (_real(importer, call, 0), _real(importer, call, 3)), 6)


def QLinearGlobalAveragePool(importer: Importer, call: Call) -> None:
    _unary(importer, call, "GlobalAveragePool")


def QLinearAveragePool(importer: Importer, call: Call) -> None:
    _unary(importer, call, "AveragePool")


def QLinearSigmoid(importer: Importer, call: Call) -> None:
    _unary(importer, call, "Sigmoid")


def QLinearLeakyRelu(importer: Importer, call: Call) -> None:
    _unary(importer, call, "LeakyRelu")


def QLinearSoftmax(importer: Importer, call: Call) -> None:
    """The attribute `opset` says which definition of Softmax it follows."""
    _unary(importer, replace(call, opset=call.integer("opset", call.opset)), "Softmax")


def over_codes(importer: Importer, call: Call) -> None:
    """Ops of the default domain on codes: those that move them, and Clip and Relu, whose bounds are codes."""
    if call.op in ("Clip", "Relu"):
        _bounded(importer, call)
        return
    if call.op not in _MOVING:
        call.refuse(f"it computes with integer codes; of such ops only Clip, Relu, {', '.join(_MOVING)} are supported, and QLinear... ones")
    data = call.inputs if call.op == "Concat" else call.inputs[:1]
    codes = [importer.codes[name] for name in data if name in importer.codes]
    if len(codes) != len(data):
        call.refuse("some of its inputs are codes and some are not; put DequantizeLinear before those that are")
    if any(_format(c) != _format(codes[0]) for c in codes):
        call.refuse("its inputs are codes with different scales, zero points or types; put DequantizeLinear before each")
    if codes[0].scale.size > 1:
        call.refuse("it moves codes with a scale for each channel; put DequantizeLinear before it")
    inputs = [*(reals(importer, call, name) for name in data), *call.inputs[len(data) :]]
    if call.op == "Pad":
        inputs[2:3] = [_pad_value(importer, call, codes[0])]
    names = tuple(_unquantized(importer, o) if o else "" for o in call.outputs)
    READERS[call.op](importer, replace(call, inputs=tuple(inputs), outputs=names))
    for name, source in zip(call.outputs, names, strict=True):
        if name:
            importer.codes[name] = replace(codes[0], source=source, real="")


def _pad_value(importer: Importer, call: Call, codes: Codes) -> str:
    """The name of a constant with the real that the code to pad with stands for, code 0 unless it is given."""
    code = int(importer.constant(call, 2).reshape(())) if call.input(2) else 0
    name = importer.reserve(f"{call.output}_value")
    importer.constants[name] = np.asarray((code - codes.zero.reshape(())) * codes.scale.reshape(()), np.float32)
    return name


def _bounded(importer: Importer, call: Call) -> None:
    """Codes within bounds: a narrower format where that is what is left, else a Clip of the reals."""
    name = call.required(0)
    if name not in importer.codes:
        call.refuse("its bounds are codes that the model computes; only constant ones are supported")
    codes = importer.codes[name]
    lo, hi = 0, codes.hi
    if call.op == "Clip":
        lo, hi = (int(importer.constant(call, i)) if call.input(i) else bound for i, bound in ((1, codes.lo), (2, codes.hi)))
    importer.codes[call.output] = replace(codes, lo=max(lo, codes.lo), hi=min(hi, codes.hi), real="")


def _format(codes: Codes) -> tuple[object, ...]:
    return codes.scale.tolist(), codes.zero.tolist(), codes.axis if codes.scale.size > 1 else 0, codes.q, codes.lo, codes.hi


def _real(importer: Importer, call: Call, index: int, axis: int = 1) -> str:
    """The tensor of the reals that the codes at an input stand for, by the scale and zero point at the next two."""
    name = call.required(index)
    attributes: Mapping[str, Attribute] = {"axis": axis}
    output = importer.reserve(f"{name}_real")
    if name in importer.codes:
        reals(importer, call, name)
    elif name not in importer.constants:
        call.refuse(f"input {index} ({name}) is no tensor of codes; put QuantizeLinear before it")
    inputs = (name, call.required(index + 1), call.input(index + 2))
    DequantizeLinear(importer, replace(call, inputs=inputs, outputs=(output,), attributes=attributes))
    return output


def _bias(importer: Importer, call: Call, index: int, x_scale: int, w_scale: int) -> str:
    """The tensor of a bias in units of the sums, '' when it is absent."""
    if not call.input(index):
        return ""
    scale, real = (importer.reserve(f"{call.inputs[index]}_{part}") for part in ("scale", "real"))
    importer.constants[scale] = importer.constant(call, x_scale).astype(np.float32) * importer.constant(call, w_scale).astype(np.float32)
    inputs = (call.inputs[index], scale)
    DequantizeLinear(importer, replace(call, inputs=inputs, outputs=(real,), attributes={"axis": 0}))
    return real


def _unary(importer: Importer, call: Call, op: str) -> None:
    """An input and the result, with scale and zero point each."""
    if call.integer("channels_last", 0):
        call.refuse("channels_last is not supported; write the network before onnxruntime optimizes it")
    _result(importer, call, op, (_real(importer, call, 0),), 3)


def _result(importer: Importer, call: Call, op: str, inputs: tuple[str, ...], index: int) -> None:
    """Defines the output as codes of what the op makes of float tensors, by the scale at input `index` and the zero point behind it."""
    source = _unquantized(importer, call.output)
    READERS[op](importer, replace(call, op=op, domain="", inputs=inputs, outputs=(source,)))
    first = next((importer.codes[i].q for i in call.inputs if i in importer.codes), QType(8, False))
    define_codes(importer, call, source, index, first)
    if math.prod(importer.codes[call.output].scale.shape) != 1:
        call.refuse("its result has more than one scale; an activation has one for the tensor")


def _unquantized(importer: Importer, name: str) -> str:
    """A name for the floats before they are codes: onnxruntime appends `_quantized` to that of the float model."""
    plain = name.removesuffix("_quantized")
    return importer.reserve(plain if plain != name else f"{name}_unquantized")


_OVER_MICROSOFT = (
    QGemm, QLinearAdd, QLinearAveragePool, QLinearConcat, QLinearGlobalAveragePool, QLinearLeakyRelu, QLinearMul, QLinearSigmoid,
    QLinearSoftmax, QuantizeLinear, DequantizeLinear,
)  # fmt: skip
QLINEAR: dict[str, dict[str, Reader]] = {
    "": {f.__name__: f for f in (QLinearConv, QLinearMatMul)}, MICROSOFT: {f.__name__: f for f in _OVER_MICROSOFT},
}  # fmt: skip
