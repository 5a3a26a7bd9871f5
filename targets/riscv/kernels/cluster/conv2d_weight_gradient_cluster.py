"""The portable kernels of conv2d_weight_gradient for all cores of a cluster."""
from __future__ import annotations

from .layers import anywhere

KERNELS = anywhere("conv2d_weight_gradient")
