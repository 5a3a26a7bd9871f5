"""What no output needs is not run."""
from __future__ import annotations

from dataclasses import replace

from tapeout.compiler.ir import verify
from tapeout.compiler.passes.remove_dead_nodes import remove_dead_nodes
from tests.models import MODELS, assert_same_outputs, samples


def test_nodes_behind_a_removed_output_go() -> None:
    whole = MODELS["dense_chain_s8"]()
    before = replace(whole, outputs=whole.outputs[1:])
    after = verify(remove_dead_nodes(before))
    assert [n.name for n in whole.nodes][-2:] == ["out.sum", "out"]
    assert after.nodes == whole.nodes[:-2]
    assert "out.w" not in after.values
    assert_same_outputs(before, after, samples(before))


def test_a_graph_without_dead_nodes_stays() -> None:
    for make in MODELS.values():
        graph = make()
        assert remove_dead_nodes(graph).nodes == graph.nodes
