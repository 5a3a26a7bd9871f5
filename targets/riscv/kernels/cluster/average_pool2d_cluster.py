"""The kernels of average_pool2d for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("average_pool2d_s8", "average_pool2d_f32", "average_pool2d_f16", "average_pool2d_bf16")
