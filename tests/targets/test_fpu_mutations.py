"""The matrix bites on kernels for a scalar float unit too: with one mistake in its text a kernel gives other outputs in QEMU."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.cortexm.target import OWN, TARGETS

from .mutation import Mutation, noticed

M4 = next(t for t in TARGETS if t.name == "cortex-m4")
MUTATIONS = [
    Mutation("bias_first", "conv2d_blocks.h", "block_clear(sums);", "block_clear(sums), sums[0] = b[o];", "conv2d_f32_pointwise"),
    Mutation("swapped_channels", "float_blocks.h", "b0 += b * w0, b1 += b * w1", "b0 += b * w1, b1 += b * w0", "conv2d_f32_tall"),
    Mutation("pixel_of_the_neighbour", "float_blocks.h", "at + 3 * apart + i", "at + 2 * apart + i", "conv2d_f32_pointwise"),
    Mutation("lost_last_element", "float_blocks.h", "i < count; i++) {\n        const float a =",
             "i < count - 1; i++) {\n        const float a =", "dense_f32"),
    Mutation("weights_of_the_padding", "conv2d_blocks.h", "(i * g->k_w + j) * g->in_c * BLOCK",
             "((i - at->rows.first) * g->k_w + j) * g->in_c * BLOCK", "conv2d_f32_tall"),
    Mutation("channels_that_are_none", "conv2d_blocks.h", "g->out_c - o < BLOCK ? g->out_c - o : BLOCK", "BLOCK", "conv2d_f32_wide"),
    Mutation("padding_beside_ignored", "lines.h", "place < lines->first ? 1 :", "place < 0 ? 1 :", "depthwise_conv2d_f32_tall"),
    Mutation("columns_as_rows", "lines.h", "lines->down ? at->place : at->line)", "at->line)", "depthwise_conv2d_f32_tall"),
    Mutation("taps_of_a_dense_window", "depthwise_conv2d_blocks.h", "j * g->dilation_w * g->in_pixel", "j * g->in_pixel",
             "depthwise_conv2d_f32_wide"),
    Mutation("pixel_twice", "depthwise_conv2d_blocks.h", "next.origin += lines->in", "next.origin += 0", "depthwise_conv2d_f32_tall"),
    Mutation("rows_as_one", "dense_blocks.h", "(row + i) * p->outputs", "row * p->outputs", "dense_f32_many"),
    Mutation("no_upper_bound", "float_blocks.h", "clip_float(sums[o] + b[o], lo, hi)", "clip_float(sums[o] + b[o], lo, hi + 1.0f)",
             "dense_f32_clip"),
    Mutation("halves_as_brains", "dense_blocks.h", "dense_blocks(p, FORMAT_F16,", "dense_blocks(p, FORMAT_BF16,", "dense_f16"),
]  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert noticed(mutation, (OWN / "fpu").glob("*.h"), M4, tmp_path, programs)
