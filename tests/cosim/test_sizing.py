"""Queues of designs whose streams fork and join: the least depths by simulation, and the proof that joins go on, each against the other."""
from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import CheckFailed, TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Builder, Graph, QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.window import Window
from tapeout.cosim.verilator.queues import FIFO
from tapeout.cosim.verilator.simulator import Conditions
from tapeout.cosim.verilator.sizing import Limit, Search, prepare
from tapeout.targets.rtl.deadlock import SHALLOW
from tapeout.targets.rtl.depths import parse_depths
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tapeout.targets.rtl.library import KERNELS
from tests.cases import make_graph, random_of, rng_for
from tests.targets.rtl_networks import residual

FOLDS = ["2000"]


def turns() -> Graph:
    """Joins that take their inputs by turns: of channels, one of which is pooled, and of lines, one of which is a convolution; a sum of
    what is pooled with strides on both ways, within one with all of it."""
    rng, builder, q = rng_for("turns"), Builder(), QType(4)
    around = Window((3, 3), pads=(1, 1, 1, 1))

    def conv(x: str, outputs: int, kernel: int, made: str) -> str:
        inputs, pad = builder.values[x].type.shape[3], kernel // 2
        builder.constant(f"{made}_w", random_of(rng, (outputs, kernel, kernel, inputs), q), q)
        mul, shift = np.full(outputs, 1, np.int32), np.full(outputs, 5, np.int8)
        stage = [builder.constant(f"{made}_m", mul), builder.constant(f"{made}_s", shift)]
        op = Conv2D(pads=(pad,) * 4, requant=Requant(q, Rounding.HALF_UP, q.min, q.max))
        return builder.add(op, (x, f"{made}_w", "", *stage), made)

    builder.input("x", Type((1, 6, 6, 2), q))
    channels = builder.add(Concat(3), (builder.add(MaxPool2D(around), ("x",), "pool"), "x"), "channels")
    lines = builder.add(Concat(1), (channels, conv(channels, 4, 3, "conv")), "lines")
    half = Window((2, 2), (2, 2))
    first = conv(builder.add(MaxPool2D(half), (lines,), "half"), 4, 3, "deep")
    second = builder.add(MaxPool2D(Window((1, 1), (2, 2))), (lines,), "corner")
    add = Add(SumScaling.of(q, q, q, Rounding.HALF_UP, q.min, q.max))
    inner = builder.add(add, (first, second), "inner")
    builder.add(add, (conv(inner, 4, 3, "last"), builder.add(MaxPool2D(half), (lines,), "again")), "outer")
    return make_graph("turns", builder, ["x"], ["outer"])


@pytest.mark.long
def test_the_proof_holds_for_turns_and_strides(tmp_path: Path) -> None:
    """The least depths that it asks for run to the end, whatever stalls; those by simulation are no less."""
    graph = turns()
    search = prepare(graph, parse_folds(["600"], graph), tmp_path)
    queues = search.watched.simulator.ports.queues
    assert {q.name for q in queues if search.least[q.name] > 1} >= {"channels_in_1", "inner_in_1"}
    assert search.check(search.least) == 5 + 8 * 4
    sizing = search.sizing()
    assert all(sized.depth >= search.least[sized.name] for sized in sizing.queues)
    stopped = search.seen({**search.least, "channels_in_1": search.least["channels_in_1"] - 1}).stopped
    assert "nothing moves any more" in str(stopped)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return residual(4, Rounding.HALF_UP)


@pytest.fixture(scope="module")
def search(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Search:
    return prepare(graph, parse_folds(FOLDS, graph), tmp_path_factory.mktemp("deep"))


def test_the_proof_is_as_sharp_as_the_simulation(search: Search, graph: Graph, tmp_path: Path) -> None:
    """With the beats that it asks for before each join the design runs to its end, with one less it is refused; the first join, one
    of whose branches has nothing but its queue, then stops."""
    depths = {q.name: search.least[q.name] for q in search.watched.simulator.ports.queues}
    assert depths["sum1_in_1"] == 75 and depths["sum2_in_1"] > 1 and depths["conv1"] == 1
    assert search.seen(depths).stopped is None
    for join in ("sum1", "sum2"):
        queue = f"{join}_in_1"
        short = {**depths, queue: depths[queue] - 1}
        with pytest.raises(Unsupported, match=rf"{join}: may wait for ever: the queue before its input 1 \(\w+\) has {short[queue]} beats"):
            write_design(graph, tmp_path, parse_folds(FOLDS, graph), "net", short)
    stopped = search.seen({**depths, "sum1_in_1": 74})
    assert "nothing moves any more" in str(stopped.stopped) and stopped.marks["sum1_in_1"].left == 74
    with pytest.raises(CheckFailed, match=r"with s_axis_x held back, .* beats are left in .*sum1_in_1 \(74 of 74\)"):
        search.check({**depths, "sum1_in_1": 74})


def test_least_depths_keep_the_pace_and_one_less_does_not(search: Search) -> None:
    sizing = search.sizing()
    assert sizing.patterns == 21
    found = {queue.name: queue for queue in sizing.queues}
    assert {name: q.depth for name, q in found.items() if q.depth > 1} == {"sum1_in_1": 103, "sum2_in_1": 34, "conv2": 2, "past": 2}
    for queue in ("sum1_in_1", "sum2_in_1"):
        sized, depths = found[queue], {name: q.depth for name, q in found.items()}
        assert sized.limit is Limit.PACE and sized.interval and sized.interval > sizing.interval
        slower = search.interval({**depths, queue: sized.depth - 1})
        assert slower and slower > sizing.interval
    assert search.interval({name: q.depth for name, q in found.items()}) == sizing.interval
    now, usual = sizing.bits()
    assert now < usual // 2


def test_a_pattern_of_stalls_that_differs_is_named(search: Search) -> None:
    wrong = {name: array + 1 for name, array in search.reference.items()}
    broken = replace(search)
    broken.reference = wrong
    with pytest.raises(CheckFailed, match="with s_axis_x held back, output y differs from the reference"):
        broken.check({})


def test_held_ports_wait_until_all_is_full(search: Search) -> None:
    """So that beats of many frames stand in the last queue."""
    assert search.seen({}).marks["y"].most == 1
    assert search.seen({}, Conditions(held=("m_axis_y",))).marks["y"].most >= 3 * 3


def test_depths_are_told() -> None:
    assert parse_depths(["conv1=4", "sum1_in_1=83"]) == {"conv1": 4, "sum1_in_1": 83}
    for texts, said in ((["exact", "a=1"], "write exact alone"), (["a=0"], "write exact alone"), (["a=1", "a=2"], "given twice")):
        with pytest.raises(TapeoutError, match=said):
            parse_depths(texts)


def test_the_depth_of_a_queue_that_there_is_not_is_refused(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match="--fifo nothing: there is no such queue; there are conv1, conv2, "):
        write_design(graph, tmp_path, parse_folds(FOLDS, graph), "net", {"nothing": 3})


@pytest.mark.parametrize("queue", [KERNELS / "fifo.sv", FIFO], ids=("of a design", "for a look inside"))
def test_queues_agree_on_which_are_shallow(queue: Path) -> None:
    found = re.search(r"localparam int(?: unsigned)? SHALLOW = (\d+);", queue.read_text())
    assert found and int(found[1]) == SHALLOW
