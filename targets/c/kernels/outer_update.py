"""The outer_update kernel takes what is subtracted from the error, NULL where nothing is."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("outer_update_f32", inputs=5),)
