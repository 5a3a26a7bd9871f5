"""The kernels of sgd for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("sgd_f32", "sgd_f32_momentum")
