"""Inputs that a model leaves in float get a format; those that have one are refused."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, QType, verify
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.passes.quantize_inputs import quantize_inputs
from tapeout.compiler.run import run
from tests.compiler.integer.nets import Net, exact, feed

FIXED = QType(8, True, (1 / 16,))
WEIGHTS = QType(6, True, (1 / 32,))


def open_network() -> Graph:
    """A layer on an input without quantizer, its result in 6 bits."""
    net = Net((1, 5))
    return net.graph(net.fq(net.dense("y", "x", 3, WEIGHTS), QType(6, True, (1 / 8,))))


@pytest.mark.parametrize("name", ["", "x"])
def test_the_input_rounds_and_saturates(name: str) -> None:
    graph = quantize_inputs(open_network(), {name: FIXED})
    samples = feed(graph, spread=6.0)
    lowered = lower(verify(graph))
    assert np.array_equal(run(lowered, samples)[lowered.output_names[0]], exact(graph, samples)[graph.output_names[0]])
    assert np.abs(samples["x"]).max() > 8
    assert expose_codes(lowered).values["x"].type.q == FIXED


def test_what_is_open_is_needed_and_what_is_closed_is_refused() -> None:
    with pytest.raises(TapeoutError, match="reads x, which the graph's input leaves in float|y: dense would stay in float"):
        lower(open_network())
    with pytest.raises(TapeoutError, match="--input-type: x has a quantizer in the model already"):
        quantize_inputs(quantize_inputs(open_network(), {"x": FIXED}), {"x": FIXED})
    with pytest.raises(TapeoutError, match=r"--input-type: write NAME=fixed<W,I> or NAME=uint8/255 with one of the inputs x"):
        quantize_inputs(open_network(), {"image": FIXED})
