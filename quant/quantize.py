"""Quantization after training: a float Graph and calibration samples become an integer Graph."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Builder, Graph, Op, Port, QType, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dequantize import Dequantize
from tapeout.compiler.ops.quantize import Quantize
from tapeout.compiler.ops.requant import Requant, scaling
from tapeout.compiler.passes.fold_batch_norm import fold_batch_norm
from tapeout.compiler.run import check_inputs

from .calibrate import calibrate
from .formats import Formats
from .options import Io, QuantizeOptions
from .rules import RULES, check
from .scheme import ROUNDING, Range, activation_type, bounds, codes


def quantize(graph: Graph, samples: Mapping[str, Array], options: QuantizeOptions) -> Graph:
    """The integer graph of a float32 graph, calibrated with samples (N, *shape) in float32 by value name.

    Batch normalization is folded first, and pads and clips joined with the nodes beside them. Values keep their names and
    hold int8 codes. With float io a node `quantize` follows each input and a node `dequantize` gives each output; with
    int8 io the ports' values hold codes, and a port's dtype stays the source's. Convolutions, dense layers and products
    give 32-bit sums, followed by a `requant`.

    Raises TapeoutError for samples that do not fit and for a graph that is not float32 throughout, and Unsupported, which
    names the node, for an op that has no integer form: nothing stays float silently.
    """
    for value in graph.values.values():
        if value.type.q != F32:
            raise TapeoutError(f"{value.name}: holds {value.type.q.code}; only a float32 model can be quantized after training")
    check_inputs(graph, samples)
    simple = fold_batch_norm(simplify(graph))
    check(simple)
    relaid = {new.value: new.from_source(old.to_source(samples[old.value])) for old, new in zip(graph.inputs, simple.inputs, strict=True)}
    return Quantizer(simple, Formats(simple, calibrate(simple, relaid, options), options.symmetric), options).quantize()


class Quantizer:
    """Makes the integer graph node by node, by the rules of `rules.py`, which use what is public here."""

    def __init__(self, graph: Graph, formats: Formats, options: QuantizeOptions) -> None:
        self.graph, self.formats, self.options = graph, formats, options
        self.builder = Builder(taken=[v.name for v in graph.values.values() if not v.constant])
        self._codes: dict[str, str] = {}  # of a float value, the value of the integer graph that holds its codes

    def quantize(self) -> Graph:
        inputs = tuple(self._input(port) for port in self.graph.inputs)
        for node in self.graph.nodes:
            RULES[type(node.op)](self, node)
        outputs = tuple(self._output(port) for port in self.graph.outputs)
        return verify(Graph(self.graph.name, inputs, outputs, tuple(self.builder.nodes), self.builder.values))

    def operand(self, name: str) -> str:
        """The value that holds the codes of a float value; a constant is quantized over its own range."""
        if name not in self._codes:
            data = self.graph.values[name].data
            assert data is not None, f"{name} is read before it is computed"
            q = activation_type(Range.around(float(data.min(initial=0)), float(data.max(initial=0))), self.options.symmetric)
            self._codes[name] = self.builder.constant(name, codes(data, q), q)
        return self._codes[name]

    def format(self, name: str) -> QType:
        """The format of a value of the integer graph."""
        return self.builder.values[name].type.quantized

    def add(self, op: Op, inputs: Sequence[str], result: str) -> None:
        """Adds a node that computes the codes of the float value `result`."""
        dequantized = self.options.io is Io.FLOAT and result in self.graph.output_names
        self._codes[result] = self.builder.add(op, inputs, self.builder.fresh(f"{result}_q") if dequantized else result)

    def requant(self, value: str, result: str, clip: Clip | None) -> None:
        """Adds a node that brings `value`, of the integer graph, to the format of the float value `result`, clipped."""
        q = self.formats[result]
        mul, shift = scaling(self.builder, result, [scale / q.scale[0] for scale in self.format(value).scale])
        self.add(Requant(q, ROUNDING, *bounds(clip, q)), (value, mul, shift), result)

    def rescaled(self, value: str, q: QType) -> str:
        """`value`, of the integer graph, in format `q`: itself when it has it, else what a new requant node gives."""
        if self.format(value) == q:
            return value
        name = self.builder.fresh(f"{value}_rescaled")
        mul, shift = scaling(self.builder, name, [self.format(value).scale[0] / q.scale[0]])
        return self.builder.add(Requant(q, ROUNDING, q.min, q.max), (value, mul, shift), name)

    def _input(self, port: Port) -> Port:
        name = port.value
        type, q = self.graph.values[name].type, self.formats[name]
        if self.options.io is Io.INT8:
            self._codes[name] = self.builder.input(name, replace(type, q=q))
        else:
            self.builder.input(name, type)
            self._codes[name] = self.builder.add(Quantize(q, Rounding.HALF_AWAY), (name,), self.builder.fresh(f"{name}_q"))
        return port

    def _output(self, port: Port) -> Port:
        if self.options.io is Io.INT8:
            return replace(port, value=self.operand(port.value))
        if port.value not in self.builder.values:
            self.builder.add(Dequantize(), (self.operand(port.value),), port.value)
        return port
