"""Writes small .tflite files, so that tests can compare with other interpreters of that format."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite

_TENSOR_TYPES = {
    "float32": tflite.TensorType.FLOAT32, "int8": tflite.TensorType.INT8, "uint8": tflite.TensorType.UINT8,
    "int16": tflite.TensorType.INT16, "int32": tflite.TensorType.INT32, "int64": tflite.TensorType.INT64,
    "bool": tflite.TensorType.BOOL, "float16": tflite.TensorType.FLOAT16,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file; a constant when it has `data`. `dtype` is a NumPy name, `axis` that of several scales."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...] = ()
    zero: tuple[int, ...] = ()
    axis: int = 0
    data: npt.NDArray[Any] | None = None
    signature: tuple[int, ...] = ()  # the shape with -1 for a dimension that is not fixed


@dataclass(frozen=True)
class Operator:
    """An operator by its code in the schema (`tflite.BuiltinOperator`) and the names of its tensors, '' for an absent one.

    `options` names the schema's table, such as 'LeakyReluOptions'; `fields` gives the table's fields by their
    names in the schema's accessors, such as {'Alpha': 0.1}; a sequence makes a vector of int32.
    """

    code: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: str = ""
    fields: Mapping[str, float | Sequence[int]] = field(default_factory=dict)
    version: int = 1


def write(tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """A .tflite file with one subgraph. Every constant has its own buffer; buffer 0 is the empty one."""
    builder = flatbuffers.Builder(1024)
    index = {t.name: i for i, t in enumerate(tensors)} | {"": -1}
    constants = [t for t in tensors if t.data is not None]
    buffer_of = {t.name: i + 1 for i, t in enumerate(constants)}
    buffers = [_buffer(builder, b"")] + [_buffer(builder, _bytes(t)) for t in constants]
    tensor_offsets = [_tensor(builder, t, buffer_of.get(t.name, 0)) for t in tensors]
    codes = sorted({(o.code, o.version) for o in operators})
    operator_offsets = [_operator(builder, o, codes.index((o.code, o.version)), index) for o in operators]
    code_offsets = [_code(builder, *c) for c in codes]

    fields = {
        "Tensors": _tables(builder, tensor_offsets),
        "Inputs": _numbers(builder, [index[n] for n in inputs]),
        "Outputs": _numbers(builder, [index[n] for n in outputs]),
        "Operators": _tables(builder, operator_offsets),
        "Name": builder.CreateString("main"),
    }
    subgraph = _table(builder, "SubGraph", fields)
    model = _table(builder, "Model", {
        "Version": 3,
        "OperatorCodes": _tables(builder, code_offsets),
        "Subgraphs": _tables(builder, [subgraph]),
        "Description": builder.CreateString("test"),
        "Buffers": _tables(builder, buffers),
    })
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())


def unary(code: int, x: Tensor, y: Tensor, options: str = "", fields: Mapping[str, float] | None = None) -> bytes:
    """A file with one operator of one input and one output."""
    return write([x, y], [Operator(code, (x.name,), (y.name,), options, fields or {})], [x.name], [y.name])


def _bytes(tensor: Tensor) -> bytes:
    assert tensor.data is not None
    data = np.asarray(tensor.data, tensor.dtype)
    assert data.shape == tensor.shape, f"{tensor.name}: data {data.shape}, declared {tensor.shape}"
    return data.tobytes()


def _table(builder: Any, name: str, fields: Mapping[str, Any]) -> int:
    """A table of the schema; offsets and scalars by field name."""
    getattr(tflite, f"{name}Start")(builder)
    for key, value in fields.items():
        getattr(tflite, f"{name}Add{key}")(builder, value)
    offset: int = getattr(tflite, f"{name}End")(builder)
    return offset


def _tables(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, values: Sequence[float], dtype: str = "int32") -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, dtype)))


def _buffer(builder: Any, data: bytes) -> int:
    fields: dict[str, int] = {}
    if data:
        builder.StartVector(1, len(data), 16)  # the readers cast the data to wider types in place
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        fields["Data"] = builder.EndVector()
    return _table(builder, "Buffer", fields)


def _tensor(builder: Any, tensor: Tensor, buffer: int) -> int:
    fields: dict[str, int] = {
        "Shape": _numbers(builder, tensor.shape),
        "Type": _TENSOR_TYPES[tensor.dtype],
        "Buffer": buffer,
        "Name": builder.CreateString(tensor.name),
    }
    if tensor.scale:
        quantization = {
            "Scale": _numbers(builder, tensor.scale, "float32"),
            "ZeroPoint": _numbers(builder, tensor.zero or (0,) * len(tensor.scale), "int64"),
            "QuantizedDimension": tensor.axis,
        }
        fields["Quantization"] = _table(builder, "QuantizationParameters", quantization)
    if tensor.signature:
        fields["ShapeSignature"] = _numbers(builder, tensor.signature)
    return _table(builder, "Tensor", fields)


def _operator(builder: Any, operator: Operator, code: int, index: Mapping[str, int]) -> int:
    fields: dict[str, int] = {
        "OpcodeIndex": code,
        "Inputs": _numbers(builder, [index[n] for n in operator.inputs]),
        "Outputs": _numbers(builder, [index[n] for n in operator.outputs]),
    }
    if operator.options:
        options = {k: v if isinstance(v, int | float) else _numbers(builder, v) for k, v in operator.fields.items()}
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, operator.options)
        fields["BuiltinOptions"] = _table(builder, operator.options, options)
    return _table(builder, "Operator", fields)


def _code(builder: Any, code: int, version: int) -> int:
    """Codes up to 126 stand in the old field too, which old readers use."""
    return _table(builder, "OperatorCode", {"DeprecatedBuiltinCode": min(code, 127), "BuiltinCode": code, "Version": version})
