"""The step of training that `tapeout compile --training` adds to a network, and what it gains beside back-propagation."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tapeout.targets.compiled import Compiled
from tapeout.targets.strips import Arrangement

from .. import text
from ..ir import Array, Graph, verify
from ..passes.add_forward_forward_step import add_forward_forward_step
from ..passes.add_pepita_step import add_pepita_step
from ..passes.add_training_step import add_training_step
from ..training import Method, Training


def with_step(graph: Graph, step: Training, checkpoint: Mapping[str, Array]) -> Graph:
    """The network with its step. Raises as the method's pass does."""
    match step.method:
        case Method.SGD:
            trained = add_training_step(graph, step, checkpoint)
        case Method.PEPITA:
            trained = add_pepita_step(graph, step)
        case _:
            trained = add_forward_forward_step(graph, step)
    return text.ordered(verify(trained))


def gain(graph: Graph, step: Training, compiled: Compiled) -> list[str]:
    """A line on the arena of a forward-only step of `graph` beside that of back-propagation; none of back-propagation itself.

    Fully connected layers, the only ones that these steps train, gain little by it that matters: of the arena of back-propagation nearly
    all is one gradient of weights, which an update in place would spare it too.
    """
    if step.method is Method.SGD:
        return []
    backward = with_step(graph, replace(step, method=Method.SGD), {})
    arena = Arrangement(compiled.target, backward).plan.arena_bytes
    largest = max(backward.values[n.name].type.bytes for n in backward.nodes if n.op.name() == "dense_weight_gradient")
    return [
        f"--training {step.method}: the arena is {compiled.plan.arena_bytes:,} bytes, that of --training sgd {arena:,}, of which "
        f"{largest:,} are the largest gradient of weights; an update in place would spare sgd these too, so fully connected layers "
        "gain little else by it"
    ]
