"""The kernels of clip_gradient for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("clip_gradient_f32", "clip_gradient_f16", "clip_gradient_bf16")
