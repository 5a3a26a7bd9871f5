"""add on Helium of 16-bit codes: which sums it computes, and what they cost."""
from __future__ import annotations

from ....target import Kernel
from ..dsp.add_halves import refusal
from .add_mve import cost

KERNELS = (Kernel("add_s16_mve", of="add_s16", accepts=refusal, cost=cost),)
