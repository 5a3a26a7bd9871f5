"""Elementwise difference of two tensors."""
from __future__ import annotations

from dataclasses import dataclass

from ..elementwise import Sum
from ..ir import Array


@dataclass(frozen=True)
class Sub(Sum):
    """Inputs `x` and `y`, broadcast as NumPy does; output `x - y`."""

    def combine(self, x: Array, y: Array) -> Array:
        return x - y
