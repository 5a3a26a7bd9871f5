"""Bits after a sine: what they are, how they train, that a graph and packed code hold exactly them."""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tapeout.compiler import build
from tapeout.compiler.codes import encode
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Graph, QType, Type
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.run import run
from tapeout.cosim.host import HOST_ASAN
from tapeout.quant.biper import (
    WORST_ANGLE,
    BinaryActivation,
    BiPer,
    SignStraightThrough,
    Stage,
    TernaryStraightThrough,
    WeightQuantizer,
    quantization_error,
)
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.compiler.integer.nets import Net

# the quantization error under a Laplace prior


def sampled(angle: float, samples: int = 400_000) -> tuple[float, float]:
    """The mean squared error over samples of the prior, and its standard error."""
    wave = np.sin(angle * np.random.default_rng(0).laplace(0, 1, samples))
    squares = (np.abs(wave) - np.abs(wave).mean()) ** 2
    return float(squares.mean()), float(squares.std() / math.sqrt(samples))


def agrees(formula: Callable[[float], float], angle: float) -> bool:
    mean, deviation = sampled(angle)
    return abs(formula(angle) - mean) < 5 * deviation


ANGLES = (0.1, 0.3, WORST_ANGLE, 2.0, 5.0, 30.0)


@pytest.mark.parametrize("angle", ANGLES)
def test_error_is_what_samples_of_the_prior_have(angle: float) -> None:
    assert agrees(quantization_error, angle)


def test_error_peaks_where_the_paper_says() -> None:
    angles = np.linspace(0.01, 40, 400_000)
    errors = [quantization_error(float(a)) for a in angles]
    assert abs(angles[int(np.argmax(errors))] - 0.9549) < 1e-4
    assert round(max(errors), 6) == round(quantization_error(WORST_ANGLE), 6) == 0.102835
    assert quantization_error(1e-3) < 1e-5
    assert abs(quantization_error(1e4) - (0.5 - 4 / math.pi**2)) < 1e-6


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: 2 * a**2 / (1 + 4 * a**2) - (a / (1 + a**2)) ** 2,  # one half wave only
        lambda a: 2 * a**2 / (1 + 4 * a**2) - (a / (1 + a**2) / math.tanh(math.pi / a)) ** 2,  # the whole period for the half
        lambda a: a**2 / (1 + a**2) - (a / (1 + a**2) / math.tanh(math.pi / (2 * a))) ** 2,  # cos(angle t)
    ],
)
def test_the_samples_notice_a_wrong_formula(wrong: Callable[[float], float]) -> None:
    assert not all(agrees(wrong, angle) for angle in ANGLES)


@pytest.mark.parametrize("angle", [0.0, -1.0, math.nan])
def test_angles_are_positive(angle: float) -> None:
    with pytest.raises(TapeoutError, match="positive"):
        quantization_error(angle)
    with pytest.raises(TapeoutError, match="positive"):
        BiPer(torch.ones(2, 2), angle=angle)


# the modules


def latent(*shape: int, seed: int = 0) -> Tensor:
    """Weights over several half waves, with zeros of both signs."""
    w = torch.from_numpy(np.random.default_rng(seed).laplace(0, 0.1, shape)).float()
    w.view(-1)[:2] = torch.tensor([0.0, -0.0])
    return w


def biper(w: Tensor, axis: int | None = 0, angle: float = 3.0) -> BiPer:
    module = BiPer(w, axis, angle)
    module.stage = Stage.SIGN
    return module


def test_the_bit_is_that_after_the_sine() -> None:
    w = latent(4, 200)
    module = biper(w)
    bits = (np.sin(module.w0.item() * w.numpy().astype(np.float64)) >= 0).astype(np.int8)
    near = np.abs(np.sin(module.w0.item() * w.numpy().astype(np.float64))) < 1e-5  # where float32 decides
    found = module.codes(w).numpy()
    assert (found == bits)[~near | (w.numpy() == 0)].all()
    assert (found.reshape(-1)[:2] == 1).all()  # sign(0) = +1, of -0 as well
    assert (found != (w >= 0).numpy()).mean() > 0.2  # the sign of w would be another network
    assert ((module(w) > 0) == (module.codes(w) > 0)).all()


def test_the_gradient_is_that_of_the_sine() -> None:
    w = latent(3, 50).requires_grad_()
    module = biper(w)
    upstream = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 50))).float()
    module(w).backward(upstream)
    expected = upstream * module.scale(w)[:, None] * module.w0 * torch.cos(module.w0 * w)
    assert w.grad is not None
    torch.testing.assert_close(w.grad, expected.detach())
    signs = (2.0 * module.codes(w) - 1) * module.wave(w).detach().abs().mean(1, keepdim=True)
    torch.testing.assert_close(module.exponent.grad, (upstream * signs).sum(1).detach() * module.gain.detach() * math.log(2))


