"""Inputs that are integers: what the float graph makes of each of them, in float32, is what the integer graph makes of it."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Array, Graph, QType
from tapeout.compiler.ops.hard_swish import HardSwish
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.passes.feed_codes import feed_codes
from tapeout.compiler.run import run
from tests.compiler.integer.nets import Net

PIXELS = QType(8, False, (1 / 255,))
BYTES = np.arange(256, dtype=np.uint8)
SIGN, TERNARY, WIDE = QType(1, bipolar=True), QType(2, narrow=True), QType(8, True, (1 / 64,))


def first_quantizer(q: QType, factor: Array, shift: Array) -> Graph:
    """x * factor - shift, quantized, and a layer behind it; 256 inputs."""
    net = Net((1, 256))
    scaled = net.op(Mul(), ["x", net.constant("factor", factor)], "scaled")
    codes = net.fq(net.op(Sub(), [scaled, net.constant("shift", shift)], "moved"), q)
    weights = SIGN if q.bipolar else QType(4, True, (1 / 8,))
    return net.graph(net.fq(net.dense("y", codes, 8, weights), QType(8, True, (1.0,))))


def decided(graph: Graph, codes: Array, q: QType) -> Array:
    """The float graph's own decision, an op of float32 after the other; the float graph's input is the byte over 255."""
    factor, shift = (graph.data(name).reshape(-1) for name in ("factor", "shift"))
    x = codes.astype(np.float32) / np.float32(255) * factor - shift
    return x >= 0 if q.bipolar else np.clip(np.rint(x / np.float32(q.scale[0])), q.min, q.max)


@pytest.mark.parametrize("q", [SIGN, TERNARY], ids=["sign", "ternary"])
@pytest.mark.parametrize(("factor", "shift"), [(2.0, 1.0), (-2.0, -1.0), (3.7, 0.9), (1e-3, -0.5), (255.0, 127.5)])
def test_few_levels_are_thresholds_of_the_bytes(q: QType, factor: float, shift: float) -> None:
    graph = first_quantizer(q, np.array([factor]), np.array([shift]))
    lowered = lower(feed_codes(graph, {"": PIXELS}))
    first = lowered.nodes[0]
    assert (lowered.inputs[0].dtype, first.op.name(), first.inputs[0]) == ("uint8", "threshold", "x")
    found = first.op.ref(lowered.types(first), BYTES[None, None], *(lowered.data(name) for name in first.inputs[1:]))[0]
    assert np.array_equal(found.reshape(-1), decided(graph, BYTES, q))


def test_channels_may_have_thresholds_of_their_own() -> None:
    graph = first_quantizer(SIGN, np.linspace(1, 3, 256), np.linspace(0, 2, 256))
    lowered = lower(feed_codes(graph, {"x": PIXELS}))
    codes = np.random.default_rng(0).integers(0, 256, (50, 1, 256)).astype(np.uint8)
    first = lowered.nodes[0]
    found = first.op.ref(lowered.types(first), codes, *(lowered.data(name) for name in first.inputs[1:]))[0]
    assert np.array_equal(found[:, 0], decided(graph, codes[:, 0], SIGN))


def test_more_levels_are_a_table_behind_a_change_of_sign() -> None:
    graph = first_quantizer(WIDE, np.array([2.0]), np.array([1.0]))
    lowered = expose_codes(lower(feed_codes(graph, {"": PIXELS})))
    assert [node.op.name() for node in lowered.nodes] == ["requant", "lut", "dense"]
    table = lowered.data(lowered.nodes[1].inputs[1])
    assert np.array_equal(table, decided(graph, BYTES, WIDE))  # entry i is that of the byte i
    floats = expose_codes(lower(graph))
    wanted = run(floats, {"x": (BYTES.astype(np.float32) / np.float32(255))[None, None]})
    assert np.array_equal(run(lowered, {"x": BYTES[None, None]})[lowered.output_names[0]], wanted[floats.output_names[0]])


def test_a_layer_takes_the_bytes_as_they_are() -> None:
    net = Net((1, 16))
    graph = net.graph(net.fq(net.dense("y", "x", 3, QType(6, True, (1 / 32,))), QType(8, True, (1 / 16,))))
    lowered = expose_codes(lower(feed_codes(graph, {"": QType(8, False, (1 / 128,))})))
    assert [node.op.name() for node in lowered.nodes] == ["requant", "dense"]
    signed = expose_codes(lower(feed_codes(graph, {"": QType(8, True, (1 / 128,))})))
    assert [node.op.name() for node in signed.nodes] == ["dense"]
    x = np.random.default_rng(0).integers(0, 128, (20, 1, 16))
    found, wanted = (run(g, {"x": x.astype(t)})[g.output_names[0]] for g, t in ((lowered, np.uint8), (signed, np.int8)))
    assert np.array_equal(found, wanted)


def test_what_cannot_be_fed_is_refused() -> None:
    graph = first_quantizer(SIGN, np.ones(1), np.ones(1))
    with pytest.raises(TapeoutError, match="with one of the inputs x"):
        feed_codes(graph, {"image": PIXELS})
    with pytest.raises(TapeoutError, match="x holds u8 in the model already"):
        feed_codes(feed_codes(graph, {"x": PIXELS}), {"x": PIXELS})


def test_a_function_that_turns_back_is_refused() -> None:
    net = Net((1, 8))
    scaled = net.op(Mul(), ["x", net.constant("six", np.array([6.0]))], "scaled")
    moved = net.op(Sub(), [scaled, net.constant("three", np.array([3.0]))], "moved")
    codes = net.fq(net.op(HardSwish(), [moved], "swish"), QType(2, True, (0.25,)))
    graph = net.graph(net.fq(net.dense("y", codes, 3, QType(4)), QType(8)))
    with pytest.raises(Unsupported, match="no monotone function"):
        lower(feed_codes(graph, {"": PIXELS}))
