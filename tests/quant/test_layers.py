"""Networks with quantizers: they begin where quantization after training ends, and integers compute what they are, code by code."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tapeout.compiler.codes import encode, round_real
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Graph, QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.passes.make_integer import make_integer
from tapeout.compiler.run import run, steps
from tapeout.quant.annotate import annotate
from tapeout.quant.calibrate import calibrate
from tapeout.quant.exact import ExactNetwork
from tapeout.quant.layers import IntegerQuantizer, Network
from tapeout.quant.norm import with_biases
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.placement import LAYERS, place
from tapeout.quant.quantize import prepared, quantizers
from tapeout.quant.quantizers import DynamicQuantizer, per_tensor
from tapeout.quant.recipe import Recipe, ScaleKind, load, parse
from tapeout.quant.scheme import Range
from tapeout.quant.torch_ops import whole
from tests.quant.float_nets import network, ops, samples

pytestmark = pytest.mark.usefixtures("one_thread")

ROUNDINGS = [r for r in Rounding if r is not Rounding.TFLITE]


def recipe(weights: Mapping[str, Any], activations: Mapping[str, Any], rounding: str = "half_up") -> Recipe:
    return parse({"weights": weights, "activations": activations, "rounding": rounding}, "test")


@cache
def ranges(**options: bool) -> Mapping[str, Range]:
    """Of the values of `network(**options)`, by their extremes, so that no recipe matters."""
    return calibrate(with_biases(prepared(network(**options), {})[0]), {"x": samples(64)}, QuantizeOptions())


def untrained(chosen: Recipe, **options: bool) -> tuple[Network, Graph]:
    """The network with quantizers, and the annotated graph of quantization after training."""
    simple = with_biases(prepared(network(**options), {})[0])
    places = place(simple, chosen)
    formats = quantizers(simple, places, ranges(**options))
    return Network(simple, places, formats), annotate(simple, formats)


def batch(count: int = 32, seed: int = 1) -> Tensor:
    return torch.from_numpy(samples(count, seed)[:, 0])


def trained(chosen: Recipe, norms: bool = True, rate: float = 1e-2, **options: bool) -> Network:
    """After three steps, which move every scale and weight."""
    torch.manual_seed(0)
    net, _ = untrained(chosen, **options)
    if norms:
        net.add_norms((batch(64),))
    net.schedule(0, 1)
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), rate)
    for step in range(3):
        optimizer.zero_grad()
        net(batch(32, step + 2))[0].square().mean().backward()
        optimizer.step()
    return net.eval()


def differing(graph: Graph, x: Tensor) -> dict[str, tuple[int, int]]:
    """How many codes of each quantized value the integer graph has otherwise than the model in float64, and by how much at most."""
    integer = make_integer(graph)
    held: dict[str, Array] = {"x": x.float().numpy()[:, np.newaxis]}
    for node, results in steps(integer, dict(held)):
        held.update(zip(node.outputs, results, strict=True))
    found = {}
    for name, codes in ExactNetwork(graph).codes(x).items():
        own = name if name in integer.values and name != "x" and f"{name}_q" not in integer.values else f"{name}_q"
        q = integer.values[own].type.quantized
        zero = held[f"{name}_zero"].reshape(-1, *(1,) * (held[own].ndim - 1)) if f"{name}_zero" in held else q.zero[0]
        whole_numbers = 2 * held[own].astype(np.int64) - 1 if q.bipolar else held[own].astype(np.int64) - zero
        off = np.abs(whole_numbers.reshape(codes.shape) - codes.numpy())
        found[name] = int((off > 0).sum()), int(off.max())
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_whole_numbers(rounding: Rounding, dtype: torch.dtype) -> None:
    x = torch.cat([torch.arange(-20, 21) / 4, torch.randn(1000) * 10, torch.tensor([0.49999997, -0.49999997])]).to(dtype)
    assert np.array_equal(whole(x, rounding).numpy(), round_real(x.numpy(), rounding))


VALUES = torch.cat([torch.arange(-30, 31) / 16, torch.randn(500, generator=torch.Generator().manual_seed(0))])


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_few_passes_give_what_brevitas_gives(rounding: Rounding) -> None:
    q = QType(4, True, (0.25,))
    quantizer = IntegerQuantizer(FakeQuantize(q, rounding), ScaleKind.FLOAT, (), True)
    found = []
    for function in (
        lambda x, s: per_tensor(x, s, q, rounding), lambda x, s: quantizer.quantizer(s, quantizer.zero, quantizer.bits, x),
    ):
        x, scale = VALUES.clone().requires_grad_(), torch.tensor(0.25, requires_grad=True)
        y = function(x, scale)
        (y * torch.linspace(-1, 1, len(VALUES))).sum().backward()
        assert x.grad is not None and scale.grad is not None
        found.append((y.detach(), x.grad, scale.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-6, atol=0)
    assert torch.allclose(found[0][2], found[1][2], rtol=1e-4)


@pytest.mark.parametrize("zero", [0, 1, -3])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_values_are_those_of_the_ir(rounding: Rounding, zero: int) -> None:
    format = FakeQuantize(QType(4, True, (0.3,), (zero,)), rounding)
    found = IntegerQuantizer(format, ScaleKind.FLOAT, (1, len(VALUES)), True)(VALUES[None]).detach().numpy()
    assert np.array_equal(found, format.ref((Type(found.shape, F32),), VALUES.numpy()[None])[0])


@pytest.mark.parametrize("q", [QType(8, True, zero=(-128,)), QType(4, True), QType(8, False), QType(16, True)])
@pytest.mark.parametrize("power_of_two", [False, True])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_dynamic_formats(q: QType, power_of_two: bool, rounding: Rounding) -> None:
    format = FakeQuantize(q, rounding, True, power_of_two)
    x = samples()
    x[0] = 0
    x[1] = np.abs(x[1])
    wanted = format.ref((Type(x.shape[1:], F32),), x)[0]
    assert np.array_equal(DynamicQuantizer(format)(torch.from_numpy(x)).numpy(), wanted)


WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16]


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("granularity", ["tensor", "channel", "group"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("scale", ["power_of_two", "dyadic", "float"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_integers_compute_the_model(dynamic: bool, scale: str, symmetric: bool, granularity: str, bits: int) -> None:
    weights = {"bits": bits, "granularity": granularity, "group": 4, "scale": scale}
    net = trained(recipe(weights, {"bits": max(bits, 3), "symmetric": symmetric, "scale": scale, "dynamic": dynamic}))
    found = differing(net.to_graph(), batch(64, 9))
    print("codes that differ, and by how much at most:", found)  # told by pytest -rP
    if scale == "float" and not dynamic:
        assert max(most for _, most in found.values()) <= 1
    else:
        assert not any(count for count, _ in found.values()), found


@pytest.mark.parametrize("name", ["int8", "int8-sym", "w4a8", "w2a4", "ternary", "binary", "fixed<16,6>"])
@pytest.mark.parametrize("norms", [True, False])
def test_ready_made_recipes(name: str, norms: bool) -> None:
    found = differing(trained(load(name), norms, pool=name != "binary").to_graph(), batch(64, 9))
    assert max(most for _, most in found.values()) <= (0 if name == "fixed<16,6>" else 1)


@pytest.mark.parametrize("bits", [3, 8, 16])
def test_powers_of_two_in_plain_float64(bits: int) -> None:
    """Where float64 has no error the network itself is the exact model: nothing is said twice."""
    chosen = recipe({"bits": min(bits, 8), "scale": "power_of_two"}, {"bits": bits, "scale": "power_of_two"})
    net = trained(chosen, norms=False, residual=True)
    exact = net.exact()
    x = batch(64, 9).double()
    with torch.no_grad():
        assert torch.equal(net.double()(x)[0], exact(x)[0])


@pytest.mark.parametrize("fixed", [["x", "first"], ["point", "pooled"], ["deep"]], ids="+".join)
@pytest.mark.parametrize("scale", ["power_of_two", "dyadic", "float"])
def test_fixed_and_dynamic_scales_in_one_network(scale: str, fixed: list[str]) -> None:
    rule = {"layers": fixed, "activations": {"dynamic": False}}
    said = {"weights": {"bits": 8, "scale": scale}, "activations": {"bits": 8, "symmetric": False, "scale": scale, "dynamic": True}}
    found = differing(trained(parse({**said, "rules": [rule]}, "test")).to_graph(), batch(64, 9))
    assert not any(count for count, _ in found.values()), found


@pytest.mark.parametrize("symmetric", [True, False])
def test_dynamic_powers_of_two(symmetric: bool) -> None:
    """Against the reference interpreter's float32, which these sums and scales leave exact."""
    chosen = recipe({"bits": 4, "scale": "power_of_two"}, {"bits": 6, "scale": "power_of_two", "symmetric": symmetric, "dynamic": True})
    graph = trained(chosen).to_graph()
    x = samples(16, 9)
    (wanted,) = run(graph, {"x": x}).values()
    found = ExactNetwork(graph)(torch.from_numpy(x[:, 0]))[0].numpy()
    assert np.array_equal(found.astype(np.float32).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("name", ["int8", "w4a8", "w2a4", "ternary", "int8-sym", "fixed<12,6>"])
def test_training_begins_where_quantization_ends(name: str) -> None:
    net, annotated = untrained(load(name), residual=not name.startswith("fixed"))
    mine, theirs = make_integer(net.to_graph()), make_integer(annotated)
    assert [(n.op, n.inputs, n.outputs) for n in mine.nodes] == [(n.op, n.inputs, n.outputs) for n in theirs.nodes]
    for value in theirs.constants():
        data = mine.values[value.name].data
        assert value.data is not None and data is not None and np.array_equal(data, value.data), value.name


@pytest.mark.parametrize("checkpoint", ["folded", "with norms"])
def test_a_norm_put_back_changes_nothing(checkpoint: str) -> None:
    graph = network(residual=True, norms=checkpoint == "with norms")
    simple = with_biases(prepared(graph, {})[0])
    assert len(simple.nodes) == len(prepared(network(residual=True), {})[0].nodes)  # norms are folded
    net = Network(simple, {}, {}).eval()
    with torch.no_grad():
        before = net(batch())[0]
        net.add_norms((batch(64),))
        after = net(batch())[0]
        frozen = run(net.to_graph(), {"x": samples()})["out"]
    assert len(net.norms) == 3  # the layer that gives the output has none
    assert float((after - before).abs().max()) < 1e-5
    assert np.abs(frozen.reshape(before.shape) - before.numpy()).max() < 1e-5
    wanted = run(graph, {"x": samples()})["out"]
    assert np.abs(wanted.reshape(before.shape) - before.numpy()).max() < 1e-5


@pytest.mark.parametrize(
    ("weights", "inside"),
    [({"granularity": "channel"}, False), ({"granularity": "group", "group": 4}, False), ({"granularity": "tensor"}, True),
     ({"granularity": "channel", "scale": "power_of_two"}, True), ({"granularity": "channel", "scale": "dyadic"}, True)],
)  # fmt: skip
def test_where_norms_stand(weights: Mapping[str, Any], inside: bool) -> None:
    """Outside, codes of the weights are those without the norm; inside, the folded weights are quantized. Either way outputs agree."""
    net = trained(recipe(weights, {"bits": 16}), rate=3e-2)
    assert {norm.inside for norm in net.norms.values()} == {inside}
    graph = net.to_graph()
    with torch.no_grad():
        found = net(batch())[0]
    assert float((net.exact()(batch())[0] - found).abs().max()) < 2e-3
    assert any((norm.folded()[0] - 1).abs().max() > 0.01 for norm in net.norms.values())  # type: ignore[operator]  # a ModuleDict says Tensor or Module of its parts
    node = net.layers["first"]
    name = node.inputs[1]
    format = next(n.op for n in graph.nodes if n.name == f"{name}_fq")
    data = graph.values[name].data
    assert isinstance(format, FakeQuantize) and isinstance(format.output, QType) and data is not None
    quantizer = net.quantizers[net.index[name]]
    assert isinstance(quantizer, IntegerQuantizer)
    plain = quantizer.format().output
    assert isinstance(plain, QType)
    latent = net.weights[net.index[name]].detach().numpy()
    same = np.array_equal(encode(data, format.output, format.rounding), encode(latent, plain, format.rounding))
    assert same is not inside


def test_shared_weights_get_no_norm() -> None:
    simple = with_biases(prepared(network(), {})[0])
    net = Network(simple, {}, {})
    nodes = [replace(n, inputs=(n.inputs[0], "first.w", n.inputs[2])) if n.name == "first" else n for n in simple.nodes]
    again = replace(next(n for n in nodes if n.name == "first"), inputs=("x", "first.w", "point.b"), outputs=("twin",))
    both = simple.replace([nodes[0], again, *nodes[1:]], {**simple.values, "twin": replace(simple.values["first"], name="twin")})
    shared = Network(both, {}, {})
    for network_ in (net, shared):
        network_.add_norms((batch(),))
    assert (len(net.norms), len(shared.norms)) == (3, 1)


# a recipe that is ignored for one layer is noticed


def ignored(graph: Graph, chosen: Recipe) -> list[str]:
    """The layers whose weights or result have other bits than the recipe says."""
    formats = {n.inputs[0]: n.op.output for n in graph.nodes if isinstance(n.op, FakeQuantize)}
    names = [n.name for n in graph.nodes if isinstance(n.op, LAYERS)]
    wrong = []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS):
            said = chosen.layer(node.name, node.op.name(), {names[0]: ("@first",), names[-1]: ("@last",)}.get(node.name, ()))
            for name, tensor in ((node.inputs[1].removesuffix("_fq"), said.weights), (node.name, said.activations)):
                q = formats.get(name)
                if not isinstance(q, QType) or q.bits != tensor.bits:
                    wrong.append(node.name)
    return wrong


