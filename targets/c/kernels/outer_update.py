"""The outer_update kernels take what is subtracted from the error, NULL where nothing is."""
from __future__ import annotations

from ...target import Kernel

KERNELS = tuple(Kernel(f"outer_update_{form}", inputs=5) for form in ("f32", "f16", "bf16", "f16_f32", "bf16_f32"))
