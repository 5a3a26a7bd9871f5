"""The graph under construction, and where each tensor of the ONNX model is found in it.

ONNX fixes the order of axes (NCHW); the graph does not. A `Tensor` says which value holds a tensor of
the model and with its axes in which order, so that a Transpose of the model costs nothing, elementwise
ops take the order that they find, and a transpose node appears only where an op needs another order.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import TapeoutError, Unsupported
from ...fixed import Rounding
from ...ir import F32, Array, Builder, Op, QType, Type
from ...ops.fake_quantize import FakeQuantize
from ...ops.reshape import Reshape
from ...ops.transpose import Transpose
from .call import Call

Axes = tuple[int, ...]


def channels_last(rank: int) -> Axes:
    """The order of axes that convolutions want: (0, 2, 3, 1) for NCHW."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def moves_data(shape: Sequence[int], order: Axes) -> bool:
    """Whether a transpose of `shape` to `order` does more than move axes of one element."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved != sorted(moved)


Arrange = Callable[[Array], Array]


@dataclass(frozen=True)
class Quantized:
    """How a constant is quantized: the scale and zero point of each element, in the constant's own shape, and what its codes are."""

    scale: Array
    zero: Array
    q: QType  # without scales
    rounding: Rounding
    source: str = ""  # the constant's own name

    def arranged(self, arrange: Arrange) -> Quantized:
        """The same for a constant whose elements were moved."""
        return replace(self, scale=arrange(self.scale), zero=arrange(self.zero))

    def format(self, name: str) -> FakeQuantize:
        """The format of the constant. Raises Unsupported when scales differ otherwise than along one axis."""
        for axis in (None, *range(self.scale.ndim)):
            first = tuple(slice(None) if a == axis else slice(0, 1) for a in range(self.scale.ndim))
            scale, zero = self.scale[first], self.zero[first]
            if (self.scale == scale).all() and (self.zero == zero).all():
                scales = tuple(float(s) for s in scale.reshape(-1))
                zeros = tuple(int(z) for z in zero.reshape(-1))
                return FakeQuantize(replace(self.q, scale=scales, zero=zeros, axis=axis if len(scales) > 1 else None), self.rounding)
        raise Unsupported(f"tensor {name} has scales along more than one axis; only one scale, or one per channel, is supported")


@dataclass(frozen=True)
class Tensor:
    """A computed tensor of the model: axis `i` of `value` is its axis `axes[i]`."""

    value: str
    axes: Axes


@dataclass(frozen=True)
class Codes:
    """A tensor of integer codes: the float tensor that they were made of, how, the bounds that a Clip has set, and the name of the
    float tensor that they stand for, once a node has made it."""

    source: str
    scale: Array
    zero: Array
    axis: int
    q: QType
    lo: int
    hi: int
    real: str = ""


@dataclass(frozen=True)
class Dynamic:
    """What DynamicQuantizeLinear makes of `source`, or what follows from it: a tensor of the model with no value of its own until a
    product with scales makes floats of it. `part` is codes, scale, zero or sums."""

    part: str
    source: str
    weights: str = ""  # of a scale, the constant that it is multiplied by
    layer: Call | None = None  # of sums, what computes them


