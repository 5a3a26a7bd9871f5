"""conv2d on Helium with activations of 16 bits: what conv2d_mve_halves.h takes."""
from __future__ import annotations

from .conv2d_mve import kernels
from .layer import Held

KERNELS = kernels("conv2d_packed_s16_mve", "conv2d_packed_s16", Held.HALVES)
