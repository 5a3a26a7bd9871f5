"""What conv2d_fours.h takes: weights as fours.py lays them out."""
from __future__ import annotations

from .conv_windows import kernel
from .fours import LAYOUT

KERNELS = (kernel(LAYOUT),)
