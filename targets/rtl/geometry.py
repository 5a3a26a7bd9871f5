"""What ops that slide a window over an image share: the parameters of window.sv, and what it holds."""
from __future__ import annotations

from tapeout.compiler.ir import Type
from tapeout.compiler.window import Window


def window_params(window: Window, x: Type, y: Type, fill: int) -> dict[str, int]:
    """For images `x` (N, H, W, C) whose windows make the pixels of `y`; lanes outside of an image hold `fill`."""
    return {
        "IMAGES": x.shape[0], "HEIGHT": x.shape[1], "WIDTH": x.shape[2], "K_H": window.kernel[0], "K_W": window.kernel[1],
        "S_H": window.stride[0], "S_W": window.stride[1], "D_H": window.dilation[0], "D_W": window.dilation[1], "TOP": window.pads[0],
        "LEFT": window.pads[1], "OUT_H": y.shape[1], "OUT_W": y.shape[2], "FILL": fill,
    }  # fmt: skip


def held(window: Window, x: Type, lanes: int) -> int:
    """The beats that window.sv and what is behind it hold: its ring of lines, the lines that a stride passes over, four windows."""
    reach = (window.kernel[0] - 1) * window.dilation[0] + 1
    lines = (reach + 2 * window.stride[0]) * x.shape[2] + 4 * window.stride[1]
    return lines * x.shape[3] // lanes
