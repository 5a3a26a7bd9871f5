"""Forward-only training of networks with convolutions, in float32 and in 16 bits: C equals the reference, and that the stated rules."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.build import lower
from tapeout.compiler.cli.training import gain
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph, Node, Op, Port, verify
from tapeout.compiler.layer_chain import LayerChain, Stage
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.passes.add_forward_forward_step import add_forward_forward_step, patterns
from tapeout.compiler.passes.add_pepita_step import add_pepita_step, feedback
from tapeout.compiler.run import run
from tapeout.compiler.training import Method, Training
from tapeout.cosim.compare import compare
from tapeout.cosim.engine import Engine, Harnessed
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.layout import apart
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.rtl.machine import RtlCore, RtlMachine
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests import small_training
from tests.autograd import applied
from tests.cosim.test_cluster import on
from tests.cosim.test_float16 import in_recipe
from tests.cosim.test_pepita import samples as pepita_samples
from tests.small_forward import convolutions, pictures, samples

if TYPE_CHECKING:
    from torch import Tensor

GUARD = Harnessed("host-guard", Host("host-guard"), "guard", apart)
METHODS = (Method.FF, Method.CFF, Method.PEPITA)
RATE = 0.05


def step(method: Method, source: Graph, update: str = "all") -> Graph:
    training = Training(method=method, learning_rate=RATE, update=update)
    return verify((add_pepita_step if method is Method.PEPITA else add_forward_forward_step)(source, training))


def feeds(method: Method, count: int, graph: Graph) -> dict[str, Array]:
    return (pepita_samples if method is Method.PEPITA else samples)(count, graph)


def compiled(folder: Path, graph: Graph, target: str = "c") -> Compiled:
    folder.mkdir()
    return Compiled.write(folder, "net", find_target(target), graph)


def differing(engine: Engine, target: str, method: Method, recipe: str, folder: Path) -> int:
    """Elements, among those of all weights after several steps."""
    graph = step(method, convolutions() if recipe == "fp32" else in_recipe(convolutions(), recipe))
    feed = feeds(method, 4, graph)
    found = compare(run(graph, feed), engine.run(compiled(folder, graph, target), feed), graph)
    assert found.compared == 4 * sum(graph.values[n].type.size for n in graph.output_names) > 4 * 400
    return found.differ


LONG = pytest.mark.long
RECIPES = ("fp32", "fp32-fma", "fp16", "fp16-fma", "bf16")
RUNS = [
    (HOST, Method.FF, "fp32"), (HOST_ASAN, Method.PEPITA, "fp16-fma"), (GUARD, Method.CFF, "bf16"),
    *(pytest.param(e, m, r, marks=LONG) for e in (HOST_ASAN, GUARD) for m in METHODS for r in RECIPES),
]


@pytest.mark.parametrize(("engine", "method", "recipe"), RUNS, ids=lambda v: getattr(v, "name", v))
def test_steps_equal_the_reference(engine: Engine, method: Method, recipe: str, tmp_path: Path) -> None:
    assert differing(engine, "c", method, recipe, tmp_path / "net") == 0


@pytest.mark.parametrize(("core", "method", "recipe"), [
    ("rv32-zfh", Method.PEPITA, "fp16-fma"), ("cortex-m4", Method.FF, "fp16"),
    *(pytest.param(c, m, r, marks=LONG) for c in ("cortex-m4", "cortex-m7", "cortex-m55", "rv32-zfh") for m in METHODS for r in RECIPES),
])
def test_steps_in_qemu_equal_the_reference(core: str, method: Method, recipe: str, tmp_path: Path) -> None:
    assert differing(QEMU, core, method, recipe, tmp_path / "net") == 0


@LONG
@pytest.mark.parametrize(("method", "recipe"), [(Method.FF, "fp16"), (Method.PEPITA, "fp16-fma"), (Method.CFF, "bf16")])
def test_steps_on_the_rtl_of_a_core_equal_the_reference(method: Method, recipe: str, tmp_path: Path) -> None:
    assert differing(RtlCore(machine=RtlMachine(seconds=500, most_cycles=20_000_000)), "pulp-fp16", method, recipe, tmp_path / "net") == 0


@LONG
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.value)
def test_steps_on_eight_cores_equal_the_reference(method: Method, tmp_path: Path) -> None:
    assert differing(on(8), "pulp-fp16", method, "fp16-fma", tmp_path / "net") == 0


class Taught:
    """A network that learns forward only in float64, by torch's gradients of one layer at a time."""

    def __init__(self, graph: Graph, method: Method) -> None:
        import torch

        self.graph, self.method, self.chain = graph, method, LayerChain.of(graph)
        names = [name for stage in self.chain.stages for name in stage.layer.inputs[1:3] if name]
        self.weights = {name: torch.tensor(graph.data(name).astype(np.float64), requires_grad=True) for name in names}

    def through(self, nodes: Sequence[Node], x: Tensor) -> Tensor:
        for node in nodes:
            x = applied(self.graph, node, [x, *(self.weights[name] for name in node.inputs[1:] if name)])
        return x

    def descend(self, objective: Tensor) -> None:
        """Moves the weights along the gradient."""
        import torch

        torch.autograd.backward(objective)
        with torch.no_grad():
            for w in self.weights.values():
                if w.grad is not None:
                    w -= RATE * w.grad
                    w.grad = None

    def handed_over(self, stage: Stage, y: Tensor) -> Tensor:
        y = self.through(stage.behind, y.detach())
        return y / (y.square().mean().sqrt() + 1e-4)

    def learn(self, x: Tensor, label: Tensor, target: float) -> None:
        """A step of Forward-Forward: each layer along the gradient of its loss times the number of its channels."""
        import torch

        x = x + (torch.tensor(patterns(x.numel(), label.numel()).astype(np.float64)) @ label.reshape(-1)).reshape(x.shape)
        first, total, stages = x, torch.tensor(0.0), self.chain.stages
        for stage in stages:
            y = self.through([stage.layer], x).detach()
            total, x = total + y.square().mean(), self.handed_over(stage, y)
        x = first
        for stage in stages:
            y = self.through([stage.layer], x)
            goodness = y.square().mean()
            if self.method is Method.CFF:
                goodness = goodness - goodness.detach() + total
            loss = torch.nn.functional.softplus((1.0 * (len(stages) if self.method is Method.CFF else 1) - goodness) * target)
            self.descend(y.shape[-1] * loss)
            x = self.handed_over(stage, y)

    def imitate(self, x: Tensor, target: Tensor) -> None:
        """A step of PEPITA: each layer by products of what it reads in the second pass and the difference of what it says."""
        import torch

        first, stages = x, self.chain.stages
        logits = x
        for stage in stages:
            logits = self.through([stage.layer, *stage.behind], logits).detach()
        error = torch.softmax(logits, -1) - target
        second = x + (torch.tensor(feedback(x.numel(), target.numel()).astype(np.float64)) @ error.reshape(-1)).reshape(x.shape)
        for stage in stages:
            h, h2 = self.through([stage.layer], first).detach(), self.through([stage.layer], second).detach()
            delta = error if stage is stages[-1] else h - h2
            assert isinstance(stage.layer.op, Conv2D | DepthwiseConv2D | Dense)
            linear = replace(stage.layer, op=replace(stage.layer.op, clip=None))
            places = h[0, ..., 0].numel() if h.dim() == 4 else 1
            self.descend((delta * self.through([linear], second)).sum() / places)
            first, second = self.through(stage.behind, h), self.through(stage.behind, h2)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.value)
