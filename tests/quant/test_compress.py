"""Compression by low rank: exact counts of weights, exact at full rank, and networks that go on through everything else."""
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch.nn.functional import conv2d

from tapeout.compiler.build import lower, simplify
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.run import run
from tapeout.quant import lowrank
from tapeout.quant.compress import Compressed, compress, table
from tapeout.quant.export import write_float
from tapeout.quant.lowrank import ThreeWay, TwoWay, full_rank, three_way, two_way
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import load
from tapeout.quant.retrain import Retraining
from tapeout.quant.train import TrainOptions, as_split
from tests.quant.float_nets import network, samples
from tests.test_cli import refused, tapeout

WAYS = (2, 3)
SHAPES = ((4, 3, 3, 2), (1, 3, 3, 5), (3, 5, 5, 1), (17, 3, 3, 2), (3, 2, 5, 4), (2, 4, 3, 1))  # (O, kh, kw, C)


def kernels(*shape: int) -> Array:
    return np.random.default_rng(shape).normal(0, 1, shape).astype(np.float32)


def layer(w: Array, op: Conv2D | None = None, bias: bool = True) -> Graph:
    """One convolution of 9x8 images."""
    build = Builder()
    build.input("x", Type((1, 9, 8, w.shape[3] * (op or Conv2D()).groups), F32))
    b = build.constant("b", np.arange(len(w), dtype=np.float32)) if bias else ""
    build.add(op or Conv2D(), ("x", build.constant("w", w), b), "conv")
    ports = tuple(Port(name, name, "float32", (0, 1, 2, 3)) for name in ("x", "conv"))
    return verify(Graph("layer", ports[:1], ports[1:], tuple(build.nodes), build.values))


def outputs(graph: Graph, seed: int = 0) -> Array:
    (port,) = graph.inputs
    x = np.random.default_rng(seed).normal(0, 1, (3, *graph.values[port.value].type.shape)).astype(np.float32)
    return run(graph, {port.value: x})[graph.output_names[0]]


def weights(graph: Graph) -> int:
    """Constants other than biases."""
    return sum(v.type.size for v in graph.constants() if len(v.type.shape) > 1)


def parts(w: Array, rank: int, ways: int) -> TwoWay | ThreeWay:
    return two_way(w, rank) if ways == 2 else three_way(w, rank)


def error(w: Array, rank: int, ways: int) -> float:
    return float(np.linalg.norm(w - parts(w, rank, ways).kernels()) / np.linalg.norm(w))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rank", [1, 2])
def test_weights_are_those_of_the_formula(shape: tuple[int, ...], rank: int) -> None:
    outputs, height, width, channels = shape
    for ways, each in ((2, channels * (height + width)), (3, channels + height + width)):
        compressed, (row,) = compress(layer(kernels(*shape)), rank, ways)
        assert weights(compressed) == row.after == outputs * rank * each
        assert (row.layer, row.rank, row.before) == ("conv", rank, outputs * height * width * channels)
        assert row.error == error(kernels(*shape), rank, ways)


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_full_rank_is_the_whole_kernel(shape: tuple[int, ...], ways: int) -> None:
    w, full = kernels(*shape), full_rank(ways, shape)
    assert error(w, full, ways) < 1e-12
    assert error(w, full - 1, ways) > 1e-6 or full == 1 or (ways == 3 and full > 4), "full rank is none"
    _, (row,) = compress(layer(w), 10 * full, ways)
    assert (row.rank, row.full_rank) == (full, full)


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_full_rank_in_float64_equals_the_layer(shape: tuple[int, ...], ways: int) -> None:
    """The filters one after the other, as the graph has them, in float64."""
    w = kernels(*shape).astype(np.float64)
    x = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (2, shape[3], 9, 8)))
    wanted = conv2d(x, torch.from_numpy(w.transpose(0, 3, 1, 2).copy()), padding=(1, 1))
    found = parts(w, full_rank(ways, shape), ways)
    if isinstance(found, TwoWay):
        results = []
        for down, along in zip(torch.from_numpy(found.vertical), torch.from_numpy(found.horizontal), strict=True):
            y = conv2d(x, down.reshape(-1, 1, down.shape[2], 1), padding=(1, 0), groups=shape[3])
            results.append(conv2d(y, along.reshape(1, -1, 1, along.shape[2]), padding=(0, 1)))
        y = torch.cat(results, dim=1)
    else:
        depth, vertical, horizontal = (torch.from_numpy(np.array(f.transpose(0, 2, 1))) for f in vars(found).values())
        y = conv2d(x, depth.reshape(-1, shape[3], 1, 1))
        y = conv2d(y, vertical.reshape(-1, 1, shape[1], 1), padding=(1, 0), groups=y.shape[1])
        y = conv2d(y, horizontal[:, :, None], padding=(0, 1), groups=shape[0])
    assert float((y - wanted).abs().max()) < 1e-12 * float(wanted.abs().max())


