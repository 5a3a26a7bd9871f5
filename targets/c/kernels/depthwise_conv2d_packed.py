"""The depthwise_conv2d kernels of packed weights take their optional inputs always, NULL when absent."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("depthwise_conv2d_packed_s8", inputs=6), Kernel("depthwise_conv2d_packed_s16", inputs=6))