def test_steps_are_those_that_are_stated(method: Method) -> None:
    import torch

    source = convolutions()
    graph = step(method, source)
    feed, taught = feeds(method, 6, graph), Taught(source, method)
    for i in range(6):
        x, *others = (torch.tensor(array[i].astype(np.float64)) for array in feed.values())
        if method is Method.PEPITA:
            taught.imitate(x, others[0])
        else:
            taught.learn(x, others[0], float(others[1]))
    found = run(graph, feed)
    for name, expected in taught.weights.items():
        before, exact = source.data(name), expected.detach().numpy()
        assert np.abs(found[f"{name}_next"][-1] - exact).max() < 2e-5
        assert np.abs(exact - before).max() > 1e-4, f"{name} does not learn, so that nothing is compared"


def test_a_step_touches_the_bytes_that_are_planned(tmp_path: Path) -> None:
    graph = step(Method.PEPITA, convolutions())
    assert touched(Host(), compiled(tmp_path / "net", graph), feeds(Method.PEPITA, 1, graph)).holds


PICTURES = [(16,), (8, 16), (16, 16), (3, 2), (24, 5, 7)]
INPUT, CLASSES, AREA, POOLED = 100, 10, 100, 25  # elements of `pictures`


def convolved(channels: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """What each convolution reads and computes, and its weights, in elements."""
    first = (INPUT, AREA * channels[0], 9 * channels[0])
    return [first, *((POOLED * i, POOLED * o, 9 * i * o) for i, o in pairwise(channels))]


@pytest.mark.parametrize("channels", PICTURES, ids=str)
def test_the_arena_is_the_input_and_the_largest_pair_or_a_pair_and_a_gradient(channels: tuple[int, ...], tmp_path: Path) -> None:
    """The input with the largest pair of neighbours in the first run, of which a pooling by 2 writes a row before what it reads; or a layer
    that learns: its input, its output and the gradient of its weights; and scalars. Or, of few channels, the input beside its label's."""
    layers = convolved(channels)
    pairs = [AREA * channels[0] + 5 * channels[0], *(x + y for x, y, _ in layers[1:])]
    learning = [x + y + w + 4 + (number > 0) for number, (x, y, w) in enumerate(layers)]  # target, goodness, derivative, loss; loss so far
    expected = max(INPUT + max(pairs) + 2, *learning, 2 * INPUT + CLASSES + 1)
    assert compiled(tmp_path / "net", step(Method.FF, pictures(*channels))).plan.arena_bytes == 4 * expected


@pytest.mark.parametrize("channels", PICTURES, ids=str)
def test_the_arena_of_pepita_is_a_pair_thrice_and_a_gradient(channels: tuple[int, ...], tmp_path: Path) -> None:
    """The input of the second pass, the output of both and their difference, and the gradient of weights; the network's output, the error
    and the loss. The difference lies over an output of a layer before the last one, which hands over that of the second pass alone."""
    expected = max(x + 3 * y + w for x, y, w in convolved(channels)) + 2 * CLASSES + 1
    assert compiled(tmp_path / "net", step(Method.PEPITA, pictures(*channels, hidden=5))).plan.arena_bytes == 4 * expected


def keywords(zoo: Path) -> Graph:
    return read(zoo / "mlperf_tiny" / "kws_dscnn_float.tflite", {})


def test_the_arenas_of_ds_cnn(zoo: Path, tmp_path: Path) -> None:
    """25x5x64 activities, of which a pointwise convolution reads and computes as many; 12 classes."""
    source = lower(keywords(zoo))
    activities, gradient = 25 * 5 * 64, 64 * 64
    expected = {Method.FF: 2 * activities + gradient + 5, Method.PEPITA: 4 * activities + gradient + 2 * 12 + 1}
    for method, elements in expected.items():
        model = compiled(tmp_path / method, step(method, source))
        assert model.plan.arena_bytes == 4 * elements
        (said,) = gain(source, Training(method=method), model, Inputs.ARENA)
        assert f"the arena is {4 * elements:,} bytes, that of --training sgd 338,652; " in said


@LONG
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.value)
@pytest.mark.parametrize("recipe", ["fp32", "fp16-fma"])
def test_a_step_of_ds_cnn_equals_the_reference(method: Method, recipe: str, zoo: Path, tmp_path: Path) -> None:
    graph = step(method, in_recipe(keywords(zoo), recipe) if recipe != "fp32" else lower(keywords(zoo)))
    feed = random_inputs(graph, 1, 0)
    found = compare(run(graph, feed), HOST.run(compiled(tmp_path / "net", graph), feed), graph)
    assert found.differ == 0 and found.compared > 20_000


