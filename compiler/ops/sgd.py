"""A step of stochastic gradient descent, with momentum and weight decay."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..gradient import only_floats
from ..ir import Array, Op, Param, Type, Types


@dataclass(frozen=True)
class Sgd(Op):
    """Inputs `w`, its gradient `g`, and optional `v`, the velocity, of one shape; outputs the next `w`, and the next `v` if there is one.

    `d = g + weight_decay * w`; with a velocity `d = momentum * v + d`, which is the next `v`; the next `w` is `w - learning_rate * d`. Each
    product and each sum is rounded; without weight decay `d` is `g`. As torch.optim.SGD, whose first velocity is `g` too. An output may
    lie over the input that it follows.
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0

    def infer(self, types: Types) -> tuple[Type, ...]:
        w, g, v = types
        assert w and g
        only_floats(self.name(), types)
        if w != g or (v and v != w):
            raise TapeoutError(f"{self.name()} takes w, g and v of one shape, got {', '.join(t.dims for t in types if t)}")
        return (w, v) if v else (w,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        w, g, v = arrays
        step = g + np.float32(self.weight_decay) * w if self.weight_decay else g
        if types[2]:
            step = np.float32(self.momentum) * v + step
        moved = w - np.float32(self.learning_rate) * step
        return (moved, step) if types[2] else (moved,)

    def symbol(self, types: Types) -> str:
        return f"{super().symbol(types)}{'_momentum' if types[2] else ''}"

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        fields: dict[str, Param] = {"size": types[0].size, "learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        return {**fields, "momentum": self.momentum} if types[2] else fields
