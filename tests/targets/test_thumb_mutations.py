"""The matrix bites on kernels without the DSP extension too: with one mistake in its text a kernel gives other outputs."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.cortexm.target import TARGETS, THUMB

from .mutation import Mutation, noticed

CORES = {t.name: t for t in TARGETS if t.kernels == THUMB}
SUMS, TRIPLES, FOURS, SLOPE, CONV, DENSE, CHANNELS = (
    f"{name}.h" for name in ("word_sums", "triples", "fours", "split_slope", "conv_windows", "input_rows", "depthwise_conv2d_channels")
)
MUTATIONS = [
    Mutation("sum_of_unsigned_bits", TRIPLES, '"asrs r4, r4, #11', '"lsrs r4, r4, #11', "conv2d_s8_even"),
    Mutation("sum_above_of_the_low_bits_alone", TRIPLES, '"asrs r5, r3, #10', '"lsrs r5, r3, #10', "conv2d_s8_even"),
    Mutation("sum_with_the_low_bits_of_another", TRIPLES, '"subs r3, r3, r5', '"subs r3, r3, #0', "conv2d_s8_even"),
    Mutation("odd_blocks_from_the_first", SUMS, "p->odd ? block : 0", "0", "conv2d_s8_same_stride"),
    Mutation("outputs_beyond_the_last", SUMS, '"bhi 3f', '"bls 3f', "conv2d_s8_odd"),
    Mutation("parts_that_replace_each_other", TRIPLES, "adds r4, r4, r2", "adds r4, r4, #0", "conv2d_s8_wide"),
    Mutation("last_part_as_long_as_others", TRIPLES, '"bls 9f', '"b 9f', "conv2d_s8_wide"),
    Mutation("lost_leftover_codes", SUMS, "i < (count & 3)", "i < (count & 2)", "conv2d_s8_odd"),
    Mutation("sum_of_both_halves", FOURS, "subs r5, r5, r4", "subs r5, r5, #0", "conv2d_s8_even"),
    Mutation("byte_of_the_other_half", FOURS, "asrs r2, r2, #16", "asrs r2, r2, #0", "conv2d_s8_even"),
    Mutation("unsigned_byte", FOURS, "sxtb r3, r2", "uxtb r3, r2", "dense_s8_whole"),
    Mutation("no_lowest_code", SLOPE, '"bics r3, r3, r4', '"movs r4, #0', "conv2d_s8_even"),
    Mutation("no_highest_code", SLOPE, '"bls 8f', '"b 8f', "conv2d_s8_even"),
    Mutation("no_fraction", SLOPE, '"adds r3, r3, r4', '"adds r3, r3, #0', "conv2d_s8_wide"),
    Mutation("straight_for_bent", SLOPE, '"blo 9f', '"b 9f', "conv2d_s8_ties_tflite"),
    Mutation("bent_for_straight", SLOPE, '"blo 9f', '"nop', "conv2d_s8_ties_tflite"),
    Mutation("padding_of_code_zero", CONV, "sums_fill(p->x_zero, (from - left)", "sums_fill(0, (from - left)", "conv2d_s8_even"),
    Mutation("rows_of_padding_of_code_zero", CONV, "sums_fill(p->x_zero, g->k_w", "sums_fill(0, g->k_w", "conv2d_s8_even"),
    Mutation("rows_side_by_side", CONV, "top += g->dilation_h", "top += 1", "conv2d_s8_dilated_rows"),
    Mutation("steps_of_one", CONV, "column * g->stride_w", "column", "conv2d_s8_stride_16"),
    Mutation("image_of_the_first_batch", CONV, "x += g->in_h * g->in_row", "x += 0", "conv2d_s8_images"),
    Mutation("inputs_of_the_first_row", DENSE, "x += p->sums.inputs", "x += 0", "dense_s8_rows_apart"),
    Mutation("tap_of_a_neighbour", CHANNELS, "muls r3, r6, r3", "muls r3, r5, r3", "depthwise_conv2d_s8_three_odd_channels"),
    Mutation("row_above_twice", CHANNELS, "(int32_t)(slots[1] - slots[0]) - 12", "(int32_t)(slots[0] - slots[0]) - 12",
             "depthwise_conv2d_s8_three_odd_channels"),
    Mutation("row_left_in_its_place", CHANNELS, "widened < top + CHANNELS_ROWS; widened++", "widened < top + CHANNELS_ROWS; widened += 2",
             "depthwise_conv2d_s8_three_odd_channels"),
    Mutation("windows_side_by_side", CHANNELS, "+ g->stride_w) - 12", "+ 1) - 12", "depthwise_conv2d_s8_stride_2"),
    Mutation("padding_of_input", CHANNELS, "row < 0 || row >= g->in_h", "row < 0", "depthwise_conv2d_s8_three_odd_channels"),
    Mutation("columns_beyond_the_input", CHANNELS, "g->in_w < room ? g->in_w : room", "room", "depthwise_conv2d_s8_three_odd_channels"),
    Mutation("channel_of_the_first_row", CHANNELS, "of.y = of.y_end;", "", "depthwise_conv2d_s8_three_odd_channels"),
]  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert noticed(mutation, THUMB[0].glob("*.h"), CORES["cortex-m0"], tmp_path, programs)


@pytest.mark.parametrize("core", CORES)
def test_a_sum_that_is_lost_is_noticed(core: str, tmp_path: Path, programs: Path) -> None:
    """By each core's own way to multiply and add."""
    mutation = Mutation("", TRIPLES, 'SUMS_ADD("r10", "r4", x)', 'SUMS_ADD("r10", "r3", x)', "conv2d_s8_odd")
    assert noticed(mutation, THUMB[0].glob("*.h"), CORES[core], tmp_path, programs)
