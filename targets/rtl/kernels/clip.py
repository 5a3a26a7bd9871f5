"""clip.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.clip import Clip

from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Clip)
    if isinstance(x.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no clip of floats; quantize it")
    check_fold(node.name, fold, *folds(graph, node))
    bounds = op.fields(x)
    params = {"PE": fold.pe, "BITS": x.q.bits, "SIGNED": int(is_signed(x)), "LO": int(bounds["lo"]), "HI": int(bounds["hi"])}
    return Instance("clip", params, (stream(x, fold.pe),), stream(x, fold.pe), cycles(graph, node, fold))
