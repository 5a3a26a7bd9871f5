"""The matrix bites on depthwise convolutions by pairs of rows: one mistake in their text, or in what they are given, shows."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.run import run
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.selection import Objective, select
from tests.cases import Case, cases_of, samples

from .board import outputs_or_fault
from .matrix import difference
from .mutation import Mutation

CORE = next(t for t in TARGETS if t.name == "cortex-m4")
PAIRS, SHARED, FOURS = (f"depthwise_conv2d_{name}.h" for name in ("pairs", "shared", "fours"))
ROWS, CODES = "row_pairs.h", "four_codes.h"

MUTATIONS = [
    Mutation("swapped_pairs", PAIRS, "channels - skipped, !odd,", "channels - skipped, odd,", "three_odd_channels"),
    Mutation("lost_second_row", PAIRS, "left > 1 ? g->out_row", "left > 2 ? g->out_row", "three_two_channels"),
    Mutation("second_row_beyond", PAIRS, "left > 1 ? g->out_row : 0", "g->out_row", "three_odd_channels"),
    Mutation("lost_last_column", PAIRS, "%c[outputs] & 1", "%c[outputs] & 4", "three_odd_width"),
    Mutation("lost_two_columns", PAIRS, "%c[outputs] & 2", "%c[outputs] & 8", "three_stride_2_tail_2"),
    Mutation("one_shift_more", PAIRS, "asr %[shift]", "asr %[shift] + 1", "three_odd_channels"),
    Mutation("no_lower_clip", PAIRS, "%c[lo] > -128", "%c[lo] > 127", "three_odd_width"),
    Mutation("no_upper_clip", PAIRS, "%c[hi] < 127", "%c[hi] < -128", "three_odd_width"),
    Mutation("short_step_to_a_far_pixel", PAIRS, "addw r1, r1, %[pixel]", "addw r1, r1, #256", "three_many_channels"),
    Mutation("no_large_steps_back", PAIRS, "movw r2, #-(", "movw r2, #1-(", "three_long_rows"),
    Mutation("image_of_the_first_batch", PAIRS, "x + batch * g->in_h * g->in_row", "x", "three_odd_channels"),
    Mutation("lower_tap_twice", ROWS, 'PAIRS_SMLA("bt"', 'PAIRS_SMLA("bb"', "three_stride_2_tail_1"),
    Mutation("upper_tap_of_the_second_row", ROWS, 'PAIRS_SMLA("tb"', 'PAIRS_SMLA("tt"', "three_odd_channels"),
    Mutation("padding_of_code_zero", ROWS, "((uint32_t)x_zero & 0xffff)", "(uint32_t)(x_zero & 0)", "three_odd_channels"),
    Mutation("row_of_padding", PAIRS, "zero = (int8_t)p->x_zero", "zero = (int8_t)(p->x_zero + 1)", "three_odd_channels"),
    Mutation("lost_column_of_input", ROWS, "g->in_w < room ? g->in_w : room", "g->in_w < room ? g->in_w - 1 : room", "three_odd_channels"),
    Mutation("columns_beyond_the_input", ROWS, "g->in_w < room ? g->in_w : room", "room", "three_odd_channels"),
    Mutation("channels_beyond_the_last", CODES, "channels < 4 ? done", "channels < 8 ? done", "three_odd_channels"),
    Mutation("single_bytes_at_one_place", CODES, "<< 8 * c", "<< 8", "three_two_channels_signed"),
    Mutation("odd_bytes_for_even", ROWS, "sxtb16 %[pair], %[pair], ror #8", "sxtb16 %[pair], %[pair]", "three_odd_channels"),
    Mutation("shared_powers_ignored", SHARED, "<< taps[9]", "<< 2", "three_apart_half_up"),
    Mutation("shared_lost_column", SHARED, ".odd = g->out_w % 2", ".odd = 0", "three_wide"),
    Mutation("shared_lost_blocks", SHARED, ".blocks = g->out_w / 2", ".blocks = g->out_w / 4", "three_wide_shared"),
    Mutation("shared_lost_column_of_step_2", SHARED, ".odd = g->out_w % 2", ".odd = 0", "three_stride_2_shared"),
    Mutation("shared_table_of_the_first_group", SHARED, "table + done * SHARED_TABLE", "table", "three_apart_half_up"),
    Mutation("shared_lost_second_row", SHARED, "left > 1 ? g->out_row", "left > 2 ? g->out_row", "three_apart_half_up"),
    Mutation("shared_pairs_swapped", SHARED, "g->stride_w, !odd", "g->stride_w, odd", "three_stride_2_much_padding"),
    Mutation("fours_lost_dilation", FOURS, "step = g->dilation_w * g->in_pixel", "step = g->in_pixel", "dilated"),
    Mutation("fours_zero_point_left", FOURS, "(uint32_t)-p->x_zero & 0xffff", "(uint32_t)-p->x_zero & 0", "five"),
    Mutation("fours_even_for_odd", FOURS, "%[weight], ror #8", "%[weight]", "five"),
    Mutation("fours_first_taps_of_the_padding", FOURS, "at.rows.first * row + at.columns.first * step", "at.rows.first * row", "five"),
    Mutation("fours_single_sums", FOURS, "p->doubled ? 2 * sum : sum", "sum", "five"),
    Mutation("fours_weights_of_the_first_group", FOURS, "w + done / 4 * g->k_h * g->k_w", "w", "one_row"),
    Mutation("fours_rows_of_one_tap", FOURS, "w += g->k_w", "w += 1", "five"),
    Mutation("fours_no_clip", FOURS, "p->lo, p->hi", "-128, 127", "one_column"),
    Mutation("fours_multiplier_of_the_neighbour", FOURS, "channel + 3", "channel + 2", "five"),
]


def case_named(name: str) -> Case:
    return next(c for c in cases_of("depthwise_conv2d") if c.name == f"depthwise_conv2d_s8_{name}")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    original = next(folder / mutation.file for folder in CORE.kernels if (folder / mutation.file).is_file())
    text = original.read_text()
    assert mutation.text in text, "the kernel has changed; so must this mutation"
    mutated = tmp_path / "kernels"
    mutated.mkdir()
    for other in original.parent.glob("*.h"):  # includes are looked up beside the file that has them first
        (mutated / other.name).write_text(other.read_text())
    (mutated / mutation.file).write_text(text.replace(mutation.text, mutation.wrong))
    target = replace(CORE, kernels=(mutated, *CORE.kernels))
    program = tmp_path / "program"
    program.mkdir()

    case = case_named(mutation.case)
    found = outputs_or_fault([case], target, program, tmp_path_factory.getbasetemp())
    if found is None:
        return
    expected = run(case.graph, samples(case))
    symbol = f"{Path(mutation.file if mutation.file in (SHARED, FOURS) else PAIRS).stem}_s8"
    assert difference(found[f"{case.name}_by_{symbol}"]["y0"], expected["y0"]) is not None
    assert difference(found[case.name]["y0"], expected["y0"]) is None, "the portable kernel is as it was"


def test_which_kernel_runs_what() -> None:
    def chosen(name: str, objective: Objective) -> str:
        graph = case_named(name).graph
        return select(CORE, graph, objective).symbols()[graph.nodes[0].name]

    assert chosen("three_apart", Objective.TIME) == "depthwise_conv2d_pairs_s8"
    assert chosen("three_apart_half_up", Objective.SIZE) == "depthwise_conv2d_shared_s8"
    assert chosen("three_apart", Objective.SIZE) == "depthwise_conv2d_fours_s8", "its codes end at 100"
    assert chosen("three_signed", Objective.TIME) == "depthwise_conv2d_fours_s8"
    assert chosen("five", Objective.TIME) == "depthwise_conv2d_fours_s8"
    assert chosen("three_multiplier", Objective.TIME) == "depthwise_conv2d_s8"


def test_refusals_say_why() -> None:
    reasons = {}
    for case in cases_of("depthwise_conv2d"):
        node = case.graph.nodes[0]
        for _, kernel in CORE.variants(case.graph, node):
            reasons[case.name.removeprefix("depthwise_conv2d_s8_"), kernel.symbol] = kernel.accepts(case.graph, node)
    pairs, shared, fours = (f"depthwise_conv2d_{name}_s8" for name in ("pairs", "shared", "fours"))
    assert reasons["dilated", pairs] == "a kernel of other than 3 x 3 taps side by side, in steps of 1 or of 2"
    assert reasons["three_multiplier", pairs] == "several output channels per input channel"
    assert reasons["three_signed", pairs] == "rounding tflite with multipliers of no common shift"
    assert reasons["three_odd_width", shared] == "codes clipped to -100 .. 90"
    assert reasons["three_odd_width", pairs] is None
    assert reasons["three_two_channels", fours] == "fewer than four channels"