def test_the_first_stage_has_the_sine_itself_as_weights() -> None:
    w = latent(3, 50).requires_grad_()
    module = BiPer(w, angle=0.2)
    assert module.stage is Stage.SINE
    torch.testing.assert_close(module(w), module.gain[:, None] * torch.sin(module.w0 * w))
    assert (module(w) - w).norm() < 0.1 * w.norm()  # a trained network starts nearly as it was
    sine = module(w)
    module.stage = Stage.SIGN
    rows = sine.abs()
    torch.testing.assert_close(module.scale(w), rows.mean(1))  # the least squared error of two values
    torch.testing.assert_close(module(w).abs(), rows.mean(1, keepdim=True).expand_as(w))


@pytest.mark.parametrize(("epochs", "stages"), [(1, [2]), (2, [1, 2]), (5, [1, 1, 2, 2, 2]), (8, [1, 1, 1, 1, 2, 2, 2, 2])])
def test_the_schedule_ends_with_the_sign(epochs: int, stages: list[int]) -> None:
    module = BiPer(latent(3, 5))
    found = []
    for epoch in range(epochs):
        module.schedule(epoch, epochs)
        found.append(int(module.stage))
    assert found == stages


def test_a_layer_of_zeros_has_a_scale() -> None:
    w = torch.zeros(3, 4)
    for module in (biper(w), SignStraightThrough(0), TernaryStraightThrough(0)):
        assert (module.scale(w) > 0).all()
        assert torch.isfinite(module(w)).all()


def test_activations_are_signs_with_a_parabolic_gradient() -> None:
    x = torch.tensor([-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 3.0], requires_grad=True)
    y = BinaryActivation(0.5)(x)
    assert y.tolist() == [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 0.5, 1, 1, 0.75, 0, 0]


def test_ternary_weights() -> None:
    w = torch.tensor([[1.0, -3.0, 0.5, 0.0], [0.0, 0.0, 0.0, 2.0]], requires_grad=True)
    module = TernaryStraightThrough(0)
    assert module.codes(w).tolist() == [[1, -1, 0, 0], [0, 0, 0, 1]]
    assert module.scale(w).tolist() == [2.0, 2.0]
    module(w).backward(torch.arange(8.0).reshape(2, 4))
    assert w.grad is not None
    assert w.grad.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def formats(module: WeightQuantizer, w: Tensor) -> QType:
    """The format that an annotated graph gives the module's weights."""
    scale = tuple(module.scale(w).tolist())
    axis = module.axis if len(scale) > 1 else None
    if isinstance(module, TernaryStraightThrough):
        return QType(2, True, scale, (0,) * len(scale), axis, narrow=True)
    return QType(1, True, scale, (0,) * len(scale), axis, bipolar=True)


@pytest.mark.parametrize("axis", [0, 3, None])
@pytest.mark.parametrize("make", [biper, lambda w, axis: SignStraightThrough(axis), lambda w, axis: TernaryStraightThrough(axis)])
def test_a_graph_holds_exactly_what_was_trained(make: Callable[[Tensor, int | None], WeightQuantizer], axis: int | None) -> None:
    w = latent(6, 3, 3, 5)
    module = make(w, axis)
    q, weights = formats(module, w), module(w).detach().numpy()
    assert len(q.scale) == (1 if axis is None else w.shape[axis])
    quantizer = FakeQuantize(q, Rounding.HALF_AWAY)
    np.testing.assert_array_equal(quantizer.ref((Type(w.shape, F32),), weights)[0], weights)
    np.testing.assert_array_equal(encode(weights, q, Rounding.HALF_AWAY), module.codes(w).numpy())


# a network through packed code


