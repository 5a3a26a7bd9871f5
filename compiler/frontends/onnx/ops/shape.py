"""Ops that move, join or cut elements without computing any."""
from __future__ import annotations

from math import prod

import numpy as np

from ....errors import TapeoutError
from ....ops.concat import INPUTS
from ....ops.concat import Concat as ConcatOp
from ....ops.pad import Pad as PadOp
from ....ops.slice import Slice as SliceOp
from ..call import Call
from ..importer import Axes, Importer, channels_last


def Shape(importer: Importer, call: Call) -> None:
    """Every shape is known when the model is read, so that shape arithmetic is constant."""
    shape = importer.shape(call.required(0))
    end = call.integer("end", len(shape))
    importer.constants[call.output] = np.array(shape[call.integer("start", 0) : end], np.int64)


def Size(importer: Importer, call: Call) -> None:
    importer.constants[call.output] = np.array(prod(importer.shape(call.required(0))), np.int64)


def Transpose(importer: Importer, call: Call) -> None:
    """A change of what the axes are called; data move where a later op needs another order."""
    tensor = importer.tensor(call.required(0))
    order = call.integers("perm") or tuple(reversed(range(len(tensor.axes))))
    if sorted(order) != list(range(len(tensor.axes))):
        raise TapeoutError(f"{call.name}: Transpose has perm {order} for a tensor of rank {len(tensor.axes)}")
    importer.rename_axes(call.output, call.required(0), order)


def Flatten(importer: Importer, call: Call) -> None:
    shape = importer.shape(call.required(0))
    axis = call.integer("axis", 1)
    split = axis if axis == len(shape) else call.axis(axis, len(shape))
    _reshape(importer, call, (prod(shape[:split]), prod(shape[split:])))


def Reshape(importer: Importer, call: Call) -> None:
    """In the target shape 0 copies a dimension (unless `allowzero`) and one -1 takes the rest."""
    shape, target = importer.shape(call.required(0)), [int(n) for n in importer.constant(call, 1).reshape(-1)]
    if not call.integer("allowzero", 0):
        target = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(target)]
    if target.count(-1) == 1:
        rest = -prod(target)
        target[target.index(-1)] = prod(shape) // rest if rest > 0 else 0
    if prod(target) != prod(shape) or min(target, default=1) < 1:
        raise TapeoutError(f"{call.name}: a tensor of shape {shape} cannot be reshaped to {tuple(target)}")
    _reshape(importer, call, tuple(target))


def Squeeze(importer: Importer, call: Call) -> None:
    """The axes are an attribute before opset 13 and an input since; without any all axes of size 1 go."""
    shape = importer.shape(call.required(0))
    listed = _axes(importer, call)
    gone = {call.axis(a, len(shape)) for a in listed} if listed else {a for a, n in enumerate(shape) if n == 1}
    if any(shape[a] != 1 for a in gone):
        raise TapeoutError(f"{call.name}: Squeeze of axes {sorted(gone)} of shape {shape}, which are not 1")
    _reshape(importer, call, tuple(n for a, n in enumerate(shape) if a not in gone))


def Unsqueeze(importer: Importer, call: Call) -> None:
    """The axes are an attribute before opset 13 and an input since."""
    shape, listed = importer.shape(call.required(0)), _axes(importer, call)
    rank = len(shape) + len(listed)
    added = {call.axis(a, rank) for a in listed}
    rest = iter(shape)
    _reshape(importer, call, tuple(1 if a in added else next(rest) for a in range(rank)))


def Concat(importer: Importer, call: Call) -> None:
    """Inputs take the order of axes of the largest computed one."""
    rank = importer.rank(call.required(0))
    axis = call.axis(call.integer("axis", 1), rank)
    computed = [name for name in call.inputs if name in importer.tensors]
    axes = importer.tensor(max(computed, key=lambda name: prod(importer.shape(name)))).axes
    if any(importer.rank(name) != rank for name in call.inputs):
        raise TapeoutError(f"{call.name}: Concat of tensors of different rank")
    values = [importer.value(name, axes) for name in call.inputs]
    while len(values) > INPUTS:
        values = [importer.step(f"{call.output}_part", ConcatOp(axes.index(axis)), values[:INPUTS]), *values[INPUTS:]]
    if len(values) == 1:
        importer.alias(call.output, call.required(0))
    else:
        importer.define(call.output, ConcatOp(axes.index(axis)), values, axes)


