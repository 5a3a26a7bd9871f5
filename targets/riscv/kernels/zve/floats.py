"""What the float layers on vectors share: the end of a sum, constants output channels last, and what they cost. Twin of floats_zve.h."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from .layer import vectors


@dataclass(frozen=True)
class Contract:
    """How sums are made: the bits of one, how many pixels are computed together, and the instructions of a pixel's step. Sums of 16 bits
    take half the registers, since three of all and the weights would be all that there are."""

    name: str
    bits: int
    together: int
    pixel: int

    def step(self, pixels: int) -> int:
        """Instructions of one input for so many pixels."""
        return 3 + self.pixel * pixels

    def vectors(self, channels: int) -> int:
        return vectors(channels)


CONTRACTS = (Contract("f16_fma", 16, 3, 2), Contract("f16", 32, 3, 2), Contract("f32", 32, 2, 3))


def _clip(node: Node) -> Clip:
    assert isinstance(node.op, Conv2D | DepthwiseConv2D | Dense)
    return node.op.clip or Clip()


def refusal(graph: Graph, node: Node, contract: Contract) -> str | None:
    """Why floats_zve.h does not end a layer's sums. Where these are in f16, bounds come behind the rounding, so they must be f16 too."""
    if not all(graph.values[i].constant for i in node.inputs[1:] if i):
        return "weights that are no constants"
    clip = _clip(node)
    if contract.bits == 16 and any(float(np.float16(bound)) != bound for bound in (clip.lo, clip.hi)):
        return "a clip whose bounds are no f16"
    return None


def end_fields(node: Node) -> dict[str, Param]:
    """The member `end` of the kernels' parameters."""
    clip, biased = _clip(node), len(node.inputs) > 2 and bool(node.inputs[2])
    fields: dict[str, Param] = {"biased": int(biased), "low": int(np.isfinite(clip.lo)), "high": int(np.isfinite(clip.hi))}
    bounds = {name: float(bound) if np.isfinite(bound) else 0.0 for name, bound in (("lo", clip.lo), ("hi", clip.hi))}
    return {f"end.{name}": value for name, value in {**fields, **bounds}.items()}


def constants(graph: Graph, node: Node, weights: Array, contract: Contract) -> tuple[tuple[str, Array], ...]:
    """The weights and the bias; an empty one is never read."""
    biased = len(node.inputs) > 2 and bool(node.inputs[2])
    b = graph.data(node.inputs[2]) if biased else np.zeros(0, np.float16 if contract.bits == 16 else np.float32)
    return ("weights", np.ascontiguousarray(weights)), ("bias", b)
