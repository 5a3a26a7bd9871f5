"""The RTL matrix bites: with one mistake in a module a design gives other outputs than the reference, or breaks the rules of streams."""
from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tapeout.cosim.engine import EngineFailed
from tapeout.targets.rtl.instance import Fold
from tests.cases import all_cases

from .rtl_matrix import Matrix, matrix
from .rtl_widths import WIDTH_CASES
from .test_rtl_matrix import differing, few, simulator


@dataclass(frozen=True)
class Mutation:
    """`wrong` in place of `text` in a module; `cases` show it, by name and fold, or those of few bits if there are none."""

    name: str
    module: str
    text: str
    wrong: str
    cases: tuple[tuple[str, Fold], ...] = ()


ONE = Fold()
_SMALL = "begin : g_small\n        logic signed [X_BITS:0] number;\n        assign number = {"
SUMS = (("sub_s8_half_up_apart", ONE), ("add_s8_tflite_apart", ONE), ("add_s8_clipped", Fold(5)))
CLIPPED = (("add_s8_clipped", Fold(5)),)
TABLE = (("sub_width_s4_u4_4", Fold(3)),)
DEPTHWISE = (("depthwise_conv2d_width_thrice_u4_s8_3", ONE), ("depthwise_conv2d_width_around_u8_s4_tflite", Fold(2)))
PLANES = (("average_pool2d_width_s2_1_1", Fold(3)), ("average_pool2d_width_s11_1_99", Fold(2)), ("average_pool2d_s8_padded", ONE))
MEANS = (("mean_width_s8_3_128", Fold(2)), ("mean_s8_tflite", Fold(4)))
REQUANTS = (("requant_s32_channels", ONE), ("requant_s32_tflite", Fold(11)), ("requant_s8_half_up", ONE))
TWICE = (("conv2d_s8_ties_tflite", ONE), ("requant_width_u4_3_5", Fold(2)))  # by two roundings
MOVES = (("concat_width_s4_3_3", ONE), ("pad_width_s2_1_1", ONE), ("slice_width_s4_1_3", ONE), ("transpose_width_u4_1_5", Fold(2)))

