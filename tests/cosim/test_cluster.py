"""A cluster of cores on their RTL: equality with the reference, parts of odd sizes, and barriers, whose loss is noticed."""
from __future__ import annotations

import importlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.build import lower
from tapeout.compiler.ir import F32, Array, Builder, Graph, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.passes.add_training_step import add_training_step
from tapeout.compiler.run import run
from tapeout.compiler.training import Training
from tapeout.cosim.compare import compare
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.rtl.machine import RtlCore, RtlMachine
from tapeout.quant.quantize import annotated_blindly
from tapeout.quant.recipe import load
from tapeout.targets import find_target
from tapeout.targets.c.target import KERNELS
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.target import CLUSTER, CLUSTER_FLAGS, PULP
from tapeout.targets.target import Target
from tests.cases import make_graph
from tests.small_training import network, samples

CORE = find_target("cv32e40p")
assert isinstance(CORE, Microcontroller)
TARGET = replace(CORE, kernels=(CLUSTER, KERNELS), cluster=(CLUSTER,), flags=(*CORE.flags, *CLUSTER_FLAGS))
STEP = Training(learning_rate=0.05, momentum=0.9, weight_decay=0.01)


def on(cores: int, most_cycles: int = 5_000_000) -> RtlCore:
    return RtlCore("rtl-cluster", RtlMachine("rtl-cluster", 120, most_cycles, cores))


def compiled(folder: Path, graph: Graph, inputs: Inputs = Inputs.ARENA, target: Target = TARGET) -> Compiled:
    (folder / "net").mkdir(parents=True)
    return Compiled.write(folder / "net", "net", target, graph, inputs=inputs)


def edit(model: Compiled, pattern: str, text: str, file: str = "net.c") -> None:
    """Replaces the first match of a pattern in a file of the compiled model."""
    changed, count = re.subn(pattern, text, (model.folder / file).read_text(), count=1)
    assert count == 1, f"{pattern} is not in {file}"
    (model.folder / file).write_text(changed)


def chain(size: int = 37) -> Graph:
    """A node for all cores between two for core 0; sizes that eight do not divide."""
    build = Builder()
    build.input("x", Type((1, size), F32))
    build.add(Softmax(), ["x"], "first")
    build.add(Clip(0.01, 0.04), ["first"], "second")
    build.add(Softmax(), ["second"], "third")
    return make_graph("net", build, ("x",), ("second", "third"))


def feed(graph: Graph, count: int) -> dict[str, Array]:
    return {"x": np.random.default_rng(0).standard_normal((count, *graph.values["x"].type.shape)).astype(np.float32)}


@pytest.mark.parametrize(("cores", "batch", "inputs"), [(8, 1, Inputs.CALLER), (5, 2, Inputs.ARENA), (1, 1, Inputs.ARENA)])
def test_a_training_step_equals_the_reference(cores: int, batch: int, inputs: Inputs, tmp_path: Path) -> None:
    model, given = compiled(tmp_path, verify(add_training_step(network(batch), STEP)), inputs), samples(3, batch)
    comparison = compare(run(model.graph, given), on(cores).run(model, given), model.graph)
    assert comparison.differ == 0 < comparison.compared


@pytest.mark.parametrize("recipe", ["fp16-fma", pytest.param("fp32-fma", marks=pytest.mark.long)])
def test_a_training_step_of_packed_kernels_equals_the_reference(recipe: str, tmp_path: Path) -> None:
    """Those of pulp-fp16, with leftovers in every axis."""
    graph = verify(add_training_step(lower(annotated_blindly(network(), load(recipe))), STEP))
    model, given = compiled(tmp_path, graph, target=find_target("pulp-fp16")), samples(2)
    assert sum(chosen.path.parent == PULP for chosen in model.selection.chosen.values()) > 5
    comparison = compare(run(graph, given), on(8).run(model, given), graph)
    assert comparison.differ == 0 < comparison.compared


def test_the_same_firmware_runs_in_qemu(tmp_path: Path) -> None:
    model, given = compiled(tmp_path, verify(add_training_step(network(), STEP))), samples(2)
    assert compare(run(model.graph, given), QEMU.run(model, given), model.graph).differ == 0


@pytest.mark.parametrize("size", [1, 7, 8, 37])
def test_an_inference_equals_the_reference(size: int, tmp_path: Path) -> None:
    model = compiled(tmp_path, chain(size))
    assert compare(run(model.graph, feed(model.graph, 4)), on(8).run(model, feed(model.graph, 4)), model.graph).differ == 0


