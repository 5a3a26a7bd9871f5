"""Bias correction: what quantization adds to the mean of a layer's sums is taken from its bias, channel by channel.

M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, arXiv 1906.04721, appendix D: the empirical
form. The mean is that over samples and places of the sums before any clip, in the network whose earlier layers are corrected already.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.ir import Array

from .placement import LAYERS
from .refine import Layer


def corrected(layer: Layer) -> Layer:
    """The layer with a bias by which each channel's sums have the mean of the float network; one without a bias stays as it is."""
    if not layer.b.size:
        return layer
    excess = _mean(layer, layer.x, layer.quantized_w, layer.b) - _mean(layer, layer.wanted_x, layer.wanted_w, layer.wanted_b)
    return replace(layer, b=(layer.b - excess).astype(np.float32))


def _mean(layer: Layer, x: Array, w: Array, b: Array) -> Array:
    """Of each channel's sums, in float64. As they are linear in the input, those of the mean sample are computed alone."""
    assert isinstance(layer.node.op, LAYERS)
    sample = x.mean(0, keepdims=True, dtype=np.float64).astype(np.float32)
    (sums,) = replace(layer.node.op, clip=None).ref(layer.types, sample, w, b)
    return np.asarray(sums.reshape(-1, sums.shape[-1]).mean(0, dtype=np.float64))
