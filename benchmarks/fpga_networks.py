"""Convolutional networks of few bits in streaming RTL: accuracy, simulation with stalls, synthesis, placement and routing for an ECP5-85k.

    python -m benchmarks.fpga_networks                        # what is not done yet, then benchmarks/fpga_cnn.md
    python -m benchmarks.fpga_networks --network ds_cnn --until synthesis
    python -m benchmarks.fpga_networks --retrain ds_cnn       # the checkpoint itself, from the float network of its task

Every step is kept under build/fpga_networks/<network>/ and not done again; a placement is given two hours of processor time.
"""
from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from examples.recipes.tasks import HERE, TASKS
from tapeout.compiler import data
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.passes.remove_dead_nodes import remove_dead_nodes
from tapeout.compiler.run import run
from tapeout.cosim.verilator.simulator import build
from tapeout.targets.rtl.device import find_device
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.folding import parse_folds
from tapeout.targets.rtl.synth import place_and_route, synthesize

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "fpga_networks"
TABLE = ROOT / "benchmarks" / "fpga_cnn.md"
DEVICE = "ecp5-85k"
FRAMES, STALLS = 20, 0.3
HOURS = 2  # of processor time for a placement
RECIPE = HERE / "shift4.toml"


@dataclass(frozen=True)
class Network:
    """A retrained network, how it is folded, and how it was retrained where benchmarks/recipes.py did not."""

    name: str
    file: str  # of the checkpoint, in examples/recipes
    title: str
    task: str
    folds: tuple[str, ...]
    epochs: int = 0
    learning_rate: float = 0.0

    @property
    def checkpoint(self) -> Path:
        return HERE / f"{self.file}.onnx"

    @property
    def folder(self) -> Path:
        return BUILD / self.name


NETWORKS = {
    n.name: n for n in (
        Network("ds_cnn", "trained/fsdd_4_bits_in_every_layer", "DS-CNN, spoken digits (FSDD), w4a8", "fsdd", ("25000",)),
        Network("ds_cnn_w4a4", "trained_for_hardware/fsdd_shift4", "DS-CNN, spoken digits (FSDD), w4a4, scales powers of two", "fsdd",
                ("6250",), 24, 2.5e-4),
        Network("resnet8", "trained/cifar_4_bits_in_every_layer", "ResNet-8, CIFAR-10, w4a8", "cifar", ("147456",)),
    )
}  # fmt: skip


class Step(StrEnum):
    """In their order."""

    ACCURACY = "accuracy"
    SIMULATION = "simulation"
    SYNTHESIS = "synthesis"
    ROUTING = "routing"


def design(network: Network) -> Graph:
    """What the hardware computes: codes in, the codes of the logits out."""
    return expose_codes(lower(to_logits(read(network.checkpoint, {}))))


def codes(graph: Graph, x: Array) -> dict[str, Array]:
    """What the host makes of samples (N, ...) of the task."""
    (port,) = graph.inputs
    return data.inputs(graph, {port.name: x}, "the task's data")


