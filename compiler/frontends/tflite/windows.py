"""Sliding windows: options that convolutions and poolings share."""
from __future__ import annotations

import tflite

from ...errors import TapeoutError
from ...window import Window, same_pads
from .importer import Call

WINDOW = ("Padding", "StrideH", "StrideW")


def image(call: Call) -> tuple[int, ...]:
    """The shape of the first input, which must have the axes NHWC."""
    shape = call.type(0).shape
    if len(shape) != 4:
        raise TapeoutError(f"input {call.tensor(0).name} is {call.type(0).dims}, not batch x height x width x channels: corrupt")
    return shape


def window_and_pads(
    call: Call, kernel: tuple[int, int], padding: int, stride_h: int, stride_w: int, dilation_h: int = 1, dilation_w: int = 1
) -> Window:
    """The window over the first input, NHWC, with the pads of SAME or VALID."""
    window = Window(kernel, (stride_h, stride_w), (dilation_h, dilation_w))
    if min(*window.kernel, *window.stride, *window.dilation) < 1:
        raise TapeoutError(f"has kernel {kernel}, stride {window.stride}, dilation {window.dilation}: corrupt")
    if padding not in (tflite.Padding.SAME, tflite.Padding.VALID):
        raise TapeoutError(f"has padding {padding}, which is neither SAME nor VALID: corrupt")
    _, height, width, _ = image(call)
    pads = same_pads((height, width), window) if padding == tflite.Padding.SAME else (0, 0, 0, 0)
    return Window(window.kernel, window.stride, window.dilation, pads)
