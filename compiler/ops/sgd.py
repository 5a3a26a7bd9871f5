"""A step of stochastic gradient descent, with momentum and weight decay."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..gradient import float_format
from ..ir import F32, Array, Op, Param, Type, Types
from .accumulate import POSITION


@dataclass(frozen=True)
class Sgd(Op):
    """Inputs `w`, its gradient `g`, and optional `v`, the velocity, of one shape, and optional `n`; outputs the next `w`, and the next `v`
    if there is one.

    `d = g * scale + weight_decay * w`; with a velocity `d = momentum * v + d`, which is the next `v`; the next `w` is
    `w - learning_rate * d`. Each product and each sum is rounded to float32; without weight decay `d` is `g * scale`. As torch.optim.SGD,
    whose first velocity is `g` too. `w` and `v` have one format of floats; `g` has it too or, beside a float32 `w`, another one. All are
    widened to float32, and what is computed is rounded to the format of `w` once. With `n` (1), the number of this call in a batch of
    `batch`, calls before the last of a batch leave `w` and `v` as they are. An output may lie over the input that it follows.
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    scale: float = 1.0
    batch: int = 1

    def infer(self, types: Types) -> tuple[Type, ...]:
        w, g, v, n = (*types, None)[:4]
        assert w and g
        float_format(self.name(), (g,))
        if n and n != Type((1,), POSITION):
            raise TapeoutError(f"{self.name()} takes n of s32 1, got {n.q.code} {n.dims}")
        if w.shape != g.shape or (v and v != w) or float_format(self.name(), (w,)) not in (F32, g.q):
            said = ", ".join(f"{t.q.code} {t.dims}" for t in types[:3] if t)
            raise TapeoutError(f"{self.name()} takes w, g and v of one shape, in the format of g or with w and v in f32, got {said}")
        return (w, v) if v else (w,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        w, g, v = map(widen, arrays[:3])
        step = g * np.float32(self.scale)
        if self.weight_decay:
            step = step + np.float32(self.weight_decay) * w
        if types[2]:
            step = np.float32(self.momentum) * v + step
        format = float_format(self.name(), types[:1])
        found = (narrow(w - np.float32(self.learning_rate) * step, format), narrow(step, format))[: 1 + bool(types[2])]
        if len(arrays) < 4:
            return found
        last = arrays[3].reshape(*arrays[3].shape[:-1], *(1,) * len(types[0].shape)) == self.batch - 1
        return tuple(np.where(last, moved, kept) for moved, kept in zip(found, arrays[::2], strict=False))

    def symbol(self, types: Types) -> str:
        """`sgd_f32`, with a gradient of another format `sgd_f16_f32`, with a velocity `sgd_f32_momentum`."""
        w, g, v = types[:3]
        assert w and g
        formats = w.q.storage if w.q == g.q else f"{g.q.storage}_{w.q.storage}"
        return f"{self.name()}_{formats}{'_momentum' if v else ''}"

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        fields: dict[str, Param] = {
            "size": types[0].size, "learning_rate": self.learning_rate, "weight_decay": self.weight_decay, "scale": self.scale,
            "batch": self.batch,
        }  # fmt: skip
        return {**fields, "momentum": self.momentum} if types[2] else fields
