"""Reads a float ONNX model into a graph."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx

from ...errors import TapeoutError, Unsupported
from ...ir import Graph, Port, verify
from ...passes.remove_dead_nodes import remove_dead_nodes
from .call import Call
from .dynamic import DYNAMIC, over_dynamic
from .fold import evaluate
from .importer import Importer, channels_last
from .load import load_model, tensor_array
from .ops import READERS, Reader
from .qlinear import MICROSOFT, QLINEAR, over_codes
from .quantizers import LINEAR, QUANTIZER_DOMAINS, QUANTIZERS, carry
from .thresholds import MultiThreshold, counts_channels_first, declare
from .trunc import Trunc

QONNX: dict[str, Reader] = {**QUANTIZERS, "Trunc": Trunc, "MultiThreshold": MultiThreshold}
_SPATIAL = {
    "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ConvInteger", "QLinearConv", "QLinearAveragePool",
    "QLinearGlobalAveragePool",
}
_ELEMENTWISE = {
    "Add", "BatchNormalization", "BipolarQuant", "Cast", "CastLike", "Clip", "Concat", "DequantizeLinear", "Div", "Dropout",
    "DynamicQuantizeLinear", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Mul", "MultiThreshold", "Pad", "QLinearAdd",
    "QLinearConcat", "QLinearLeakyRelu", "QLinearMul", "QLinearSigmoid", "Quant", "QuantizeLinear", "Relu", "Sigmoid", "Slice", "Sub",
    "Sum", "Tanh", "Trunc",
}


def read_onnx(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """The graph of a float32 ONNX model, opset 8 to the newest that the installed onnx knows.

    Images are held as NHWC: `Port.axes` says how, and transposes that the model or the change of layout
    asks for are left only where data must move. A leading dimension that is open becomes 1; `shapes` fixes
    other open dimensions by input name. Values have the names of the model's tensors.

    Raises TapeoutError for a damaged file, Unsupported for what the compiler does not take; both name the
    file, and the node or tensor where there is one.
    """
    model, opset = load_model(path)
    try:
        return _read(model, opset, path.stem, shapes)
    except TapeoutError as error:
        raise type(error)(f"{path}: {error}") from None


def _read(model: onnx.ModelProto, opset: int, name: str, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    source = model.graph
    importer = Importer([v.name for v in source.input] + [o for n in source.node for o in n.output])
    for tensor in source.initializer:
        importer.constants[tensor.name] = tensor_array(tensor, tensor.name)
    fed = [v for v in source.input if v.name not in importer.constants]
    for unknown in set(shapes) - {v.name for v in fed}:
        raise TapeoutError(f"--shape {unknown}: the model has no such input; its inputs are {', '.join(v.name for v in fed)}")
    inputs = tuple(_input(importer, source, v, shapes) for v in fed)
    declare(importer, source)
    for proto in source.node:
        _node(importer, Call.of(proto, opset))
    outputs = []
    for value in source.output:
        if value.name in importer.constants:
            raise Unsupported(f"output {value.name} is constant: it depends on no input")
        if value.name in importer.codes or value.name in importer.dynamic:
            raise Unsupported(f"output {value.name} is integer codes; put DequantizeLinear before it")
        found = importer.tensor(value.name)
        outputs.append(Port(found.value, value.name, "float32", found.axes))
    graph = Graph(name, inputs, tuple(outputs), tuple(importer.builder.nodes), importer.builder.values)
    return verify(remove_dead_nodes(graph))


def _input(importer: Importer, source: onnx.GraphProto, value: onnx.ValueInfoProto, shapes: Mapping[str, tuple[int, ...]]) -> Port:
    name = value.name
    if value.type.WhichOneof("value") != "tensor_type":
        raise Unsupported(f"input {name} is no tensor")
    element = value.type.tensor_type.elem_type
    if element != onnx.TensorProto.FLOAT:
        known = onnx.TensorProto.DataType.Name(element).lower() if element in onnx.TensorProto.DataType.values() else str(element)
        raise Unsupported(f"input {name} is {known}; only float32 models are supported")
    shape = _shape(value, shapes.get(name))
    rank = len(shape)
    axes = channels_last(rank) if rank in (3, 4) and _feeds_window(source, name) else tuple(range(rank))
    importer.input(name, shape, axes)
    return Port(name, name, "float32", axes)


def _shape(value: onnx.ValueInfoProto, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an input; an open leading dimension is 1 unless `wanted` gives it."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") and wanted is None:
        raise TapeoutError(f"input {value.name} declares no shape; give it with --shape {value.name}=1x28x28x1 (its own dimensions)")
    declared = [d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim]
    if wanted is not None:
        fits = not tensor.HasField("shape") or (
            len(wanted) == len(declared) and all(d in (None, w) for d, w in zip(declared, wanted, strict=True))
        )
        if not fits or min(wanted, default=1) < 1:
            raise TapeoutError(f"--shape {value.name}={_dims(wanted)} does not fit the model, which declares {_dims(declared)}")
        return wanted
    known = [1 if i == 0 and d is None else d for i, d in enumerate(declared)]
    if None in known:
        example = f"{value.name}={_dims([d or 28 for d in known])}"
        raise TapeoutError(f"input {value.name} has open dimensions ({_dims(declared)}); fix them, for example with --shape {example}")
    return tuple(d for d in known if d is not None)


def _dims(shape: tuple[int, ...] | list[int | None] | list[int]) -> str:
    return "x".join("?" if d is None else str(d) for d in shape) or "scalar"


def _feeds_window(source: onnx.GraphProto, name: str) -> bool:
    """Whether a convolution, a pooling or thresholds of channels read this tensor, directly or through ops that keep its axes."""
    reached = {name}
    for node in source.node:
        if reached.isdisjoint(node.input):
            continue
        if node.op_type in _SPATIAL or counts_channels_first(node):
            return True
        if node.op_type in _ELEMENTWISE:
            reached.update(node.output)
    return False


def _check(importer: Importer, call: Call) -> None:
    """Raises TapeoutError when a node does not fit the definition of its op or defines a tensor anew."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = onnx.IR_VERSION, {"": call.opset}
    try:
        if not call.domain:
            onnx.checker.check_node(call.proto, context)
    except onnx.checker.ValidationError as error:
        raise TapeoutError(f"{call.name}: {call.op} is malformed: {str(error).strip().splitlines()[0]}") from None
    for name in call.outputs:
        if any(name in known for known in (importer.tensors, importer.constants, importer.codes, importer.dynamic)):
            raise TapeoutError(f"{call.name}: computes tensor {name}, which is defined already")


