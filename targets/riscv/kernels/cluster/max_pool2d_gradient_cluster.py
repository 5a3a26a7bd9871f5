"""The kernels of max_pool2d_gradient for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores
from .windows import apart

KERNELS = on_all_cores("max_pool2d_gradient_f32", "max_pool2d_gradient_f16", "max_pool2d_gradient_bf16", accepts=apart)
