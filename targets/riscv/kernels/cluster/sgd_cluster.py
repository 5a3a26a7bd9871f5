"""The kernels of sgd for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

FORMATS = ("f32", "f16", "bf16", "f16_f32", "bf16_f32")
KERNELS = on_all_cores(*(f"sgd_{formats}{momentum}" for formats in FORMATS for momentum in ("", "_momentum")), inputs=4)
