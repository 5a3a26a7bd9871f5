"""The portable kernels of depthwise_conv2d_input_gradient for all cores of a cluster."""
from __future__ import annotations

from .layers import by_rows

KERNELS = by_rows("depthwise_conv2d_input_gradient")
