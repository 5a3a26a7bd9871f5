"""The kernels of average_pool2d_gradient for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores
from .windows import apart

KERNELS = on_all_cores("average_pool2d_gradient_f32", "average_pool2d_gradient_f16", "average_pool2d_gradient_bf16", accepts=apart)
