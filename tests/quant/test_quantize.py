"""Whole float graphs become integer: what the graph looks like, how near it is, and what is refused."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tapeout.compiler import data
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Builder, Graph, Op, Port, QType, Type, Types, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.hard_swish import HardSwish
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.softmax import OUTPUT, Softmax
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tapeout.quant import Calibration, QuantizeOptions, quantize
from tapeout.quant.recipe import load

from .. import models
from .integers import integers

SHAPE = (1, 6, 5, 4)


class Net:
    """A float graph from one line per node; `x` is its input."""

    def __init__(self, shape: tuple[int, ...] = SHAPE) -> None:
        self.build, self.random = Builder(), np.random.default_rng(0)
        self.build.input("x", Type(shape, F32))

    def weights(self, *shape: int) -> str:
        return self.build.constant("c", self.random.normal(0, 0.5, shape).astype(np.float32))

    def graph(self, *outputs: str) -> Graph:
        ports = [Port(n, n, "float32", tuple(range(len(self.build.values[n].type.shape)))) for n in ("x", *outputs)]
        return verify(Graph("net", (ports[0],), tuple(ports[1:]), tuple(self.build.nodes), self.build.values))


def single(make: Callable[[Net], tuple[Op, list[str]]]) -> Graph:
    net = Net()
    op, inputs = make(net)
    return net.graph(net.build.add(op, inputs, "y"))


def samples(graph: Graph, count: int = 100, seed: int = 0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {n: random.normal(0.5, 2, (count, *graph.values[n].type.shape)).astype(np.float32) for n in graph.input_names}


def sqnr(reference: Array, found: Array) -> float:
    noise = ((reference.astype(np.float64) - found) ** 2).sum()
    return float(10 * np.log10((reference.astype(np.float64) ** 2).sum() / noise)) if noise else np.inf


def codes_of(graph: Graph, name: str) -> str:
    """The value whose codes a float output stands for."""
    node = graph.producer(name)
    assert node is not None and node.op.name() == "dequantize"
    return node.inputs[0]


OPS: dict[str, Callable[[Net], tuple[Op, list[str]]]] = {
    "conv2d": lambda n: (Conv2D(pads=(1, 1, 1, 1)), ["x", n.weights(8, 3, 3, 4), n.weights(8)]),
    "conv2d_groups": lambda n: (Conv2D((2, 1), groups=2, clip=Clip(0.0, 6.0)), ["x", n.weights(6, 3, 2, 2), n.weights(6)]),
    "conv2d_no_bias": lambda n: (Conv2D(), ["x", n.weights(3, 1, 1, 4), ""]),
    "depthwise": lambda n: (DepthwiseConv2D(pads=(1, 0, 1, 0), clip=Clip(0.0)), ["x", n.weights(3, 3, 8), n.weights(8)]),
    "dense": lambda n: (Dense(clip=Clip(-1.0, 1.0)), ["x", n.weights(7, 4), n.weights(7)]),
    "add_constant": lambda n: (Add(clip=Clip(0.0)), ["x", n.weights(4)]),
    "add_itself": lambda n: (Add(), ["x", "x"]),
    "sub": lambda n: (Sub(), [n.weights(1, 1, 1, 4), "x"]),
    "mul": lambda n: (Mul(clip=Clip(-2.0, 3.0)), ["x", n.weights(5, 4)]),
    "square": lambda n: (Mul(), ["x", "x"]),
    "average_pool2d": lambda n: (AveragePool2D(Window((2, 2), (2, 2))), ["x"]),
    "average_pool2d_relu": lambda n: (AveragePool2D(Window((3, 3), pads=(1, 1, 1, 1)), clip=Clip(0.0)), ["x"]),
    "max_pool2d": lambda n: (MaxPool2D(Window((2, 2), (2, 2)), clip=Clip(0.0, 6.0)), ["x"]),
    "mean": lambda n: (Mean((1, 2)), ["x"]),
    "softmax": lambda n: (Softmax(), ["x"]),
    "sigmoid": lambda n: (Sigmoid(), ["x"]),
    "tanh": lambda n: (Tanh(), ["x"]),
    "leaky_relu": lambda n: (LeakyRelu(0.1), ["x"]),
    "hard_swish": lambda n: (HardSwish(), ["x"]),
    "clip": lambda n: (Clip(-1.0, 2.0), ["x"]),
    "reshape": lambda n: (Reshape((1, 120)), ["x"]),
    "transpose": lambda n: (Transpose((0, 3, 1, 2)), ["x"]),
    "slice": lambda n: (Slice((0, 1, 0, 0), (1, 2, 5, 2), (1, 2, 1, 1)), ["x"]),
    "pad": lambda n: (Pad((0, 1, 1, 0), (0, 0, 2, 0), 0.0), ["x"]),
    "pad_beyond": lambda n: (Pad((0, 1, 1, 0), (0, 0, 2, 0), 30.0), ["x"]),
    "concat": lambda n: (Concat(3), ["x", "x"]),
}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("name", OPS)
def test_every_op_is_near_its_float_form(name: str, symmetric: bool) -> None:
    graph = single(OPS[name])
    data = samples(graph)
    integer = integers(graph, data, symmetric=symmetric)
    lowered = lower(integer)
    (port,), (moved,) = graph.outputs, lowered.outputs
    expected, found = port.to_source(run(graph, data)["y"]), moved.to_source(run(lowered, data)[moved.value])
    assert sqnr(expected, found) >= 27.5
    assert expected.shape == found.shape


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "leaky_relu", "hard_swish", "clip", "max_pool2d", "mean", "add_itself", "square"])
def test_ops_without_weights_round_once(name: str) -> None:
    """The float op on the reals that the input's codes stand for, against the output's reals: half a step, and a little."""
    graph = single(OPS[name])
    integer = integers(graph, samples(graph))
    computed = run(integer, samples(graph, seed=1), keep=True)
    reals = {"x": data.to_real(computed["x_q"], integer.values["x_q"].type).astype(np.float32)}
    q = integer.values[codes_of(integer, "y")].type.quantized
    low, high = ((bound - q.zero[0]) * q.scale[0] for bound in (q.min, q.max))
    assert np.abs(np.clip(run(graph, reals)["y"], low, high) - computed["y"]).max() <= 0.502 * q.scale[0]


@pytest.mark.parametrize("calibration", Calibration)
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("model", "least"), [("separable_f32", 38.0), ("dense_chain_f32", 33.5)])
def test_networks_stay_near(model: str, least: float, calibration: Calibration, symmetric: bool) -> None:
    graph = models.MODELS[model]()
    integer = integers(graph, models.samples(graph, 200), calibration, symmetric)
    inputs = models.samples(graph, 100, seed=1)
    expected, found = run(graph, inputs), run(integer, inputs)
    clipped = 17 if calibration is Calibration.ENTROPY else 0  # which gives up outliers for the sake of the many
    assert min(sqnr(expected[n], found[n]) for n in expected) >= least - clipped
    assert all((v == run(lower(integer), inputs)[n]).all() for n, v in found.items())


def test_nothing_stays_float_but_the_ports() -> None:
    graph = models.separable(False)
    integer = integers(graph, models.samples(graph, 20))
    floats = {v.name for v in integer.values.values() if v.type.q == F32}
    assert floats == {"x", "head"}
    assert [n.op.name() for n in integer.nodes if floats & {*n.inputs, *n.outputs}] == ["quantize", "dequantize"]
    assert (integer.inputs, integer.outputs) == (graph.inputs, graph.outputs)
    assert {"stem", "deep", "wide", "deeper", "stem.w", "stem.b"} <= set(integer.values)
    requants = [n.op for n in integer.nodes if isinstance(n.op, Requant)]
    assert len(requants) == 5 and all(r.rounding is Rounding.HALF_UP for r in requants)
    again = integers(graph, models.samples(graph, 20))
    assert again.nodes == integer.nodes, "deterministic"


def test_int8_io_gives_the_same_codes() -> None:
    graph = models.dense_chain(False)
    inputs = models.samples(graph, 50)
    floats, codes = (integers(graph, inputs, codes_at_ports=exposed) for exposed in (False, True))
    assert not any(v.type.q == F32 for v in codes.values.values())
    assert [p.dtype for p in (*codes.inputs, *codes.outputs)] == ["float32"] * 3
    (port,) = codes.inputs
    encoded = data.encode(inputs["x"], port, codes.values["x"].type)
    found, expected = run(codes, {"x": encoded}), run(floats, inputs)
    for port in codes.outputs:
        assert (data.to_real(found[port.value], codes.values[port.value].type).astype(np.float32) == expected[port.value]).all()


@pytest.mark.parametrize("symmetric", [False, True])
def test_zero_points(symmetric: bool) -> None:
    graph = models.separable(False)
    integer = integers(graph, models.samples(graph, 20), symmetric=symmetric)
    zeros = {n: integer.values[n].type.quantized.zero[0] for n in ("x_q", "stem", "deep", "wide", "deeper", "head_q")}
    if symmetric:
        assert set(zeros.values()) == {0}
    else:
        assert [zeros[n] for n in ("stem", "deep", "wide", "deeper")] == [-128] * 4, "what a relu gives has no negative codes"
        assert -128 < zeros["head_q"] < 127


def test_a_channel_without_weights_is_its_bias() -> None:
    net = Net((1, 4, 4, 2))
    w = np.random.default_rng(0).normal(0, 1, (3, 1, 1, 2)).astype(np.float32)
    w[1] = 0
    b = np.array([0.1, 0.7, -0.3], np.float32)
    y = net.build.add(Conv2D(), ["x", net.build.constant("w", w), net.build.constant("b", b)], "y")
    graph = net.graph(y)
    integer = integers(graph, samples(graph), codes_at_ports=True)
    q = integer.values["y"].type.quantized
    x = np.random.default_rng(1).integers(-128, 128, (20, 1, 4, 4, 2)).astype(np.int8)
    assert (run(integer, {"x": x})["y"][..., 1] == q.zero[0] + round(float(b[1]) / q.scale[0])).all()


def branches(concat_reads_alone: bool) -> Graph:
    net = Net()
    left = net.build.add(Conv2D(clip=Clip(0.0)), ["x", net.weights(4, 1, 1, 4), net.weights(4)], "left")
    right = net.build.add(Conv2D(), ["x", net.weights(4, 1, 1, 4), net.weights(4)], "right")
    right = net.build.add(MaxPool2D(Window((1, 1))), [right], "picked")
    joined = net.build.add(Concat(3), [left, right], "joined")
    return net.graph(joined) if concat_reads_alone else net.graph(joined, left)


def test_what_only_a_concat_reads_is_computed_in_its_format() -> None:
    for alone, rescales in ((True, 0), (False, 1)):
        graph = branches(alone)
        integer = integers(graph, samples(graph))
        assert sum(n.name.endswith("_rescaled") for n in integer.nodes) == rescales
        found, expected = run(lower(integer), samples(graph)), run(graph, samples(graph))
        assert all(sqnr(expected[n], found[n]) >= 30 for n in expected)


@pytest.mark.parametrize("between", [None, MaxPool2D(Window((2, 2))), Reshape((1, 120)), Slice((0, 0, 0, 0), (1, 3, 3, 4), (1, 2, 1, 1))])
def test_a_relu_behind_decides_the_format(between: Op | None) -> None:
    net = Net()
    linear = net.build.add(Conv2D(), ["x", net.weights(4, 1, 1, 4), net.weights(4)], "linear")
    before = net.build.add(between, [linear], "between") if between else linear
    graph = net.graph(net.build.add(Clip(0.0), [before], "y"))
    integer = integers(graph, samples(graph))
    q = integer.values[codes_of(integer, "y")].type.quantized
    assert q.zero == (-128,) and q.scale[0] == np.float32(run(graph, samples(graph))["y"].max() / 255)


@dataclass(frozen=True)
class Exotic(Op):
    """An op that the quantizer does not know."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        assert types[0]
        return (types[0],)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (arrays[0],)