def test_only_the_layers_that_are_named_move() -> None:
    for method in METHODS:
        assert step(method, convolutions(), "deep,out").output_names[2:] == ("deep.w_next", "deep.b_next", "out.w_next", "out.b_next")


MISTAKES = [  # (method, kernel, text, what stands there instead, the output that then differs first)
    (Method.FF, "mul.h", "load_float(x, a + i * p->x_stride[4], format) *", "load_float(x, a, format) *", "first.w_next"),
    (Method.FF, "goodness.h", "i < size", "i < size / 2 * 2", "goodness_4"),
    (Method.PEPITA, "sgd.h", "? g * scale :", "? g + 0.0f * scale :", "first.w_next"),
    (Method.PEPITA, "bias_gradient.h", "row = 0; row", "row = 1; row", "first.b_next"),
    (Method.PEPITA, "sub.h", "FORMAT_F32, -1.0f", "FORMAT_F32, 1.0f", "first.w_next"),
]


@pytest.mark.parametrize(("method", "kernel", "text", "wrong", "output"), MISTAKES, ids=lambda v: str(v)[:24])
def test_a_mistake_is_found(method: Method, kernel: str, text: str, wrong: str, output: str, tmp_path: Path) -> None:
    graph = step(method, convolutions())
    model, feed = compiled(tmp_path / "net", graph), feeds(method, 1, graph)
    source = model.folder / "kernels" / kernel
    assert text in source.read_text()
    source.write_text(source.read_text().replace(text, wrong))
    first = compare(run(graph, feed), HOST.run(model, feed), graph).first
    assert first and first.value == output


