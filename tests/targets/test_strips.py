"""Networks in strips: smaller arenas, the same outputs in every engine, and back from the files that were written."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.passes.split_rows import Region
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare, trace
from tapeout.cosim.engine import Engine
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.qemu import QEMU, QemuMachine
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.selection import Objective
from tapeout.targets.strips import Arrangement, arrange
from tests.compiler.passes.test_split_rows import image_net

ENGINES: dict[str, tuple[Engine, ...]] = {"c": (HOST, HOST_ASAN), "cortex-m4": (QEMU,), "cortex-m55": (QEMU,), "cortex-m0": (QEMU,)}


def tower(integers: bool = True, width: int = 11) -> Graph:
    return image_net(integers, 30, [("conv", 3, 1, 1), ("depthwise", 3, 2, 1), ("conv", 3, 1, 1), ("max", 2, 2, 0)], width)


def arranged(target: str, graph: Graph, inputs: Inputs = Inputs.ARENA) -> Arrangement:
    return arrange(Arrangement(find_target(target), graph, Objective.RAM, inputs=inputs))


@pytest.mark.parametrize("inputs", Inputs)
@pytest.mark.parametrize(("target", "integers"), [("c", True), ("c", False), *((f"cortex-m{n}", True) for n in (0, 4, 55))])
def test_strips_equal_the_reference(target: str, integers: bool, inputs: Inputs, tmp_path: Path) -> None:
    graph = tower(integers)
    best = arranged(target, graph, inputs)
    assert best.regions and best.draft.arena_bytes < Arrangement(best.target, graph, Objective.RAM, inputs=inputs).draft.arena_bytes
    compiled = Compiled.write_arranged(tmp_path / target, "net", best)
    assert compiled.plan.holds("x") == (inputs is not Inputs.CALLER)
    samples = random_inputs(graph, 4, 1)
    for engine in ENGINES[target]:
        assert compare(run(graph, samples), engine.run(compiled, samples), graph).differ == 0, engine.name
    found = touched(Host() if target == "c" else QemuMachine(), compiled, samples)
    assert found.holds, found.text()


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    graph, target = tower(), find_target("c")
    written = Compiled.write_arranged(tmp_path, "net", arranged("c", graph))
    loaded = Compiled.load(tmp_path, "net", target, graph)
    assert (loaded.regions, loaded.sources, loaded.plan) == (written.regions, written.sources, written.plan)
    assert [n.name for n in loaded.graph.nodes] == [n.name for n in written.graph.nodes]
    regions = json.loads((tmp_path / "strips.json").read_text())
    (tmp_path / "strips.json").write_text(json.dumps([{**regions[0], "strips": 99}]))
    with pytest.raises(TapeoutError, match=r"strips.json: damaged \(strips from .*: 99 of .*compile again"):
        Compiled.load(tmp_path, "net", target, graph)
    (tmp_path / "strips.json").unlink()
    with pytest.raises(TapeoutError, match=r"strips.json: damaged"):
        Compiled.load(tmp_path, "net", target, graph)


def test_a_limit_is_kept_with_the_fewest_strips() -> None:
    whole = Arrangement(find_target("c"), tower(), Objective.RAM)
    least = arrange(whole)
    limit = whole.draft.arena_bytes - 1
    enough = arrange(whole, limit)
    assert least.draft.arena_bytes <= enough.draft.arena_bytes <= limit
    assert len(enough.graph.nodes) < len(least.graph.nodes)
    assert arrange(whole, whole.draft.arena_bytes) is whole


def test_a_pin_holds_for_every_strip() -> None:
    graph = tower()
    layer = graph.nodes[0].name
    whole = Arrangement(find_target("cortex-m4"), graph, Objective.RAM, {layer: "conv2d_s8"})
    split = whole.split(Region(layer, graph.nodes[2].name, 3))
    symbols = split.selection.symbols()
    parts = [n.name for n in split.graph.nodes if split.sources.get(n.name) == layer and n.op.name() == "conv2d"]
    assert len(parts) == 3 and {symbols[name] for name in parts} == {"conv2d_s8"}
    with pytest.raises(TapeoutError, match="no_layer: there is no such node"):
        _ = replace(split, pins={"no_layer": "conv2d_s8"}).selection


def test_strips_of_one_shape_share_their_code(tmp_path: Path) -> None:
    """The strips between the first and the last have the same parameters and weights, so one function runs them all."""
    graph = tower()
    split = Arrangement(find_target("c"), graph).split(Region(graph.nodes[0].name, graph.nodes[1].name, 5))
    Compiled.write_arranged(tmp_path, "net", split)
    text = (tmp_path / "net.c").read_text()
    runs = [line.split("(")[0].strip() for line in text.splitlines() if line.startswith("    run_")]
    assert sum(name.count("conv0") for name in runs) > len({name for name in runs if "conv0" in name})


def test_a_trace_of_strips_shows_what_lies_in_the_arena(tmp_path: Path) -> None:
    graph = tower(width=12)  # rows of 36 bytes are views, those of 33 are copied to multiples of 4
    compiled = Compiled.write_arranged(tmp_path / "c", "net", arranged("c", graph, Inputs.CALLER))
    samples = random_inputs(graph, 1, 2)
    found, reference = trace(Host(), compiled, samples), run(compiled.graph, samples, keep=True)
    assert not any(name.startswith("x_rows") for name in found), "rows of the caller's input are not ours"
    assert len(found) > 10 and all(np.array_equal(found[name], reference[name]) for name in found)
