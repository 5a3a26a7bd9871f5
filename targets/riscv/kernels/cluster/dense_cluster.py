"""The portable kernels of dense for all cores of a cluster."""
from __future__ import annotations

from .layers import anywhere

KERNELS = anywhere("dense")
