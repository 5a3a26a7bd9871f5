"""What kernels without the DSP extension are given: bounds of their sums, and which layers they do not take."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.fixed import Int, Rounding
from tapeout.compiler.ir import Graph, QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.sub import Sub
from tapeout.targets import find_target
from tapeout.targets.cortexm.kernels.thumb import fours, triples
from tapeout.targets.selection import Objective, select
from tapeout.targets.split_slope import reach
from tapeout.targets.sum_linear import Linear, linear
from tests.cases import all_cases

M0 = find_target("cortex-m0")
GRAPHS = {case.name: case.graph for case in all_cases()}


def refused(graph: Graph, symbol: str) -> str | None:
    """Why a kernel does not run the only node of a graph."""
    (kernel,) = (k for _, k in M0.variants(graph, graph.nodes[0]) if k.symbol == symbol)
    return kernel.accepts(graph, graph.nodes[0])


@pytest.mark.parametrize("inputs", [1, 64, 65, 576, 1000])
def test_parts_are_as_large_as_sums_of_21_bits_allow(inputs: int) -> None:
    random = np.random.default_rng(inputs)
    for most in (1, 20, 128):
        weights: Int = random.integers(-most, most, (5, inputs))
        weights[2] = -most
        count, part = triples.split(weights)
        assert count >= inputs and count % 3 == 0 and (part == count or part % 6 == 0)
        assert 4 * count <= 4 * -(-inputs // 6) * 6, "what scratch memory holds"
        for at in range(0, inputs, part):
            low, high = reach(weights[:, at : at + part])
            assert low.min() >= -(1 << 20) and high.max() < 1 << 20
        if part < count:
            low, high = reach(weights[:, : part + 6])
            assert high.max() >= 1 << 20, "a longer part would not do"


def test_words_of_three_weights_hold_their_sums() -> None:
    random = np.random.default_rng(0)
    weights, x = random.integers(-128, 128, (3, 60)), random.integers(-128, 128, 60)
    a, b = ((x * triples.stacked(weights).reshape(60, 2).T).sum(axis=1) & 0xFFFFFFFF)
    first = (int(a) << 11 & 0xFFFFFFFF ^ 1 << 31) - (1 << 31) >> 11
    assert first == (weights[0] * x).sum() and int(b) & 0x3FF == (weights[2] * x).sum() & 0x3FF


def test_what_kernels_refuse() -> None:
    assert refused(GRAPHS["dense_s8_weight_zero"], "dense_s8_triples") == "weights with a zero point"
    assert refused(GRAPHS["dense_s8_weights_stacked_too_high"], "dense_s8_fours") == "a weight of -128 above a negative one"
    assert refused(GRAPHS["dense_s8_weights_stacked_too_high"], "dense_s8_triples") is None
    assert refused(GRAPHS["dense_s8_higher_sums"], "dense_s8_fours") == "sums of more than 24 bits"
    assert refused(GRAPHS["conv2d_s8_groups"], "conv2d_s8_triples") == "groups or dilated columns"
    assert refused(GRAPHS["conv2d_s8_dilated"], "conv2d_s8_fours") == "groups or dilated columns"
    five = "a kernel of other than 3 x 3 taps side by side"
    assert refused(GRAPHS["depthwise_conv2d_s8_five"], "depthwise_conv2d_channels_s8") == five
    reason = "several output channels per input channel"
    assert refused(GRAPHS["depthwise_conv2d_s8_three_multiplier"], "depthwise_conv2d_channels_s8") == reason
    assert refused(GRAPHS["add_s8_constant"], "add_s8_products") == "operands of different shapes"


@pytest.mark.parametrize(("objective", "symbol"), [(Objective.TIME, "conv2d_s8_triples"), (Objective.SIZE, "conv2d_s8_fours")])
def test_the_objective_decides(objective: Objective, symbol: str) -> None:
    assert select(M0, GRAPHS["conv2d_s8_even"], objective).symbols() == {"y0": symbol}


def test_weights_of_bytes_stay_as_wide() -> None:
    """But for inputs and outputs up to whole blocks, and what the codes of outputs need."""
    graph = GRAPHS["dense_s8_whole"]
    chosen = select(M0, graph, Objective.SIZE)
    assert chosen.symbols() == {"y0": "dense_s8_fours"}
    assert chosen.weight_bytes(graph) == 16 * 33 + 16 * 4 * (7 if chosen.chosen["y0"].packed.params["sums.bent"] else 5)  # type: ignore[union-attr]
    assert fours.LAYOUT.widens is False and triples.LAYOUT.widens is True


@pytest.mark.parametrize("op", [Add, Sub])
@pytest.mark.parametrize("rounding", Rounding)
def test_whole_products_give_the_sums_of_the_op(op: type[Add] | type[Sub], rounding: Rounding) -> None:
    """All pairs of codes, in 32 bits."""
    random, forms = np.random.default_rng(1), 0
    for _ in range(10):
        scales = np.exp(random.uniform(-2, 0, 3))
        scales[2] += scales[:2].max() * 0.4
        x, y, out = (QType(8, True, (float(s),), (int(random.integers(-128, 128)),)) for s in scales)
        sums = op(SumScaling.of(x, y, out, rounding))
        form = linear(sums, x, y, 0)
        if isinstance(form, Linear):
            forms += 1
            a, b = np.arange(-128, 128)[:, np.newaxis], np.arange(-128, 128)
            (wanted,) = sums.ref((Type((256, 1), x), Type((256,), y)), a[np.newaxis], b[np.newaxis])
            total = form.x_mul * a + form.y_mul * b + form.add
            assert np.abs(total).max() < 1 << 31
            assert np.array_equal(np.clip(total >> form.shift, -128, 127), wanted[0])
    assert forms >= (8 if rounding is Rounding.FLOOR else 10)  # sums of others are too close to where a code begins
