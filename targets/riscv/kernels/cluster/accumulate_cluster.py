"""The kernels of accumulate for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores(*(f"accumulate_{formats}" for formats in ("f32", "f16", "bf16", "f16_f32", "bf16_f32")))
