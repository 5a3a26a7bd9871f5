"""The matrix bites: a kernel with one mistake in its text gives other outputs than the reference."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.targets.c.target import KERNELS, TARGETS
from tests.cases import samples

from .matrix import difference, on_host, run_cases
from .mutation import Mutation

MUTATIONS = [
    Mutation("no_rounding_constant", "fixed.h", "(int64_t)x * mul + ((int64_t)1 << (shift - 1))", "(int64_t)x * mul", "conv2d_s8_valid"),
    Mutation("single_for_double_rounding", "fixed.h", "mode == ROUND_TFLITE", "mode == ROUND_FLOOR", "add_s8_tflite"),
    Mutation("half_up_for_half_away", "fixed.h", "floor + (x >= 0)", "floor + 1", "average_pool2d_s8_half_away"),
    Mutation("padding_of_code_zero", "conv2d.h", "int32_t sum = b ? b[o] : 0;",
             "int32_t sum = (b ? b[o] : 0) - (at.rows.first > 0) * p->x_zero * w[o * g->k_h * g->k_w * inputs];", "conv2d_s8_same_stride"),
    Mutation("tap_of_the_padding", "window.h", "(dilation - 1 - start) / dilation", "(dilation - 2 - start) / dilation",
             "conv2d_s8_same_stride"),
    Mutation("lost_last_tap", "window.h", "(size - start + dilation - 1) / dilation", "(size - start - 1) / dilation",
             "conv2d_s8_same_stride"),
    Mutation("padding_that_counts", "average_pool2d.h", "p->count_include_pad ?", "!p->count_include_pad ?",
             "average_pool2d_s8_padded"),
    Mutation("padding_that_wins", "max_pool2d.h", "int32_t largest = INT8_MIN;", "int32_t largest = 0;", "max_pool2d_s8_padded"),
    Mutation("swapped_zero_points", "sum.h", "(x - p->x_zero)", "(x - p->y_zero)", "add_s8_same"),
    Mutation("output_zero_for_input_zero", "conv2d.h", "in[c] - p->x_zero", "in[c] - p->y_zero", "conv2d_s8_valid"),
    Mutation("lost_leftover", "dense.h", "i < p->inputs; i++", "i < p->inputs / 2 * 2; i++", "dense_s8_per_tensor"),
    Mutation("read_past_the_end", "dense.h", "i < p->inputs; i++", "i <= p->inputs; i++", "dense_s8_per_tensor"),
    Mutation("lost_row", "mean.h", "part < walk_rows(p->reduced_shape)", "part < walk_rows(p->reduced_shape) - 1", "mean_s8_apart"),
    Mutation("multiplier_of_channel_0", "depthwise_conv2d.h", "p->per_channel ? o : 0", "0", "depthwise_conv2d_s8_same"),
    Mutation("other_order_of_floats", "conv2d.h", "float sum = 0.0f;", "float sum = b ? ((const float *)b)[o] : 0.0f;", "conv2d_f32_valid"),
    Mutation("half_away_for_half_even", "f16.h", "+ 0x0fffu + (magnitude >> 13 & 1u)", "+ 0x1000u", "cast_edges_f16"),
    Mutation("no_rounding_of_bf16", "f16.h", "bits + 0x7fffu + (bits >> 16 & 1u)", "bits", "cast_f32_bf16"),
    Mutation("subnormals_to_zero", "f16.h", "(float_bits(units) - 0x3f000000u))",
             "0u * (float_bits(units) - 0x3f000000u))", "cast_edges_f16"),
    Mutation("overflow_to_the_largest", "f16.h", "magnitude >= 0x477ff000u", "magnitude >= 0x7f800000u", "cast_edges_f16"),
    Mutation("two_roundings_for_one", "f16.h", "if ((error < 0.0f", "if (0 && (error < 0.0f", "dense_f16_fma_midpoints"),
    Mutation("sums_in_f32_for_f16", "f16.h", "return fma_f16(x, w, total);\n    case", "return x * w + total;\n    case",
             "conv2d_f16_fma_valid"),
    Mutation("clip_of_nan", "f16.h", "x = x < lo ? lo : x;", "x = x >= lo ? x : lo;", "clip_relu_f16"),
    Mutation("exponentials_of_16_bits", "softmax.h", "exp_scalar(load_float(x, i, format) - largest);\n        }\n        for",
             "round_to_f16(exp_scalar(load_float(x, i, format) - largest));\n        }\n        for", "softmax_f16_rows"),
    Mutation("length_of_16_bits", "normalise.h", "format) / length", "format) / round_to_f16(length)", "normalise_f16_plane"),
    Mutation("product_of_16_bits", "row_update.h", "- s * load_float(x, i, format)", "- round_to_f16(s * load_float(x, i, format))",
             "goodness_update_f16_odd"),
    Mutation("difference_of_16_bits", "outer_update.h", "p->learning_rate * error", "p->learning_rate * round_to_f16(error)",
             "outer_update_f16_beside_odd"),
    Mutation("one_step_of_newton", "softmax.h", "step < 3", "step < 1", "softmax_s8_flat"),
    Mutation("threshold_off_by_one", "stage.h", "sum <= bound : sum >= bound", "sum <= bound : sum > bound", "dense_b1_tail"),
    Mutation("threshold_of_the_other_side", "stage.h", "sum <= bound : sum", "sum < bound : sum", "dense_b1_tail"),
    Mutation("direction_ignored", "stage.h", "descending ? sum", "descending > 1 ? sum", "dense_b1_bits"),
    Mutation("step_ignored", "stage.h", "p->lo + p->step * stage", "p->lo + stage", "dense_packed_s8_few_levels"),
    Mutation("float_threshold_off", "threshold.h", "x >= bound", "x > bound", "threshold_f32_s8_levels"),
    Mutation("dropped_last_word", "packed.h", "ones += ones_of_bytes(a ^ b)",
             "ones += at + 8 > bytes ? 0u : ones_of_bytes(a ^ b)", "conv2d_b1_bytes"),
    Mutation("dropped_tail", "packed.h", "for (; at < bytes; at++)", "for (; at < bytes && bytes < 4; at++)", "dense_b1_tail"),
    Mutation("overflowing_ones", "packed.h", "at + 4 * 31 < bytes ? at + 4 * 31 : bytes", "bytes", "dense_b1_long"),
    Mutation("pad_bits_left", "stage.h", "o % 8 ? *byte : 0", "o ? *byte : 0", "dense_b1_bits"),
    Mutation("pad_bits_of_one", "stage.h", "(int32_t)value << o % 8", "((int32_t)value * 0x81 & 0xff) << o % 8", "dense_b1_bits"),
    Mutation("no_sign_extension", "packed.h", "(int32_t)top >> (32", "(int32_t)(top / 2) >> (31", "dense_packed_s8_3_bits"),
    Mutation("padding_counts_as_minus_one", "conv2d_packed.h", "const int64_t sum = stage_bias(&p->stage, b, o, block)",
             "const int64_t sum = stage_bias(&p->stage, b, o, block) - (from.rows.first > 0) * inputs", "conv2d_b1_bits"),
    Mutation("multiplier_of_the_neighbour", "stage.h", "o * p->blocks + block]", "o * p->blocks + (block + 1) % p->blocks]",
             "dense_packed_s8_blocks"),
    Mutation("block_of_the_neighbour", "packed.h", "count - block * p->block", "count - block", "dense_packed_s8_blocks_raw"),
    Mutation("bias_in_every_block", "stage.h", "!b || block > 0", "!b || block > 9", "dense_packed_s8_blocks_raw"),
    Mutation("computed_zero_ignored", "dense_packed.h", "x_zero ? *x_zero", "x_zero ? *x_zero / 2", "dense_packed_s8_computed_zero"),
    Mutation("bits_over_a_byte", "packed.h", "at + p.bits > 16", "at + p.bits > 32", "dense_packed_s16_13_bits_raw"),
    Mutation("sums_of_32_bits", "stage.h", "sum * ((const int32_t *)first)[channel] : sum;",
             "(int32_t)(uint32_t)((uint64_t)sum * (uint64_t)((const int32_t *)first)[channel]) : sum;", "dense_packed_s16_16_bits"),
    Mutation("bipolar_as_signed", "packed.h", "p.bipolar ? 2 * code - 1", "p.bipolar ? -code", "dense_packed_s8_bipolar_raw"),
    Mutation("weights_zero_ignored", "packed.h", ": code - p.zero", ": code", "dense_packed_s8_unsigned"),
    Mutation("scale_of_channel_0", "dequantize.h", "scale[i % p->channels]", "scale[0]", "dequantize_s32_channels"),
    Mutation("lost_leftover_of_a_gradient", "conv2d_weight_gradient.h", "c < inputs; c++", "c < inputs / 4 * 4; c++",
             "conv2d_weight_gradient_f32_pointwise"),
    Mutation("tap_of_the_padding_of_a_gradient", "window.h", "inside.first = (dilation - 1 - start) / dilation",
             "inside.first = 0", "depthwise_conv2d_weight_gradient_f32_same"),
    Mutation("flipped_padding_of_a_gradient", "window.h", "at + pad - tap * dilation", "at - pad + tap * dilation",
             "conv2d_input_gradient_f32_same"),
    Mutation("windows_between_strides", "window.h", "start % stride == 0 && ", "", "conv2d_input_gradient_f32_same"),
    Mutation("skipped_row_of_a_bias", "bias_gradient.h", "row = 0; row", "row = 1; row", "bias_gradient_f32_rows"),
    Mutation("last_of_equal_ones_wins", "max_pool2d_gradient.h", "element > largest", "element >= largest",
             "max_pool2d_gradient_f32_padded"),
    Mutation("gradient_at_the_bound", "clip_gradient.h", "at > p->lo", "at >= p->lo", "clip_gradient_f32_relu"),
    Mutation("decay_of_the_velocity", "sgd.h", "g * scale + weight_decay * w", "g * scale - weight_decay * w", "sgd_f32_momentum_decay"),
    Mutation("other_order_of_a_gradient", "dense_input_gradient.h", "o = 0; o < p->outputs; o++", "o = p->outputs - 1; o >= 0; o--",
             "dense_input_gradient_f32_row"),
    Mutation("targets_that_sum_to_1", "softmax_cross_entropy.h", "total * wanted", "total * 1.0f", "softmax_cross_entropy_f32_rows"),
    Mutation("share_of_the_padding", "average_pool2d_gradient.h", "p->count_include_pad ?", "!p->count_include_pad ?",
             "average_pool2d_gradient_f32_padded"),
    Mutation("no_narrow_range", "quantize.h", "scaled < lo ? lo", "scaled < lo - 1.0f ? lo - 1.0f", "quantize_few_bits_half_up"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    kernels, case = mutation.apply(KERNELS.glob("*.[hp]*"), tmp_path / "kernels"), mutation.subject()
    program = tmp_path / "program"
    program.mkdir()
    try:
        outputs = run_cases([case], replace(TARGETS[0], kernels=(kernels,)), program, on_host)
    except AssertionError as error:
        assert "program failed" in str(error) and "AddressSanitizer" in str(error), "it must build, and fail only where memory is left"
        return
    except ValueError as error:
        assert "bits that are not 0" in str(error)
        return
    with np.errstate(all="ignore"):
        expected = run(case.graph, samples(case))
    assert difference(outputs[case.name]["y0"], expected["y0"]) is not None
