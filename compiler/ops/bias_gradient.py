"""The gradient of a bias that is added along the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..gradient import only_floats
from ..ir import Array, Op, Param, Type, Types


@dataclass(frozen=True)
class BiasGradient(Op):
    """Input `g` (..., C), the gradient of a layer's output; output (C), the sum of `g` from +0 over all other axes, in their order."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        (g,) = types
        assert g
        only_floats(self.name(), types)
        if not g.shape:
            raise TapeoutError(f"{self.name()} takes at least one axis")
        return (Type(g.shape[-1:], g.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        g = arrays[0].reshape(len(arrays[0]), -1, arrays[0].shape[-1])
        total = np.zeros((len(g), g.shape[2]), np.float32)
        for row in range(g.shape[1]):
            total += g[:, row]
        return (total,)

    def params(self, types: Types) -> dict[str, Param]:
        (g,) = types
        assert g
        return {"rows": g.size // g.shape[-1], "channels": g.shape[-1]}
