"""depthwise_conv2d of f16 with sums in f32 on Helium: two pixels at a time."""
from __future__ import annotations

from .helium_f16_depthwise import DepthwiseF16
from .helium_f16_wide import bias_by_halves, end_fields, refusal

LAYER = DepthwiseF16(together=2, refusal=refusal, bias=bias_by_halves, end_fields=end_fields, tap_cost=14, block_cost=75)
KERNELS = (LAYER.kernel("depthwise_conv2d_f16_mve", of="depthwise_conv2d_f16"),)