@pytest.mark.parametrize("layer", ["first", "deep", "point", "out"])
def test_an_ignored_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, layer: str) -> None:
    rule = {"layers": [layer], "weights": {"bits": 5}, "activations": {"bits": 6}}
    chosen = parse({"weights": {"bits": 4}, "activations": {"bits": 8}, "rules": [rule]}, "test")
    assert ignored(trained(chosen).to_graph(), chosen) == []
    original = Recipe.layer
    monkeypatch.setattr(Recipe, "layer", lambda self, name, *more: original(self, "?" if name == layer else name, *more))
    graph = trained(chosen).to_graph()
    monkeypatch.undo()
    assert set(ignored(graph, chosen)) == {layer}


@pytest.mark.parametrize("name", ["first.w", "deep.w", "point.w", "out.w", "first", "out"])
def test_a_lost_quantizer_is_noticed(name: str) -> None:
    chosen = load("int8")
    net, _ = untrained(chosen)
    del net.initial[name]
    del net.quantizers[net.index[name]]
    assert ignored(net.to_graph(), chosen) == [name.removesuffix(".w")]


def test_residual_sums() -> None:
    chosen = recipe({"granularity": "channel"}, {"symmetric": False})
    net = trained(chosen, residual=True)
    assert ops(net.graph, Add) == ["sum"]
    assert max(most for _, most in differing(net.to_graph(), batch(64, 9)).values()) <= 1


@pytest.mark.parametrize("mutation", ["rounding", "clip", "bias"])
def test_the_comparison_bites(monkeypatch: pytest.MonkeyPatch, mutation: str) -> None:
    graph = trained(recipe({"scale": "power_of_two"}, {"scale": "power_of_two", "bits": 6, "symmetric": True})).to_graph()
    assert not any(count for count, _ in differing(graph, batch(64, 9)).values())
    if mutation == "rounding":
        monkeypatch.setattr("tapeout.quant.exact.whole", lambda x, rounding: torch.ceil(x - 0.5))
    elif mutation == "clip":
        original = ExactNetwork._clamped
        monkeypatch.setattr(ExactNetwork, "_clamped", staticmethod(lambda x, q, clip, rounding: original(x, q, None, rounding)))
    else:
        monkeypatch.setattr("tapeout.quant.exact.round_half_away", lambda x: 0 * x)
    assert any(count for count, _ in differing(graph, batch(64, 9)).values())
