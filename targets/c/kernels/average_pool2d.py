"""The average_pool2d kernels write a pixel when they have read its window, so that their output may lie over what they have read."""
from __future__ import annotations

from ...target import Kernel
from ...trail import window_trail

KERNELS = (Kernel("average_pool2d_s8", trail=window_trail), Kernel("average_pool2d_f32", trail=window_trail))
