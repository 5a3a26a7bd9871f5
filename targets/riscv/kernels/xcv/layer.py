"""What the kernels of layers share: when they run one, how sums become codes, and how weights lie. The twins are channels.h and codes.h.

Codes are those of a line (targets/split_slope.py), made by instructions of one cycle, where they begin on one. Where they do not, or sums
may leave 32 bits on the way, a code is `(((sum << left) * mul >> 32) + add (+ 2 * sign of the sum)) >> shift`, clipped: one MULH, of five
cycles, where targets/high_word.py rounds a product, as `floor(y + 1/2) = (floor(2 * y) + 1) >> 1`. So TensorFlow Lite's doubling high
multiply is one of sums that are shifted by 2, and what is added to it counts double.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Int
from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums

from ....high_word import high_word
from ....split_slope import SplitSlope, reach, split_slope

CHANNELS, WINDOWS, WORD = 4, 4, 4  # channels and windows that are summed together, codes of a word
# Cycles of the RTL, of four channels of one, two or four windows: of a word, and to begin and to make codes. What surrounds a loop.
_WORD, _CODES, _RUN = (9, 14, 24), (56, 80, 140), 6


@dataclass(frozen=True)
class Layer:
    """A layer whose sums are of raw codes: the bias holds what the zero point of the input takes from them.

    `weights` are those of the node, `table` (O, 4, 5 or 7) int32 what each channel's sums begin at and the numbers of codes.h.
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
        numbers = self.table.shape[1]
        return {"codes.numbers": numbers, "codes.left": self.left, "codes.signs": signs, "codes.lo": r.lo, "codes.hi": r.hi}


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

    def cost(self, rows: int, windows: int, outputs: int) -> int:
        """Cycles of so many rows of windows, by all channels."""
        words, loops = self.words + (self.rest >= 0), 1 + (self.rest >= 0)
        together = [self.runs * (words * word + loops * _RUN) + codes for word, codes in zip(_WORD, _CODES, strict=True)]
        of_one, of_two, of_four = together
        row = windows // WINDOWS * of_four + windows % WINDOWS // 2 * of_two + windows % 2 * of_one
        return -(-outputs // CHANNELS) * rows * row


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
    weights = codes.reshape(len(codes), -1)
    bias = graph.values[node.inputs[2]].data if node.inputs[2] else None
    start = (0 if bias is None else bias.astype(np.int64)) - x.type.quantized.zero[0] * weights.sum(axis=1)
    table = _slopes(graph, node, requant, weights, start)
    if table is not None:
        return Layer(w.data, table, 0, requant)
    form = _high_words(graph, node, requant, start)
    return form if isinstance(form, str) else Layer(w.data, *form, requant)


def _slopes(graph: Graph, node: Node, requant: Requant, weights: Int, start: Int) -> Array | None:
    """The table of a line, if codes begin on one and no sum leaves 32 bits, whatever its products so far."""
    low, high = reach(weights)
    mul, shift = (np.broadcast_to(graph.data(name), (len(weights),)) for name in node.inputs[3:5])
    found = split_slope(requant, mul, shift, start + low, start + high)
    if not isinstance(found, SplitSlope):
        return None
    first = start - found.least
    if max(int((first + high).max()), -int((first + low).min())) > INT32_MAX:
        return None
    bent = [found.bend, found.below - found.add] if found.bent else []
    return np.stack([first, found.most, found.whole, found.fraction, found.add, *bent], axis=-1).astype(np.uint32).view(np.int32)


def _high_words(graph: Graph, node: Node, requant: Requant, start: Int) -> tuple[Array, int] | str:
    """The table of high words, and by how much sums are shifted before they are multiplied; or why there is none."""
    form = high_word(graph, node, requant, len(start))
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
    return np.stack([start.astype(np.int32), *(a.astype(np.int32) for a in table)], axis=-1), left


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
