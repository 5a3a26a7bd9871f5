"""What layers share: weights as whole numbers, biases, the width of the sum, the output stage, and their tables."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tapeout.compiler.accumulate import Stage, blocks, centred_weights
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, FType, Graph, Node
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold

from .factor import factors
from .instance import Fold, Table, is_signed, signed_bits, word

_STAGES = {"raw": 0, "requant": 1, "threshold": 2}  # as output_stage.sv numbers them
_PARAMETER = 31  # bits of a positive `int` of SystemVerilog


@dataclass(frozen=True)
class Layer:
    """`sum(x * weights) + biases` of codes x, as whole numbers: weights (O, K), biases (O), thresholds (O, levels) ascending.

    The zero point of x is in the biases, and the direction of thresholds in the signs of the channel.
    """

    weights: Array
    biases: Array
    low: int  # of x
    high: int
    bipolar: bool
    thresholds: Array | None = None

    def sums(self) -> tuple[int, int]:
        """The least and the greatest sum, from the weights."""
        w = self.weights.astype(object)
        reach = np.where(w > 0, w * self.high, w * self.low).sum(axis=1) + self.biases
        least = np.where(w > 0, w * self.low, w * self.high).sum(axis=1) + self.biases
        return int(least.min()), int(reach.max())

    @property
    def weight_bits(self) -> int:
        return 1 if self.bipolar else max(signed_bits(int(self.weights.min()), int(self.weights.max())), 2)

    @property
    def sum_bits(self) -> int:
        """Of a sum, and of each threshold, those that no sum reaches being the least such."""
        low, high = self.sums()
        return signed_bits(low, high + (self.thresholds is not None))


def read_layer(graph: Graph, node: Node, arrange: Callable[[Array], Array], stage: Stage | None) -> Layer:
    """The layer of a node (x, w, b, and the two of its stage); `arrange` makes its weights (O, K). Raises Unsupported."""
    x, w = graph.types(node)[:2]
    assert x and w
    if not all(graph.values[name].constant for name in node.inputs[1:5] if name):
        raise Unsupported(f"{node.name}: target rtl has no {node.op.name()} whose weights are computed; make them constants")
    if isinstance(x.q, FType) or isinstance(w.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no kernel {node.op.name()} of floats; quantize this layer")
    if len(blocks(w)) > 1 or (len(node.inputs) > 5 and node.inputs[5]):
        raise Unsupported(
            f"{node.name}: target rtl has no {node.op.name()} with scales of blocks or computed zero points; give each channel one scale"
        )
    if x.q.bipolar and not w.q.bipolar:
        raise Unsupported(f"{node.name}: target rtl multiplies bipolar codes by bipolar codes alone, got {x.q.code} by {w.q.code}")
    numbers = arrange(centred_weights(graph.data(node.inputs[1]), w).astype(np.int64))
    biases = np.zeros(len(numbers), object)
    if len(node.inputs) > 2 and node.inputs[2]:
        biases = biases + graph.data(node.inputs[2]).astype(object)
    low, high = (-1, 1) if x.q.bipolar else (x.q.min, x.q.max)
    if not x.q.bipolar:
        biases = biases - x.q.zero[0] * numbers.sum(axis=1).astype(object)
    layer = Layer(numbers, biases, low, high, x.q.bipolar)
    return _ascending(graph, node, layer) if isinstance(stage, Threshold) else layer


def _ascending(graph: Graph, node: Node, layer: Layer) -> Layer:
    """The layer with thresholds that its sums reach from below: x <= t is -x >= -t."""
    t, descending = (graph.data(name).astype(np.int64) for name in node.inputs[3:5])
    sign = np.broadcast_to(np.where(descending != 0, -1, 1), len(layer.weights))
    flipped = replace(layer, weights=layer.weights * sign[:, None], biases=layer.biases * sign)
    low, high = flipped.sums()
    return replace(flipped, thresholds=np.clip(np.broadcast_to(t, (len(sign), t.shape[1])) * sign[:, None], low, high + 1))


def layer_tables(layer: Layer, fold: Fold) -> dict[str, Table]:
    """The tables of matvec.sv: a word of weights for each cycle, one of biases for each fold of the outputs."""
    outputs, inputs = layer.weights.shape
    codes = (layer.weights > 0).astype(np.int64) if layer.bipolar else layer.weights
    words = []
    for first in range(0, outputs, fold.pe):
        for begin in range(0, inputs, fold.simd):
            words.append(word(codes[first : first + fold.pe, begin : begin + fold.simd].reshape(-1).tolist(), layer.weight_bits))
    # matvec.sv counts a pair of bipolar codes as 2 or 0, which are 1 or -1 and one more.
    biases = layer.biases - inputs if layer.bipolar else layer.biases
    width = layer.weight_bits * fold.pe * fold.simd
    return {"WEIGHTS": Table(width, tuple(words)), "BIASES": channel_table(biases, layer.sum_bits, fold.pe)}


LAYER = ("output_stage", "requant", "scale", "round_shift", "threshold", "channel_table")  # modules that all layers are made of


def channel_table(numbers: Array | Sequence[int], bits: int, pe: int) -> Table:
    """A word of `pe` channels for each fold."""
    rows = [int(n) for n in numbers]
    return Table(bits * pe, tuple(word(rows[first : first + pe], bits) for first in range(0, len(rows), pe)))


def stage_params(graph: Graph, node: Node, stage: Stage | None, layer: Layer, pe: int) -> tuple[dict[str, int], dict[str, Table]]:
    """The parameters and tables of output_stage.sv."""
    if stage is None:
        return {"STAGE": _STAGES["raw"]}, {}
    if isinstance(stage, Requant):
        params, tables = requant_params(graph, node, stage, 3, pe)
        return {"STAGE": _STAGES["requant"], **params}, tables
    assert layer.thresholds is not None
    params, tables = threshold_params(stage, layer.thresholds, layer.sum_bits, pe)
    return {"STAGE": _STAGES["threshold"], **params}, tables


def threshold_params(stage: Threshold, thresholds: Array, bits: int, pe: int) -> tuple[dict[str, int], dict[str, Table]]:
    """The parameters and the table of threshold.sv, for ascending thresholds (channels, levels)."""
    rows = [word(row.tolist(), bits) for row in thresholds]
    levels = thresholds.shape[1]
    return {"LEVELS": levels, "LO": stage.lo, "STEP": stage.step}, {"THRESHOLDS": channel_table(rows, levels * bits, pe)}


def requant_params(graph: Graph, node: Node, stage: Requant, first: int, pe: int) -> tuple[dict[str, int], dict[str, Table]]:
    """The parameters and the table of requant.sv; `first` is the node's input that holds the multipliers."""
    if stage.blocks > 1:
        raise Unsupported(f"{node.name}: target rtl has no requant of the sums of blocks; give each channel one scale")
    muls, shifts = ([int(n) for n in graph.data(name).reshape(-1)] for name in node.inputs[first : first + 2])
    scaled = factors(muls, shifts, stage.rounding)
    fields = {**scaled.params(), "ZERO": stage.output.zero[0], "LO": stage.lo, "HI": stage.hi}
    if len(set(scaled.words)) == 1 and abs(scaled.muls[0]) < 1 << _PARAMETER and not any(scaled.extras):
        return {**fields, "MUL": scaled.muls[0]}, {}
    channels = graph.output_types(node)[0].shape[-1]
    words = scaled.words * (channels if len(muls) == 1 else 1)
    return {**fields, "EXTRA_BITS": scaled.extra_bits}, {"MULS": channel_table(words, scaled.mul_bits + scaled.extra_bits, pe)}


def layer_params(graph: Graph, node: Node, layer: Layer, fold: Fold) -> Mapping[str, int]:
    """The parameters that all layers have."""
    x = graph.types(node)[0]
    assert x
    outputs, inputs = layer.weights.shape
    return {
        "INPUTS": inputs, "OUTPUTS": outputs, "SIMD": fold.simd, "PE": fold.pe, "BIPOLAR": int(layer.bipolar),
        "X_BITS": x.quantized.bits, "X_SIGNED": int(is_signed(x)), "W_BITS": layer.weight_bits, "ACC_BITS": layer.sum_bits,
        "Y_BITS": graph.output_types(node)[0].quantized.bits,
    }  # fmt: skip
