"""What dense_fours.h takes: weights as fours.py lays them out."""
from __future__ import annotations

from .fours import LAYOUT
from .input_rows import kernel

KERNELS = (kernel(LAYOUT),)
