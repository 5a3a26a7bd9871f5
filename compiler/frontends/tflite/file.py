"""What a .tflite file holds, as small dataclasses. Nothing here knows what the operators mean.

The layout is TensorFlow Lite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), whose accessors are
the package `tflite`. They check no bounds, so every number that they return is checked here.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tflite

from ...errors import TapeoutError, Unsupported
from ...ir import F32, Array, FType, QType

_OPERATORS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_KINDS = {code: name for name, code in vars(tflite.TensorType).items() if isinstance(code, int)}
_DTYPES = {
    "FLOAT32": "<f4", "FLOAT16": "<f2", "INT8": "i1", "UINT8": "u1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "BOOL": "?",
}  # fmt: skip
_MAX_RANK = 8
_MAX_ELEMENTS = 1 << 26  # more than any target holds, and small enough to be handled without care
_OUTSIDE = "truncated or corrupt: a table points outside the file; export or copy it again"


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file. `shape` has -1 where the file leaves a dimension open; `data` is there for constants."""

    index: int
    name: str
    shape: tuple[int, ...]
    kind: str
    scale: tuple[float, ...]
    zero: tuple[int, ...]
    axis: int
    data: Array | None
    variable: bool

    @property
    def short_name(self) -> str:
        """The name for people: TensorFlow's converter joins the names of all that it fused by ';', the result's first."""
        return self.name.partition(";")[0] or self.name

    @property
    def q(self) -> QType | FType:
        """The format of the elements. Raises TapeoutError when int8 codes come without scale and zero point."""
        if self.kind == "FLOAT32":
            return F32
        if self.kind == "INT32":
            return QType(32)
        if self.kind != "INT8":
            raise Unsupported(f"tensor {self.name} is {self.kind.lower()}; convert the model to int8 or float32 activations")
        if not self.scale:
            raise TapeoutError(f"tensor {self.name} is int8 without a scale; convert the model with full integer quantization")
        return QType(8, True, self.scale, self.zero, self.axis if len(self.scale) > 1 else None)


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator: its name in the schema, tensor indices (-1: an optional input that is absent), and its options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_kind: int
    options: Any

    def read(self, kind: Any, *fields: str) -> list[Any]:
        """These fields of the options, which are of the schema's table `kind`."""
        if self.options is None or self.options_kind != getattr(tflite.BuiltinOptions, kind.__name__):
            raise TapeoutError(f"its {kind.__name__} are missing")
        table = kind()
        try:
            table.Init(self.options.Bytes, self.options.Pos)
            return [getattr(table, field)() for field in fields]
        except (struct.error, TypeError):
            raise TapeoutError(_OUTSIDE) from None


