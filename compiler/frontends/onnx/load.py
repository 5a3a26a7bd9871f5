"""ONNX files as checked protobufs and their tensors as arrays; no path or count in a file is trusted."""
from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf has no types of its own
from onnx import numpy_helper

from ...errors import TapeoutError, Unsupported
from ...ir import Array

OLDEST_OPSET = 8


def load_model(path: Path) -> tuple[onnx.ModelProto, int]:
    """The model in a file and the version of its default operator set, with external data read in.

    Raises TapeoutError for a file that is missing or damaged, Unsupported for an operator set that is
    older than 8 or newer than the installed onnx knows.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise TapeoutError(f"{path}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise TapeoutError(f"{path}: is no ONNX model, or is truncated or damaged") from None
    if not model.graph.output or not model.graph.node:
        raise TapeoutError(f"{path}: holds no ONNX graph with nodes and outputs; is it truncated?")
    if not all(isinstance(text, str) and text.isprintable() for text in _texts(model.graph)):
        raise TapeoutError(f"{path}: holds a name that is no text; the file is damaged")
    opset = _opset(path, model)
    for tensor in _stored_tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _read_external(path, tensor)
    if model.ir_version > onnx.IR_VERSION:
        raise Unsupported(f"{path}: IR version {model.ir_version} is newer than {onnx.IR_VERSION}, which onnx {onnx.__version__} knows")
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise Unsupported(f"{path}: tensor {name} is sparse; store it dense")
    return model, opset


def self_contained(path: Path) -> bytes:
    """The bytes of a model file; one with external data becomes one that holds them. Raises what `load_model` does."""
    content = path.read_bytes()
    tensors = _stored_tensors(onnx.load_model_from_string(content).graph)
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in tensors):
        return bytes(load_model(path)[0].SerializeToString())
    return content


def _texts(graph: onnx.GraphProto) -> Iterator[object]:
    """All names; protobuf gives bytes for one that is not UTF-8."""
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for tensor in _stored_tensors(graph):
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))


def _opset(path: Path, model: onnx.ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions:
        raise TapeoutError(f"{path}: imports no version of the ONNX operator set")
    version = int(versions[0])
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= version <= newest:
        raise Unsupported(
            f"{path}: opset {version} is not among {OLDEST_OPSET} .. {newest}; convert it with onnx.version_converter or export it anew"
        )
    return version


def _stored_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t


def _read_external(path: Path, tensor: onnx.TensorProto) -> None:
    """Moves the bytes of an external tensor into the model; the file must lie in the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if not location or Path(location).is_absolute() or ".." in Path(location).parts or not file.is_relative_to(folder):
        raise TapeoutError(f"{path}: tensor {tensor.name} refers to external data {location!r} outside of the model's folder")
    if not file.is_file():
        raise TapeoutError(f"{path}: external data file {location} of tensor {tensor.name} is missing; put it beside the model")
    expected = _byte_count(tensor)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", expected))
    except ValueError:
        raise TapeoutError(f"{path}: tensor {tensor.name} has an external offset or length that is no number") from None
    available = file.stat().st_size - offset
    if length != expected or offset < 0 or available < length:
        raise TapeoutError(
            f"{path}: tensor {tensor.name} needs {expected} bytes; its entry says {length} at {offset}, {location} has {max(available, 0)}"
        )
    with file.open("rb") as stream:
        stream.seek(offset)
        tensor.raw_data = stream.read(length)
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]


def _byte_count(tensor: onnx.TensorProto) -> int:
    try:
        size = int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError:
        raise TapeoutError(f"tensor {tensor.name} has the unknown data type {tensor.data_type}") from None
    return size * prod(int(n) for n in tensor.dims)


def tensor_array(tensor: onnx.TensorProto, name: str) -> Array:
    """The elements of a stored tensor. Raises TapeoutError when they do not fit its shape or are not finite."""
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise TapeoutError(f"tensor {name}: damaged: {error}") from None
    if array.dtype.kind == "f":
        bad = np.isnan(array) if array.ndim == 0 else ~np.isfinite(array)  # a lone infinity may be the open bound of a Clip
        if bad.any():
            raise TapeoutError(f"tensor {name}: {int(bad.sum())} of {array.size} elements are NaN or infinite")
    return array
