"""The gradient of a fully connected layer's input."""
from __future__ import annotations

from dataclasses import dataclass

from ..dot import ordered_matmul
from ..errors import TapeoutError
from ..f16 import fuses, narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types


@dataclass(frozen=True)
class DenseInputGradient(LayerGradient):
    """Inputs `g` (..., O), the gradient of dense's output, and `w` (O, I) of dense; output (..., I).

    `sum(g * w)` from +0 over O ascending.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        g, w = types
        assert g and w
        if not g.shape or len(w.shape) != 2 or g.shape[-1] != w.shape[0]:
            raise TapeoutError(f"{self.name()} takes g (..., O) and w (O, I), got {g.dims} and {w.dims}")
        return (Type((*g.shape[:-1], w.shape[1]), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        g, w = self.widened(types, arrays)
        fused = fuses(self.format(types), self.accumulator, self.fused)
        return (narrow(ordered_matmul(g, w, fused=fused), self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        g, w = types
        assert g and w
        return {"rows": g.size // g.shape[-1], "inputs": w.shape[1], "outputs": w.shape[0]}

    def cost(self, types: Types) -> Cost:
        g, w = types
        assert g and w
        moved = super().cost(types)
        return Cost(g.size * w.shape[1], moved.bytes_read, moved.bytes_written)
