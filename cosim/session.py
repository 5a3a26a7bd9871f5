"""A co-simulation: one bundle, one set of samples, several engines, each compared with the reference."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tapeout.compiler import data
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Port
from tapeout.compiler.report import node_macs
from tapeout.compiler.run import run
from tapeout.targets.bundle import Bundle
from tapeout.targets.compiled import Compiled
from tapeout.targets.hardware import Hardware
from tapeout.targets.microcontroller.family import Microcontroller

from .compare import Comparison, compare, first_difference, first_differing_node
from .design import DesignEngine, Run, Stopped, Timing, design_engines
from .engine import Engine, EngineFailed, Harnessed, Inputs, Machine, Outputs, Reference
from .floatref import float_outputs
from .host import HOST, HOST_ASAN
from .qemu import QEMU, Qemu
from .quality import Quality, measure
from .rtl.machine import RTL_CLUSTER, RTL_CORE, Cycles, RtlCore, Stalls

SCHEMA = "tapeout-cosim-1"


@dataclass(frozen=True)
class Result:
    """What an engine gave: a comparison, or the reason why it gave nothing."""

    engine: str
    outputs: Outputs
    comparison: Comparison | None
    failure: str | None = None
    cycles: Cycles | None = None  # of the first sample, where the engine counts them
    assumes: str = ""  # what those cycles are, in words
    timing: Timing | None = None  # of a design, where the engine counts its clock
    note: str = ""  # what was written besides

    @property
    def failed(self) -> bool:
        return self.comparison is None or self.comparison.differ > 0

    @property
    def compared(self) -> bool:
        """Whether this says anything: the reference equals itself whatever it computes."""
        return self.engine != Reference.name

    def text(self) -> str:
        """`host: 0 / 1200 elements differ`, or why nothing was compared."""
        if self.comparison and not self.compared:
            return f"{self.engine}: {self.comparison.compared} elements computed, which the other engines must equal"
        if self.comparison is None:
            return f"{self.failure}{self._note()}"
        timing = f"; {self.timing.text()}" if self.timing else ""
        return f"{self.comparison.text(self.engine)}{timing}{self._timing() if self.cycles else ''}{self._note()}"

    def _note(self) -> str:
        return f"; {self.note}" if self.note else ""

    def _timing(self) -> str:
        assert self.cycles
        banks, barriers = self.cycles.share(self.cycles.run_stalls.banks), self.cycles.share(self.cycles.run_stalls.barriers)
        waits = f", of which cores wait {banks:.1%} for banks and {barriers:.1%} at barriers" if self.cycles.cores > 1 else ""
        return f"; {self.cycles.run:,} cycles{waits} ({self.assumes})"


@dataclass(frozen=True)
class Session:
    """The results of all engines on the same samples, by value name; `results` begins with the reference if it was asked for."""

    bundle: Bundle
    inputs: Inputs
    reference: Outputs
    results: tuple[Result, ...]

    @cached_property
    def samples(self) -> int:
        return len(next(iter(self.inputs.values())))

    def arrays(self) -> dict[str, Array]:
        """Inputs and outputs in the source model's layout, as `inputs/<name>` and `<engine>/<output name>`."""
        graph = self.bundle.graph
        found = {f"inputs/{p.name}": data.to_source(self.inputs[p.value], p) for p in graph.inputs}
        for result in self.results:
            found |= {f"{result.engine}/{p.name}": data.to_source(result.outputs[p.value], p) for p in graph.outputs if result.outputs}
        return found

    def summary(self) -> dict[str, Any]:
        """What `cosim --json` writes, less the quality."""
        engines = {
            r.engine: {
                "compared": r.comparison.compared if r.comparison else 0,
                "differ": r.comparison.differ if r.comparison else None,
                "first": asdict(r.comparison.first) if r.comparison and r.comparison.first else None,
                "failure": r.failure,
                **({"cycles": self._cycles(r.cycles) | {"assumes": r.assumes}} if r.cycles else {}),
                **({"timing": asdict(r.timing)} if r.timing else {}),
            }
            for r in self.results
        }
        manifest = self.bundle.manifest
        return {"schema": SCHEMA, "model": manifest.name, "target": manifest.target, "samples": self.samples, "engines": engines}

    def _cycles(self, found: Cycles) -> dict[str, Any]:
        graph = self.bundle.compiled().graph
        macs, names = node_macs(graph), [n.name for n in graph.nodes]
        layers: dict[str, int] = dict(zip(names, found.nodes, strict=True))
        rates = {name: round(macs[name] / layers[name], 3) for name in names if macs[name]}
        figures = {
            "cores": found.cores, "init": found.init, "run": found.run, "layers": layers,
            "macs": sum(macs.values()), "mac_per_cycle": round(sum(macs.values()) / found.run, 3), "layer_mac_per_cycle": rates,
        }
        if found.cores > 1:
            stalls: dict[str, Stalls] = dict(zip(names, found.node_stalls, strict=True))
            figures |= {"stalls": asdict(found.run_stalls), "layer_stalls": {name: asdict(s) for name, s in stalls.items()}}
        return figures

    def quality(self, float_model: Path | None, labels: Array | None) -> Quality | None:
        """The first output, as the last engine that ran computed it, against the float model's and against labels.

        None with neither. Raises TapeoutError when the float model does not run on these samples.
        """
        if float_model is None and labels is None:
            return None
        port = self.bundle.graph.outputs[0]
        ran = [r for r in self.results if r.outputs]
        engine, outputs = (ran[-1].engine, ran[-1].outputs) if ran else ("reference", self.reference)
        found = self._real(outputs, port)
        if float_model is None:
            return measure(engine, found, None, labels, None)
        wanted = float_outputs(float_model, {p.name: self._real(self.inputs, p) for p in self.bundle.graph.inputs})
        chosen = wanted.get(port.name, next(iter(wanted.values())))
        return measure(engine, found, chosen, labels, str(float_model))

    def _real(self, arrays: Mapping[str, Array], port: Port) -> Array:
        """A port's samples as real numbers, in the source's layout."""
        value = self.bundle.graph.values[port.value]
        return data.to_source(data.to_real(arrays[port.value], value.type), port)


