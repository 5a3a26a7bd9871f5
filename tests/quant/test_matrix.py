"""Layers as matrices against the layers themselves."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Builder, Node, Op, Type, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.quant.matrix import as_rows, blocks, channels_read, from_rows, inputs_of, positions

CASES: dict[str, tuple[Op, tuple[int, ...], tuple[int, ...]]] = {
    "conv2d": (Conv2D((2, 1), pads=(1, 0, 2, 1)), (1, 5, 6, 4), (3, 3, 2, 4)),
    "conv2d in groups": (Conv2D(dilation=(1, 2), groups=2), (1, 4, 7, 6), (4, 2, 3, 3)),
    "depthwise": (DepthwiseConv2D(pads=(1, 1, 1, 1)), (1, 4, 5, 3), (3, 3, 3)),
    "depthwise with a multiplier": (DepthwiseConv2D((2, 2)), (1, 5, 5, 3), (2, 3, 6)),
    "dense": (Dense(), (1, 7), (4, 7)),
    "dense of rows": (Dense(), (3, 2, 7), (4, 7)),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Node, Types, np.random.Generator]:
    op, x_shape, w_shape = CASES[request.param]
    build = Builder()
    build.input("x", Type(x_shape, F32))
    outputs = w_shape[-1] if isinstance(op, DepthwiseConv2D) else w_shape[0]
    w, b = (build.constant(name, np.zeros(shape, np.float32)) for name, shape in (("w", w_shape), ("b", (outputs,))))
    build.add(op, ("x", w, b), "y")
    (node,) = build.nodes
    return node, tuple(build.values[name].type for name in node.inputs), np.random.default_rng(0)


def test_rows_and_back(case: tuple[Node, Types, np.random.Generator]) -> None:
    node, types, random = case
    assert types[1] is not None
    w = random.normal(size=types[1].shape)
    rows = as_rows(node, w)
    assert len(rows) == node.op.infer(types)[0].shape[-1] and rows.size == w.size
    assert np.array_equal(from_rows(node, rows, w.shape), w)


def test_sums_are_those_of_the_layer(case: tuple[Node, Types, np.random.Generator]) -> None:
    """Whole numbers, so that the order of sums does not matter."""
    node, types, random = case
    x_type, w_type = types[:2]
    assert x_type is not None and w_type is not None
    x = random.integers(-8, 9, (5, *x_type.shape)).astype(np.float32)
    w = random.integers(-8, 9, w_type.shape).astype(np.float32)
    b = np.zeros(node.op.infer(types)[0].shape[-1], np.float32)
    (wanted,) = node.op.ref(types, x, w, b)
    wanted = wanted.reshape(-1, wanted.shape[-1])
    count = positions(node, types) * len(x)
    assert count == len(wanted)
    chosen = np.sort(random.choice(count, min(count, 11), replace=False))
    found = inputs_of(node, types, x, chosen) @ blocks(node, types, as_rows(node, w)).transpose(0, 2, 1)  # (groups, chosen, outputs of one)
    assert np.array_equal(found.transpose(1, 0, 2).reshape(len(chosen), -1), wanted[chosen])


def test_channels_are_those_that_are_read(case: tuple[Node, Types, np.random.Generator]) -> None:
    """Of weights that are all 1, an input channel of ones adds to just the outputs that read it."""
    node, types, _ = case
    x_type, w_type = types[:2]
    assert x_type is not None and w_type is not None
    outputs = node.op.infer(types)[0].shape[-1]
    read = channels_read(node, types)
    assert read.shape[0] == outputs
    for channel in range(x_type.shape[-1]):
        x = np.zeros((1, *x_type.shape), np.float32)
        x[..., channel] = 1
        (sums,) = node.op.ref(types, x, np.ones(w_type.shape, np.float32), np.zeros(outputs, np.float32))
        assert np.array_equal(sums.reshape(-1, outputs).max(0) > 0, (read == channel).any(1))
