"""Forward-only training in C equals the reference in every bit, after each step, in the arena that the graph says."""
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tapeout.compiler.ir import verify
from tapeout.compiler.passes.add_forward_forward_step import add_forward_forward_step
from tapeout.compiler.passes.add_training_step import add_training_step
from tapeout.compiler.run import run
from tapeout.compiler.training import Method, Training
from tapeout.cosim.compare import compare
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


@pytest.mark.parametrize("widths", [WIDTHS, (12, 40, 40, 5), (300, 20, 10), (63, 40, 2), (66, 200, 100, 10)])
def test_the_arena_is_the_input_and_the_largest_adjacent_pair(widths: tuple[int, ...], tmp_path: Path) -> None:
    """And two scalars, the target and the goodness so far. The label's memory is free once it is embedded. Where the second layer
    has two units or fewer, the first that learns takes most: beside it lie the target, both goodnesses, the derivative and the loss."""
    pair = max(map(sum, pairwise(widths[1:])))
    assert compiled(tmp_path / "net", FF, *widths).plan.arena_bytes == 4 * (widths[0] + max(pair + 2, widths[1] + 5))


@pytest.mark.parametrize("widths", [
    WIDTHS, (12, 40, 40, 5), (300, 20, 10), (63, 128, 128, 10), (15, 49, 2, 44, 6, 12), (9, 42, 9), (66, 200, 100, 10),
])
def test_the_arena_of_back_propagation_is_the_sum(widths: tuple[int, ...], tmp_path: Path) -> None:
    """Of the activities up to a layer, its gradients, the outputs and the loss: gradients of weights are most of it."""
    sums = [max(widths[:2]) + widths[1] * (widths[0] + 1)]  # the first layer: its input, then the gradient of its bias
    for k in range(1, len(widths) - 1):
        inputs, outputs = widths[k], widths[k + 1]
        gradients = outputs * inputs + outputs + outputs + inputs  # of weights, bias, what the layer computed, and its input
        sums.append(sum(widths[: k + 1]) + gradients)
    (tmp_path / "net").mkdir()
    model = Compiled.write(tmp_path / "net", "net", TARGETS[0], verify(add_training_step(network(*widths), Training())))
    assert model.plan.arena_bytes == 4 * (max(sums) + widths[-1] + 1)


def test_a_step_touches_the_bytes_that_are_planned(tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", CFF)
    assert touched(Host(), model, samples(1, model.graph)).holds


MISTAKES = [  # (file, text, what stands there instead, the output that then differs first)
    ("kernels/row_update.h", "i < inputs; i++", "i < inputs / 2 * 2; i++", "layer0.weight_next"),
    ("kernels/row_update.h", "load_float(b, o, bias) - s", "load_float(b, o, bias)", "layer0.bias_next"),
    ("kernels/goodness.h", "total = 0.0f", "total = 1.0f", "goodness_3"),
    ("kernels/goodness_loss.h", "-*target * s", "*target * s", "layer0.weight_next"),
    ("kernels/embed_label.h", "i < p->classes", "i + 1 < p->classes", "goodness_3"),
]


@pytest.mark.parametrize(("file", "text", "wrong", "output"), MISTAKES, ids=lambda v: str(v)[:30])
def test_a_mistake_is_found(file: str, text: str, wrong: str, output: str, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", FF)
    feed = samples(3, model.graph)
    source = model.folder / file
    assert text in source.read_text()
    source.write_text(source.read_text().replace(text, wrong))
    first = compare(run(model.graph, feed), HOST.run(model, feed), model.graph).first
    assert first and (first.value == output or output.startswith("goodness"))
