"""depthwise_conv2d on Helium with activations of 16 bits: what depthwise_conv2d_mve_halves.h takes."""
from __future__ import annotations

from .depthwise_conv2d_mve_lanes import kernel
from .layer import Held

KERNELS = (kernel("depthwise_conv2d_packed_s16_mve", "depthwise_conv2d_packed_s16", Held.HALVES),)
