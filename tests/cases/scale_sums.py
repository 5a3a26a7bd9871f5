"""Cases of scale_sums: 32-bit and 64-bit sums, one and several blocks, with and without bias."""
from __future__ import annotations

from tapeout.compiler.ir import QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.scale_sums import ScaleSums

from . import Case, Constant, Input, one_node, random_floats, rng_for


def case(name: str, bits: int, shape: tuple[int, ...], blocks: int = 1, bias: bool = True, clip: Clip | None = None) -> Case:
    name = f"scale_sums_s{bits}_{name}"
    rng = rng_for(name)
    trailing = (blocks,) if blocks > 1 else ()
    scales = Constant(abs(random_floats(rng, (shape[-1], *trailing), 1e-6)))
    b = Constant(random_floats(rng, shape[-1:])) if bias else None
    return Case(name, one_node(name, ScaleSums(clip), Input((*shape, *trailing), QType(bits)), Input((1,)), scales, b), finite=True)


CASES = [
    case("plain", 32, (1, 7), bias=False),
    case("bias", 32, (2, 3, 5)),
    case("clip", 32, (1, 2, 2, 3), clip=Clip(0.0)),
    case("blocks", 32, (1, 5), blocks=3),
    case("wide", 64, (1, 7)),
    case("wide_blocks", 64, (1, 3, 3), blocks=2, bias=False),
]