MUTATIONS = [
    Mutation("sign_of_inputs_dropped", "matvec", _SMALL + "X_SIGNED & ", _SMALL + "1'b0 & "),
    Mutation("folds_swapped", "matvec", "weights[word]", "weights[WORD_BITS'(PARTS * FOLDS - 1) - word]"),
    Mutation("last_lost", "fifo", "beats[tail] <= in_data", "beats[tail] <= {1'b0, in_data[WIDTH-2:0]}"),
    Mutation("bias_of_the_next_fold", "matvec", "bias[0] <= biases[fold]", "bias[0] <= biases[fold_end ? '0 : fold + 1'b1]"),
    Mutation("accumulator_kept", "matvec", "at_first[STAGES-1] ?", "1'b0 ?"),
    Mutation("beat_lost_in_a_stall", "threshold", "~out_valid | out_ready", "1'b1"),
    Mutation("line_off_by_one", "window", "around(tap_row, D_H * LINE % RING)", "around(tap_row, (D_H * LINE + 1) % RING)"),
    Mutation("line_overwritten", "window", "in_ready = filled != N'(LINES)", "in_ready = 1'b1"),
    Mutation("padding_of_code_zero", "window", "{LANES{BITS'(FILL)}}", "{LANES*BITS{1'b0}}"),
    Mutation("one_bit_of_agreement", "matvec", "x[i] ~^ w", "x[i] ^ w"),
    Mutation("operands_swapped", "add", "a - b", "b - a", SUMS),
    Mutation("one_operand_twice", "add", "in_data[PE*A_BITS+lane*B_BITS+:B_BITS]", "in_data[lane*B_BITS+:B_BITS]", SUMS),
    Mutation("one_operand_taken_alone", "add", "{2{step & both}}", "{2{step}} & {1'b1, both}", SUMS),
    Mutation("table_transposed", "pair_table", "{in_data[PE*A_BITS+lane*B_BITS+:B_BITS], in_data[lane*A_BITS+:A_BITS]}",
             "{in_data[lane*A_BITS+:A_BITS], in_data[PE*A_BITS+lane*B_BITS+:B_BITS]}", TABLE),
    Mutation("sign_of_sums_dropped", "scale", "X_SIGNED & x[X_BITS-1]", "1'b0 & x[X_BITS-1]", REQUANTS),
    Mutation("zero_point_forgotten", "scale", "- NUMBER'(X_ZERO)", "- NUMBER'(0 * X_ZERO)", REQUANTS),
    Mutation("second_rounding_half_up", "scale", ".ROUNDING(HALF_AWAY)", ".ROUNDING(HALF_UP)", TWICE),
    Mutation("first_rounding_down", "scale", "ROUNDING == TFLITE ? HALF_UP : ROUNDING", "ROUNDING == TFLITE ? 0 : ROUNDING", TWICE),
    Mutation("one_second_shift_for_all", "scale", "LIFTED'(rounded) << extra", "LIFTED'(rounded) << (extra & '0)", TWICE),
    Mutation("multiplier_of_the_next_channel", "channel_table", "rows[fold]",
             "rows[fold == PLACE_BITS'(FOLDS - 1) ? '0 : fold + 1'b1]", REQUANTS),
    Mutation("no_clip", "requant", "moved > WIDE'(HI) ? Y_BITS'(HI)", "moved > WIDE'(HI) ? moved[Y_BITS-1:0]", CLIPPED),
    Mutation("input_of_another_channel", "depthwise_sums", "lane / MULTIPLIER", "(lane + 1) / MULTIPLIER % PE", DEPTHWISE),
    Mutation("taps_in_the_wrong_order", "depthwise_sums", "weights[word]", "weights[word ^ WORD_BITS'(1)]", DEPTHWISE),
    Mutation("sums_run_on", "depthwise_sums", "at_first[STAGES-1] ?", "1'b0 ?", DEPTHWISE),
    Mutation("sign_of_a_tap_dropped", "depthwise_sums", "X_SIGNED & x", "1'b0 & x",
             (("depthwise_conv2d_width_around_s4_s4_half_up", ONE),)),
    Mutation("parts_within_taps", "window", "~BY_PART | y_end", "1'b1", DEPTHWISE),
    Mutation("column_off_by_one", "window", "x_end ? left : column", "x_end ? left + 1'b1 : column", DEPTHWISE),
    Mutation("padding_counts", "average_pool2d", "taps_inside | PADS", "1'b1", PLANES),
    Mutation("ties_up", "divide", "half & ~whole[WIDE-1]", "half", PLANES),
    Mutation("quotient_truncated", "divide", "+ WIDE'({1'b0, up})", "+ WIDE'({1'b0, up & 1'b0})", PLANES),
    Mutation("plane_sums_run_on", "plane_sums", "(first ? '0 : held", "(1'b0 ? '0 : held", MEANS),
    Mutation("zero_point_of_means_forgotten", "plane_sums", "- SUM_BITS'(OFFSET)", "- SUM_BITS'(0 * OFFSET)", MEANS),
    Mutation("turn_too_long", "concat", "beats[turn] - 1'b1", "beats[turn]", MOVES),
    Mutation("wrong_value_of_pads", "pad", "BITS'(VALUE)", "BITS'(0)", MOVES),
    Mutation("step_of_one", "axis", "wanted + BITS'(STRIDE)", "wanted + BITS'(1)", MOVES),
    Mutation("half_read_while_written", "transpose", "step & full[read_half]", "step & full[write_half]", MOVES),
    Mutation("columns_for_rows", "transpose", "place + PLACE_BITS'(STRIDE_3)", "place + PLACE_BITS'(STRIDE_2)", MOVES),
    Mutation("upper_bound_ignored", "clip", "x > (BITS + 1)'(HI) ? BITS'(HI) :", "", (("clip_s8_both", ONE),)),
    Mutation("table_of_unsigned_codes", "lut", "codes[in_data[lane*X_BITS+:X_BITS]]",
             "codes[{~in_data[(lane+1)*X_BITS-1], in_data[lane*X_BITS+:X_BITS-1]}]", (("lut_s8_plane", ONE),)),
    Mutation("zero_point_of_one_factor", "mul", "- (B_BITS + 2)'(B_ZERO)", "- (B_BITS + 2)'(0 * B_ZERO)", (("mul_s8_half_up", ONE),)),
]  # fmt: skip


def cases_of(mutation: Mutation) -> Matrix:
    known = {case.name: case for case in [*all_cases(), *WIDTH_CASES]}
    return matrix((known[name], fold) for name, fold in mutation.cases) if mutation.cases else few()


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    given = cases_of(mutation)
    made = simulator(given, tmp_path, (f"{mutation.module}.sv", mutation.text, mutation.wrong))
    with contextlib.suppress(EngineFailed):
        assert differing(given, made, 0.6)


@pytest.mark.long
@pytest.mark.parametrize("cases", sorted({m.cases for m in MUTATIONS if m.cases}, key=str), ids=lambda cases: cases[0][0])
def test_without_a_mistake_nothing_is_noticed(cases: tuple[tuple[str, Fold], ...], tmp_path: Path) -> None:
    given = cases_of(replace(MUTATIONS[0], cases=cases))
    assert differing(given, simulator(given, tmp_path), 0.6) == []
