"""conv2d_direct: the matrix bites on it, its lead is as small as it can be, and what it refuses."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.ir import Graph
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.targets.cortexm.kernels.dsp.conv2d_direct import accepts, trail
from tests.cases import Case, cases_of, quantized
from tests.cases.conv2d import codes

from . import test_dsp_mutations as dsp
from .mutation import Mutation

DIRECT = "conv2d_direct.h"
MUTATIONS = [
    Mutation("zero_point_left", DIRECT, "sxtab16 r4, %[less], r3", "sxtb16 r4, r3", "conv2d_s8_even"),
    Mutation("zero_point_left_in_one_half", DIRECT, "0x00010001u", "1u", "conv2d_s8_even"),
    Mutation("even_codes_of_the_neighbour", DIRECT, "sxtab16 r4, %[less], r2", "sxtab16 r4, %[less], r3", "conv2d_s8_even"),
    Mutation("not_rotated", DIRECT, "%[less], r3, ror #8", "%[less], r3", "conv2d_s8_even"),
    Mutation("channel_0_twice", DIRECT, "smlad %[b1], r3, r11", "smlad %[b1], r3, r9", "conv2d_s8_even"),
    Mutation("bytes_not_rotated", DIRECT, "sxtb16 r11, r11, ror #8", "sxtb16 r11, r11", "conv2d_s8_even"),
    Mutation("neighbour_at_a_step_of_1", DIRECT, '"i"(g->stride_w * g->in_pixel)', '"i"(g->in_pixel)', "conv2d_s8_pairs_apart"),
    Mutation("lost_loop", DIRECT, "movw r2, #%c[loops]", "movw r2, #%c[loops] - 1", "conv2d_s8_loops"),
    Mutation("lost_rest", DIRECT, ".rept %c[rest]", ".rept 0 * %c[rest]", "conv2d_s8_loops_rest"),
    Mutation("last_block_too_far", DIRECT, "[%[x], #%c[tail] - 4]", "[%[x]]", "conv2d_s8_loops"),
    Mutation("lost_row", DIRECT, '"vmov r2, %[rows]\\n"', '"movs r2, #1\\n"', "conv2d_s8_even"),
    Mutation("undilated_rows", DIRECT, '"r3") = g->dilation_h *', '"r3") =', "conv2d_s8_dilated_rows"),
    Mutation("undilated_rows_of_one_pixel", DIRECT, "step = g->dilation_h * g->in_row", "step = g->in_row", "conv2d_s8_dilated_rows"),
    Mutation("first_bias_twice", DIRECT, "mov %[b1], %[a1]", "mov %[b1], %[a0]", "conv2d_s8_even"),
    Mutation("taps_of_the_padding", DIRECT, "left >= 0 &&", "left >= -1 &&", "conv2d_s8_even"),
    Mutation("taps_behind_the_row", DIRECT, "g->k_w <= g->in_w", "g->k_w <= g->in_w + 1", "conv2d_s8_even"),
    Mutation("first_codes_twice", DIRECT, "codes + i * g->out_c", "codes", "conv2d_s8_even"),
    Mutation("lost_last_of_an_odd_number", DIRECT, "column < g->out_w;) {", "column < g->out_w / 2 * 2;) {", "conv2d_s8_pairs_odd"),
    Mutation("first_weights_at_borders", DIRECT, "w += first / 4", "w += 0 * first / 4", "conv2d_s8_even"),
    Mutation("bytes_of_the_padding", DIRECT, "e >= first && e < last ? x[e]", "e < last ? x[e]", "conv2d_s8_odd"),
    Mutation("bytes_behind_the_row", DIRECT, "e >= first && e < last ? x[e]", "e >= first ? x[e]", "conv2d_s8_odd"),
    Mutation("padding_of_code_zero", DIRECT, ": p->x_zero);", ": 0);", "conv2d_s8_odd"),
    Mutation("last_block_of_one_pixel_too_far", DIRECT, "e < final ? e : final", "e < final ? e : e", "conv2d_s8_odd"),
    Mutation("weights_of_the_first_row", DIRECT, "w + at.rows.first * words, at", "w, at", "conv2d_s8_even"),
    Mutation("first_row_of_x", DIRECT, "direct_pair(p, x + at.rows.first * step", "direct_pair(p, x", "conv2d_s8_even"),
    Mutation("lost_single_row", DIRECT, "two && at.rows.first < at", "two && at.rows.first + 1 < at", "conv2d_s8_windows_of_padding"),
    Mutation("weights_of_the_first_pair", DIRECT, "w += g->k_h * words", "w += 0 * words", "conv2d_s8_even"),
    Mutation("write_behind_the_pixel", DIRECT, "g->out_c % 2 == 0 || o + 1 < g->out_c", "1", "conv2d_s8_odd"),
    Mutation("single_sums", DIRECT, "p->bytes && p->doubled ? 2 : 1", "1", "conv2d_s8_even"),
    Mutation("first_image_again", DIRECT, "window_at(g, row, column)", "window_at(g, row % g->out_h, column)", "conv2d_s8_images"),
    Mutation("codes_among_those_of_the_neighbour", DIRECT, "y + g->out_c + o", "y + g->out_c - 1 + o", "conv2d_s8_even"),
    Mutation("no_clip", DIRECT, "p->lo, p->hi);", "-128, 127);", "conv2d_s8_even"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    dsp.test_a_mistake_is_noticed(mutation, tmp_path, programs)


def steps(graph: Graph) -> list[tuple[set[int], set[int]]]:
    """What the kernel reads and then writes, in bytes of its input and output, pixel by pixel: a neighbour's window is read no later."""
    (node,) = graph.nodes
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[0] and types[1]
    (_, height, width, in_c), (out_c, k_h, k_w, _) = types[0].shape, types[1].shape
    _, out_h, out_w, _ = op.infer(types)[0].shape

    def read(row: int, column: int) -> set[int]:
        down = [row * op.stride[0] - op.pads[0] + i * op.dilation[0] for i in range(k_h)]
        along = [column * op.stride[1] - op.pads[1] + j for j in range(k_w)]
        pixels = [i * width + j for i in down for j in along if 0 <= i < height and 0 <= j < width]
        return {pixel * in_c + c for pixel in pixels for c in range(in_c)}

    found = []
    for row in range(out_h):
        for column in range(out_w):
            found.append((read(row, column), {(row * out_w + column) * out_c + o for o in range(out_c)}))
    return found


