"""Outputs that no quantizer stands before: whole sums where nothing is lost by it, floats elsewhere."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.ir import Graph, QType
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run

from .nets import Net, exact, feed

INPUT = QType(8, True, (1 / 16,))


def network(weights: QType, shift: float, factor: float = 1.0) -> Graph:
    """A layer, perhaps scaled, and an added constant."""
    net = Net((1, 5))
    y = net.dense("y", net.fq("x", INPUT), 3, weights)
    if factor != 1.0:
        y = net.op(Mul(), [y, net.constant("factor", np.array([factor]))], "scaled")
    return net.graph(net.op(Add(), [y, net.constant("shift", np.array([shift, -2 * shift, 0.0]))], "z"))


@pytest.mark.parametrize(("weights", "shift", "factor", "whole"), [
    (QType(6, True, (1 / 32,)), 0.25, 1.0, True),
    (QType(6, True, (1 / 32, 1 / 4, 1 / 64), (0, 0, 0), 0), 0.25, 1.0, True),
    (QType(6, True, (1 / 32,)), 0.3, 1.0, False),  # no whole number of sums
    (QType(6, True, (0.03,)), 0.25, 1.0, False),  # a float rounds
    (QType(6, True, (1 / 32,)), 0.25, 3.0, False),  # more than an addition
])  # fmt: skip
def test_sums_are_outputs_where_they_are_the_floats(weights: QType, shift: float, factor: float, whole: bool) -> None:
    graph = network(weights, shift, factor)
    lowered = lower(graph)
    samples = feed(graph)
    found, wanted = run(lowered, samples)["z"], exact(graph, samples)["z"]
    assert np.array_equal(found, wanted) if whole else np.abs(found - wanted).max() < 1e-5
    assert isinstance(expose_codes(lowered).values[expose_codes(lowered).output_names[0]].type.q, QType) == (
        whole and len(weights.scale) == 1
    )
