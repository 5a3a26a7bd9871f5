"""The matrix bites on the poolings of four channels at a time."""
from __future__ import annotations

from pathlib import Path

import pytest

from . import test_dsp_mutations as dsp
from .mutation import Mutation

AVERAGE, MAX = "average_pool2d_lanes.h", "max_pool2d_lanes.h"
MANY = "average_pool2d_s8_many_channels"
MUTATIONS = [
    Mutation("sums_without_sign", "lanes.h", "sxtab16(sums->even, codes)", "sums->even + (codes & 0x00ff00ff)", MANY),
    Mutation("channels_in_pairs", AVERAGE, "low_half(sums.odd)", "high_half(sums.even)", MANY),
    Mutation("lost_channels", AVERAGE, "channel = fours; channel < g->in_c;", "channel = fours; channel < g->in_c - 1;", MANY),
    Mutation("padding_of_code_zero", AVERAGE, "(count - inside) * p->x_zero", "(count - inside) * 0", f"{MANY}_counting_pads"),
    Mutation("columns_together", AVERAGE, "tap += g->dilation_w * g->in_pixel", "tap += g->in_pixel", MANY),
    Mutation("smaller_ones", "lanes.h", "sel %0, %1, %2", "sel %0, %2, %1", "max_pool2d_s8_many_channels"),
    Mutation("no_upper_clip", MAX, "p->hi < 127 ?", "p->hi < -127 ?", "max_pool2d_s8_relu_of_many"),
    Mutation("no_lower_clip", MAX, "lanes_of(p->lo)", "lanes_of(-128)", "max_pool2d_s8_relu_of_many"),
    Mutation("lost_rows", MAX, "i * g->dilation_h", "at->rows.first * g->dilation_h", "max_pool2d_s8_many_channels"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    dsp.test_a_mistake_is_noticed(mutation, tmp_path, programs)
