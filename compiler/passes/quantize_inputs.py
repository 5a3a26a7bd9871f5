"""Gives inputs the fixed-point formats that the model itself leaves open."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import TapeoutError
from ..ir import F32, Builder, Graph, QType
from ..ops.fake_quantize import FakeQuantize


def quantize_inputs(graph: Graph, formats: Mapping[str, QType]) -> Graph:
    """The graph with a quantizer behind each named float input: rounded half to even, saturated. The name "" stands for a sole input.

    Raises TapeoutError for a name that is no input, and for an input that holds codes or has a quantizer already.
    """
    build = Builder(graph.values)
    quantized: dict[str, str] = {}
    for name, q in formats.items():
        value = input_value(graph, name)
        readers = graph.consumers()[value]
        if readers and all(isinstance(reader.op, FakeQuantize) for reader in readers):
            raise TapeoutError(f"--input-type: {name or value} has a quantizer in the model already")
        quantized[value] = build.add(FakeQuantize(q), (value,), build.fresh(f"{value}_quantized"))
    rest = (replace(node, inputs=tuple(quantized.get(i, i) for i in node.inputs)) for node in graph.nodes)
    return graph.replace([*build.nodes, *rest], build.values)


def input_value(graph: Graph, name: str) -> str:
    """The value of the float input that the source model calls so. Raises TapeoutError when there is none, or when it holds codes."""
    known = {port.name: port.value for port in graph.inputs}
    if name not in known and (name or len(known) != 1):
        raise TapeoutError(f"--input-type: write NAME=fixed<W,I> or NAME=uint8/255 with one of the inputs {', '.join(known)}")
    value = known[name] if name in known else next(iter(known.values()))
    if graph.values[value].type.q != F32:
        raise TapeoutError(f"--input-type: {name or value} holds {graph.values[value].type.q.code} in the model already")
    return value
