"""The interpreter on graphs that stretch what inputs and outputs may be."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import F32, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.run import run


def test_a_value_that_is_two_outputs_has_each_sample_once() -> None:
    build = Builder()
    build.input("x", Type((1, 3), F32))
    build.add(Clip(0.0), ["x"], "y")
    ports = [Port(value, name, "float32", (0, 1)) for value, name in (("x", "x"), ("y", "a"), ("y", "b"))]
    graph = verify(Graph("twice", (ports[0],), (ports[1], ports[2]), tuple(build.nodes), build.values))
    assert run(graph, {"x": np.ones((5, 1, 3), np.float32)})["y"].shape == (5, 1, 3)
