"""Networks of few bits in streaming SystemVerilog, from a float network or a retrained one to frames that equal the reference."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fpga_networks import FRAMES, NETWORKS, RECIPE, STALLS, Design
from examples.recipes.tasks import TASKS
from tapeout.compiler.build import lower
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run
from tapeout.cosim.verilator.simulator import build
from tapeout.quant import Calibration, QuantizeOptions, quantize
from tapeout.quant.recipe import load
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tests.cases import random_of, rng_for
from tests.quant.float_nets import network, samples


def differing(
    graph: Graph, inputs: dict[str, Array], folds: tuple[str, ...], stalls: tuple[float, ...], folder: Path, optimize: str
) -> list[int]:
    """The elements that differ from the reference, for each share of stalls."""
    write_design(graph, folder / "design", parse_folds(folds, graph), "net")
    made = build(folder / "design", {n: v.type for n, v in graph.values.items()}, folder / "built", optimize=optimize)
    (wanted,) = run(graph, inputs).values()
    return [int((next(iter(made.run(inputs, share, seed=2)[0].values())) != wanted).sum()) for share in stalls]


def test_a_small_network_streams_through_stalls(tmp_path: Path) -> None:
    """A convolution, a depthwise and a pointwise one, an addition past both, means, a layer: 6 x 6 pixels, by the large ones' recipe."""
    made = quantize(network(residual=True), {"x": samples()}, load(str(RECIPE)), QuantizeOptions(Calibration.MSE))
    graph = expose_codes(lower(made))
    x = graph.values[graph.input_names[0]].type
    inputs = {graph.input_names[0]: random_of(rng_for("net"), (8, *x.shape), x.quantized)}
    assert len(np.unique(next(iter(run(graph, inputs).values())), axis=0)) == 8  # a frame in another's place is seen
    assert differing(graph, inputs, ("600",), (0.0, 0.3, 0.8), tmp_path, "-O0") == [0, 0, 0]


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_a_retrained_network_equals_the_reference(zoo: Path, name: str, tmp_path: Path) -> None:
    found = NETWORKS[name]
    design = Design.of(found.checkpoint)
    inputs = design.codes(TASKS[found.task].splits()["test"][0][-FRAMES:])
    assert differing(design.part, inputs, found.folds, (STALLS,), tmp_path, "-O2") == [0]
