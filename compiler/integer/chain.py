"""What stands between a sum and the `fake_quantize` behind it: float ops on single elements, with constants per channel."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..ir import F32, Array, Graph, Node, Type
from ..ops.add import Add
from ..ops.clip import Clip
from ..ops.mul import Mul
from ..ops.sub import Sub
from ..unary import Unary

Constant = Callable[[str], Array | None]  # the float32 data of a value, quantized or not, when it is constant


@dataclass(frozen=True)
class Step:
    """One op of a chain; `constant` (C) or (1) is its other operand, `left` says that it stands on the left."""

    node: Node
    constant: Array | None = None
    left: bool = False

    @property
    def x(self) -> str:
        """The operand that is computed."""
        return self.node.inputs[1 if self.left else 0]

    def apply(self, x: Array) -> Array:
        """The op's own float32 result for elements (..., C)."""
        op = self.node.op
        if isinstance(op, Clip):
            return op.apply(x)
        if isinstance(op, Unary):
            return op.ref((Type(x.shape[1:], F32),), x)[0]
        assert isinstance(op, Add | Sub | Mul) and self.constant is not None
        left, right = (self.constant, x) if self.left else (x, self.constant)
        y = left * right if isinstance(op, Mul) else left + right if isinstance(op, Add) else left - right
        return op.clip.apply(y) if op.clip else np.asarray(y)


@dataclass(frozen=True)
class Affine:
    """`x * scale + shift`, clipped to `lo` .. `hi`, in float64; entries per channel or a single one."""

    scale: Array
    shift: Array
    lo: float = -math.inf
    hi: float = math.inf


def step(graph: Graph, node: Node, constant: Constant) -> Step | None:
    """The node as a link of a chain, or None when it is none."""
    if isinstance(node.op, Clip | Unary):
        return Step(node)
    if not isinstance(node.op, Add | Sub | Mul):
        return None
    (y,) = graph.output_types(node)
    for index in (1, 0):
        name, other = node.inputs[index], node.inputs[1 - index]
        data = constant(name)
        if data is not None and constant(other) is None and graph.values[other].type.shape == y.shape:
            channels = y.shape[-1] if y.shape else 1
            if data.size == 1 or (data.size == channels and data.shape[-1] == channels):
                return Step(node, data.reshape(-1), left=index == 0)
    return None


def affine(steps: Sequence[Step], start: Affine) -> Affine | None:
    """The chain behind an affine map as one, or None when it is none: a function, or a clip before another op."""
    found = start
    for link in steps:
        op = link.node.op
        clipped = (found.lo, found.hi) != (-math.inf, math.inf)
        apart = isinstance(op, Clip) and (found.hi < op.lo or op.hi < found.lo)  # two bounds without a common value
        if isinstance(op, Unary) or (clipped and not isinstance(op, Clip)) or apart:
            return None
        if isinstance(op, Clip):
            found = Affine(found.scale, found.shift, max(found.lo, op.lo), min(found.hi, op.hi))
            continue
        assert isinstance(op, Add | Sub | Mul) and link.constant is not None
        c = link.constant.astype(np.float64)
        if isinstance(op, Mul):
            scale, shift = found.scale * c, found.shift * c
        elif isinstance(op, Add):
            scale, shift = found.scale, found.shift + c
        else:
            scale, shift = (-found.scale, c - found.shift) if link.left else (found.scale, found.shift - c)
        found = Affine(scale, shift, *((op.clip.lo, op.clip.hi) if op.clip else ()))
    return found


def evaluate(steps: Sequence[Step], x: Array) -> Array:
    """The chain's float32 results for elements (S, C), each op rounded as the float graph rounds it."""
    for link in steps:
        x = link.apply(x)
    return x