def refused(graph: Graph) -> str:
    inputs = {n: np.ones((2, *graph.values[n].type.shape), graph.values[n].type.q.dtype) for n in graph.input_names}
    with pytest.raises(TapeoutError) as error:
        lower(integers(graph, inputs))
    assert "\n" not in str(error.value)
    return f"{error.type.__name__}: {error.value}"


def test_an_unknown_op_is_refused_by_name() -> None:
    assert refused(single(lambda n: (Exotic(), ["x"]))) == "Unsupported: y: exotic cannot be quantized; compile the model in float32"


def test_computed_weights_are_refused_by_name() -> None:
    net = Net((4, 4))
    graph = net.graph(net.build.add(Dense(), ["x", "x", ""], "y"))
    assert refused(graph) == "Unsupported: y: dense can be quantized only with constant weights and bias"


def test_a_quantized_model_is_refused() -> None:
    assert refused(models.dense_chain(True)) == "TapeoutError: x: holds s8; only a float32 model can be quantized"


def test_sums_that_could_leave_32_bits_are_refused() -> None:
    net = Net((1, 70000))
    graph = net.graph(net.build.add(Dense(), ["x", net.build.constant("w", np.ones((1, 70000), np.float32)), ""], "y"))
    assert refused(graph).startswith("TapeoutError: y_q: its accumulator can reach 2266950000 in channel 0, beyond 32 bits")


