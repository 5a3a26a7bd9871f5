"""What sub_linear.h takes."""
from __future__ import annotations

from ....target import Kernel
from .sum_linear import accepts, cost, pack

KERNELS = (Kernel("sub_s8_linear", of="sub_s8", accepts=accepts, pack=pack, cost=cost),)
