"""PEPITA in C equals the reference in every bit, after each step, and the reference the rule of the paper."""
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.ir import Array, Builder, Graph, Node, Port, verify
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.passes.add_pepita_step import add_pepita_step, feedback
from tapeout.compiler.run import run
from tapeout.compiler.training import Loss, Method, Training
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
from tests.small_forward import network

GUARD = Harnessed("host-guard", Host("host-guard"), "guard", apart)
RATE = 0.1
ENTROPY, SQUARES = (Training(loss, learning_rate=RATE, method=Method.PEPITA) for loss in Loss)
WIDTHS = (21, 13, 7, 3)


def with_softmax(graph: Graph) -> Graph:
    (port,) = graph.outputs
    build = Builder(graph.values)
    build.nodes.extend(graph.nodes)
    name = build.add(Softmax(), (port.value,), "probabilities")
    return verify(graph.replace(build.nodes, build.values, outputs=(Port(name, name, port.dtype, port.axes),)))


def samples(count: int, graph: Graph, seed: int = 1) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    classes = graph.values["target"].type.size
    target = np.eye(classes, dtype=np.float32)[random.integers(0, classes, (count, 1))]
    return {"x": random.standard_normal((count, *graph.values["x"].type.shape)).astype(np.float32), "target": target}


def compiled(folder: Path, training: Training, *widths: int, target: Target = TARGETS[0], softmax: bool = False) -> Compiled:
    folder.mkdir(exist_ok=True)
    source = network(*(widths or WIDTHS))
    return Compiled.write(folder, "net", target, verify(add_pepita_step(with_softmax(source) if softmax else source, training)))


@pytest.mark.parametrize("engine", [HOST, HOST_ASAN, GUARD], ids=lambda e: e.name)
@pytest.mark.parametrize("training", [ENTROPY, SQUARES], ids=lambda t: t.loss.value)
def test_steps_equal_the_reference(engine: Harnessed, training: Training, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", training, softmax=engine is HOST)
    feed = samples(6, model.graph)
    comparison = compare(run(model.graph, feed), engine.run(model, feed), model.graph)
    assert (comparison.differ, comparison.compared) == (0, 6 * sum(model.graph.values[n].type.size for n in model.graph.output_names))


SHORT = "cortex-m4"


@pytest.mark.parametrize("core", [
    pytest.param(c, id=c.name, marks=() if c.name == SHORT else pytest.mark.long)
    for c in CORES if c.name in (SHORT, "cortex-m7", "cortex-m55")
])
def test_steps_in_qemu_equal_the_reference(core: Target, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", ENTROPY, target=core)
    feed = samples(4, model.graph)
    assert compare(run(model.graph, feed), QEMU.run(model, feed), model.graph).differ == 0


def stated(graph: Graph, loss: Loss, feed: dict[str, Array]) -> dict[str, Array]:
    """The weights after all steps of the paper's rule in float64, of a network of relu layers; biases as weights of an input of 1."""
    layers = [n for n in graph.nodes if isinstance(n.op, Dense)]
    weights = {name: graph.data(name).astype(np.float64) for n in layers for name in n.inputs[1:3]}

    def activities(x: Array) -> list[Array]:
        found = [x]
        for node in layers:
            y = weights[node.inputs[1]] @ found[-1] + weights[node.inputs[2]]
            found.append(np.maximum(y, 0) if node is not layers[-1] else y)
        return found

    for x, target in zip(feed["x"], feed["target"], strict=True):
        first = activities(x.reshape(-1).astype(np.float64))
        out = first[-1]
        error = (np.exp(out) / np.exp(out).sum() if loss is Loss.CROSS_ENTROPY else out) - target.reshape(-1)
        second = activities(first[0] + feedback(x.size, target.size) @ error)
        for i, node in enumerate(layers):
            delta = error if node is layers[-1] else first[i + 1] - second[i + 1]
            weights[node.inputs[1]] -= RATE * np.outer(delta, second[i])
            weights[node.inputs[2]] -= RATE * delta
    return weights


@pytest.mark.parametrize("loss", list(Loss), ids=lambda v: v.value)
def test_steps_are_those_of_the_paper(loss: Loss) -> None:
    source = network(*WIDTHS)
    graph = verify(add_pepita_step(source, Training(loss, learning_rate=RATE, method=Method.PEPITA)))
    feed = samples(5, graph)
    found = run(graph, feed)
    for name, expected in stated(source, loss, feed).items():
        before = source.data(name)
        assert np.abs(found[f"{name}_next"][-1] - expected).max() < 1e-5
        assert np.abs(expected - before).max() > 1e-4, f"{name} does not learn, so that nothing is compared"


def nodes_of(graph: Graph, op: type) -> list[Node]:
    return [n for n in graph.nodes if isinstance(n.op, op)]


def test_only_the_layers_that_are_named_move() -> None:
    graph = verify(add_pepita_step(network(*WIDTHS), Training(update="last:1", learning_rate=RATE, method=Method.PEPITA)))
    assert list(graph.output_names[2:]) == ["layer2.weight_next", "layer2.bias_next"]
    assert len(nodes_of(graph, Dense)) == 3 + 1 + 2  # the network, F, and the second pass up to the last layer; no first pass again


@pytest.mark.parametrize("widths", [
    WIDTHS, (12, 40, 40, 5), (12, 40, 40, 40, 40, 5), (300, 20, 10), (66, 200, 100, 10), (9, 42, 9), (99, 10, 90, 90, 5),
])
def test_the_arena_is_two_neighbouring_layers_of_both_passes(widths: tuple[int, ...], tmp_path: Path) -> None:
    """Three of the four, as a layer's input of the first pass is free before its output of the second is computed; and what the network
    said, the error and the loss. A network whose own pass takes more has that: the input, the target, and two neighbouring layers."""
    second = max(a + b + max(a, b) for a, b in pairwise(widths[:-1])) + 2 * widths[-1] + 1
    first = widths[0] + widths[-1] + max(map(sum, pairwise(widths[1:])))
    assert compiled(tmp_path / "net", ENTROPY, *widths).plan.arena_bytes == 4 * max(first, second)


def test_a_step_touches_the_bytes_that_are_planned(tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", ENTROPY)
    assert touched(Host(), model, samples(1, model.graph)).holds


MISTAKES = [  # (kernel, text, what stands there instead, the output that then differs first)
    ("row_update.h", "i < inputs; i++", "i < inputs / 2 * 2; i++", "layer0.weight_next"),
    ("outer_update.h", "load_float(y, o, format) - load_float(z, o, format) :", "load_float(z, o, format) - load_float(y, o, format) :",
     "layer0.weight_next"),
    ("outer_update.h", ": load_float(y, o, format)", ": -load_float(y, o, format)", "layer2.weight_next"),
    ("row_update.h", "load_float(b, o, bias) - s", "load_float(b, o, bias)", "layer0.bias_next"),
]


@pytest.mark.parametrize(("kernel", "text", "wrong", "output"), MISTAKES, ids=[m[2][-24:] for m in MISTAKES])
def test_a_mistake_is_found(kernel: str, text: str, wrong: str, output: str, tmp_path: Path) -> None:
    model = compiled(tmp_path / "net", ENTROPY)
    feed = samples(1, model.graph)
    source = model.folder / "kernels" / kernel
    assert text in source.read_text()
    source.write_text(source.read_text().replace(text, wrong))
    first = compare(run(model.graph, feed), HOST.run(model, feed), model.graph).first
    assert first and first.value == output
