"""What dense_triples.h takes: weights as triples.py lays them out."""
from __future__ import annotations

from .input_rows import kernel
from .triples import LAYOUT

KERNELS = (kernel(LAYOUT),)
