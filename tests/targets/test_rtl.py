"""The target rtl: the top module that is written, folds by hand and solved, what is refused, jet tagger and TFC from end to end."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Builder, Graph, QType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.passes.drop_softmax import drop_softmax
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.passes.quantize_inputs import quantize_inputs
from tapeout.compiler.run import run
from tapeout.cosim.verilator.netlist import build_netlist
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import interval, parse_folds
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.integer_part import integer_part
from tapeout.targets.rtl.synth import find_device, place_and_route, synthesize
from tests.cases import make_graph

FIXED = {"": QType(16, True, (2.0**-10,))}


def types(graph: Graph) -> dict[str, Type]:
    return {name: value.type for name, value in graph.values.items()}


def jet_tagger(zoo: Path) -> Graph:
    model = read(zoo / "qonnx" / "qkeras_jettagging.onnx", {})
    return expose_codes(lower(quantize_inputs(drop_softmax(model), FIXED)))


def random_and_corners(count: int) -> Array:
    """Inputs (count, 1, 16) of 16 bits: a quarter at the corners, a third small."""
    rng = np.random.default_rng(1)
    x = rng.integers(-32768, 32768, (count, 1, 16))
    x[: count // 4] = rng.choice([-32768, 32767, 0, -1, 1], (count // 4, 1, 16))
    x[count // 4 : count // 2] = np.clip(rng.normal(0, 2000, (count // 2 - count // 4, 1, 16)), -32768, 32767)
    return x.astype(np.int16)


def check(simulator: Simulator, graph: Graph, inputs: dict[str, Array], stalls: float) -> None:
    wanted = run(graph, inputs)
    outputs, _ = simulator.run(inputs, stalls, seed=7)
    for name, array in wanted.items():
        assert np.array_equal(outputs[name], array)


@pytest.mark.long
def test_jet_tagger_equals_the_reference(zoo: Path, tmp_path: Path) -> None:
    """On 10,000 inputs; without stalls a frame each 256 cycles, as was asked for. The netlist on 1,000; placed on an ECP5-25k."""
    graph = jet_tagger(zoo)
    folds = parse_folds(["256"], graph)
    assert interval(graph, folds) == 256
    write_design(graph, tmp_path / "jet", folds, "jet")
    made = build(tmp_path / "jet", types(graph), tmp_path / "built")
    inputs = {graph.input_names[0]: random_and_corners(10000)}
    check(made, graph, inputs, 0.0)
    check(made, graph, inputs, 0.8)
    assert made.run(inputs)[1].interval == 256
    few = {graph.input_names[0]: random_and_corners(1000)}
    check(build_netlist(tmp_path / "jet", types(graph), tmp_path / "netlist"), graph, few, 0.3)
    routed = place_and_route(tmp_path / "netlist", find_device("ecp5-25k"))
    assert routed.luts < 2500 and routed.dsps == 17 and routed.brams == 4 and routed.fmax > 90


@pytest.mark.long
@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A"])
def test_tfc_equals_the_reference(zoo: Path, tmp_path: Path, name: str) -> None:
    """On 1,000 digits, whose binarization and last scale are the host's; in fewer than 4,000 tables."""
    whole = lower(read(zoo / "qonnx" / f"{name}.onnx", {}))
    graph = integer_part(whole)
    before = [n for n in whole.nodes if whole.nodes.index(n) <= [m.name for m in whole.nodes].index(graph.input_names[0])]
    with np.load(zoo / "datasets" / "mnist_test10k.npz") as file:
        digits = (file["x"][:1000].astype(np.float32) / 255).reshape(-1, 1, 1, 28, 28)
    codes = run(replace(whole, nodes=tuple(before), outputs=graph.inputs), {whole.input_names[0]: digits})
    write_design(graph, tmp_path / name, parse_folds(["1024"], graph), name)
    made = build(tmp_path / name, types(graph), tmp_path / "built")
    check(made, graph, codes, 0.0)
    check(made, graph, codes, 0.5)
    assert synthesize(tmp_path / name, tmp_path / "netlist").luts < 4000


def small(outputs: int = 6) -> Graph:
    builder = Builder()
    builder.input("x", Type((1, 4), QType(4)))
    builder.constant("w", np.arange(4 * outputs).reshape(outputs, 4).astype(np.int8) % 8 - 4, QType(4))
    builder.add(Dense(), ("x", "w", ""), "y")
    return make_graph("small", builder, ["x"], ["y"])


def test_the_top_module_names_nodes_and_does_no_arithmetic(tmp_path: Path) -> None:
    graph = small()
    ports = write_design(graph, tmp_path, {"y": Fold(2, 4)})
    text = (tmp_path / "small_top.sv").read_text()  # since small is a word of the language
    assert "  // y: dense 1x4 -> 1x6\n" in text and ") u_y (" in text and ".SIMD(4), .PE(2)" in text
    assert ports.inputs[0].name == "s_axis_x" and ports.inputs[0].stream.width == 16 and ports.interval == 3
    assert (tmp_path / "small_top_y_weights.hex").read_text().splitlines()[0] == "688fac"  # -4 .. 3 in 3 bits each, from the right


def test_folds_are_solved_and_given() -> None:
    graph = small()
    assert parse_folds([], graph) == {"y": Fold(1, 1)}
    assert parse_folds(["6"], graph) == {"y": Fold(1, 4)}
    assert parse_folds(["y=3x2"], graph) == {"y": Fold(3, 2)}
    for text, said in (("z=1x1", "there is no layer 'z'; there are y"), ("y=3", "write LAYER=PExSIMD"), ("0", "write LAYER=PExSIMD")):
        with pytest.raises(TapeoutError, match=said):
            parse_folds([text], graph)


def test_what_has_no_hardware_is_refused(tmp_path: Path) -> None:
    graph = small()
    with pytest.raises(Unsupported, match="y: fold 4x1 does not divide 6 outputs by 4 inputs; choose divisors of both"):
        write_design(graph, tmp_path, {"y": Fold(4, 1)})
    with pytest.raises(TapeoutError, match="no device 'x'; there are ecp5-25k, ecp5-85k"):
        find_device("x")


def test_synthesis_counts_cells(tmp_path: Path) -> None:
    write_design(small(), tmp_path / "design", {"y": Fold(1, 4)})
    taken = synthesize(tmp_path / "design", tmp_path / "netlist")
    assert 40 < taken.luts < 400 and 30 < taken.ffs < 300 and taken.brams <= 1
    assert (tmp_path / "netlist" / "netlist.json").is_file()
