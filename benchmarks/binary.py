"""Binary nets on MNIST, by BiPer and by the plain sign, trained alike: `python benchmarks/binary.py` prints the table of binary.md.

A small CNN whose inner layers have weights and activations of one bit; the input and the weights of the first and the last layer have
8 bits. Same data, seeds, epochs, batches, optimiser and learning rate for all, the rate being the best that was tried on the last
10,000 images of the training set; one row more gives the latent weights of the plain sign a rate of their own. Accuracies are those of
compiled C on the 10,000 test images, and C has to predict what the module predicts.
"""
from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tapeout.compiler import build
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.reshape import Reshape
from tapeout.cosim.host import HOST
from tapeout.quant.biper import BinaryActivation, BiPer, SignStraightThrough, WeightQuantizer
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

ROOT = Path(__file__).resolve().parents[1]
ZOO = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo"))
TRAIN, EPOCHS, BATCH, SEEDS, RATE, ANGLE = 10_000, 8, 100, 4, 0.003, 2.5
STRIDES = {"c1": 2, "c2": 2, "c3": 1}
WIDTHS = {"c1": (16, 1), "c2": (32, 16), "c3": (32, 32)}
PIXEL = QType(8, False, (1 / 255,))


@dataclass(frozen=True)
class Kind:
    """How the inner weights get their bits."""

    name: str
    biper: bool = False
    staged: bool = False  # of the plain sign: the first half with the latent weights themselves, as BiPer's first stage has the sine
    factor: float = 1.0  # of the learning rate of the inner layers' latent weights


KINDS = (
    Kind("sign, straight through"), Kind("the same in two stages", staged=True), Kind("BiPer", biper=True),
    Kind("sign, latent weights at 6 times the rate", factor=6.0),
)  # fmt: skip


class Bytes(WeightQuantizer):
    """Weights of 8 bits, symmetric per output channel; the gradient passes straight through."""

    def forward(self, w: Tensor) -> Tensor:
        return w + (self.codes(w) * self.spread(self.scale(w), w) - w).detach()

    def codes(self, w: Tensor) -> Tensor:
        return torch.round(w.detach() / self.spread(self.scale(w), w)).to(torch.int8)

    def scale(self, w: Tensor) -> Tensor:
        return self.channels(w.detach()).abs().amax(1).clamp(min=1e-6) / 127


