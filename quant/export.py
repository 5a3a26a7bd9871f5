"""Writes a Graph as ONNX: an annotated one with quantizers as QONNX (Quant, BipolarQuant) or QDQ (QuantizeLinear, DequantizeLinear), a
float one plainly. Inputs and outputs keep the names and the layout of the source model; images are NCHW inside.

QONNX: https://qonnx.readthedocs.io. What rounds otherwise than half to even, as both formats do, says so in the node's doc_string, which
the reader here heeds and others do not: there such codes differ on exact ties.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tapeout.compiler.codes import encode, spread
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, FType, Graph, Node, Port, QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.fake_quantize import FakeQuantize

from .export_ops import WRITERS

_DOMAIN = "qonnx.custom_op.general"
_IR_VERSION = 10  # the newest that onnxruntime 1.31 reads
Axes = tuple[int, ...]
Quantizer = Callable[["Writer", str, str, FakeQuantize, tuple[int, ...], str], None]


def channels_first(rank: int) -> Axes:
    """The order of a value's axes in the file: NHWC as NCHW, all else as it is."""
    return (0, 3, 1, 2) if rank == 4 else tuple(range(rank))


def write_qonnx(graph: Graph, path: Path) -> list[str]:
    """Writes an annotated graph as QONNX; returns what the file cannot hold. Raises Unsupported, which names the value or node."""
    return _write(graph, path, _quant, 13, True)


def write_qdq(graph: Graph, path: Path) -> list[str]:
    """Writes an annotated graph as QDQ ONNX, codes of few bits clipped; returns what the file cannot hold. Raises Unsupported."""
    wide = any(isinstance(n.op, FakeQuantize) and isinstance(n.op.output, QType) and 8 < n.op.output.bits <= 16 for n in graph.nodes)
    return _write(graph, path, _linear_pair, 21 if wide else 13, False)


def write_float(graph: Graph, path: Path) -> None:
    """Writes a float graph as ONNX. Raises Unsupported, which names the node."""
    _write(graph, path, _quant, 13, False)


def _write(graph: Graph, path: Path, quantizer: Quantizer, opset: int, foreign: bool) -> list[str]:
    writer = Writer(graph, quantizer)
    model = writer.model(opset, foreign)
    if not foreign:
        onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return writer.notes


