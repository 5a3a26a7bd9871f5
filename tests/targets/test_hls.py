"""Projects of hls4ml: their C simulation equals the reference, a wrong bit in them is seen, and what they cannot hold is refused."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tapeout.cosim.compare import compare, first_difference
from tapeout.cosim.hls.simulate import HLS
from tapeout.quant import QuantizeOptions, quantize
from tapeout.quant.recipe import load
from tapeout.targets import tools
from tapeout.targets.hardware import Design, DesignOptions, find_hardware
from tapeout.targets.hls import project
from tapeout.targets.hls.layers import Plan, plan

from .. import models
from ..models import Layers

DEFAULTS = DesignOptions()


def quantized(graph: Graph, recipe: str = "fixed<8,3>") -> Graph:
    """A float graph in integers, its ports as codes."""
    return lower(expose_codes(lower(quantize(graph, models.samples(graph), load(recipe), QuantizeOptions()))))


def vector() -> Graph:
    """Two dense layers with a relu between them."""
    layers = Layers("vector", False)
    hidden = layers.dense("hidden", layers.input("x", (1, 5)), 7, clip=Clip(0))
    return layers.graph(layers.dense("out", hidden, 3))


def plane(depthwise: bool = True) -> Graph:
    """Every op that a project has: convolutions with odd pads, a residual sum, both pools, a dense end."""
    layers = Layers("plane", False)
    build = layers.build
    x = layers.conv("stem", layers.input("x", (1, 7, 6, 2)), 3, stride=1, pads=(1, 1, 1, 1), clip=Clip(0))
    deep = layers.depthwise("deep", x) if depthwise else layers.conv("deep", x, 3, pads=(1, 1, 1, 1))
    total = build.add(Add(), [x, deep], "total")
    largest = build.add(MaxPool2D(Window((2, 2), (2, 2))), [total], "largest")
    point = layers.conv("point", largest, 4, kernel=2, stride=1, pads=(0, 0, 1, 0))
    average = build.add(AveragePool2D(Window((2, 2), (1, 1))), [point], "average") if depthwise else point
    flat = build.add(Reshape((1, layers.build.values[average].type.size)), [average], "flat")
    return layers.graph(layers.dense("out", flat, 3))


def samples(graph: Graph, count: int = 200) -> dict[str, Array]:
    """Random codes, and corners: the ends of the format alone."""
    found = models.samples(graph, count)
    for name, codes in found.items():
        q = graph.values[name].type.quantized
        codes[: count // 4] = np.random.default_rng(1).choice([q.min, q.max, 0, q.max - 1], codes[: count // 4].shape)
    return found


def written(graph: Graph, folder: Path, target: str = "vitis-hls", options: DesignOptions = DEFAULTS) -> Design:
    hardware = find_hardware(target)
    assert hardware
    hardware.write(folder, "net", graph, options)
    return Design(folder, "net", graph, hardware)


def check(design: Design) -> None:
    """The simulation gives the reference's bits."""
    inputs = samples(design.graph)
    assert compare(run(design.graph, inputs), HLS.run(design, inputs)[0].outputs, design.graph).differ == 0


def test_dense_layers_on_vitis(tmp_path: Path) -> None:
    check(written(quantized(vector()), tmp_path))


@pytest.mark.long
@pytest.mark.parametrize("target", ["catapult-hls", "quartus-hls"])
def test_dense_layers(target: str, tmp_path: Path) -> None:
    check(written(quantized(vector(), "fixed<16,6>"), tmp_path, target))


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["resource", "distributed-arithmetic"])
def test_strategies(strategy: str, tmp_path: Path) -> None:
    check(written(quantized(vector()), tmp_path, options=DesignOptions(strategy=strategy)))


@pytest.mark.long
@pytest.mark.parametrize("target,stream,depthwise", [
    ("vitis-hls", False, True), ("vitis-hls", True, True), ("catapult-hls", False, False), ("catapult-hls", True, True),
    ("quartus-hls", False, False), ("quartus-hls", True, False),
])  # fmt: skip
def test_every_op(target: str, stream: bool, depthwise: bool, tmp_path: Path) -> None:
    graph = quantized(plane(depthwise))
    design = written(graph, tmp_path, target, DesignOptions(stream=stream))
    check(design)
    inputs = samples(graph, 20)
    traced = HLS.traced(design, inputs)
    if target != "quartus-hls" or not stream:
        assert {"stem", "deep", "largest", "point"} <= {name.split("_")[0] for name in traced}
    assert first_difference(graph, inputs, traced) is None


Mutation = Callable[[Plan], Plan]


def changed(layer: str, variable: str, **fields: object) -> Mutation:
    """A plan with another format of one variable of the layer whose name begins so."""

    def mutate(found: Plan) -> Plan:
        layers = [
            replace(x, formats={**x.formats, variable: replace(x.formats[variable], **fields)}) if x.name.startswith(layer) else x  # type: ignore[arg-type]
            for x in found.layers
        ]
        assert [x.formats for x in layers] != [x.formats for x in found.layers]
        return replace(found, layers=tuple(layers))

    return mutate


