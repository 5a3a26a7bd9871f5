"""Cases of scale_sums: 32-bit and 64-bit sums, one and several blocks, with and without bias."""
from __future__ import annotations

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, QType, Type
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dynamic_quantize import DynamicQuantize
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.scale_sums import ScaleSums
from tests.layers import BIPOLAR

from . import Case, Constant, Input, make_graph, one_node, random_floats, random_of, rng_for


def case(name: str, bits: int, shape: tuple[int, ...], blocks: int = 1, bias: bool = True, clip: Clip | None = None) -> Case:
    name = f"scale_sums_s{bits}_{name}"
    rng = rng_for(name)
    trailing = (blocks,) if blocks > 1 else ()
    scales = Constant(abs(random_floats(rng, (shape[-1], *trailing), 1e-6)))
    b = Constant(random_floats(rng, shape[-1:])) if bias else None
    return Case(name, one_node(name, ScaleSums(clip), Input((*shape, *trailing), QType(bits)), Input((1,)), scales, b), finite=True)


def dynamic(name: str, bits: int, q: QType) -> Case:
    """A layer whose activations are quantized by their own extremes."""
    name = f"scale_sums_{name}"
    rng, build = rng_for(name), Builder()
    x = build.input("x", Type((2, 13), F32))
    format = FakeQuantize(QType(bits, zero=(-(1 << (bits - 1)),)), Rounding.HALF_UP, dynamic=True)
    build.add(DynamicQuantize(format), [x], "codes", "scale", "zero")
    w = build.constant("w", random_of(rng, (5, 13), q), q)
    build.add(Dense(), ["codes", w, "", "", "", "zero"], "sums")
    blocks = build.values["sums"].type.shape[2:]
    w_scale = build.constant("w_scale", abs(random_floats(rng, (5, *blocks), 0.01)))
    build.add(ScaleSums(), ["sums", "scale", w_scale], "y")
    return Case(name, make_graph(name, build, (x,), ("y",)), finite=True)


CASES = [
    case("plain", 32, (1, 7), bias=False),
    case("bias", 32, (2, 3, 5)),
    case("clip", 32, (1, 2, 2, 3), clip=Clip(0.0)),
    case("blocks", 32, (1, 5), blocks=3),
    dynamic("of_codes", 8, QType(4, packed=True)),
    dynamic("of_bipolar_weights", 8, BIPOLAR),
    dynamic("of_blocks", 8, QType(8, True, (1.0,) * 15, (0,) * 15, 0, 5)),
    dynamic("of_wide_codes", 16, QType(16)),
    case("wide", 64, (1, 7)),
    case("wide_blocks", 64, (1, 3, 3), blocks=2, bias=False),
]
