"""Cases of add: equal shapes and every way to broadcast; sub has the same ones."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Op, QType
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip

from . import Case, Constant, Input, Operand, quantized, random_codes, random_floats, rng_for
from . import one_node as graph

Shape = tuple[int, ...]
X, Y, OUT = quantized(0.05, 3), quantized(0.02, -128), quantized(0.06, -5)  # with ties, as their ratios are simple
APART = quantized(0.0517, 3), quantized(0.0231, -128), quantized(0.0689, -5)  # without
WIDE = quantized(0.0003, 0, 16), quantized(0.00021, 0, 16), quantized(0.0004, 0, 16)
TWELVE = quantized(0.003, 100, 12), quantized(0.0021, -700, 12), quantized(0.004, 9, 12)

BROADCASTS: dict[str, tuple[Shape, Shape]] = {
    "same": ((1, 3, 5, 2), (1, 3, 5, 2)),
    "channel": ((1, 3, 5, 4), (4,)),
    "channel_first": ((4,), (1, 3, 5, 4)),
    "scalar": ((2, 7), ()),
    "column": ((2, 3, 4), (2, 3, 1)),
    "middle": ((2, 3, 4), (2, 1, 4)),
    "both": ((3, 1, 4), (1, 5, 1)),
    "five_axes": ((2, 1, 3, 1, 2), (1, 2, 3, 2, 1)),
}


def codes(name: str, x: Operand, y: Operand, make: Callable[[SumScaling], Op], real: Callable[[Array, Array], Array],
          rounding: Rounding = Rounding.TFLITE, lo: int = -128, hi: int = 127, formats: tuple[QType, QType, QType] = (X, Y, OUT)) -> Case:
    scaling, out = SumScaling.of(*formats, rounding, lo, hi), formats[2]

    def clipped(a: Array, b: Array) -> Array:
        return np.clip(real(*expand(a, b, x, y)), (lo - out.zero[0]) * out.scale[0], (hi - out.zero[0]) * out.scale[0])

    return Case(name, graph(name, make(scaling), x, y), clipped, 1.0 if rounding is Rounding.FLOOR else 0.51)


def floats(name: str, x: Operand, y: Operand, op: Op, real: Callable[[Array, Array], Array]) -> Case:
    return Case(name, graph(name, op, x, y), lambda a, b: real(*expand(a, b, x, y)), 1e-6)


def expand(a: Array, b: Array, x: Operand, y: Operand) -> tuple[Array, Array]:
    """Samples of operands of different rank, with axes of length 1 after the sample axis."""
    shapes = [o.shape if isinstance(o, Input) else None for o in (x, y)]
    rank = max(len(s) for s in shapes if s is not None)
    found = [v if s is None else v.reshape(len(v), *[1] * (rank - len(s)), *s) for v, s in zip((a, b), shapes, strict=True)]
    return found[0], found[1]


def pair(shape: Shape, formats: tuple[QType, QType, QType]) -> tuple[Input, Input]:
    return Input(shape, formats[0]), Input(shape, formats[1])


def pairs(op: str, make: Callable[[SumScaling], Op], make_float: Callable[[Clip | None], Op],
          real: Callable[[Array, Array], Array]) -> list[Case]:
    cases = []
    for kind, (x, y) in BROADCASTS.items():
        cases.append(codes(f"{op}_s8_{kind}", Input(x, X), Input(y, Y), make, real))
        cases.append(floats(f"{op}_f32_{kind}", Input(x), Input(y), make_float(None), real))
    rng = rng_for(op)
    channels = Constant(random_codes(rng, (4,)), Y)
    cases.append(codes(f"{op}_s8_constant", Input((1, 3, 3, 4), X), channels, make, real, Rounding.HALF_UP, -5, 60))
    cases.append(codes(f"{op}_s8_constant_first", Constant(random_codes(rng, (1, 2, 4)), X), Input((3, 2, 4), Y), make, real))
    cases += [codes(f"{op}_s8_{r.value}", Input((50,), X), Input((50,), Y), make, real, r) for r in Rounding]
    cases += [codes(f"{op}_s8_{r.value}_apart", *pair((53,), APART), make, real, r, formats=APART) for r in Rounding]
    cases += [codes(f"{op}_s16_{r.value}", *pair((3, 17), WIDE), make, real, r, -32768, 32767, WIDE) for r in Rounding]
    cases.append(codes(f"{op}_s16_channel", Input((1, 3, 5, 4), WIDE[0]), Input((4,), WIDE[1]), make, real, Rounding.HALF_UP, -9, 99, WIDE))
    cases += [codes(f"{op}_s16_few_{n}", *pair((n,), WIDE), make, real, Rounding.HALF_UP, -20000, 30000, WIDE) for n in (1, 37, 40)]
    near = quantized(0.0003, 0, 16), quantized(0.0003, 0, 16), quantized(0.0003, 5, 16)  # of one scale
    cases.append(codes(f"{op}_s16_alike", *pair((5, 5), near), make, real, Rounding.HALF_UP, -32768, 32767, near))
    cases.append(codes(f"{op}_s16_one", *pair((1,), TWELVE), make, real, Rounding.HALF_EVEN, -2000, 1999, TWELVE))
    cases += [codes(f"{op}_s8_few_{n}", *pair((n,), APART), make, real, formats=APART) for n in (1, 3)]
    cases.append(codes(f"{op}_s8_clipped", *pair((37, 50), APART), make, real, Rounding.HALF_UP, -5, 90, APART))
    for scale in (0.04, 0.013):  # of half the other's and more, and of less
        other = quantized(scale, 17)
        for r, lo in ((Rounding.HALF_UP, -100), (Rounding.TFLITE, OUT.zero[0])):
            name = f"{op}_s8_{r.value}_{str(scale)[2:]}"
            cases.append(codes(name, Input((3, 7, 5), X), Input((3, 7, 5), other), make, real, r, lo, 90, (X, other, OUT)))
    halves = (quantized(0.0625, 3), quantized(0.0625, -128), quantized(0.125, -5))  # sums in halves of a code
    cases.append(codes(f"{op}_s8_ties", Input((5, 25), halves[0]), Input((5, 25), halves[1]), make, real, formats=halves))
    bias = Constant(random_floats(rng, (4,)), F32)
    clipped = make_float(Clip(0.0, 2.0))
    bounded = make_float(Clip(-1.0, 1.5))
    cases += [floats(f"{op}_f32_of_{n}", Input((n,)), Input((n,)), bounded, lambda a, b: np.clip(real(a, b), -1, 1.5)) for n in (1, 8, 21)]
    cases.append(floats(f"{op}_f32_constant", Input((1, 3, 3, 4)), bias, clipped, lambda a, b: np.clip(real(a, b), 0, 2)))
    return cases


CASES = pairs("add", Add, lambda clip: Add(clip=clip), np.add)
