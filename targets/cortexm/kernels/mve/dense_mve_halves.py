"""dense on Helium with activations of 16 bits: what dense_mve_halves.h takes."""
from __future__ import annotations

from .dense_mve import kernels
from .layer import Held

KERNELS = kernels("dense_packed_s16_mve", "dense_packed_s16", Held.HALVES)
