"""Networks of few bits in streaming SystemVerilog, from a float network or a retrained one to frames that equal the reference."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fpga_networks import FRAMES, NETWORKS, RECIPE, STALLS, codes, design
from examples.recipes.tasks import TASKS
from tapeout.compiler.build import lower
from tapeout.compiler.ir import Array, Graph, Type
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run
from tapeout.cosim.verilator.netlist import build_netlist
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.quant import Calibration, QuantizeOptions, quantize
from tapeout.quant.recipe import load
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tests.cases import random_of, rng_for
from tests.quant.float_nets import network, samples


def differing(made: Simulator, graph: Graph, inputs: dict[str, Array], stalls: tuple[float, ...]) -> list[int]:
    """The elements that differ from the reference, for each share of stalls."""
    (wanted,) = run(graph, inputs).values()
    return [int((next(iter(made.run(inputs, share, seed=2)[0].values())) != wanted).sum()) for share in stalls]


def types(graph: Graph) -> dict[str, Type]:
    return {name: value.type for name, value in graph.values.items()}


def small() -> tuple[Graph, dict[str, Array]]:
    """A convolution, a depthwise and a pointwise one, an addition past both, means, a layer: 6 x 6 pixels, by the large ones' recipe."""
    made = quantize(network(residual=True), {"x": samples()}, load(str(RECIPE)), QuantizeOptions(Calibration.MSE))
    graph = expose_codes(lower(made))
    (name,) = graph.input_names
    x = graph.values[name].type
    return graph, {name: random_of(rng_for("net"), (8, *x.shape), x.quantized)}


def test_a_small_network_streams_through_stalls(tmp_path: Path) -> None:
    graph, inputs = small()
    assert len(np.unique(next(iter(run(graph, inputs).values())), axis=0)) == 8  # a frame in another's place is seen
    write_design(graph, tmp_path / "design", parse_folds(("600",), graph), "net")
    made = build(tmp_path / "design", types(graph), tmp_path / "built", optimize="-O0")
    assert differing(made, graph, inputs, (0.0, 0.3, 0.8)) == [0, 0, 0]


@pytest.mark.long
def test_the_netlist_of_a_small_network_equals_the_reference(tmp_path: Path) -> None:
    """What yosys reads of rings of lines, of joins and of means."""
    graph, inputs = small()
    write_design(graph, tmp_path / "design", parse_folds(("600",), graph), "net")
    made = build_netlist(tmp_path / "design", types(graph), tmp_path / "netlist")
    assert differing(made, graph, inputs, (0.0, 0.5)) == [0, 0]


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_a_retrained_network_equals_the_reference(zoo: Path, name: str, tmp_path: Path) -> None:
    found = NETWORKS[name]
    graph = design(found)
    inputs = codes(graph, TASKS[found.task].splits()["test"][0][-FRAMES:])
    write_design(graph, tmp_path / "design", parse_folds(found.folds, graph), "net")
    made = build(tmp_path / "design", types(graph), tmp_path / "built")
    assert differing(made, graph, inputs, (STALLS,)) == [0]