def engines_for(bundle: Bundle, names: str | None) -> tuple[Engine | DesignEngine, ...]:
    """The engines of a comma-separated list, or all that the bundle's target has but those that take long: of QEMU and rtl-core the first,
    and no netlist.

    Raises TapeoutError.
    """
    known: dict[str, Engine | DesignEngine] = {e.name: e for e in (Reference(), HOST, HOST_ASAN)}
    target = bundle.hardware or bundle.compiled().target
    if isinstance(target, Hardware):
        known |= {engine.name: engine for engine in design_engines() if engine.runs(target)}
    if isinstance(target, Microcontroller) and not target.beyond:
        known[QEMU.name] = QEMU
    usual = [name for name, engine in known.items() if not isinstance(engine, DesignEngine) or engine.usual]
    if isinstance(target, Microcontroller) and target.rtl:
        known[RTL_CORE.name] = RTL_CORE
        if target.cluster:
            known[RTL_CLUSTER.name] = RTL_CLUSTER
        usual += [RTL_CORE.name] if target.beyond else []
    chosen = usual if names is None else [n.strip() for n in names.split(",") if n.strip()]
    for name in chosen:
        if name == QEMU.name and isinstance(target, Microcontroller) and target.beyond:
            raise TapeoutError(f"--engines qemu: its core has no {target.beyond}, which target {target.name} needs; name rtl-core")
        if name not in known:
            raise TapeoutError(f"--engines: no engine {name!r} for target {bundle.manifest.target}; there are {', '.join(known)}")
    if not chosen:
        raise TapeoutError(f"--engines: names none; there are {', '.join(known)}")
    return tuple(known[n] for n in dict.fromkeys(chosen))


