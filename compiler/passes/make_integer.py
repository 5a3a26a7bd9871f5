"""A float graph with `fake_quantize` and `fake_threshold` nodes becomes integer codes, sums and the stages between them."""
from __future__ import annotations

from ..integer.integerizer import Integerizer
from ..ir import Graph
from ..ops.fake_quantize import FakeQuantize
from ..ops.fake_threshold import FakeThreshold


def make_integer(graph: Graph, strict: bool = True) -> Graph:
    """The integer graph of an annotated one; a graph without such nodes as it is.

    In real arithmetic both are the same but for the rounding of a ratio of scales to 31 bits; where the ratio is a power of two or dyadic,
    and behind thresholds, nothing differs. Values keep their names. Raises Unsupported that names the node which would stay in float;
    without `strict` such nodes stay, between `dequantize` and `quantize`.
    """
    if not any(isinstance(node.op, FakeQuantize | FakeThreshold) for node in graph.nodes):
        return graph
    return Integerizer(graph, strict).run()
