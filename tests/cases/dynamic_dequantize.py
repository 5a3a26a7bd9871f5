"""Cases of dynamic_dequantize: codes of 3, 8 and 16 bits, behind the dynamic_quantize that makes them."""
from __future__ import annotations

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, QType, Type
from tapeout.compiler.ops.dynamic_dequantize import DynamicDequantize
from tapeout.compiler.ops.dynamic_quantize import DynamicQuantize
from tapeout.compiler.ops.fake_quantize import FakeQuantize

from . import Case, make_graph


def case(bits: int, symmetric: bool) -> Case:
    name = f"dynamic_dequantize_{bits}_{'symmetric' if symmetric else 'affine'}"
    build = Builder()
    x = build.input("x", Type((1, 5, 3, 2), F32))
    format = FakeQuantize(QType(bits, zero=(0 if symmetric else -(1 << (bits - 1)),)), Rounding.HALF_UP, dynamic=True)
    build.add(DynamicQuantize(format), [x], "codes", "scale", "zero")
    build.add(DynamicDequantize(), ["codes", "scale", "zero"], "y")
    return Case(name, make_graph(name, build, (x,), ("y",)), finite=True)


CASES = [case(bits, symmetric) for bits in (3, 8, 16) for symmetric in (True, False)]
