"""Values within others: which cost nothing, and that plans hold them where they are read."""
from __future__ import annotations

from dataclasses import replace

import pytest

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import F32, Graph, QType, Type
from tapeout.compiler.memory import Demands, check, plan
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.views import views
from tests.models import Layers

ROWS = (1, 8, 2, 4)


def rows(begin: int, size: int, copied: bool = False) -> Slice:
    return Slice((0, begin, 0, 0), (1, size, 2, 4), (1, 1, 1, 1), copied)


@pytest.mark.parametrize(
    ("op", "begin"),
    [
        (rows(3, 2), 24), (rows(0, 8), 0), (rows(3, 2, copied=True), None),
        (Slice((0, 0, 1, 0), (1, 8, 1, 4), (1, 1, 1, 1)), None), (Slice((0, 6, 0, 0), (1, 3, 2, 4), (1, -2, 1, 1)), None),
        (Slice((0, 1, 1, 0), (1, 1, 1, 4), (1, 1, 1, 1)), None), (Reshape((4, 16)), 0),
    ],
    ids=["rows", "all", "copied", "columns", "steps", "two axes", "reshape"],
)  # fmt: skip
def test_where_a_part_begins(op: Slice | Reshape, begin: int | None) -> None:
    assert op.view((Type(ROWS, QType()),)) == begin
    wider = op.view((Type(ROWS, F32),))
    assert wider == (begin if begin is None else 4 * begin)


def test_packed_rows_are_no_views() -> None:
    packed = QType(4, packed=True)
    assert Slice((0, 0), (1, 4), (1, 1)).view((Type((2, 4), packed),)) is None
    assert Concat(0).joins((Type((2, 4), packed), Type((2, 4), packed))) is None


def net(axis: int = 1, width: int = 4) -> Layers:
    layers = Layers("net", integers=True)
    layers.input("x", (1, 8, 2, width))
    for name in ("a", "b"):
        layers.build.add(Clip(-10, 10), ["x"], name)
    layers.build.add(Concat(axis), ["a", "b"], "joined")
    return layers


def test_parts_are_computed_where_they_are_joined() -> None:
    graph = net().graph("joined")
    found = views(graph)
    assert (dict(found.hosts), found.free) == ({"a": ("joined", 0), "b": ("joined", 64)}, frozenset({"joined"}))
    placed = plan(graph)
    assert placed.arena_bytes == 128 + 64
    assert placed.offset("b") - placed.offset("joined") == 64
    check(placed, graph)


@pytest.mark.parametrize("why", ["channels", "an input", "twice", "a reshape", "between words"])
def test_what_is_joined_by_a_copy(why: str) -> None:
    layers = net(3 if why == "channels" else 1, width=3 if why == "between words" else 4)
    name = "joined"
    if why == "an input":
        name = layers.build.add(Concat(1), ["x", "joined"], "more")
    elif why == "twice":
        name = layers.build.add(Concat(1), ["joined", "joined"], "more")
    elif why == "a reshape":
        flat = layers.build.add(Reshape((1, 16, 2, 4)), ["joined"], "flat")
        name = layers.build.add(Concat(1), [flat, layers.build.add(Clip(0, 9), ["x"], "c")], "more")
    elif why == "between words":
        part = layers.build.add(Slice((0, 0, 0, 0), (1, 3, 2, 3), (1, 1, 1, 1)), ["joined"], "part")
        name = layers.build.add(Concat(1), [part, layers.build.add(Clip(0, 9), ["x"], "c")], "more")
    graph = layers.graph(name)
    assert name not in views(graph).free
    check(plan(graph), graph)


def halves() -> Graph:
    """The lower half of x is overwritten while the upper half is still to be read, part by part of y."""
    layers = Layers("halves", integers=True)
    layers.input("x", ROWS)
    parts = []
    for number in range(2):
        half = layers.build.add(rows(4 * number, 4), ["x"], f"half{number}")
        parts.append(layers.build.add(Clip(-10, 10), [half], f"y{number}"))
    layers.build.add(Concat(1), parts, "y")
    return layers.graph("y")


def test_an_output_takes_over_what_it_is_computed_from_part_by_part() -> None:
    graph = halves()
    found = plan(graph)
    assert found.arena_bytes == 64 and found.find("x") == found.find("y1")
    check(found, graph)
    assert plan(graph, Demands(inputs=Inputs.KEPT)).arena_bytes == 128
    outside = plan(graph, Demands(inputs=Inputs.CALLER))
    assert outside.arena_bytes == 64 and not outside.holds("x") and not outside.holds("half1")
    check(outside, graph, Demands(inputs=Inputs.CALLER))


def test_a_part_in_another_place_is_noticed() -> None:
    """The check of a plan follows each byte, whatever made the plan."""
    graph = halves()
    found = plan(graph)
    (buffer,) = found.buffers
    begins = dict(zip(buffer.values, buffer.begins, strict=True))
    swapped = tuple({**begins, "y0": begins["y1"], "y1": begins["y0"]}[v] for v in buffer.values)
    with pytest.raises(TapeoutError, match=r"half1 reads half1, which y has overwritten"):
        check(replace(found, buffers=(replace(buffer, begins=swapped),)), graph)
    early = tuple({**begins, "half1": 0}[v] for v in buffer.values)
    with pytest.raises(TapeoutError, match=r"half1 reads half1, which .* has overwritten"):
        check(replace(found, buffers=(replace(buffer, begins=early),)), graph)


def test_rows_that_are_read_again_are_not_overwritten() -> None:
    layers = Layers("again", integers=True)
    layers.input("x", ROWS)
    first = layers.build.add(Clip(-10, 10), [layers.build.add(rows(0, 4), ["x"], "upper")], "y0")
    second = layers.build.add(Clip(-10, 10), [layers.build.add(rows(2, 4), ["x"], "middle")], "y1")
    graph = layers.graph(layers.build.add(Concat(1), [first, second], "y"))
    found = plan(graph)
    assert found.arena_bytes == 128, "y over x would lose rows 2 and 3 of x before y1 reads them"
    check(found, graph)
