"""The explicit list of passes that take a source model's Graph to the one that targets emit."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps

from . import text
from .errors import TapeoutError
from .ir import Graph, verify
from .passes.check_accumulators import check_accumulators
from .passes.fold_batch_norm import fold_batch_norm
from .passes.fold_constant_channels import fold_constant_channels
from .passes.fold_constants import fold_constants
from .passes.fuse_clip import fuse_clip
from .passes.fuse_pad import fuse_pad
from .passes.fuse_requant import fuse_requant
from .passes.make_integer import make_integer
from .passes.move_transpose import move_transpose
from .passes.narrow_floats import narrow_floats
from .passes.remove_dead_nodes import remove_dead_nodes

Pass = Callable[[Graph], Graph]

# Before quantization looks at the graph. What is dead or constant goes first, so that later passes see only what runs. Transposes
# go before pads, because a pad of an NHWC tensor is what a convolution takes; pads and scales of channels go before clips,
# because nothing folds into a layer that clips already.
CLEAN_UP: tuple[Pass, ...] = (remove_dead_nodes, fold_constants, move_transpose, fuse_pad, fold_batch_norm, fuse_clip)

# From annotations to 16-bit floats or to integers, and from sums and requants to the nodes that run. A clip has tightened its
# requant before that joins its sum, so that nodes have their final names behind fuse_requant; folding asks for requantized outputs; the
# accumulators to be proved are those that run.
LOWERING: tuple[Pass, ...] = (narrow_floats, make_integer, fuse_requant, fold_constant_channels, check_accumulators)

PASSES: tuple[Pass, ...] = (*CLEAN_UP, *LOWERING)


def simplify(graph: Graph) -> Graph:
    """The clean-up that quantization starts from."""
    return _run(graph, CLEAN_UP)


def lower(graph: Graph, after: str | None = None, dump: Callable[[str, Graph], object] | None = None, strict: bool = True) -> Graph:
    """Runs the passes in order, each result verified; `after` stops behind the pass of that name.

    `dump` is given the name and the result of each pass. Without `strict` what has no quantizer stays in float; see `make_integer`.
    Raises TapeoutError for an unknown pass, Unsupported when a
    pass does not take the graph.
    """
    names = [p.__name__ for p in PASSES]
    if after is not None and after not in names:
        raise TapeoutError(f"there is no pass {after}; the passes are, in order: {', '.join(names)}")
    passes = PASSES[: names.index(after) + 1] if after else PASSES
    loose = wraps(make_integer)(partial(make_integer, strict=False))
    return _run(graph, passes if strict else [loose if p is make_integer else p for p in passes], dump)


def _run(graph: Graph, passes: Sequence[Pass], dump: Callable[[str, Graph], object] | None = None) -> Graph:
    verify(graph)
    for run in passes:
        graph = text.ordered(verify(run(graph)))
        if dump:
            dump(run.__name__, graph)
    return graph
