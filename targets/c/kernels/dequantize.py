"""The dequantize kernels of sums take a scale per channel always, NULL when there is one for all."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("dequantize_s32_f32", inputs=2), Kernel("dequantize_s64_f32", inputs=2))
