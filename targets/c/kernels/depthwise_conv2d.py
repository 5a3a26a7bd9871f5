"""The depthwise_conv2d kernels write a pixel when they have read its window, so that their output may lie over what they have read."""
from __future__ import annotations

from ...target import Kernel
from ...trail import window_trail

KERNELS = tuple(Kernel(f"depthwise_conv2d_{form}", trail=window_trail) for form in ("s8", "f32", "f16", "bf16", "f16_fma", "f32_fma"))