def test_additions_take_codes_of_up_to_16_bits() -> None:
    graph = single(lambda n: (Add(), ["x", "x"]))
    for recipe in ("fixed<11,6>", "fixed<12,6>", "w8a16"):
        lower(quantize(graph, samples(graph), load(recipe), QuantizeOptions()))


def test_scales_that_cannot_meet_are_refused() -> None:
    net = Net((1, 2))
    w = np.array([[1e20, -1e20]], np.float32)
    graph = net.graph(net.build.add(Dense(), ["x", net.build.constant("w", w), ""], "y"))
    with pytest.raises(TapeoutError, match=r"^y: multiplier .* is outside"):
        integers(graph, {"x": np.full((3, 1, 2), 1e5, np.float32) * np.float32(1)})


def test_softmax_keeps_its_own_format() -> None:
    graph = single(OPS["softmax"])
    assert integers(graph, samples(graph), symmetric=True).values["y_q"].type.q == OUTPUT
    assert isinstance(OUTPUT, QType)


def test_padding_beyond_the_codes_of_softmax_is_refused() -> None:
    """They have one format whatever the data."""
    net = Net((1, 2, 2, 4))
    graph = net.graph(net.build.add(Pad((0, 1, 0, 0), (0, 0, 0, 0), -1.0), [net.build.add(Softmax(), ["x"], "s")], "y"))
    assert refused(graph) == "Unsupported: y: pads with -1.0, which the codes of s do not reach; choose one of 0 to 0.996094"
