"""From a parsed file to a graph: inputs, then operator by operator, then outputs."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import TapeoutError, Unsupported
from ...fixed import multiplier
from ...ir import Array, Builder, FType, Graph, Op, Port, QType, Type, verify
from ...ops.requant import scaling
from .file import Model, Operator, Tensor, parse


class Network:
    """The graph as far as it is made, and what is known of the file's tensors by index."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.builder = Builder()
        self.names: dict[int, str] = {}
        """The values that hold the tensors."""
        self.known: dict[int, Array] = {t.index: t.data for t in model.tensors if t.data is not None}
        """The tensors whose elements the file decides."""
        self._constants: dict[tuple[int, tuple[int, ...]], str] = {}

    def name(self, tensor: Tensor) -> str:
        """The value that holds a tensor; one the file decides becomes a constant at its first use."""
        if tensor.index not in self.names:
            if tensor.index not in self.known:
                raise TapeoutError(f"reads tensor {tensor.name}, which no operator before it computes")
            self.names[tensor.index] = self.constant(tensor, self.known[tensor.index], tensor.q)
        return self.names[tensor.index]

    def constant(self, tensor: Tensor, array: Array, q: QType | FType, name: str = "") -> str:
        """The value with a constant tensor's elements as `array` has them, perhaps in another shape; named like the tensor
        unless a name is given."""
        key = (tensor.index, array.shape)
        if key not in self._constants:
            self._constants[key] = self.builder.constant(name or tensor.short_name, array, q)
        return self._constants[key]


class Call:
    """One operator while its nodes are made: its operands by position. Lowering functions take this alone."""

    def __init__(self, network: Network, operator: Operator) -> None:
        self.network, self.operator, self.builder = network, operator, network.builder
        self.output: Tensor = network.model.tensors[operator.outputs[0]]

    def options(self, kind: Any, *fields: str) -> list[Any]:
        return self.operator.read(kind, *fields)

    def has(self, position: int) -> bool:
        """Whether the operator has this input."""
        return position < len(self.operator.inputs) and self.operator.inputs[position] >= 0

    def tensor(self, position: int) -> Tensor:
        if not self.has(position):
            raise TapeoutError(f"has no input {position}: corrupt")
        return self.network.model.tensors[self.operator.inputs[position]]

    def input(self, position: int) -> str:
        """The value that holds an input."""
        return self.network.name(self.tensor(position))

    def type(self, position: int) -> Type:
        return self.builder.values[self.input(position)].type

    def codes(self, position: int) -> QType:
        """The format of a quantized input with one scale."""
        return single(self.tensor(position))

    @property
    def result(self) -> QType:
        """The format of the output, when quantized."""
        return single(self.output)

    @property
    def floats(self) -> bool:
        """Whether the operator computes in float32; its first input says."""
        return isinstance(self.type(0).q, FType)

    def known(self, position: int) -> Array | None:
        """The elements of an input that the file decides."""
        return self.network.known.get(self.tensor(position).index)

    def constant(self, position: int) -> Array:
        """The same for an input that must be so."""
        array = self.known(position)
        if array is None:
            raise Unsupported(f"input {self.tensor(position).name} must be constant; export the model with fixed shapes")
        return array

    def numbers(self, position: int) -> list[int]:
        """The elements of a constant input of integers, such as axes or a shape."""
        array = self.constant(position)
        if array.dtype.kind not in "iu":
            raise TapeoutError(f"input {self.tensor(position).name} holds {array.dtype} elements, not integers: corrupt")
        return [int(i) for i in array.ravel()]

    def emit(self, op: Op, inputs: Sequence[str], last: bool = True, suffix: str = "") -> str:
        """Adds a node; the `last` one of an operator computes its output, others are named after it."""
        name = self.builder.add(op, inputs, self.builder.fresh(self.output.short_name + suffix))
        if last:
            self.network.names[self.output.index] = name
        return name

    def fold(self, array: Array) -> None:
        """Makes the output a constant."""
        self.network.known[self.output.index] = array

    def scaling(self, factors: Sequence[float], split: Callable[[float], tuple[int, int]] = multiplier) -> tuple[str, str]:
        """Constants with the multipliers and shifts that `split` gives for these factors."""
        return scaling(self.builder, self.output.short_name, factors, split)


Lowering = Callable[[Call], None]


def single(tensor: Tensor) -> QType:
    """The format of a tensor of int8 codes with one scale."""
    q = tensor.q
    if isinstance(q, FType) or q.bits != 8:
        raise Unsupported(f"tensor {tensor.name} is {tensor.kind.lower()} beside int8 ones; convert the model to one format throughout")
    if len(q.scale) != 1:
        raise Unsupported(f"tensor {tensor.name} has {len(q.scale)} scales, where one is taken")
    return q


