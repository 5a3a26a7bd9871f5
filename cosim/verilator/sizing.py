"""The least depths of a design's queues, found by simulation, and runs that show that it never waits for ever."""
from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import combinations, product
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import CheckFailed
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run
from tapeout.targets.hardware import DesignOptions
from tapeout.targets.rtl.depths import EXACT, told
from tapeout.targets.rtl.emit import Ports, Queue, write_design
from tapeout.targets.rtl.folding import parse_folds
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import runs_in_wires

from ..engine import Inputs, Outputs
from ..vectors import random_inputs
from .queues import Seen, Watched, watch
from .simulator import Conditions

FILE = "fifos.json"
_FRAMES = 6
_DEEP = 32  # of a queue behind a node where depths are looked for
_WAITS = (0.0, 0.5, 15 / 16)  # of the cycles, in which beats of a queue before a join wait


class Limit(StrEnum):
    """Why a queue is not one beat shorter."""

    NONE = "there is no shorter one"
    PACE = "one less is slower"
    WAITS = "one less waits for ever"
    PROOF = "one less is not proved to go on"


@dataclass(frozen=True)
class Sized:
    """The least depth of a queue. `interval` is that of frames with one beat less where that is slower."""

    name: str
    depth: int
    usual: int  # its depth where none is told
    bits: int  # of a beat
    most: int  # beats that were in it at full pace, had it room for all
    limit: Limit
    interval: int | None = None


@dataclass(frozen=True)
class Sizing:
    """Least depths that keep the `interval` of deep queues, and how many runs with stalls then ended as the reference says."""

    interval: int
    queues: tuple[Sized, ...]
    patterns: int

    def told(self) -> tuple[str, ...]:
        """As `--fifo` takes them."""
        return told({queue.name: queue.depth for queue in self.queues})

    def bits(self) -> tuple[int, int]:
        """Of all queues, and of all when no depths are told."""
        return sum(q.depth * q.bits for q in self.queues), sum(q.usual * q.bits for q in self.queues)

    def text(self) -> str:
        now, otherwise = self.bits()
        return (
            f"fifos: {now:,} bits keep a frame every {self.interval:,} cycles, {otherwise:,} otherwise;"
            f" {self.patterns} patterns of stalls ran to the end, 0 elements differ"
        )

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass
class Search:
    """One simulator, whose queues get other depths for each run."""

    graph: Graph
    watched: Watched
    least: Mapping[str, int]  # by the proof, with queues of one beat behind nodes
    usual: Mapping[str, int]  # where none are told
    inputs: Inputs
    reference: Outputs = field(init=False)

    def __post_init__(self) -> None:
        self.reference = run(self.graph, self.inputs)

    def seen(self, depths: Mapping[str, int], conditions: Conditions | None = None, waits: Mapping[str, float] | None = None) -> Seen:
        return self.watched.run(self.inputs, conditions or Conditions(), depths, waits)

    def interval(self, depths: Mapping[str, int]) -> int | None:
        """None when the design stops."""
        timing = self.seen(depths).timing
        return timing.interval if timing else None

    def sizing(self) -> Sizing:
        """Queues behind nodes begin with 2 beats and those before joins deep, which most often is enough; else all with what was in them at
        full pace."""
        ports, first = self.watched.simulator.ports, self.seen({})
        if first.stopped or not first.timing or not first.timing.interval:
            raise CheckFailed(f"{self.graph.name}: with deep queues, {first.stopped}")
        target, marks = first.timing.interval, first.marks
        depths = {q.name: q.depth if q.join else 2 for q in ports.queues}
        if self.interval(depths) != target:
            depths = {q.name: max(marks[q.name].most, self.least[q.name]) for q in ports.queues}
        found = []
        for queue in sorted(ports.queues, key=lambda q: -q.stream.width * depths[q.name]):
            sized = self._shrunk(queue, depths, marks[queue.name].most, target)
            depths[queue.name] = sized.depth
            found.append(sized)
        return Sizing(target, tuple(found), self.check(depths))

    def check(self, depths: Mapping[str, int]) -> int:
        """Runs all patterns of stalls; returns how many. Raises CheckFailed that names one with which the design stops, or differs."""
        patterns = stall_patterns(self.graph, self.watched.simulator.ports)
        for name, conditions, waits in patterns:
            seen = self.seen(depths, conditions, waits)
            if seen.stopped:
                full = [f"{n} ({mark.left} of {depths.get(n, '?')})" for n, mark in seen.marks.items() if mark.left]
                raise CheckFailed(f"{self.graph.name}: with {name}, {seen.stopped}; beats are left in {', '.join(full) or 'no queue'}")
            for value, wanted in self.reference.items():
                if not np.array_equal(seen.outputs[value], wanted):
                    raise CheckFailed(f"{self.graph.name}: with {name}, output {value} differs from the reference")
        return len(patterns)

    def _shrunk(self, queue: Queue, depths: Mapping[str, int], most: int, target: int) -> Sized:
        """Of a queue, for the others as they are: the depth at which one less is too slow."""
        low, high = self.least[queue.name], depths[queue.name]
        limit, slower = (Limit.PROOF if low > 1 else Limit.NONE), None
        while low < high:
            middle = (low + high) // 2
            interval = self.interval({**depths, queue.name: middle})
            if interval is not None and interval <= target:
                high = middle
            else:
                low, slower, limit = middle + 1, interval, Limit.PACE if interval else Limit.WAITS
        return Sized(queue.name, high, self.usual[queue.name], queue.stream.width + 1, most, limit, slower)


