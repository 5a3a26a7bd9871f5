"""dense on Helium with weights of 4 bits: what dense_mve_nibbles.h takes."""
from __future__ import annotations

from .dense_mve import kernels
from .layer import Held

KERNELS = kernels("dense_packed_s8_mve", "dense_packed_s8", Held.NIBBLES)
