"""Ends a lowered network at its last integer sums, without the floats that scale them."""
from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import TapeoutError
from ..integer.chain import Affine, Step, affine, step
from ..ir import Array, Graph
from ..ops.dequantize import Dequantize
from .remove_dead_nodes import remove_dead_nodes


@dataclass(frozen=True)
class CutOutput:
    """An output that was cut: the model's own is `code * scale + shift`, of entries per class or of a single one."""

    port: str
    codes: str
    scale: Array
    shift: Array

    @property
    def ordered(self) -> bool:
        """Whether the class of the largest code is that of the largest output."""
        return len(set(self.scale.tolist())) == len(set(self.shift.tolist())) == 1 and bool(self.scale.min() > 0)

    def text(self) -> str:
        """What is left to the host, in one line."""
        def numbers(array: Array) -> str:
            return f"{array.min():.9g}" if len(set(array.tolist())) == 1 else f"{array.min():.9g} .. {array.max():.9g}"

        line = f"{self.port}: ends at the integers {self.codes}; the model's output is {numbers(self.scale)} * code + {numbers(self.shift)}"
        same = "equal for all classes and increasing, so that the largest stays the largest"
        other = "not the same for all classes, which whoever looks for the largest has to apply first"
        return f"{line}, {same if self.ordered else other}"


def end_at_sums(graph: Graph, codes: bool) -> tuple[Graph, tuple[CutOutput, ...]]:
    """The graph without the float additions and multiplications between its last integers and its outputs, and what they were.

    With `codes` the outputs are those integers, else their reals. An output that no float op stands before stays as it is. Raises
    TapeoutError when what stands there is no scaling and shift.
    """
    outputs, ends = [], []
    for port in graph.outputs:
        name, steps = _chain(graph, port.value)
        last = graph.producer(name)
        if last is None or not isinstance(last.op, Dequantize) or not (steps or (codes and len(last.inputs) > 1)):
            outputs.append(port)
            continue
        line = affine(steps, Affine(np.ones(1), np.zeros(1)))
        if line is None or (line.lo, line.hi) != (-math.inf, math.inf):
            raise TapeoutError(
                f"--output-layer: behind the integers {last.inputs[0]} stand the floats {', '.join(s.node.name for s in steps)}, which do "
                "more than scale and shift; quantize the output in the model, or end it before"
            )
        q = graph.values[last.inputs[0]].type.quantized
        own = graph.data(last.inputs[1]).astype(np.float64) if len(last.inputs) > 1 else np.array(q.scale)
        scale = np.atleast_1d(line.scale * own)
        ends.append(CutOutput(port.name, last.inputs[0], scale, np.atleast_1d(line.shift - scale * q.zero[0])))
        outputs.append(replace(port, value=last.inputs[0] if codes else name))
    return remove_dead_nodes(replace(graph, outputs=tuple(outputs))), tuple(ends)


def _chain(graph: Graph, name: str) -> tuple[str, list[Step]]:
    """The value from which an output follows by single floats, and the steps on the way."""
    steps: list[Step] = []
    while (node := graph.producer(name)) and (link := step(graph, node, lambda i: graph.values[i].data)):
        steps.insert(0, link)
        name = link.x
    return name, steps
