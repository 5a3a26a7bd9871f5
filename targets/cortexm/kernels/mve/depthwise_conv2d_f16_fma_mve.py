"""depthwise_conv2d of f16 with sums in f16 on Helium: four pixels at a time."""
from __future__ import annotations

from .helium_f16 import bias, end_fields, refusal
from .helium_f16_depthwise import DepthwiseF16

LAYER = DepthwiseF16(together=4, refusal=refusal, bias=bias, end_fields=end_fields, tap_cost=10, block_cost=90)
KERNELS = (LAYER.kernel("depthwise_conv2d_f16_fma_mve", of="depthwise_conv2d_f16_fma"),)
