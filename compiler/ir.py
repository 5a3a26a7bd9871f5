"""The IR: types, values, ops, nodes and the graph that they make. Read this first.

A `Graph` is a list of nodes in the order in which they run. A `Node` applies an `Op` to named
values. An `Op` is a frozen dataclass, one per file in `ops/`, whose fields and whose operands' types
say all that decides the numbers: `Op.ref` is the definition that every target must equal bit for bit.
"""
from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from .errors import TapeoutError
from .fixed import Rounding
from .port import Port as Port

Array = npt.NDArray[Any]

MAX_BYTES = 1 << 31  # of a tensor: kernels index with 32-bit integers


@dataclass(frozen=True)
class QType:
    """Integer codes that stand for reals: `real = (code - zero) * scale`, or `(2 * code - 1) * scale` when `bipolar`.

    `scale` and `zero` hold one entry, or one for each channel of `axis`; with `block`, for each channel of the first axis one
    for every `block` elements along the last axis, the last of which may be fewer. `narrow` leaves out the least signed code,
    so that a number and its negative have the same codes. Bipolar codes have one bit: 0 and 1 stand for -scale and +scale.

    `packed` codes lie side by side in memory, the first in the least significant bits; each row of the last axis begins at
    a byte and ends with bits of 0. Arrays of NumPy hold one code an element all the same.
    """

    bits: int = 8
    signed: bool = True
    scale: tuple[float, ...] = (1.0,)
    zero: tuple[int, ...] = (0,)
    axis: int | None = None
    block: int | None = None
    narrow: bool = False
    bipolar: bool = False
    packed: bool = False

    @property
    def code(self) -> str:
        """The name of this type in texts: `s8` or `u4`, `s32`, `b1` for bipolar codes."""
        return f"{'b' if self.bipolar else 's' if self.signed else 'u'}{self.bits}"

    @property
    def storage(self) -> str:
        """How a code is held, the name in symbols: `s8`, `u8`, `s16`, ...; few bits lie in a wider signed type; `b1` when packed."""
        return self.code if self.bipolar and self.packed else f"{'s' if self.dtype.kind == 'i' else 'u'}{8 * self.dtype.itemsize}"

    @property
    def min(self) -> int:
        return -(1 << (self.bits - 1)) + self.narrow if self.signed and not self.bipolar else 0

    @property
    def max(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed and not self.bipolar else (1 << self.bits) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type that holds a code: the smallest, a signed one where there is the choice."""
        need = self.bits + (self.min == 0)
        size = next(n for n in (8, 16, 32, 64) if n >= self.bits)
        return np.dtype(f"{'int' if self.signed or need <= size else 'uint'}{size}")


@dataclass(frozen=True)
class FType:
    """A floating-point format, named in full: `f32` is IEEE 754 binary32, `f16` binary16, `bf16` bfloat16."""

    code: str = "f32"

    @property
    def storage(self) -> str:
        """The name of this format in symbols."""
        return self.code

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type that holds an element."""
        found: np.dtype[Any] = np.dtype({"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}[self.code])
        return found


F32, F16, BF16 = FType(), FType("f16"), FType("bf16")


@dataclass(frozen=True)
class Type:
    """The shape of a tensor, batch included, and the format of its elements."""

    shape: tuple[int, ...]
    q: QType | FType

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        if isinstance(self.q, QType) and self.q.packed:
            row = self.shape[-1] if self.shape else 1
            return self.size // row * -(-row * self.q.bits // 8)
        return self.size * self.q.dtype.itemsize

    @property
    def dims(self) -> str:
        """The shape as people write it: `1x32x32x3`."""
        return "x".join(map(str, self.shape)) or "scalar"

    @property
    def quantized(self) -> QType:
        """The integer format of this tensor; raises TypeError for a float one."""
        if isinstance(self.q, QType):
            return self.q
        raise TypeError(f"{self.q.code} tensor where integer codes are expected")


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor with a name. A constant carries its `data`. A state is kept from run to run: `data` is what it holds in the first, the value
    `next` what it holds in the run after this one. All other values are computed or fed."""

    name: str
    type: Type
    data: Array | None = None
    next: str = ""

    @property
    def constant(self) -> bool:
        return self.data is not None and not self.next


@dataclass(frozen=True)
class Cost:
    """What one run of a node takes: multiply-accumulates, constant elements and bytes moved."""

    macs: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class Op(ABC):
    """What a node computes. Subclasses are frozen dataclasses, one per file of `compiler/ops/`.

    `types` are the types of the node's inputs, in order; an absent optional input has type None.
    """

    @classmethod
    def name(cls) -> str:
        """The name of this op in texts, kernel files and symbols: `Conv2D` is `conv2d`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", cls.__name__).lower()

    @abstractmethod
    def infer(self, types: Types) -> tuple[Type, ...]:
        """The types of the outputs. Raises TapeoutError when the inputs do not fit the op."""

    @abstractmethod
    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        """The definition. Inputs and outputs have a leading axis of samples before their own shape;
        constants are broadcast along it, having no such axis. An absent input is an empty array."""

    def params(self, types: Types) -> dict[str, Param]:
        """The fields of the kernel's parameter struct, scalars only."""
        return {}

    def cost(self, types: Types) -> Cost:
        return Cost(0, sum(t.bytes for t in types if t), sum(t.bytes for t in self.infer(types)))

    def inplace(self, types: Types) -> tuple[int, ...]:
        """The inputs whose memory the output may take over, because each element of the output
        depends on no element of that input which lies behind it."""
        return ()

    def view(self, types: Types) -> int | None:
        """The byte of the first input at which the output's begin, when the output is a run of that input's bytes; see `views`."""
        return None

    def joins(self, types: Types) -> tuple[int, ...] | None:
        """The bytes of the output at which those of each input begin, when the output is their bytes one after another; see `views`."""
        return None

    def symbol(self, types: Types) -> str:
        """The kernel function that runs this op: `conv2d_s8`, or `quantize_f32_s8` when the output is held otherwise than the input."""
        assert types[0]
        x, y = types[0].q.storage, self.infer(types)[0].q.storage
        return f"{self.name()}_{x}" if x == y else f"{self.name()}_{x}_{y}"

    @property
    def label(self) -> str:
        """What reports call a node of this op; its name unless one op has several uses."""
        return self.name()


Types = tuple[Type | None, ...]
Param = int | float | Rounding | tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """An op applied to named values; an absent optional input has the name ''."""

    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.outputs[0]


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: nodes in the order in which they run, over values by name. Passes return a new one."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]
    values: Mapping[str, Value] = field(default_factory=dict)

    def types(self, node: Node) -> Types:
        """The types of the inputs of a node."""
        return tuple(self.values[i].type if i else None for i in node.inputs)

    def output_types(self, node: Node) -> tuple[Type, ...]:
        return tuple(self.values[o].type for o in node.outputs)

    def data(self, constant: str) -> Array:
        """The elements of a constant; for a value that is known to be one."""
        found = self.values[constant].data
        assert found is not None, constant
        return found

    def producer(self, value: str) -> Node | None:
        return next((n for n in self.nodes if value in n.outputs), None)

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each value; a graph output without readers has an empty list."""
        readers: dict[str, list[Node]] = {name: [] for name in self.values}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    readers[name].append(node)
        return readers

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(p.value for p in self.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(p.value for p in self.outputs)

    def constants(self) -> Iterator[Value]:
        return (v for v in self.values.values() if v.constant)

    def states(self) -> dict[str, Value]:
        """The states, by the name of the value that each becomes. Both lie in the same memory, outside of the arena."""
        return {v.next: v for v in self.values.values() if v.next}

    def replace(self, nodes: Sequence[Node], values: Mapping[str, Value] | None = None, **changes: Any) -> Graph:
        """The graph with other nodes, and with only the values that they, the inputs and the outputs use."""
        graph = replace(self, nodes=tuple(nodes), **changes)
        used = {*graph.input_names, *graph.output_names}
        for node in graph.nodes:
            used.update(i for i in (*node.inputs, *node.outputs) if i)
        known = self.values if values is None else values
        return replace(graph, values={name: v for name, v in known.items() if name in used})


class Builder:
    """Collects the values and nodes of a graph that a frontend or a pass makes; types are inferred."""

    def __init__(self, values: Mapping[str, Value] | None = None, taken: Sequence[str] = ()) -> None:
        self.values: dict[str, Value] = dict(values or {})
        self.nodes: list[Node] = []
        self._taken = set(taken)

    def fresh(self, name: str) -> str:
        """`name`, or `name_2`, `name_3`, ... when it is taken."""
        candidate, count = name, 1
        while candidate in self.values or candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        return candidate

    def input(self, name: str, type: Type) -> str:
        self.values[name] = Value(name, type)
        return name

    def constant(self, name: str, data: Array, q: QType | FType | None = None) -> str:
        """Adds a constant under a fresh name like `name`; its format follows from `data` unless given."""
        if q is None:
            floats = {f.dtype: f for f in (F32, F16, BF16)}
            kind = data.dtype.kind
            q = floats.get(data.dtype, F32) if kind in "fV" else QType(bits=8 * data.dtype.itemsize, signed=kind == "i")
        name = self.fresh(name)
        array = np.asarray(data, q.dtype, order="C")  # keeps an array without axes, unlike ascontiguousarray
        array.setflags(write=False)
        self.values[name] = Value(name, Type(tuple(array.shape), q), array)
        return name

    def state(self, name: str, data: Array, next: str, q: QType | FType = F32) -> None:
        """Adds a state of the format `q` that holds `data` at first and becomes the value `next`."""
        self.values[name] = Value(name, Type(data.shape, q), data, next)

    def add(self, op: Op, inputs: Sequence[str], *outputs: str) -> str:
        """Adds a node whose outputs have these names, which must be new; returns the first."""
        types = tuple(self.values[i].type if i else None for i in inputs)
        try:
            inferred = op.infer(types)
        except TapeoutError as error:
            raise type(error)(f"{outputs[0]}: {error}") from None
        for name, t in zip(outputs, inferred, strict=True):
            self.values[name] = Value(name, t)
        self.nodes.append(Node(op, tuple(inputs), outputs))
        return outputs[0]

    def copy(self, node: Node) -> None:
        """Adds a node of another graph as it stands; its inputs must be known here."""
        self.add(node.op, node.inputs, *node.outputs)


def verify(graph: Graph) -> Graph:
    """Returns the graph when it is well formed, else raises TapeoutError that names the node or value.

    Holds: every value is defined once and before its use, types are those that the ops infer, tensors have elements,
    and fewer bytes than `MAX_BYTES`, scales and zero points fit their shapes, constants have the declared shape and
    format, ports fit their values, and no node reads a state behind the one that computes what it becomes.
    """
    for value in graph.values.values():
        _verify_value(value)
    defined = {v.name for v in graph.values.values() if v.data is not None}
    for name in graph.input_names:
        if name in defined or name not in graph.values:
            raise TapeoutError(f"{name}: an input {'that is defined already' if name in defined else 'without a type'}")
        defined.add(name)
    for node in graph.nodes:
        _verify_node(graph, node, defined)
    for next, state in graph.states().items():
        _verify_state(graph, next, state)
    for port in (*graph.inputs, *graph.outputs):
        if port.value not in defined:
            raise TapeoutError(f"{port.name}: no node computes {port.value}")
        if sorted(port.axes) != list(range(len(graph.values[port.value].type.shape))):
            raise TapeoutError(f"{port.name}: axes {port.axes} do not fit {graph.values[port.value].type.dims}")
    return graph


def _verify_value(value: Value) -> None:
    type, q = value.type, value.type.q
    if min(type.shape, default=1) < 1 or type.bytes >= MAX_BYTES:
        raise TapeoutError(f"{value.name}: a tensor of {type.dims} {q.code}; tensors have 1 to {MAX_BYTES - 1} bytes")
    if isinstance(q, QType):
        channels = 1 if q.axis is None else type.shape[q.axis] if 0 <= q.axis < len(type.shape) else 0
        if q.block is not None:
            channels *= -(-type.shape[-1] // q.block)
        if len(q.scale) not in (1, channels) or len(q.zero) not in (1, len(q.scale)):
            raise TapeoutError(f"{value.name}: {len(q.scale)} scales and {len(q.zero)} zero points do not fit axis {q.axis} of {type.dims}")
    if value.data is not None and (value.data.shape != type.shape or value.data.dtype != q.dtype):
        raise TapeoutError(f"{value.name}: constant is {value.data.dtype}{value.data.shape}, declared {type}")


def _verify_state(graph: Graph, next: str, state: Value) -> None:
    maker = graph.producer(next)
    if maker is None or graph.values[next].type != state.type or state.name not in maker.inputs:
        raise TapeoutError(f"{state.name}: a state of {state.type.dims} becomes {next}, which no node computes from it in its type")
    for node in graph.nodes[graph.nodes.index(maker) + 1 :]:
        if state.name in node.inputs:
            raise TapeoutError(f"{node.name}: reads {state.name}, which {maker.name} has overwritten with {next}")


def _verify_node(graph: Graph, node: Node, defined: set[str]) -> None:
    """Adds the outputs of the node to the values `defined` before it."""
    for name in node.inputs:
        if name and name not in defined:
            raise TapeoutError(f"{node.name}: reads {name}, which no earlier node computes")
    for name in node.outputs:
        if name in defined or name not in graph.values:
            raise TapeoutError(f"{node.name}: defines {name} {'a second time' if name in defined else 'without a type'}")
        defined.add(name)
    try:
        inferred = node.op.infer(graph.types(node))
    except TapeoutError as error:
        raise type(error)(f"{node.name}: {error}") from None
    if inferred != graph.output_types(node):
        raise TapeoutError(f"{node.name}: {node.op.name()} gives {inferred}, declared {graph.output_types(node)}")