def read_tflite(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """The network in a TensorFlow Lite file, int8 or float32.

    int8 nodes compute what TensorFlow Lite Micro's portable kernels compute, byte for byte. `shapes` fixes or
    overrides the shapes of inputs by the file's names; an open leading dimension becomes 1 without it.
    Raises TapeoutError, one line that names the file, for a corrupt file or an operator or type that is not taken.
    """
    try:
        return _graph(path.stem, parse(path.read_bytes()), shapes)
    except OSError as error:
        raise TapeoutError(f"{path}: {error.strerror or error}") from None
    except TapeoutError as error:
        raise type(error)(f"{path}: {error}") from None


def _graph(name: str, model: Model, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    network = Network(model)
    inputs = _inputs(network, shapes)
    for operator in model.operators:
        _lower(network, operator, check_shapes=not shapes)
    outputs = []
    for index in model.outputs:
        tensor = model.tensors[index]
        try:
            outputs.append(_port(tensor, network, network.name(tensor)))
        except TapeoutError as error:
            raise type(error)(f"output {tensor.name}: {error}") from None
    graph = Graph(name, tuple(inputs), tuple(outputs), tuple(network.builder.nodes), network.builder.values)
    return verify(graph.replace(graph.nodes))


def _port(tensor: Tensor, network: Network, value: str) -> Port:
    type = network.builder.values[value].type
    return Port(value, tensor.name, type.q.dtype.name, tuple(range(len(type.shape))))


def _inputs(network: Network, shapes: Mapping[str, tuple[int, ...]]) -> list[Port]:
    tensors = [network.model.tensors[i] for i in network.model.inputs]
    names = [t.name for t in tensors]
    for name in shapes:
        if name not in names:
            raise TapeoutError(f"--shape names {name}, which is no input; the inputs are {', '.join(names)}")
    ports = []
    for tensor in tensors:
        if tensor.index in network.known or tensor.index in network.names:
            raise TapeoutError(f"input {tensor.name} is a constant or listed twice: corrupt")
        shape = _shape(tensor, shapes.get(tensor.name))
        value = network.builder.input(network.builder.fresh(tensor.short_name), Type(shape, tensor.q))
        network.names[tensor.index] = value
        ports.append(_port(tensor, network, value))
    return ports


def _shape(tensor: Tensor, given: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an input: as given, else as in the file with an open batch of 1."""
    shape = given if given is not None else ((1, *tensor.shape[1:]) if tensor.shape[:1] == (-1,) else tensor.shape)
    if len(shape) != len(tensor.shape):
        raise TapeoutError(f"--shape gives input {tensor.name} {len(shape)} dimensions, the model has {len(tensor.shape)}")
    if -1 in shape:
        dims = "x".join("N" if d < 0 else str(d) for d in shape)
        raise TapeoutError(f"input {tensor.name} has an open dimension in {list(shape)}; fix it with --shape '{tensor.name}={dims}'")
    if min(shape, default=1) < 1:
        raise TapeoutError(f"input {tensor.name} has the shape {list(shape)}, which holds no elements")
    return shape


def _lower(network: Network, operator: Operator, check_shapes: bool) -> None:
    from .operators import OPERATORS

    output = network.model.tensors[operator.outputs[0]]
    where = f"{output.short_name} ({operator.name})"
    lowering = OPERATORS.get(operator.name)
    if lowering is None:
        raise Unsupported(f"{where}: this operator is not taken; rewrite the model without it")
    if output.index in network.names or output.index in network.known:
        raise TapeoutError(f"{where}: computes a tensor that is there already: corrupt")
    if len(operator.outputs) != 1 or output.variable:
        raise Unsupported(f"{where}: has several outputs or keeps state, which is not taken")
    try:
        lowering(Call(network, operator))
        if output.index in network.names:
            _check(output, network.builder.values[network.names[output.index]].type, check_shapes)
    except TapeoutError as error:
        raise type(error)(f"{where}: {error}") from None


def _check(tensor: Tensor, made: Type, shapes: bool) -> None:
    """Raises TapeoutError when the nodes make another type than the file declares."""
    if made.q != tensor.q:
        raise TapeoutError(f"gives {made.q}, but the file declares {tensor.q}; TensorFlow Lite keeps scales through this operator")
    if not tensor.shape:  # how the file says that it does not know
        return
    declared = tuple(1 if d < 0 and axis == 0 else d for axis, d in enumerate(tensor.shape))
    if shapes and len(declared) == len(made.shape) and all(d in (-1, m) for d, m in zip(declared, made.shape, strict=True)):
        return
    if shapes:
        raise TapeoutError(f"gives {made.dims}, but the file declares {list(tensor.shape)}: corrupt")
