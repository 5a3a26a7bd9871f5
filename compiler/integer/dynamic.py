"""Codes by each sample's own extremes: layers sum them in integers, and what stands between computes in float32, as the recipe says."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..ir import Node
from ..ops.dynamic_dequantize import DynamicDequantize
from ..ops.dynamic_quantize import DynamicQuantize
from ..ops.fake_quantize import FakeQuantize
from ..ops.max_pool2d import MaxPool2D
from ..ops.reshape import Reshape
from ..ops.scale_sums import ScaleSums
from ..ops.slice import Slice
from ..ops.transpose import Transpose
from .layers import add_sums, layer_over

if TYPE_CHECKING:
    from .integerizer import Integerizer

_PICKING = (Reshape, Transpose, Slice, MaxPool2D)  # each code of the result is one of the input


@dataclass(frozen=True)
class DynamicCodes:
    """Names of the integer graph's values: codes, their scale and their zero point."""

    codes: str
    scale: str
    zero: str


def quantized_dynamically(integerizer: Integerizer, node: Node, op: FakeQuantize) -> DynamicCodes:
    """Adds what computes the codes of a dynamic `fake_quantize`."""
    x = node.inputs[0]
    value = integerizer.float_value(x)
    names = [integerizer.fresh(f"{x}_{part}") for part in ("q", "scale", "zero")]
    integerizer.builder.add(DynamicQuantize(op), (value,), *names)
    return DynamicCodes(*names)


def picked(integerizer: Integerizer, node: Node) -> DynamicCodes | None:
    """Adds a node that only moves dynamic codes; None for any other node."""
    x = integerizer.dynamic.get(node.inputs[0])
    if x is None or not isinstance(node.op, _PICKING) or (isinstance(node.op, MaxPool2D) and node.op.clip):
        return None
    op = node.op
    if isinstance(op, MaxPool2D):
        q = integerizer.format(x.codes)
        op = replace(op, lo=q.min, hi=q.max)
    return replace(x, codes=integerizer.builder.add(op, (x.codes,), integerizer.fresh(f"{node.name}_q")))


def floats(integerizer: Integerizer, x: DynamicCodes, name: str) -> str:
    """Adds the reals of dynamic codes, for a node that computes in float32."""
    return integerizer.builder.add(DynamicDequantize(), (x.codes, x.scale, x.zero), name)


def dynamic_sums(integerizer: Integerizer, node: Node) -> str:
    """Adds a layer's integer sums over dynamic codes, and their value in float32; returns its name, the node's own."""
    x = integerizer.dynamic[node.inputs[0]]
    found = layer_over(integerizer, node, x.codes)
    scale = integerizer.builder.constant(f"{node.name}_scale", found.scale.astype(np.float32))
    b = integerizer.float_value(node.inputs[2]) if any(node.inputs[2:]) else ""
    sums = add_sums(integerizer, found, None, zero=x.zero)
    return integerizer.builder.add(ScaleSums(found.op.clip), (sums, x.scale, scale, b), node.name)
