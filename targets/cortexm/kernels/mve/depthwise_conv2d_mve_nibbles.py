"""depthwise_conv2d on Helium with weights of 4 bits: what depthwise_conv2d_mve_nibbles.h takes."""
from __future__ import annotations

from .depthwise_conv2d_mve import kernel
from .layer import Held

KERNELS = (kernel("depthwise_conv2d_packed_s8_mve", "depthwise_conv2d_packed_s8", Held.NIBBLES),)
