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


class _StraightThrough(torch.autograd.Function):
    """Whole numbers; the gradient is that of the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Rounding) -> Tensor:
        return whole(x, rounding)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0], None


def straight_through(x: Tensor, rounding: Rounding) -> Tensor:
    """Whole numbers by one rule; the gradient passes straight through."""
    y: Tensor = _StraightThrough.apply(x, rounding)  # type: ignore[no-untyped-call]
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
        return x + (x.float().to(kind).to(x.dtype) - x).detach()


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
        return x + (y - x).detach()
