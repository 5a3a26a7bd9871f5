"""What sub_products.h takes."""
from __future__ import annotations

from .sum_products import kernel

KERNELS = (kernel("sub"),)