def survives(done: list[tuple[set[int], set[int]]], lead: int) -> bool:
    """Whether no byte is read behind its being overwritten."""
    overwritten: set[int] = set()
    for read, written in done:
        if read & overwritten:
            return False
        overwritten |= {b - lead for b in written}
    return True


CODES = [c for c in cases_of("conv2d") if c.name.startswith("conv2d_s8") and accepts(c.graph, c.graph.nodes[0]) is None]


@pytest.mark.parametrize("case", CODES, ids=lambda c: c.name)
def test_no_byte_is_overwritten_before_it_is_read(case: Case) -> None:
    """Several images may not be overwritten, unless they are one row of pixels."""
    (node,) = case.graph.nodes
    lead, (x, w, *_) = trail(node.op, case.graph.types(node)), case.graph.types(node)
    assert x and w
    if lead is None:
        assert x.shape[0] > 1 and w.shape[1:3] != (1, 1)
    elif x.shape[0] == 1:
        assert survives(steps(case.graph), lead)


def test_leads_are_as_small_as_they_can_be() -> None:
    """The output may lie over all but the row above and the pixel to the left of the next one's window."""
    requant = Requant(quantized(0.2, -5))
    graph = codes("conv2d_s8_lead", (1, 9, 8, 4), (4, 3, 3, 4), Conv2D(pads=(1, 1, 1, 1), requant=requant)).graph
    node = graph.nodes[0]
    lead = trail(node.op, graph.types(node))
    assert lead == 8 * 4 + 4 and not survives(steps(graph), lead - 1)


def test_what_it_refuses() -> None:
    op = Conv2D(requant=Requant(quantized(0.2, -5)))

    def reason(x: tuple[int, ...], w: tuple[int, ...], op: Conv2D) -> str | None:
        graph = codes("conv2d_s8_refused", x, w, op).graph
        return accepts(graph, graph.nodes[0])

    assert reason((1, 3, 3, 4), (2, 1, 1, 4), op) is None
    assert reason((1, 3, 3, 3), (2, 1, 1, 3), op) == "kernel rows of less than 4 elements"
    assert reason((1, 3, 3, 4), (2, 1, 1, 2), replace(op, groups=2)) == "groups or dilated columns"
    assert reason((1, 5, 5, 4), (2, 2, 2, 4), replace(op, dilation=(1, 2))) == "groups or dilated columns"
    assert reason((1, 1, 4, 1365), (2, 1, 1, 1365), replace(op, stride=(1, 3))) == "neighbouring windows more than 4092 bytes apart"
