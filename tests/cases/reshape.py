"""Cases of reshape, which runs nothing: its output is its input's bytes."""
from __future__ import annotations

from tapeout.compiler.ir import F32, Array, FType, QType
from tapeout.compiler.ops.reshape import Reshape

from . import Case, Input, Real, one_node, quantized


def reshaped(shape: tuple[int, ...]) -> Real:
    def real(x: Array) -> Array:
        return x.reshape(-1, *shape)

    return real


def case(name: str, before: tuple[int, ...], after: tuple[int, ...], q: QType | FType) -> Case:
    return Case(f"reshape_{name}", one_node(f"reshape_{name}", Reshape(after), Input(before, q)), reshaped(after), tolerance=0.0)


CASES = [
    case("flatten", (1, 5, 3, 2), (1, 30), F32),
    case("s8_flatten", (1, 5, 3, 2), (1, 30), quantized()),
    case("b1_flatten", (1, 5, 3, 16), (1, 240), QType(1, bipolar=True, packed=True)),
    case("b1_expand", (2, 11), (1, 1, 2, 11), QType(1, bipolar=True, packed=True)),
    case("s8_scalar", (1,), (), quantized()),
    case("s8_expand", (6,), (1, 2, 1, 3), quantized()),
]
