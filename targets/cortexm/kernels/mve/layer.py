"""What the Helium kernels of layers share: when they run one, and how its constants lie in the stream that they read.

A stream holds everything that the kernel reads of a layer in the order in which it is read: for some output channels the weights, 16 codes
of one channel after 16 of the next, then {bias, mul, add, -shift} of four channels at a time. Padded weights are 0, so that
whatever lies beside a window adds nothing. The twin is helium.h.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant

from ....high_word import HighWord, high_word
from ...packed_layer import NIBBLE, not_plain

LANES = 16  # bytes of a vector


class Held(Enum):
    """How activations and weights are held, the kernels' `kind`: bytes both, weights in nibbles, two channels' in a byte, or activations
    in 16 bits."""

    BYTES = 0
    NIBBLES = 1
    HALVES = 2

    @property
    def lanes(self) -> int:
        """Activations of a vector."""
        return LANES // self.width

    @property
    def width(self) -> int:
        """Bytes of an activation."""
        return 2 if self is Held.HALVES else 1

    @property
    def power(self) -> int:
        """Of two, that weights are multiplied by: nibbles stay in the upper half of a byte."""
        return 4 if self is Held.NIBBLES else 0

    def refusal(self, graph: Graph, node: Node) -> str | None:
        """Why a layer is not held so."""
        match self:
            case Held.BYTES:
                return None
            case Held.NIBBLES:
                return not_plain(graph, node, "s8", NIBBLE)
            case Held.HALVES:
                x = graph.types(node)[0]
                assert x
                return not_plain(graph, node, "s16", 8) or ("activations with a zero point" if x.quantized.zero[0] else None)


@dataclass(frozen=True)
class Layer:
    """A layer of int8 codes whose sums are of raw codes: `bias` (O,) holds what the zero point of the input takes from them.

    `weights` are those of the node, whatever their shape.
    """

    weights: Array
    bias: Array
    form: HighWord
    requant: Requant

    @property
    def params(self) -> dict[str, Param]:
        """The kernel's fields for the codes of sums. TensorFlow Lite's rounding differs from half up where sums are negative, whose codes
        a clip at the zero point makes one."""
        r = self.requant
        signed = self.form.doubled and r.lo < r.output.zero[0]
        return {"codes.doubled": int(self.form.doubled), "codes.signs": int(signed), "codes.lo": r.lo, "codes.hi": r.hi}

    def tables(self, channels: int) -> Array:
        """(channels, 4) int32: bias, mul, add and -shift of each channel, and of some that do not exist."""
        form = self.form
        table = np.stack([self.bias, form.mul, form.add, -form.shift], axis=-1).astype(np.int32)
        return np.concatenate([table, np.zeros((channels - len(table), 4), np.int32)])

    @property
    def finish_cost(self) -> int:
        """Instructions that make codes of eight sums, loads of two tables and the store included."""
        clips = 2 * (self.requant.lo > -128) + 2 * (self.requant.hi < 127)
        return 16 + 4 * (self.params["codes.signs"] == 1) + 4 + clips


def layer(graph: Graph, node: Node, channel_axis: int, power: int = 0) -> Layer | str:
    """The layer that a node is, or why these kernels do not run it. Weights count `2^power` times as much in the kernel's sums."""
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
    form = high_word(graph, node, requant, len(codes), power)
    if isinstance(form, str):
        return form
    bias = graph.values[node.inputs[2]].data if node.inputs[2] else None
    start = (0 if bias is None else bias.astype(np.int64)) - x.type.quantized.zero[0] * codes.reshape(len(codes), -1).sum(axis=1)
    return Layer(w.data, (start << power).astype(np.int32), form, requant)  # modulo 2^32, as are the sums on their way


def blocks(count: int) -> int:
    """Vectors that hold this many bytes."""
    return -(-count // LANES)


def padded(weights: Array, rows: int, columns: int) -> Array:
    """A matrix with rows and columns of 0 at its ends."""
    return np.pad(weights, ((0, rows - weights.shape[0]), (0, columns - weights.shape[1])))


def stream(weights: Array, tables: Array, together: int, masks: Array | None = None, held: Held = Held.BYTES) -> Array:
    """The words of a stream; weights (O, K) int8, tables (O, 4), O a multiple of `together`, the output channels of a step.

    `masks` (O / together,) are words that follow each step.
    """
    steps, count = len(weights) // together, weights.shape[1] // held.lanes
    codes = weights.reshape(steps, together, count, held.lanes).transpose(0, 2, 1, 3)
    if held is Held.NIBBLES:
        codes = (codes[:, :, 0::2] & 15) | (codes[:, :, 1::2] << 4)
    words = np.ascontiguousarray(codes).reshape(steps, -1).view("<i4")
    four = tables.reshape(steps, together // 4, 4, 4).transpose(0, 1, 3, 2).reshape(steps, -1)
    parts = [words, four] if masks is None else [words, four, masks.reshape(-1, 1)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1).astype(np.int32))
