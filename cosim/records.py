"""The files that the harness reads and writes: one record per sample, as `cosim/harness/harness.c` says."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tapeout.compiler.ir import Array, Graph, Type
from tapeout.compiler.run import check_inputs


def encode(graph: Graph, inputs: Mapping[str, Array]) -> bytes:
    """inputs.bin for samples (N, *shape) by value name. Raises TapeoutError when they do not fit the graph's inputs."""
    count = check_inputs(graph, inputs)
    rows = [np.ascontiguousarray(inputs[n]).reshape(count, graph.values[n].type.size).view(np.uint8) for n in graph.input_names]
    samples = np.concatenate(rows, axis=1).tobytes() if rows else b""
    return np.array(count, "<u4").tobytes() + samples


def decode(data: bytes, count: int, types: Sequence[Type]) -> list[Array]:
    """The arrays (count, *shape) of outputs.bin, whose every record holds a tensor of each type in turn.

    Raises ValueError when the file has another size.
    """
    sizes = [t.bytes for t in types]
    records = np.frombuffer(data, np.uint8).reshape(count, sum(sizes))
    ends = np.cumsum([0, *sizes])
    return [
        np.ascontiguousarray(records[:, begin:end]).view(t.q.dtype).reshape(count, *t.shape)
        for begin, end, t in zip(ends, ends[1:], types, strict=False)
    ]
