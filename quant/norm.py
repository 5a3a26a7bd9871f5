"""Batch normalization in training: put back behind layers, folded into them when training is over."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tapeout.compiler.ir import Builder, Graph

from .placement import LAYERS, Place
from .recipe import Encoding, Granularity, ScaleKind

_EPSILON = 1e-5
_MOMENTUM = 0.1
_LEAST = 1e-6  # of a factor by which statistics are divided


class Norm(nn.Module):
    """Batch normalization of a layer's sums (..., C), which at first changes nothing but for `standardize`. The scale stays positive.

    Outside the weights' quantizer it is one of sums, by the statistics of the batch: it folds into the scales of weights per channel and
    leaves their codes as they are. `inside`, for weights whose scales cannot take it up, it scales the weights before they are quantized,
    by the running statistics, so that what is quantized in training are the folded weights.
    """

    def __init__(self, bias: Tensor, mean: Tensor, variance: Tensor, inside: bool) -> None:
        super().__init__()
        self.inside = inside
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", mean.clone())
        self.register_buffer("variance", variance.clone())
        self.weight = nn.Parameter(torch.sqrt(variance + _EPSILON))
        self.bias = nn.Parameter(bias + mean)

    @torch.no_grad()
    def standardize(self) -> None:
        """Unit variance around 0 for what becomes signs: as many of either, and within the window in which a sign has a gradient."""
        self.weight.fill_(1.0)
        self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        images = x.movedim(-1, 1)  # as torch lays channels out last, for which its kernel is ten times as fast as for rows
        y = F.batch_norm(images, self.mean, self.variance, self.weight.abs(), self.bias, self.training, _MOMENTUM, _EPSILON)
        return y.movedim(1, -1)

    def folded(self) -> tuple[Tensor, Tensor]:
        """The scale and the shift (C) that it is in evaluation."""
        factor = self.weight.abs() / torch.sqrt(self.variance + _EPSILON)
        return factor, self.bias - self.mean * factor

    @torch.no_grad()
    def observe(self, sums: Tensor, factor: Tensor) -> None:
        """Moves the statistics towards those of sums (..., C) that the folded weights gave, over that factor."""
        rows, factor = sums.reshape(-1, sums.shape[-1]), factor.clamp(min=_LEAST)
        self.mean.lerp_(rows.mean(0) / factor, _MOMENTUM)
        self.variance.lerp_(rows.var(0, unbiased=False) / factor**2, _MOMENTUM)


def norm_place(place: Place | None) -> bool | None:
    """Whether the norm of a layer whose weights have this place stands inside their quantizer; None when it can stand nowhere."""
    if place is None or place.recipe.encoding is Encoding.F32:
        return False
    recipe = place.recipe
    outside = recipe.granularity is not Granularity.TENSOR and recipe.scale is ScaleKind.FLOAT and recipe.integer_bits is None
    if recipe.encoding in (Encoding.BINARY, Encoding.BIPER):
        return False if outside else None
    return not outside or recipe.encoding in (Encoding.F16, Encoding.BF16)


def with_biases(graph: Graph) -> Graph:
    """The graph with a bias, of zeros where there is none, at every layer: where a batch norm folds to."""
    builder = Builder(graph.values)
    nodes = []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS) and not any(node.inputs[2:3]):
            channels = graph.values[node.name].type.shape[-1]
            bias = builder.constant(f"{node.name}_bias", np.zeros(channels, np.float32))
            node = replace(node, inputs=(*node.inputs[:2], bias))
        nodes.append(node)
    return graph.replace(nodes, builder.values)
