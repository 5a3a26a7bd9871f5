"""The reference interpreter: a loop over `Op.ref`. What it computes is what every target must equal."""
from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .errors import TapeoutError
from .ir import Array, Graph, Node

_CHUNK_ELEMENTS = 1 << 20  # of the largest tensor: a convolution holds it in float64, once for each tap of its window
_NONE = np.empty(0, np.int8)


def steps(graph: Graph, inputs: Mapping[str, Array]) -> Iterator[tuple[Node, tuple[Array, ...]]]:
    """Runs the graph on samples (N, *shape) by value name, and states (*shape), and yields each node with its outputs."""
    arrays: dict[str, Array] = {v.name: v.data for v in graph.constants() if v.data is not None}
    arrays.update(inputs)
    last = {name: node.name for node in graph.nodes for name in node.inputs}
    for node in graph.nodes:
        types = graph.types(node)
        results = node.op.ref(types, *(arrays[i] if i else _NONE for i in node.inputs))
        arrays.update(zip(node.outputs, results, strict=True))
        yield node, results
        for name in {i for i in node.inputs if last.get(i) == node.name} - {"", *graph.input_names}:
            del arrays[name]


def run(graph: Graph, inputs: Mapping[str, Array], keep: bool = False) -> dict[str, Array]:
    """The outputs of the graph, or with `keep` every computed value, for samples (N, *shape) by value name. A graph with
    states runs on one sample after the other.

    Raises TapeoutError when an input is missing or does not have its type.
    """
    count = check_inputs(graph, inputs)
    largest = max((v.type.size for v in graph.values.values()), default=1)
    states = {state.name: state.data for state in graph.states().values() if state.data is not None}
    chunk = 1 if states else max(1, _CHUNK_ELEMENTS // largest)
    parts: dict[str, list[Array]] = {}
    for start in range(0, count, chunk):
        feed = {name: inputs[name][start : start + chunk] for name in graph.input_names}
        found = dict(feed)
        for node, results in steps(graph, {**feed, **states}):
            found.update((n, r) for n, r in zip(node.outputs, results, strict=True) if keep or n in graph.output_names)
            changed = {graph.states()[n]: r for n, r in zip(node.outputs, results, strict=True) if n in graph.states()}
            states |= {state.name: r.reshape(state.type.shape) for state, r in changed.items()}  # of one sample
        rows = min(chunk, count - start)
        for name in found if keep else dict.fromkeys(graph.output_names):
            value = graph.values[name]
            array = found.get(name, value.data)
            assert array is not None
            parts.setdefault(name, []).append(np.broadcast_to(array, (rows, *value.type.shape)))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def check_inputs(graph: Graph, inputs: Mapping[str, Array]) -> int:
    """The number of samples. Raises TapeoutError when the arrays do not fit the graph's inputs."""
    counts = set()
    for port in graph.inputs:
        if port.value not in inputs:
            raise TapeoutError(f"input {port.name} is missing; the model takes {', '.join(p.name for p in graph.inputs)}")
        array, type = inputs[port.value], graph.values[port.value].type
        if array.shape[1:] != type.shape or array.dtype != type.q.dtype:
            raise TapeoutError(
                f"input {port.name}: got {array.dtype}{list(array.shape)}, expected {type.q.dtype}{['N', *type.shape]}"
            )
        counts.add(len(array))
    if len(counts) > 1:
        raise TapeoutError(f"inputs have different numbers of samples: {sorted(counts)}")
    return counts.pop() if counts else 1
