"""The matrix bites on kernels of the DSP extension too: with one mistake in its text a kernel gives other outputs than the reference."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.targets.cortexm.target import DSP, TARGETS

from .mutation import Mutation, noticed

M4 = next(t for t in TARGETS if t.name == "cortex-m4")
MUTATIONS = [
    Mutation("no_rounding", "high_word.h", "smmlar(sum, p->mul, p->add)", "smmla(sum, p->mul, p->add)", "conv2d_s8_ties_tflite"),
    Mutation("sign_forgotten", "high_word.h", "+ (sum >> 31)", "", "conv2d_s8_ties_tflite"),
    Mutation("lost_channel_of_an_odd_pixel", "conv2d_pairs.h", "conv_pairs_put(row, e++, 0, 0); /*", "e += 0; /*", "conv2d_s8_odd"),
    Mutation("padding_of_code_zero", "conv2d_pairs.h", "memset(padding, p->x_zero,", "memset(padding, 0 * p->x_zero,", "conv2d_s8_even"),
    Mutation("swapped_rows", "conv2d_pairs.h", "p->hi, sums.a0, sums.b0,", "p->hi, sums.b0, sums.a0,", "conv2d_s8_even"),
    Mutation("channel_0_twice", "conv2d_pairs.h", "smlad %[a1], r2, r10", "smlad %[a1], r2, r8", "conv2d_s8_even"),
    Mutation("wrong_half", "dsp.h", "sxtb16 %0, %1, ror #8", "sxtb16 %0, %1, ror #16", "conv2d_s8_even"),
    Mutation("lost_loop", "conv2d_pairs.h", "movw r2, #%c[loops]", "movw r2, #%c[loops] - 1", "conv2d_s8_wide"),
    Mutation("write_behind_the_row", "conv2d_pairs.h", "p->window.out_c % 2 == 0 || a + 1 < end", "1", "conv2d_s8_odd"),
    Mutation("no_clip", "conv2d_pairs.h", "p->lo, p->hi,", "-128, 127,", "conv2d_s8_even"),
    Mutation("entered_too_late", "conv2d_pairs_bytes.h", "- p->blocks) *", "- p->blocks + 1) *", "conv2d_s8_even"),
    Mutation("gap_between_rows", "conv2d_pairs_bytes.h", "4 * (p->row - 4 * p->blocks)", "0", "conv2d_s8_even"),
    Mutation("lost_row_of_the_kernel", "conv2d_pairs_bytes.h", ".rows = g->k_h,", ".rows = g->k_h - 1,", "conv2d_s8_even"),
    Mutation("sums_not_doubled", "conv2d_pairs_bytes.h", "doubled ? 2 : 1", "1", "conv2d_s8_even"),
    Mutation("never_clipped", "conv2d_pairs_bytes.h", "p->lo > -128 || p->hi < 127", "0", "conv2d_s8_even"),
    Mutation("channel_behind_an_odd_pixel", "conv2d_pairs_bytes.h", "if (a + 1 < end)", "if (a < end)", "conv2d_s8_odd"),
    Mutation("pairs_of_weights_swapped", "nibbles.h", "word >> 4 * k", "word >> 4 * (k ^ 1)", "conv2d_packed_s8_nibbles_wide"),
    Mutation("weights_8_too_large", "nibbles.h", "0x00080008u << doubled", "0x00000008u << doubled", "conv2d_packed_s8_nibbles"),
    Mutation("weights_not_doubled", "nibbles.h", "& 0x000f000fu) << doubled", "& 0x000f000fu) << 0",
             "conv2d_packed_s8_nibbles_pixels_stride"),
    Mutation("weights_of_the_first_channels", "conv2d_nibbles.h", "w + o / 2 * words", "w", "conv2d_packed_s8_nibbles_odd"),
    Mutation("nibbles_behind_the_row", "conv2d_nibbles.h", "g->out_c % 2 == 0 || o + 1 < g->out_c", "1", "conv2d_packed_s8_nibbles_odd"),
    Mutation("wide_padding_of_code_zero", "conv2d_halves.h", "a ? a[i] : zero", "a ? a[i] : 0", "conv2d_packed_s16_halves_zero"),
    Mutation("rows_joined_twice", "conv2d_pairs.h", "memcpy(&at[3], b + 2, 4)", "memcpy(&at[3], a + 2, 4)",
             "conv2d_packed_s16_halves_even"),
    Mutation("halves_behind_the_row", "conv2d_halves.h", "g->out_c % 2 == 0 || a + 1 < end", "1", "conv2d_packed_s16_halves_odd"),
    Mutation("no_clip_of_16_bits", "high_word.h", "code < lo ? lo : code;", "code < lo ? code : code;", "conv2d_packed_s16_halves_one"),
    Mutation("sums_of_32_bits", "wide.h", "(uint64_t)(uint32_t)p->bias_high << 32 | ", "", "conv2d_packed_s16_halves_long"),
    Mutation("no_half", "wide.h", "sum * p->mul + half", "sum * p->mul + 0 * half", "conv2d_packed_s16_halves_even"),
    Mutation("next_row_of_a_wide_window", "conv2d_halves.h", "at += p->row - 2 * words", "at += 2", "conv2d_packed_s16_halves_long"),
    Mutation("inputs_not_taken_away", "dense_nibbles.h", "of.sum[i] - excess", "of.sum[i] - 0 * excess", "dense_packed_s8_nibbles"),
    Mutation("weights_of_output_2_for_3", "dense_nibbles.h", "lsr #12", "lsr #8", "dense_packed_s8_nibbles_odd"),
    Mutation("wide_inputs_of_the_first_row", "dense_halves.h", "p, x + row * p->inputs", "p, x", "dense_packed_s16_halves_odd"),
    Mutation("wide_weights_of_the_first_output", "dense_halves.h", "p->blocks + o % 4", "p->blocks", "dense_packed_s16_halves_wide"),
    Mutation("operand_of_twice_its_size", "add_halves.h", "(y >> p->y_shift)", "y", "add_s16_few_37"),
    Mutation("last_code_of_an_odd_number", "add_halves.h", "if (p->size > pairs)", "if (p->size > pairs + 1)", "add_s16_few_37"),
    Mutation("tap_8_too_large", "depthwise_conv2d_nibbles.h", "& 15u) - 8u", "& 15u) - 7u", "depthwise_conv2d_packed_s8_nibbles"),
    Mutation("power_forgotten", "depthwise_conv2d_nibbles.h", "taps[4] >> 4", "taps[4] >> 8", "depthwise_conv2d_packed_s8_nibbles_odd"),
    Mutation("taps_of_half_a_pixel", "depthwise_conv2d_halves.h", "x, 2 * step", "x, step", "depthwise_conv2d_packed_s16_halves"),
    Mutation("channel_2_for_3", "depthwise_conv2d_halves.h", "smlatt %[sum3], %[high]", "smlabt %[sum3], %[high]",
             "depthwise_conv2d_packed_s16_halves_odd"),
]  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert noticed(mutation, DSP[0].glob("*.h"), M4, tmp_path, programs)


def test_without_a_mistake_nothing_is_noticed(tmp_path: Path, programs: Path) -> None:
    assert not noticed(replace(MUTATIONS[0], wrong=MUTATIONS[0].text), DSP[0].glob("*.h"), M4, tmp_path, programs)
