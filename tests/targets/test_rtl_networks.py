"""Networks whose streams fork and join, in SystemVerilog: no stream waits for another for ever, whatever stalls."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Graph
from tapeout.compiler.passes.drop_softmax import drop_softmax
from tapeout.compiler.run import run
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tests.cases import random_of, rng_for

from .rtl_networks import residual

FRAMES = 12


def simulator(graph: Graph, folder: Path, folds: list[str], depths: Mapping[str, int] | None = None, optimize: str = "-O0") -> Simulator:
    write_design(graph, folder / "design", parse_folds(folds, graph), depths=depths)
    types = {name: value.type for name, value in graph.values.items()}
    return build(folder / "design", types, folder / "built", optimize=optimize)


def check(made: Simulator, graph: Graph, stalls: float, frames: int = FRAMES) -> int:
    """Compares all outputs; returns the interval of frames."""
    inputs = {name: random_of(rng_for(name), (frames, *graph.values[name].type.shape), graph.values[name].type.quantized)
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
    with pytest.raises(Unsupported, match=r"sum1: may wait for ever: the queue before its input 1 \(x\) has 8 beats, and 75 come in"):
        simulator(graph, tmp_path, ["2000"], {"sum1_in_1": 8})


@pytest.mark.long
@pytest.mark.parametrize(("name", "interval"), [("ad_autoencoder", 8192), ("ic_resnet8", 80000), ("kws_dscnn", 40000)])
def test_an_int8_tflite_network_equals_the_reference(name: str, interval: int, zoo: Path, tmp_path: Path) -> None:
    """As it is in the file, which rounds twice; up to its logits, over three frames."""
    graph = lower(read(zoo / "mlperf_tiny" / f"{name}_int8.tflite", {}))
    graph = drop_softmax(graph) if graph.nodes[-1].op.name() == "softmax" else graph
    made = simulator(graph, tmp_path, [str(interval)], optimize="-O2")
    assert check(made, graph, 0.0, 3) < 1.001 * made.ports.interval
    check(made, graph, 0.3, 3)
