"""Layers unrolled into adder graphs: the graphs, their modules in every format and output stage, mistakes in them, what is refused."""
from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Builder, Graph, QType, Type
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.verilator.netlist import build_netlist
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.hardware import DesignOptions
from tapeout.targets.rtl.adder_graph import AdderGraph, Range, adder_graph
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.hardware import HARDWARE
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import KERNELS
from tapeout.targets.rtl.unroll import levels_for, unroll
from tests.cases import Case, all_cases, make_graph, rng_for

from .rtl_cases import FEW_BITS
from .rtl_matrix import Matrix, matrix
from .test_rtl import check, jet_tagger, random_and_corners, types

ROUNDINGS = (Rounding.FLOOR, Rounding.HALF_UP, Rounding.HALF_AWAY, Rounding.HALF_EVEN)


def rounded(rounding: Rounding, y: QType, lo: int, hi: int) -> Case:
    """A layer of 5 codes of 4 bits to 7, whose sums are eighths and sixteenths of an output code; an output of zeros, one of one input."""
    name = f"dense_rounded_{rounding.value}_{y.code}_{y.zero[0]}"
    rng, builder = rng_for(name), Builder()
    builder.input("x", Type((2, 5), QType(4, True, (1.0,), (1,))))
    weights = rng.integers(-7, 8, (7, 5))
    weights[1], weights[2] = 0, (0, 0, -4, 0, 0)
    builder.constant("w", weights.astype(np.int8), QType(4))
    builder.constant("b", np.array([0, 20, 0, -16, 8, 100, -30], np.int32), QType(32))
    builder.constant("m", np.array([8, 8, 8, 8, 8, 4, -8], np.int32))
    builder.constant("s", np.full(7, 6, np.int8))
    builder.add(Dense(Requant(y, rounding, lo, hi)), ("x", "w", "b", "m", "s"), "y")
    return Case(name, make_graph(name, builder, ["x"], ["y"]))


def pointwise() -> Case:
    name, builder = "conv2d_pointwise", Builder()
    builder.input("x", Type((1, 2, 3, 4), QType(3)))
    builder.constant("w", rng_for(name).integers(-4, 4, (3, 1, 1, 4)).astype(np.int8), QType(3))
    builder.add(Conv2D(), ("x", "w", ""), "y")
    return Case(name, make_graph(name, builder, ["x"], ["y"]))


@cache
def all_layers() -> Matrix:
    """Every format and output stage: layers of few bits, roundings at ties with bounds that are reached, not reached, no powers of two."""
    formats = ((QType(6, False), 0, 63), (QType(4, True, (1.0,), (-1,)), -8, 7), (QType(5), -11, 9))
    cases = [rounded(rounding, *each) for rounding in ROUNDINGS for each in formats]
    return matrix([*FEW_BITS, *((case, Fold()) for case in (*cases, pointwise()))])


def simulator(folder: Path, levels: int) -> Simulator:
    """Of all these layers."""
    write_design(all_layers().graph, folder / "design", {}, unrolled=unroll(all_layers().graph, levels))
    return build(folder / "design", types(all_layers().graph), folder / "built", optimize="-O0")


def differing(tested: Matrix, made: Simulator, stalls: float) -> list[str]:
    """The outputs that differ from the reference."""
    outputs, timing = made.run(tested.inputs, stalls, seed=3)
    assert stalls or timing.interval == max(port.stream.beats for port in made.ports.inputs)  # a vector each cycle
    return [name for name, array in tested.reference().items() if not np.array_equal(outputs[name], array)]


