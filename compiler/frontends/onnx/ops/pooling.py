"""MaxPool, AveragePool and their global forms."""
from __future__ import annotations

from dataclasses import replace

from ....errors import TapeoutError
from ....ops.average_pool2d import AveragePool2D
from ....ops.max_pool2d import MaxPool2D
from ....window import Window
from ..call import Call
from ..importer import Importer
from ..planes import define_planes, planes, window


def MaxPool(importer: Importer, call: Call) -> None:
    x = planes(importer, call)
    define_planes(importer, call, MaxPool2D(_rounded_up(importer, call, x, _window(importer, call))), (x,))


def AveragePool(importer: Importer, call: Call) -> None:
    x = planes(importer, call)
    exact = _window(importer, call)
    rounded = _rounded_up(importer, call, x, exact)
    counted = bool(call.integer("count_include_pad", 0))
    if counted and rounded != exact:
        call.refuse("count_include_pad with a ceil_mode that adds windows is not supported")
    define_planes(importer, call, AveragePool2D(rounded, counted and any(exact.pads)), (x,))


def GlobalAveragePool(importer: Importer, call: Call) -> None:
    """The mean of each plane: a window as large as the plane."""
    x = planes(importer, call)
    define_planes(importer, call, AveragePool2D(Window(_size(importer, x))), (x,))


def GlobalMaxPool(importer: Importer, call: Call) -> None:
    x = planes(importer, call)
    define_planes(importer, call, MaxPool2D(Window(_size(importer, x))), (x,))


def _size(importer: Importer, x: str) -> tuple[int, int]:
    _, height, width, _ = importer.builder.values[x].type.shape
    return height, width


def _window(importer: Importer, call: Call) -> Window:
    kernel = call.integers("kernel_shape")
    if kernel is None:
        raise TapeoutError(f"{call.name}: {call.op} lacks kernel_shape")
    return window(importer, call, kernel)


def _rounded_up(importer: Importer, call: Call, x: str, exact: Window) -> Window:
    """The window with `ceil_mode` as wider padding at the bottom right; a window that would start in it is left out."""
    if not call.integer("ceil_mode", 0):
        return exact
    pads = list(exact.pads)
    for axis, size in enumerate(_size(importer, x)):
        room = size + exact.pads[axis] + exact.pads[axis + 2] - (exact.kernel[axis] - 1) * exact.dilation[axis] - 1
        missing = -room % exact.stride[axis]
        if room + missing - exact.pads[axis] < size:
            pads[axis + 2] += missing
    return replace(exact, pads=(pads[0], pads[1], pads[2], pads[3]))
