"""Clips join what they clip, with the same outputs."""
from __future__ import annotations

import math

import numpy as np
import pytest

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.passes.fuse_clip import fuse_clip
from tests.models import MODELS, assert_same_outputs, samples


@pytest.mark.parametrize("name", MODELS)
def test_outputs_stay_and_no_clip_is_left(name: str) -> None:
    before = MODELS[name]()
    after = verify(fuse_clip(before))
    assert_same_outputs(before, after, samples(before))
    assert not any(isinstance(n.op, Clip) for n in after.nodes)


def chain(*clips: Clip, outputs: tuple[str, ...] = (), integers: bool = False, between: bool = False) -> Graph:
    """A sum or requant `y0`, then clips `y1`, `y2`, ..., or a reshape before the first."""
    build = Builder()
    build.input("x", Type((6,), QType(8, True, (0.1,), (3,)) if integers else F32))
    if integers:
        scaling = [build.constant("mul", np.array([3 << 28], np.int32)), build.constant("shift", np.array([29], np.int8))]
        build.add(Requant(QType(8, True, (0.2,), (-5,)), Rounding.TFLITE, -100, 90), ["x", *scaling], "y0")
    else:
        build.add(Add(), ["x", "x"], "y0")
    last = build.add(Reshape((2, 3)), ["y0"], "flat") if between else "y0"
    for number, clip in enumerate(clips, 1):
        last = build.add(clip, [last], f"y{number}")
    dtype = "int8" if integers else "float32"
    ports = tuple(Port(o, o, dtype, tuple(range(len(build.values[o].type.shape)))) for o in (*outputs, last))
    return verify(Graph("net", (Port("x", "x", dtype, (0,)),), ports, tuple(build.nodes), build.values))


BOUNDS = [-math.inf, -2.0, -0.0, 0.0, 1.5, math.inf]
CLIPS = [Clip(lo, hi) for lo in BOUNDS for hi in BOUNDS if lo <= hi]
SPECIAL = np.array([[-3.0, -0.0, 0.0, 1.0, math.nan, math.inf], [-math.inf, -1.0, 0.75, 0.5, 2.0, -0.25]], np.float32)


@pytest.mark.parametrize("first", CLIPS, ids=str)
def test_two_float_clips_are_one_bit_for_bit(first: Clip) -> None:
    for second in CLIPS:
        before = chain(first, second)
        after = fuse_clip(before)
        common = max(first.lo, second.lo) <= min(first.hi, second.hi)
        assert [n.name for n in after.nodes] == ["y2"] if common else ["y1", "y2"]
        assert_same_outputs(before, after, {"x": SPECIAL})


@pytest.mark.parametrize(
    "clips", [(Clip(-20, 20),), (Clip(hi=100),), (Clip(lo=95),), (Clip(-128, -110),), (Clip(0), Clip(-4, -1)), (Clip(-300),)], ids=str
)
def test_an_integer_clip_tightens_the_requant(clips: tuple[Clip, ...]) -> None:
    before = chain(*clips, integers=True)
    after = verify(fuse_clip(before))
    assert [n.name for n in after.nodes] == [f"y{len(clips)}"]
    codes = np.arange(-128, 127, dtype=np.int8)[:252].reshape(42, 6)
    assert_same_outputs(before, after, {"x": codes})


@pytest.mark.parametrize("before", [chain(Clip(0, 1), outputs=("y0",)), chain(Clip(0, 1), between=True)], ids=["output", "view"])
def test_a_clip_stays_where_its_input_is_read_or_cannot_clip(before: Graph) -> None:
    assert fuse_clip(before).nodes == before.nodes
