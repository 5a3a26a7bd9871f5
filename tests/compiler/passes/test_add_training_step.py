"""A training step is what torch does in float64, within rounding; it holds no gradient that nobody needs."""
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tapeout.compiler import text
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import F16, F32, Builder, Graph, Type, verify
from tapeout.compiler.memory import plan
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.passes.add_training_step import add_training_step
from tapeout.compiler.run import run
from tapeout.compiler.states import inference
from tapeout.compiler.training import Loss, Training
from tests.autograd import train
from tests.cases import make_graph
from tests.cosim.test_float16 import in_recipe
from tests.small_training import network, samples

STEPS = 8
ERROR = 2e-5  # of weights and losses after that many steps, relative to the largest


@pytest.mark.parametrize(("training", "batch", "softmax"), [
    (Training(learning_rate=0.05), 1, False),
    (Training(learning_rate=0.05, momentum=0.9, weight_decay=0.01), 1, True),
    (Training(Loss.MSE, learning_rate=0.1, momentum=0.5), 1, False),
    (Training(learning_rate=0.1, momentum=0.9), 3, False),
    (Training(update="first,out", learning_rate=0.1), 2, False),
    (Training(learning_rate=0.1, momentum=0.9, weight_decay=0.01, batch=3), 1, False),
    (Training(Loss.MSE, learning_rate=0.1, loss_scale=1024.0, batch=2), 2, False),
    (Training(update="last:1", learning_rate=0.1, weight_decay=0.01), 1, False),
])  # fmt: skip
def test_steps_are_those_of_torch_in_float64(training: Training, batch: int, softmax: bool) -> None:
    graph, feed = network(batch, softmax), samples(STEPS, batch)
    step = verify(add_training_step(graph, training))
    found = run(step, feed)
    exact = train(graph, training, {"x": feed["x"]}, feed["target"])
    assert np.abs(found["loss"][:, 0] - exact.losses).max() <= ERROR * exact.losses.max()
    extra = ("_velocity", "_total", "batch_number")
    assert {state.name for state in step.states().values() if not state.name.endswith(extra)} == set(exact.weights)
    for name, weight in exact.weights.items():
        moved = np.abs(weight - graph.data(name)).max()
        assert moved > 0
        assert np.abs(found[step.values[name].next][-1] - weight).max() <= ERROR * max(np.abs(weight).max(), moved), name


def test_weights_move_at_the_last_step_of_a_batch_alone() -> None:
    found = run(verify(add_training_step(network(), Training(learning_rate=0.1, momentum=0.5, batch=3))), samples(7))["first.w_next"]
    moved = [(found[i] != found[i - 1]).any() for i in range(1, 7)]
    assert moved == [False, True, False, False, True, False]


@pytest.mark.parametrize(("recipe", "error"), [("fp16", 5e-3), ("fp16-fma", 1e-2), ("bf16", 3e-2), ("fp32-fma", 1e-6)])
def test_steps_of_few_bits_are_near_those_in_float64(recipe: str, error: float) -> None:
    training = Training(learning_rate=0.02, momentum=0.5, master_weights=True, loss_scale=64.0, batch=2)
    graph, feed = lower(network()), samples(STEPS)
    step = verify(add_training_step(in_recipe(graph, recipe), training, {v.name: graph.data(v.name) for v in graph.constants()}))
    found, exact = run(step, feed), train(graph, training, {"x": feed["x"]}, feed["target"])
    assert np.abs(found["loss"][:, 0] - exact.losses).max() <= error * exact.losses.max()
    for name, weight in exact.weights.items():
        assert np.abs(found[f"{name}_next"][-1] - weight).max() <= error * np.abs(weight).max(), name


def test_master_weights_begin_at_the_checkpoint() -> None:
    graph = lower(network())
    data = {v.name: graph.data(v.name) for v in graph.constants()}
    step = add_training_step(in_recipe(graph, "fp16"), Training(master_weights=True), data)
    assert step.data("first.w_master").tobytes() == data["first.w"].tobytes()
    assert step.values["first.w"].type.q == F16 and step.values["first.b"].next  # sums, and so biases, are float32 as they are
    without = add_training_step(in_recipe(graph, "fp16"), Training(master_weights=True))
    assert without.data("first.w_master").tobytes() == data["first.w"].astype(np.float16).astype(np.float32).tobytes()


def test_a_loss_is_scaled_and_updates_are_divided() -> None:
    step = add_training_step(in_recipe(network(), "fp16"), Training(loss_scale=256.0, batch=4))
    lines = text.format(step)
    assert "softmax_cross_entropy('out_f32', 'target', scale=256.0)" in lines
    assert "scale=0.0009765625, batch=4)" in lines


def test_a_mean_over_pixels_is_trained_through() -> None:
    graph, feed = network(2, mean=True), samples(STEPS, 2)
    found, exact = run(add_training_step(graph, Training()), feed), train(graph, Training(), {"x": feed["x"]}, feed["target"])
    assert np.abs(found["loss"][:, 0] - exact.losses).max() <= ERROR * exact.losses.max()
    assert np.abs(found["first.w_next"][-1] - exact.weights["first.w"]).max() <= ERROR


def test_a_step_is_written_and_read() -> None:
    step = verify(add_training_step(network(), Training(momentum=0.9)))
    lines = text.format(step)
    assert "state('first.w', (4, 3, 2, 2), f32(), next='first.w_next')" in lines
    data = {v.name: v.data for v in step.values.values() if v.data is not None}
    again = text.parse(lines, data, "here")
    assert text.format(again) == lines
    assert run(again, samples(3))["loss"].tobytes() == run(step, samples(3))["loss"].tobytes()


