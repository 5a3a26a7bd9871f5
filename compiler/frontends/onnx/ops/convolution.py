"""Conv, and its relatives that are refused."""
from __future__ import annotations

import numpy as np

from ....errors import TapeoutError
from ....ir import Array
from ....ops.conv2d import Conv2D
from ....ops.depthwise_conv2d import DepthwiseConv2D
from ..call import Call
from ..importer import Importer
from ..planes import define_planes, planes, window


def Conv(importer: Importer, call: Call) -> None:
    """Convolution over one or two axes; with one group for each input channel it is depthwise."""
    x, w = planes(importer, call), importer.weights(call, 1)
    channels, groups = importer.shape(call.required(0))[1], call.integer("group", 1)
    if w.ndim != importer.rank(call.required(0)) or groups < 1 or w.shape[1] * groups != channels or w.shape[0] % groups:
        raise TapeoutError(f"{call.name}: weights {call.inputs[1]} of shape {w.shape} do not fit {channels} channels in {groups} group(s)")
    win = window(importer, call, tuple(w.shape[2:]))
    operands = [x]
    if groups == channels and groups > 1:
        operands.append(importer.stored(call.inputs[1], lambda array: _oihw(array)[:, 0].transpose(1, 2, 0)))
    else:
        operands.append(importer.stored(call.inputs[1], lambda array: _oihw(array).transpose(0, 2, 3, 1)))
    if call.input(2):
        importer.weights(call, 2)
    operands.append(importer.stored(call.inputs[2]) if call.input(2) else "")
    if groups == channels and groups > 1:
        define_planes(importer, call, DepthwiseConv2D(win.stride, win.dilation, win.pads), tuple(operands))
    else:
        define_planes(importer, call, Conv2D(win.stride, win.dilation, win.pads, groups), tuple(operands))


def _oihw(w: Array) -> Array:
    """Weights over one axis as those over two."""
    return w if w.ndim == 4 else w[:, :, np.newaxis]
