"""The dense kernels of packed weights take their optional inputs always, NULL when absent."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("dense_packed_s8", inputs=6), Kernel("dense_packed_s16", inputs=6), Kernel("dense_b1", inputs=5))
