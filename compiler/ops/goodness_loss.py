"""The loss of a layer's goodness and its derivative."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f32 import sigmoid_f32, softplus_f32
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class GoodnessLoss(Op):
    """Inputs `goodness` (1) and `target` (1): +1 for a positive sample, -1 for a negative one; outputs the derivative (1) and the loss (1).

    With `d = (threshold - goodness) * target`: the loss is `softplus_f32(d)`, its derivative by the goodness `-target * sigmoid_f32(d)`.
    Hinton 2022, arXiv 2212.13345.
    """

    threshold: float

    def infer(self, types: Types) -> tuple[Type, ...]:
        for type in types:
            assert type
            if type.q != F32 or type.size != 1:
                raise TapeoutError(f"{self.name()} takes f32 goodness and target of one element, got {type.q.code} {type.dims}")
        return (Type((1,), F32), Type((1,), F32))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        goodness, target = (a.reshape(len(a), 1) for a in arrays)
        d = (np.float32(self.threshold) - goodness) * target
        return (-target * sigmoid_f32(d), softplus_f32(d))

    def params(self, types: Types) -> dict[str, Param]:
        return {"threshold": self.threshold}
