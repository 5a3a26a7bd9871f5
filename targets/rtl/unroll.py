"""Layers as modules in which every weight is wired: products by distributed arithmetic, an adder graph in pipeline stages."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold

from ..c.names import identifier
from .adder_graph import EXACT, AdderGraph, Range, adder_graph, digits
from .factor import ROUNDINGS
from .instance import Instance, signed_bits, stream, word
from .layer import read_layer
from .library import runs_in_wires
from .pipeline import Number, Pipeline

STRATEGY = "distributed-arithmetic"
_LEVEL_NS, _REST_NS = 1.8, 6.3  # on an ECP5: one level a stage reached 123 MHz, two 101, in benchmarks/fpga_da.md
_LARGEST = 83640  # 4-input tables of the largest device that synth.py knows
_DIGITS = 25000  # of all weights of a layer; da4ml searches for minutes where there are more

_HEAD = """\
// {node}: {inputs} codes by constant weights to {outputs} codes, a vector each cycle: {sums} adders, {levels} levels of logic at most.
//
// x<k> is an input, v<i> a sum of two numbers before it, s<o> output o with its bias{half}, y<o> its code.
// A name that ends in _<n> is that number in stage n, behind registers, which move together, unless a code waits at the output.
`default_nettype none
module {module} (
    input  wire              clk,
    input  wire              rst,
    input  wire  [{in_high}:0] in_data,
    input  wire              in_last,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [{out_high}:0] out_data,
    output logic             out_last,
    output logic             out_valid,
    input  wire              out_ready
);
  logic step;
  logic [{last_stage}:0] valid, last;
  assign step      = ~out_valid | out_ready;
  assign in_ready  = step;
  assign out_valid = valid[{last_stage}];
  assign out_last  = last[{last_stage}];

  always_ff @(posedge clk)
    if (rst) valid <= '0;
    else if (step) valid <= {valid};

  always_ff @(posedge clk) if (step) last <= {last};

{body}
endmodule
`default_nettype wire
"""


def levels_for(clock_ns: float | None) -> int:
    """Levels of logic between registers for this clock period; one when not told, which is the fastest, and of which yosys makes the fewest
    tables: it joins adders without a register between them to sums of several numbers, which take more."""
    return 1 if clock_ns is None else max(1, int((clock_ns - _REST_NS) / _LEVEL_NS))


def unroll(graph: Graph, levels: int) -> dict[str, Instance]:
    """A module for each node, with a register behind every `levels` levels of logic. Raises Unsupported that names the node which is
    no layer of constant weights, or too large."""
    made: dict[str, Instance] = {}
    names: set[str] = set()
    tables = 0
    for node in graph.nodes:
        if runs_in_wires(node):
            continue
        layer = _Layer.of(graph, node)
        adders = layer.adders()
        tables += adders.bits
        if tables > _LARGEST:
            raise _too_large(node, f"the layers up to it take {tables} 4-input tables at least, the largest device has {_LARGEST}")
        name = base = f"{identifier(node.name)}_unrolled"
        while name.lower() in names:
            name = f"{base}_{len(names)}"
        names.add(name.lower())
        made[node.name] = _Module(layer, adders, Pipeline(levels)).instance(name)
    return made


def _too_large(node: Node, reason: str) -> Unsupported:
    return Unsupported(f"{node.name}: too large to unroll, {reason}; leave out --strategy {STRATEGY} and give --fold")


@dataclass(frozen=True)
class _Layer:
    """Sums of products and what becomes of them: `(sum(x * weights) + biases) / 2**shifts`, rounded, or thresholds.

    Multipliers are in weights and biases; a bipolar x is 2 * bit - 1, of which the bit stands for x.
    """

    graph: Graph
    node: Node
    weights: Array  # (O, K)
    biases: Array  # (O)
    shifts: Array  # (O)
    codes: Range  # of x
    thresholds: Array | None  # (O, levels), ascending

    @property
    def stage(self) -> Requant | Threshold | None:
        op = self.node.op
        assert isinstance(op, Dense | Conv2D)
        return op.requant

    @classmethod
    def of(cls, graph: Graph, node: Node) -> _Layer:
        """Raises Unsupported."""
        op = node.op
        if not isinstance(op, Dense) and not (isinstance(op, Conv2D) and _pointwise(graph, node, op)):
            raise Unsupported(f"{node.name}: --strategy {STRATEGY} unrolls dense layers and pointwise convolutions, not {op.name()} "
                              "otherwise; leave it out")  # fmt: skip
        layer = read_layer(graph, node, lambda w: w.reshape(len(w), -1), op.requant)
        weights, biases, shifts = layer.weights.astype(object), layer.biases, np.zeros(len(layer.weights), object)
        if isinstance(op.requant, Requant):
            muls, shifts = _multipliers(graph, node, op.requant)
            weights, biases = weights * muls[:, None], biases * muls
        if layer.bipolar:
            weights, biases = 2 * weights, biases - weights.sum(axis=1)
        return cls(graph, node, weights, biases, shifts, _codes(graph, node.inputs[0]), layer.thresholds)

    def adders(self) -> AdderGraph:
        """Raises Unsupported for what is too large."""
        if np.abs(self.weights).max() >= EXACT:
            raise Unsupported(f"{self.node.name}: its scales are no powers of two; quantize with --recipe 'fixed<W,I>', or leave out "
                              f"--strategy {STRATEGY}")  # fmt: skip
        weights = self.weights.astype(np.int64)
        if (count := digits(weights)) > _DIGITS:
            raise _too_large(self.node, f"its weights have {count} signed digits other than 0, and {_DIGITS} are searched")
        return adder_graph(weights, [self.codes] * weights.shape[1])


def _pointwise(graph: Graph, node: Node, op: Conv2D) -> bool:
    w = graph.types(node)[1]
    assert w
    return w.shape[1:3] == (1, 1) and op.stride == (1, 1) and not any(op.pads) and op.groups == 1


def _multipliers(graph: Graph, node: Node, stage: Requant) -> tuple[Array, Array]:
    """Of each output the multiplier and the shift, without the powers of two that both have. Raises Unsupported."""
    if stage.rounding is Rounding.TFLITE or stage.blocks > 1:
        raise Unsupported(f"{node.name}: --strategy {STRATEGY} rounds once, not as TensorFlow Lite does; quantize the float model")
    outputs = graph.output_types(node)[0].shape[-1]
    muls, shifts = (np.broadcast_to(graph.data(name).astype(object).reshape(-1), outputs) for name in node.inputs[3:5])
    zeros = [min(int(s), (int(m) & -int(m)).bit_length() - 1) if m else int(s) for m, s in zip(muls, shifts, strict=True)]
    pairs = [(int(m) >> z, int(s) - z) for m, s, z in zip(muls, shifts, zeros, strict=True)]
    return np.array([m for m, _ in pairs], object), np.array([s for _, s in pairs], object)


def _codes(graph: Graph, value: str) -> Range:
    """What a value may hold: of a layer's output, between its bounds."""
    node = graph.producer(value)
    while node and runs_in_wires(node):
        node = graph.producer(node.inputs[0])
    q = graph.values[value].type.quantized
    if q.bipolar:
        return Range(0, 1)
    stage = node.op.requant if node and isinstance(node.op, Dense | Conv2D) else None
    return Range(stage.lo, stage.hi) if isinstance(stage, Requant) else Range(q.min, q.max)


