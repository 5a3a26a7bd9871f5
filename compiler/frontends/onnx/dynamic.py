"""Dynamic quantization of ONNX, as onnxruntime writes it: activations by each sample's own extremes, weights by constants.

DynamicQuantizeLinear, ConvInteger or MatMulInteger, a Cast of the sums and a Mul by the product of both scales are read as the layer
over floats behind a dynamic `fake_quantize`. Its zero point is rounded half up, that of onnxruntime half to even.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...ir import QType
from ...ops.fake_quantize import FakeQuantize
from .call import Attribute, Call
from .importer import Dynamic, Importer
from .ops import READERS, Reader
from .quantizers import DequantizeLinear

_FORMAT = QType(8, True, zero=(-128,))  # all codes are spread over the extremes; uint8 of ONNX are these, each 128 more


def DynamicQuantizeLinear(importer: Importer, call: Call) -> None:
    """Codes, and their scale and zero point, of a tensor; its reals are held under the name of the codes."""
    if len(call.outputs) != 3 or not all(call.outputs):
        call.refuse("it has three outputs, and each is used")
    tensor = importer.tensor(call.required(0))
    codes = call.outputs[0]
    importer.define(codes, FakeQuantize(_FORMAT, dynamic=True), (tensor.value,), tensor.axes)
    importer.dynamic.update({name: Dynamic(part, codes) for name, part in zip(call.outputs, ("codes", "scale", "zero"), strict=True)})


def ConvInteger(importer: Importer, call: Call) -> None:
    _sums(importer, call)


def MatMulInteger(importer: Importer, call: Call) -> None:
    _sums(importer, call)


def _sums(importer: Importer, call: Call) -> None:
    x, zero = importer.dynamic.get(call.required(0)), importer.dynamic.get(call.input(2))
    if x is None or x.part != "codes":
        call.refuse("only codes of DynamicQuantizeLinear are supported here; of a constant scale they go into QLinearConv or QLinearMatMul")
    if zero is None or zero.part != "zero" or zero.source != x.source:
        call.refuse("its zero point is not that of the DynamicQuantizeLinear which makes its codes")
    importer.dynamic[call.output] = Dynamic("sums", x.source, layer=call)


def over_dynamic(importer: Importer, call: Call) -> None:
    """Cast of sums, the product of a computed scale and a constant one, and the product of sums and scale."""
    parts = [importer.dynamic.get(name) for name in call.inputs]
    plain = ("constant" if name in importer.constants else "floats" for name in call.inputs)
    kinds = sorted(part.part if part else kind for part, kind in zip(parts, plain, strict=True))
    if call.op == "Cast" and kinds == ["sums"] and call.integer("to", 0) == 1:
        importer.dynamic[call.output] = importer.dynamic[call.inputs[0]]
    elif call.op == "Mul" and kinds == ["constant", "scale"]:
        scale = next(part for part in parts if part)
        if scale.weights:
            call.refuse("a scale takes one constant; multiply the constants first")
        importer.dynamic[call.output] = replace(scale, weights=next(i for i in call.inputs if i in importer.constants))
    elif call.op == "Mul" and kinds == ["scale", "sums"]:
        first, second = (part for part in parts if part)
        _layer(importer, call, *((first, second) if first.part == "sums" else (second, first)))
    else:
        what = next(part.part for part in parts if part)
        call.refuse(f"it reads dynamic {what}; supported are Cast of sums to float, Mul of both scales, and Mul of the sums by that")


def _layer(importer: Importer, call: Call, sums: Dynamic, scale: Dynamic) -> None:
    assert sums.layer
    if scale.source != sums.source or not scale.weights:
        call.refuse("it scales sums by what is not the scale of their codes times that of their weights")
    conv = sums.layer.op == "ConvInteger"
    known = importer.constants[scale.weights]
    flat, real = (importer.reserve(f"{sums.layer.inputs[1]}_{part}") for part in ("scale", "real"))
    if known.size > 1 and known.shape != ((len(importer.constant(sums.layer, 1)), 1, 1) if conv else known.shape[-1:]):
        call.refuse(f"scales of shape {known.shape} are none of output channels")
    importer.constants[flat] = known.reshape(-1) if known.size > 1 else known.reshape(())
    attributes: Mapping[str, Attribute] = {"axis": 0 if conv else -1}
    inputs = (sums.layer.required(1), flat, sums.layer.input(3))
    DequantizeLinear(importer, replace(sums.layer, inputs=inputs, outputs=(real,), attributes=attributes))
    op = "Conv" if conv else "MatMul"
    READERS[op](importer, replace(sums.layer, op=op, inputs=(sums.source, real), outputs=call.outputs))


DYNAMIC: dict[str, Reader] = {f.__name__: f for f in (DynamicQuantizeLinear, ConvInteger, MatMulInteger)}
