"""The sgd kernels take the number of a call in its batch, NULL where each call updates."""
from __future__ import annotations

from ...target import Kernel

_FORMATS = ("f32", "f16", "bf16", "f16_f32", "bf16_f32")
KERNELS = tuple(Kernel(f"sgd_{form}{more}", inputs=4) for form in _FORMATS for more in ("", "_momentum"))
