"""Which kernel runs each node: chosen by cost among those that accept it, by counts, or pinned by name."""
from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.memory import Demands, Footprint
from tapeout.compiler.states import parameters
from tapeout.compiler.views import views

from .target import Kernel, Library, Packed, Target

_SLACK = 1.02  # of the arena, within which a faster kernel is worth its bytes


class Objective(StrEnum):
    """What a build is made for. Among the kernels that are allowed, the one with the fewest instructions runs a node.

    TIME  all are allowed
    SIZE  those that take weights as wide as their codes are
    RAM   those that hardly raise the peak of the arena, by scratch or by an output apart from its input
    """

    TIME = "time"
    SIZE = "size"
    RAM = "ram"


class Choice(StrEnum):
    """Who chose a kernel: the cost model, the autotuner by counting, or the user by name."""

    COST = "cost"
    TUNER = "tuner"
    PIN = "pin"


Candidates = list[tuple[Path, Kernel]]


@dataclass(frozen=True)
class Chosen:
    """The kernel of one node, in its file; `packed` is what it takes in place of the node's constants and parameters."""

    path: Path
    kernel: Kernel
    packed: Packed | None = None
    by: Choice = Choice.COST


@dataclass(frozen=True)
class Selection:
    """The kernels of a graph on a target, by node name; nodes that run nothing have none."""

    target: Target
    chosen: Mapping[str, Chosen]

    def scratch(self, graph: Graph) -> dict[str, int]:
        """Bytes of scratch by node name, for the nodes that need any."""
        needs = {n.name: self.chosen[n.name].kernel.scratch(n.op, graph.types(n)) for n in graph.nodes if n.name in self.chosen}
        return {name: size for name, size in needs.items() if size}

    def trails(self, graph: Graph) -> dict[str, int]:
        """By how many bytes outputs may begin before inputs that they then lie over, by node name; see `memory.plan`."""
        found = {n.name: self.chosen[n.name].kernel.trail(n.op, graph.types(n)) for n in graph.nodes if n.name in self.chosen}
        return {name: lead for name, lead in found.items() if lead is not None}

    def over(self, graph: Graph) -> frozenset[str]:
        """The nodes whose kernels write over their first input; see `memory.plan`."""
        return frozenset(n.name for n in graph.nodes if n.name in self.chosen and self.chosen[n.name].kernel.inplace(n.op, graph.types(n)))

    def demands(self, graph: Graph, inputs: Inputs = Inputs.ARENA) -> Demands:
        """All that the kernels ask of the memory."""
        return Demands(self.scratch(graph), self.trails(graph), self.over(graph), inputs)

    def packed(self, graph: Graph) -> dict[str, list[str]]:
        """The names of the packed constants of nodes, in the order in which their kernels take them, by node name."""
        return self._packed(graph)[0]

    def packed_data(self, graph: Graph) -> dict[str, Array]:
        """The packed constants by name; those that are equal are one."""
        return self._packed(graph)[1]

    def _packed(self, graph: Graph) -> tuple[dict[str, list[str]], dict[str, Array]]:
        names: dict[str, list[str]] = {}
        data: dict[str, Array] = {}
        known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        for node in graph.nodes:
            if node.name in self.chosen and (packed := self.chosen[node.name].packed) is not None:
                names[node.name] = []
                for suffix, array in packed.constants:
                    name = known.setdefault((array.dtype.str, array.shape, array.tobytes()), f"{node.name}_{suffix}")
                    names[node.name].append(name)
                    data.setdefault(name, array)
        return names, data

    def plain(self, graph: Graph) -> list[str]:
        """The graph's own constants that kernels read, in the graph's order."""
        packed = self.packed(graph)
        read = {name for node in graph.nodes if node.name not in packed for name in node.inputs}
        return [value.name for value in graph.constants() if value.name in read]

    def weight_bytes(self, graph: Graph) -> int:
        """Bytes of all constants, each counted once, and of what states hold at first."""
        plain = sum(graph.values[name].type.bytes for name in self.plain(graph))
        return plain + sum(data.nbytes for data in (*self.packed_data(graph).values(), *first_states(graph).values()))

    def constant_bytes(self, graph: Graph, node: Node) -> int:
        """Bytes of all constants that a node's kernel takes."""
        names, data = self._packed(graph)
        if node.name in names:
            return sum(data[name].nbytes for name in names[node.name])
        return sum(value.type.bytes for value in parameters(graph, node))

    def library(self, graph: Graph) -> Library | None:
        """What a build needs besides the emitted sources."""
        return self.target.library(graph, [chosen.path for chosen in self.chosen.values()])

    def sparse(self) -> frozenset[str]:
        """The nodes whose kernels may leave bytes of their scratch unwritten."""
        return frozenset(name for name, chosen in self.chosen.items() if chosen.kernel.sparse)

    def refused(self, graph: Graph) -> list[str]:
        """A line for each node that the back end does not run, with the kernel that runs it instead."""
        reasons = ((n.name, self.target.refused(graph, n)) for n in graph.nodes if n.name in self.chosen)
        return [f"{name}: {reason}; {self.chosen[name].kernel.symbol} runs it" for name, reason in reasons if reason]

    def symbols(self) -> dict[str, str]:
        """The function that runs each node, by node name."""
        return {name: chosen.kernel.symbol for name, chosen in self.chosen.items()}

    def to_json(self) -> str:
        """The function that runs each node, and who chose it."""
        rows = {name: {"kernel": chosen.kernel.symbol, "by": chosen.by} for name, chosen in self.chosen.items()}
        return json.dumps(rows, indent=2) + "\n"


