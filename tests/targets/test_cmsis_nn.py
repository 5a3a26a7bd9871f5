"""CMSIS-NN as a back end, on the stand-in with the same interface that tests/targets/cmsis_nn holds."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run
from tapeout.compiler.views import views
from tapeout.targets.c.target import KERNELS
from tapeout.targets.cortexm import cmsis_nn
from tapeout.targets.cortexm.cmsis_nn import VARIABLE, CmsisNN, build_rounding
from tapeout.targets.cortexm.kernels.cmsis_nn.layers import Unit, kernels
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.selection import select
from tests.cases import Case, all_cases, cases_of, samples
from tests.test_cli import CALIBRATION, MODEL, refused, tapeout

from .board import on_board
from .matrix import difference, nets, run_cases
from .mutation import Mutation

STAND_IN = Path(__file__).parent / "cmsis_nn"
OPS = ("conv2d", "depthwise_conv2d", "dense", "average_pool2d", "max_pool2d", "add", "softmax")
CORES = ("cortex-m4", *(pytest.param(core, marks=pytest.mark.long) for core in ("cortex-m0", "cortex-m55")))  # all that differ for CMSIS-NN
MUTATIONS = [
    Mutation("zero_point_not_negated", "conv2d_cmsis_nn.h", ".input_offset = -p->x_zero", ".input_offset = p->x_zero", "conv2d_s8_valid"),
    Mutation("swapped_strides", "conv2d_cmsis_nn.h", "{.h = g->stride_h, .w = g->stride_w}", "{.h = g->stride_w, .w = g->stride_h}",
             "conv2d_s8_same_stride"),
    Mutation("no_pad", "depthwise_conv2d_cmsis_nn.h", ".h = g->pad_top", ".h = 0 * g->pad_top", "depthwise_conv2d_s8"),
    Mutation("no_clip", "dense_cmsis_nn.h", ".max = p->hi", ".max = 127", "dense_s8"),
    Mutation("lost_element", "add_cmsis_nn.h", "p->lo, p->hi, p->size)", "p->lo, p->hi, p->size - 1)", "add_s8"),
    Mutation("wide_window", "cmsis_nn.h", ".h = g->stride_h, .w = g->stride_w", ".h = g->stride_h, .w = 1", "max_pool2d_s8"),
]


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(STAND_IN))


def backed(core: str) -> CmsisNN:
    """A core with the kernels of CMSIS-NN and the portable ones alone."""
    return CmsisNN.of(replace(next(t for t in TARGETS if t.name == core), kernels=(KERNELS,)))


def wrong(cases: Sequence[Case], target: CmsisNN, folder: Path, programs: Path) -> list[str]:
    """The nets that differ from the reference, of the cases that a kernel of CMSIS-NN accepts; one build for each rounding."""
    faults = []
    for rounding in (Rounding.TFLITE, Rounding.HALF_UP):
        taken = [c for c in cases if build_rounding(c.graph) is rounding and _runs(target, c.graph)]
        if not taken:
            continue
        library = target.library(taken[0].graph, cmsis_nn.FOLDER.glob("*.h"))
        (work := folder / rounding).mkdir(parents=True)
        found = run_cases(taken, target, work, on_board(target, programs, library))
        for case in taken:
            (expected,) = run(case.graph, samples(case)).values()
            faults += [n.name for n in nets([case], target) if difference(next(iter(found[n.name].values())), expected)]
    return faults


def _runs(target: CmsisNN, graph: Graph) -> bool:
    return any(target.refused(graph, node) is None for node in graph.nodes if node.name not in views(graph).free)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("core", CORES)
def test_kernels_equal_the_reference(core: str, op: str, tmp_path: Path, programs: Path) -> None:
    target = backed(core)
    assert sum(_runs(target, case.graph) for case in cases_of(op)) >= 3
    assert wrong(cases_of(op), target, tmp_path, programs) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"
    shutil.copytree(cmsis_nn.FOLDER, folder)
    text = (folder / mutation.file).read_text()
    assert mutation.text in text
    (folder / mutation.file).write_text(text.replace(mutation.text, mutation.wrong))
    monkeypatch.setattr(cmsis_nn, "FOLDER", folder)
    cases = [c for c in all_cases() if c.name.startswith(mutation.case)]
    faults = wrong(cases, backed("cortex-m4"), tmp_path / "work", tmp_path)
    assert faults and all("_by_" in name for name in faults)


def graph_of(name: str) -> Graph:
    return next(case.graph for case in all_cases() if case.name == name)


@pytest.mark.parametrize(("case", "reason"), [
    ("average_pool2d_s8_half_even", "rounding half_even, where it has half_away"), ("softmax_s8_long", "rows so long"),
    ("add_s8_channel", "operands of different shapes"), ("sub_s8_same", "no such kernel"),
])
def test_what_falls_back_is_named(case: str, reason: str) -> None:
    graph = graph_of(case)
    (line,) = select(backed("cortex-m4"), graph).refused(graph)
    assert line.startswith(f"{graph.nodes[0].name}: not by CMSIS-NN: {reason}")
    assert line.endswith(f"; {graph.nodes[0].op.symbol(graph.types(graph.nodes[0]))} runs it")


def test_scratch_is_what_cmsis_nn_asks_for() -> None:
    """Bytes on a core without SIMD instructions, with those of the DSP extension, with vectors."""
    assert scratch("conv2d_s8_even") == (288, 288, 320)  # 9 x 8: two columns of half-words by fours, four columns of codes by sixteens
    assert scratch("conv2d_s8_pixels") == (0, 0, 0)
    assert scratch("conv2d_s8_one_row") == (48, 48, 0)  # which falls back
    assert scratch("depthwise_conv2d_s8_same") == (0, 0, 4 * 124 * 9)
    assert scratch("depthwise_conv2d_s8_five") == (0, 2 * 7 * 25, 4 * 124 * 25)
    assert scratch("depthwise_conv2d_s8_one_channel") == (0, 0, 4 * 32 + 8 * 20)  # as a convolution, with its weights transposed
    assert scratch("average_pool2d_s8_relu") == (0, 12, 0)


def scratch(case: str) -> tuple[int, ...]:
    graph = graph_of(case)
    return tuple(sum(select(backed(core), graph).scratch(graph).values()) for core in ("cortex-m0", "cortex-m4", "cortex-m55"))


def test_layers_of_the_other_rounding_fall_back() -> None:
    graph = graph_of("conv2d_s8_half_up")
    (node,) = graph.nodes
    for unit in Unit:
        conv = next(k for k in kernels(unit, Rounding.TFLITE) if k.of == "conv2d_s8")
        assert conv.accepts(graph, node) == "rounding half_up, where its build for this network has tflite"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits network by the stand-in."""
    folder = tmp_path_factory.mktemp("cli") / "digits"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(STAND_IN))
        done = tapeout("compile", MODEL, "--target", "cortex-m4", "--kernels", "cmsis-nn", "--calibrate", CALIBRATION, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_network_by_cmsis_nn(bundle: Path) -> None:
    report = json.loads((bundle / "report.json").read_text())
    assert any(str(layer["kernel"]).endswith("_cmsis_nn") for layer in report["layers"])
    done = tapeout("cosim", bundle, "--engines", "reference,qemu", "--count", 4)
    assert done.returncode == 0 and "qemu: 0 / " in done.stdout, done.stdout + done.stderr


def test_output_names_the_variable_and_no_folder_of_this_machine(bundle: Path) -> None:
    texts = [path for path in bundle.rglob("*") if path.suffix in (".c", ".h", ".txt", ".json", ".ld", "")]
    assert [path for path in texts if path.is_file() and str(STAND_IN) in path.read_text()] == []
    makefile = (bundle / "cortex-m4" / "firmware" / "Makefile").read_text()
    assert f"$({VARIABLE})/Source/arm_convolve_wrapper_s8.c" in makefile
    assert "-DCMSIS_NN_USE_SINGLE_ROUNDING" in makefile


def test_makefile_builds_it_and_cmake_names_its_files(bundle: Path, tmp_path: Path) -> None:
    source = shutil.copytree(bundle / "cortex-m4", tmp_path / "source")
    subprocess.run(["make", "-s", "-B"], cwd=source / "firmware", check=True)
    assert f"\n    $ENV{{{VARIABLE}}}/Source/arm_convolve_wrapper_s8.c" in (source / "CMakeLists.txt").read_text()


@pytest.mark.parametrize(("value", "message"), [
    (None, f"the environment variable {VARIABLE} is not set; get github.com/ARM-software/CMSIS-NN"),
    ("/no/such/folder", f"{VARIABLE}=/no/such/folder: this is no CMSIS-NN checkout"),
])
def test_a_missing_checkout_is_one_line(
    value: str | None, message: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE) if value is None else monkeypatch.setenv(VARIABLE, value)
    refused(2, message, "compile", MODEL, "--target", "cortex-m4", "--kernels", "cmsis-nn", "-o", tmp_path / "out")
    refused(2, message, "cosim", bundle, "--engines", "qemu")


def test_another_target_has_no_such_kernels(tmp_path: Path) -> None:
    refused(2, "target c has kernels of its own alone", "compile", MODEL, "--target", "c", "--kernels", "cmsis-nn", "-o", tmp_path / "out")


if os.environ.get(VARIABLE):  # nothing that could be installed for a test run carries CMSIS-NN; who has it names it

    @pytest.mark.long
    @pytest.mark.parametrize("op", OPS)
    @pytest.mark.parametrize("core", CORES)
    @pytest.mark.parametrize("checkout", [os.environ[VARIABLE]], ids=["checkout"])
    def test_cmsis_nn_itself(
        checkout: str, core: str, op: str, tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, checkout)
        assert wrong(cases_of(op), backed(core), tmp_path, programs) == []
