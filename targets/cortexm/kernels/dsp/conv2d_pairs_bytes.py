"""What conv2d_pairs_bytes.h takes: the weights of conv2d_pairs.h as bytes."""
from __future__ import annotations

from tapeout.compiler.ir import Types

from .conv2d_pairs import Geometry, kernel

_UNROLLED = 4  # blocks written out in code
_BLOCK_COST, _LOOP_COST, _ROW_COST, _PAIR_COST = 14, 4, 12, 58  # instructions, counted in what gcc 12 makes


def _per_pair(types: Types, g: Geometry) -> int:
    assert types[1]
    return types[1].shape[1] * (g.blocks * _BLOCK_COST + -(-g.blocks // _UNROLLED) * _LOOP_COST + _ROW_COST) + _PAIR_COST


KERNELS = (kernel("conv2d_s8_pairs_bytes", bytes=True, per_pair=_per_pair),)