OPS = (
    Conv2D(),
    Conv2D(stride=(2, 1), pads=(1, 0, 2, 1), clip=Clip(0.0)),
    Conv2D(stride=(1, 3), dilation=(2, 1), pads=(0, 2, 1, 0)),
    Conv2D(dilation=(1, 2), pads=(1, 1, 1, 1), clip=Clip(-1.0, 1.0)),
)


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("op", OPS)
def test_the_graph_computes_the_kernels_of_its_rank(op: Conv2D, bias: bool, ways: int) -> None:
    w = kernels(4, 3, 3, 2)
    near = parts(w, 2, ways).kernels().astype(np.float32)
    compressed, _ = compress(layer(w, op, bias), 2, ways)
    np.testing.assert_allclose(outputs(compressed), outputs(layer(near, op, bias)), atol=2e-5)
    assert compressed.output_names == ("conv",)


def test_swapped_filters_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(w: Array, rank: int) -> TwoWay:
        right = lowrank.two_way(w, rank)
        return TwoWay(right.horizontal, right.vertical)

    monkeypatch.setattr("tapeout.quant.compress.two_way", swapped)
    with pytest.raises(AssertionError):
        test_the_graph_computes_the_kernels_of_its_rank(OPS[0], True, 2)


@pytest.mark.parametrize(("ways", "shape"), [(2, (6, 5, 5, 4)), (3, (6, 5, 5, 4)), (3, (5, 3, 3, 8))])
def test_error_never_grows_with_the_rank(ways: int, shape: tuple[int, ...]) -> None:
    w = kernels(*shape)
    errors = [error(w, rank, ways) for rank in range(1, min(full_rank(ways, shape), 11) + 1)]
    assert all(b <= a for a, b in pairwise(errors)) and errors[-1] < 0.5 * errors[0] < 0.5


def test_three_ways_find_what_is_there() -> None:
    """Kernels that are of rank 2 are found; so are zeros."""
    r = np.random.default_rng(4)
    w = ThreeWay(r.normal(size=(5, 6, 2)), r.normal(size=(5, 3, 2)), r.normal(size=(5, 3, 2))).kernels()
    w[2] = 0
    assert error(w, 2, 3) < 1e-3 < error(w, 1, 3)
    assert np.isfinite(three_way(np.zeros((2, 3, 3, 4)), 2).kernels()).all()


def images(path: Path, count: int) -> tuple[Array, Array]:
    with np.load(path) as data:
        return data["x"][:count].reshape(-1, 1, 28, 28, 1).astype(np.float32), data["y"][:count]


