"""Networks in 16-bit floats: equal to the reference on every core, from a float model and a recipe alone."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.frontends.tflite import read_tflite
from tapeout.compiler.ir import F32, Array, Graph
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare
from tapeout.cosim.engine import Engine
from tapeout.cosim.host import HOST, HOST_ASAN
from tapeout.cosim.qemu import QEMU
from tapeout.quant.quantize import annotated_blindly
from tapeout.quant.recipe import load
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import TARGETS
from tests.small import FLOATS, network

RECIPES = ("fp16", "fp16-fma", "bf16")


def in_recipe(graph: Graph, recipe: str) -> Graph:
    return lower(annotated_blindly(graph, load(recipe)))


def inputs(graph: Graph, count: int) -> dict[str, Array]:
    """Normal numbers, and such that are subnormal in f16."""
    rng = np.random.default_rng(3)
    found = {}
    for name in graph.input_names:
        assert graph.values[name].type.q == F32
        x = rng.standard_normal((count, *graph.values[name].type.shape)).astype(np.float32)
        x[-1] *= np.float32(2.0**-16)
        found[name] = x
    return found


def differing(engine: Engine, target: str, graph: Graph, folder: Path, count: int) -> tuple[int, int]:
    folder.mkdir()
    compiled = Compiled.write(folder, "net", find_target(target), graph)
    samples = inputs(graph, count)
    found = compare(run(graph, samples), engine.run(compiled, samples), graph)
    return found.differ, found.compared


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("target", [t.name for t in TARGETS])
def test_a_small_network_on_every_core(target: str, recipe: str, tmp_path: Path) -> None:
    graph = in_recipe(network(FLOATS), recipe)
    differ, compared = differing(QEMU, target, graph, tmp_path / "net", 20)
    assert differ == 0 and compared > 1000


@pytest.mark.parametrize("recipe", RECIPES)
def test_keyword_spotting_on_the_host(recipe: str, zoo: Path, tmp_path: Path) -> None:
    graph = in_recipe(read_tflite(zoo / "mlperf_tiny" / "kws_dscnn_float.tflite", {}), recipe)
    for engine, name in ((HOST, "plain"), (HOST_ASAN, "asan")):
        assert differing(engine, "c", graph, tmp_path / name, 3) == (0, 36)


@pytest.mark.parametrize("recipe", ["fp16", "fp16-fma"])
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_keyword_spotting_on_cores(target: str, recipe: str, zoo: Path, tmp_path: Path) -> None:
    graph = in_recipe(read_tflite(zoo / "mlperf_tiny" / "kws_dscnn_float.tflite", {}), recipe)
    assert differing(QEMU, target, graph, tmp_path / "net", 2) == (0, 24)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_float32_keyword_spotting_on_cores(target: str, zoo: Path, tmp_path: Path) -> None:
    graph = lower(read_tflite(zoo / "mlperf_tiny" / "kws_dscnn_float.tflite", {}))
    assert differing(QEMU, target, graph, tmp_path / "net", 2) == (0, 24)
