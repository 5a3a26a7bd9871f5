"""The step of training that `tapeout compile --training` adds to a network, and what it gains beside back-propagation."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tapeout.targets.compiled import Compiled
from tapeout.targets.strips import Arrangement

from .. import text
from ..buffers import Inputs
from ..ir import Array, Graph, verify
from ..memory import Plan
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


def gain(graph: Graph, step: Training, compiled: Compiled, inputs: Inputs) -> list[str]:
    """A line on the arena of a forward-only step of `graph` beside that of back-propagation with its inputs as here; none of the latter.

    It tells apart what forward-only learning spares, activities and their gradients, from the gradients of weights, which an update in
    place would spare back-propagation as well: in networks of fully connected layers these are nearly all.
    """
    if step.method is Method.SGD:
        return []
    backward = with_step(graph, replace(step, method=Method.SGD), {})
    plan = Arrangement(compiled.target, backward, inputs=inputs).plan
    own, other = _beside_gradients(compiled.graph, compiled.plan), _beside_gradients(backward, plan)
    spared = f"spares {other - own:,} of these" if own < other else "spares none of these"
    return [
        f"--training {step.method}: the arena is {compiled.plan.arena_bytes:,} bytes, that of --training sgd {plan.arena_bytes:,}; "
        f"beside gradients of weights, which an update in place would spare sgd too, it holds {own:,}, sgd {other:,}: "
        f"learning forward only {spared}"
    ]


def _beside_gradients(graph: Graph, plan: Plan) -> int:
    """The most bytes of an arena that hold anything but gradients of weights at any moment."""
    gradients = {node.name for node in graph.nodes if node.op.name().endswith("weight_gradient")}
    others = replace(plan, buffers=tuple(b for b in plan.buffers if not gradients.intersection(b.values)))
    return max(others.live_bytes(at) for at in range(len(graph.nodes)))
