"""What the int8 layers on vectors share: when they run one, its constants output channels last, and what they cost. Twin of layer_zve.h."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.requant import Requant

from ....high_word import HighWord, high_word

TOGETHER = 3  # rows or pixels
BITS = 128  # of a vector of the core that costs are those of; kernels take any length
REGISTERS = 8  # of a vector of sums


@dataclass(frozen=True)
class Layer:
    """A layer of int8 codes: its weights (outputs, inputs) as int64, its bias (outputs,) as int64, and its requantization."""

    weights: Array
    bias: Array
    x_zero: int
    form: HighWord
    requant: Requant

    @property
    def params(self) -> dict[str, Param]:
        """The kernel's member `codes`. TensorFlow Lite's rounding differs from half up where sums are negative, whose codes a clip at the
        zero point makes one."""
        r = self.requant
        signs = self.form.doubled and r.lo < r.output.zero[0]
        return {"codes.doubled": int(self.form.doubled), "codes.signs": int(signs), "codes.lo": r.lo, "codes.hi": r.hi}

    def tables(self, raw: bool) -> tuple[tuple[str, Array], ...]:
        """What sums begin at, multipliers and addends as one array (3, outputs); and shifts. Sums are of `raw` codes, or of codes less the
        zero point."""
        start = self.bias - (self.x_zero * self.weights.sum(axis=1) if raw else 0)
        table = np.stack([start.astype(np.int32), self.form.mul, self.form.add])  # modulo 2^32, as are the sums on their way
        return ("table", table), ("shift", self.form.shift.astype(np.uint16))

    @property
    def finish_cost(self) -> int:
        """Instructions that make codes of a vector of sums."""
        return 19 + 2 * int(self.params["codes.signs"] == 1) + (self.requant.lo > -128) + (self.requant.hi < 127)


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
    codes = np.moveaxis(w.data.astype(np.int64), channel_axis, 0).reshape(w.data.shape[channel_axis], -1)
    form = high_word(graph, node, requant, len(codes))
    if isinstance(form, str):
        return form
    bias = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(codes), np.int64)
    return Layer(codes, bias, x.type.quantized.zero[0], form, requant)


def refusal(graph: Graph, node: Node, channel_axis: int = 0) -> str | None:
    """Why there is no `layer`."""
    found = layer(graph, node, channel_axis)
    return found if isinstance(found, str) else None


def vectors(channels: int, bits: int = 32, registers: int = REGISTERS) -> int:
    """How many vectors of numbers of `bits` bits hold so many channels."""
    return -(-channels // (BITS // bits * registers))
