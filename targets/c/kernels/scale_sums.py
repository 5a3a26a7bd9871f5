"""The scale_sums kernels take a bias always, NULL when absent."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("scale_sums_s32_f32", inputs=4), Kernel("scale_sums_s64_f32", inputs=4))