def first_states(graph: Graph) -> dict[str, Array]:
    """What the states of a graph hold at first, by name, but for those of nothing but zeros."""
    return {state.name: state.data for state in graph.states().values() if state.data is not None and state.data.any()}


def symbols_of(text: str) -> dict[str, str]:
    """The functions in a text of `Selection.to_json`. Raises ValueError, KeyError, TypeError or AttributeError for another text."""
    return {name: row["kernel"] for name, row in json.loads(text).items()}


def select(
    target: Target, graph: Graph, objective: Objective = Objective.TIME, pins: Mapping[str, str] | None = None,
    inputs: Inputs = Inputs.ARENA, tuned: Mapping[str, str] | None = None,
) -> Selection:
    """The kernels for a graph. `pins` names the functions of some nodes, `tuned` those of others, out of `candidates`.

    Raises Unsupported for a node that no kernel runs, and TapeoutError for a pin that names no node, or a kernel that does not run it.
    """
    pins, tuned = pins or {}, tuned or {}
    for name in pins:
        if graph.producer(name) is None:
            raise TapeoutError(f"{name}: there is no such node to choose a kernel for")
    allowed, chosen = candidates(target, graph, objective, frozenset(pins), inputs), {}
    for node in graph.nodes:
        if node.name in pins:
            chosen[node.name] = _pinned(target, graph, node, pins[node.name])
        elif node.name in tuned:
            path, kernel = next(entry for entry in allowed[node.name] if entry[1].symbol == tuned[node.name])
            chosen[node.name] = _chosen(path, kernel, graph, node, Choice.TUNER)
        elif node.name in allowed:
            path, kernel = min(allowed[node.name], key=lambda entry: (entry[1].cost(graph, node), entry[1].symbol))
            chosen[node.name] = _chosen(path, kernel, graph, node, Choice.COST)
    return Selection(target, chosen)


def candidates(target: Target, graph: Graph, objective: Objective, pinned: Set[str], inputs: Inputs) -> dict[str, Candidates]:
    """The kernels that an objective allows for each node, by its name; the op's own comes last. Raises Unsupported."""
    free = views(graph).free
    allowed = {n.name: _allowed(target, graph, n, objective) for n in graph.nodes if n.name not in free and n.name not in pinned}
    return _smallest(graph, allowed, Footprint.of(graph, inputs)) if objective is Objective.RAM else allowed


def _allowed(target: Target, graph: Graph, node: Node, objective: Objective) -> Candidates:
    """The kernels that run a node; its own, whose cost is not known, is the dearest."""
    path, own = target.kernel(graph, node)
    found = [(p, k) for p, k in target.variants(graph, node) if not (k.widens and objective is Objective.SIZE)]
    return [*((p, k) for p, k in found if k.accepts(graph, node) is None), (path, replace(own, cost=_dearest))]


def _dearest(graph: Graph, node: Node) -> int:
    return sys.maxsize


def _smallest(graph: Graph, allowed: Mapping[str, Candidates], footprint: Footprint) -> dict[str, Candidates]:
    """The kernels with which no node needs an arena that is much larger than that which the one that needs most cannot do without."""
    needs: dict[str, list[int]] = {}
    for name, kernels in allowed.items():
        node = graph.producer(name)
        assert node is not None
        types = graph.types(node)
        needs[name] = [
            footprint.bytes(name, k.scratch(node.op, types), k.trail(node.op, types), k.inplace(node.op, types)) for _, k in kernels
        ]
    most = max(map(min, needs.values()), default=0)
    return {
        name: [entry for entry, need in zip(kernels, needs[name], strict=True) if need <= _SLACK * most]
        for name, kernels in allowed.items()
    }


def _pinned(target: Target, graph: Graph, node: Node, symbol: str) -> Chosen:
    path, kernel = target.kernel(graph, node)
    if symbol == kernel.symbol:
        return Chosen(path, kernel, by=Choice.PIN)
    found = {kernel.symbol: (path, kernel) for path, kernel in target.variants(graph, node)}
    if symbol not in found:
        known = ", ".join((kernel.symbol, *found))
        raise TapeoutError(f"{node.name}: target {target.name} has no kernel {symbol} for it; there are {known}")
    path, kernel = found[symbol]
    if reason := kernel.accepts(graph, node):
        raise TapeoutError(f"{node.name}: kernel {symbol} does not run it: {reason}")
    return _chosen(path, kernel, graph, node, Choice.PIN)


def _chosen(path: Path, kernel: Kernel, graph: Graph, node: Node, by: Choice) -> Chosen:
    return Chosen(path, kernel, kernel.pack(graph, node) if kernel.pack else None, by)
