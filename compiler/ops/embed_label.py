"""A label written into the first elements of an input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError, Unsupported
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class EmbedLabel(Op):
    """Inputs `x` and `label` of C elements; output `x` whose first C elements, as they lie in memory, are those of `label`.

    As Hinton's Forward-Forward (arXiv 2212.13345) gives a network its label.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, label = types
        assert x and label
        if x.q != F32 or label.q != F32:
            raise Unsupported(f"{self.name()} computes in f32, got {x.q.code} and {label.q.code}")
        if label.size > x.size:
            raise TapeoutError(f"{self.name()}: a label of {label.size} elements does not fit into {x.dims}")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, label = arrays
        rows, marks = x.reshape(len(x), -1), label.reshape(len(label), -1)
        return (np.concatenate([marks, rows[:, marks.shape[1] :]], 1).reshape(x.shape),)

    def params(self, types: Types) -> dict[str, Param]:
        x, label = types
        assert x and label
        return {"size": x.size, "classes": label.size}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