@dataclass(frozen=True, eq=False)
class Model:
    """The only subgraph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def parse(data: bytes) -> Model:
    """The model in the bytes of a file. Raises TapeoutError when they are no whole one."""
    try:
        return _model(data)
    except (struct.error, ValueError, IndexError, TypeError):  # how the accessors meet an offset outside the file
        raise TapeoutError(_OUTSIDE) from None


def _model(data: bytes) -> Model:
    root = tflite.Model.GetRootAs(data, 0)
    if root.SubgraphsLength() != 1:
        raise Unsupported(f"holds {root.SubgraphsLength()} subgraphs; only models with one are taken (no control flow)")
    graph = root.Subgraphs(0)
    buffers = [_buffer(root.Buffers(i), data) for i in range(root.BuffersLength())]
    codes = [_code(root.OperatorCodes(i)) for i in range(root.OperatorCodesLength())]
    tensors = tuple(_tensor(i, graph.Tensors(i), buffers) for i in range(graph.TensorsLength()))
    operators = tuple(_operator(graph.Operators(i), codes, len(tensors)) for i in range(graph.OperatorsLength()))
    inputs, outputs = _ints(graph.InputsAsNumpy()), _ints(graph.OutputsAsNumpy())
    if not outputs or not all(0 <= i < len(tensors) for i in (*inputs, *outputs)):
        raise TapeoutError("corrupt: its inputs and outputs name no tensors")
    return Model(tensors, operators, inputs, outputs)


def _ints(vector: Any) -> tuple[int, ...]:
    """The elements of a vector; the accessors give 0 for an absent one."""
    return () if isinstance(vector, int) else tuple(int(i) for i in vector)


def _code(code: Any) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return f"CUSTOM {code.CustomCode()!r}"
    return str(_OPERATORS.get(number, f"OPERATOR {number}"))


def _buffer(buffer: Any, data: bytes) -> bytes:
    """The bytes of a buffer, which large files keep behind the tables."""
    if buffer.Offset() > 1:
        if buffer.Offset() + buffer.Size() > len(data):
            raise TapeoutError(_OUTSIDE)
        return data[buffer.Offset() : buffer.Offset() + buffer.Size()]
    array = buffer.DataAsNumpy()
    return b"" if isinstance(array, int) else array.tobytes()


def _operator(operator: Any, codes: list[str], tensors: int) -> Operator:
    inputs, outputs = _ints(operator.InputsAsNumpy()), _ints(operator.OutputsAsNumpy())
    if not outputs or not all(-1 <= i < tensors for i in inputs) or not all(0 <= i < tensors for i in outputs):
        raise TapeoutError("corrupt: an operator names tensors that are not there")
    return Operator(codes[operator.OpcodeIndex()], inputs, outputs, operator.BuiltinOptionsType(), operator.BuiltinOptions())


def _tensor(index: int, tensor: Any, buffers: list[bytes]) -> Tensor:
    name = (tensor.Name() or b"").decode(errors="replace") or f"tensor_{index}"
    if not name.isprintable() or "\ufffd" in name:
        raise TapeoutError(f"tensor {index} has the name {tensor.Name()[:40]!r}, which is no text: corrupt")
    kind = _KINDS.get(tensor.Type(), f"type {tensor.Type()}")
    shape, signature = _ints(tensor.ShapeAsNumpy()), _ints(tensor.ShapeSignatureAsNumpy())
    if len(shape) > _MAX_RANK or prod(shape) > _MAX_ELEMENTS:
        raise TapeoutError(f"tensor {name} has {len(shape)} dimensions, {list(shape[:_MAX_RANK])}: too large, or corrupt")
    if any(d < -1 for d in (*shape, *signature)) or (signature and len(signature) != len(shape)):
        raise TapeoutError(f"tensor {name} has the shape {list(shape)} and a shape signature that does not fit: corrupt")
    if tensor.Sparsity() is not None:
        raise Unsupported(f"tensor {name} is sparse; convert the model with dense weights")
    scale, zero, axis = _quantization(name, tensor.Quantization(), shape, kind)
    data = _constant(name, kind, shape, buffers[tensor.Buffer()])
    return Tensor(index, name, shape if data is not None else signature or shape, kind, scale, zero, axis, data, tensor.IsVariable())


def _constant(name: str, kind: str, shape: tuple[int, ...], data: bytes) -> Array | None:
    if not data:
        return None
    if kind not in _DTYPES:
        raise Unsupported(f"constant {name} is {kind.lower()}; convert the model to int8 or float32")
    dtype = np.dtype(_DTYPES[kind])
    if min(shape, default=1) < 0 or len(data) != prod(shape) * dtype.itemsize:
        raise TapeoutError(f"constant {name} has {len(data)} bytes, but shape {list(shape)} of {kind.lower()}: corrupt")
    array = np.frombuffer(data, dtype).reshape(shape)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise TapeoutError(f"constant {name} holds NaN or infinity; repair the model before it is converted")
    return array


def _quantization(name: str, q: Any, shape: tuple[int, ...], kind: str) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    """(scales, zero points, channel axis); no scales when the tensor is not quantized."""
    if q is None or q.ScaleLength() == 0:
        return (), (), 0
    scale, zero, axis = q.ScaleAsNumpy(), _ints(q.ZeroPointAsNumpy()), q.QuantizedDimension()
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise TapeoutError(f"tensor {name} has a scale that is not positive and finite")
    if len(scale) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scale)):
        raise TapeoutError(f"tensor {name} has {len(scale)} scales, which do not fit axis {axis} of {list(shape)}")
    zero = zero or (0,)
    zero = zero * len(scale) if len(zero) == 1 else zero
    bounds = np.iinfo(_DTYPES[kind]) if kind in ("INT8", "UINT8", "INT16", "INT32") else None
    if len(zero) != len(scale) or (bounds and not all(bounds.min <= z <= bounds.max for z in zero)):
        raise TapeoutError(f"tensor {name} has zero points that do not fit its {len(scale)} scale(s) or its {kind.lower()} codes")
    return tuple(float(s) for s in scale), zero, axis
