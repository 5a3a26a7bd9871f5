"""What layers by sums of words share; see word_sums.h. Inputs are taken as they are: their zero point is a part of where sums start."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant

from ....split_slope import SplitSlope, reach, split_slope
from ....target import Packed

BLOCK, LOOP = 3, 6  # inputs of a block, and of a loop of blocks
CODE_COST, BENT_COST = 19, 4  # instructions of the code of a sum, counted in what gcc 12 makes
WIDEN_COST = 4  # of an input that becomes a word


@dataclass(frozen=True)
class Sums:
    """A layer as weights (outputs, inputs), where sums of codes start (outputs,), and what makes codes of them."""

    weights: Int
    start: Int
    slope: SplitSlope

    @classmethod
    def of(cls, graph: Graph, node: Node, weights: Int, requant: Requant) -> Sums | str:
        """Of a node whose inputs 2 to 4 are bias, multipliers and shifts, or why it has no such form."""
        x = graph.types(node)[0]
        assert x
        bias = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(weights), np.int64)
        start = bias - x.quantized.zero[0] * weights.sum(axis=1)
        low, high = reach(weights)
        mul, shift = (np.broadcast_to(graph.data(name), (len(weights),)) for name in node.inputs[3:5])
        slope = split_slope(requant, mul, shift, start + low, start + high)
        return slope if isinstance(slope, str) else cls(weights, start, slope)

    @property
    def code_cost(self) -> int:
        return CODE_COST + BENT_COST * self.slope.bent

    def pack(self, groups: list[int], words: Callable[[Int], Array], nines: int, count: int, part: int) -> Packed:
        """The stream for groups of so many outputs, whose weights (outputs, count) become words, and the fields of `sums_params`."""
        outputs, inputs = self.weights.shape
        padded = np.zeros((max(sum(groups), outputs), count), np.int64)
        padded[:outputs, :inputs] = self.weights
        numbers = self.slope.words(self.start).astype(np.int64)
        stream, done = [], 0
        for group in groups:
            stream += [words(padded[done : done + group]), numbers[done : done + group].ravel()]
            done += group
        fields: dict[str, Param] = {
            "sums.inputs": inputs, "sums.outputs": outputs, "sums.nines": nines, "sums.words": count, "sums.part": part,
            "sums.odd": int(part == count and count // BLOCK % 2), "sums.bent": int(self.slope.bent),
        }
        return Packed((("stream", np.concatenate(stream).astype(np.uint32)),), fields)


def whole(inputs: int) -> int:
    """Inputs with zeros behind them up to whole blocks."""
    return -(-inputs // BLOCK) * BLOCK


def scratch(inputs: int) -> int:
    """Bytes of the inputs of an output as words, with zeros behind them up to whole loops."""
    return 4 * -(-inputs // LOOP) * LOOP


@dataclass(frozen=True)
class Layout:
    """How weights lie in words."""

    name: str
    widens: bool
    refuses: Callable[[Int], str | None]  # why it does not take such weights
    pack: Callable[[Sums], Packed]
    cost: Callable[[Sums], int]  # instructions of all outputs of inputs that have been widened
