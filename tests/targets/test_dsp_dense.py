"""The kernels dense_stacked, add_linear and sub_linear: the matrix bites on each, and what they refuse."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.sub import Sub
from tapeout.targets.cortexm.kernels.dsp.dense_stacked import Form, accepts
from tapeout.targets.sum_linear import Linear, linear
from tests.cases import Input, cases_of, one_node, scaling
from tests.cases.dense import WIDE

from . import test_dsp_mutations as dsp
from .mutation import Mutation

STACKED, LINEAR = "dense_stacked.h", "sum_linear.h"
MUTATIONS = [
    Mutation("low_weights_without_sign", STACKED, 'HALVES, "sxtb16"', 'HALVES, "uxtb16"', "dense_s8_rows"),
    Mutation("offset_left", STACKED, "sub r5, r5, r6", "sub r5, r5, #0", "dense_s8_weights_stacked_too_high"),
    Mutation("offset_of_every_other_input", STACKED, "0x00800080", "0x00000080", "dense_s8_weights_stacked_too_high_half_up"),
    Mutation("low_sum_left_in_the_high_one", STACKED, "sub r4, r4, r5", "sub r4, r4, #0", "dense_s8_blocks_left"),
    Mutation("output_2_twice", STACKED, "bfi r3, r4, #24", "bfi r3, r5, #24", "dense_s8_blocks_left"),
    Mutation("no_rounding", STACKED, '"smmlar r0', '"smmla r0', "dense_s8_small_sums"),
    Mutation("sign_forgotten", STACKED, 'r0, " sum ", asr #31', "r0, #0", "dense_s8_small_sums"),
    Mutation("multiplier_of_the_neighbour", STACKED, 'code("r2", "r9", "r10", "r11")', 'code("r2", "r6", "r7", "r8")', "dense_s8_rows"),
    Mutation("lost_low_double", STACKED, "lsl r5, r5, #1", "lsl r5, r5, #0", "dense_s8_blocks_left"),
    Mutation("inputs_in_order", "dense_widen.h", "place == 1 ? 2 : place == 2 ? 1 : place", "place", "dense_s8_rows_apart"),
    Mutation("lost_leftover", "dense_widen.h", "|| i < rest", "", "dense_s8_rows"),
    Mutation("row_0_again", STACKED, "widen(x + row * p->inputs", "widen(x + 0 * row", "dense_s8_rows_apart"),
    Mutation("no_clip", STACKED, "p->lo > -128 || p->hi < 127", "p->lo > 127", "dense_s8_rows_apart"),
    Mutation("bytes_not_rotated", STACKED, '"sxtb16 r9, r8, ror #8', '"sxtb16 r9, r8', "dense_s8_whole_blocks"),
    Mutation("row_0_of_bytes", STACKED, "*first = x + row * p->inputs", "*first = x + 0 * row", "dense_s8_whole_blocks"),
    Mutation("even_codes_not_moved", LINEAR, "x << 8 & high_bytes", "x & high_bytes", "add_s8_clipped"),
    Mutation("swapped_operands", LINEAR, "smlawt(p->y_mul, y_odd, smlawt(p->x_mul, x_odd", "smlawt(p->y_mul, x_odd, smlawt(p->x_mul, y_odd",
             "sub_s8_clipped"),
    Mutation("swapped_codes", LINEAR, '"r"(third), "r"(fourth)', '"r"(fourth), "r"(third)', "add_s8_tflite_apart"),
    Mutation("lost_elements", LINEAR, "i < p->size % 4", "i < p->size % 2", "add_s8_few_3"),
    Mutation("no_clip_of_sums", LINEAR, "clip_code(code, p->lo, p->hi)", "code", "sub_s8_clipped"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    dsp.test_a_mistake_is_noticed(mutation, tmp_path, programs)


def test_what_cannot_be_stacked() -> None:
    cases = {case.name: case.graph for case in cases_of("dense")}
    reasons = {name: accepts(graph, graph.nodes[0], Form.HALVES) for name, graph in cases.items() if graph.nodes[0].op.symbol(
        graph.types(graph.nodes[0])) == "dense_s8"}
    assert reasons["dense_s8_weight_zero"] == "weights with a zero point"
    assert reasons["dense_s8_high_sums"] is None
    assert reasons["dense_s8_higher_sums"] == "sums beyond the 24 bits above those that they are stacked on"
    fed = (Input(shape, QType(8)) for shape in ((1, 8), (4, 8)))
    graph = one_node("dense_fed", Dense(WIDE), *fed, None, *scaling([0.01]))
    assert accepts(graph, graph.nodes[0], Form.HALVES) == "weights or a zero point that are computed"
    graph = cases["dense_s8_weights_stacked_too_high"]
    assert accepts(graph, graph.nodes[0], Form.HALVES) == "a weight of -128 stacked on a negative one"
    assert accepts(graph, graph.nodes[0], Form.OFFSET) is None


@pytest.mark.parametrize("op", [Add, Sub])
@pytest.mark.parametrize("rounding", Rounding)
def test_linear_sums_are_those_of_the_op(op: type[Add] | type[Sub], rounding: Rounding) -> None:
    """All pairs of codes, for scales and zero points as training gives them."""
    random, forms, tries = np.random.default_rng(0), 0, 20
    for _ in range(tries):
        scales = np.exp(random.uniform(-2, 0, 3))
        scales[2] += scales[:2].max() * 0.4
        x, y, out = (QType(8, True, (float(s),), (int(random.integers(-128, 128)),)) for s in scales)
        sums = op(SumScaling.of(x, y, out, rounding))
        form = linear(sums, x, y)
        if isinstance(form, Linear):
            forms += 1
            a, b = np.arange(-128, 128)[:, np.newaxis], np.arange(-128, 128)
            (wanted,) = sums.ref((Type((256, 1), x), Type((256,), y)), a[np.newaxis], b[np.newaxis])
            total = (form.x_mul * a * 256 >> 16) + (form.y_mul * b * 256 >> 16) + form.add
            assert np.array_equal(np.clip(total >> form.shift, -128, 127), wanted[0])
    assert forms == tries


def test_ties_that_are_rounded_twice_have_no_linear_form() -> None:
    x, y, out = (QType(8, True, (scale,), (0,)) for scale in (0.25, 0.5, 0.5))
    assert isinstance(linear(Add(SumScaling.of(x, y, out, Rounding.HALF_UP)), x, y), Linear)
    assert linear(Add(SumScaling.of(x, y, out, Rounding.TFLITE)), x, y) == "sums so close to a tie that they are rounded twice"