class Importer:
    """Collects the graph; readers of single ops use it to find their inputs and to define their outputs."""

    def __init__(self, names: Iterable[str]) -> None:
        self.builder = Builder()
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, Array] = {}
        self.quantized: dict[str, Quantized] = {}  # of constants behind a quantizer, what it does
        self.codes: dict[str, Codes] = {}  # tensors between QuantizeLinear and DequantizeLinear
        self.dynamic: dict[str, Dynamic] = {}
        self._names = set(names)  # of the model's tensors: generated names keep clear of them
        self._arranged: dict[tuple[str, Axes], str] = {}
        self._stored: dict[tuple[str, Axes, tuple[int, ...]], str] = {}
        self._reshaped: dict[str, str] = {}

    # names and shapes

    def fresh(self, name: str) -> str:
        """`name`, or `name_2`, `name_3`, ... when the model or the graph uses it."""
        candidate, count = name, 1
        while candidate in self._names or candidate in self.builder.values:
            count += 1
            candidate = f"{name}_{count}"
        return candidate

    def reserve(self, name: str) -> str:
        """A fresh name for a tensor that the model does not have."""
        name = self.fresh(name)
        self._names.add(name)
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor in the model's order of axes."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        tensor = self.tensor(name)
        return tuple(self.builder.values[tensor.value].type.shape[tensor.axes.index(a)] for a in range(len(tensor.axes)))

    def rank(self, name: str) -> int:
        return len(self.shape(name))

    def tensor(self, name: str) -> Tensor:
        """Where a computed tensor is found. Raises TapeoutError for a name that nothing defines."""
        if name not in self.tensors:
            raise TapeoutError(f"tensor {name} is used, but no earlier node computes it")
        return self.tensors[name]

    # constants

    def constant(self, call: Call, index: int) -> Array:
        """An input that must be constant, of any type. Raises Unsupported when it is computed."""
        name = call.required(index)
        if name not in self.constants:
            call.refuse(f"input {index} ({name}) is computed by the model; only a constant is supported there")
        return self.constants[name]

    def weights(self, call: Call, index: int) -> Array:
        """An input that must be a float32 constant of finite numbers."""
        array = self.constant(call, index)
        check_float(call.required(index), array)
        return array

    def store(self, name: str, array: Array) -> str:
        """Adds a float32 constant named after the model's tensor that it was made of."""
        check_float(name, array)
        return self.builder.constant(name if name not in self.builder.values and name not in self.tensors else self.fresh(name), array)

    def stored(self, name: str, arrange: Arrange = lambda array: array) -> str:
        """Adds a float32 constant of the model, its elements moved by `arrange`, and its quantizer where it has one."""
        if name not in self.quantized:
            return self.store(name, arrange(self.constants[name]))
        value = self.store(self.quantized[name].source or name, arrange(self.constants[name]))
        op = self.quantized[name].arranged(arrange).format(name)
        return self.builder.add(op, (value,), self.fresh(f"{value}_fq"))

    # values

    def value(self, name: str, axes: Axes, shape: tuple[int, ...] | None = None) -> str:
        """The value that holds a tensor, seen as `shape` when given, with its axes in the order `axes`."""
        shape = shape or self.shape(name)
        if name in self.constants:
            key = (name, axes, shape)
            if key not in self._stored:
                self._stored[key] = self.stored(name, lambda array: array.reshape(shape).transpose(axes))
            return self._stored[key]
        tensor = self.tensor(name)
        if shape != self.shape(name):
            plain = tuple(range(len(tensor.axes)))
            tensor = Tensor(self.reshape(self._arrange(tensor, plain), shape), tuple(range(len(shape))))
        return self._arrange(tensor, axes)

    def axes_with_last(self, name: str, axis: int) -> Axes:
        """The order of axes in which a tensor is held, with this axis moved to the end."""
        return (*(a for a in self.tensor(name).axes if a != axis), axis)

    def _arrange(self, tensor: Tensor, axes: Axes) -> str:
        if tensor.axes == axes:
            return tensor.value
        order = tuple(tensor.axes.index(a) for a in axes)
        old = self.builder.values[tensor.value].type.shape
        if not moves_data(old, order):
            return self.reshape(tensor.value, tuple(old[a] for a in order))
        if (tensor.value, order) not in self._arranged:
            name = self.fresh(f"{tensor.value}_transposed")
            self._arranged[tensor.value, order] = self.builder.add(Transpose(order), (tensor.value,), name)
        return self._arranged[tensor.value, order]

    def reshape(self, value: str, shape: tuple[int, ...], name: str = "") -> str:
        """A value with the elements of another in another shape; reshapes of reshapes become one."""
        source = self._reshaped.get(value, value)
        for known in (value, source):
            if self.builder.values[known].type.shape == shape:
                return known
        result = self.builder.add(Reshape(shape), (source,), name or self.fresh(f"{value}_reshaped"))
        self._reshaped[result] = source
        return result

    # outputs of the model's nodes

    def define(self, name: str, op: Op, inputs: Sequence[str], axes: Axes) -> None:
        """Adds the node that computes a tensor of the model; the value has the tensor's name."""
        self.builder.add(op, inputs, name)
        self.tensors[name] = Tensor(name, axes)

    def step(self, name: str, op: Op, inputs: Sequence[str]) -> str:
        """Adds a node that computes what the model has no tensor for, under a name like `name`."""
        return self.builder.add(op, inputs, self.fresh(name))

    def define_reshape(self, name: str, value: str, shape: tuple[int, ...], axes: Axes) -> None:
        """Defines a tensor of the model as the elements of a value in another shape."""
        self.tensors[name] = Tensor(self.reshape(value, shape, name), axes)

    def input(self, name: str, shape: tuple[int, ...], axes: Axes) -> None:
        self.builder.input(name, Type(tuple(shape[a] for a in axes), F32))
        self.tensors[name] = Tensor(name, axes)

    def rename_axes(self, name: str, source: str, order: Axes) -> None:
        """Defines a tensor as another one whose axis `order[i]` is now called `i`."""
        tensor = self.tensor(source)
        self.tensors[name] = Tensor(tensor.value, tuple(order.index(a) for a in tensor.axes))

    def alias(self, name: str, source: str) -> None:
        """Defines a tensor as another one."""
        if source in self.constants:
            self.constants[name] = self.constants[source]
        else:
            self.tensors[name] = self.tensor(source)


def check_float(name: str, array: Array) -> None:
    """Raises Unsupported when a tensor is not float32, TapeoutError when it holds NaN or infinity."""
    if array.dtype != np.float32:
        raise Unsupported(f"tensor {name} is {array.dtype}; only float32 models are supported")
    if not np.isfinite(array).all():
        raise TapeoutError(f"tensor {name} holds NaN or infinity; the model cannot be compiled")