def kept(path: Path, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What `make` found, now or in an earlier run."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(make(), indent=2) + "\n")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def accuracy(network: Network, graph: Graph) -> dict[str, Any]:
    """Of the integer reference, which the hardware equals, on all test samples."""
    x, y = TASKS[network.task].splits()["test"]
    right = 0
    for first in range(0, len(x), 500):
        (logits,) = run(graph, codes(graph, x[first : first + 500])).values()
        right += int((logits.reshape(len(logits), -1).argmax(axis=1) == y[first : first + 500]).sum())
    return {"right": right, "samples": len(y)}


def simulation(network: Network, graph: Graph) -> dict[str, Any]:
    """Frames back to back, without stalls for the cycles and with stalls on every port; each compared with the reference."""
    folds = parse_folds(network.folds, graph)
    write_design(graph, network.folder / "design", folds, network.name)
    types = {name: value.type for name, value in graph.values.items()}
    made = build(network.folder / "design", types, network.folder / "built")
    inputs = codes(graph, TASKS[network.task].splits()["test"][0][:FRAMES])
    (wanted,) = run(graph, inputs).values()
    differing = []
    for stalls in (0.0, STALLS):
        outputs, timing = made.run(inputs, stalls, seed=1)
        differing.append(int((next(iter(outputs.values())) != wanted).sum()))
        if stalls == 0:
            cycles = timing
    layers = {n.name: (n.op.name(), str(folds[n.name])) for n in graph.nodes if n.name in folds}
    return {"differing": differing, "compared": wanted.size, "latency": cycles.latency, "interval": cycles.interval, "layers": layers}


def synthesis(network: Network, graph: Graph) -> dict[str, Any]:
    return synthesize(network.folder / "design", network.folder / "netlist", find_device(DEVICE)).total.named()


def routing(network: Network, graph: Graph) -> dict[str, Any]:
    """Limited in the processor's time, so that a busy machine does not decide."""
    limit = HOURS * 3600
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    routed = place_and_route(network.folder / "design", network.folder / "netlist", find_device(DEVICE))
    return {**routed.placed.named(), "fmax_hz": routed.fmax_hz, "slowest": routed.slowest}


STEPS: dict[Step, Callable[[Network, Graph], dict[str, Any]]] = {
    Step.ACCURACY: accuracy, Step.SIMULATION: simulation, Step.SYNTHESIS: synthesis, Step.ROUTING: routing,
}  # fmt: skip
# Seconds as the reciprocals of the median throughputs in mlcommons/tiny_results_v0.7, open/hls4ml-finn/results/pynq-z2, and
# mlcommons/tiny_results_v1.0, open/hls4ml/results/pynq-z2 (RN08), files */performance/results.txt.
OTHERS = (
    ("hls4ml, AD08 (anomaly detection)", "v0.7", 1 / 53365.4),
    ("FINN, KWS-W3A3 (keyword spotting)", "v0.7", 1 / 57268.1),
    ("FINN, CNV-W1A1 (CIFAR-10)", "v0.7", 1 / 661.473),
    ("hls4ml, RN08 (CIFAR-10)", "v1.0", 1 / 130.834),
)
HEAD = """\
# FPGA: convolutional networks of few bits in streaming RTL

Written by `python -m benchmarks.fpga_networks`, which does again what is missing under build/fpga_networks. Every layer has weights of
4 bits. w4a8: the networks of benchmarks/recipes.md with 4 bits in every layer, activations of 8 bits, a scale for each channel, so that
each result has a multiplier of 31 bits. w4a4: 4 bits in all activations that are multiplied, 8 at the input, at the output and where only
pooling or additions read, and scales that are powers of two (examples/recipes/shift4.toml): no result needs a multiplier. Accuracy is that
of the integer reference over the whole test set; {frames} frames of it were simulated back to back, without stalls and with random stalls
in {stalls:.0%} of the cycles on every port, and each output compared with the reference. Latency is from the first beat in to the last beat
out of one frame. yosys 0.23, nextpnr-ecp5 0.11.1 (seed 1, 100 MHz asked for), {device} (83,640 LUT, 156 DSP, 208 BRAM); large tables of
weights and rings of lines are in block RAMs. What is not routed fits the device by its counts, but had no more than a few minutes of a busy
processor, which nextpnr, a program in WebAssembly, did not end in; the command goes on there.
"""
COMPARED = """\
## Beside MLPerf Tiny on a Pynq-Z2

One inference as hls4ml and FINN submitted it to the open division: the reciprocal of the median throughput in mlcommons/tiny_results_v0.7
(open/hls4ml-finn/results/pynq-z2) and tiny_results_v1.0 (open/hls4ml/results/pynq-z2). Those are other networks on another device, a
Zynq 7020, measured on a board; ours are cycles of the simulation at the clock that nextpnr allows.
"""
TITLES = (
    "network", "fold", "test accuracy %", "differing: without stalls, with", "interval, cycles", "latency, cycles", "LUT", "FF", "DSP",
    "BRAM", "Fmax, MHz", "frames/s", "latency, ms",
)  # fmt: skip


def done(network: Network, step: Step) -> dict[str, Any] | None:
    path = network.folder / f"{step}.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.is_file() else None
    return found


def cells(network: Network) -> list[str]:
    """A row of the table; what was not run is said to be so, and what was not routed has the counts of synthesis."""
    found = [done(network, step) for step in Step]
    right, simulated, made, routed = found
    size = routed or made
    counts = [f"{size[key]:,}" for key in ("lut", "ff", "dsp", "bram")] if size else ["not run"] * 4
    if made and not routed:
        counts[0] += " (not routed)"
    speed = ["not routed"] * 3
    if simulated and routed:
        hertz = routed["fmax_hz"]
        speed = [f"{hertz / 1e6:.1f}", f"{hertz / simulated['interval']:,.0f}", f"{1e3 * simulated['latency'] / hertz:.3f}"]
    ran = ["not run"] * 3
    if simulated:
        differing = ", ".join(f"{count} / {simulated['compared']}" for count in simulated["differing"])
        ran = [differing, f"{simulated['interval']:,}", f"{simulated['latency']:,}"]
    share = f"{100 * right['right'] / right['samples']:.2f} of {right['samples']:,}" if right else "not run"
    return [network.title, f"`{' '.join(network.folds)}`", share, *ran, *counts, *speed]


def layers(network: Network) -> str:
    """The fold of each layer of a network."""
    simulated = done(network, Step.SIMULATION)
    rows = [[name, *found] for name, found in simulated["layers"].items()] if simulated else []
    return f"## {network.title}: layers\n\n" + table(("layer", "op", "PE x SIMD"), rows)


def table(titles: tuple[str, ...], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (list(titles), ["---"] * len(titles), *rows))


def report() -> str:
    networks = list(NETWORKS.values())
    others = [[name, version, f"{1e3 * seconds:.4g}"] for name, version, seconds in OTHERS]
    parts = [
        HEAD.format(frames=FRAMES, stalls=STALLS, device=DEVICE), table(TITLES, [cells(n) for n in networks]), COMPARED,
        table(("design", "round", "one inference, ms"), others), *map(layers, networks),
    ]  # fmt: skip
    return "\n".join(parts)


def retrain(network: Network) -> None:
    """Writes the checkpoint of a network: that of its task, retrained by the recipe, without a softmax at its end."""
    from benchmarks import recipes
    from tapeout.quant.export import write_qonnx

    recipes.BUILD = BUILD / "retrained"
    recipes.OPTIONS[network.task] = replace(
        recipes.OPTIONS[network.task], epochs=network.epochs, learning_rate=network.learning_rate
    )
    graph, told = recipes.trained(TASKS[network.task], recipes.Row(network.name, str(RECIPE)), 0)
    print(f"{network.name}: {told}")
    write_qonnx(graph, network.checkpoint)


def to_logits(graph: Graph) -> Graph:
    """The graph up to the codes that its softmax reads, where it has one."""
    softmax = next((n for n in graph.nodes if isinstance(n.op, Softmax)), None)
    if softmax is None:
        return graph
    (port,) = graph.outputs
    return remove_dead_nodes(replace(graph, outputs=(replace(port, value=softmax.inputs[0]),)))


def work(network: Network, steps: list[Step]) -> None:
    """Does what is not done yet, up to the first step that fails."""
    graph = design(network)
    for step in steps:
        try:
            print(network.name, step, kept(network.folder / f"{step}.json", partial(STEPS[step], network, graph)), flush=True)
        except TapeoutError as error:
            print(f"{network.name}, {step}: {error}", flush=True)
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="all when not given")
    parser.add_argument("--until", type=Step, choices=list(Step), default=Step.ROUTING, help="the last step to do")
    parser.add_argument("--retrain", choices=NETWORKS, help="write this checkpoint again, and do nothing else")
    arguments = parser.parse_args()
    if arguments.retrain:
        retrain(NETWORKS[arguments.retrain])
        return
    for name in arguments.network or NETWORKS:
        network = NETWORKS[name]
        work(network, list(Step)[: list(Step).index(arguments.until) + 1])
        TABLE.write_text(report())


if __name__ == "__main__":
    main()
