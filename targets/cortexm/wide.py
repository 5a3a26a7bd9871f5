"""Requantization of sums of 64 bits: a product of 64 bits, a half, a shift. The C twin is kernels/dsp/wide.h."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums

from ..high_word import ties


def refusal(graph: Graph, node: Node, requant: Requant, channels: int) -> str | None:
    """Why the form does not give a layer's codes; for nodes with multipliers and shifts as their fourth and fifth input."""
    mul, shift, sums = _numbers(graph, node, channels)
    if requant.rounding in (Rounding.HALF_AWAY, Rounding.HALF_EVEN) and ties(mul, shift, sums):
        return f"rounding {requant.rounding} of sums with ties"
    if requant.rounding is Rounding.TFLITE or shift.min() < 1:
        return f"rounding {requant.rounding} by {shift.min()} bits"
    if max(sums * np.abs(mul.astype(object)) + (1 << shift.astype(object) - 1)) >= 1 << 63:
        return "products that leave 64 bits"
    return None


def table(graph: Graph, node: Node, requant: Requant, bias: Array) -> Array:
    """(C, 7) int32 words of struct wide."""
    mul, shift, _ = _numbers(graph, node, len(bias))
    half = np.zeros_like(shift) if requant.rounding is Rounding.FLOOR else np.int64(1) << (shift - 1)
    zero = np.full_like(shift, requant.output.zero[0])
    words = [bias & 0xFFFFFFFF, bias >> 32, half & 0xFFFFFFFF, half >> 32, mul, shift, zero]
    return np.stack(words, axis=-1).astype(np.uint32).view(np.int32)


def _numbers(graph: Graph, node: Node, channels: int) -> tuple[Array, Array, Array]:
    """Multipliers and shifts (C,) int64, and the largest magnitude of each channel's sums (C,), integers of any size."""
    mul, shift = (np.broadcast_to(graph.data(name).astype(np.int64), (channels,)) for name in node.inputs[3:5])
    sums = largest_sums(graph, node)
    assert sums is not None
    return mul, shift, np.broadcast_to(sums, (channels,))
