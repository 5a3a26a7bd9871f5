"""What add_halves.h takes: sums of 16-bit codes that are rounded half up, whose operands have no zero point and 15 bits of fraction.

An operand is `floor((code * 2^15 * mul + 2^(shift - 1)) / 2^shift)`. That is `floor((floor(code * mul / 2^16) + 2^(shift - 32)) /
2^(shift - 31))` where the shift is 32 and more, as a floor of a floor is the floor of the whole, and for a shift of 31 and the multiplier
2^30, that of the larger scale, the inner floor alone, which takes nothing. The output is that of targets/high_word.py.
"""
from __future__ import annotations

from tapeout.compiler.elementwise import Factor, Sum, SumScaling
from tapeout.compiler.fixed import INT32_MAX, Rounding
from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed

LEFT = 15  # bits of fraction
_COST, _CALL_COST = 9, 30  # instructions of an element, as gcc 12 makes it


def refusal(graph: Graph, node: Node) -> str | None:
    x, y = graph.types(node)
    assert isinstance(node.op, Sum) and node.op.scaling is not None and x and y
    s = node.op.scaling
    if x.shape != y.shape:
        return "a tensor that is broadcast"
    if s.rounding is not Rounding.HALF_UP or s.left != LEFT or x.quantized.zero[0] or y.quantized.zero[0]:
        return "another rounding than half up, zero points, or codes of another width"
    if not (_plain(s.x) and _plain(s.y)):
        return "an operand that grows"
    right = s.out[1] - 32
    if not 1 <= right < 31:
        return "an output that is too fine"
    # Sums fit 32 bits, as SumScaling.check has proved.
    high = (s.out[0] << 31 >> 32) + _out_add(s) + 2
    return "sums that leave 32 bits on the way" if high > INT32_MAX else None


def accepts(graph: Graph, node: Node) -> str | None:
    if any(graph.values[name].constant for name in node.inputs):
        return "an operand that is constant"
    return refusal(graph, node)


def _plain(factor: Factor) -> bool:
    return 32 <= factor[1] <= 62 or factor == (1 << 30, 31)


def _out_add(s: SumScaling) -> int:
    right = s.out[1] - 32
    return (1 << (right - 1)) + (s.output.zero[0] << right)


def pack(graph: Graph, node: Node) -> Packed:
    x = graph.types(node)[0]
    assert isinstance(node.op, Sum) and node.op.scaling and x
    s, params = node.op.scaling, {"size": x.size}
    for name, (mul, shift) in (("x", s.x), ("y", s.y)):
        params |= {f"{name}_mul": mul, f"{name}_half": (1 << shift >> 32), f"{name}_shift": shift - 31}
    out = {"out_mul": s.out[0], "out_add": _out_add(s), "out_shift": s.out[1] - 32}
    return Packed((), {**params, **out, "lo": s.lo, "hi": s.hi})


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return _COST * x.size + _CALL_COST


KERNELS = (Kernel("add_s16_halves", of="add_s16", accepts=accepts, pack=pack, cost=cost),)
