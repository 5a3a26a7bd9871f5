"""conv2d on Helium with weights of 4 bits: what conv2d_mve_nibbles.h takes."""
from __future__ import annotations

from .conv2d_mve import kernels
from .layer import Held

KERNELS = kernels("conv2d_packed_s8_mve", "conv2d_packed_s8", Held.NIBBLES)
