"""Which kernel runs a node: by cost among those that an objective allows, or by name."""
from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, QType
from tapeout.compiler.memory import Demands, plan
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.targets import all_targets, find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.selection import Objective, select
from tapeout.targets.target import Kernel, Target
from tests.cases import Input, one_node, quantized, scaling
from tests.cases.conv2d import codes
from tests.models import MODELS

M4, C = find_target("cortex-m4"), find_target("c")
SAME = Conv2D(pads=(1, 1, 1, 1), requant=Requant(quantized(0.2, -5)))


def convolution(size: int = 8, groups: int = 1) -> Graph:
    op = replace(SAME, groups=groups)
    return codes("conv2d_s8_chosen", (1, size, size, 8), (8, 3, 3, 8 // groups), op).graph


@pytest.mark.parametrize(("objective", "symbol"), [
    (Objective.TIME, "conv2d_s8_pairs"), (Objective.SIZE, "conv2d_s8_pairs_bytes"), (Objective.RAM, "conv2d_s8_direct"),
])  # fmt: skip
def test_the_objective_decides(objective: Objective, symbol: str) -> None:
    """A network of one layer has no room for scratch beside its input and output."""
    assert select(M4, convolution(), objective).symbols() == {"y0": symbol}


@pytest.mark.parametrize(("target", "groups"), [(C, 1), (M4, 2)])
def test_what_no_variant_accepts_runs_by_its_own_kernel(target: Target, groups: int) -> None:
    for objective in Objective:
        assert select(target, convolution(groups=groups), objective).symbols() == {"y0": "conv2d_s8"}


@pytest.mark.parametrize("target", [t for t in all_targets() if t.name != "c"], ids=lambda t: t.name)
def test_weights_that_are_computed_are_run_by_the_ops_own_kernel(target: Target) -> None:
    """No variant packs them, nor fails over them."""
    fed = (Input(shape, QType(8)) for shape in ((1, 8, 8, 8), (8, 3, 3, 8)))
    graph = one_node("conv2d_fed", SAME, *fed, None, *scaling([0.01]))
    assert select(target, graph).symbols() == {"y0": "conv2d_s8"}


def test_a_pin_decides() -> None:
    for symbol in ("conv2d_s8", "conv2d_s8_pairs", "conv2d_s8_pairs_bytes"):
        assert select(M4, convolution(), pins={"y0": symbol}).symbols() == {"y0": symbol}


@pytest.mark.parametrize(("graph", "pins", "message"), [
    (convolution(), {"y1": "conv2d_s8"}, "y1: there is no such node to choose a kernel for"),
    (convolution(), {"y0": "dense_s8"},
     "y0: target cortex-m4 has no kernel dense_s8 for it; there are conv2d_s8, conv2d_s8_direct, conv2d_s8_direct_bytes, conv2d_s8_pairs, "
     "conv2d_s8_pairs_bytes"),
    (convolution(groups=2), {"y0": "conv2d_s8_pairs"},
     "y0: kernel conv2d_s8_pairs does not run it: several images, groups or dilated columns"),
])  # fmt: skip
def test_wrong_pins_are_one_line(graph: Graph, pins: dict[str, str], message: str) -> None:
    with pytest.raises(TapeoutError) as error:
        select(M4, graph, pins=pins)
    assert str(error.value) == message


def test_the_cheapest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs alone decide between two that are allowed."""
    graph, real = convolution(), Target.variants

    def costing(one: int, other: int) -> None:
        prices = {"conv2d_s8_pairs": one, "conv2d_s8_pairs_bytes": other}

        def price(cost: int, graph: Graph, node: object) -> int:
            return cost

        def variants(self: Target, graph: Graph, node: object) -> list[tuple[Path, Kernel]]:
            found = real(self, graph, graph.nodes[0])
            return [(path, replace(kernel, cost=partial(price, prices.get(kernel.symbol, 3)))) for path, kernel in found]

        monkeypatch.setattr(Target, "variants", variants)

    costing(1, 2)
    assert select(M4, graph).symbols() == {"y0": "conv2d_s8_pairs"}
    costing(2, 1)
    assert select(M4, graph).symbols() == {"y0": "conv2d_s8_pairs_bytes"}


def test_packed_constants_stand_for_the_nodes_own(tmp_path: Path) -> None:
    compiled = Compiled.write(tmp_path, "net", M4, convolution())
    weights = (tmp_path / "net_weights.h").read_text()
    assert "net_y0_words" in weights and "net_y0_table" in weights and "net_c1" not in weights
    assert compiled.selection.weight_bytes(compiled.graph) == 8 * 16 + 2 * 8 * 9 * 8
    plain = Compiled.write(tmp_path / "plain", "net", M4, convolution(), pins={"y0": "conv2d_s8"})
    assert plain.selection.weight_bytes(plain.graph) == sum(v.type.bytes for v in plain.graph.constants())
    assert "net_c1" in (tmp_path / "plain" / "net_weights.h").read_text()


def test_what_was_chosen_is_read_again(tmp_path: Path) -> None:
    graph = convolution()
    written = Compiled.write(tmp_path, "net", M4, graph, objective=Objective.SIZE)
    loaded = Compiled.load(tmp_path, "net", M4, graph)
    assert loaded.selection.symbols() == written.selection.symbols() == {"y0": "conv2d_s8_pairs_bytes"}
    before, after = (c.selection.packed_data(graph) for c in (written, loaded))
    assert before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    for text in ("{", "[1]", json.dumps({"y0": "dense_s8"})):
        (tmp_path / "kernels.json").write_text(text)
        with pytest.raises(TapeoutError, match=r"kernels.json: damaged .*; compile again$"):
            Compiled.load(tmp_path, "net", M4, graph)


def test_room_for_scratch_is_what_the_peak_leaves() -> None:
    """Where another node needs more memory, a layer may have scratch."""
    for make in MODELS.values():
        graph = make()
        if all(v.type.q.code in ("s8", "s32") for v in graph.values.values()):
            selection = select(M4, graph, Objective.RAM)
            assert plan(graph, Demands(selection.scratch(graph))).lower_bound_bytes == plan(graph).lower_bound_bytes
