"""The host engines equal the reference, and find what is broken and where."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare, first_differing_node, trace
from tapeout.cosim.engine import EngineFailed, Harnessed, Outputs, Reference
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.layout import apart
from tapeout.cosim.vectors import random_inputs
from tapeout.targets.compiled import Compiled
from tapeout.targets.tools import MissingTool

from .nets import compiled, convolutions, mutate, shorter, two_heads, with_buffer

GUARD = Harnessed("host-guard", Host("host-guard"), "guard", apart)
STORE = "y[row * g->out_row + column * g->out_pixel + o] ="
OVERRUN = STORE.replace("+ o]", "+ o + 1]")
BIAS = "int32_t sum = b ? b[o] : 0;"


@pytest.fixture
def model(tmp_path: Path) -> Compiled:
    return compiled(convolutions(), tmp_path / "net")


def run_on(engine: Harnessed, model: Compiled, count: int = 8) -> tuple[Outputs, Outputs]:
    inputs = random_inputs(model.graph, count, seed=1)
    return run(model.graph, inputs), engine.run(model, inputs)


@pytest.mark.parametrize("graph", [convolutions, two_heads])
@pytest.mark.parametrize("engine", [HOST, HOST_ASAN, GUARD], ids=lambda e: e.name)
def test_engines_equal_the_reference(engine: Harnessed, graph: Callable[[], Graph], tmp_path: Path) -> None:
    model = compiled(graph(), tmp_path / "net")
    reference, found = run_on(engine, model, 24)
    comparison = compare(reference, found, model.graph)
    assert comparison.differ == 0
    assert comparison.compared == 24 * sum(model.graph.values[n].type.size for n in model.graph.output_names)


def test_the_reference_is_an_engine(model: Compiled) -> None:
    inputs = random_inputs(model.graph, 2, seed=1)
    assert (Reference().run(model, inputs)["y2"] == run(model.graph, inputs)["y2"]).all()


@pytest.mark.parametrize("graph", [convolutions, two_heads])
def test_a_trace_holds_every_value(graph: Callable[[], Graph], tmp_path: Path) -> None:
    model = compiled(graph(), tmp_path / "net")
    inputs = random_inputs(model.graph, 3, seed=1)
    traced, reference = trace(Host(), model, inputs), run(model.graph, inputs, keep=True)
    computed = [o for n in model.graph.nodes for o in n.outputs]
    assert list(traced) == computed
    for name in computed:
        np.testing.assert_array_equal(traced[name], reference[name])


def test_nothing_is_written_beside_the_model(model: Compiled) -> None:
    before = {p: p.stat().st_mtime_ns for p in model.folder.rglob("*")}
    run_on(HOST, model)
    assert {p: p.stat().st_mtime_ns for p in model.folder.rglob("*")} == before


def test_no_samples(model: Compiled) -> None:
    assert HOST.run(model, {"x": np.empty((0, 1, 7, 6, 3), np.int8)})["y2"].shape == (0, 1, 7, 6, 3)


@pytest.mark.parametrize(
    ("condition", "node"), [("1", "y0"), ("g->in_c == 5", "y1"), ("g->in_c == 4", "y2")]
)
def test_the_first_wrong_node_is_named(model: Compiled, condition: str, node: str) -> None:
    mutate(model, BIAS, f"{BIAS} if ({condition} && row == 2 && o == 1) {{ sum ^= 0x4000; }}")
    reference, found = run_on(HOST, model)
    comparison = compare(reference, found, model.graph)
    assert comparison.first
    first = first_differing_node(Host(), model, random_inputs(model.graph, 8, seed=1), comparison.first.sample)
    assert first
    assert (first.node, first.sample, first.index[:2], first.index[3]) == (node, comparison.first.sample, (0, 2), 1)
    assert first.reference != first.engine


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+ ((int64_t)1 << (shift - 1))) >> shift", ") >> shift"),
        ("sum += (in[c] - p->x_zero) * tap[c];", "sum += in[c] * tap[c];"),
        ("c < step * inputs; c++", "c < step * inputs - 1; c++"),
        ("(size - start + dilation - 1) / dilation", "(size - start - 1) / dilation"),
    ],
    ids=["rounding constant", "zero point", "leftover", "padding"],
)
def test_broken_arithmetic_is_found(model: Compiled, old: str, new: str) -> None:
    mutate(model, old, new, f"kernels/{'fixed' if 'shift' in old else 'window' if 'size' in old else 'conv2d'}.h")
    reference, found = run_on(HOST, model)
    assert compare(reference, found, model.graph).differ > 0
    first = first_differing_node(Host(), model, random_inputs(model.graph, 8, seed=1), 0)
    assert first
    assert first.node == "y0"


@pytest.mark.parametrize(("engine", "what"), [(HOST_ASAN, "use-after-poison, write of size 1 in conv2d_s8"), (GUARD, "bad write")])
def test_an_overrun_by_one_element_is_found(model: Compiled, engine: Harnessed, what: str) -> None:
    mutate(model, STORE, OVERRUN)
    with pytest.raises(EngineFailed) as error:
        run_on(engine, model)
    assert str(error.value) == f"{engine.name}: node y0: {what}: 1 byte after y0"
    assert error.value.node == "y0"


@pytest.mark.parametrize("engine", [HOST_ASAN, GUARD], ids=lambda e: e.name)
def test_a_write_before_a_tensor_is_found(model: Compiled, engine: Harnessed) -> None:
    mutate(model, STORE, f"if (g->in_c == 5 && row == 0 && column == 0) {{ y[o - 2] = 1; }} {STORE}")
    with pytest.raises(EngineFailed, match="node y1: .*: 2 bytes before y1"):
        run_on(engine, model)


def test_a_shortened_lifetime_is_found_by_the_sanitizer(model: Compiled) -> None:
    with pytest.raises(EngineFailed, match="node y2: use-after-poison, read .*: byte 0 of y1, which is live at nodes 1 to 1 only"):
        run_on(HOST_ASAN, with_buffer(model, "y1", shorter))


def test_a_shortened_lifetime_starves_the_guarded_run(model: Compiled) -> None:
    reference, found = run_on(GUARD, with_buffer(model, "y1", shorter))
    assert compare(reference, found, model.graph).differ > 0


def test_overlapping_buffers_are_found(model: Compiled) -> None:
    y0 = model.plan.find("y0")
    moved = with_buffer(model, "y1", lambda b: replace(b, offset=y0.offset))
    reference, found = run_on(HOST, model)
    assert compare(reference, found, model.graph).differ == 0
    reference, found = run_on(Harnessed("host", Host()), moved)
    assert compare(reference, found, model.graph).differ > 0


def test_reads_past_constants_are_found(model: Compiled) -> None:
    mutate(model, BIAS, "int32_t sum = b ? b[o + 1] : 0;")
    with pytest.raises(EngineFailed, match="node y0: global-buffer-overflow, read of size 4 in conv2d_s8"):
        run_on(HOST_ASAN, model)


def test_undefined_behaviour_is_found(model: Compiled) -> None:
    mutate(model, BIAS, f"{BIAS} if (g->in_c == 5) {{ sum += 0x7fffffff; sum += 0x7fffffff; }}")
    with pytest.raises(EngineFailed, match=r"host-asan: node y1: signed integer overflow: .* at conv2d.h:\d+$"):
        run_on(HOST_ASAN, model)


def test_a_crash_names_the_node(model: Compiled) -> None:
    mutate(model, BIAS, f"{BIAS} if (g->in_c == 4) {{ *(volatile int *)0 = 1; }}")
    with pytest.raises(EngineFailed, match="^host: node y2: ended by SIGSEGV$"):
        run_on(HOST, model)


def test_an_endless_run_is_ended(model: Compiled) -> None:
    mutate(model, "row++", "row += 0")
    with pytest.raises(EngineFailed, match="^slow: still runs after 1 seconds$"):
        run_on(Harnessed("slow", Host("slow", seconds=1)), model)


@dataclass(frozen=True)
class Silent:
    """A machine whose program ends well and writes too little."""

    name: str = "silent"

    def execute(self, compiled: Compiled, hooks: str, inputs: bytes, folder: Path) -> bytes:
        return inputs[:7]


def test_missing_outputs_are_said(model: Compiled) -> None:
    with pytest.raises(EngineFailed, match="^silent: wrote 7 bytes for 8 samples of 126 bytes each$"):
        run_on(Harnessed("silent", Silent()), model)


def test_c_that_does_not_compile_is_said_in_one_line(model: Compiled) -> None:
    mutate(model, BIAS, "int32_t sum = b[g->in_c * 1.5f];")
    with pytest.raises(EngineFailed, match=r"^host: the C does not compile: .*conv2d.h:\d+:\d+: error: [^\n]*$"):
        run_on(HOST, model)


def test_a_missing_compiler_is_said(model: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m32")
    with pytest.raises(MissingTool, match="no C compiler 'no-such-compiler -m32': apt-get install gcc"):
        run_on(HOST, model)


def test_wrong_inputs_are_said(model: Compiled) -> None:
    with pytest.raises(TapeoutError, match=r"input x: got int16\[2, 1, 7, 6, 3\], expected int8"):
        HOST.run(model, {"x": np.zeros((2, 1, 7, 6, 3), np.int16)})
