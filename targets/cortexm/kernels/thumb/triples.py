"""The stream that triples.h reads: the weights of three outputs in two words, so that two products of an input give three sums.

A sum has 21 bits, so that the magnitudes of a part's products must not add up to more than 2^20 - 1; inputs are taken as they are, and
their zero point is a part of where sums start. Parts are as large as every output allows.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant

from ....target import Packed
from ...split_slope import SplitSlope, split_slope

_BLOCK, _LOOP = 3, 6  # inputs of a block, and of a loop of blocks
_MANY, _FEW = 9, 3  # outputs that are computed together
_MOST = (1 << 20) - 1  # of a sum's magnitude
_LEAST_CODE, _MOST_CODE = -128, 127
# Instructions, counted in what gcc 12 makes: of an input for so many outputs, of these outputs besides, and of each of their codes.
_MANY_COST, _FEW_COST, _MANY_MORE, _FEW_MORE, _CODE_COST, _BENT_COST, _PART_COST = 15, 6, 85, 55, 19, 4, 80
_CALL_COST, _WIDEN_COST = 70, 4


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
        reach = weights * _LEAST_CODE, weights * _MOST_CODE
        low, high = (start + extreme(*reach).sum(axis=1) for extreme in (np.minimum, np.maximum))
        mul, shift = (np.broadcast_to(graph.data(name), (len(weights),)) for name in node.inputs[3:5])
        slope = split_slope(requant, mul, shift, low, high)
        return slope if isinstance(slope, str) else cls(weights, start, slope)

    def pack(self) -> Packed:
        """The stream, and the fields of `triples_params` as a member `sums`."""
        outputs, inputs = self.weights.shape
        (count, part), nines = split(self.weights), many(outputs)
        padded = np.zeros((outputs + -outputs % _MANY, count), np.int64)
        padded[:outputs, :inputs] = self.weights
        numbers = self.slope.words(self.start)
        words: list[Array] = []
        done = 0
        while done < outputs:
            together = _MANY if done < nines else _FEW
            words.append(stacked(padded[done : done + together]))
            words.append(numbers[done : done + together].ravel())
            done += together
        fields: dict[str, Param] = {
            "sums.inputs": inputs, "sums.outputs": outputs, "sums.nines": min(nines, outputs), "sums.words": count, "sums.part": part,
            "sums.odd": int(part == count and count // _BLOCK % 2), "sums.bent": int(self.slope.bent),
        }
        return Packed((("stream", np.concatenate(words).astype(np.int64).astype(np.uint32)),), fields)


def scratch(inputs: int) -> int:
    """Bytes of the inputs of an output as words, with zeros behind them."""
    return 4 * -(-inputs // _LOOP) * _LOOP


def stacked(weights: Int) -> Array:
    """Weights (outputs, inputs) as words, by inputs two for each three outputs."""
    first, middle, last = weights.reshape(-1, 3, weights.shape[1]).transpose(1, 2, 0)
    return np.stack([first + (middle << 21), last + (middle << 10)], axis=-1).ravel()


def many(outputs: int) -> int:
    """How many outputs are computed nine at a time: all but six, where so many are left."""
    return outputs // _MANY * _MANY + (_MANY if outputs % _MANY > 2 * _FEW else 0)


def split(weights: Array) -> tuple[int, int]:
    """How many words inputs take, with zeros behind them, and how many of them a part has at most."""
    magnitudes = np.abs(weights.astype(np.int64)) * -_LEAST_CODE
    inputs = weights.shape[1]
    if magnitudes.sum(axis=1).max() <= _MOST:
        return (whole := -(-inputs // _BLOCK) * _BLOCK), whole
    count = -(-inputs // _LOOP) * _LOOP
    part = count
    while max(magnitudes[:, at : at + part].sum(axis=1).max() for at in range(0, inputs, part)) > _MOST:
        part -= _LOOP
    return count, part


def cost(sums: Sums) -> int:
    """Instructions of all outputs of one pixel, whose inputs have been widened."""
    outputs, (count, part) = len(sums.weights), split(sums.weights)
    nines = many(outputs) // _MANY
    threes = -(-max(outputs - nines * _MANY, 0) // _FEW)
    more = _PART_COST * -(-count // part) if part < count else 0
    loops = nines * (count * _MANY_COST + _MANY_MORE + more) + threes * (count * _FEW_COST + _FEW_MORE + more)
    return loops + outputs * (_CODE_COST + _BENT_COST * sums.slope.bent) + _CALL_COST * (bool(nines) + bool(threes))


def widening(codes: int) -> int:
    """Instructions that widen so many codes."""
    return _WIDEN_COST * codes