@pytest.mark.parametrize(
    ("ways", "rank", "sizes", "errors", "accuracy"),
    [
        (2, 1, (80, 1280), (0.5400, 0.6029), 0.85), (2, 2, (160, 2560), (0.2298, 0.3432), 0.97), (2, 5, (400, 6400), (0, 0), 0.98),
        (3, 5, (440, 1440), (0, 0.4428), 0.97), (3, 25, (440, 7200), (0, 0), 0.98),
    ],
)  # fmt: skip
def test_mnist_8(zoo: Path, ways: int, rank: int, sizes: tuple[int, ...], errors: tuple[float, ...], accuracy: float) -> None:
    graph = read(zoo / "onnx/mnist-8/model.onnx", {})
    compressed, report = compress(graph, rank, ways)
    assert tuple(c.before for c in report) == (200, 3200)
    assert tuple(c.after for c in report) == sizes
    np.testing.assert_allclose([c.error for c in report], errors, atol=1e-3)
    x, y = images(zoo / "datasets/mnist_test10k.npz", 300)
    found, whole = (run(g, {g.input_names[0]: x})[g.output_names[0]].reshape(300, -1) for g in (compressed, simplify(graph)))
    assert (found.argmax(1) == y).mean() > accuracy
    if not any(errors):
        np.testing.assert_allclose(found, whole, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize("ways", WAYS)
def test_quantized_and_compiled(zoo: Path, ways: int) -> None:
    """In int8 after training it still is the network that it was, with nothing left in float."""
    compressed, _ = compress(read(zoo / "onnx/mnist-8/model.onnx", {}), 2 if ways == 2 else 6, ways)
    x, _ = images(zoo / "datasets/mnist_train60k.npz", 100)
    port = compressed.inputs[0]
    integers = lower(quantize(compressed, {port.value: x}, load("int8"), QuantizeOptions()))
    assert {n.op.name() for n in integers.nodes if "f32" in n.op.symbol(integers.types(n))} <= {"quantize", "dequantize"}
    x, _ = images(zoo / "datasets/mnist_test10k.npz", 100)
    found, floats = (run(g, {g.input_names[0]: x})[g.output_names[0]].reshape(100, -1).argmax(1) for g in (integers, compressed))
    assert (found == floats).mean() >= 0.98


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("ways", WAYS)
def test_retraining_wins_back_what_the_rank_cost(ways: int, tmp_path: Path) -> None:
    graph = network()
    compressed, _ = compress(graph, 1, ways)
    x = samples(256, 3)
    scores = run(graph, {graph.input_names[0]: x})[graph.output_names[0]].reshape(256, -1)
    labels = (scores - np.median(scores, axis=0)).argmax(1).astype(np.int64)
    split = as_split(x[:, 0], labels)
    trained = Retraining.prepare(compressed, load("float"), split, split, TrainOptions(epochs=12, batch=32, learning_rate=1e-2, seed=1))
    before = trained.float_figure
    trained.train(tmp_path / "checkpoint.pt", False, lambda *at: None)
    result = trained.result()
    assert weights(simplify(result.graph)) == weights(compressed)
    found = run(result.graph, {result.graph.input_names[0]: x})[result.graph.output_names[0]].reshape(256, -1).argmax(1)
    assert before < (found == labels).mean()


@pytest.mark.parametrize("ways", WAYS)
def test_written_and_read_back(tmp_path: Path, ways: int) -> None:
    compressed, _ = compress(network(residual=True), 1, ways)
    write_float(compressed, tmp_path / "net.onnx")
    again = simplify(read(tmp_path / "net.onnx", {}))
    assert weights(again) == weights(compressed)
    np.testing.assert_allclose(outputs(again), outputs(compressed), atol=1e-6)


def test_layers_by_pattern() -> None:
    graph = network(residual=True)
    convolutions = [n.name for n in simplify(graph).nodes if isinstance(n.op, Conv2D)]
    _, everything = compress(graph, 1, 2)
    taken = [c.layer for c in everything]
    assert taken and set(taken) <= set(convolutions)
    _, one = compress(graph, 1, 2, (f"{taken[0][:-1]}?",))
    assert [c.layer for c in one] == taken[:1]
    with pytest.raises(Unsupported, match="nothing_like_it: names no layer to compress; the layers that can be compressed are"):
        compress(graph, 1, 2, ("nothing_like_it",))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (layer(kernels(4, 3, 3, 2), Conv2D(groups=2)), "conv has groups"),
        (layer(kernels(4, 1, 3, 2)), "conv has kernels of one row or column"),
    ],
)
def test_refused_by_name(graph: Graph, message: str) -> None:
    with pytest.raises(Unsupported, match=f"conv: names no layer to compress: {message}"):
        compress(graph, 1, 2, ("conv",))
    with pytest.raises(Unsupported, match="layer: has no float convolution to compress"):
        compress(graph, 1, 2)


def test_quantized_networks_are_refused() -> None:
    graph = network()
    with pytest.raises(Unsupported, match="compress before quantization"):
        compress(quantize(graph, {"x": samples(8)}, load("int8"), QuantizeOptions()), 1, 2, ("first",))


@pytest.mark.parametrize(("rank", "ways"), [(0, 2), (1, 4)])
def test_ranks_and_ways(rank: int, ways: int) -> None:
    with pytest.raises(TapeoutError, match="the rank is at least 1, the ways are 2 or 3"):
        compress(network(), rank, ways)


def test_table() -> None:
    assert table([Compressed("conv1", 2, 5, 200, 160, 0.2298), Compressed("c", 2, 25, 3200, 576, 0.7202)]) == (
        "layer     rank  weights  become   error\n"
        "conv1   2 of 5      200     160  0.2298\n"
        "c      2 of 25    3,200     576  0.7202\n"
        "all               3,400     736"
    )


def test_the_command(zoo: Path, tmp_path: Path) -> None:
    model, output = zoo / "onnx/mnist-8/model.onnx", tmp_path / "small.onnx"
    done = tapeout("compress", model, "--rank", 2, "--ways", 3, "--layers", "ReLU114*", "-o", output)
    assert done.returncode == 0, done.stderr
    assert "ReLU114_Output_0  2 of 25    3,200     576  0.72" in done.stdout and f"wrote {output}" in done.stdout
    onnx.checker.check_model(output)
    refused(2, "nothing: names no layer to compress", "compress", model, "--rank", 1, "--layers", "nothing", "-o", tmp_path / "no.onnx")
    refused(2, "cannot be written; there is no folder", "compress", model, "--rank", 1, "-o", tmp_path / "no" / "where.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.onnx"]
