"""The portable kernels of conv2d_weight_gradient for all cores of a cluster."""
from __future__ import annotations

from .layers import by_weights

KERNELS = by_weights("conv2d_weight_gradient")