def with_op(source: Graph, name: str, op: Op) -> Graph:
    return source.replace([replace(n, op=op) if n.name == name else n for n in source.nodes])


def reading(source: Graph, name: str, *weights: str) -> Graph:
    return source.replace([replace(n, inputs=(n.inputs[0], *weights)) if n.name == name else n for n in source.nodes])


PLAIN, END = pictures(3, 3), "; train it with --training sgd"


@pytest.mark.parametrize(("method", "source", "message"), [
    (Method.FF, small_training.network(), f"sum: forward-only training takes layers, poolings and reshapes in a chain, no add{END}"),
    (Method.CFF, with_op(PLAIN, "conv1", Conv2D(pads=(1, 1, 1, 1), clip=Clip(0.0, 6.0))),
     f"conv1: forward-only training takes relu or no activation{END}"),
    (Method.PEPITA, reading(pictures(1, 1), "conv1", "conv0.w", "conv1.b"),
     f"conv1: forward-only training takes no weights of several layers, as conv0.w{END}"),
    (Method.FF, reading(PLAIN, "out", "out.w", ""),
     f"out: forward-only training takes constant weights, of fully connected layers with a bias{END}"),
    (Method.PEPITA, PLAIN.replace(PLAIN.nodes[:3], outputs=(Port("conv1", "y", "float32", (0, 1, 2, 3)),)),
     f"conv1: PEPITA takes a fully connected layer at the end, no conv2d{END}"),
], ids=["add", "relu6", "shared", "no_bias", "end"])
def test_what_cannot_learn_forward_only_is_refused_by_name(method: Method, source: Graph, message: str) -> None:
    with pytest.raises(Unsupported) as caught:
        step(method, verify(source))
    assert str(caught.value) == message
