"""The files that the harness reads and writes: one record per sample, as `cosim/harness/harness.c` says."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tapeout.compiler.ir import Array, Graph, QType, Type
from tapeout.compiler.packing import pack, unpack
from tapeout.compiler.run import check_inputs


def encode(graph: Graph, inputs: Mapping[str, Array]) -> bytes:
    """inputs.bin for samples (N, *shape) by value name. Raises TapeoutError when they do not fit the graph's inputs."""
    count = check_inputs(graph, inputs)
    rows = [to_bytes(inputs[n], graph.values[n].type).reshape(count, graph.values[n].type.bytes) for n in graph.input_names]
    samples = np.concatenate(rows, axis=1).tobytes() if rows else b""
    return np.array(count, "<u4").tobytes() + samples


def decode(data: bytes, count: int, types: Sequence[Type]) -> list[Array]:
    """The arrays (count, *shape) of outputs.bin, whose every record holds a tensor of each type in turn.

    Raises ValueError that says so when the file has another size, or when the unused bits of packed rows are not 0.
    """
    sizes = [t.bytes for t in types]
    if len(data) != count * sum(sizes):
        raise ValueError(f"wrote {len(data)} bytes for {count} samples of {sum(sizes)} bytes each")
    records = np.frombuffer(data, np.uint8).reshape(count, sum(sizes))
    ends = np.cumsum([0, *sizes])
    return [from_bytes(records[:, begin:end], t, count) for begin, end, t in zip(ends, ends[1:], types, strict=False)]


def to_bytes(samples: Array, type: Type) -> Array:
    """What samples (N, *shape) of a tensor are in memory, as uint8 (N * type.bytes)."""
    if isinstance(type.q, QType) and type.q.packed:
        return pack(samples, type)
    return np.ascontiguousarray(samples).reshape(-1).view(np.uint8)


def from_bytes(data: Array, type: Type, count: int) -> Array:
    """The samples (count, *shape) of these bytes. Raises ValueError for packed rows that end with other bits than 0."""
    if isinstance(type.q, QType) and type.q.packed:
        samples = unpack(np.ascontiguousarray(data), type, count)
        if not np.array_equal(pack(samples, type), data.reshape(-1)):
            raise ValueError(f"left bits that are not 0 behind rows of packed {type.q.code} {type.dims}")
        return samples
    return np.ascontiguousarray(data).reshape(-1).view(type.q.dtype).reshape(count, *type.shape)
