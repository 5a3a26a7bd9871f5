"""Weights and activations of one bit, and weights of three values, as torch modules.

BiPer (Vargas et al., CVPR 2024, arXiv 2404.01278) makes a bit of the sign of a sine of the weight instead of the sign of the weight:
a square wave forward, and backward the sine wave of the same period. All modules here map the weights that training moves to the
weights that the layer uses; those are what an annotated graph holds as its constants, so that the graph is what was trained.
"""
from __future__ import annotations

import math
from abc import ABC, abstractmethod
from enum import IntEnum
from typing import Any

import torch
from torch import Tensor, nn

from tapeout.compiler.errors import TapeoutError

WORST_ANGLE = 0.9549  # b * w0 at which `quantization_error` peaks, at 0.102835
SINE_SHARE = 0.5  # of all epochs, in which training uses the sine itself
_SMALLEST = float(torch.finfo(torch.float32).tiny)


def quantization_error(angle: float) -> float:
    """Mean squared error of `gamma * sign(sin(w0 * w))` against `sin(w0 * w)` under a Laplace prior of scale b, `angle` being b * w0.

    With t = |w| / b the prior is exp(-t), and the best gamma is the mean of the magnitudes, so the error is E[sin^2] - E[|sin|]^2:
      E[sin^2(angle t)] = 2 angle^2 / (1 + 4 angle^2)                    (half of 1 - E[cos(2 angle t)])
      E[|sin(angle t)|] = angle / (1 + angle^2) * coth(pi / (2 angle))   (one half wave, times the geometric series of all)
    It is 0 for angle -> 0, peaks at `WORST_ANGLE` and tends to 1/2 - 4/pi^2 = 0.0947: the frequency controls it.
    Raises TapeoutError for an angle that is not positive.
    """
    if not angle > 0:
        raise TapeoutError(f"b * w0 = {angle}: the frequency and the scale of the prior are positive")
    square = 2 * angle**2 / (1 + 4 * angle**2)
    magnitude = angle / (1 + angle**2) / math.tanh(math.pi / (2 * angle))
    return square - magnitude**2


class _Straight(torch.autograd.Function):
    """The second operand; the gradient passes to the first as if it were that."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0], None


class _Quadratic(torch.autograd.Function):
    """+1 where x >= 0, else -1; the gradient is 2 - 2 |x| within 1 of 0, that of a sign made of parabolas (arXiv 1808.00278)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * (2 - 2 * x.abs()).clamp(min=0)


class BinaryActivation(nn.Module):
    """`x >= 0 ? scale : -scale` for an activation of any shape."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        signs: Tensor = _Quadratic.apply(x)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return self.scale * signs


class WeightQuantizer(nn.Module, ABC):
    """Weights w as codes times a scale, one for each channel of `axis` or one for all. `forward(w)` gives them, in the shape of w."""

    def __init__(self, axis: int | None) -> None:
        super().__init__()
        self.axis = axis

    @abstractmethod
    def codes(self, w: Tensor) -> Tensor:
        """The codes of the layer's `QType`, in int8 and in the shape of w."""

    @abstractmethod
    def scale(self, w: Tensor) -> Tensor:
        """The scale of each channel (C), or of all (1); positive, and a normal number of float32."""

    def channels(self, x: Tensor) -> Tensor:
        """The elements (C, rest) of a tensor in the shape of w that share a scale."""
        return x.reshape(1, -1) if self.axis is None else x.movedim(self.axis, 0).flatten(1)

    def spread(self, entries: Tensor, w: Tensor) -> Tensor:
        """Entries (C) in a shape that broadcasts against w."""
        return entries.reshape([-1 if axis == self.axis else 1 for axis in range(w.dim())])


class Stage(IntEnum):
    """Of the training of `BiPer`: the sine itself as weights, which take all values, or its sign."""

    SINE = 1
    SIGN = 2