def exactly(graph: Graph, options: DesignOptions) -> Sizing | None:
    """The least depths, when the options ask for them. Raises as `size_queues` does."""
    if options.fifo != (EXACT,):
        return None
    return size_queues(graph, parse_folds(options.fold or (), graph), options.weight_memory == "loadable")


def size_queues(graph: Graph, folding: Mapping[str, Fold], loadable: bool = False) -> Sizing:
    """Writes and simulates a design in a temporary folder. Raises Unsupported, MissingTool, ToolFailed, or CheckFailed for a run that
    stops or whose outputs differ."""
    with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
        return prepare(graph, folding, Path(place), loadable).sizing()


def prepare(graph: Graph, folding: Mapping[str, Fold], folder: Path, loadable: bool = False) -> Search:
    """Writes a design with deep queues into `folder` and builds its simulator."""
    usual = write_design(graph, folder / "usual", folding, "sized", loadable=loadable)
    shortest = {q.name: q.depth if q.join else 1 for q in usual.queues}
    floor = write_design(graph, folder / "floor", folding, "sized", shortest, loadable)
    deep = {q.name: max(q.depth, _DEEP) for q in usual.queues}
    write_design(graph, folder / "deep", folding, "sized", deep, loadable)
    watched = watch(folder / "deep", {name: value.type for name, value in graph.values.items()}, folder / "built")
    least, depths = {q.name: q.least for q in floor.queues}, {q.name: q.depth for q in usual.queues}
    return Search(graph, watched, least, depths, random_inputs(graph, _FRAMES, 0))


def stall_patterns(graph: Graph, ports: Ports) -> list[tuple[str, Conditions, Mapping[str, float]]]:
    """Every output blocked until all before it is full, every input starved until all behind it is empty, each alone, in pairs, and
    all of a side; random stalls; and all pairs of paces of the queues that feed a join."""
    inputs, outputs = ([port.name for port in side] for side in (ports.inputs, ports.outputs))
    names = [*inputs, *outputs]
    held = dict.fromkeys([*((n,) for n in names), *combinations(names, 2), tuple(inputs), tuple(outputs)])
    found: list[tuple[str, Conditions, Mapping[str, float]]] = []
    for group in held:
        found.append((f"{' and '.join(group)} held back", Conditions(held=group), {}))
    for stalls in (0.3, 0.8):
        found.append((f"stalls in {stalls:.0%} of the cycles", Conditions(stalls, 1), {}))
    for pair in _feeding(graph, ports):
        for paces in product(_WAITS, repeat=2):
            if any(paces):
                text = " and ".join(f"{name} slowed by {pace:.0%}" for name, pace in zip(pair, paces, strict=True))
                found.append((text, Conditions(), dict(zip(pair, paces, strict=True))))
    return found


def _feeding(graph: Graph, ports: Ports) -> list[tuple[str, str]]:
    """The pairs of queues from which a join takes, where both of its inputs come from one."""
    before = {(queue.join, queue.index): queue.name for queue in ports.queues if queue.join}
    behind = {queue.name for queue in ports.queues if not queue.join}
    pairs: list[tuple[str, str]] = []
    for join in dict.fromkeys(name for name, _ in before):
        inputs = next(node.inputs for node in graph.nodes if node.name == join)
        sources = [before.get((join, index), _source(graph, value)) for index, value in enumerate(inputs)]
        pairs += combinations([s for s in sources if s in behind or s in before.values()], 2)
    return pairs


def _source(graph: Graph, value: str) -> str:
    """The value whose stream it is."""
    node = graph.producer(value)
    return _source(graph, node.inputs[0]) if node and runs_in_wires(node) else value
