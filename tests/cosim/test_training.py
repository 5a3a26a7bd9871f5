"""Training steps in C equal the reference in every bit, one after the other, and lessen the loss of the digits network."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.build import lower
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph, verify
from tapeout.compiler.passes.add_training_step import add_training_step
from tapeout.compiler.run import run
from tapeout.compiler.states import inference
from tapeout.compiler.training import Loss, Training
from tapeout.cosim.compare import compare, first_differing_node
from tapeout.cosim.engine import Harnessed
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.layout import apart
from tapeout.cosim.measure import measure
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import find_target
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import TARGETS as CORES
from tapeout.targets.target import Target
from tests.autograd import train
from tests.cosim.test_float16 import in_recipe
from tests.small_training import network, samples

GUARD = Harnessed("host-guard", Host("host-guard"), "guard", apart)
MOMENTUM = Training(learning_rate=0.05, momentum=0.9, weight_decay=0.01)
PLAIN = Training(Loss.MSE, "last:2", 0.1)
DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def compiled(folder: Path, training: Training, batch: int = 1, inputs: Inputs = Inputs.ARENA, target: Target = TARGETS[0]) -> Compiled:
    folder.mkdir(exist_ok=True)
    return Compiled.write(folder, "net", target, verify(add_training_step(network(batch), training)), inputs=inputs)


@pytest.mark.parametrize("engine", [HOST, HOST_ASAN, GUARD], ids=lambda e: e.name)
@pytest.mark.parametrize(("training", "batch", "inputs"), [
    (MOMENTUM, 1, Inputs.ARENA), (MOMENTUM, 2, Inputs.CALLER), (PLAIN, 3, Inputs.KEPT),
])
def test_steps_equal_the_reference(engine: Harnessed, training: Training, batch: int, inputs: Inputs, tmp_path: Path) -> None:
    model, feed = compiled(tmp_path / "net", training, batch, inputs), samples(6, batch)
    reference = run(model.graph, feed)
    comparison = compare(reference, engine.run(model, feed), model.graph)
    assert np.isfinite(reference["loss"]).all()
    assert (comparison.differ, comparison.compared) == (0, 6 * sum(model.graph.values[n].type.size for n in model.graph.output_names))


@pytest.mark.parametrize("core", [
    pytest.param(c, marks=[pytest.mark.long] if c.name == "cortex-m7" else []) for c in CORES
    if c.name in ("cortex-m0", "cortex-m4", "cortex-m7", "cortex-m55")
], ids=lambda c: c.name)
def test_steps_in_qemu_equal_the_reference(core: Target, tmp_path: Path) -> None:
    model, feed = compiled(tmp_path / "net", MOMENTUM, target=core), samples(4)
    assert compare(run(model.graph, feed), QEMU.run(model, feed), model.graph).differ == 0


def test_every_node_of_a_step_is_counted(tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", PLAIN, target=next(c for c in CORES if c.name == "cortex-m4"))
    found = measure(model, samples(1))
    assert len(found.nodes) == len(model.graph.nodes)
    assert found.run.instructions > sum(n.instructions for n in found.nodes[inference(model.graph) :]) > 0


def test_a_step_touches_the_bytes_that_are_planned(tmp_path: Path) -> None:
    assert touched(Host(), compiled(tmp_path / "net", MOMENTUM), samples(1)).holds


MISTAKES = [  # (file, text, what stands there instead, the node that then differs first)
    ("kernels/dense_weight_gradient.h", "i < p->inputs; i++", "i < p->inputs / 2 * 2; i++", "out.w_gradient"),
    ("kernels/bias_gradient.h", "row = 0; row", "row = 1; row", "out.b_gradient"),
    ("kernels/depthwise_conv2d_input_gradient.h", "s->dilation_h, s->pad_top", "s->dilation_h, s->pad_left", "first_gradient"),
]


@pytest.mark.parametrize(("file", "text", "wrong", "node"), MISTAKES, ids=lambda v: str(v)[:30])
def test_a_mistake_is_found_at_its_node(file: str, text: str, wrong: str, node: str, tmp_path: Path) -> None:
    model, feed = compiled(tmp_path / "net", MOMENTUM), samples(3)
    source = model.folder / file
    assert text in source.read_text()
    source.write_text(source.read_text().replace(text, wrong))
    found = compare(run(model.graph, feed), HOST.run(model, feed), model.graph)
    assert found.differ and found.first
    first = first_differing_node(Host(), model, feed, found.first.sample)
    assert first and first.node == node


def test_an_update_that_is_left_out_is_noticed(tmp_path: Path) -> None:
    model, feed = compiled(tmp_path / "net", PLAIN), samples(3)
    source = model.folder / "net.c"
    changed = re.sub(r"    sgd_f32\(&params_out_w_next[^;]*;", "    (void)params_out_w_next;", source.read_text())
    assert changed != source.read_text()
    source.write_text(changed)
    first = compare(run(model.graph, feed), HOST.run(model, feed), model.graph).first
    assert first and (first.value, first.sample) == ("out.w_next", 0)


def test_init_undoes_the_training(tmp_path: Path) -> None:
    """The canary build calls it before each sample, so that all are the first."""
    model, feed = compiled(tmp_path / "net", MOMENTUM), samples(1)
    twice = {name: np.repeat(array, 2, axis=0) for name, array in feed.items()}
    assert not touched(Host(), model, twice).unset
    losses = run(model.graph, twice)["loss"][:, 0]
    assert losses[0] != losses[1]


def digits(steps: int) -> tuple[Graph, dict[str, Array]]:
    """The example network, and images turned by 90 degrees, which it has never seen."""
    graph = lower(read(DIGITS / "digits.onnx", {}))
    with np.load(DIGITS / "digits_test.npz") as file:
        images, labels = np.rot90(file["image"], axes=(2, 3)), file["y"]
    chosen = np.random.default_rng(0).integers(0, len(images), (steps, 1))
    target = np.eye(10, dtype=np.float32)[labels[chosen]]
    return graph, {"image": np.ascontiguousarray(images[chosen].transpose(0, 1, 3, 4, 2)), "target": target}


def test_a_hundred_steps_on_the_digits(tmp_path: Path) -> None:
    """The loss falls, in C as in the reference, and as in float64."""
    training = Training(learning_rate=0.001)
    graph, feed = digits(100)
    step = verify(add_training_step(graph, training))
    (tmp_path / "net").mkdir()
    model = Compiled.write(tmp_path / "net", "net", TARGETS[0], step)
    reference = run(step, feed)
    assert compare(reference, HOST.run(model, feed), step).differ == 0
    losses, exact = reference["loss"][:, 0], train(graph, training, {"image": feed["image"]}, feed["target"]).losses
    assert losses[-20:].mean() < 0.5 * losses[:20].mean()
    assert (np.abs(losses - exact) <= 0.05 * exact).all()


IMAGES = 8  # of a batch
HALVES = Training(learning_rate=1e-4, master_weights=True, loss_scale=64.0, batch=IMAGES)


def few_bits(recipe: str) -> tuple[Graph, Graph, dict[str, Array]]:
    """The example network, a hundred updates of it in a recipe of floats, and what they are fed."""
    graph, feed = digits(100 * IMAGES)
    checkpoint = {v.name: v.data for v in graph.constants() if v.data is not None}
    return graph, verify(add_training_step(in_recipe(read(DIGITS / "digits.onnx", {}), recipe), HALVES, checkpoint)), feed


@pytest.mark.parametrize("recipe", ["fp16", pytest.param("fp16-fma", marks=pytest.mark.long)])
def test_a_hundred_updates_in_fp16_on_the_digits(recipe: str, tmp_path: Path) -> None:
    """The loss of each batch is within 5 % of that in float64, and falls; compiled C is the reference to the bit."""
    graph, step, feed = few_bits(recipe)
    (tmp_path / "net").mkdir()
    reference = run(step, feed)
    assert compare(reference, HOST.run(Compiled.write(tmp_path / "net", "net", TARGETS[0], step), feed), step).differ == 0
    exact = train(graph, HALVES, {"image": feed["image"]}, feed["target"]).losses.reshape(-1, IMAGES).mean(axis=1)
    losses = reference["loss"].reshape(-1, IMAGES).mean(axis=1)
    assert (np.abs(losses - exact) <= 0.05 * exact).all()
    assert losses[-20:].mean() < 0.5 * losses[:20].mean()


@pytest.mark.long
@pytest.mark.parametrize("core", ["rv32-zfh", "cortex-m4"])
def test_a_hundred_updates_in_fp16_in_qemu(core: str, tmp_path: Path) -> None:
    _, step, feed = few_bits("fp16-fma")
    (tmp_path / "net").mkdir()
    model = Compiled.write(tmp_path / "net", "net", find_target(core), step)
    assert compare(run(step, feed), QEMU.run(model, feed), step).differ == 0


@pytest.mark.parametrize(("engine", "recipe"), [
    (HOST_ASAN, "fp16"), (GUARD, "fp16-fma"),
    *(pytest.param(e, r, marks=pytest.mark.long) for e in (HOST_ASAN, GUARD) for r in ("bf16", "fp32-fma")),
], ids=lambda v: getattr(v, "name", v))
def test_steps_of_few_bits_equal_the_reference(engine: Harnessed, recipe: str, tmp_path: Path) -> None:
    training = Training(learning_rate=0.05, momentum=0.9, weight_decay=0.01, master_weights=engine is GUARD, loss_scale=64.0, batch=2)
    step = verify(add_training_step(in_recipe(network(2), recipe), training))
    (tmp_path / "net").mkdir()
    model, feed = Compiled.write(tmp_path / "net", "net", TARGETS[0], step), samples(5, 2)
    assert compare(run(step, feed), engine.run(model, feed), step).differ == 0


@pytest.mark.parametrize(("core", "recipe"), [
    ("rv32-zfh", "fp16-fma"), ("cortex-m4", "fp32-fma"),
    *(pytest.param(c, r, marks=pytest.mark.long) for c in ("cortex-m7", "cortex-m55", "rv32imc") for r in ("fp16", "fp32-fma")),
])
def test_steps_of_few_bits_in_qemu_equal_the_reference(core: str, recipe: str, tmp_path: Path) -> None:
    step = verify(add_training_step(in_recipe(network(), recipe), Training(learning_rate=0.05, momentum=0.9, master_weights=True, batch=2)))
    (tmp_path / "net").mkdir()
    model, feed = Compiled.write(tmp_path / "net", "net", find_target(core), step), samples(4)
    assert compare(run(step, feed), QEMU.run(model, feed), step).differ == 0


def test_an_update_within_a_batch_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    step = verify(add_training_step(network(), Training(learning_rate=0.05, batch=3)))
    model, feed = Compiled.write(tmp_path / "net", "net", TARGETS[0], step), samples(7)
    for file, text, wrong in (("sgd.h", "*n + 1 < batch", "*n + 2 < batch"), ("accumulate.h", "*n == 0 ? element :", "*n > 5 ? element :")):
        source = model.folder / "kernels" / file
        whole = source.read_text()
        assert text in whole
        source.write_text(whole.replace(text, wrong))
        assert compare(run(step, feed), HOST.run(model, feed), step).differ
        source.write_text(whole)


@pytest.mark.long
@pytest.mark.parametrize("file", ["kws_dscnn_float", "ic_resnet8_float"])
def test_a_step_of_a_whole_network_in_fp16(file: str, zoo: Path, tmp_path: Path) -> None:
    graph = in_recipe(read(zoo / "mlperf_tiny" / f"{file}.tflite", {}), "fp16-fma")
    step = verify(add_training_step(graph, Training(learning_rate=0.01)))
    (tmp_path / "net").mkdir()
    model, feed = Compiled.write(tmp_path / "net", "net", TARGETS[0], step), random_inputs(step, 1, 0)
    found = compare(run(step, feed), HOST.run(model, feed), step)
    assert found.differ == 0 and found.compared > 20_000
