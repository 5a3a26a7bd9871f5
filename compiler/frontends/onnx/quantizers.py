"""Quantizers of ONNX files: QONNX's Quant and BipolarQuant, and the pairs QuantizeLinear and DequantizeLinear (QDQ).

All become `fake_quantize` nodes. QONNX: https://qonnx.readthedocs.io; Brevitas writes it in the domain onnx.brevitas, FINN in
finn.custom_op.general. A doc_string `rounding=half_up` of a quantizer, which the exporter here writes, says how it rounds in truth.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...codes import decode, encode
from ...errors import TapeoutError
from ...fixed import Rounding
from ...ir import Array, QType
from ...ops.clip import Clip as ClipOp
from .call import Call
from .fold import evaluate
from .importer import Codes, Importer, Quantized
from .ops import Reader

QUANTIZER_DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
_MOVING = ("Transpose", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Identity")
ROUNDINGS = {"ROUND": Rounding.HALF_EVEN, "HALF_EVEN": Rounding.HALF_EVEN, "FLOOR": Rounding.FLOOR, "HALF_UP": Rounding.HALF_AWAY}
_KINDS: dict[str, QType] = {
    "int8": QType(8), "uint8": QType(8, False), "int16": QType(16), "uint16": QType(16, False), "int32": QType(32),
    "int4": QType(4), "uint4": QType(4, False), "int2": QType(2), "uint2": QType(2, False),
}  # fmt: skip


def Quant(importer: Importer, call: Call) -> None:
    """`(clip(round(x / scale + zeropt)) - zeropt) * scale` to codes of `bitwidth` bits."""
    scale, zero, bits = (importer.constant(call, i).astype(np.float32) for i in (1, 2, 3))
    width = float(bits.reshape(-1)[0])
    if bits.size != 1 or width != int(width) or not 1 <= width <= 64:
        call.refuse(f"a bit width of {width:g} is not supported; it is a whole number, 1 to 64, for the whole tensor")
    if (zero != np.rint(zero)).any():
        call.refuse(f"its zero point {zero.reshape(-1)[0]} is no whole number")
    rounding = rounding_mode(call, "ROUND")
    signed, narrow = bool(call.integer("signed", 1)), bool(call.integer("narrow", 0))
    if narrow and not signed:
        call.refuse("narrow unsigned codes, which leave out the greatest, are not supported; set narrow to 0 and put a Clip before it")
    q = QType(int(width), signed, narrow=narrow)
    if q.bits == 1:
        call.refuse("one bit is a BipolarQuant")
    _quantize(importer, call, Quantized(scale, zero, q, _told(call, rounding)))


def BipolarQuant(importer: Importer, call: Call) -> None:
    """`x >= 0 ? scale : -scale`."""
    scale = importer.constant(call, 1).astype(np.float32)
    _quantize(importer, call, Quantized(scale, np.zeros_like(scale), QType(1, bipolar=True), Rounding.HALF_EVEN))


def rounding_mode(call: Call, default: str) -> Rounding:
    """The attribute `rounding_mode` of QONNX. Raises Unsupported for CEIL, UP, DOWN and HALF_DOWN."""
    mode = call.text("rounding_mode", default).upper()
    if mode not in ROUNDINGS:
        call.refuse(f"rounding mode {mode} is not supported; there are {', '.join(ROUNDINGS)}")
    return ROUNDINGS[mode]


def _told(call: Call, default: Rounding) -> Rounding:
    text = call.proto.doc_string.removeprefix("rounding=")
    return Rounding(text) if text in list(Rounding) and text != call.proto.doc_string else default


def _quantize(importer: Importer, call: Call, how: Quantized) -> None:
    """Defines the output of a quantizer: a constant that remembers it, or a node behind a computed tensor."""
    name = call.required(0)
    if not (how.scale > 0).all() or not np.isfinite(how.scale).all():
        call.refuse(f"its scale {float(how.scale.min()):g} is not positive")
    if name in importer.constants:
        data = importer.weights(call, 0)
        full = replace(how, scale=np.broadcast_to(how.scale, data.shape), zero=np.broadcast_to(how.zero, data.shape), source=name)
        importer.constants[call.output], importer.quantized[call.output] = data, full
        return
    tensor = importer.tensor(name)
    rank = len(tensor.axes)
    if how.scale.ndim > rank or how.zero.ndim > rank:
        raise TapeoutError(f"scales of shape {how.scale.shape} do not fit a tensor of {rank} axes")
    shape = importer.shape(name)
    varying = how.scale.size > 1 or how.zero.size > 1
    full = replace(how, scale=np.broadcast_to(how.scale, shape), zero=np.broadcast_to(how.zero, shape)) if varying else replace(
        how, scale=how.scale.reshape((1,) * rank), zero=how.zero.reshape((1,) * rank)
    )  # fmt: skip
    op = full.arranged(lambda array: array.transpose(tensor.axes)).format(name)
    importer.define(call.output, op, (tensor.value,), tensor.axes)


def QuantizeLinear(importer: Importer, call: Call) -> None:
    """Codes, until DequantizeLinear makes floats of them again."""
    if call.integer("block_size", 0):
        call.refuse("blocks of activations are not supported")
    define_codes(importer, call, call.required(0), 1, QType(8, False))


def define_codes(importer: Importer, call: Call, source: str, index: int, default: QType) -> None:
    """Defines the output as the codes of a float tensor, by the scale at input `index` and the zero point behind it."""
    scale = importer.constant(call, index).astype(np.float32)
    zero = importer.constant(call, index + 1) if call.input(index + 1) else None
    q = default if zero is None else _kind(call, zero)
    zeros = np.zeros(scale.shape, np.int64) if zero is None else zero.astype(np.int64)
    importer.codes[call.output] = Codes(source, scale, zeros, call.integer("axis", 1), q, q.min, q.max)


def DequantizeLinear(importer: Importer, call: Call) -> None:
    """The pair as one quantizer; integer constants as the reals that they stand for, quantized with their own format."""
    name = call.required(0)
    scale = importer.constant(call, 1).astype(np.float32)
    zero = importer.constant(call, 2).astype(np.int64) if call.input(2) else np.zeros(scale.shape, np.int64)
    if name in importer.codes:
        codes = importer.codes[name]
        if not _equal(scale, codes.scale) or not _equal(zero, codes.zero):
            call.refuse(f"its scale or zero point is not that of the node which makes the codes {name}; put DequantizeLinear between them")
        if codes.real:
            importer.alias(call.output, codes.real)
        else:
            dequantize(importer, call, name, call.output)
        return
    data = importer.constant(call, 0)
    clipped = importer.quantized.pop(name, None)
    q = clipped.q if clipped else _kind(call, data)
    full: list[Array]
    axis, block = call.integer("axis", 1), call.integer("block_size", 0)
    if block:
        full = [np.repeat(a, block, axis % data.ndim).take(np.arange(data.shape[axis]), axis) for a in (scale, zero)]
    else:
        full = [np.broadcast_to(_along(a, axis, data.ndim), data.shape) for a in (scale, zero)]
    reals = ((data.astype(np.int64) - full[1]).astype(np.float32) * full[0]).astype(np.float32)
    importer.constants[call.output] = reals
    importer.quantized[call.output] = Quantized(full[0], full[1], q, Rounding.HALF_EVEN, clipped.source if clipped else name)


def dequantize(importer: Importer, call: Call, name: str, output: str) -> None:
    """Defines `output` as the reals that computed codes stand for: their source behind a quantizer."""
    codes = importer.codes[name]
    rank = importer.rank(codes.source)
    scale, zero = _along(codes.scale, codes.axis, rank), _along(codes.zero, codes.axis, rank)
    q = _narrowed(codes)
    if q and ((codes.zero < q.min) | (codes.zero > q.max)).any():
        q = None  # a format holds its zero point
    result = output if q else importer.reserve(f"{output}_unclipped")
    how = Quantized(scale, zero, q or codes.q, _told(call, Rounding.HALF_EVEN))
    _quantize(importer, replace(call, inputs=(codes.source, *call.inputs[1:]), outputs=(result,)), how)
    if q is None:
        if scale.size > 1 or codes.lo > codes.hi:
            call.refuse(f"codes are clipped to {codes.lo} .. {codes.hi}, with a scale for each channel or to nothing; clip before them")
        step, origin = float(codes.scale.reshape(())), int(codes.zero.reshape(()))
        lo = (codes.lo - origin) * step if codes.lo > codes.q.min else -np.inf
        hi = (codes.hi - origin) * step if codes.hi < codes.q.max else np.inf
        importer.define(output, ClipOp(lo, hi), (importer.tensor(result).value,), importer.tensor(result).axes)
    importer.codes[name] = replace(codes, real=output)


def reals(importer: Importer, call: Call, name: str) -> str:
    """The tensor of the reals that computed codes stand for, named like the codes when no DequantizeLinear of the model makes it."""
    if not importer.codes[name].real:
        dequantize(importer, call, name, name)
    return importer.codes[name].real


def carry(importer: Importer, call: Call) -> None:
    """Quantizers of constants follow where the model moves their elements; a Clip of integer codes leaves fewer."""
    name = call.required(0) if call.inputs else ""
    if call.op == "Clip" and name and importer.constants[name].dtype.kind in "iu":
        kind = _kind(call, importer.constants[name])
        lo, hi = (int(importer.constant(call, i)) if call.input(i) else bound for i, bound in ((1, kind.min), (2, kind.max)))
        none = np.ones(importer.constants[name].shape, np.float32)
        q = _narrowed(Codes(name, none, none.astype(np.int64), 0, kind, lo, hi))
        if q is None:
            call.refuse(f"constant codes are clipped to {lo} .. {hi}, which is no range of so many bits; store them clipped")
        importer.quantized[call.output] = Quantized(none, none, q, Rounding.HALF_EVEN, name)
    if name not in importer.quantized:
        return
    if call.op not in _MOVING:
        importer.constants[name] = _reals(importer.constants[name], importer.quantized[name])
        return

    def moved(array: Array) -> Array:
        (result,) = evaluate(call, {**importer.constants, name: np.ascontiguousarray(array)})
        return result

    importer.quantized[call.output] = importer.quantized[name].arranged(moved)


def _reals(data: Array, how: Quantized) -> Array:
    """A quantized constant in reals, for a node that computes with it."""
    q = replace(how.q, scale=(1.0,), zero=(0,))
    if q.bipolar:
        return np.asarray(np.where(data >= 0, how.scale, -how.scale), np.float32)
    wide = QType(32)
    steps = decode(encode(data / how.scale, wide, how.rounding), wide, np.dtype(np.float64))
    return np.asarray(np.clip(steps, q.min - how.zero, q.max - how.zero) * how.scale, np.float32)


def _equal(one: Array, other: Array) -> bool:
    """Whether two scales or zero points are the same; one entry may have an axis of its own or none."""
    return np.array_equal(one, other) or (one.size == other.size == 1 and one.reshape(()) == other.reshape(()))


def _along(array: Array, axis: int, rank: int) -> Array:
    """Entries of one axis as an array that broadcasts against a tensor of `rank` axes."""
    if array.size == 1:
        return array.reshape((1,) * rank)
    return array.reshape([-1 if a == axis % rank else 1 for a in range(rank)])


def _kind(call: Call, array: Array) -> QType:
    if array.dtype.name not in _KINDS:
        call.refuse(f"codes of {array.dtype.name} are not supported")
    return _KINDS[array.dtype.name]


def _narrowed(codes: Codes) -> QType | None:
    """The format of codes that a Clip has bounded; None when the bounds are those of no format."""
    for bits in range(2, codes.q.bits + 1):
        for q in (QType(bits, codes.q.signed), QType(bits, codes.q.signed, narrow=True)):
            if (q.min, q.max) == (codes.lo, codes.hi):
                return q
    return None


QUANTIZERS: dict[str, Reader] = {"Quant": Quant, "BipolarQuant": BipolarQuant}
LINEAR: dict[str, Reader] = {"QuantizeLinear": QuantizeLinear, "DequantizeLinear": DequantizeLinear}
