"""What add_linear.h takes."""
from __future__ import annotations

from ....sum_linear import accepts, cost, pack
from ....target import Kernel

KERNELS = (Kernel("add_s8_linear", of="add_s8", accepts=accepts, pack=pack, cost=cost),)
