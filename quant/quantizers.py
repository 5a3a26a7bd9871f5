"""Quantizers of activations as torch modules: what maps a tensor to the reals of a format, with a gradient that passes straight through."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import QType
from tapeout.compiler.ops.fake_quantize import FakeQuantize

from .biper import BinaryActivation
from .torch_ops import dynamic_scale, whole


class _Replace(torch.autograd.Function):
    """`value`; the gradient passes to x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0], None


def straight_through(x: Tensor, rounding: Rounding) -> Tensor:
    """Whole numbers by one rule; the gradient passes straight through."""
    return _replaced(x, whole(x.detach(), rounding))


def _replaced(x: Tensor, value: Tensor) -> Tensor:
    y: Tensor = _Replace.apply(x, value)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return y


class _PerTensor(torch.autograd.Function):
    """`clamp(round(x / scale), least, greatest) * scale`, in few passes over the tensor; gradients as those of the ops one by one.

    Where the bounds do nothing the gradient to x is the identity's, and that to the scale is what rounding moves in steps; elsewhere it is
    the bound.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, least: float, greatest: float, rounding: Rounding) -> Tensor:
        steps = x / scale
        if rounding is Rounding.HALF_UP:
            nearest = steps.floor()
            nearest.add_(torch.sub(steps, nearest).ge_(0.5))
        else:
            nearest = whole(steps, rounding)
        y = nearest.clamp(least, greatest)
        inside = y.eq(nearest)
        y = y.mul_(scale)
        ctx.save_for_backward(steps, y, inside, scale)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        steps, y, inside, scale = ctx.saved_tensors
        grad = grads[0] * inside
        to_scale = None
        if ctx.needs_input_grad[1]:
            to_scale = torch.dot(grads[0].reshape(-1), y.reshape(-1)) / scale - torch.dot(grad.reshape(-1), steps.reshape(-1))
        return grad, to_scale, None, None, None


def per_tensor(x: Tensor, scale: Tensor, q: QType, rounding: Rounding) -> Tensor:
    """The reals of the codes of `q`, which has one zero point, at one scale: what Brevitas' IntQuant gives, three times as fast.

    As in ONNX and the IR the zero point is added behind the rounding.
    """
    y: Tensor = _PerTensor.apply(x, scale, q.min - q.zero[0], q.max - q.zero[0], rounding)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return y


class RoundTo(nn.Module):
    """`straight_through` as Brevitas takes it."""

    def __init__(self, rounding: Rounding) -> None:
        super().__init__()
        self.rounding = rounding

    def forward(self, x: Tensor) -> Tensor:
        return straight_through(x, self.rounding)


class Quantizer(nn.Module):
    """What maps a tensor (N, ...) to the reals of a format; `format` is that, with what training has learned of it, in float32."""

    def __init__(self, format: FakeQuantize) -> None:
        super().__init__()
        self.initial = format

    def format(self) -> FakeQuantize:
        return self.initial


class FloatFormat(Quantizer):
    """Reals rounded to binary16 or bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        kind = {"f16": torch.float16, "bf16": torch.bfloat16}[self.initial.output.code]
        return _replaced(x, x.detach().float().to(kind).to(x.dtype))


class BinaryValues(Quantizer):
    """Activations to -1 and +1."""

    def __init__(self, format: FakeQuantize) -> None:
        super().__init__(format)
        self.binarize = BinaryActivation()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.binarize(x)
        return y


class DynamicQuantizer(Quantizer):
    """Codes by each sample's own extremes, in float32 arithmetic."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            q = self.initial.output
            assert isinstance(q, QType)
            reals = x.float()
            scale, zero = (t.reshape(-1, *(1,) * (x.dim() - 1)) for t in dynamic_scale(self.initial, reals))
            steps = torch.maximum(torch.minimum(reals / scale, q.max - zero), q.min - zero)
            y = (whole(steps, self.initial.rounding) * scale).to(x.dtype)
        return _replaced(x, y)
