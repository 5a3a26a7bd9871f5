"""What the kernels of layers share: when they run one, how sums become codes, and how weights lie. The twin is channels.h.

A code is `(((sum << left) * mul >> 32) + add (+ 2 * sign of the sum)) >> shift`, clipped: one MULH where targets/high_word.py rounds a
product, as `floor(y + 1/2) = (floor(2 * y) + 1) >> 1`. So TensorFlow Lite's doubling high multiply is one of sums that are shifted by 2,
and what is added to it counts double.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import INT32_MAX
from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums

from ....high_word import high_word

CHANNELS, WORD = 4, 4  # channels that are summed together, codes of a word
# Cycles of the RTL: four channels of two windows or of one, in a word; what surrounds their loop; the same with the codes.
_TWO, _ONE, _RUN, _TWO_CODES, _ONE_CODES = 14, 9, 6, 125, 70


@dataclass(frozen=True)
class Layer:
    """A layer whose sums are of raw codes: the bias holds what the zero point of the input takes from them.

    `weights` are those of the node, `table` (O, 4) int32 bias, mul, add and shift of each channel.
    """

    weights: Array
    table: Array
    left: int
    requant: Requant

    @property
    def params(self) -> dict[str, Param]:
        """The kernel's fields for the codes of sums. Codes of negative sums that are clipped at the zero point need no sign."""
        r = self.requant
        signs = int(self.left > 0 and r.lo < r.output.zero[0])
        return {"codes.left": self.left, "codes.signs": signs, "codes.lo": r.lo, "codes.hi": r.hi}


@dataclass(frozen=True)
class Reading:
    """How a window lies in memory: `runs` of `words` words, and of one more at byte `rest` where they are no multiple of a word."""

    runs: int
    step: int
    words: int
    rest: int = -1

    @classmethod
    def of(cls, runs: int, step: int, length: int) -> Reading:
        """Of runs of `length` bytes, at least a word: a last word that is not full begins earlier, at codes that it takes by 0."""
        return cls(runs, step, length // WORD, -1 if length % WORD == 0 else length - WORD)

    @property
    def params(self) -> dict[str, Param]:
        return {f"reading.{name}": value for name, value in vars(self).items()}

    def cost(self, windows: int, alone: int, outputs: int) -> int:
        """Cycles of so many pairs of windows and some that are alone, by all channels."""
        words, loops = self.words + (self.rest >= 0), 1 + (self.rest >= 0)
        pair = self.runs * (words * _TWO + loops * _RUN) + _TWO_CODES
        return -(-outputs // CHANNELS) * (windows * pair + alone * (self.runs * (words * _ONE + loops * _RUN) + _ONE_CODES))


def layer(graph: Graph, node: Node, channel_axis: int) -> Layer | str:
    """The layer that a node is, or why these kernels do not run it."""
    x, w = (graph.values[name] for name in node.inputs[:2])
    requant = getattr(node.op, "requant", None)
    assert isinstance(requant, Requant)
    missing = [name for name in node.inputs[1:] if name and graph.values[name].data is None]
    if missing:
        return f"{missing[0]} is computed"
    if any(w.type.quantized.zero):
        return "weights with a zero point"
    assert w.data is not None
    codes = np.moveaxis(w.data.astype(np.int64), channel_axis, 0)
    bias = graph.values[node.inputs[2]].data if node.inputs[2] else None
    start = (0 if bias is None else bias.astype(np.int64)) - x.type.quantized.zero[0] * codes.reshape(len(codes), -1).sum(axis=1)
    form = high_word(graph, node, requant, len(codes))
    if isinstance(form, str):
        return form
    table, left = [form.mul, form.add, form.shift], 0
    if form.doubled:
        sums = largest_sums(graph, node)
        assert sums is not None
        add, shift, left = 2 * form.add.astype(np.int64) + 1, form.shift + 1, 2
        taken = int(sums.max()) << left
        if max(taken, (taken * int(form.mul.max()) >> 32) + int(np.abs(add).max()) + 2) > INT32_MAX or shift.max() > 31:
            return "sums that leave 32 bits on the way"
        table = [form.mul, add, shift]
    # The start modulo 2^32, as are sums on their way.
    return Layer(w.data, np.stack([start.astype(np.int32), *(a.astype(np.int32) for a in table)], axis=-1), left, requant)


def whole(table: Array) -> Array:
    """With rows for the channels of a last group that are not there."""
    return np.concatenate([table, np.repeat(table[:1], -len(table) % CHANNELS, axis=0)])


def interleaved(weights: Array, reading: Reading) -> Array:
    """Weights (O, runs, length) as words: by groups of channels, runs and words one of each channel."""
    channels, runs, length = weights.shape
    full = reading.words * WORD
    padded = np.zeros((channels + -channels % CHANNELS, runs, full + WORD * (reading.rest >= 0)), np.int8)
    padded[:channels, :, : min(full, length)] = weights[..., :full]
    if reading.rest >= 0:
        padded[:channels, :, padded.shape[2] - (length - full) :] = weights[..., full:]
    groups = padded.reshape(-1, CHANNELS, runs, padded.shape[2] // WORD, WORD).transpose(0, 2, 3, 1, 4)
    return np.frombuffer(groups.tobytes(), np.uint32)
