"""Gives inputs the integers of a data set, such as the bytes of an image, in place of the floats that these are scaled to."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..ir import Builder, Graph, QType, Value
from ..ops.dequantize import Dequantize
from .quantize_inputs import input_value


def feed_codes(graph: Graph, formats: Mapping[str, QType]) -> Graph:
    """The graph whose named float inputs are codes of these formats, `dequantize` behind each; the name "" stands for a sole input.

    Their ports take the dtype of the codes. What the model computes from them on the way to its first quantizer becomes thresholds or a
    table in `make_integer`. Raises TapeoutError for a name that is no input, and for an input that holds codes already.
    """
    build = Builder(graph.values)
    reals: dict[str, str] = {}
    for name, q in formats.items():
        value = input_value(graph, name)
        build.values[value] = Value(value, replace(graph.values[value].type, q=q))
        reals[value] = build.add(Dequantize(), (value,), build.fresh(f"{value}_reals"))
    rest = [replace(node, inputs=tuple(reals.get(i, i) for i in node.inputs)) for node in graph.nodes]
    outputs = tuple(replace(port, value=reals.get(port.value, port.value)) for port in graph.outputs)
    ports = tuple(replace(p, dtype=str(build.values[p.value].type.q.dtype)) if p.value in reals else p for p in graph.inputs)
    return graph.replace([*build.nodes, *rest], build.values, inputs=ports, outputs=outputs)
