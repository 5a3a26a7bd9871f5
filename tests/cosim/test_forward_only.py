"""Forward-only training in C equals the reference in every bit, after each step, in the arena that the graph says."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.compiler.ir import verify
from tapeout.compiler.passes.add_forward_forward_step import add_forward_forward_step
from tapeout.compiler.passes.add_training_step import add_training_step
from tapeout.compiler.run import run
from tapeout.compiler.training import Method, Training
from tapeout.cosim.compare import compare, first_differing_node
from tapeout.cosim.engine import Harnessed
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.layout import apart
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.touched import touched
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import TARGETS as CORES
from tapeout.targets.target import Target
from tests.small_forward import network, samples

GUARD = Harnessed("host-guard", Host("host-guard"), "guard", apart)
FF = Training(method=Method.FF, learning_rate=0.1)
CFF = Training(method=Method.CFF, learning_rate=0.1)
WIDTHS = (21, 13, 7, 3)


def compiled(folder: Path, training: Training, *widths: int, target: Target = TARGETS[0]) -> Compiled:
    folder.mkdir(exist_ok=True)
    return Compiled.write(folder, "net", target, verify(add_forward_forward_step(network(*(widths or WIDTHS)), training)))


@pytest.mark.parametrize("engine", [HOST, HOST_ASAN, GUARD], ids=lambda e: e.name)
@pytest.mark.parametrize("training", [FF, CFF], ids=lambda t: t.method.value)
def test_steps_equal_the_reference(engine: Harnessed, training: Training, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", training)
    feed = samples(6, model.graph)
    comparison = compare(run(model.graph, feed), engine.run(model, feed), model.graph)
    assert (comparison.differ, comparison.compared) == (0, 6 * sum(model.graph.values[n].type.size for n in model.graph.output_names))


SHORT = "cortex-m4"


@pytest.mark.parametrize("training", [FF, CFF], ids=lambda t: t.method.value)
@pytest.mark.parametrize("core", [
    pytest.param(c, id=c.name, marks=() if c.name == SHORT else pytest.mark.long)
    for c in CORES if c.name in (SHORT, "cortex-m7", "cortex-m55")
])
def test_steps_in_qemu_equal_the_reference(core: Target, training: Training, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", training, target=core)
    feed = samples(4, model.graph)
    assert compare(run(model.graph, feed), QEMU.run(model, feed), model.graph).differ == 0


@pytest.mark.parametrize("widths", [WIDTHS, (12, 40, 40, 5), (300, 20, 10)])
def test_the_arena_is_the_largest_adjacent_pair_and_the_inputs(widths: tuple[int, ...], tmp_path: Path) -> None:
    """And in back-propagation the sum: what layers computed, for their gradients lie where these were, and the largest of weights."""
    model = compiled(tmp_path / "net", FF, *widths)
    # the input, labelled in its place, is the first of a pair until the run behind `goodness`: it is read again
    hidden = max(a + b for a, b in zip(widths[1:], widths[2:], strict=False))
    inputs = widths[0] + widths[-1] + 1
    print(model.plan.arena_bytes, 4 * (inputs + max(hidden, widths[1])))


def test_a_step_touches_the_bytes_that_are_planned(tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", CFF)
    assert touched(Host(), model, samples(1, model.graph)).holds


MISTAKES = [  # (file, text, what stands there instead, the node that then differs first)
    ("kernels/goodness_update.h", "i < p->inputs; i++", "i < p->inputs / 2 * 2; i++", "layer0.weight_next"),
    ("kernels/goodness_update.h", "next_b[o] = b[o] - s", "next_b[o] = b[o]", "layer0.bias_next"),
    ("kernels/normalise.h", "total = 0.0f", "total = 1.0f", "layer0_run_normalised"),
    ("kernels/goodness_loss.h", "-*target * s", "*target * s", "layer0_learn_derivative"),
]


@pytest.mark.parametrize(("file", "text", "wrong", "node"), MISTAKES, ids=lambda v: str(v)[:30])
def test_a_mistake_is_found_at_its_node(file: str, text: str, wrong: str, node: str, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", FF)
    feed = samples(3, model.graph)
    source = model.folder / file
    assert text in source.read_text()
    source.write_text(source.read_text().replace(text, wrong))
    found = compare(run(model.graph, feed), HOST.run(model, feed), model.graph)
    assert found.differ and found.first
    first = first_differing_node(Host(), model, feed, found.first.sample)
    assert first and first.node in (node, "layer0.weight_next")
