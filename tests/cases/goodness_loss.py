"""Cases of goodness_loss: two thresholds."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.goodness_loss import GoodnessLoss

from . import Case, Input, one_node


def case(name: str, op: GoodnessLoss) -> Case:
    def real(goodness: Array, target: Array) -> Array:
        derivative: Array = -target / (1 + np.exp(-(op.threshold - goodness) * target))
        return derivative

    name = f"goodness_loss_f32_{name}"
    return Case(name, one_node(name, op, Input((1,)), Input((1,)), outputs=2), real, 1e-5, finite=True)


CASES = [case("zero", GoodnessLoss(0.0)), case("two", GoodnessLoss(2.0))]
