"""AdaRound: whether each weight is rounded up or down is learned, so that the layer's results come near those of the floats.

M. Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020, arXiv 2004.10568. A layer is trained on sums drawn
from the calibration samples: its input is that of the network quantized so far, its aim what the float network computes there, clip
included. Losses are told as shares of that of rounding to the nearest, so that nothing depends on the scale of a layer.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from tapeout.compiler.codes import decode, encode, spread
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType

from .matrix import as_rows, blocks, from_rows, inputs_of, positions
from .placement import LAYERS
from .refine import Layer
from .torch_ops import clipped

_STEPS = 1500
_BATCH = 256  # sums of each channel
_DRAWN = 8192  # sums of each channel, of all that the samples have
_ELEMENTS = 1 << 23  # of what they multiply: bounds memory
_RATE = 1e-2
_WARM = 0.2  # share of the steps before weights are drawn to either side
_BETA = (20.0, 2.0)  # first and last exponent of the pull
_PULL = 1.0  # of the mean over weights, beside a loss that is 1 for rounding to the nearest
_STRETCH = (-0.1, 1.1)  # the sigmoid's range before it is clipped to 0 .. 1


@dataclass(frozen=True)
class _Problem:
    """The sums of a layer by groups of channels: `x` (groups, sums, K), `wanted` (groups, sums, O), weights in steps (groups, O, K)."""

    x: Tensor
    wanted: Tensor
    bias: Tensor
    steps: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    layer: Layer

    def errors(self, codes: Tensor, drawn: Tensor | slice = slice(None)) -> Tensor:
        """The mean squared error of each channel (groups, O), for weights in steps less their zero points."""
        sums = self.x[:, drawn] @ (codes * self.scale).transpose(1, 2) + self.bias
        assert isinstance(self.layer.node.op, LAYERS)
        error: Tensor = ((clipped(sums, self.layer.node.op.clip) - self.wanted[:, drawn]) ** 2).mean(1)
        return error

    def rounded(self, up: Tensor) -> Tensor:
        """Codes less their zero points, for shares of a step above the lower neighbour."""
        return torch.clamp(torch.floor(self.steps) + up, self.low, self.high)


def rounded(layer: Layer, seed: int) -> Layer:
    """The layer with weights that are codes of its format, each one of the two beside the float; formats without integers stay as they are.

    The same for the same seed. No channel is worse on the drawn sums than rounded to the nearest.
    """
    q = layer.format.output if layer.format is not None else None
    if not isinstance(q, QType) or q.bipolar:
        return layer
    random = np.random.default_rng((seed, crc32(layer.node.name.encode())))
    problem = _problem(layer, q, random)
    nearest = encode(layer.w, q, Rounding.HALF_AWAY)
    shift = spread(q.zero, q, layer.w.shape, np.dtype(np.int64))
    plain = torch.from_numpy(_blocked(layer, (nearest.astype(np.int64) - shift).astype(np.float32)))
    learned = _learned(problem, plain, random)
    better = problem.errors(learned) < problem.errors(plain)
    chosen = torch.where(better[..., None], learned, plain).numpy()
    rows = as_rows(layer.node, layer.w)
    codes = from_rows(layer.node, chosen.reshape(rows.shape), layer.w.shape).astype(np.int64) + shift
    return replace(layer, w=decode(codes, q, np.dtype(np.float32)))


def _blocked(layer: Layer, w: Array) -> Array:
    return np.array(blocks(layer.node, layer.types, as_rows(layer.node, w)))  # torch takes no array that is read-only


def _problem(layer: Layer, q: QType, random: np.random.Generator) -> _Problem:
    node, types, shape = layer.node, layer.types, layer.w.shape
    w = torch.from_numpy(_blocked(layer, layer.wanted_w))
    groups, outputs, each = w.shape
    total = positions(node, types) * len(layer.x)
    drawn = np.sort(random.choice(total, min(total, _DRAWN, max(1, _ELEMENTS // (groups * each))), replace=False))
    x, wanted_x = (torch.from_numpy(inputs_of(node, types, array, drawn)) for array in (layer.x, layer.wanted_x))
    b = torch.tensor(layer.wanted_b if layer.b.size else np.zeros(groups * outputs, np.float32)).reshape(groups, 1, outputs)
    assert isinstance(node.op, LAYERS)
    wanted = clipped(wanted_x @ w.transpose(1, 2) + b, node.op.clip)

    def spread_over(array: Array) -> Tensor:
        return torch.from_numpy(_blocked(layer, np.broadcast_to(array.astype(np.float32), shape)))

    zero = spread(q.zero, q, shape, np.dtype(np.float32))
    scale = spread_over(spread(q.scale, q, shape, np.dtype(np.float32)))
    return _Problem(x, wanted, b, w / scale, scale, spread_over(q.min - zero), spread_over(q.max - zero), layer)


def _learned(problem: _Problem, plain: Tensor, random: np.random.Generator) -> Tensor:
    """The weights in steps, all whole, after training; a weight that is whole already stays."""
    share = problem.steps - torch.floor(problem.steps)
    low, high = _STRETCH
    latent = torch.logit((share - low) / (high - low)).requires_grad_()
    unit = problem.errors(plain)
    unit = torch.where(unit > 0, unit, 1.0)
    optimizer = torch.optim.Adam([latent], _RATE)
    warm = int(_WARM * _STEPS)
    for step in range(_STEPS):
        up = torch.clamp(torch.sigmoid(latent) * (high - low) + low, 0, 1)
        drawn = torch.from_numpy(random.integers(problem.x.shape[1], size=_BATCH))
        loss = (problem.errors(problem.rounded(up), drawn) / unit).mean()
        if step >= warm:
            loss = loss + _PULL * (1 - (2 * up - 1).abs() ** _beta((step - warm) / (_STEPS - warm))).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    return problem.rounded(((latent.detach() >= 0) & (share > 0)).float())  # the stretched sigmoid is 1/2 at 0


def _beta(progress: float) -> float:
    """From the first to the last exponent along half a cosine."""
    first, last = _BETA
    return float(last + (first - last) * (1 + np.cos(np.pi * progress)) / 2)
