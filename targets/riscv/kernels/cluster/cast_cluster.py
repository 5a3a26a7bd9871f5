"""The kernels of cast for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("cast_f32_f16", "cast_f16_f32", "cast_f32_bf16", "cast_bf16_f32")
