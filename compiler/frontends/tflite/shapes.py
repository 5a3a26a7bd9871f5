"""Operators that move elements or only name them anew, and those that compute shapes, which become constants."""
from __future__ import annotations

from math import prod

import numpy as np
import tflite

from ...errors import TapeoutError, Unsupported
from ...ops.concat import Concat
from ...ops.pad import Pad
from ...ops.reshape import Reshape
from ...ops.slice import Slice
from ...ops.transpose import Transpose
from .activation import emit_clipped
from .importer import Call


def reshape(call: Call) -> None:
    """The shape is the second input, else that of the options, else the file's output; one -1 stands for what is left."""
    shape = call.numbers(1) if call.has(1) else list(call.output.shape)
    size = call.type(0).size
    if shape.count(-1) == 1:
        rest = prod(d for d in shape if d >= 0)
        shape = [d if d >= 0 else size // max(rest, 1) for d in shape]
    call.emit(Reshape(tuple(shape)), [call.input(0)])


def squeeze(call: Call) -> None:
    (axes,) = call.options(tflite.SqueezeOptions, "SqueezeDimsAsNumpy")
    shape = call.type(0).shape
    dropped = {axis_of(int(a), len(shape)) for a in axes} if not isinstance(axes, int) else {i for i, d in enumerate(shape) if d == 1}
    call.emit(Reshape(tuple(d for i, d in enumerate(shape) if i not in dropped)), [call.input(0)])


def expand_dims(call: Call) -> None:
    shape = call.type(0).shape
    axis = axis_of(_only(call, 1), len(shape) + 1)
    call.emit(Reshape((*shape[:axis], 1, *shape[axis:])), [call.input(0)])


def pad(call: Call) -> None:
    """PAD fills with zero, PADV2 with the element of its third input."""
    pads = call.numbers(1)
    if len(pads) != 2 * len(call.type(0).shape):
        raise TapeoutError(f"pads {call.type(0).dims} by {pads}: corrupt")
    value = 0.0 if call.floats else float(call.codes(0).zero[0])
    if call.has(2):
        fill = call.constant(2)
        if fill.size != 1 or call.tensor(2).q != call.tensor(0).q:
            raise Unsupported(f"fills with {call.tensor(2).name}, which is not one element of the input's format")
        value = float(fill.ravel()[0])
    call.emit(Pad(tuple(pads[::2]), tuple(pads[1::2]), value), [call.input(0)])


def concatenation(call: Call) -> None:
    axis, activation = call.options(tflite.ConcatenationOptions, "Axis", "FusedActivationFunction")
    inputs = [call.input(i) for i in range(len(call.operator.inputs))]
    emit_clipped(call, Concat(axis_of(axis, len(call.type(0).shape))), inputs, activation)


def transpose(call: Call) -> None:
    call.emit(Transpose(tuple(call.numbers(1))), [call.input(0)])


def slice_(call: Call) -> None:
    """A size of -1 reaches to the end."""
    begin, size, shape = call.numbers(1), call.numbers(2), call.type(0).shape
    if not len(begin) == len(size) == len(shape):
        raise TapeoutError(f"slices {call.type(0).dims} from {begin} by {size}: corrupt")
    sizes = tuple(d - b if s == -1 else s for d, b, s in zip(shape, begin, size, strict=True))
    call.emit(Slice(tuple(begin), sizes, (1,) * len(shape)), [call.input(0)])


def strided_slice(call: Call) -> None:
    begin_mask, end_mask, *others, shrink = call.options(
        tflite.StridedSliceOptions, "BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "Offset", "ShrinkAxisMask"
    )
    if any(others):
        raise Unsupported("has an ellipsis, a new axis or an offset in its slice; write it as plain ranges")
    array = call.known(0)
    shape = call.type(0).shape if array is None else array.shape
    starts, stops, strides = call.numbers(1), call.numbers(2), call.numbers(3)
    if not len(starts) == len(stops) == len(strides) == len(shape) or 0 in strides:
        raise TapeoutError(f"slices {list(shape)} from {starts} to {stops} by {strides}, which is not a range for each axis")
    ranges = []
    for axis, size in enumerate(shape):
        bit = 1 << axis
        if shrink & bit:
            index = axis_of(starts[axis], size)
            ranges.append(range(index, index + 1))
            continue
        start = None if begin_mask & bit else starts[axis]
        stop = None if end_mask & bit else stops[axis]
        ranges.append(range(*slice(start, stop, strides[axis]).indices(size)))
    kept = tuple(len(r) for i, r in enumerate(ranges) if not shrink & 1 << i)
    if array is not None:
        call.fold(array[np.ix_(*ranges)].reshape(kept))
        return
    op = Slice(tuple(r.start for r in ranges), tuple(len(r) for r in ranges), tuple(r.step for r in ranges))
    if kept == op.size:
        call.emit(op, [call.input(0)])
    else:
        call.emit(Reshape(kept), [call.emit(op, [call.input(0)], last=False, suffix="_slice")])


def shape(call: Call) -> None:
    call.fold(np.array(call.type(0).shape, np.int32))


def pack(call: Call) -> None:
    """Of constants only: how converters build the shape that a reshape takes."""
    (axis,) = call.options(tflite.PackOptions, "Axis")
    parts = [call.constant(i) for i in range(len(call.operator.inputs))]
    if len({p.shape for p in parts}) != 1:
        raise TapeoutError("packs tensors of different shapes: corrupt")
    call.fold(np.stack(parts, axis_of(axis, parts[0].ndim + 1)))


def _only(call: Call, position: int) -> int:
    numbers = call.numbers(position)
    if len(numbers) != 1:
        raise TapeoutError(f"input {call.tensor(position).name} holds {len(numbers)} numbers, not one: corrupt")
    return numbers[0]


def axis_of(axis: int, rank: int) -> int:
    """The axis counted from the front; also an index into `rank` elements."""
    if not -rank <= axis < rank:
        raise TapeoutError(f"names axis {axis} of {rank}: corrupt")
    return axis % rank
