"""The concat kernels take their inputs, however many, as one array of pointers."""
from __future__ import annotations

from ...target import Kernel

KERNELS = tuple(Kernel(f"concat_{form}", variadic=True) for form in ("s8", "s16", "f32", "f16", "bf16"))