@pytest.mark.parametrize(
    "mutate", [
        changed("hidden", "result", rounding="RND_ZERO"),
        pytest.param(changed("hidden", "result", rounding="TRN"), marks=pytest.mark.long),
        pytest.param(changed("hidden", "result", overflow="WRAP"), marks=pytest.mark.long),
        pytest.param(changed("hidden", "accum", width=8), marks=pytest.mark.long),
        pytest.param(changed("hidden", "weight", width=6), marks=pytest.mark.long),
        pytest.param(changed("out", "bias", fraction=3), marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_mutations_are_seen_and_named(mutate: Mutation, tmp_path: Path) -> None:
    graph, hardware = quantized(vector()), find_hardware("vitis-hls")
    assert hardware
    mutated = mutate(plan(graph))
    project.write(mutated, "net", "Vitis", DesignOptions(), tmp_path)
    design, inputs = Design(tmp_path, "net", graph, hardware), samples(graph, 2000)
    traced = HLS.traced(design, inputs)
    assert compare(run(graph, inputs), {n: traced[n] for n in graph.output_names}, graph).differ > 0
    first = first_difference(graph, inputs, traced)
    original = plan(graph)
    name = next(a.name for a, b in zip(original.layers, mutated.layers, strict=True) if a.formats != b.formats)
    assert first and original.names[first.node or ""] == name


@pytest.mark.parametrize("target", ["vitis-hls", "catapult-hls", "quartus-hls", "oneapi-hls"])
def test_projects_are_the_same_files_each_time(target: str, tmp_path: Path) -> None:
    graph = quantized(vector())
    once, again = written(graph, tmp_path / "a", target), written(graph, tmp_path / "b", target)
    files = {p.relative_to(once.folder): p.read_bytes() for p in once.folder.rglob("*") if p.is_file()}
    assert files == {p.relative_to(again.folder): p.read_bytes() for p in again.folder.rglob("*") if p.is_file()}
    assert files and not any(str(tmp_path).encode() in content for content in files.values())


def test_part_clock_and_reuse_are_in_the_project(tmp_path: Path) -> None:
    options = DesignOptions(reuse_factor=5, strategy="resource", part="xc7z020clg400-1", clock_ns=8)
    written(quantized(vector()), tmp_path, options=options)
    script = (tmp_path / "project.tcl").read_text()
    assert "xc7z020clg400-1" in script and "clock_period 8" in script
    parameters = (tmp_path / "firmware" / "parameters.h").read_text()
    assert "reuse_factor = 5" in parameters and "nnet::resource" in parameters


def test_oneapi_lacks_a_header(tmp_path: Path) -> None:
    design = written(quantized(vector()), tmp_path, "oneapi-hls")
    with pytest.raises(tools.MissingTool, match=r"oneapi-hls: its C simulation includes <sycl/ext/intel/ac_types/ac_fixed.hpp>"):
        HLS.run(design, samples(design.graph))


def test_refusals(tmp_path: Path) -> None:
    def refused(graph: Graph, message: str, target: str = "vitis-hls", options: DesignOptions = DEFAULTS) -> None:
        with pytest.raises(TapeoutError, match=message):
            written(graph, tmp_path / "none", target, options)
        assert not (tmp_path / "none").exists()

    refused(quantized(vector(), "int8"), r"x: .*fixed point.* --recipe 'fixed<W,I>'")
    refused(vector(), "x: f32, and designs compute with codes")
    layers = Layers("mean", False)
    x = layers.conv("conv", layers.input("x", (1, 4, 4, 2)), 2)
    mean = layers.build.add(Mean((1, 2)), [x], "mean")
    refused(quantized(layers.graph(mean)), "no layer of hls4ml computes mean bit for bit; there are add")
    graph = quantized(vector())
    nodes = [replace(n, op=replace(n.op, requant=cut(n.op.requant))) if isinstance(n.op, Dense) else n for n in graph.nodes]
    refused(graph.replace(nodes), "clips to 0 .. 100, and fixed point saturates at powers of two")
    refused(graph, "target catapult-hls takes latency, resource", "catapult-hls", DesignOptions(strategy="distributed-arithmetic"))
    refused(quantized(plane()), "deep: hls4ml for Catapult computes other numbers in depthwise layers.*give --stream", "catapult-hls")
    refused(graph, "no multipliers to share", options=DesignOptions(strategy="distributed-arithmetic", reuse_factor=2))


def cut(requant: object) -> Requant:
    assert isinstance(requant, Requant)
    return replace(requant, hi=100)


def test_hls4ml_loads_no_framework(tmp_path: Path) -> None:
    """Nor does anything load hls4ml before a project is written."""
    script = "import sys, tapeout.targets.hls.hardware, tapeout.cosim.hls.engines; sys.exit('hls4ml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    written(quantized(vector()), tmp_path)
