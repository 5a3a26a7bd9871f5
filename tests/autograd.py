"""Gradients by torch's autograd in float64, against which those of the compiler are held."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array
from tapeout.compiler.window import Window
from tests.cases import rng_for

if TYPE_CHECKING:
    from torch import Tensor


def gradients(function: Callable[..., Any], operands: list[Array], g: Array) -> list[Array]:
    """The gradients of each operand for the gradient `g` of the function's output."""
    import torch

    tensors = [torch.tensor(np.asarray(a, np.float64), requires_grad=True) for a in operands]
    function(*tensors).backward(torch.tensor(np.asarray(g, np.float64)))
    return [np.zeros(a.shape) if t.grad is None else t.grad.numpy() for t, a in zip(tensors, operands, strict=True)]


def each(real: Callable[..., Array]) -> Callable[..., Array]:
    """A function of arrays that have a leading axis of samples, by one of single samples."""

    def over_samples(first: Array, *others: Array) -> Array:
        return np.stack([real(*operands) for operands in zip(first, *others, strict=True)])

    return over_samples


def convolved(x: Tensor, w: Tensor, window: Window, groups: int) -> Tensor:
    """conv2d of x NHWC by w OHWI."""
    import torch.nn.functional as F

    top, left, bottom, right = window.pads
    padded = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    y = F.conv2d(padded, w.permute(0, 3, 1, 2), None, window.stride, 0, window.dilation, groups)
    return y.permute(0, 2, 3, 1)


def depthwise(x: Tensor, w: Tensor, window: Window) -> Tensor:
    """depthwise_conv2d of x NHWC by w HWO."""
    return convolved(x, w.permute(2, 0, 1)[..., None], window, x.shape[3])


def random_windows(name: str, count: int, padded_windows: bool = True) -> Iterator[tuple[tuple[int, int, int], Window]]:
    """Numbers (images, height, width) and a window that fits them, by chance: strides, dilation, uneven pads."""
    rng, found = rng_for(name), 0
    while found < count:
        draw = [int(n) for n in rng.integers((1, 1, 1, 1, 1, 1, 1, 1, 1), (3, 9, 9, 5, 5, 4, 4, 3, 3))]
        pads = tuple(int(n) for n in rng.integers(0, 3, 4))
        window = Window((draw[3], draw[4]), (draw[5], draw[6]), (draw[7], draw[8]), (pads[0], pads[1], pads[2], pads[3]))
        try:
            window.output(draw[1], draw[2])
            if not padded_windows:
                window.taps(draw[1], draw[2])
        except TapeoutError:
            continue
        found += 1
        yield (draw[0], draw[1], draw[2]), window
