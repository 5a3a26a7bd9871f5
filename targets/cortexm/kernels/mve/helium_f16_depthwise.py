"""What the depthwise convolutions of f16 on Helium share, whatever their sums are: see helium_f16_depthwise.h."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tapeout.compiler.ir import Array, Graph, Node, Param
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from ..fpu.lines import goes_down, lines_trail, together_and_rest
from .helium_f16 import LANES


@dataclass(frozen=True)
class DepthwiseF16:
    """How a kernel ends its sums, and what eight channels of `together` pixels cost it in instructions: for each tap, and beside them."""

    together: int
    refusal: Callable[[Graph, Node], str | None]
    bias: Callable[[Graph, Node, int], Array]
    end_fields: Callable[[Node], dict[str, Param]]
    tap_cost: int
    block_cost: int

    def accepts(self, graph: Graph, node: Node) -> str | None:
        x, w, *_ = graph.types(node)
        assert x and w
        return "several output channels of an input channel" if w.shape[2] != x.shape[3] else self.refusal(graph, node)

    def pack(self, graph: Graph, node: Node) -> Packed:
        """The weights as they are."""
        op, types = node.op, graph.types(node)
        assert isinstance(op, DepthwiseConv2D) and types[0]
        w = graph.data(node.inputs[1])
        window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
        constants = (("weights", w), ("bias", self.bias(graph, node, w.shape[2])))
        return Packed(constants, {**window, "down": int(goes_down(op, types, self.together)), **self.end_fields(node)})

    def cost(self, graph: Graph, node: Node) -> int:
        op, types = node.op, graph.types(node)
        assert isinstance(op, DepthwiseConv2D) and types[1]
        k_h, k_w, channels = types[1].shape
        groups, rest = together_and_rest(op, types, goes_down(op, types, self.together), self.together)
        return (groups + rest) * -(-channels // LANES) * (self.tap_cost * k_h * k_w + 8 * k_h + self.block_cost)

    def kernel(self, symbol: str, of: str) -> Kernel:
        trail = partial(lines_trail, count=self.together)
        return Kernel(symbol, of=of, accepts=self.accepts, pack=self.pack, cost=self.cost, trail=trail)
