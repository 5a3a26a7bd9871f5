"""Networks behind FINN's streamlining: MultiThreshold nodes, and integers that are declared, not quantized by a node."""
from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import onnx

from ...errors import TapeoutError
from ...fixed import Rounding
from ...ir import Array, QType
from ...ops.fake_quantize import FakeQuantize
from ...ops.fake_threshold import FakeThreshold
from .call import Call
from .importer import Importer, Quantized, Tensor

_INTEGER = re.compile(r"(U?)INT(\d+)")
_FIXED = re.compile(r"FIXED<(\d+),(-?\d+)>")
_LAYERS = ("Conv", "Gemm", "MatMul")
_CLOSE = 1e-6  # relative: how far float32 may have moved a bias from a whole number of steps
_CHANNEL_OF_RANK = {2: 1, 3: 2, 4: 1}  # without data_layout, as qonnx guesses: NC, NWC, NCHW


def MultiThreshold(importer: Importer, call: Call) -> None:
    """`out_scale * #{k: x >= t[c, k]} + out_bias`, for each channel or with one row of thresholds for all.

    The result is codes of scale `out_scale` where `out_bias` is a whole number of them, or of half of it where it is half a step off,
    as in BIPOLAR networks; other biases have no codes.
    """
    name, thresholds = call.required(0), np.sort(importer.weights(call, 1), axis=-1)
    if name in importer.constants:
        call.refuse(f"it counts the constant {name}; store what comes out in its place")
    tensor, rank = importer.tensor(name), importer.rank(name)
    layout = call.text("data_layout", "")
    axis = layout.find("C") if layout else _CHANNEL_OF_RANK.get(rank, 1)
    if not 0 <= axis < rank or len(layout) not in (0, rank):
        call.refuse(f"data_layout {layout!r} does not say which of {rank} axes has the channels; it is a letter for each, as NCHW")
    if thresholds.ndim != 2 or thresholds.shape[0] not in (1, importer.shape(name)[axis]):
        channels = importer.shape(name)[axis]
        call.refuse(f"{channels} channels have thresholds of shape {thresholds.shape}, not (channels, steps) or (1, steps)")
    op = _stage(call, call.number("out_scale", 1.0), call.number("out_bias", 0.0), thresholds.shape[1])
    axes = importer.axes_with_last(name, axis) if len(thresholds) > 1 else tensor.axes
    t = importer.store(call.required(1), thresholds)
    importer.define(call.output, op, (importer.value(name, axes), t), axes)


def counts_channels_first(node: onnx.NodeProto) -> bool:
    """Whether a node is a MultiThreshold over NCHW, which wants the channels last as convolutions do."""
    layouts = [a.s for a in node.attribute if a.name == "data_layout"]
    return node.op_type == "MultiThreshold" and layouts in ([], [b""], [b"NCHW"], [b"NCW"])


def _stage(call: Call, scale: float, bias: float, count: int) -> FakeThreshold:
    if not scale > 0:
        call.refuse(f"out_scale {scale:g} is not positive; negate the weights before it, or those behind it")
    if count == 1 and bias == -scale / 2:
        return FakeThreshold(QType(1, bipolar=True, scale=(scale / 2,)))
    halves = round(2 * bias / scale)
    if abs(2 * bias / scale - halves) > _CLOSE * max(1, abs(halves)):
        call.refuse(f"out_bias {bias:g} is no whole number of halves of out_scale {scale:g}, so that its result has no codes")
    step = 1 + halves % 2
    low = halves * step // 2
    high = low + step * count
    signed = low < 0
    q = next((q for bits in range(2, 33) if (q := QType(bits, signed)).min <= low <= high <= q.max), None)
    if q is None:
        call.refuse(f"codes of {low} .. {high} are beyond 32 bits")
    return FakeThreshold(QType(q.bits, signed, (scale / step,)), low, step)


def declare(importer: Importer, graph: onnx.GraphProto) -> None:
    """Quantizes inputs and the weights of layers as `finn_datatype` declares them, in a model that has thresholds.

    There, no node says what is an integer. Raises TapeoutError when a constant does not hold what is declared.
    """
    if not any(node.op_type == "MultiThreshold" for node in graph.node):
        return
    weights = {node.input[1] for node in graph.node if node.op_type in _LAYERS and len(node.input) > 1}
    for name, text in _declared(graph):
        q = _format(name, text)
        if q is None:
            continue
        if name in importer.constants and name in weights:
            _declare_constant(importer, name, text, q)
        elif name in importer.tensors:
            tensor = importer.tensor(name)
            value = importer.step(f"{name}_declared", FakeQuantize(q), (tensor.value,))
            importer.tensors[name] = Tensor(value, tensor.axes)


def _declare_constant(importer: Importer, name: str, text: str, q: QType) -> None:
    data = importer.constants[name]
    codes = data.astype(np.float64) / q.scale[0]
    fits = np.abs(codes) == 1 if q.bipolar else (codes == np.rint(codes)) & (codes >= q.min) & (codes <= q.max)
    if not fits.all():
        raise TapeoutError(f"tensor {name} is declared {text}, but {int((~fits).sum())} of its {data.size} elements are none")
    full: Array = np.full(data.shape, q.scale[0], np.float32)
    importer.quantized[name] = Quantized(full, np.zeros(data.shape, np.int64), q, Rounding.HALF_EVEN, name)


def _declared(graph: onnx.GraphProto) -> Iterable[tuple[str, str]]:
    for annotation in graph.quantization_annotation:
        for entry in annotation.quant_parameter_tensor_names:
            if entry.key == "finn_datatype":
                yield annotation.tensor_name, entry.value


def _format(name: str, text: str) -> QType | None:
    """The format of a type of qonnx; None for floats."""
    if text.startswith("FLOAT"):
        return None
    if text in ("BIPOLAR", "BINARY", "TERNARY"):
        return {"BIPOLAR": QType(1, bipolar=True), "BINARY": QType(2, False), "TERNARY": QType(2, narrow=True)}[text]
    if (found := _INTEGER.fullmatch(text)) and 2 <= int(found[2]) <= 32:
        return QType(int(found[2]), not found[1])
    if (found := _FIXED.fullmatch(text)) and 2 <= int(found[1]) <= 32:
        return QType(int(found[1]), True, (2.0 ** (int(found[2]) - int(found[1])),))
    raise TapeoutError(f"tensor {name} is declared {text!r}, which is no type of integers from 2 to 32 bits; declare FLOAT32")
