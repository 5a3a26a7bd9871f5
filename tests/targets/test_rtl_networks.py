"""Networks whose streams fork and join, in SystemVerilog: no stream waits for another for ever, whatever stalls."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tests.cases import random_of, rng_for

from .rtl_networks import residual

FRAMES = 12


def simulator(graph: Graph, folder: Path, folds: list[str], depths: Mapping[str, int] | None = None) -> Simulator:
    write_design(graph, folder / "design", parse_folds(folds, graph), depths=depths)
    types = {name: value.type for name, value in graph.values.items()}
    return build(folder / "design", types, folder / "built", optimize="-O0")


def check(made: Simulator, graph: Graph, stalls: float) -> int:
    """Compares all outputs; returns the interval of frames."""
    inputs = {name: random_of(rng_for(name), (FRAMES, *graph.values[name].type.shape), graph.values[name].type.quantized)
              for name in graph.input_names}  # fmt: skip
    outputs, timing = made.run(inputs, stalls, seed=5)
    for name, array in run(graph, inputs).items():
        assert np.array_equal(outputs[name], array)
    assert timing.interval
    return timing.interval


@pytest.mark.parametrize(("bits", "rounding"), [(4, Rounding.HALF_UP), (8, Rounding.TFLITE)])
def test_a_residual_network_equals_the_reference(bits: int, rounding: Rounding, tmp_path: Path) -> None:
    """Also at the pace of its slowest layer, but for the cycles in which windows give up lines."""
    graph = residual(bits, rounding)
    made = simulator(graph, tmp_path, ["2000"])
    for stalls in (0.3, 0.8):
        check(made, graph, stalls)
    assert check(made, graph, 0.0) < 1.1 * made.ports.interval


def test_too_short_a_queue_before_a_join_is_a_deadlock(tmp_path: Path) -> None:
    graph = residual(4, Rounding.HALF_UP)
    with pytest.raises(EngineFailed, match="nothing moves any more"):
        check(simulator(graph, tmp_path, ["2000"], {"sum1_in_1": 8}), graph, 0.0)