def test_cycles_repeat_and_fewer_are_taken_by_more_cores(tmp_path: Path) -> None:
    model, given = compiled(tmp_path, verify(add_training_step(network(), STEP))), samples(1)
    one, eight = on(1).cycles(model, given), on(8).cycles(model, given)
    assert eight == on(8).cycles(model, given)
    assert (one.run_stalls.banks, one.run_stalls.barriers) == (0, 0)
    index = next(i for i, n in enumerate(model.graph.nodes) if n.name == "hidden.w_next")
    assert 3 * eight.nodes[index] < one.nodes[index]
    assert eight.run_stalls.banks > 0 and 0 < eight.share(eight.run_stalls.barriers) < 1
    outputs, profile = on(8).profile(model, given)
    assert compare(run(model.graph, given), outputs, model.graph).differ == 0
    assert abs(profile.run - eight.run) < eight.run / 20 and profile.nodes == eight.nodes


def test_a_barrier_that_is_lost_is_noticed(tmp_path: Path) -> None:
    """Behind a node of core 0 others would take what it has not yet written."""
    model, given = compiled(tmp_path, chain()), {"x": feed(chain(), 4)["x"]}
    edit(model, r"(?s)(node_begin\(0\).*?)node_end\(0\);", r"\1")
    assert compare(run(model.graph, given), on(8).run(model, given), model.graph).differ > 0


def test_a_core_that_computes_too_little_is_noticed(tmp_path: Path) -> None:
    model, given = compiled(tmp_path, chain()), feed(chain(), 2)
    pattern, wrong = r"mine\.size = part\.end - part\.begin;(?=\s+clip_f32)", "mine.size = (part.end - part.begin) / 2;"
    edit(model, pattern, wrong, "kernels/clip_cluster.h")
    assert compare(run(model.graph, given), on(8).run(model, given), model.graph).differ > 0


def test_a_core_that_comes_to_no_barrier_is_named(tmp_path: Path) -> None:
    model = compiled(tmp_path, chain())
    edit(model, r"node_end\(1\);", "while (cluster_core() == 3) { __asm volatile(\"\"); } node_end(1);")
    said = r"^rtl-cluster: still runs at 0x8000\w{4} in cycle 200000: core 3, while 7 of 8 cores wait at a barrier$"
    with pytest.raises(EngineFailed, match=said):
        on(8, most_cycles=200_000).run(model, feed(model.graph, 1))


SLICES = """
#include <stdio.h>
static int core, cores;
#define CLUSTER_PMSIS
#define pi_core_id() core
#define pi_cl_team_nb_cores() cores
#define pi_cl_team_barrier(mask) ((void)0)
#define pi_cl_team_fork(count, entry, argument) (entry)(argument)
#include "cluster.h"
int main(void)
{
    for (cores = 1; cores <= 9; cores++) {
        for (int step = 1; step <= 8; step++) {
            for (int count = 0; count < 70; count++) {
                int begin = 0, least = count, most = 0;
                for (core = 0; core < cores; core++) {
                    const cluster_range part = cluster_slice(count, step);
                    const int length = part.end - part.begin;
                    if (part.begin != begin || length < 0 || (length > 0 && part.begin % step != 0)) {
                        return printf("%d of %d cores: %d to %d of %d\\n", core, cores, part.begin, part.end, count), 1;
                    }
                    begin = part.end;
                    least = length < least ? length : least;
                    most = length > most ? length : most;
                }
                if (begin != count || most - least >= 2 * step) {
                    return printf("%d cores: %d of %d\\n", cores, begin, count), 1;
                }
            }
        }
    }
    return 0;
}
"""


def test_slices_are_all_items_once(tmp_path: Path) -> None:
    """With the spelling of PMSIS, whose functions stand here as macros."""
    (tmp_path / "pmsis.h").write_text("")
    (tmp_path / "slices.c").write_text(SLICES)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{tmp_path}", f"-I{CLUSTER}"]
    subprocess.run(["gcc", *flags, tmp_path / "slices.c", "-o", tmp_path / "slices"], check=True)
    done = subprocess.run([tmp_path / "slices"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_kernels_of_a_cluster_are_declared_with_their_files() -> None:
    """By the op's own rule: `clip_f32_cluster` of clip_cluster.h stands for `clip_f32`."""
    files = sorted(CLUSTER.glob("*_cluster.h"))
    for file in files:
        defined = set(re.findall(r"^static inline void (\w+_cluster)\(", file.read_text(), re.MULTILINE))
        declared = importlib.import_module(f"tapeout.targets.riscv.kernels.cluster.{file.stem}").KERNELS
        assert defined == {kernel.symbol for kernel in declared} != set(), file.name
    assert {file.stem for file in files} == {file.stem for file in CLUSTER.glob("*_cluster.py")}
