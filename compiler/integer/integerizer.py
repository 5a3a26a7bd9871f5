"""Walks an annotated graph and builds the integer one, node by node, by the rules beside this file."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..codes import encode
from ..errors import TapeoutError, Unsupported
from ..fixed import Rounding
from ..ir import Array, Builder, Graph, Node, Port, QType, verify
from ..ops.clip import Clip
from ..ops.dequantize import Dequantize
from ..ops.fake_quantize import FakeQuantize
from ..ops.fake_threshold import FakeThreshold
from ..ops.pad import Pad
from ..ops.requant import Requant, scaling
from ..ops.reshape import Reshape
from ..ops.slice import Slice
from ..ops.transpose import Transpose
from .chain import Step, step

if TYPE_CHECKING:
    from .dynamic import DynamicCodes

_MOVING = (Reshape, Transpose, Slice, Pad)  # floats on their way from an input to its quantizer: nothing is computed


def held(q: QType) -> QType:
    """The format in which codes of `q` are kept: the same reals, but signed where unsigned codes would need a wider type."""
    if q.signed or q.bipolar or q.dtype.kind == "i":
        return q
    half = 1 << (q.bits - 1)
    return replace(q, signed=True, zero=tuple(z - half for z in q.zero))


class Integerizer:
    """The integer graph under construction. A value of the annotated graph is codes, or still a float, or nothing yet: what stands
    between codes and the next `fake_quantize` is built when that is met."""

    def __init__(self, graph: Graph, strict: bool) -> None:
        self.graph, self.strict = graph, strict
        self.producers = {name: node for node in graph.nodes for name in node.outputs}
        self.readers = graph.consumers()
        self.builder = Builder(taken=[v.name for v in graph.values.values() if not v.constant])
        self.codes: dict[str, str] = {}  # of a float value, the value of the integer graph with its codes
        self.dynamic: dict[str, DynamicCodes] = {}  # likewise, where each sample has a scale of its own

    def run(self) -> Graph:
        from .dynamic import picked
        from .rules import MOVES

        inputs = tuple(self._input(port) for port in self.graph.inputs)
        for node in self.graph.nodes:
            try:
                if isinstance(node.op, FakeQuantize):
                    self._fake_quantize(node)
                elif isinstance(node.op, FakeThreshold):
                    self._fake_threshold(node, node.op)
                elif isinstance(node.op, Dequantize) and node.inputs[0] in self.graph.input_names:
                    self.codes[node.name] = node.inputs[0]
                elif type(node.op) in MOVES and self._holds_codes(node):
                    if not isinstance(node.op, Reshape):
                        self._hold(node.inputs)
                    MOVES[type(node.op)](self, node)
                elif moved := picked(self, node):
                    self.dynamic[node.name] = moved
            except TapeoutError as error:
                text, named = str(error), str(error).partition(": ")[0] in self.graph.values
                raise type(error)(text if named else f"{node.name}: {text}") from None
        outputs = tuple(self._output(port) for port in self.graph.outputs)
        return verify(Graph(self.graph.name, inputs, outputs, tuple(self.builder.nodes), self.builder.values))

    # what rules use

    def constant(self, name: str) -> Array | None:
        """The float32 data of a constant, quantized or not; None for a computed value."""
        value, node = self.graph.values[name], self.producers.get(name)
        if node is not None and isinstance(node.op, FakeQuantize) and self.graph.values[node.inputs[0]].constant:
            data = self.graph.values[node.inputs[0]].data
            assert data is not None
            return node.op.ref(self.graph.types(node), data)[0]
        return value.data

    def quantizer(self, name: str) -> FakeQuantize | None:
        """The `fake_quantize` that computes a value, if one does."""
        node = self.producers.get(name)
        return node.op if node is not None and isinstance(node.op, FakeQuantize) else None

    def constant_codes(self, name: str) -> tuple[Array, QType]:
        """The codes of a quantized constant, and their format. Raises Unsupported when the constant has none."""
        node, op = self.producers.get(name), self.quantizer(name)
        data = self.graph.values[node.inputs[0]].data if node else None
        if op is None or data is None or not isinstance(op.output, QType):
            raise Unsupported(f"the constant {name} has no quantizer; a recipe, or the exporter, must give it integer codes")
        q = held(op.output)
        codes = encode(data, op.output, op.rounding).astype(np.int64) + (np.asarray(q.zero[0]) - op.output.zero[0])
        return codes.astype(q.dtype), q

    def source(self, name: str) -> str:
        """The name of a constant before its quantizer."""
        return self.producers[name].inputs[0] if name in self.producers else name

    def operand(self, name: str, node: str) -> str:
        """The value that holds the codes of an operand. Raises Unsupported that names the node, and what it reads, when there are none."""
        if name not in self.codes:
            if self.constant(name) is None:
                if self.computes_in_float(name):
                    raise Unsupported(
                        f"{node}: reads {name}, whose scale follows from each sample, together with codes whose scale is fixed; the recipe "
                        "must make both dynamic, or both static"
                    )
                what = self.producers[name].op.name() if name in self.producers else "the graph's input"
                raise Unsupported(
                    f"{node}: reads {name}, which {what} leaves in float: no quantizer is behind it; quantize it too, "
                    "or compile with --no-strict, which keeps such nodes in float32"
                )
            codes, q = self.constant_codes(name)
            self.codes[name] = self.builder.constant(self.source(name), codes, q)
        self._hold((name,))
        return self.codes[name]

    def _hold(self, names: Sequence[str]) -> None:
        """Makes codes in which an input is fed those that layers take, by a requant: bytes without sign become bytes with one."""
        for name in names:
            if name in self.codes and (q := self.format(self.codes[name])) != held(q):
                self.codes[name] = self.rescaled(self.codes[name], held(q), Rounding.HALF_UP)

    def format(self, value: str) -> QType:
        """The format of a value of the integer graph."""
        return self.builder.values[value].type.quantized

    def fresh(self, name: str) -> str:
        return self.builder.fresh(name)

    def result(self, name: str) -> str:
        """What the codes of a float value are called in the integer graph."""
        dequantized = any(self._real(port.value) == name for port in self.graph.outputs)
        return self.fresh(f"{name}_q") if dequantized or name in self.builder.values else name

    def rescaled(self, value: str, q: QType, rounding: Rounding, name: str = "") -> str:
        """`value`, of the integer graph, in format `q`: itself when it has it, else what a requant node gives."""
        x = self.format(value)
        if x == q:
            return value
        name = name or self.fresh(f"{value}_rescaled")
        mul, shift = scaling(self.builder, name, [x.scale[0] / q.scale[0]])
        return self.builder.add(Requant(q, rounding, q.min, q.max), (value, mul, shift), name)

    def computes_in_float(self, name: str) -> bool:
        """Whether a value follows from dynamic codes, so that the recipe itself has floats here."""
        if name in self.dynamic:
            return True
        node = self.producers.get(name)
        return node is not None and name not in self.codes and any(self.computes_in_float(i) for i in node.inputs if i)

    def float_value(self, name: str) -> str:
        """The value of the integer graph that holds a value in float32, computed by float nodes where it has to be."""
        from .dynamic import dynamic_sums, floats
        from .layers import float_sums, is_layer

        if name in self.builder.values and name not in self.codes.values():
            return name
        constant = self.constant(name)
        if constant is not None:
            return self.builder.constant(self.source(name), constant)
        if name in self.codes:
            self._hold((name,))
            target = name if name not in self.builder.values else self.fresh(f"{name}_real")
            return self.builder.add(Dequantize(), (self.codes[name],), target)
        if name in self.dynamic:
            return floats(self, self.dynamic[name], name)
        node = self.producers[name]
        if isinstance(node.op, FakeQuantize):
            raise Unsupported(f"{node.name}: {node.inputs[0]} cannot be quantized")
        if is_layer(node) and self.quantizer(node.inputs[1]) is not None:
            if node.inputs[0] in self.codes:
                return float_sums(self, node)
            if node.inputs[0] in self.dynamic:
                return dynamic_sums(self, node)
        known = isinstance(node.op, _MOVING) or step(self.graph, node, self.constant) is not None
        if self.strict and not known and (is_layer(node) or not self.computes_in_float(name)):
            raise Unsupported(
                f"{node.name}: {node.op.name()} would stay in float: nothing quantizes its result; quantize it, or compile with "
                "--no-strict, which keeps it in float32"
            )
        return self.builder.add(node.op, [self.float_value(i) if i else "" for i in node.inputs], *node.outputs)

    def computed(self, name: str) -> bool:
        """Whether a value depends on codes, so that float arithmetic on its way would be silent."""
        node = self.producers.get(name)
        return node is not None and any(i in self.codes or self.computed(i) for i in node.inputs if i)

    def chain(self, name: str) -> tuple[str, list[Step]]:
        """The value from which a value follows by single elements, and the steps on the way."""
        steps: list[Step] = []
        while name not in self.codes and name in self.producers:
            link = step(self.graph, self.producers[name], self.constant)
            if link is None or self._of_codes(link):
                break
            steps.insert(0, link)
            name = link.x
        return name, steps

    # the walk

    def _input(self, port: Port) -> Port:
        self.builder.input(port.value, self.graph.values[port.value].type)
        return port

    def _output(self, port: Port) -> Port:
        name = self._real(port.value)
        if port.value in self.codes:
            if name not in self.builder.values:
                self.builder.add(Dequantize(), (self.codes[port.value],), name)
            return replace(port, value=name)
        return replace(port, value=self.float_tail(port.value))

    def float_tail(self, name: str) -> str:
        """An output that no quantizer stands before: the last sums as floats, and what scales them."""
        from .layers import exact_sums, float_sums, is_layer

        core, steps = self.chain(name)
        last, node = self.producers.get(core), self.producers[name]
        if steps and last and is_layer(last) and last.inputs[0] in self.codes and (exact := exact_sums(self, last, steps, name)):
            return exact
        if is_layer(node) and node.inputs[0] in self.codes:
            return float_sums(self, node)
        return self.float_value(name)

    def _holds_codes(self, node: Node) -> bool:
        """Whether all operands are codes, or constants that can be, and not all of them constants."""
        computed = [i for i in node.inputs if i in self.codes and self.constant(i) is None]
        return bool(computed) and all(i in self.codes or (self.constant(i) is not None and self.quantizer(i)) for i in node.inputs)

    def _real(self, name: str) -> str:
        """What the reals of an output are called: its own name, or that of the computed value before its quantizer."""
        return self.source(name) if self.quantizer(name) and self.source(name) in self.producers else name

    def _fake_quantize(self, node: Node) -> None:
        from .dynamic import quantized_dynamically
        from .rules import quantized

        x, op = node.inputs[0], node.op
        assert isinstance(op, FakeQuantize)
        if self.graph.values[x].constant:
            return  # read with its reader
        if not isinstance(op.output, QType):
            raise Unsupported(f"{x}: {op.output.code} tensors have no integer form")
        if op.dynamic:
            self.dynamic[node.name] = quantized_dynamically(self, node, op)
            return
        core, steps = self.chain(x)
        self.codes[node.name] = quantized(self, node, op, core, steps)

    def _fake_threshold(self, node: Node, op: FakeThreshold) -> None:
        from .counts import thresholded
        from .rules import packable

        core, steps = self.chain(node.inputs[0])
        packed = op.output.bipolar and packable(self, node.name)
        self.codes[node.name] = thresholded(self, node, op, core, steps, packed)

    def _of_codes(self, link: Step) -> bool:
        """Whether an op has codes and a quantized constant as operands, which are added or multiplied as codes."""
        others = [i for i in link.node.inputs if i != link.x]
        return link.x in self.codes and any(self.quantizer(i) is not None for i in others)


def bounds(clip: Sequence[Step] | None, q: QType, rounding: Rounding) -> tuple[int, int]:
    """The least and the greatest code behind clips. Raises Unsupported for any other step."""
    lo, hi = q.min, q.max
    for link in clip or ():
        if not isinstance(link.node.op, Clip):
            raise Unsupported(f"{link.node.name}: {link.node.op.name()} stands before a quantizer; quantize its input too")
        low, high = clip_codes(link.node.op, q, rounding)
        lo, hi = min(max(lo, low), high), max(min(hi, high), low)
    return lo, hi


def clip_codes(clip: Clip, q: QType, rounding: Rounding) -> tuple[int, int]:
    """The bounds of a clip in reals as codes."""
    low, high = encode(np.array([clip.lo, clip.hi]), q, rounding)
    return int(low), int(high)