@pytest.mark.parametrize("seed", range(6))
def test_adder_graphs_multiply(seed: int) -> None:
    """Weights of all sizes, zeros and ones among them, rows that are equal and opposite; a lost adder, another shift or sign shows."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-(4**seed), 4**seed + 1, (6, 5))
    weights[1], weights[2], weights[3, :4] = 0, -weights[0], 0
    low, high = (0, 15) if seed % 2 else (-8, 7)
    graph = adder_graph(weights, [Range(low, high)] * 5)
    x = np.concatenate([np.full((1, 5), low), np.full((1, 5), high), rng.integers(low, high + 1, (200, 5))])
    assert (graph.multiply(x) == x @ weights.T).all()
    for at, sum in enumerate(graph.sums):
        lost = replace(sum, b=sum.a, subtract=True, shift=0)
        for wrong in (replace(sum, shift=sum.shift + 1), replace(sum, subtract=not sum.subtract), lost):
            mistaken = AdderGraph(graph.inputs, (*graph.sums[:at], wrong, *graph.sums[at + 1 :]), graph.outputs)
            assert (mistaken.multiply(x) != x @ weights.T).any()


def test_ranges_and_widths_hold_what_adders_compute() -> None:
    """Also in the few bits that are read of each, when sums wrap."""
    rng = np.random.default_rng(0)
    weights = rng.integers(-9, 10, (4, 6))
    graph = adder_graph(weights, [Range(-8, 7)] * 6)
    assert max(graph.levels) <= 8 and graph.bits < 4 * 6 * 2 * 9
    for number, output in enumerate(graph.outputs):
        assert output.value is not None
        reach = graph.ranges[output.value]
        exact = (weights[number] * np.where(weights[number] > 0, 7, -8)).sum() * (-1 if output.negative else 1)
        assert exact in (reach.low << output.shift, reach.high << output.shift)
    narrow = graph.widths([3] * 4)
    assert max(narrow) <= 3 and graph.widths([40] * 4) != narrow


def test_layers_of_few_bits_equal_the_reference(tmp_path: Path) -> None:
    """In every output stage; linted; a vector each cycle when nothing stalls."""
    made = simulator(tmp_path, 2)
    assert differing(all_layers(), made, 0.0) == differing(all_layers(), made, 0.6) == []


@pytest.mark.long
@pytest.mark.parametrize("levels", [1, 3, 50])
def test_stages_of_any_length(levels: int, tmp_path: Path) -> None:
    made = simulator(tmp_path, levels)
    assert differing(all_layers(), made, 0.0) == differing(all_layers(), made, 0.9) == []


WHOLE, EVEN, AWAY = FEW_BITS[5][0], rounded(Rounding.HALF_EVEN, QType(4, False), 0, 15), rounded(Rounding.HALF_AWAY, QType(4), -8, 7)
COUNTED, BITS = FEW_BITS[13][0], FEW_BITS[9][0]  # both with channels of either direction
MUTATIONS = {  # a layer that shows it, a pattern of its module or of the module that it names, and what stands there by mistake
    "adder_lost": (WHOLE, "", r"(wire .* v\d+ = \S+) [+] .*;", r"\1;"),
    "difference_lost": (WHOLE, "", r"(wire .* v\d+ = \S+) - .*;", r"\1;"),
    "shift_off_by_one": (WHOLE, "", r"(wire .* v\d+ = .*) << 1\)", r"\1 << 2)"),
    "sign_of_a_sum": (AWAY, "", r"(wire .* s\d+ = \S+) - ", r"\1 + "),
    "bias_lost": (WHOLE, "", r"(wire .* s\d+ = )\S+ [+]", r"\1"),
    "register_left_out": (WHOLE, "", r"'\(v(\d+)_1\)", r"'(v\1)"),
    "outputs_swapped": (EVEN, "", r"\(y0_(\d)\)", r"(y4_\1)"),
    "tie_not_seen": (EVEN, "round_clip", r"floor\[0\] & ~tie", "floor[0]"),
    "tie_above_0": (AWAY, "round_clip", r"tie & \(floor <= 0\)", "tie"),
    "not_clipped": (EVEN, "round_clip", r"CLIP_HIGH & over", "1'b0"),
    "clipped_below_0": (AWAY, "round_clip", r"~rounded\[WIDE-1\] & \|rounded", "|rounded"),
    "threshold_lost": (COUNTED, "count_reached", r"int k = 0; k < LEVELS", "int k = 1; k < LEVELS"),
    "falling_threshold_rises": (BITS, "count_reached", r"FALLING \? wide <=", "FALLING ? wide >="),
}  # fmt: skip
HANDSHAKES = {"stage_not_held": (r"if \(step\) begin", "begin"), "frame_lost": (r"~out_valid \| out_ready", "1'b1")}


def mistaken(text: str, pattern: str, other: str) -> str:
    changed, count = re.subn(pattern, other, text, count=1)
    assert count, "the module has changed; so must this mutation"
    return changed


@pytest.mark.long
def test_mutations_are_caught(tmp_path: Path) -> None:
    """All side by side in one simulator, each in a layer of its own."""
    tested = matrix((replace(case, name=name), Fold()) for name, (case, *_) in MUTATIONS.items())
    made = unroll(tested.graph, 2)
    for name, (_, module, pattern, other) in MUTATIONS.items():
        (node,) = (node for node in made if node.startswith(f"{name}_1x1__"))
        source = made[node].source
        changed = source.replace(f" {module} #(", f" {name} #(") if module else mistaken(source, pattern, other)
        made[node] = replace(made[node], source=changed)
    write_design(tested.graph, tmp_path / "design", {}, unrolled=made)
    for name, (_, module, pattern, other) in MUTATIONS.items():
        if module:
            text = mistaken((KERNELS / f"{module}.sv").read_text(), pattern, other)
            (tmp_path / "design" / f"{name}.sv").write_text(text.replace(f"module {module} ", f"module {name} "))
    simulated = build(tmp_path / "design", types(tested.graph), tmp_path / "built", options=("-Wall", "-Wno-fatal"), optimize="-O0")
    assert {output.partition("_1x1__")[0] for output in differing(tested, simulated, 0.0)} == set(MUTATIONS)


@pytest.mark.long
@pytest.mark.parametrize("name", HANDSHAKES)
def test_mistaken_handshakes_are_caught(name: str, tmp_path: Path) -> None:
    """By a difference, or by the test bench, which checks the rules of streams."""
    tested = matrix([(WHOLE, Fold())])
    made = {node: replace(one, source=mistaken(one.source, *HANDSHAKES[name])) for node, one in unroll(tested.graph, 2).items()}
    write_design(tested.graph, tmp_path / "design", {}, unrolled=made)
    simulated = build(tmp_path / "design", types(tested.graph), tmp_path / "built", options=("-Wall", "-Wno-fatal"), optimize="-O0")
    with contextlib.suppress(EngineFailed):
        assert differing(tested, simulated, 0.6)


def layer(weights: Array, requant: Requant | None = None, muls: Sequence[int] = (), bits: int = 4) -> Graph:
    builder = Builder()
    builder.input("x", Type((1, weights.shape[1]), QType(bits)))
    inputs = ["x", builder.constant("w", weights.astype(np.int8), QType(8)), ""]
    if requant:
        inputs += [builder.constant("m", np.array(muls, np.int32)), builder.constant("s", np.full(len(muls), 30, np.int8))]
    builder.add(Dense(requant), inputs, "y")
    return make_graph("net", builder, ["x"], ["y"])


def test_the_module_of_a_layer_reads_as_what_it_computes(tmp_path: Path) -> None:
    """Each line a sum; a power of two is wiring; what two outputs have in common is computed once; an output may be a negated sum."""
    graph = layer(np.array([[3, 1, 0], [3, 1, 4]]))
    ports = write_design(graph, tmp_path, {}, unrolled=unroll(graph, 2))
    text = (tmp_path / "y_unrolled.sv").read_text()
    sums = re.findall(r"^  wire .* ([vs]\d+ = .*);$", text, re.MULTILINE)
    assert sums == [
        "v3 = $unsigned(5'(x0)) - 5'(x1)", "v4 = $unsigned(7'(v3)) - (7'(x0) << 2)", "v5 = $unsigned(7'(v4_1)) - (7'(x2_1) << 2)",
        "s0 = 6'd0 - 6'(v4_1)", "s1 = 7'd0 - 7'(v5)",
    ]  # fmt: skip
    assert "// y: 3 codes by constant weights to 2 codes, a vector each cycle: 3 adders" in text
    assert ports.interval == 1 and ports.inputs[0].stream.lanes == 3 and "fifo" not in (tmp_path / "net.sv").read_text()


def test_stages_follow_the_clock() -> None:
    assert [levels_for(ns) for ns in (None, 3.0, 8.1, 10.0, 20.0)] == [1, 1, 1, 2, 7]


def test_what_cannot_be_unrolled_is_refused() -> None:
    pool = next(case.graph for case in all_cases() if case.name == "max_pool2d_s8_plain")
    with pytest.raises(Unsupported, match="y0: --strategy distributed-arithmetic unrolls dense layers and pointwise convolutions, not m"):
        unroll(pool, 2)
    scaled = layer(np.array([[3, 5]]), Requant(QType(8)), [1234567891])
    with pytest.raises(Unsupported, match="y: its scales are no powers of two; quantize with --recipe 'fixed<W,I>', or leave out --strat"):
        unroll(scaled, 2)
    large = layer(np.full((100, 100), 85))
    with pytest.raises(Unsupported, match="y: too large to unroll, its weights have 40000 signed digits other than 0, and "):
        unroll(large, 2)


def test_options_that_do_not_go_together() -> None:
    (rtl,) = HARDWARE
    for options, said in (
        (DesignOptions(strategy="latency"), "--strategy latency: target rtl takes distributed-arithmetic"),
        (DesignOptions(strategy="distributed-arithmetic", fold=("256",)), "has no multipliers to share; leave out --fold"),
        (DesignOptions(clock_ns=5.0), "--clock-ns: target rtl takes it with --strategy distributed-arithmetic"),
    ):
        with pytest.raises(TapeoutError, match=said):
            rtl.check(options)


@pytest.mark.long
def test_jet_tagger_equals_the_reference(zoo: Path, tmp_path: Path) -> None:
    """On 10,000 inputs, a frame each cycle; the netlist on 1,000."""
    graph = jet_tagger(zoo)
    write_design(graph, tmp_path / "jet", {}, "jet", unrolled=unroll(graph, 1))
    made = build(tmp_path / "jet", types(graph), tmp_path / "built", optimize="-O1")
    inputs = {graph.input_names[0]: random_and_corners(10000)}
    check(made, graph, inputs, 0.0)
    check(made, graph, inputs, 0.7)
    assert made.run(inputs)[1].interval == 1
    few = {graph.input_names[0]: random_and_corners(1000)}
    check(build_netlist(tmp_path / "jet", types(graph), tmp_path / "netlist"), graph, few, 0.3)
