"""A float graph with `fake_quantize` nodes to 16-bit floats becomes one whose tensors are of these formats."""
from __future__ import annotations

from dataclasses import replace

from ..errors import TapeoutError, Unsupported
from ..f16 import narrow, sum_format, widen
from ..ir import BF16, F16, F32, Builder, FType, Graph, Node, Type, Value, verify
from ..ops.cast import Cast
from ..ops.clip import Clip
from ..ops.conv2d import Conv2D
from ..ops.dense import Dense
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.fake_quantize import FakeQuantize
from ..ops.fake_threshold import FakeThreshold
from ..ops.max_pool2d import MaxPool2D
from ..ops.pad import Pad
from ..ops.reshape import Reshape
from ..ops.slice import Slice
from ..ops.transpose import Transpose

_LAYERS = (Conv2D, DepthwiseConv2D, Dense)
_MOVING = (Reshape, Transpose, Slice, MaxPool2D, Pad, Clip)  # whose result has their input's format, whatever is behind them


def narrow_floats(graph: Graph) -> Graph:
    """The graph in which a result that is rounded to f16 or bf16 is computed on operands of that format and stored in it.

    Where formats meet there are casts; inputs and outputs stay float32. An op with operands of several formats computes in float32. In
    f32 sums it is the same function as the annotated graph. Values keep their names. A graph without such formats is returned as it is.
    Raises Unsupported that names a node which makes integer codes beside them.
    """
    quantizers = [n for n in graph.nodes if isinstance(n.op, FakeQuantize)]
    if not any(isinstance(n.op, FakeQuantize) and n.op.output in (F16, BF16) for n in quantizers):
        return graph
    for node in graph.nodes:
        codes = isinstance(node.op, FakeThreshold) or (isinstance(node.op, FakeQuantize) and not isinstance(node.op.output, FType))
        if codes:
            raise Unsupported(f"{node.inputs[0]}: integer codes beside 16-bit floats; give all tensors of a network one of both")
    return _Narrowing(graph).run()


class _Narrowing:
    """Builds the graph node by node. `held` is what holds each value of the annotated graph: a value that is computed, or a constant in
    the format to which it is rounded, which the builder has not got before somebody reads it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = Builder(taken=list(graph.values))
        self.held = {v.name: v for v in graph.values.values() if v.constant or v.name in graph.input_names}
        self.made: dict[tuple[str, FType], str] = {}  # constants and casts, by the value of the annotated graph and format
        self.readers = graph.consumers()

    def run(self) -> Graph:
        for name in self.graph.input_names:
            self.builder.input(name, self.graph.values[name].type)
        for node in self.graph.nodes:
            try:
                self._add(node)
            except TapeoutError as error:
                raise type(error)(str(error) if str(error).startswith(f"{node.name}:") else f"{node.name}: {error}") from None
        outputs = tuple(replace(port, value=self._in_format(port.value, F32)) for port in self.graph.outputs)
        return verify(self.graph.replace(self.builder.nodes, self.builder.values, outputs=outputs))

    def _add(self, node: Node) -> None:
        op = node.op
        if isinstance(op, FakeQuantize):
            assert isinstance(op.output, FType)
            x = self.held[node.inputs[0]]
            if x.data is None:
                self.held[node.name] = self.builder.values[self._in_format(node.inputs[0], op.output)]
            else:
                self.held[node.name] = Value(x.name, Type(x.type.shape, op.output), narrow(widen(x.data), op.output))
            return
        format = self._format(node)
        bias = sum_format(format, op.accumulator) if isinstance(op, _LAYERS) else format
        operands = [self._in_format(name, bias if i == 2 else format) if name else "" for i, name in enumerate(node.inputs)]
        self.held[node.name] = self.builder.values[self.builder.add(op, operands, *node.outputs)]

    def _format(self, node: Node) -> FType:
        """What a node computes on."""
        names = node.inputs[:2] if isinstance(node.op, _LAYERS) else node.inputs
        formats = {self.held[name].type.q for name in names if name}
        if len(formats) > 1:
            return F32
        (format,) = formats
        assert isinstance(format, FType)
        behind = self.readers[node.name]
        rounded = behind[0].op.output if len(behind) == 1 and isinstance(behind[0].op, FakeQuantize) else F32
        return format if rounded == format or isinstance(node.op, _MOVING) else F32

    def _in_format(self, name: str, q: FType) -> str:
        """The value that holds a value in a format, which a cast or a rounded constant gives where it is not held so."""
        held = self.held[name]
        if held.data is None and held.type.q == q:
            return held.name
        if (name, q) not in self.made:
            if held.data is None:
                self.made[name, q] = self.builder.add(Cast(q), (held.name,), self.builder.fresh(f"{held.name}_{q.code}"))
            else:
                new = held.name if held.name not in self.builder.values else self.builder.fresh(held.name)
                data = narrow(widen(held.data), q)
                data.setflags(write=False)
                self.builder.values[new] = Value(new, Type(data.shape, q), data)
                self.made[name, q] = new
        return self.made[name, q]