@dataclass
class Writer:
    """Collects the nodes of the file. A value is found there under a name, with its axes in some order."""

    graph: Graph
    quantizer: Quantizer
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, Array] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of the float tensors between nodes
    held: dict[str, dict[Axes, str]] = field(default_factory=dict)  # of a value, its names by the order of its axes

    def model(self, opset: int, foreign: bool) -> onnx.ModelProto:
        self.producers = {n.name: n for n in self.graph.nodes}
        inputs = [self._input(port) for port in self.graph.inputs]
        for node in self.graph.nodes:
            if not self._of_constant(node):
                self._node(node)
        outputs = [self._output(port) for port in self.graph.outputs]
        tensors = [numpy_helper.from_array(array, name) for name, array in self.initializers.items()]
        known = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in self.shapes.items()]
        infos = [info for info in known if info.name not in self._ports()]
        body = helper.make_graph(self.nodes, self.graph.name, inputs, outputs, tensors, value_info=infos)
        opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(_DOMAIN, 1)] if foreign else [])]
        return helper.make_model(body, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="tapeout")

    # what the writers of ops use

    def emit(self, op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", doc: str = "", **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), domain=domain or None, doc_string=doc or None, **attributes))

    def initializer(self, name: str, array: Array) -> str:
        """Adds a constant under a fresh name like `name`."""
        name = self.fresh(name)
        self.initializers[name] = np.asarray(array, order="C")
        return name

    def fresh(self, name: str) -> str:
        taken = {*self.initializers, *self.graph.values, *self._ports(), *(o for n in self.nodes for o in n.output)}
        candidate, count = name, 1
        while candidate in taken:
            count += 1
            candidate = f"{name}_{count}"
        return candidate

    def shape(self, name: str) -> tuple[int, ...]:
        return self.graph.values[name].type.shape

    def operand(self, name: str, axes: Axes | None = None) -> str:
        """The name in the file of a value with its axes in this order, that of the file when not given."""
        axes = channels_first(len(self.shape(name))) if axes is None else axes
        if self._constant(name) is not None:
            return self.constant(name, lambda array: array.transpose(axes))
        known = self.held[name]
        if axes not in known:
            (have, source), *_ = known.items()
            perm = [have.index(a) for a in axes]
            known[axes] = self.fresh(f"{source}_transposed")
            self.shapes[known[axes]] = tuple(self.shape(name)[a] for a in axes)
            self.emit("Transpose", [source], [known[axes]], perm=perm)
        return known[axes]

    def define(self, name: str, axes: Axes | None = None) -> str:
        """The name under which a node of the file computes a value with its axes in this order."""
        axes = channels_first(len(self.shape(name))) if axes is None else axes
        self.held[name] = {axes: self._own(name)}
        self.shapes[self._own(name)] = tuple(self.shape(name)[a] for a in axes)
        return self._own(name)

    def inner(self, like: str, name: str) -> str:
        """A fresh name for a tensor of the shape of another."""
        name = self.fresh(name)
        self.shapes[name] = self.shapes[like]
        return name

    def constant(self, name: str, arrange: Callable[[Array], Array]) -> str:
        """A constant, its elements moved by `arrange`, behind its quantizer where it has one."""
        source = self._constant(name)
        assert source is not None
        data = self.graph.values[source].data
        assert data is not None
        op = self.producers[name].op if name in self.producers else None
        if not isinstance(op, FakeQuantize):
            return self._constant_named(source, arrange(data))
        if isinstance(op.output, FType):
            raise Unsupported(f"{source}: {op.output.code} has no form in this file")
        plain = self._constant_named(source, arrange(op.ref((self.graph.values[source].type,), data)[0]))
        moved = _moved(op, data, arrange, source)
        result = name if not any(name in n.output for n in self.nodes) else self.fresh(name)
        self.shapes[result] = self.initializers[plain].shape
        self.quantizer(self, plain, result, moved, self.initializers[plain].shape, source)
        return result

    def _constant_named(self, name: str, array: Array) -> str:
        """Adds a constant of the graph under its own name, or a fresh one when that is there in another arrangement."""
        if name in self.initializers or any(name in n.input for n in self.nodes):
            return self.initializer(name, array)
        self.initializers[name] = np.asarray(array, order="C")
        return name

    def clipped(self, node: Node, clip: Clip | None, emit: Callable[[str], None], axes: Axes | None = None) -> None:
        """Defines the node's value by `emit`, which is given the name to compute, followed by a clip if there is one."""
        result = self.define(node.name, axes)
        if clip is None:
            emit(result)
            return
        inner = self.inner(result, f"{result}_unclipped")
        emit(inner)
        self.clip(inner, result, clip)

    def clip(self, x: str, result: str, clip: Clip) -> None:
        if (clip.lo, clip.hi) == (0.0, float("inf")):
            self.emit("Relu", [x], [result])
            return
        bounds = [self.initializer(f"{result}_{key}", np.array(value, np.float32)) if np.isfinite(value) else ""
                  for key, value in (("lo", clip.lo), ("hi", clip.hi))]  # fmt: skip
        self.emit("Clip", [x, *bounds], [result])

    # the walk

    def _own(self, name: str) -> str:
        """A value's own name, unless a port of the source has it, which another value may be."""
        return name if self._ports().get(name, name) == name else f"{name}_unquantized"

    def _ports(self) -> dict[str, str]:
        """The values of ports by the names of these."""
        return {p.name: p.value for p in (*self.graph.inputs, *self.graph.outputs)}

    def _rename(self, old: str, new: str) -> None:
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]
        self.shapes.pop(old)

    def _constant(self, name: str) -> str | None:
        """The float constant that a value is, or quantizes."""
        if self.graph.values[name].constant:
            return name
        node = self.producers.get(name)
        return node.inputs[0] if node is not None and self._of_constant(node) else None

    def _of_constant(self, node: Node) -> bool:
        return isinstance(node.op, FakeQuantize) and self.graph.values[node.inputs[0]].constant

    def _node(self, node: Node) -> None:
        if isinstance(node.op, FakeQuantize):
            op, x = node.op, node.inputs[0]
            if isinstance(op.output, FType) or op.dynamic:
                what = "a scale from each sample" if op.dynamic else op.output.code
                raise Unsupported(f"{x}: {what} has no form in this file")
            (axes, source), *_ = self.held[x].items()
            self.quantizer(self, source, self.define(node.name, axes), op, tuple(self.shape(x)[a] for a in axes), x)
            return
        if type(node.op) not in WRITERS:
            raise Unsupported(f"{node.name}: {node.op.name()} of {self.graph.values[node.name].type.q.code} has no form in ONNX")
        WRITERS[type(node.op)](self, node)

    def _input(self, port: Port) -> onnx.ValueInfoProto:
        axes = tuple(int(a) for a in np.argsort(port.axes))
        self.held[port.value] = {axes: port.name}
        return helper.make_tensor_value_info(port.name, TensorProto.FLOAT, [self.shape(port.value)[a] for a in axes])

    def _output(self, port: Port) -> onnx.ValueInfoProto:
        axes = tuple(int(a) for a in np.argsort(port.axes))
        name = self.operand(port.value, axes)
        if name in self._ports() or not any(name in n.output for n in self.nodes):
            if name != port.name:
                self.emit("Identity", [name], [port.name])
        else:  # hls4ml finds no output behind an Identity
            self._rename(name, port.name)
            self.held[port.value][axes] = port.name
        return helper.make_tensor_value_info(port.name, TensorProto.FLOAT, [self.shape(port.value)[a] for a in axes])


