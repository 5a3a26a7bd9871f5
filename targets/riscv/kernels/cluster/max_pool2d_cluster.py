"""The kernels of max_pool2d for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("max_pool2d_s8", "max_pool2d_f32", "max_pool2d_f16", "max_pool2d_bf16")