class Layers(nn.Module):
    """Convolutions and a dense layer of bits with padding, and batch norms of which some scales are negative; NHWC."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        random = np.random.default_rng(seed)
        self.shapes = {"c1": (13, 3, 3, 9), "c2": (24, 3, 3, 13), "d": (10, 3 * 3 * 24)}
        self.w = {name: latent(*shape, seed=i) for i, (name, shape) in enumerate(self.shapes.items())}
        self.q = {name: biper(w) for name, w in self.w.items()}
        self.gamma = {n: random.normal(0, 1, s[0]).astype(np.float32) for n, s in self.shapes.items()}
        self.beta = {n: random.normal(0, 1, s[0]).astype(np.float32) for n, s in self.shapes.items()}
        assert all((g < 0).any() and (g > 0).any() for g in self.gamma.values())

    def weights(self, name: str) -> Array:
        weights: Array = self.q[name](self.w[name]).detach().numpy()
        return weights

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The bits of every layer, and the output, in float64."""
        found = {"x": BinaryActivation()(x.double())}
        at = found["x"]
        for name, stride in (("c1", 1), ("c2", 2)):
            w = torch.from_numpy(self.weights(name)).double().permute(0, 3, 1, 2)
            y = F.conv2d(at.permute(0, 3, 1, 2), w, None, stride, 1).permute(0, 2, 3, 1)
            at = found[name] = BinaryActivation()(self._norm(name, y))
        y = at.flatten(1) @ torch.from_numpy(self.weights("d")).double().T
        return found | {"y": self._norm("d", y)}

    def _norm(self, name: str, y: Tensor) -> Tensor:
        return y * torch.tensor(self.gamma[name]).double() + torch.tensor(self.beta[name]).double()

    def graph(self, weights: Callable[[str], Array] | None = None) -> Graph:
        """The annotated graph."""
        net, bits = Net((1, 5, 6, 9)), QType(1, bipolar=True)
        at = net.fq("x", bits)
        for name, op in (("c1", Conv2D(pads=(1, 1, 1, 1))), ("c2", Conv2D(stride=(2, 2), pads=(1, 1, 1, 1)))):
            y = net.op(op, [at, self._constant(net, name, weights), ""], name)
            at = net.fq(net.norm(name, y, self.gamma[name], self.beta[name]), bits)
        flat = net.op(Reshape((1, 216)), [at], "flat")
        y = net.op(Dense(), [flat, self._constant(net, "d", weights), ""], "d")
        return net.graph(net.norm("d", y, self.gamma["d"], self.beta["d"]))

    def _constant(self, net: Net, name: str, weights: Callable[[str], Array] | None) -> str:
        return net.weights(name, self.shapes[name], formats(self.q[name], self.w[name]), (weights or self.weights)(name))


def samples(count: int = 32) -> Array:
    x = np.random.default_rng(7).normal(size=(count, 1, 5, 6, 9)).astype(np.float32)
    x.reshape(-1)[:64] = 0  # bits of +1
    return x


def codes(graph: Graph, x: Array) -> dict[str, Array]:
    """Every threshold's bits as -1 and +1, in order, and the output."""
    values = run(graph, {"x": x}, keep=True)
    found = [values[n.name] for n in graph.nodes if isinstance(getattr(n.op, "requant", n.op), Threshold)]
    return {str(i): 2 * v.astype(np.int64) - 1 for i, v in enumerate(found)} | {"y": values[graph.output_names[0]]}


def differing(net: Layers, graph: Graph, x: Array) -> list[int]:
    """How many elements of each layer differ between the module and a lowered graph; in the last one in the class alone."""
    module = [v.numpy() for v in net(torch.from_numpy(x[:, 0])).values()]
    found = [v.reshape(e.shape) for v, e in zip(codes(graph, x).values(), module, strict=True)]
    counts = [int((v != e).sum()) for v, e in zip(found[:-1], module[:-1], strict=True)]
    return [*counts, int((found[-1].argmax(1) != module[-1].argmax(1)).sum())]


def test_every_bit_of_a_packed_network_is_that_of_the_module(tmp_path: Path) -> None:
    net, x = Layers(), samples()
    lowered = build.lower(net.graph())
    weights = {n.name: lowered.types(n)[1].quantized for n in lowered.nodes if isinstance(n.op, Conv2D | Dense)}  # type: ignore[union-attr]  # layers have weights
    assert len(weights) == 3 and all(q.bipolar and q.packed for q in weights.values())
    assert differing(net, lowered, x) == [0, 0, 0, 0]
    compiled = Compiled.write(tmp_path / "c", "net", find_target("c"), lowered)
    text = (tmp_path / "c" / "net.c").read_text()
    assert (text.count("conv2d_b1("), text.count("dense_b1(")) == (2, 1)
    expected = run(lowered, {"x": x})
    for name, array in HOST_ASAN.run(compiled, {"x": x}).items():
        np.testing.assert_array_equal(array, expected[name])


def test_the_sign_of_the_weights_would_be_another_network() -> None:
    net = Layers()
    signs = build.lower(net.graph(lambda name: net.w[name].numpy()))
    assert differing(net, signs, samples())[1] > 0


def test_directions_of_thresholds_matter() -> None:
    net, lowered = Layers(), build.lower(Layers().graph())
    values = dict(lowered.values)
    for name, value in lowered.values.items():
        if name.endswith("_descending") and value.data is not None and value.data.any():
            values[name] = type(value)(name, value.type, np.zeros_like(value.data))
    assert differing(net, lowered.replace(lowered.nodes, values), samples())[1] > 0
