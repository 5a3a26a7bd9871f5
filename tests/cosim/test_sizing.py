"""Queues of designs whose streams fork and join: the least depths by simulation, and the proof that joins go on, each against the other."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.errors import CheckFailed, TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph
from tapeout.cosim.verilator.simulator import Conditions
from tapeout.cosim.verilator.sizing import Limit, Search, prepare
from tapeout.targets.rtl.depths import parse_depths
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tests.targets.rtl_networks import residual

FOLDS = ["2000"]


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
    assert {name: q.depth for name, q in found.items() if q.depth > 1} == {"sum1_in_1": 103, "sum2_in_1": 37}
    for queue in ("sum1_in_1", "sum2_in_1"):
        sized, depths = found[queue], {name: q.depth for name, q in found.items()}
        assert sized.limit is Limit.PACE and sized.interval and sized.interval > sizing.interval
        assert search.interval({**depths, queue: sized.depth - 1}) == sized.interval
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
