"""Pads of zeros become padding of the convolutions behind them, with the same outputs."""
from __future__ import annotations

from dataclasses import replace

import pytest

from tapeout.compiler.ir import Graph, verify
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.passes.fuse_pad import fuse_pad
from tapeout.compiler.window import Window
from tests.models import Layers, assert_same_outputs, padded, samples


@pytest.mark.parametrize("integers", [True, False])
def test_only_zeros_are_fused(integers: bool) -> None:
    before = padded(integers)
    after = verify(fuse_pad(before))
    assert [n.name for n in after.nodes if isinstance(n.op, Pad)] == ["sevens"]
    (first,) = (n.op for n in after.nodes if isinstance(n.op, Conv2D))
    assert first.pads == (1, 2, 2, 0)
    assert_same_outputs(before, after, samples(before))


def test_pads_add_up() -> None:
    layers = Layers("sum", integers=True)
    x = layers.build.add(Pad((0, 1, 2, 0), (0, 3, 4, 0), 3), [layers.input("x", (1, 4, 4, 2))], "pad")
    before = layers.graph(layers.conv("y", x, 3, stride=2, pads=(1, 0, 0, 1)), layers.depthwise("z", x))
    after = verify(fuse_pad(before))
    assert [getattr(n.op, "pads", None) for n in after.nodes] == [(2, 2, 3, 5), None, (2, 3, 4, 5), None]
    assert_same_outputs(before, after, samples(before))


def refused(why: str) -> Graph:
    layers = Layers("refused", integers=True)
    op = Pad((0, 1, 1, 0), (0, 1, 1, 0), 3)
    if why == "channels":
        op = replace(op, after=(0, 1, 1, 1))
    if why == "value":
        op = replace(op, value=0)
    x = layers.build.add(op, [layers.input("x", (1, 4, 4, 2))], "pad")
    y = layers.conv("y", x, 3)
    if why == "pool":
        return layers.graph(y, layers.build.add(MaxPool2D(Window((2, 2))), [x], "z"))
    return layers.graph(y, x) if why == "output" else layers.graph(y)


@pytest.mark.parametrize("why", ["channels", "value", "pool", "output"])
def test_other_pads_stay(why: str) -> None:
    before = refused(why)
    assert fuse_pad(before).nodes == before.nodes
