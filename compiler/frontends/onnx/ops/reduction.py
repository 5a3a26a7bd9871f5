"""ReduceMean and Softmax: ops over whole axes."""
from __future__ import annotations

from math import prod

from ....ops.mean import Mean
from ....ops.softmax import Softmax as SoftmaxOp
from ..call import Call
from ..importer import Importer


def ReduceMean(importer: Importer, call: Call) -> None:
    """The axes are an attribute before opset 18 and an input since; without any all axes are reduced."""
    tensor = importer.tensor(call.required(0))
    rank = len(tensor.axes)
    listed = tuple(int(a) for a in importer.constant(call, 1)) if call.input(1) else call.integers("axes")
    if not listed and call.integer("noop_with_empty_axes", 0):
        importer.alias(call.output, call.required(0))
        return
    reduced = sorted({call.axis(a, rank) for a in listed or range(rank)})
    positions = tuple(sorted(tensor.axes.index(a) for a in reduced))
    if call.integer("keepdims", 1):
        importer.define(call.output, Mean(positions, keepdims=True), (tensor.value,), tensor.axes)
        return
    kept = [a for a in tensor.axes if a not in reduced]
    axes = tuple(sorted(kept).index(a) for a in kept)
    importer.define(call.output, Mean(positions, keepdims=False), (tensor.value,), axes)


def Softmax(importer: Importer, call: Call) -> None:
    """Along one axis since opset 13; before over all axes from one on, as if they were one."""
    x = call.required(0)
    shape = importer.shape(x)
    axis = call.axis(call.integer("axis", -1 if call.opset >= 13 else 1), len(shape))
    if call.opset >= 13 or prod(shape[axis:]) == shape[axis]:
        axes = importer.axes_with_last(x, axis)
        importer.define(call.output, SoftmaxOp(), (importer.value(x, axes),), axes)
        return
    held = importer.tensor(x).axes
    axes = (*(a for a in held if a < axis), *(a for a in held if a >= axis))
    value = importer.value(x, axes)
    rows = importer.reshape(value, (prod(shape[:axis]), prod(shape[axis:])))
    y = importer.step(f"{call.output}_rows", SoftmaxOp(), (rows,))
    importer.define_reshape(call.output, y, tuple(shape[a] for a in axes), axes)