class BiPer(WeightQuantizer):
    """Binary weights `scale * sign(sin(w0 * w))`, sign(0) = +1; the gradient is that of the sine.

    In stage SINE the weights are `gain * sin(w0 * w)`, in stage SIGN the nearest that two values per channel come to them: the scale
    is `gain` times the mean of |sin(w0 * w)|. `w0` is made for the weights `w` that training starts from: b * w0 = `angle`,
    b being the mean of their magnitudes, the Laplace scale that fits them. `gain` (C) is learned, and starts where SINE comes closest to w.
    """

    def __init__(self, w: Tensor, axis: int | None = 0, angle: float = 1.5) -> None:
        super().__init__(axis)
        if not angle > 0:
            raise TapeoutError(f"b * w0 = {angle}: the frequency is positive")
        w = w.detach()
        b = float(w.abs().mean()) if w.numel() else 0.0
        self.w0: Tensor
        self.register_buffer("w0", torch.tensor(angle / b if b > _SMALLEST else 1.0))
        self.stage: Stage = Stage.SINE
        rows, waves = self.channels(w), self.channels(self.wave(w))
        fit = (rows * waves).sum(1) / (waves**2).sum(1).clamp(min=_SMALLEST)
        gain = torch.where(fit > 0, fit, rows.abs().mean(1)).clamp(min=_SMALLEST)
        self.exponent = nn.Parameter(torch.log2(gain))  # so that a step of training is a share of the gain, however small that is

    def schedule(self, epoch: int, epochs: int) -> None:
        """Sets the stage of an epoch, from 0, of so many: SINE for the share `SINE_SHARE` of them, then SIGN, for at least the last."""
        self.stage = Stage.SINE if epoch < min(int(SINE_SHARE * epochs), epochs - 1) else Stage.SIGN

    def wave(self, w: Tensor) -> Tensor:
        """`sin(w0 * w)`."""
        return torch.sin(self.w0 * w)

    def forward(self, w: Tensor) -> Tensor:
        wave = self.wave(w)
        if self.stage is Stage.SINE:
            return wave * self.spread(self.gain, w)
        return _straight(wave, _sign(wave)) * self.spread(self.scale(w), w)

    def codes(self, w: Tensor) -> Tensor:
        """1 where sin(w0 * w) >= 0, else 0: the bit after the sine, which the sign of w does not tell."""
        return (self.wave(w) >= 0).to(torch.int8)

    def scale(self, w: Tensor) -> Tensor:
        return (self.gain * self.channels(self.wave(w).detach()).abs().mean(1)).clamp(min=_SMALLEST)

    @property
    def gain(self) -> Tensor:
        return torch.exp2(self.exponent)


class SignStraightThrough(WeightQuantizer):
    """Binary weights `scale * sign(w)`, sign(0) = +1, the scale the mean of |w| (arXiv 1603.05279).

    The gradient passes straight through.
    """

    def forward(self, w: Tensor) -> Tensor:
        return _straight(w, _sign(w) * self.spread(self.scale(w), w))

    def codes(self, w: Tensor) -> Tensor:
        return (w >= 0).to(torch.int8)

    def scale(self, w: Tensor) -> Tensor:
        return self.channels(w.detach()).abs().mean(1).clamp(min=_SMALLEST)


class TernaryStraightThrough(WeightQuantizer):
    """Weights -scale, 0 and +scale: 0 up to 0.7 of the mean of |w|, the scale the mean of the other |w| (arXiv 1605.04711).

    The gradient passes straight through.
    """

    def forward(self, w: Tensor) -> Tensor:
        return _straight(w, self.codes(w) * self.spread(self.scale(w), w))

    def codes(self, w: Tensor) -> Tensor:
        """-1, 0 or 1."""
        w = w.detach()
        return (w.sign() * (w.abs() > self.spread(self._bound(w), w))).to(torch.int8)

    def scale(self, w: Tensor) -> Tensor:
        rows = self.channels(w.detach()).abs()
        kept = rows > self._bound(w.detach())[:, None]
        return ((rows * kept).sum(1) / kept.sum(1).clamp(min=1)).clamp(min=_SMALLEST)

    def _bound(self, w: Tensor) -> Tensor:
        return 0.7 * self.channels(w).abs().mean(1)


def _sign(x: Tensor) -> Tensor:
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def _straight(x: Tensor, value: Tensor) -> Tensor:
    result: Tensor = _Straight.apply(x, value)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return result
