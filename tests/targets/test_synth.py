"""Designs on devices: netlists by layer on each family, what a parser must not overlook, estimates, folds within budgets, the command."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.budget import Quantity, parse_budgets
from tapeout.compiler.cli.synth import check_fits
from tapeout.compiler.cli.synthesis_tables import too_much
from tapeout.compiler.design_gates import design_gates
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Builder, Graph, QType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.synthesis import LayerResources, Resources, Routed, Synthesis, Timing, from_document
from tapeout.targets.rtl.device import devices, find_device
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.energy import ACTIVITY, model_energy
from tapeout.targets.rtl.estimate import estimates
from tapeout.targets.rtl.families import counted, find_family
from tapeout.targets.rtl.folding import interval, parse_folds
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.memories import Made, Memory, made
from tapeout.targets.rtl.synth import _clock, _sites, place_and_route, synthesize
from tapeout.targets.rtl.wrapper import wrapper
from tests.cases import make_graph
from tests.test_cli import refused, tapeout

FOLDS = {"hidden": Fold(1, 2), "y": Fold(2, 1)}


def two_layers() -> Graph:
    """4 -> 6 -> 4, in 8 bits by 8."""
    builder, rng = Builder(), np.random.default_rng(0)
    builder.input("x", Type((1, 4), QType(8)))
    constants = [builder.constant("w", rng.integers(-9, 9, (6, 4)).astype(np.int8)), ""]
    constants += [builder.constant("m", np.ones(1, np.int32)), builder.constant("s", np.full(1, 4, np.int8))]
    builder.add(Dense(Requant(QType(8), Rounding.HALF_UP)), ("x", *constants), "hidden")
    builder.add(Dense(), ("hidden", builder.constant("v", rng.integers(-9, 9, (4, 6)).astype(np.int8)), ""), "y")
    return make_graph("two", builder, ["x"], ["y"])


@pytest.mark.parametrize("name", ["ecp5-25k", "ice40-hx8k", "gowin-gw2ar18"])
def test_each_cell_is_of_a_layer(tmp_path: Path, name: str) -> None:
    """Multipliers where the device has them, block RAMs as the rule says, more tables where there are no multipliers."""
    graph, device = two_layers(), find_device(name)
    write_design(graph, tmp_path / "design", FOLDS)
    netlist = synthesize(tmp_path / "design", tmp_path / "netlist", device)
    assert list(netlist.layers) == ["hidden", "y"]
    for row in estimates(graph, FOLDS, device.family):
        used = netlist.layers[row.name]
        assert row.estimated and (used.dsp, used.bram) == (row.estimated.dsp, row.estimated.bram)
        assert used.lut > 40 and used.ff > 30
    assert netlist.total.dsp == (0 if name == "ice40-hx8k" else 4)
    assert (netlist.pins is not None) == (name == "gowin-gw2ar18")


@pytest.mark.long
@pytest.mark.parametrize("name", list(devices()))
def test_each_device_places_and_routes(tmp_path: Path, name: str) -> None:
    write_design(two_layers(), tmp_path / "design", FOLDS)
    synthesize(tmp_path / "design", tmp_path / "netlist", find_device(name))
    routed = place_and_route(tmp_path / "design", tmp_path / "netlist", find_device(name))
    assert 20e6 < routed.fmax_hz < 500e6 and routed.placed.lut > 100 and routed.slowest in FOLDS


def test_a_kind_of_cell_that_is_not_known_is_an_error() -> None:
    """For each kind of each family: a table that lacks it does not count it as nothing."""
    for name in ("ecp5", "ice40", "gowin"):
        cells = find_family(name).cells
        for kind in cells:
            rest = {other: taken for other, taken in cells.items() if other != kind}
            with pytest.raises(TapeoutError, match=f"y: 3 cells of a kind that is not known, {kind}"):
                counted({kind: 3}, rest, "y")
    assert counted({"LUT4": 2, "CCU2C": 3, "PFUMX": 9}, find_family("ecp5").cells, "y") == Resources(lut=8)


def test_a_cell_of_no_layer_is_an_error(tmp_path: Path) -> None:
    """As when the top module has an instance that its layers do not name."""
    write_design(two_layers(), tmp_path / "design", FOLDS)
    ports = json.loads((tmp_path / "design" / "design.json").read_text())
    ports["layers"][1]["instances"].remove("u_y")
    (tmp_path / "design" / "design.json").write_text(json.dumps(ports))
    with pytest.raises(TapeoutError, match=r"u_y\..*: a cell of no layer's instance"):
        synthesize(tmp_path / "design", tmp_path / "netlist", find_device("ecp5-25k"))


def test_a_report_that_lacks_something_is_an_error() -> None:
    family = find_family("ecp5")
    used = {kind: {"used": 7, "available": 9} for kind in family.sites}
    cells = Resources(1, 2, 3, 4)
    assert _sites(used, family, cells) == Resources(7, 7, 7, 7)
    logic = {"ICESTORM_LC": {"used": 8}, "ICESTORM_RAM": {"used": 9}}
    assert _sites(logic, find_family("ice40"), cells) == Resources(8, 2, 3, 9)
    for kind in family.sites:
        with pytest.raises(TapeoutError, match=f"its report counts no {kind}"):
            _sites({other: count for other, count in used.items() if other != kind}, family, cells)
    assert _clock({"clk": {"achieved": 12.5}}) == 12_500_000
    with pytest.raises(TapeoutError, match="found 0 clocks"):
        _clock({})


def test_the_wrapper_connects_every_bit(tmp_path: Path) -> None:
    """Of each port once, and no others."""
    text = wrapper(write_design(two_layers(), tmp_path, FOLDS))
    assert ".s_axis_x_tdata(given[0+:16]), .s_axis_x_tvalid(given[16+:1]), .s_axis_x_tlast(given[17+:1])" in text
    assert ".s_axis_x_tready(made[0+:1])" in text and ".m_axis_y_tready(given[18+:1])" in text
    assert "logic [18:0] given;" in text and f"logic [{64 + 2}:0] taken;" in text


def test_memories_go_where_they_cost_least() -> None:
    assert made(Memory(256, 24, True), "ecp5") == Made(blocks=1)  # 6,144 bits of ROM cost 384 in logic, a block 128
    assert made(Memory(160, 6, True), "ecp5") == Made(rom_bits=960)
    assert made(Memory(64, 64, True), "ecp5") == Made(rom_bits=4096)  # as much as two blocks: yosys leaves it in logic
    assert made(Memory(128, 13, False), "ecp5") == Made(blocks=1)  # as much as 32 RAMs in tables: yosys takes the block
    assert made(Memory(8, 65, False), "ecp5") == Made(tables=17)
    assert made(Memory(8, 65, False), "ice40") == Made(blocks=5)
    assert made(Memory(2, 9, False, clocked=False), "ice40") == Made(flip_flops=18)


def test_folds_within_a_budget() -> None:
    """Each budget is kept by the estimates, more room is never slower, and what does not fit is refused."""
    graph, found = two_layers(), []
    for dsps in (2, 4, 9):
        folds = parse_folds([f"dsp={dsps}"], graph)
        rows = estimates(graph, folds, "ecp5")
        assert sum(row.estimated.dsp for row in rows if row.estimated) <= dsps
        found.append(interval(graph, folds))
    assert found == sorted(found, reverse=True) and found[0] == 24 and found[-1] < found[0]
    assert parse_folds(["dsp=9", "y=1x1"], graph)["y"] == Fold(1, 1)
    assert interval(graph, parse_folds(["bram=4"], graph, find_device("ecp5-25k"))) == 2  # whole layers take 48 of its 28 multipliers
    for texts, said in (
        (["dsp=1"], "--fold dsp=1: the design takes some 2 dsp at the least"),
        (["lut=10"], "the design takes some .* lut at the least"),
        (["dsp=9", "16"], "cycles are what --fold dsp=9 finds the fewest of"),
    ):
        with pytest.raises(TapeoutError, match=said):
            parse_folds(texts, graph)


def synthesis() -> Synthesis:
    rows = (
        LayerResources("a", "dense", "1x1", 100, Resources(90, 80, 1, 0), Resources(100, 80, 1, 0)),
        LayerResources("b", "conv2d", "1x2", 256, Resources(330, 90, 2, 1), Resources(300, 100, 2, 1)),
    )
    routed = Routed(Resources(450, 190, 3, 1), 100_000_000, 1, 50_000_000, "a")
    timing = Timing(500, 256)
    made = Synthesis("ecp5-25k", Resources(24288, 24288, 28, 56), rows, None, timing, routed)
    return replace(made, energy=model_energy(Resources(400, 180, 3, 1), timing, routed, find_device("ecp5-25k")))


def test_budgets_name_the_layer_that_weighs_most() -> None:
    """Resources as placed, the clock at least, latency from measured cycles."""
    budgets = parse_budgets("lut=400,dsp=3,fmax=120M,latency=2us,interval=256")
    gates = design_gates(budgets, synthesis())
    assert [(g.value, g.met) for g in gates] == [(450, False), (3, True), (100_000_000, False), (5000, False), (256, True)]
    assert gates[0].text() == "over budget: lut 450 of 400 (--budget); heaviest: b (conv2d) with 300 lut"
    assert gates[2].text() == (
        "under budget: fmax 100.0 MHz of at least 120.0 MHz (--budget); heaviest: a (dense), where the slowest path ends"
    )
    assert gates[3].heaviest == "b (conv2d) with 256 cycles a frame"
    unrouted = replace(synthesis(), routed=None)
    assert design_gates(parse_budgets("lut=400"), unrouted)[0].met
    for text, said in (("fmax=1M", "needs a routed design"), ("ram=1k", "bounds no design of hardware")):
        with pytest.raises(TapeoutError, match=said):
            design_gates(parse_budgets(text), unrouted)
    assert Quantity.FMAX.at_least and not Quantity.LUT.at_least


def test_errors_energy_and_the_report() -> None:
    """Errors are signed, of what is used; energy by hand; a report reads back as it was."""
    made = synthesis()
    assert made.layers[0].error_percent == {"lut": -10.0, "ff": 0.0, "dsp": 0.0, "bram": None}
    power = find_device("ecp5-25k").power
    cycle = ACTIVITY * power.toggle_pj * 580 + 3 * power.dsp_pj + power.bram_pj
    assert made.energy and made.energy.dynamic_nj == pytest.approx(cycle * 256e-3, abs=1e-3)
    assert made.energy.static_nj == pytest.approx(84.7 * 2.56, abs=1e-3)
    assert from_document(json.loads(json.dumps(made.document()))) == made


def test_the_command(zoo: Path, tmp_path: Path) -> None:
    """A design compiled within a budget, by estimate, and synthesized without routing: tables, report, budgets, what is refused."""
    out, model = tmp_path / "jet", zoo / "qonnx" / "qkeras_jettagging.onnx"
    command = ("compile", model, "--target", "rtl", "--input-type", "fixed<16,6>", "-o", out)
    over = "over budget: dsp 17 of 4 (--budget); heaviest: Relu_1_out0 (dense) with 8 dsp"
    refused(1, over, *command, "--fold", "256", "--budget", "dsp=4")
    refused(2, "budget fmax: needs a routed design; give it to tapeout synth", *command, "--budget", "fmax=50M")
    done = tapeout(*command, "--fold", "dsp=20", "--part", "ecp5-25k")
    assert done.returncode == 0, done.stderr
    synth = ("synth", out, "--device", "ecp5-25k", "--no-route")
    refused(2, "no device 'x'; there are ecp5-25k, ecp5-85k, gowin-gw2ar18, ice40-hx8k", "synth", out, "--device", "x")
    refused(2, "--budget ram: bounds no design of hardware", *synth, "--budget", "ram=1k")
    refused(2, "yosys is not installed; this installs it: apt-get install yosys", *synth, path="/nowhere")
    refused(1, "over budget: lut", *synth, "--budget", "lut=500,dsp=20")
    report = json.loads((out / "report.json").read_text())
    found = report["synthesis"]
    assert found["device"] == "ecp5-25k" and found["used"]["dsp"] == found["estimated"]["dsp"] <= 20 and not found["routed"]
    assert [gate["met"] for gate in report["budgets"]] == [False, True]
    assert all(abs(layer["error_percent"]["lut"]) < 50 for layer in found["layers"])
    assert "netlist" in tapeout("report", out).stdout


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    refused(2, "not a folder that 'tapeout compile' wrote", "synth", tmp_path, "--device", "ecp5-25k")
    with pytest.raises(TapeoutError, match=r"does not fit small: lut 400 of 300, 100 too many, most in b; fold it more"):
        check_fits(synthesis(), replace(find_device("ecp5-25k"), name="small", capacity=Resources(300, 999, 9, 9)))


def test_what_is_expected_beyond_the_device_is_said_even_where_a_layer_has_no_estimate() -> None:
    rows = (LayerResources("a", "dense", "1x1", 1, Resources(lut=9, dsp=29)), LayerResources("b", "mean", "1x1", 1, None))
    (line,) = too_much(Synthesis("ecp5-25k", Resources(lut=9, dsp=28), rows))
    assert line.startswith("warning: 29 dsp are expected, ecp5-25k has 28: ")
    assert too_much(Synthesis("ecp5-25k", Resources(lut=9, dsp=29), rows)) == []
