"""Cases of dynamic_quantize: signed and unsigned, with and without zero point, by every rounding."""
from __future__ import annotations

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import QType
from tapeout.compiler.ops.dynamic_quantize import DynamicQuantize
from tapeout.compiler.ops.fake_quantize import FakeQuantize

from . import Case, Input, one_node


def case(bits: int, signed: bool, symmetric: bool, power_of_two: bool, rounding: Rounding) -> Case:
    sign, kind = "s" if signed else "u", "symmetric" if symmetric else "affine"
    name = f"dynamic_quantize_{sign}{bits}_{kind}_{rounding}{'_power_of_two' if power_of_two else ''}"
    q = QType(bits, signed, zero=(0 if symmetric else -(1 << (bits - 1)),))
    op = DynamicQuantize(FakeQuantize(q, rounding, dynamic=True, power_of_two=power_of_two))
    return Case(name, one_node(name, op, Input((1, 5, 3, 2)), outputs=3), finite=True)


CASES = [
    case(8, True, True, False, Rounding.HALF_UP),
    case(8, True, True, True, Rounding.HALF_EVEN),
    case(8, True, False, False, Rounding.HALF_UP),
    case(8, True, False, True, Rounding.HALF_AWAY),
    case(4, False, True, False, Rounding.FLOOR),
    case(3, True, False, False, Rounding.HALF_EVEN),
    case(16, True, True, False, Rounding.HALF_UP),
    case(16, True, False, True, Rounding.HALF_UP),
]