def _quantizing(importer: Importer, call: Call) -> Reader | None:
    """What reads a node that quantizes or that computes with codes; None for one over floats."""
    if call.domain in QUANTIZER_DOMAINS:
        return QONNX.get(call.op)
    if not call.domain and call.op in DYNAMIC:
        return DYNAMIC[call.op]
    if call.domain in QLINEAR and call.op in QLINEAR[call.domain]:
        return QLINEAR[call.domain][call.op]
    if call.domain:
        return None
    if any(i in importer.dynamic for i in call.inputs):
        return over_dynamic
    return LINEAR.get(call.op) or (over_codes if any(i in importer.codes for i in call.inputs) else None)


def _node(importer: Importer, call: Call) -> None:
    reader = _quantizing(importer, call)
    if reader is None and (call.domain or not onnx.defs.has(call.op)):
        way_out = "; quantize with QuantFormat.QDQ" if call.domain == MICROSOFT and call.op.startswith("Q") else ""
        raise Unsupported(f"{call.name}: op {call.op} of domain {call.domain or 'ai.onnx'!r} is not supported{way_out}")
    _check(importer, call)
    names = [i for i in call.inputs if i]
    try:
        if reader is not None:
            reader(importer, call)
            return
        if all(i in importer.constants for i in names):
            carry(importer, call)
            results = evaluate(call, importer.constants)
            importer.constants.update(zip((o for o in call.outputs if o), results, strict=True))
            return
        for unknown in (i for i in names if i not in importer.constants):
            importer.tensor(unknown)
        if call.op not in READERS:
            call.refuse("this op is not supported")
        READERS[call.op](importer, call)
    except TapeoutError as error:
        raise error if str(error).startswith(f"{call.name}:") else type(error)(f"{call.name}: {call.op}: {error}") from None
    except (ValueError, IndexError, TypeError, OverflowError, ArithmeticError) as error:
        raise TapeoutError(f"{call.name}: {call.op} is malformed: {error}") from None
