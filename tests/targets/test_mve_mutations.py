"""The matrix bites on kernels for Helium too: with one mistake in its text a kernel gives other outputs in QEMU, or writes elsewhere."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.cortexm.target import OWN, TARGETS

from .mutation import Mutation, noticed

CORE = next(t for t in TARGETS if t.name == "cortex-m55")


DENSE, PADDED, CONV, INSIDE = "dense_s8_mve", "dense_s8_mve_padded", "conv2d_s8_mve", "conv2d_s8_mve_inside"
NIBBLES, NIBBLES_INSIDE, HALVES = "conv2d_packed_s8_mve", "conv2d_packed_s8_mve_inside", "conv2d_packed_s16_mve"
DEPTHWISE, LANES, ADD, POOL = "depthwise_conv2d_s8_mve", "depthwise_conv2d_s8_mve_lanes", "add_s8_mve", "average_pool2d_s8_mve"
CONV_WIDE, DEPTHWISE_WIDE = "conv2d_f16_mve", "depthwise_conv2d_f16_mve"
CONV_F16, DENSE_F16, DEPTHWISE_F16 = "conv2d_f16_fma_mve", "dense_f16_fma_mve", "depthwise_conv2d_f16_fma_mve"
MUTATIONS = [
    Mutation("sign_of_sums_ignored", "helium.h", '"vshr.s32 " sign ", " sum ", #31', '"vshr.u32 " sign ", " sum ", #31',
             "dense_s8_ties_tflite", DENSE),
    Mutation("high_word_of_a_single_product", "helium.h", '"vqrdmulh.s32 "', '"vqdmulh.s32 "', "conv2d_s8_pointwise_32", INSIDE),
    Mutation("no_narrow_range", "helium.h", '"vmin.s8 q0', '"vmax.s8 q0', "dense_s8_long_tail", PADDED),
    Mutation("lost_inputs", "dense_mve.h", "(p->blocks - 1) % 8", "0", "dense_s8_long", DENSE),
    Mutation("lost_outputs", "dense_mve.h", "(p->outputs + 7) / 8", "(p->outputs + 6) / 8", "dense_s8_long_tail", PADDED),
    Mutation("outputs_beyond_the_row", "dense_mve.h", '[odd] "i"(p->outputs % 8)', '[odd] "i"(0)', "dense_s8_long", DENSE),
    Mutation("swapped_outputs", "helium.h", "q0[2], q0[0], r0, r4", "q0[2], q0[0], r4, r0", "dense_s8_per_channel", DENSE),
    Mutation("inputs_of_the_row_before", "dense_mve.h", "x + row * p->inputs, p->inputs", "x, p->inputs", "dense_s8_rows", PADDED),
    Mutation("pixels_as_one", "conv2d_mve.h", '" r10, q1, q3', '" r10, q0, q3', "conv2d_s8_valid", CONV),
    Mutation("step_of_the_next_run", "conv2d_mve.h", "at.step = pitch - 16", "at.step = pitch - 15", "conv2d_s8_same_16", CONV),
    Mutation("padding_of_code_zero", "conv2d_mve.h", "helium_fill(to, p->x_zero,", "helium_fill(to, 0,", "conv2d_s8_long_rows", CONV),
    Mutation("padding_beside_ignored", "conv2d_mve.h", "conv2d_s8_mve_fits(at->column, g->out_w", "conv2d_s8_mve_fits(1, 2",
             "conv2d_s8_same_16", CONV),
    Mutation("row_of_the_next_batch", "conv2d_mve.h", "at->row % g->out_h * g->stride_h", "at->row * g->stride_h",
             "conv2d_s8_same_16", CONV),
    Mutation("lost_last_pixel", "conv2d_mve.h", "= at->offsets[i - 1];", "= 1;", "conv2d_s8_pointwise_32", INSIDE),
    Mutation("channels_beyond_the_pixel", "conv2d_mve.h", '"vmsr p0, r0', '"movw r0, #0xffff\\nvmsr p0, r0',
             "conv2d_s8_pointwise_60", CONV),
    Mutation("short_rows_uncut", "helium.h", "vctp.8 %[count]", "vctp.8 %[rows]", "conv2d_s8_valid", CONV),
    Mutation("padding_of_code_zero_above", "depthwise_conv2d_mve.h", "helium_fill(outside, p->x_zero", "helium_fill(outside, 0",
             "depthwise_conv2d_s8_same", DEPTHWISE),
    Mutation("last_codes_of_a_row", "depthwise_conv2d_mve.h", "rows.step[i] ? 16 - rest", "rows.step[i] ? 15 - rest",
             "depthwise_conv2d_s8_wide", DEPTHWISE),
    Mutation("outputs_below_the_last_row", "depthwise_conv2d_mve.h", "0x00ff : 0xffff", "0xffff : 0xffff",
             "depthwise_conv2d_s8_wide", DEPTHWISE),
    Mutation("mask_of_all_columns", "depthwise_conv2d_mve.h", "column < last ?", "column <= last ?", "depthwise_conv2d_s8_same", DEPTHWISE),
    Mutation("stride_of_one", "depthwise_conv2d_mve.h", "i / 4 * g->stride_w", "i / 4", "depthwise_conv2d_s8_stride_2", DEPTHWISE),
    Mutation("sign_of_depthwise_sums", "depthwise_conv2d_mve.h", '"vshr.s32 q7, " q ", #31', '"vshr.u32 q7, " q ", #31',
             "depthwise_conv2d_s8_ties_tflite", DEPTHWISE),
    Mutation("channels_of_the_first", "depthwise_conv2d_mve_lanes.h",
             "(first + i) / p->multiplier - first", "i / p->multiplier + first - first",
             "depthwise_conv2d_s8_thrice", LANES),
    Mutation("odd_channels_as_even", "depthwise_conv2d_mve_lanes.h", "group->table + 16", "group->table",
             "depthwise_conv2d_s8_same", LANES),
    Mutation("taps_of_a_dense_window", "depthwise_conv2d_mve_lanes.h", "in += g->dilation_w * g->in_pixel", "in += g->in_pixel",
             "depthwise_conv2d_s8_dilated", LANES),
    Mutation("channels_that_are_none", "depthwise_conv2d_mve_lanes.h", "group.count = rest;", "group.count = 8;",
             "depthwise_conv2d_s8_large_taps", LANES),
    Mutation("both_nibbles_as_one", "conv2d_mve.h", "vmov.i8 q7, #0xf0", "vmov.i8 q7, #0xff", "conv2d_packed_s8_nibbles", NIBBLES),
    Mutation("low_nibble_of_half_its_size", "conv2d_mve.h",
             '"vshl.i8 q3, q2, #4\\n" instruction " r4', '"vshl.i8 q3, q2, #3\\n" instruction " r4',
             "conv2d_packed_s8_nibbles_pixels_32", NIBBLES_INSIDE),
    Mutation("weights_without_sign", "conv2d_mve.h",
             '"vldrb.s16 q3, [r3], #8\\n" instruction " r2', '"vldrb.u16 q3, [r3], #8\\n" instruction " r2',
             "conv2d_packed_s16_halves", HALVES),
    Mutation("bytes_for_half_words", "conv2d_mve.h", "p->kind == CONV2D_HALVES ? 2 : 1", "p->kind == CONV2D_HALVES ? 1 : 1",
             "conv2d_packed_s16_halves_pixels_24", f"{HALVES}_inside"),
    Mutation("no_narrow_range_of_16_bits", "helium.h", '"vmin.s16 q0', '"vmax.s16 q0', "conv2d_packed_s16_halves_odd", HALVES),
    Mutation("both_nibbles_of_dense", "dense_mve.h", "vmov.i8 q7, #0xf0", "vmov.i8 q7, #0xff", "dense_packed_s8_nibbles",
             "dense_packed_s8_mve"),
    Mutation("outputs_of_half_a_row", "dense_mve.h", "DENSE_HALVES ? 2 : 1", "DENSE_HALVES ? 1 : 1", "dense_packed_s16_halves_odd",
             "dense_packed_s16_mve_padded"),
    Mutation("group_at_half_its_place", "depthwise_conv2d_mve_lanes.h", "p->width * (group->first", "1 * (group->first",
             "depthwise_conv2d_packed_s16_halves_odd", "depthwise_conv2d_packed_s16_mve"),
    Mutation("depthwise_nibbles_below_the_last_row", "depthwise_conv2d_mve.h", "0x00ff : 0xffff", "0xffff : 0xffff",
             "depthwise_conv2d_packed_s8_nibbles", "depthwise_conv2d_packed_s8_mve"),
    Mutation("fraction_of_14_bits", "add_mve_halves.h", "vshlltq_n_s16(y, 15)", "vshlltq_n_s16(y, 14)", "add_s16_few_40", "add_s16_mve"),
    Mutation("ties_of_negative_sums", "add_mve.h", "p->lo < p->out_zero ?", "0 ?", "add_s8_ties", ADD),
    Mutation("swapped_zero_points", "add_mve.h", "(int16_t)p->x_zero", "(int16_t)p->y_zero", "add_s8_half_up_04", ADD),
    Mutation("lost_leftover", "add_mve.h", "if (rest) {", "if (rest > 2) {", "add_s8_tflite", ADD),
    Mutation("two_roundings_for_one", "conv2d_f16_fma_mve.h", '"vfma.f16 q0, q6, r0\\n"',
             '"vmov.i32 q5, #0\\nvfma.f16 q5, q6, r0\\nvadd.f16 q0, q0, q5\\n"', "conv2d_f16_fma_tall", CONV_F16),
    Mutation("subnormals_to_zero", "helium_f16.h", '".arch_extension mve.fp\\n"',
             '".arch_extension mve.fp\\nvmrs r0, fpscr\\norr r0, #0x80000\\nvmsr fpscr, r0\\n"', "dense_f16_fma_many", DENSE_F16),
    Mutation("pixels_as_one", "conv2d_f16_fma_mve.h", '"vfma.f16 q2, q6, r10', '"vfma.f16 q2, q6, r0', "conv2d_f16_fma_tall", CONV_F16),
    Mutation("lost_last_element", "conv2d_f16_fma_mve.h", 'tst r6, #1', 'tst r6, #8', "conv2d_f16_fma_pointwise", CONV_F16),
    Mutation("run_of_the_next_row", "conv2d_f16_fma_mve.h", "2 * (g->dilation_h * g->in_row - columns", "2 * (g->in_row - columns",
             "conv2d_f16_fma_wide", CONV_F16),
    Mutation("weights_of_the_padding", "conv2d_f16_fma_mve.h", "w + o * taps + skipped * width", "w + o * taps + skipped",
             "conv2d_f16_fma_tall", CONV_F16),
    Mutation("channels_that_are_none", "conv2d_f16_fma_mve.h", "block.channels = g->out_c - o;", "block.channels = 16;",
             "conv2d_f16_fma_tall", CONV_F16),
    Mutation("skipped_bias", "helium_f16.h", '"vadd.f16 " sum ", " sum ", " bias', '"vorr " sum ", " sum ", " sum',
             "dense_f16_fma", DENSE_F16),
    Mutation("a_bound_for_nan", "helium_f16.h", '"vcmp.f16 gt, q6, " sum "', '"vcmp.f16 le, " sum ", q6', "dense_f16_fma_many", DENSE_F16),
    Mutation("no_upper_bound", "helium_f16.h", '"vmovt " sum ", q7', '"vmovt " sum ", q6', "conv2d_f16_fma_tall", CONV_F16),
    Mutation("swapped_vectors", "dense_f16_fma_mve.h", '"vfma.f16 q2, q4, r0', '"vfma.f16 q2, q5, r0', "dense_f16_fma_many", DENSE_F16),
    Mutation("lost_odd_input", "dense_f16_fma_mve.h", "%c[inputs] & 1", "%c[inputs] & 0", "dense_f16_fma_four_vectors", DENSE_F16),
    Mutation("outputs_beyond_the_row", "dense_f16_fma_mve.h", '"vctp.16 r4', '"vctp.16 r1', "dense_f16_fma_many", DENSE_F16),
    Mutation("padding_beside_ignored", "lines.h", "place < lines->first ? 1 :", "place < 0 ? 1 :",
             "depthwise_conv2d_f16_fma_tall", DEPTHWISE_F16),
    Mutation("columns_as_rows", "lines.h", "stride * (down ? g->in_row : g->in_pixel)", "stride * g->in_pixel",
             "depthwise_conv2d_f16_fma_tall", DEPTHWISE_F16),
    Mutation("taps_of_a_dense_window", "depthwise_conv2d_f16_fma_mve.h", "2 * p->window.dilation_w * p->window.in_pixel",
             "2 * p->window.in_pixel", "depthwise_conv2d_f16_fma_wide", DEPTHWISE_F16),
    Mutation("far_taps_as_near", "helium_f16_depthwise.h", '"add " at ", " offset "', '"add " at ", #2',
             "depthwise_conv2d_f16_fma_many_channels", DEPTHWISE_F16),
    Mutation("lanes_that_are_none", "depthwise_conv2d_f16_fma_mve.h", '"vctp.16 lr', '"vctp.16 r1',
             "depthwise_conv2d_f16_fma_stride", DEPTHWISE_F16),
    Mutation("odd_channels_as_even", "helium_f16_wide.h", "HELIUM_NARROW_ODD(even, odd)", "HELIUM_NARROW_ODD(even, even)",
             "conv2d_f16_tall", CONV_WIDE),
    Mutation("swapped_biases", "helium_f16_wide.h", '", " odd ", q7', '", " odd ", q6', "conv2d_f16_tall", CONV_WIDE),
    Mutation("padding_left_from_before", "conv2d_f16_mve.h", "if (!whole) {", "if (!whole && row == 0) {", "conv2d_f16_tall", CONV_WIDE),
    Mutation("lost_last_element", "conv2d_f16_mve.h", "tst r6, #1", "tst r6, #8", "conv2d_f16_pointwise", CONV_WIDE),
    Mutation("pixel_of_the_neighbour", "conv2d_f16_mve.h", '"vfma.f32 q4, q6, r11', '"vfma.f32 q4, q6, r10', "conv2d_f16_wide", CONV_WIDE),
    Mutation("channels_beyond_the_pixel", "conv2d_f16_mve.h", '"vctp.16 r6', '"vctp.16 r1', "conv2d_f16_tall", CONV_WIDE),
    Mutation("a_bound_for_nan_in_f32", "helium_f16_wide.h", '"vcmp.f32 gt, q6, " sum "', '"vcmp.f32 le, " sum ", q6',
             "depthwise_conv2d_f16_same", DEPTHWISE_WIDE),
    Mutation("second_pixel_as_first", "depthwise_conv2d_f16_mve.h", '"vfma.f32 q2, q4, q6', '"vfma.f32 q2, q4, q7',
             "depthwise_conv2d_f16_tall", DEPTHWISE_WIDE),
    Mutation("row_of_taps_skipped", "depthwise_conv2d_f16_mve.h", '"add r6, r12\\n"', '"add r6, r10\\n"',
             "depthwise_conv2d_f16_wide", DEPTHWISE_WIDE),
    Mutation("difference_for_sum", "add_f16_mve.h", '"vadd.f16 q0, q0, q1', '"vsub.f16 q0, q0, q1', "add_f16_of_21", "add_f16_mve"),
    Mutation("lost_leftover_of_halves", "add_f16_mve.h", '[size] "r"(p->size)', '[size] "r"(p->size & ~7)', "add_f16_of_21", "add_f16_mve"),
    Mutation("mean_of_other_channels", "average_pool2d_mve.h", "g->dilation_h * g->in_row + channel;", "g->dilation_h * g->in_row;",
             "average_pool2d_s8_half_up", POOL),
]  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert noticed(mutation, (*(OWN / "mve").glob("*.h"), OWN / "fpu" / "lines.h"), CORE, tmp_path, programs)
