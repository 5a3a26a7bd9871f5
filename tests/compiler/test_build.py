"""The list of passes: in order, verified, and stoppable behind each."""
from __future__ import annotations

import pytest

from tapeout.compiler import build, text
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, QType
from tapeout.compiler.memory import check, plan
from tests.models import MODELS, assert_same_outputs, samples


@pytest.mark.parametrize("name", MODELS)
def test_lowering_keeps_every_output_byte(name: str) -> None:
    before = MODELS[name]()
    after = build.lower(before)
    assert_same_outputs(before, after, samples(before))
    assert after.outputs == before.outputs
    check(plan(after), after)
    assert all(not isinstance(v.type.q, QType) or v.type.q.bits <= 8 for v in after.values.values() if not v.constant)


@pytest.mark.parametrize("name", MODELS)
def test_lowering_twice_changes_nothing(name: str) -> None:
    once = build.lower(MODELS[name]())
    assert text.format(build.lower(once)) == text.format(once)


def test_every_pass_is_named_after_its_file_and_dumped_in_order() -> None:
    assert all(p.__module__.endswith(f".passes.{p.__name__}") for p in build.PASSES)
    dumped: list[str] = []
    build.lower(MODELS["residual_s8"](), dump=lambda name, graph: dumped.append(name))
    assert dumped == [p.__name__ for p in build.PASSES]


def test_lowering_stops_behind_a_pass() -> None:
    dumped: dict[str, Graph] = {}
    build.lower(MODELS["residual_s8"](), dump=dumped.__setitem__)
    for name, graph in dumped.items():
        assert text.format(build.lower(MODELS["residual_s8"](), after=name)) == text.format(graph)


def test_an_unknown_pass_lists_the_known_ones() -> None:
    with pytest.raises(TapeoutError, match="no pass fuse; the passes are, in order: remove_dead_nodes, .*, check_accumulators$"):
        build.lower(MODELS["residual_s8"](), after="fuse")


def test_a_pass_that_breaks_the_graph_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop_first_node(graph: Graph) -> Graph:
        return graph.replace(graph.nodes[1:])

    monkeypatch.setattr(build, "PASSES", (drop_first_node,))
    with pytest.raises(TapeoutError, match="which no earlier node computes"):
        build.lower(MODELS["dense_chain_f32"]())


def test_simplify_leaves_quantization_its_sums() -> None:
    graph = MODELS["separable_s8"]()
    assert text.format(build.simplify(graph)) == text.format(build.lower(graph, after=build.CLEAN_UP[-1].__name__))