def test_no_gradient_is_computed_that_no_weight_needs() -> None:
    everything = add_training_step(network(), Training())
    assert "x_gradient" not in everything.values
    last = add_training_step(network(), Training(update="last:1"))
    backward = [n.op.name() for n in last.nodes[inference(last) :]]
    assert backward == ["softmax_cross_entropy", "dense_weight_gradient", "bias_gradient", "sgd", "sgd"]
    assert set(last.states()) == {"out.w_next", "out.b_next"}
    assert plan(last).arena_bytes < plan(everything).arena_bytes


def test_states_lie_outside_of_the_arena() -> None:
    step = add_training_step(network(), Training(momentum=0.9))
    held = {value for buffer in plan(step).buffers for value in buffer.values}
    assert not held & {name for next, state in step.states().items() for name in (next, state.name)}


@pytest.mark.parametrize(("update", "message"), [
    ("last:0", "takes last:1 to last:5"),
    ("last:6", "takes last:1 to last:5"),
    ("last:one", "takes last:1 to last:5"),
    ("out,nobody", "--update nobody: there is no such layer with weights; there are first, deep, point, hidden, out"),
])
def test_layers_that_there_are_not_are_named(update: str, message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        add_training_step(network(), Training(update=update))


def sharing() -> Graph:
    """Two layers with the same weights, the second of which also reads the input."""
    random = np.random.default_rng(3)
    build = Builder()
    build.input("x", Type((2, 3), F32))
    build.constant("w", random.standard_normal((3, 3)).astype(np.float32))
    build.add(Dense(), ("x", "w", ""), "once")
    build.add(Add(), ("once", "x"), "sum")
    build.add(Dense(), ("sum", "w", ""), "twice")
    return make_graph("net", build, ("x",), ("twice",))


def test_gradients_of_shared_weights_are_added() -> None:
    feed = {"x": np.random.default_rng(4).standard_normal((4, 2, 3)).astype(np.float32), "target": samples(4, 2)["target"]}
    found = run(verify(add_training_step(sharing(), Training(learning_rate=0.1))), feed)
    exact = train(sharing(), Training(learning_rate=0.1), {"x": feed["x"]}, feed["target"])
    assert np.abs(found["w_next"][-1] - exact.weights["w"]).max() <= ERROR


def with_tanh() -> Graph:
    build = Builder()
    build.input("x", Type((1, 4), F32))
    build.constant("a.w", np.ones((3, 4), np.float32))
    build.constant("b.w", np.ones((2, 3), np.float32))
    build.add(Dense(), ("x", "a.w", ""), "a")
    build.add(Tanh(), ("a",), "squashed")
    build.add(Dense(), ("squashed", "b.w", ""), "b")
    return make_graph("net", build, ("x",), ("b",))


def test_an_op_without_gradient_is_named_only_on_the_way() -> None:
    with pytest.raises(Unsupported, match="squashed: tanh has no gradient; train only layers behind it, with --update"):
        add_training_step(with_tanh(), Training())
    assert add_training_step(with_tanh(), Training(update="b")).states()


def test_a_softmax_is_part_of_the_loss_alone() -> None:
    with pytest.raises(Unsupported, match="probabilities: softmax has a gradient at the network's end alone, as part of"):
        add_training_step(network(softmax=True), Training(Loss.MSE))


def test_a_state_that_is_read_too_late_is_refused() -> None:
    step = add_training_step(network(), Training())
    nodes = list(step.nodes)
    late = next(n for n in nodes if n.name == "out.w_next")
    moved = [n for n in nodes if n is not late]
    moved.insert(moved.index(next(n for n in nodes if n.name == "out.w_gradient")) + 1, late)
    with pytest.raises(TapeoutError, match="reads out.w, which out.w_next has overwritten"):
        verify(replace(step, nodes=tuple(moved)))


def perceptron(widths: tuple[int, ...]) -> Graph:
    """Dense layers of these widths, with a relu behind each but the last."""
    random, build = np.random.default_rng(5), Builder()
    build.input("a0", Type((1, widths[0]), F32))
    for i, (inputs, outputs) in enumerate(pairwise(widths), 1):
        w = build.constant(f"l{i}.w", random.standard_normal((outputs, inputs)).astype(np.float32))
        b = build.constant(f"l{i}.b", random.standard_normal(outputs).astype(np.float32))
        build.add(Dense(clip=Clip(0.0) if i < len(widths) - 1 else None), (f"a{i - 1}", w, b), f"a{i}")
    return make_graph("net", build, ("a0",), (f"a{len(widths) - 1}",))


@pytest.mark.parametrize("recipe", ["fp16", "fp16-fma", "fp32-fma"])
@pytest.mark.parametrize("widths", [(64, 32, 16, 8), (8, 64, 8, 16), (16, 16, 16, 96)], ids=str)
def test_the_arena_is_the_sum_of_what_lives_together(widths: tuple[int, ...], recipe: str) -> None:
    """Where a layer's gradients are computed these live: the inputs of this layer and those before it, the gradient of its output, those of
    its weights, its bias and its input; the network's output and the loss. The first layer has no gradient of its input, and its input is
    dead when the weights' gradient is known, before that of the bias."""
    step = verify(add_training_step(in_recipe(perceptron(widths), recipe), Training(learning_rate=0.1)))
    size = 4 if recipe == "fp32-fma" else 2
    ends = 4 * widths[-1] + 4  # the output and the loss, in float32
    together = [size * (widths[1] + widths[1] * widths[0]) + size * max(widths[0], widths[1])]
    for layer in range(2, len(widths)):
        kept, inputs, outputs = sum(widths[:layer]), widths[layer - 1], widths[layer]
        together.append(size * (kept + outputs + outputs * inputs + inputs + outputs))
    found = plan(step)
    assert found.arena_bytes == max(together) + ends and found.optimal
