"""What conv2d_triples.h takes: weights as triples.py lays them out."""
from __future__ import annotations

from .conv_windows import kernel
from .triples import LAYOUT

KERNELS = (kernel(LAYOUT),)
