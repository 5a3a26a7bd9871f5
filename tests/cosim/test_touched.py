"""The bytes that a run writes are those of the plan, and the measurement sees when they are not."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.buffers import Buffer
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.cosim.host import Host
from tapeout.cosim.layout import GUARD, apart, framed, locate
from tapeout.cosim.touched import Stretch, Touched, touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets.compiled import Compiled

from .nets import compiled, convolutions, mutate, two_heads, with_buffer

STORE = "y[row * g->out_row + column * g->out_pixel + o] ="


@pytest.fixture
def model(tmp_path: Path) -> Compiled:
    return compiled(convolutions(), tmp_path / "net")


def measure(model: Compiled) -> Touched:
    return touched(Host(), model, random_inputs(model.graph, 1, seed=3))


@pytest.mark.parametrize("graph", [convolutions, two_heads])
def test_written_is_planned(graph: Callable[[], Graph], tmp_path: Path) -> None:
    model = compiled(graph(), tmp_path / "net")
    found = measure(model)
    assert found.holds
    assert found.end == max(b.offset + b.bytes for b in model.plan.buffers)
    assert found.text() == f"{found.bytes} bytes written, as planned"


def test_a_byte_too_many_is_extra(model: Compiled) -> None:
    mutate(model, STORE, STORE.replace("+ o]", "+ o + 1]"))
    found = measure(model)
    assert Stretch(1, "1 byte after y0") in found.extra
    assert not found.holds


def test_a_write_before_the_arena_is_extra(model: Compiled) -> None:
    first = min(model.plan.buffers, key=lambda b: (b.offset, b.first))
    assert first.offset == 0
    mutate(model, STORE, f"y[-4] = 7; {STORE}")
    assert any(f.where == f"4 bytes before {first.name}" for f in measure(model).extra)


def test_a_tensor_that_is_not_filled_is_missing(model: Compiled) -> None:
    mutate(model, STORE, f"if (g->in_c == 4 && row == 0 && column == 0) {{ continue; }} {STORE}")
    found = measure(model)
    assert found.missing == (Stretch(3, "byte 0 of y2"),)
    assert found.unset == ("y2",)
    assert "3 bytes planned but not written: byte 0 of y2" in found.text()
    assert "output y2 depends on what the arena held before the run" in found.text()


def test_a_hole_that_another_buffer_covers_is_missing(model: Compiled) -> None:
    y0, y2 = model.plan.find("y0"), model.plan.find("y2")
    assert y2.offset == y0.offset, "the two share memory"
    mutate(model, STORE, f"if (g->in_c == 3 && row == 0 && column == 0) {{ continue; }} {STORE}")
    assert measure(model).missing == (Stretch(5, "byte 0 of y0"),)


def test_a_scratch_that_is_not_used_is_missing(model: Compiled) -> None:
    plan = model.plan
    scratch = Buffer("y1.scratch", (), 32, 1, 1, plan.arena_bytes)
    larger = replace(plan, buffers=(*plan.buffers, scratch), arena_bytes=plan.arena_bytes + 32)
    assert measure(replace(model, plan=larger)).missing == (Stretch(32, "byte 0 of y1.scratch"),)


def test_a_buffer_that_is_planned_too_small_is_seen(model: Compiled) -> None:
    largest = max(model.plan.buffers, key=lambda b: b.offset + b.bytes)
    found = measure(with_buffer(model, largest.name, lambda b: replace(b, bytes=b.bytes - 4)))
    assert found.extra == (Stretch(4, f"1 byte after {largest.name}"),)


def test_without_samples_nothing_is_measured(model: Compiled) -> None:
    with pytest.raises(TapeoutError, match="at least one sample"):
        touched(Host(), model, random_inputs(model.graph, 0, seed=3))


def test_layouts(model: Compiled) -> None:
    plan = model.plan
    spread = sorted(apart(plan).buffers, key=lambda b: b.offset)
    ends = [0, *(b.offset + b.bytes for b in spread)]
    starts = [*(b.offset for b in spread), apart(plan).arena_bytes]
    assert all(start - end >= GUARD for start, end in zip(starts, ends, strict=True))
    assert all(b.offset % 16 == 0 for b in spread)
    assert [b.offset - GUARD for b in framed(plan).buffers] == [b.offset for b in plan.buffers]
    assert framed(plan).arena_bytes == plan.arena_bytes + 2 * GUARD


def test_places_in_words(model: Compiled) -> None:
    plan = apart(model.plan)
    y1 = plan.find("y1")
    assert locate(plan, y1.offset - 3) == "3 bytes before y1"
    assert locate(plan, y1.offset + 2, 1) == "byte 2 of y1"
    assert locate(plan, y1.offset + 2, 0) == "byte 2 of y1, which is live at nodes 1 to 2 only"
    assert locate(replace(plan, buffers=()), 7) == "byte 7 of the arena"