class Net(nn.Module):
    """Three convolutions, each with batch normalization and a sign, and a dense layer; NCHW."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        shapes = {name: (o, i, 3, 3) for name, (o, i) in WIDTHS.items()}
        self.w = nn.ParameterDict({name: nn.init.kaiming_normal_(torch.empty(shape)) for name, shape in shapes.items()})
        self.w["d"] = nn.init.kaiming_uniform_(torch.empty(10, 32 * 49), math.sqrt(5))
        self.bias = nn.Parameter(torch.zeros(10))
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(o) for name, (o, _) in WIDTHS.items()})
        self.q = nn.ModuleDict({name: Bytes(0) for name in ("c1", "d")})
        for name in ("c2", "c3"):
            self.q[name] = BiPer(self.w[name], angle=ANGLE) if kind.biper else SignStraightThrough(0)
        self.sign = BinaryActivation()
        self.latent = False  # the inner weights as they are

    def weights(self, name: str) -> Tensor:
        w: Tensor = self.w[name] if self.latent and name in ("c2", "c3") else self.q[name](self.w[name])
        return w

    def forward(self, x: Tensor) -> Tensor:
        for name, stride in STRIDES.items():
            x = self.sign(self.norms[name](F.conv2d(x, self.weights(name), None, stride, 1)))
        return F.linear(x.flatten(1), self.weights("d"), self.bias)


def images(file: str) -> tuple[Tensor, Tensor]:
    with np.load(ZOO / "datasets" / file) as data:
        return torch.from_numpy(data["x"]).float()[:, None] / 255, torch.from_numpy(data["y"].astype(np.int64))


def train(kind: Kind, seed: int, x: Tensor, y: Tensor) -> Net:
    torch.manual_seed(seed)
    net = Net(kind)
    inner = [net.w["c2"], net.w["c3"]]
    others = [p for p in net.parameters() if all(p is not w for w in inner)]
    optimizer = torch.optim.Adam([{"params": inner, "lr": kind.factor * RATE}, {"params": others, "lr": RATE}])
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        net.latent = kind.staged and epoch < EPOCHS // 2
        for q in net.q.values():
            if isinstance(q, BiPer):
                q.schedule(epoch, EPOCHS)
        for picked in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(net(x[picked]), y[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def predictions(net: Net, x: Tensor) -> Array:
    return torch.cat([net(part) for part in x.split(1000)]).argmax(1).numpy()


@torch.no_grad()
def annotated(net: Net) -> Graph:
    """What the module computes, as a float graph with its quantizers; NHWC."""
    made = Builder()
    at = made.input("x", Type((1, 28, 28, 1), F32))
    at = made.add(FakeQuantize(PIXEL, Rounding.HALF_AWAY), [at], "x_fq")

    def weights(name: str, w: Tensor) -> str:
        q = net.q[name]
        scale = tuple(q.scale(net.w[name]).tolist())
        bits = QType(8, narrow=True) if isinstance(q, Bytes) else QType(1, bipolar=True)
        found = made.constant(f"{name}.w", np.ascontiguousarray(w.numpy()))
        format = QType(bits.bits, True, scale, (0,) * len(scale), 0, narrow=bits.narrow, bipolar=bits.bipolar)
        return made.add(FakeQuantize(format, Rounding.HALF_AWAY), [found], f"{name}.w_fq")

    for name, stride in STRIDES.items():
        norm = net.norms[name]
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * factor
        w = weights(name, net.weights(name).permute(0, 2, 3, 1))
        at = made.add(Conv2D(stride=(stride, stride), pads=(1, 1, 1, 1)), [at, w, ""], name)
        at = made.add(Mul(), [at, made.constant(f"{name}.factor", factor.numpy())], f"{name}.scaled")
        at = made.add(Add(), [at, made.constant(f"{name}.shift", shift.numpy())], f"{name}.norm")
        at = made.add(FakeQuantize(QType(1, bipolar=True)), [at], f"{name}.sign")
    at = made.add(Reshape((1, 32 * 49)), [at], "flat")
    w = weights("d", net.weights("d").reshape(10, 32, 7, 7).permute(0, 2, 3, 1).reshape(10, -1))
    made.add(Dense(), [at, w, made.constant("d.b", net.bias.numpy())], "y")
    ports = (Port("x", "x", "float32", (0, 1, 2, 3)), Port("y", "y", "float32", (0, 1)))
    return verify(Graph("binary", ports[:1], ports[1:], tuple(made.nodes), made.values))


def measure(net: Net, x: Tensor) -> tuple[Array, int, int]:
    """What compiled C predicts, the bytes of the weights and those of all constants."""
    lowered = build.lower(annotated(net))
    with tempfile.TemporaryDirectory() as folder:
        compiled = Compiled.write(Path(folder) / "c", "binary", find_target("c"), lowered)
        found = HOST.run(compiled, {"x": x.numpy().reshape(-1, 1, 28, 28, 1)})
    weights = sum(v.type.bytes for v in lowered.constants() if v.name.endswith(".w"))
    return found["y"].reshape(-1, 10).argmax(1), weights, sum(v.type.bytes for v in lowered.constants())


def main() -> None:
    torch.set_num_threads(1)
    x, y = images("mnist_train60k.npz")
    test, truth = images("mnist_test10k.npz")
    print("| weights of the inner layers | test accuracy % (mean ± deviation, each seed) | seconds a training | weight B | constant B |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        found: list[float] = []
        start = time.perf_counter()
        nets = [train(kind, seed, x[:TRAIN], y[:TRAIN]) for seed in range(SEEDS)]
        seconds = (time.perf_counter() - start) / SEEDS
        for net in nets:
            predicted, weights, constants = measure(net, test)
            differing = int((predicted != predictions(net, test)).sum())
            if differing:
                sys.exit(f"{kind.name}: C and the module differ in {differing} of {len(test)} predictions")
            found.append(float((predicted == truth.numpy()).mean() * 100))
        each = ", ".join(f"{a:.2f}" for a in found)
        accuracy = f"{np.mean(found):.2f} ± {np.std(found, ddof=1):.2f} ({each})"
        cells = [kind.name, accuracy, f"{seconds:.0f}", f"{weights:,}", f"{constants:,}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
