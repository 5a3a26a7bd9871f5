"""The portable kernels of dense_input_gradient for all cores of a cluster."""
from __future__ import annotations

from .layers import anywhere

KERNELS = anywhere("dense_input_gradient")
