"""A network of Brevitas itself, exported by it to QONNX and to QDQ: every engine computes the codes that PyTorch does."""
from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from brevitas import nn as qnn
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import fixed_point, scaled_int
from torch import nn

from tapeout.compiler.build import lower
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph, QType
from tapeout.compiler.run import run
from tapeout.cosim.compare import trace
from tapeout.cosim.engine import Harnessed
from tapeout.cosim.host import HOST
from tapeout.cosim.qemu import QEMU
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

from .test_export import by_onnxruntime, by_qonnx

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]
DIGITS = Path(__file__).parents[2] / "examples" / "digits"
COUNT = 40
KINDS = {
    "powers_of_two": (fixed_point.Int8WeightPerTensorFixedPoint, fixed_point.Int8ActPerTensorFixedPoint,
                      fixed_point.Uint8ActPerTensorFixedPoint),
    "floats": (scaled_int.Int8WeightPerChannelFloat, scaled_int.Int8ActPerTensorFloat, scaled_int.Uint8ActPerTensorFloat),
}  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """A file, the integer graph read from it, and what PyTorch computes: codes of each quantizer, and outputs."""

    path: Path
    graph: Graph
    images: Array
    codes: list[Array]
    outputs: Array
    step: float  # of an output


class Reals(nn.Module):
    """Of a tensor with its scale the numbers alone, so that only they are exported."""

    def forward(self, x: Any) -> torch.Tensor:
        value: torch.Tensor = x.value
        return value


def network(kind: str, bits: int) -> nn.Sequential:
    """Images N x 1 x 8 x 8 to logits N x 10: a convolution, a depthwise and a pointwise one, pooling, a dense layer."""
    w, signed, unsigned = KINDS[kind]
    weights = {"weight_quant": w, "weight_bit_width": bits, "bias_quant": scaled_int.Int32Bias, "bias": True, "return_quant_tensor": True}

    def relu() -> Any:
        return qnn.QuantReLU(act_quant=unsigned, bit_width=bits, return_quant_tensor=True)

    return nn.Sequential(
        qnn.QuantIdentity(act_quant=signed, return_quant_tensor=True),
        qnn.QuantConv2d(1, 8, 3, padding=1, **weights), relu(), qnn.QuantConv2d(8, 8, 3, padding=1, groups=8, **weights), relu(),
        qnn.QuantConv2d(8, 12, 1, **weights), relu(), nn.MaxPool2d(2), nn.Flatten(), qnn.QuantLinear(12 * 16, 10, **weights),
        qnn.QuantIdentity(act_quant=signed, return_quant_tensor=True),
    )  # fmt: skip


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    with np.load(DIGITS / "digits_test.npz") as file:
        return torch.from_numpy(file["image"] / np.float32(16)), torch.from_numpy(file["y"].astype(np.int64))


@cache
def trained(kind: str, bits: int) -> nn.Sequential:
    """After so many steps that Brevitas has fixed its scales."""
    torch.manual_seed(0)
    images, labels = digits()
    net = network(kind, bits).train()
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(320):
        at = torch.arange(32 * step, 32 * step + 32) % len(images)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images[at]).value, labels[at]).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    return net.eval()


CASES = [(kind, bits, form) for kind in KINDS for bits in (8, 4) for form in ("qonnx", "qdq")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case)))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Exported]:
    kind, bits, form = request.param
    images, labels = digits()
    path = tmp_path_factory.mktemp("brevitas") / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = trained(kind, bits)
        names = {"input_names": ["image"], "output_names": ["logits"], "dynamo": False}
        export = export_qonnx if form == "qonnx" else export_onnx_qcdq
        export(nn.Sequential(net, Reals()), args=images[:1], export_path=str(path), **names)
        with torch.no_grad():
            codes: list[Array] = []
            x: Any = images[:COUNT]
            for module in net:
                x = module(x)
                if isinstance(module, qnn.QuantIdentity | qnn.QuantReLU):
                    codes.append(x.int(float_datatype=False).numpy().astype(np.int64))
    assert (x.value.argmax(1) == labels[:COUNT]).float().mean() > 0.5, "it has learned something"
    graph = lower(read(path, {}))
    return kind, form, Exported(path, graph, images[:COUNT].numpy(), codes, x.value.numpy(), float(x.scale))


def found_codes(graph: Graph, values: dict[str, Array]) -> list[Array]:
    """The codes less their zero point of the integer graph, where quantizers stood: of its first node, and of its layers, in NCHW."""
    found = []
    for node in graph.nodes:
        q = graph.values[node.name].type.q
        if node.op.name() in ("quantize", "conv2d", "depthwise_conv2d", "dense") and isinstance(q, QType):
            codes = values[node.name].astype(np.int64)[:, 0] - q.zero[0]
            found.append(codes.transpose(0, 3, 1, 2) if codes.ndim == 4 else codes)
    return found


def feed(graph: Graph, images: Array) -> dict[str, Array]:
    (port,) = graph.inputs
    return {port.value: port.from_source(images[:, np.newaxis])}


def test_integers_compute_what_pytorch_does(exported: tuple[str, str, Exported]) -> None:
    kind, _, case = exported
    assert not any("f32" in n.op.symbol(case.graph.types(n)) for n in case.graph.nodes if n.op.name() not in ("quantize", "dequantize"))
    found = found_codes(case.graph, run(case.graph, feed(case.graph, case.images), keep=True))
    assert len(found) == len(case.codes) == 5
    for mine, theirs in zip(found, case.codes, strict=True):
        off = np.abs(mine - theirs)
        assert off.max() <= (1 if kind == "floats" else 0), f"{(off > 0).sum()} of {off.size} codes differ, by up to {off.max()}"


def test_other_executors_compute_what_pytorch_does(exported: tuple[str, str, Exported]) -> None:
    kind, form, case = exported
    outputs = (by_qonnx if form == "qonnx" else by_onnxruntime)(case.path, case.images)
    step = case.step if kind == "floats" else 0.0
    assert np.abs(outputs - case.outputs).max() <= 1.001 * step


def test_engines_equal_the_reference(exported: tuple[str, str, Exported], tmp_path: Path) -> None:
    _, _, case = exported
    inputs = feed(case.graph, case.images)
    compiled, firmware = (Compiled.write(tmp_path / name, "net", find_target(name), case.graph) for name in ("c", "cortex-m4"))
    wanted = run(case.graph, inputs, keep=True)
    for found in (HOST.run(compiled, inputs), QEMU.run(firmware, inputs)):
        for name, array in found.items():
            assert (array != wanted[name]).sum() == 0
    assert isinstance(HOST, Harnessed)
    for name, array in trace(HOST.machine, compiled, inputs).items():
        assert (array != wanted[name]).sum() == 0, name


def test_another_rounding_is_noticed(exported: tuple[str, str, Exported], monkeypatch: pytest.MonkeyPatch) -> None:
    """Brevitas rounds half to even; where scales are powers of two ties are common."""
    kind, _, case = exported
    monkeypatch.setattr("tapeout.compiler.frontends.onnx.quantizers._told", lambda call, default: Rounding.FLOOR)
    graph = lower(read(case.path, {}))
    found = found_codes(graph, run(graph, feed(graph, case.images), keep=True))
    assert any((mine != theirs).any() for mine, theirs in zip(found, case.codes, strict=True)), kind
