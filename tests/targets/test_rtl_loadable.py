"""Weights that are loaded at run time: other ones over the register port, and the first ones again; where their words lie."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, Graph, QType
from tapeout.compiler.run import run
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.loadable import MAP, MemoryMap
from tests.cases import all_cases, random_of, rng_for

from .rtl_cases import FEW_BITS
from .rtl_matrix import Matrix, matrix

WINDOWS = ("conv2d_s8_odd_padding", "depthwise_conv2d_s8_multiplier", "depthwise_conv2d_packed_s8_bipolar_bits")


def layers() -> Matrix:
    """Layers of few bits with each output stage, and convolutions."""
    return matrix([*FEW_BITS[:6], *FEW_BITS[9:10], *((case, Fold()) for case in all_cases() if case.name in WINDOWS)])


def other(graph: Graph) -> Graph:
    """The same layers with other weights, biases, thresholds and scales."""
    rng, values = rng_for("other"), dict(graph.values)
    for node in graph.nodes:
        for index, name in enumerate(node.inputs[1:5], 1):
            value = graph.values[name] if name else None
            if value is None or value.data is None:
                continue
            # Others in another order of the channels, so that thresholds stay sorted.
            data = random_of(rng, value.type.shape, value.type.quantized) if index == 1 else value.data[::-1].copy()
            values[name] = replace(value, data=data)
    return replace(graph, values=values)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    folder, cases = tmp_path_factory.mktemp("loadable"), layers()
    write_design(cases.graph, folder / "design", cases.folding, "net", loadable=True)
    types = {name: value.type for name, value in cases.graph.values.items()}
    return build(folder / "design", types, folder / "built", optimize="-O0")


def differing(made: Simulator, graph: Graph, inputs: dict[str, Array], words: list[tuple[int, int]], stalls: float = 0.4) -> list[str]:
    outputs, _ = made.run(inputs, stalls, 3, words)
    return [name for name, array in run(graph, inputs).items() if not np.array_equal(outputs[name], array)]


def test_other_weights_are_loaded_and_the_first_ones_again(made: Simulator) -> None:
    cases = layers()
    graph, second, inputs = cases.graph, other(cases.graph), dict(cases.inputs)
    memory = MemoryMap.load(made.folder)
    first_words, second_words = memory.words(graph), memory.words(second)
    assert len(first_words) == len(second_words) and first_words != second_words
    assert differing(made, graph, inputs, []) == []
    assert differing(made, second, inputs, second_words) == []
    assert set(differing(made, graph, inputs, second_words)) == set(graph.output_names)
    assert differing(made, graph, inputs, [*second_words, *first_words]) == []
    text = (made.folder / "load.txt").read_text().splitlines()
    assert [tuple(int(number, 16) for number in line.split()) for line in text] == first_words


def test_a_wrong_address_is_noticed(made: Simulator) -> None:
    """Of each kind of table, one word further than it should be; beyond all tables the register port says so."""
    cases = layers()
    second, inputs = other(cases.graph), dict(cases.inputs)
    memory = MemoryMap.load(made.folder)
    for kind in ("WEIGHTS", "BIASES", "MULS", "THRESHOLDS"):
        found = next(m for m in memory.memories if m.table == kind and m.words > 2)
        moved = replace(memory, memories=tuple(replace(m, base=m.base + m.stride) if m == found else m for m in memory.memories))
        assert any(name.startswith(found.node.split("__")[0]) for name in differing(made, second, inputs, moved.words(second)))
    with pytest.raises(EngineFailed, match=f"address {4 * memory.size} is refused"):
        made.run(inputs, words=[(4 * memory.size, 0)])
    with pytest.raises(EngineFailed, match="address 2 is refused"):
        made.run(inputs, words=[(2, 0)])


def test_the_map_says_where_tables_are(made: Simulator) -> None:
    memory = MemoryMap.load(made.folder)
    ends = 0
    for table in memory.memories:
        assert table.base >= ends and table.base % table.size == 0 and table.stride * 32 >= table.width
        ends = table.base + table.size
    assert ends == memory.size
    page = (made.folder / MAP).with_suffix(".md").read_text()
    first = memory.memories[0]
    assert f"| `0x000000` | {first.node} | weights | {first.words} | {first.width} | {first.bits} | 1 | {4 * first.stride} |" in page
    assert json.loads((made.folder / MAP).read_text())["size"] == memory.size


def test_weights_that_do_not_fit_are_refused(made: Simulator) -> None:
    graph, memory = layers().graph, MemoryMap.load(made.folder)
    node = graph.nodes[0]

    def with_input(index: int, data: Array, q: QType | None = None) -> Graph:
        value = graph.values[node.inputs[index]]
        type = replace(value.type, q=q) if q else value.type
        return replace(graph, values={**graph.values, value.name: replace(value, data=data, type=type)})

    shape = graph.values[node.inputs[1]].type.shape
    with pytest.raises(Unsupported, match=f"{node.name}: its weights do not fit 2 bits, which the design has"):
        memory.words(with_input(1, np.full(shape, 7, np.int8), QType(4)))
    with pytest.raises(Unsupported, match=f"{node.name}: its biases do not fit"):
        memory.words(with_input(2, np.full(shape[0], 1 << 20, np.int32)))
    with pytest.raises(Unsupported, match=f"{node.name}: its muls do not fit"):
        memory.words(with_input(4, np.full(shape[0], 31, np.int8)))
    with pytest.raises(Unsupported, match="is a node of the design, and none of the network"):
        memory.words(replace(graph, nodes=graph.nodes[1:]))
