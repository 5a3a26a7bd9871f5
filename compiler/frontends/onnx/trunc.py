"""QONNX's Trunc: codes of few bits from codes of many, by their high bits.

It rounds to whole steps of the input's scale, and then a second time, to steps 2^k times as large. Where the input has whole steps
only, which is so behind a quantizer, the first does nothing and the second is a `fake_quantize`. The float graph computes it from
floats, whose error may move a step that lies on a boundary; the integers do not.
"""
from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ...codes import round_real
from ...fixed import Rounding
from ...ir import Array, QType
from ...ops.average_pool2d import AveragePool2D
from ...ops.clip import Clip
from ...ops.fake_quantize import FakeQuantize
from ...ops.max_pool2d import MaxPool2D
from ...ops.mul import Mul
from ...ops.reshape import Reshape
from ...ops.slice import Slice
from ...ops.transpose import Transpose
from .call import Call
from .importer import Importer
from .quantizers import rounding_mode

_PICKING = (Reshape, Transpose, Slice, MaxPool2D)


def Trunc(importer: Importer, call: Call) -> None:
    """Inputs x, scale, zero point and bit width, then the bit width of the output (version 1) or its scale and bit width (version 2)."""
    if call.required(0) in importer.constants:
        call.refuse(f"it cuts the constant {call.inputs[0]}; store what comes out in its place")
    rounding, tensor = rounding_mode(call, "FLOOR"), importer.tensor(call.required(0))
    scale, zero, bits = (_number(importer, call, i) for i in (1, 2, 3))
    if not scale > 0:
        call.refuse(f"its scale {scale:g} is not positive")
    low, high = _reach(importer, call, tensor.value, scale)
    if call.input(5):
        op = _to_scale(call, scale, zero, _number(importer, call, 4), _number(importer, call, 5), rounding)
        importer.define(call.output, op, (tensor.value,), tensor.axes)
        return
    shift = _whole(call, "bit width", bits) - _whole(call, "output bit width", _number(importer, call, 4))
    if shift < 0 or zero:
        call.refuse(f"from {bits:g} bits with zero point {zero:g} by {shift}: supported are fewer bits and zero point 0")
    # The codes keep the scale, so that the reals become smaller: truncation stands for a division, that of average pooling.
    ends = round_real(np.array([low, high]) / 2.0**shift, rounding)
    q = _holding(int(bits) - shift, int(ends[0]), int(ends[1]), scale)
    factor = importer.store(f"{call.output}_factor", np.full((1,) * len(tensor.axes), 0.5**shift, np.float32))
    scaled = importer.step(f"{call.output}_shifted", Mul(), (tensor.value, factor))
    importer.define(call.output, FakeQuantize(q, rounding), (scaled,), tensor.axes)


def _to_scale(call: Call, scale: float, zero: float, wanted: float, bits: float, rounding: Rounding) -> FakeQuantize:
    """The quantizer of version 2: codes are clipped, and their reals stay what they were but for what is cut off."""
    if not wanted > 0 or math.frexp(wanted / scale)[0] != 0.5 or wanted < scale:
        call.refuse(f"its output scale {wanted:g} is not 1, 2, 4, 8, ... times its scale {scale:g}")
    kept = zero * scale / wanted
    if zero and (rounding is not Rounding.FLOOR or kept != int(kept)):
        call.refuse(f"the zero point {zero:g} moves what is rounded; supported is 0, or with FLOOR a multiple of {wanted / scale:g}")
    signed = bool(call.integer("signed", 1))
    if call.integer("narrow", 0) and not signed:
        call.refuse("narrow unsigned codes, which leave out the greatest, are not supported; set narrow to 0")
    q = QType(_whole(call, "output bit width", bits), signed, narrow=bool(call.integer("narrow", 0)))
    if not q.min <= kept <= q.max:
        call.refuse(f"the zero point {kept:g} of the result is none of its codes {q.min} .. {q.max}")
    return FakeQuantize(QType(q.bits, signed, (wanted,), (int(kept),), narrow=q.narrow), rounding)


def _holding(bits: int, low: int, high: int, scale: float) -> QType:
    """The format with at least so many bits that holds whole numbers without clipping, as version 1 does not clip."""
    signed = low < 0
    while not QType(bits, signed).min <= low <= high <= QType(bits, signed).max:
        bits += 1
    return QType(bits, signed, (scale,))


def _number(importer: Importer, call: Call, index: int) -> float:
    array = importer.constant(call, index).astype(np.float32)
    if array.size != 1:
        call.refuse(f"input {index} has {array.size} entries; supported is one for the tensor")
    return float(array.reshape(()))


def _whole(call: Call, what: str, number: float) -> int:
    if number != int(number) or not 1 <= number <= 32:
        call.refuse(f"its {what} {number:g} is no whole number from 1 to 32")
    return int(number)


def _reach(importer: Importer, call: Call, value: str, scale: float) -> tuple[int, int]:
    """The least and the greatest number of steps of `scale` in a value. Raises Unsupported when it is not known to have whole steps."""
    found = _steps(importer, value)
    ratio = found[0] / Fraction(scale) if found else Fraction(1, 2)
    if found is None or ratio.denominator != 1:
        call.refuse(f"its input is not known to be whole steps of {scale:g}; put a Quant with that scale before it, or one in its place")
    return int(found[1] * ratio), int(found[2] * ratio)


def _steps(importer: Importer, value: str) -> tuple[Fraction, int, int] | None:
    """A scale of which a value has whole steps, with their least and greatest number."""
    node = next((n for n in importer.builder.nodes if value in n.outputs), None)
    if node is None:
        return None
    op, x = node.op, node.inputs[0]
    if isinstance(op, FakeQuantize):
        q = op.output
        if op.dynamic or not isinstance(q, QType) or len(q.scale) > 1 or len(set(q.zero)) > 1 or q.bipolar:
            return None
        return Fraction(q.scale[0]), q.min - q.zero[0], q.max - q.zero[0]
    if isinstance(op, _PICKING) and getattr(op, "clip", None) is None:
        return _steps(importer, x)
    inner = _steps(importer, x)
    if isinstance(op, Clip) and (op.lo, op.hi) == (0, math.inf) and inner:
        return inner[0], max(inner[1], 0), max(inner[2], 0)
    if isinstance(op, Mul):
        return _pooled_sum(importer, x, importer.builder.values[node.inputs[1]].data)
    return None


def _pooled_sum(importer: Importer, value: str, factor: Array | None) -> tuple[Fraction, int, int] | None:
    """That of an average times the size of its window."""
    node = next((n for n in importer.builder.nodes if value in n.outputs), None)
    if node is None or not isinstance(node.op, AveragePool2D) or any(node.op.window.pads) or factor is None or factor.size != 1:
        return None
    inner, count = _steps(importer, node.inputs[0]), math.prod(node.op.window.kernel)
    return (inner[0], inner[1] * count, inner[2] * count) if inner and float(factor.reshape(())) == count else None
