"""A look into the queues of a design: their simulator has queues whose depth is told at the start and that say what passed."""
from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tapeout.compiler.ir import Array, Graph, Type
from tapeout.targets.rtl.ports import PortStream, Queue

from ..design import Stopped, Timing
from ..engine import EngineFailed, Inputs, Outputs
from .beats import decode
from .simulator import Conditions, Simulator, build

FIFO = Path(__file__).parent / "fifo.sv"


@dataclass(frozen=True)
class Mark:
    """Of a queue after a run: the most beats that were in it, those that are left, and how many were taken out of it."""

    most: int
    left: int
    taken: int


@dataclass(frozen=True)
class Seen:
    """What a run gave. `stopped` is the reason for which it ended early; outputs are empty then, and there is no timing."""

    outputs: Outputs
    timing: Timing | None
    marks: Mapping[str, Mark]
    stopped: EngineFailed | None = None
    beats: Mapping[str, bytes] = field(default_factory=dict)  # of queues that were traced, in whole bytes


@dataclass(frozen=True)
class Watched:
    """The simulator of a design, with such queues."""

    simulator: Simulator

    def run(
        self, inputs: Inputs, conditions: Conditions, depths: Mapping[str, int] | None = None, waits: Mapping[str, float] | None = None,
        trace: bool = False,
    ) -> Seen:
        """`depths` are those of queues by name, at most those of the design; beats of a queue in `waits` wait in this share of the cycles
        before they come out."""
        ports = self.simulator.ports
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            at = Path(place)
            for queue in ports.queues:
                share = round(256 * (waits or {}).get(queue.name, 0.0))
                depth = (depths or {}).get(queue.name, queue.depth)
                self._file(at, queue, "in").write_text(f"{depth} {share} {int(trace)}\n")
            try:
                outputs, timing = self.simulator.run_in(at, inputs, conditions)
                stopped = None
            except Stopped as error:
                outputs, timing, stopped = {}, None, error
            marks = {q.name: Mark(*map(int, self._file(at, q, "out").read_text().split())) for q in ports.queues}
            beats = {q.name: self._beats(at, q) for q in ports.queues} if trace else {}
        return Seen(outputs, timing, marks, stopped, beats)

    def _file(self, at: Path, queue: Queue, ending: str) -> Path:
        """Named as `%m` names the instance."""
        return at / f"TOP.{self.simulator.ports.module}.fifo_{queue.wire}.{ending}"

    def _beats(self, at: Path, queue: Queue) -> bytes:
        port = _stream(queue)
        mask = (1 << queue.stream.width) - 1  # the bit above is tlast
        lines = self._file(at, queue, "beats").read_text().split()
        return b"".join((int(line, 16) & mask).to_bytes(port.bytes, "little") for line in lines)


def watch(folder: Path, types: Mapping[str, Type], place: Path, optimize: str = "-O2") -> Watched:
    """Builds the simulator in `place`. Raises MissingTool or ToolFailed."""
    sources = [*(file for file in sorted(folder.glob("*.sv")) if file.name != FIFO.name), FIFO]
    # Our queue counts what passes with blocking assignments, which no other process reads.
    return Watched(build(folder, types, place, sources, ("-Wall", "-Wno-BLKSEQ"), optimize))


def node_outputs(watched: Watched, graph: Graph, inputs: Inputs, conditions: Conditions, sample: int) -> dict[str, Array]:
    """What each node gave for one sample, (1, *shape) by value name, of the nodes whose output came out whole."""
    beats = watched.run(inputs, conditions, trace=True).beats
    found: dict[str, Array] = {}
    for queue in watched.simulator.ports.queues:
        port, type = _stream(queue), graph.values[queue.value].type
        frame = queue.stream.beats * port.bytes
        data = beats[queue.name][sample * frame : (sample + 1) * frame]
        if queue.name == queue.value and len(data) == frame:
            found[queue.value] = decode(data, port, type.quantized, type.shape)
    return found


def _stream(queue: Queue) -> PortStream:
    return PortStream(queue.value, queue.name, queue.stream)