def Pad(importer: Importer, call: Call) -> None:
    """Constants around a tensor; pads and value are attributes before opset 11 and inputs since."""
    if call.text("mode", "constant") != "constant":
        call.refuse(f"mode {call.text('mode', 'constant')} is not supported")
    tensor = importer.tensor(call.required(0))
    rank = len(tensor.axes)
    if call.opset < 11:
        pads, value = list(call.integers("pads") or ()), call.number("value", 0.0)
    else:
        pads = [int(n) for n in importer.constant(call, 1).reshape(-1)]
        value = float(importer.constant(call, 2).reshape(())) if call.input(2) else 0.0
    axes = [call.axis(int(a), rank) for a in importer.constant(call, 3)] if call.input(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise TapeoutError(f"{call.name}: Pad has {len(pads)} pads for {len(axes)} axes")
    if min(pads, default=0) < 0:
        call.refuse("negative pads are not supported; use a Slice")
    around = {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    before, after = (tuple(around.get(a, (0, 0))[side] for a in tensor.axes) for side in (0, 1))
    importer.define(call.output, PadOp(before, after, value), (tensor.value,), tensor.axes)


def Slice(importer: Importer, call: Call) -> None:
    """Starts, ends and axes are attributes before opset 10 and inputs since, with steps."""
    shape = importer.shape(call.required(0))
    if call.opset < 10:
        starts, ends, axes = (call.integers(name) for name in ("starts", "ends", "axes"))
        steps = None
    else:
        starts, ends, axes, steps = (tuple(int(n) for n in importer.constant(call, i)) if call.input(i) else None for i in range(1, 5))
    starts, ends = starts or (), ends or ()
    axes = axes if axes is not None else tuple(range(len(starts)))
    steps = steps or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise TapeoutError(f"{call.name}: Slice has {len(starts)} starts, {len(ends)} ends, {len(axes)} axes and {len(steps)} steps")
    ranges = [range(n) for n in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = call.axis(axis, len(shape))
        ranges[axis] = ranges[axis][start:end:step]
    _cut(importer, call, call.output, ranges)


def Split(importer: Importer, call: Call) -> None:
    """Sizes are an attribute before opset 13 and an optional input since; without any the parts are equal."""
    shape = importer.shape(call.required(0))
    axis = call.axis(call.integer("axis", 0), len(shape))
    sizes = tuple(int(n) for n in importer.constant(call, 1)) if call.input(1) else call.integers("split")
    if sizes is None:
        part = -(-shape[axis] // len(call.outputs))
        sizes = (*(part,) * (len(call.outputs) - 1), shape[axis] - part * (len(call.outputs) - 1))
    if len(sizes) != len(call.outputs) or sum(sizes) != shape[axis] or min(sizes) < 1:
        raise TapeoutError(f"{call.name}: Split of {shape[axis]} elements into {sizes} for {len(call.outputs)} outputs")
    for index, name in enumerate(call.outputs):
        ranges = [range(n) for n in shape]
        ranges[axis] = range(sum(sizes[:index]), sum(sizes[: index + 1]))
        if name:
            _cut(importer, call, name, ranges)


def _axes(importer: Importer, call: Call) -> tuple[int, ...]:
    if call.input(1):
        return tuple(int(a) for a in importer.constant(call, 1).reshape(-1))
    return call.integers("axes") or ()


def _cut(importer: Importer, call: Call, output: str, ranges: list[range]) -> None:
    """Defines a tensor as the elements at `ranges`, one for each axis in the model's order."""
    tensor = importer.tensor(call.required(0))
    if any(not r for r in ranges):
        call.refuse("the result has no elements")
    held = [ranges[a] for a in tensor.axes]
    op = SliceOp(tuple(r.start for r in held), tuple(len(r) for r in held), tuple(r.step for r in held))
    importer.define(output, op, (tensor.value,), tensor.axes)


def _reshape(importer: Importer, call: Call, target: tuple[int, ...]) -> None:
    """Defines the output as the first input in another shape, with as little movement as its order of axes allows.

    Both shapes are cut into the smallest blocks of axes with equal products. Blocks may stay in the order
    in which the value holds them; within a block of several axes the order must be the model's.
    """
    x = call.required(0)
    shape, held = importer.shape(x), importer.tensor(x).axes
    blocks = sorted(_blocks(shape, target), key=lambda block: min(held.index(a) for a in block[0]))
    ones = [a for a, n in enumerate(shape) if n == 1]
    value = importer.value(x, (*ones, *(a for block in blocks for a in block[0])))
    axes = _with_ones(target, [a for block in blocks for a in block[1]])
    importer.define_reshape(call.output, value, tuple(target[a] for a in axes), axes)


def _blocks(source: tuple[int, ...], target: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """The axes of two shapes of equal size, without those of size 1, cut where their running products meet."""
    left = [a for a, n in enumerate(source) if n != 1]
    right = [a for a, n in enumerate(target) if n != 1]
    blocks = []
    while left:
        before, after = [left.pop(0)], [right.pop(0)]
        while (have := prod(source[a] for a in before)) != (want := prod(target[a] for a in after)):
            if have < want:
                before.append(left.pop(0))
            else:
                after.append(right.pop(0))
        blocks.append((before, after))
    return blocks


def _with_ones(shape: tuple[int, ...], order: list[int]) -> Axes:
    """An order of all axes that keeps `order`, that of the axes which are not 1: NCHW or NHWC where it can be."""
    for axes in (tuple(range(len(shape))), channels_last(len(shape))):
        if [a for a in axes if shape[a] != 1] == order:
            return axes
    return (*(a for a in range(len(shape)) if a not in order), *order)
