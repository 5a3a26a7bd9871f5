"""Kernels on RISC-V vectors: equal to the reference on cores of several lengths of vectors, and with a mistake in them no more."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F16, Op
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.run import run
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.target import TARGETS, ZVE
from tests.cases import Case, all_cases, conv2d, dense, depthwise_conv2d, in_format, quantized, samples

from .board import on_board
from .matrix import difference, nets, run_cases
from .mutation import Mutation, noticed

CORE = next(t for t in TARGETS if t.name == "rv32-zve")
LENGTHS = (64, 256)  # of vectors, in bits; the matrix runs 128
SHAPES = 20  # of each op and type


def of_length(bits: int) -> Microcontroller:
    options = tuple(o.replace("vlen=128", f"vlen={bits}") for o in CORE.simulator_options)
    assert options != CORE.simulator_options or bits == 128
    return replace(CORE, simulator_options=options)


def assert_equal(cases: list[Case], bits: int, folder: Path) -> Counter[str]:
    """How many cases each kernel of vectors ran, on a core of this length."""
    (programs := folder / "programs").mkdir()
    found, ran = run_cases(cases, of_length(bits), folder, on_board(of_length(bits), programs)), Counter[str]()
    for case in cases:
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case))
        for net in nets([case], CORE):
            ran.update(c.kernel.symbol for c in net.selection.chosen.values() if c.path.parent == ZVE)
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
    return ran


OPS = ("add", "average_pool2d", "conv2d", "dense", "depthwise_conv2d", "max_pool2d")


@pytest.mark.parametrize("bits", LENGTHS)
def test_the_length_of_vectors_changes_nothing(bits: int, tmp_path: Path) -> None:
    names = ("add_s8_tflite", "dense_s8_small_sums", "dense_f16_fma_many", "conv2d_s8_odd", "depthwise_conv2d_s8_narrow")
    assert_equal([c for c in all_cases() if c.name in names], bits, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("bits", LENGTHS)
@pytest.mark.parametrize("op", OPS)
def test_every_case_on_every_length(op: str, bits: int, tmp_path: Path) -> None:
    assert_equal([c for c in all_cases() if c.op == op], bits, tmp_path)


def convolutions(rng: np.random.Generator) -> Iterator[Case]:
    for i in range(SHAPES):
        k_h, k_w, stride = (int(n) for n in rng.integers(1, 4, 3))
        h, w, channels, outputs = (int(n) for n in rng.integers((4, 4, 1, 1), (9, 9, 9, 80)))
        top, left, bottom, right = (int(n) for n in rng.integers(0, 2, 4))
        k_h, k_w, stride = (k_h, k_w, stride) if i % 4 else (1, 1, 1)
        x, taps = (1, h, w, channels), (outputs, k_h, k_w, channels)
        requant = Requant(quantized(1.5, 3), Rounding.TFLITE if i % 2 else Rounding.HALF_UP, -128 if i % 3 else 3)
        op = Conv2D((stride, 3 - stride if stride < 3 else 1), pads=(top, left, bottom, right)) if i % 4 else Conv2D()
        yield conv2d.codes(f"conv2d_s8_shape_{i}", x, taps, replace(op, requant=requant), bias=bool(i % 5))
        yield conv2d.floats(f"conv2d_f32_shape_{i}", x, taps, replace(op, clip=Clip(0.0, 6.0) if i % 2 else None), bias=bool(i % 5))
        deep, many, each = DepthwiseConv2D(op.stride, pads=op.pads), (1, h, w, outputs), (k_h, k_w, outputs)
        yield depthwise_conv2d.codes(f"depthwise_conv2d_s8_shape_{i}", many, each, replace(deep, requant=requant), zero=-i)
        yield depthwise_conv2d.floats(f"depthwise_conv2d_f32_shape_{i}", many, each, replace(deep, clip=Clip(0.0)), bias=bool(i % 5))
        yield dense.codes(f"dense_s8_shape_{i}", (i % 5 + 1, h * channels), outputs, requant, per_channel=bool(i % 2))
        yield dense.floats(f"dense_f32_shape_{i}", (i % 5 + 1, h * channels), outputs, Clip(0.0, 6.0) if i % 2 else None)


def in_f16(case: Case) -> Op:
    """A float layer's op with sums in f16."""
    op = case.graph.nodes[0].op
    assert isinstance(op, Conv2D | DepthwiseConv2D | Dense)
    return replace(op, accumulator=F16)


