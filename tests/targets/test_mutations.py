"""The matrix bites: a kernel with one mistake in its text gives other outputs than the reference."""
from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.targets.c.target import KERNELS, TARGETS
from tests.cases import cases_of, samples

from .matrix import difference, on_host, run_cases


@dataclass(frozen=True)
class Mutation:
    """A mistake: `text` of a kernel file becomes `wrong`, which the named case must notice."""

    name: str
    file: str
    text: str
    wrong: str
    case: str


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
    Mutation("swapped_zero_points", "sum.h", "p->x_stride[4]] - p->x_zero", "p->x_stride[4]] - p->y_zero", "add_s8_same"),
    Mutation("output_zero_for_input_zero", "conv2d.h", "in[c] - p->x_zero", "in[c] - p->y_zero", "conv2d_s8_valid"),
    Mutation("lost_leftover", "dense.h", "i < p->inputs; i++", "i < p->inputs / 2 * 2; i++", "dense_s8_per_tensor"),
    Mutation("read_past_the_end", "dense.h", "i < p->inputs; i++", "i <= p->inputs; i++", "dense_s8_per_tensor"),
    Mutation("lost_row", "mean.h", "part < walk_rows(p->reduced_shape)", "part < walk_rows(p->reduced_shape) - 1", "mean_s8_apart"),
    Mutation("multiplier_of_channel_0", "depthwise_conv2d.h", "p->per_channel ? o : 0", "0", "depthwise_conv2d_s8_same"),
    Mutation("other_order_of_floats", "conv2d.h", "float sum = 0.0f;", "float sum = b ? b[o] : 0.0f;", "conv2d_f32_valid"),
    Mutation("one_step_of_newton", "softmax.h", "step < 3", "step < 1", "softmax_s8_flat"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    kernels = shutil.copytree(KERNELS, tmp_path / "kernels")
    text = (kernels / mutation.file).read_text()
    assert mutation.text in text, "the kernel has changed; so must this mutation"
    (kernels / mutation.file).write_text(text.replace(mutation.text, mutation.wrong))
    case = next(c for c in cases_of(mutation.case.partition("_s8")[0].partition("_f32")[0]) if c.name == mutation.case)
    program = tmp_path / "program"
    program.mkdir()
    try:
        outputs = run_cases([case], replace(TARGETS[0], kernels=(kernels,)), program, on_host)
    except AssertionError as error:
        assert "program failed" in str(error) and "AddressSanitizer" in str(error), "it must build, and fail only where memory is left"
        return
    with np.errstate(all="ignore"):
        expected = run(case.graph, samples(case))
    assert difference(outputs[case.name]["y0"], expected["y0"]) is not None
