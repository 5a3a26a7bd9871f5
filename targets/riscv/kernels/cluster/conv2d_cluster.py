"""The portable kernels of conv2d for all cores of a cluster."""
from __future__ import annotations

from .layers import by_rows

KERNELS = by_rows("conv2d")