@pytest.mark.long
@pytest.mark.parametrize("op", ["conv2d", "dense", "depthwise_conv2d"])
def test_random_shapes(op: str, tmp_path: Path) -> None:
    cases = [c for c in convolutions(np.random.default_rng(7)) if c.op == op]
    floats = [c for c in cases if "_f32_" in c.name]
    twins = [in_format(c, F16, op) for c in floats for op in (None, in_f16(c))]
    ran = assert_equal([*cases, *twins], 128, tmp_path)
    assert all(ran[f"{op}_{form}_zve"] >= SHAPES for form in ("s8", "f32", "f16", "f16_fma"))


CONV, PIXELS, DENSE, DEPTHWISE = "conv2d_s8_zve", "conv2d_s8_zve_pixels", "dense_s8_zve", "depthwise_conv2d_s8_zve"
ADD, MAX, MEAN = "add_s8_zve", "max_pool2d_s8_zve", "average_pool2d_s8_zve"
FMA, WIDE, F32_CONV = "conv2d_f16_fma_zve", "conv2d_f16_zve", "conv2d_f32_zve"
MUTATIONS = [
    Mutation("sign_of_sums_ignored", "layer_zve.h", "if (c->signs) {", "if (0 && c->signs) {", "dense_s8_ties_tflite", DENSE),
    Mutation("shift_rounded_twice", "layer_zve.h", "shift, __RISCV_VXRM_RDN", "shift, __RISCV_VXRM_RNU", "dense_s8_per_channel", DENSE),
    Mutation("high_word_cut", "layer_zve.h", "(sum, mul, __RISCV_VXRM_RNU", "(sum, mul, __RISCV_VXRM_RDN", "dense_s8_ties_tflite", DENSE),
    Mutation("lost_last_input", "layer_zve.h", "sum = __riscv_vle32_v_i32m8(t->start + first, vl);",
             "sum = __riscv_vle32_v_i32m8(t->start + first, vl); count -= count > 2;", "dense_s8_long_tail", DENSE),
    Mutation("no_upper_bound", "layer_zve.h", "codes = __riscv_vmin_vx_i8m2(codes, (int8_t)c->hi, vl);", "", "dense_s8_long_tail", DENSE),
    Mutation("rows_as_one", "layer_zve.h", "(sum1, x1[i]", "(sum1, x1 == x0 ? x1[i] : x0[i]", "dense_s8_rows", DENSE),
    Mutation("multipliers_of_the_first_channels", "layer_zve.h", "t->mul + first", "t->mul", "dense_s8_small_sums", DENSE),
    Mutation("padding_of_code_zero", "windows_zve.h", "(int8_t)zero", "(int8_t)(zero & 0)", "conv2d_s8_odd", CONV),
    Mutation("flipped_padding", "conv2d_zve.h", "g->stride_h - g->pad_top", "g->stride_h - g->pad_left", "conv2d_s8_odd_padding", CONV),
    Mutation("lost_last_pixels", "conv2d_zve.h", "held == 3 || pixel == last", "held == 3 || pixel > last", "conv2d_s8_odd_padding", CONV),
    Mutation("dilation_ignored", "windows_zve.h", "(left + j * g->dilation_w)", "(left + j)", "conv2d_s8_dilated", CONV),
    Mutation("third_pixel_as_second", "conv2d_zve.h", "x + third * g->in_c", "x + second * g->in_c", "conv2d_s8_pixels", PIXELS),
    Mutation("zero_point_ignored", "depthwise_conv2d_zve.h", "(int8_t)p->x_zero", "0", "depthwise_conv2d_s8_same", DEPTHWISE),
    Mutation("taps_of_the_first_column", "depthwise_conv2d_zve.h", "(i * g->k_w + at->columns.first)", "(i * g->k_w)",
             "depthwise_conv2d_s8_same", DEPTHWISE),
    Mutation("channels_of_the_first_vector", "depthwise_conv2d_zve.h", "g->in_pixel + first;", "g->in_pixel;",
             "depthwise_conv2d_s8_vectors", DEPTHWISE),
    Mutation("swapped_zero_points", "add_zve.h", "scaled(a, p->x_zero", "scaled(a, p->y_zero", "add_s8_half_up_04", ADD),
    Mutation("ties_of_negative_sums", "add_zve.h", "p->lo >= p->out_zero", "1", "add_s8_ties", ADD),
    Mutation("largest_of_positive_codes", "max_pool2d_zve.h", "(INT8_MIN, vl)", "(0, vl)", "max_pool2d_s8_plain", MAX),
    Mutation("half_up_for_half_away", "average_pool2d_zve.h", "rounding == ROUND_HALF_AWAY", "0", "average_pool2d_s8_half_away", MEAN),
    Mutation("skipped_bias", "floats_zve.h", "if (e->biased) {", "if (0 && e->biased) {", "conv2d_f16_fma_tall", FMA),
    Mutation("a_bound_for_nan", "floats_zve.h", "__riscv_vmflt_vf_f16m4_b4(sum, (_Float16)e->lo, vl)",
             "__riscv_vmnot_m_b4(__riscv_vmfgt_vf_f16m4_b4(sum, (_Float16)e->lo, vl), vl)", "dense_f16_fma_many", "dense_f16_fma_zve"),
    Mutation("two_roundings_for_one", "floats_zve.h", "__riscv_vfmacc_vf_f16m4(sum, x, w, vl)",
             "__riscv_vfadd_vv_f16m4(sum, __riscv_vfmul_vf_f16m4(w, x, vl), vl)", "dense_f16_fma_midpoints", "dense_f16_fma_zve"),
    Mutation("one_rounding_for_two", "floats_zve.h", "__riscv_vfadd_vv_f32m8(sum, __riscv_vfmul_vf_f32m8(w, x, vl), vl)",
             "__riscv_vfmacc_vf_f32m8(sum, x, w, vl)", "conv2d_f32_tall", F32_CONV),
    Mutation("weights_of_the_padding", "conv2d_floats_zve.h", "(at.rows.first * g->k_w + at.columns.first) * g->in_c,", "0,",
             "conv2d_f16_tall", WIDE),
    Mutation("pixels_as_one", "conv2d_floats_zve.h", "(sum1, *x1++,", "(sum1, *(x1++ - second * at->next),", "conv2d_f16_fma_wide", FMA),
    Mutation("run_of_the_next_row", "conv2d_floats_zve.h", "g->dilation_h * g->in_row - at->count", "g->in_row - at->count",
             "conv2d_f16_fma_wide", FMA),
    Mutation("pixel_beyond_the_padding", "conv2d_floats_zve.h", "columns == g->k_w\n", "columns > 0\n", "conv2d_f16_fma_tall", FMA),
]  # fmt: skip
USUAL = ("sign_of_sums_ignored", "padding_of_code_zero", "swapped_zero_points", "two_roundings_for_one", "pixels_as_one")


@pytest.mark.parametrize("mutation", [pytest.param(m, marks=[] if m.name in USUAL else [pytest.mark.long], id=m.name) for m in MUTATIONS])
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert noticed(mutation, ZVE.glob("*.h"), CORE, tmp_path, programs)