@dataclass
class _Module:
    """Gathers the text of a layer's module."""

    layer: _Layer
    adders: AdderGraph
    pipe: Pipeline
    instances: set[str] = field(default_factory=set)

    def instance(self, name: str) -> Instance:
        graph, node = self.layer.graph, self.layer.node
        x, y = graph.types(node)[0], graph.output_types(node)[0]
        assert x
        outputs, inputs = self.layer.weights.shape
        widths = self.adders.widths([self._biased_range(o).bits for o in range(outputs)])
        head = self._inputs(x.quantized.bits, widths)
        numbers = self._sums(widths)
        ends = [self._output(o, numbers) for o in range(outputs)]
        stages = 1 + max(self.pipe.stage(end) for end in ends)
        bits = y.quantized.bits
        codes = [f"{bits}'({self.pipe.at(end, stages)})" for end in ends]
        body = [*head, "", self.pipe.text(stages), "", "  assign out_data = {", _rows(list(reversed(codes))), "  };"]
        text = _HEAD.format(
            node=node.name, module=name, inputs=inputs, outputs=outputs, sums=len(self.adders.sums), levels=max(e.level for e in ends),
            half=" and, where it is rounded, one half" if isinstance(self.layer.stage, Requant) else "",
            in_high=inputs * x.quantized.bits - 1, out_high=outputs * bits - 1, last_stage=stages - 1,
            valid=_moved("valid", stages), last=_moved("last", stages), body="\n".join(body),
        )  # fmt: skip
        return Instance(
            name, {}, (stream(x, inputs),), stream(y, outputs), x.size // inputs, tuple(sorted(self.instances)), source=text, queued=False
        )

    def _inputs(self, bits: int, widths: Sequence[int]) -> list[str]:
        """Their wires, where they are read; what is not, as unused."""
        lines, unused = [], []
        for k, (codes, wide) in enumerate(zip(self.adders.inputs, widths, strict=False)):
            if wide:
                lines.append(f"  wire {Number(f'x{k}', codes, wide).declared} x{k} = in_data[{k * bits + wide - 1}:{k * bits}];")
            if wide < bits:
                unused.append(f"in_data[{(k + 1) * bits - 1}:{k * bits + wide}]")
        if unused:
            lines += ["  wire unused = |{", _rows(unused), "  };"]
        return lines

    def _sums(self, widths: Sequence[int]) -> list[Number]:
        """All numbers of the graph."""
        numbers = [Number(f"x{k}", codes, max(wide, 1)) for k, (codes, wide) in enumerate(zip(self.adders.inputs, widths, strict=False))]
        for sum in self.adders.sums:
            index, sign = len(numbers), "-" if sum.subtract else "+"
            if not widths[index]:
                numbers.append(Number("", self.adders.ranges[index], 0))
                continue

            def text(made: Number, names: Sequence[str], sign: str = sign, shift: int = sum.shift) -> str:
                # Unsigned: the bits are the same, and yosys joins fewer adders to sums of several numbers, which take more tables.
                first = f"$unsigned({made.bits}'({names[0]}))"
                return f"wire {made.declared} {made.name} = {first} {sign} {_times(made.bits, names[1], shift)};"

            read = [numbers[sum.a], numbers[sum.b]]
            numbers.append(self.pipe.add(f"v{index}", self.adders.ranges[index], widths[index], read, text))
        return numbers

    def _total(self, index: int) -> int:
        """What is added to an output's products: its bias, and one half where it is rounded so that floors round."""
        stage, shift = self.layer.stage, int(self.layer.shifts[index])
        halves = isinstance(stage, Requant) and stage.rounding is not Rounding.FLOOR and shift
        return int(self.layer.biases[index]) + (1 << (shift - 1) if halves else 0)

    def _biased_range(self, index: int) -> Range:
        """Of an output with what is added to it; of its products alone where thresholds count, which take it in."""
        output = self.adders.outputs[index]
        products = Range(0, 0) if output.value is None else self.adders.ranges[output.value]
        low, high = products.low << output.shift, products.high << output.shift
        if isinstance(self.layer.stage, Threshold):
            return Range(low, high)
        total = self._total(index)
        return Range(total - high, total - low) if output.negative else Range(total + low, total + high)

    def _output(self, index: int, numbers: Sequence[Number]) -> Number:
        """What the output port carries: a code, or a whole sum."""
        output, stage = self.adders.outputs[index], self.layer.stage
        number = None if output.value is None else numbers[output.value]
        if isinstance(stage, Threshold):
            return self._counted(index, number, stage)
        biased = self._biased(index, number)
        return self._rounded(index, biased, stage) if stage else biased

    def _biased(self, index: int, number: Number | None) -> Number:
        output, total, range = self.adders.outputs[index], self._total(index), self._biased_range(index)
        if number and not total and not output.negative and not output.shift:
            return number
        sign = "-" if output.negative else "+"

        def text(made: Number, names: Sequence[str]) -> str:
            terms = [_constant(made.bits, total), *(f"{sign} {_times(made.bits, name, output.shift)}" for name in names)]
            return f"wire {made.declared} {made.name} = {' '.join(terms)};"

        return self.pipe.add(f"s{index}", range, range.bits, [number] if number else [], text)

    def _rounded(self, index: int, biased: Number, stage: Requant) -> Number:
        zero, bits, shift = stage.output.zero[0], stage.output.bits, int(self.layer.shifts[index])
        low, high = (end >> shift for end in (biased.range.low, biased.range.high))
        low -= stage.rounding is Rounding.HALF_AWAY  # a tie below 0
        params = {
            "WIDTH": biased.bits, "SIGNED": int(biased.range.signed), "SHIFT": shift, "ROUNDING": ROUNDINGS[stage.rounding],
            "LOW": stage.lo - zero, "HIGH": stage.hi - zero, "CLIP_LOW": int(low < stage.lo - zero),
            "CLIP_HIGH": int(high > stage.hi - zero), "ZERO": zero, "BITS": bits,
        }  # fmt: skip
        return self._code("round_clip", "sum", index, biased, {k: str(v) for k, v in params.items()}, bits)

    def _counted(self, index: int, number: Number | None, stage: Threshold) -> Number:
        """Thresholds of the number itself: sum >= t is number * 2**shift >= t - bias, or, negated, <= bias - t."""
        assert self.layer.thresholds is not None
        output, bits = self.adders.outputs[index], stage.output.bits
        moved = [int(t) - self._total(index) for t in self.layer.thresholds[index]]
        if number is None:
            code = (stage.lo + stage.step * sum(t <= 0 for t in moved)) % (1 << bits)
            text = f"= {_constant(bits, code)};"
            return self.pipe.add(f"y{index}", _codes_of(bits), bits, [], lambda m, _: f"wire {m.declared} {m.name} {text}")
        levels = [-t >> output.shift if output.negative else -(-t >> output.shift) for t in moved]
        wide = signed_bits(min(*levels, 0), max(*levels, 0))
        params = {
            "WIDTH": number.bits, "SIGNED": int(number.range.signed), "FALLING": int(output.negative), "T_BITS": wide,
            "LEVELS": len(levels), "LO": stage.lo, "STEP": stage.step, "BITS": bits,
        }  # fmt: skip
        given = {k: str(v) for k, v in params.items()} | {"THRESHOLDS": f"{len(levels) * wide}'h{word(levels, wide):x}"}
        return self._code("count_reached", "x", index, number, given, bits)

    def _code(self, module: str, port: str, index: int, read: Number, params: dict[str, str], bits: int) -> Number:
        """The code y<index> that an instance of one of our modules makes."""
        self.instances.add(module)
        given = ", ".join(f".{k}({v})" for k, v in params.items())

        def text(made: Number, names: Sequence[str]) -> str:
            return f"wire {made.declared} {made.name}; {module} #({given}) code_{index} (.{port}({names[0]}), .code({made.name}));"

        return self.pipe.add(f"y{index}", _codes_of(bits), bits, [read], text)


def _codes_of(bits: int) -> Range:
    return Range(0, (1 << bits) - 1)


def _times(wide: int, name: str, shift: int) -> str:
    return f"({wide}'({name}) << {shift})" if shift else f"{wide}'({name})"


def _constant(wide: int, value: int) -> str:
    """In as many bits as the sum that it is in."""
    return f"{'-' if value < 0 else ''}{wide}'d{abs(value) % (1 << wide)}"


def _moved(name: str, stages: int) -> str:
    return f"{{{name}[{stages - 2}:0], in_{name}}}" if stages > 1 else f"in_{name}"


def _rows(items: Sequence[str]) -> str:
    return ",\n".join("    " + ", ".join(items[first : first + 8]) for first in range(0, len(items), 8))
