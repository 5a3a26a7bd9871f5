"""The cross entropy of softmax and its gradient."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..f32 import exp_f32, log_f32
from ..gradient import check_loss, float_format
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Op):
    """Inputs `z` (..., C), the logits, and float32 `t` of the same shape, the wanted probabilities, such as a 1 for the class of each row.

    Outputs the gradient of `z`, times `scale`, and the float32 loss (1), the mean over rows of `-sum(t * log(softmax(z)))`. All sums run
    from +0 over their elements in order. With `d = z - max` as in softmax, `e = exp_f32(d)`, `s = sum(e)` and `u = sum(t)` over C: the
    gradient is `(e / s * u - t) / rows * scale`, rounded once where `z` is a 16-bit float, whose elements are widened before all else; the
    loss the sum of `t * (log_f32(s) - d)` over all elements, divided by `rows`.
    """

    scale: float = 1.0

    def infer(self, types: Types) -> tuple[Type, ...]:
        z, t = types
        assert z and t
        check_loss(self.name(), types)
        if not z.shape:
            raise TapeoutError(f"{self.name()} takes at least one axis")
        return (z, Type((1,), F32))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        shape = arrays[0].shape
        z, t = (widen(a).reshape(len(a), -1, shape[-1]) for a in arrays)
        rows = np.float32(z.shape[1])
        largest = np.full(z.shape[:2], -np.inf, np.float32)
        for i in range(z.shape[2]):
            largest = np.where(z[..., i] > largest, z[..., i], largest)
        below = z - largest[..., None]
        e = exp_f32(below)
        total, wanted = np.zeros(z.shape[:2], np.float32), np.zeros(z.shape[:2], np.float32)
        for i in range(z.shape[2]):
            total += e[..., i]
            wanted += t[..., i]
        gradient = (e / total[..., None] * wanted[..., None] - t) / rows * np.float32(self.scale)
        terms = (t * (log_f32(total)[..., None] - below)).reshape(len(z), -1)
        loss = np.zeros(len(z), np.float32)
        for i in range(terms.shape[1]):
            loss += terms[:, i]
        return (narrow(gradient.reshape(shape), float_format(self.name(), types[:1])), (loss / rows)[:, None])

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"rows": types[0].size // types[0].shape[-1], "columns": types[0].shape[-1], "scale": self.scale}
