"""The kernels of clip for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("clip_s8", "clip_f32", "clip_f16", "clip_bf16")