def _moved(op: FakeQuantize, data: Array, arrange: Callable[[Array], Array], name: str) -> FakeQuantize:
    """The quantizer of a constant whose elements were moved: its axis lies elsewhere then."""
    q = op.output
    assert isinstance(q, QType)
    if q.block is not None:
        raise Unsupported(f"{name}: a scale for each group of weights has no form in this file")
    if q.axis is None or len(q.scale) == 1:
        return op
    index = np.broadcast_to(spread(tuple(range(len(q.scale))), q, data.shape, np.dtype(np.int64)), data.shape)
    moved = arrange(index)
    axis = next(a for a in range(moved.ndim) if moved.shape[a] == len(q.scale) and (np.diff(np.moveaxis(moved, a, 0), axis=0) == 1).all())
    return replace(op, output=replace(q, axis=axis))


def _along(entries: tuple[float, ...], q: QType, rank: int) -> Array:
    """Scales or zero points as an array that broadcasts against a tensor of `rank` axes."""
    array = np.array(entries, np.float32)
    return array.reshape(()) if len(entries) == 1 else array.reshape([-1 if a == q.axis else 1 for a in range(rank)])


def _doc(writer: Writer, op: FakeQuantize, name: str) -> str:
    if op.rounding in (Rounding.HALF_EVEN, Rounding.FLOOR) or writer.graph.values[name].constant:
        return ""
    note = f"codes are rounded {op.rounding.value} in tapeout, half_even by other readers of this file: they differ on exact ties"
    if note not in writer.notes:
        writer.notes.append(note)
    return f"rounding={op.rounding.value}"


def _quant(writer: Writer, x: str, result: str, op: FakeQuantize, shape: tuple[int, ...], name: str) -> None:
    """QONNX's quantizer."""
    q = op.output
    assert isinstance(q, QType)
    scale = writer.initializer(f"{result}_scale", _along(q.scale, q, len(shape)))
    if q.bipolar:
        writer.emit("BipolarQuant", [x, scale], [result], _DOMAIN)
        return
    zeros = tuple(map(float, q.zero if len(q.zero) == len(q.scale) else q.zero[:1]))
    zero = writer.initializer(f"{result}_zero", _along(zeros, q, len(shape)))
    bits = writer.initializer(f"{result}_bits", np.array(q.bits, np.float32))
    mode = "FLOOR" if op.rounding is Rounding.FLOOR else "ROUND"
    flags: dict[str, Any] = {"signed": int(q.signed), "narrow": int(q.narrow), "rounding_mode": mode}
    writer.emit("Quant", [x, scale, zero, bits], [result], _DOMAIN, _doc(writer, op, name), **flags)


def _linear_pair(writer: Writer, x: str, result: str, op: FakeQuantize, shape: tuple[int, ...], name: str) -> None:
    """QuantizeLinear, a Clip for codes of few bits, DequantizeLinear; constants hold their codes."""
    q = op.output
    assert isinstance(q, QType)
    if q.bipolar or op.rounding is Rounding.FLOOR or q.bits > 32:
        raise Unsupported(f"{name}: {q.code} rounded {op.rounding.value} has no form in QDQ; write QONNX")
    width = next(n for n in (8, 16, 32) if n >= q.bits)
    dtype = np.dtype(f"{'int' if q.signed else 'uint'}{width}")
    flat = replace(q, axis=q.axis if len(q.scale) > 1 else None)
    scale = writer.initializer(f"{result}_scale", np.array(q.scale if len(q.scale) > 1 else q.scale[0], np.float32))
    zeros = np.broadcast_to(np.array(q.zero), (len(q.scale),))
    points = [] if width == 32 else [writer.initializer(f"{result}_zero", (zeros if len(q.scale) > 1 else zeros[0]).astype(dtype))]
    axis: dict[str, Any] = {"axis": q.axis} if q.axis is not None and len(q.scale) > 1 else {}
    if x in writer.initializers:
        reals = writer.initializers[x]
        writer.initializers[x] = encode(reals, flat, Rounding.HALF_EVEN).astype(dtype)
        codes = x
    else:
        codes = writer.fresh(f"{result}_codes")
        writer.emit("QuantizeLinear", [x, scale, *points], [codes], doc=_doc(writer, op, name), **axis)
    if q.narrow or q.bits < width < 32:
        bounds = [writer.initializer(f"{result}_{key}", np.array(value, dtype)) for key, value in (("least", q.min), ("most", q.max))]
        clipped = writer.fresh(f"{result}_clipped")
        writer.emit("Clip", [codes, *bounds], [clipped])
        codes = clipped
    writer.emit("DequantizeLinear", [codes, scale, *points], [result], doc=_doc(writer, op, name), **axis)