def cosimulate(bundle: Bundle, engines: Sequence[Engine | DesignEngine], inputs: Inputs, waveform: Path | None = None) -> Session:
    """Runs every engine on the samples. Raises TapeoutError when a tool is missing; what an engine got wrong is in its result, and in the
    file `waveform`, which one of the engines can write."""
    reference = run(bundle.graph, inputs)
    if waveform and sum(isinstance(engine, DesignEngine) and engine.waves for engine in engines) != 1:
        raise TapeoutError(f"--waveform {waveform}: --engines has to name one engine that has signals, rtl or netlist")
    return Session(bundle, inputs, reference, tuple(_result(engine, bundle, inputs, reference, waveform) for engine in engines))


def _result(
    engine: Engine | DesignEngine, bundle: Bundle, inputs: Inputs, reference: Outputs, waveform: Path | None
) -> Result:
    if isinstance(engine, Reference):
        return Result(engine.name, reference, compare(reference, reference, bundle.graph))
    if isinstance(engine, DesignEngine):
        return _result_of_design(engine, bundle, inputs, reference, waveform if engine.waves else None)
    compiled = bundle.compiled("c") if engine in (HOST, HOST_ASAN) else bundle.compiled()
    try:
        outputs = engine.run(compiled, inputs)
        cycles = engine.cycles(compiled, inputs) if isinstance(engine, RtlCore) else None
    except EngineFailed as error:
        return Result(engine.name, {}, None, str(error))
    comparison = compare(reference, outputs, bundle.graph)
    if comparison.first and isinstance(engine, Harnessed | Qemu | RtlCore):
        comparison = _located(comparison, engine.machine, compiled, inputs)
    assumes = engine.machine.assumptions(compiled.plan.arena_bytes) if isinstance(engine, RtlCore) else ""
    return Result(engine.name, outputs, comparison, cycles=cycles, assumes=assumes)


def _result_of_design(
    engine: DesignEngine, bundle: Bundle, inputs: Inputs, reference: Outputs, waveform: Path | None
) -> Result:
    """Of the first run that differs, if one does."""
    design, graph = bundle.design(), bundle.graph
    try:
        runs = engine.run(design, inputs)
    except EngineFailed as error:
        note = ""
        if waveform and isinstance(error, Stopped):
            engine.waveform(design, inputs, error.stalls, error.frame, waveform)
            note = f"{waveform} shows frame {error.frame}"
        return Result(engine.name, {}, None, str(error), note=note)
    comparisons = [compare(reference, made.outputs, graph) for made in runs]
    at = next((i for i, comparison in enumerate(comparisons) if comparison.differ), 0)
    made, comparison = runs[at], comparisons[at]
    note = "nothing differs, so no waveform was written" if waveform else ""
    if comparison.first:
        sample = comparison.first.sample
        comparison = _located_in_design(comparison, engine, bundle, inputs, made)
        if waveform:
            engine.waveform(design, inputs, made.stalls, sample, waveform)
            note = f"{waveform} shows sample {sample}"
    return Result(engine.name, made.outputs, comparison, timing=runs[0].timing, note=note)


def _located_in_design(comparison: Comparison, engine: DesignEngine, bundle: Bundle, inputs: Inputs, made: Run) -> Comparison:
    """The comparison with the first node that differs, as far as the engine can tell."""
    assert comparison.first
    sample = comparison.first.sample
    alone = {name: array[sample : sample + 1] for name, array in inputs.items()}
    found = first_difference(bundle.graph, alone, engine.trace(bundle.design(), inputs, made.stalls, sample))
    return replace(comparison, first=replace(found, sample=sample)) if found else comparison


def _located(comparison: Comparison, machine: Machine, compiled: Compiled, inputs: Inputs) -> Comparison:
    """The comparison with the first node that differs, found by a trace of the first sample that does."""
    assert comparison.first
    first = first_differing_node(machine, compiled, inputs, comparison.first.sample)
    return Comparison(comparison.compared, comparison.differ, first or comparison.first)

