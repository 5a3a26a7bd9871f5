"""Arrays of the user: `.npz` files in the source model's layout and dtype, to and from the graph's values."""
from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .codes import decode
from .errors import TapeoutError
from .fixed import Rounding
from .ir import F32, Array, Graph, Port, QType, Type
from .ops.quantize import Quantize


def load(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file by key. Raises TapeoutError when it is missing, no such file, or holds objects."""
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise TapeoutError(f"{path}: holds one bare array; save it with numpy.savez under the input's name")
        with file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{path}: not a readable .npz file ({error})") from None


def inputs(graph: Graph, arrays: Mapping[str, Array], where: str, labels_key: str = "y") -> dict[str, Array]:
    """The samples of every graph input as (N, *shape), by value name.

    An input takes the array of its name; a sole input is also served by the sole array besides the labels, or by the
    sole one among these that has its shape. Raises TapeoutError that names the file and the input when one is missing
    or does not fit.
    """
    found = {}
    for port in graph.inputs:
        key = port.name
        if key not in arrays and len(graph.inputs) == 1:
            key = _sole(arrays, labels_key, batch_shape(port, graph.values[port.value].type)) or key
        if key not in arrays:
            raise TapeoutError(f"{where}: has no array {port.name!r}, only {', '.join(map(repr, arrays)) or 'nothing'}")
        found[port.value] = to_value(arrays[key], port, graph.values[port.value].type, f"{where}: array {key!r}")
    if len({len(a) for a in found.values()}) > 1:
        raise TapeoutError(f"{where}: inputs have different numbers of samples ({', '.join(str(len(a)) for a in found.values())})")
    if not all(len(a) for a in found.values()):
        raise TapeoutError(f"{where}: holds no samples")
    return found


def to_value(array: Array, port: Port, type: Type, where: str) -> Array:
    """Samples in the source's layout and dtype as samples (N, *shape) of the value.

    Axes of size 1 may be there or not. A value that holds codes of a float source takes floats, rounded half away from zero to codes.
    """
    source, batched = source_shape(port, type), batch_shape(port, type)
    if not array.ndim or _long_axes(array.shape[1:]) != _long_axes(batched):
        expected = "x".join(map(str, ("N", *batched)))
        raise TapeoutError(f"{where} is {'x'.join(map(str, array.shape)) or 'a scalar'}, input {port.name} takes {expected}")
    if not np.can_cast(array.dtype, np.dtype(port.dtype), "safe") and array.dtype != type.q.dtype:
        raise TapeoutError(f"{where} is {array.dtype}, input {port.name} takes {port.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise TapeoutError(f"{where} holds NaN or infinity, in sample {int(np.argwhere(~np.isfinite(array))[0][0])}")
    return port.from_source(encode(array.reshape(len(array), *source), port, type))


def encode(array: Array, port: Port, type: Type) -> Array:
    """Elements of the source's dtype as elements of the value: codes where it holds codes of a float source.

    By the op `quantize`, so that both ways give the same codes.
    """
    if isinstance(type.q, QType) and np.dtype(port.dtype).kind == "f" and array.dtype != type.q.dtype:
        floats = array.astype(np.float32)
        return Quantize(type.q, Rounding.HALF_AWAY).ref((Type(floats.shape, F32),), floats)[0]
    return array.astype(type.q.dtype)


def to_source(array: Array, port: Port) -> Array:
    """Samples (N, *shape) of a value in the source's layout, batch first."""
    array = port.to_source(array)
    return array[:, 0] if array.ndim > 1 and array.shape[1] == 1 else array


def to_real(array: Array, type: Type) -> Array:
    """Elements of a value as the real numbers that they stand for, in float64."""
    if isinstance(type.q, QType):
        return decode(array, type.q, np.dtype(np.float64), type.shape)
    return array.astype(np.float64)


def _sole(arrays: Mapping[str, Array], labels_key: str, shape: tuple[int, ...]) -> str | None:
    """The key of the one array that a sole input can only mean, if there is one."""
    others = [key for key in arrays if key != labels_key]
    fitting = [key for key in others if arrays[key].dtype.kind in "fiu" and arrays[key].shape[1:] == shape]
    return fitting[0] if len(fitting) == 1 else others[0] if len(others) == 1 else None


def _long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def batch_shape(port: Port, type: Type) -> tuple[int, ...]:
    """The shape of one sample in a batch: the source's without its leading 1."""
    source = source_shape(port, type)
    return source[1:] if source and source[0] == 1 else source


def source_shape(port: Port, type: Type) -> tuple[int, ...]:
    """The shape that the source model gives the value."""
    return tuple(type.shape[i] for i in np.argsort(port.axes))
