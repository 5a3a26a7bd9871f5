"""The buffers of a graph: which values share bytes, as views of each other or because an output takes over an input that dies."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from .errors import TapeoutError
from .ir import Graph, Node
from .views import ALIGNMENT, Views, views


class Inputs(StrEnum):
    """Where the inputs of a network lie.

    ARENA   in the arena, where nodes may overwrite them
    KEPT    in the arena, never overwritten
    CALLER  in memory of the caller's, which is only read
    """

    ARENA = "arena"
    KEPT = "kept"
    CALLER = "caller"


@dataclass(frozen=True)
class Buffer:
    """Bytes of the arena that hold one or several values, or a node's scratch, one after another.

    It is live while nodes `first` to `last` run, both included; `first` is -1 for a graph input, `last`
    is the number of nodes for a graph output. `begins` says at which of its bytes each value begins; empty when all do at its first.
    """

    name: str  # the first value held, or '<node>.scratch'
    values: tuple[str, ...]  # empty for scratch
    bytes: int
    first: int
    last: int
    offset: int = 0
    begins: tuple[int, ...] = ()

    def begin(self, value: str) -> int:
        """The byte of this buffer at which a value that it holds begins."""
        return self.begins[self.values.index(value)] if self.begins else 0


@dataclass(frozen=True)
class Life:
    """Bytes `begin` to `end`, not included, that hold something from node `first` to node `last`."""

    begin: int
    end: int
    first: int
    last: int

    def meets(self, other: Life) -> bool:
        """Whether both hold something in the same byte at the same moment."""
        return self.begin < other.end and other.begin < self.end and self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Group:
    """Values that share bytes: where each begins, and when which bytes are live."""

    bytes: int
    begins: Mapping[str, int]
    lives: tuple[Life, ...]

    def shifted(self, by: int) -> Group:
        moved = tuple(replace(life, begin=life.begin + by, end=life.end + by) for life in self.lives)
        return replace(self, begins={value: begin + by for value, begin in self.begins.items()}, lives=moved)

    def buffer(self) -> Buffer:
        values, begins = tuple(self.begins), tuple(self.begins.values())
        first, last = min(life.first for life in self.lives), max(life.last for life in self.lives)
        return Buffer(values[0], values, self.bytes, first, last, 0, begins if any(begins) else ())


@dataclass(frozen=True)
class Sharing:
    """How the values of a graph may share memory; `over` has the nodes, by name, that may also write over their first input."""

    graph: Graph
    inputs: Inputs = Inputs.ARENA
    over: Collection[str] = ()

    def buffers(self) -> list[Buffer]:
        """The buffers of all computed values, with shared ones merged so that the lower bound is small.

        To take over a buffer of the same size never costs anything. To take over a larger one keeps its spare bytes
        live, so each such choice is undone when that lowers the bound.
        """
        separate: frozenset[str] = frozenset()
        best = self._merged(separate)
        for name in self._spacious(best):
            trial = self._merged(separate | {name})
            if lower_bound(trial) < lower_bound(best):
                best, separate = trial, separate | {name}
        return best

    def _spacious(self, buffers: Iterable[Buffer]) -> list[str]:
        """The values behind the first in a buffer that is larger than they are, but for views."""
        hosts = views(self.graph).hosts
        values = self.graph.values
        return [v for b in buffers for v in b.values[1:] if v not in hosts and align(values[v].type.bytes) < align(b.bytes)]

    def _merged(self, separate: Collection[str]) -> list[Buffer]:
        """The buffers when every output but the `separate` ones takes over a dying input where it may."""
        groups = self._groups()
        homes = {value: name for name, group in groups.items() for value in group.begins}
        for node in self.graph.nodes:
            if node.name in separate or node.name in views(self.graph).free or node.name not in homes:
                continue
            own = groups[homes[node.name]]
            hosts = {homes[i]: by for i, by in self._overwritable(node, groups, homes) if homes[i] != homes[node.name]}
            fitting = [name for name, by in hosts.items() if self._fits(groups[name], own.shifted(by))]
            if not fitting:
                continue
            host = min(fitting, key=lambda name: groups[name].bytes)
            guest = groups.pop(homes[node.name]).shifted(hosts[host])
            joined = replace(groups[host], begins={**groups[host].begins, **guest.begins}, lives=(*groups[host].lives, *guest.lives))
            groups[host] = joined
            homes |= dict.fromkeys(guest.begins, host)
        return [group.buffer() for group in groups.values()]

    def _overwritable(self, node: Node, groups: Mapping[str, Group], homes: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        """The inputs that a node may overwrite, and how far its output's group then lies behind the beginning of the input's."""
        for index in overwritten(self.graph, node, self.over):
            name = node.inputs[index]
            if name in homes:
                yield name, groups[homes[name]].begins[name] - groups[homes[node.name]].begins[node.name]

    def _fits(self, host: Group, guest: Group) -> bool:
        """Whether a group may lie within another: no byte is needed by both at once, but where a node takes over what it reads."""
        if any(life.begin < 0 or life.end > host.bytes for life in guest.lives):
            return False
        meetings = [(a, b) for a in host.lives for b in guest.lives if a.meets(b)]
        return all(a.last == b.first >= 0 and self._takes_over(b.first, host, guest) for a, b in meetings)

    def _takes_over(self, at: int, host: Group, guest: Group) -> bool:
        """Whether node `at` reads each byte of `host` that it writes in `guest` before it writes it, and writes it once."""
        node = self.graph.nodes[at]
        allowed = overwritten(self.graph, node, self.over)
        for output in node.outputs:
            if output not in guest.begins:
                continue
            begin, end = _span(self.graph, guest, output)
            for index, name in enumerate(node.inputs):
                if name in host.begins:
                    low, high = _span(self.graph, host, name)
                    if low < end and begin < high and (index not in allowed or low != begin or output != node.name):
                        return False
            if any(low < end and begin < high for low, high in (_span(self.graph, host, o) for o in node.outputs if o in host.begins)):
                return False
        return True

    def _groups(self) -> dict[str, Group]:
        """The values of the arena that lie within each other as views, by the name of the value that holds them all."""
        found, values = views(self.graph), self.graph.values
        members: dict[str, dict[str, int]] = {}
        foreign = {*self.graph.states(), *(self.graph.input_names if self.inputs is Inputs.CALLER else ())}
        for name in (*dict.fromkeys(self.graph.input_names), *(o for node in self.graph.nodes for o in node.outputs)):
            root, begin = found.root(name)
            if values[root].constant:
                maker = self.graph.producer(name)
                raise TapeoutError(f"{name}: {maker.op.name() if maker else 'view'} of the constant {root} has no memory; fold it first")
            if root not in foreign:
                members.setdefault(root, {})[name] = begin
        uses = _uses(self.graph, found, self.inputs is Inputs.KEPT)
        return {root: _group(self.graph, root, begins, uses) for root, begins in members.items()}


def _span(graph: Graph, group: Group, value: str) -> tuple[int, int]:
    begin = group.begins[value]
    return begin, begin + graph.values[value].type.bytes


def _group(graph: Graph, root: str, begins: Mapping[str, int], uses: Mapping[str, tuple[int, int]]) -> Group:
    spans = [(begin, begin + graph.values[value].type.bytes, *uses[value]) for value, begin in begins.items()]
    edges = sorted({edge for begin, end, _, _ in spans for edge in (begin, end)})
    lives: list[Life] = []
    for begin, end in pairwise(edges):
        covering = [(first, last) for low, high, first, last in spans if low <= begin and end <= high]
        first, last = min(first for first, _ in covering), max(last for _, last in covering)
        if lives and (lives[-1].first, lives[-1].last) == (first, last):
            lives[-1] = replace(lives[-1], end=end)
        else:
            lives.append(Life(begin, end, first, last))
    return Group(graph.values[root].type.bytes, dict(begins), tuple(lives))


def _uses(graph: Graph, found: Views, keep_inputs: bool) -> dict[str, tuple[int, int]]:
    """The first and last node that needs each computed value itself; a node that runs nothing needs what it gives, and no more."""
    uses = {name: (-1, len(graph.nodes) if keep_inputs else -1) for name in graph.input_names}
    for at, node in enumerate(graph.nodes):
        uses |= dict.fromkeys(node.outputs, (at, at))
        for name in node.inputs if node.name not in found.free else ():
            if name in uses:
                uses[name] = (uses[name][0], max(uses[name][1], at))
    uses |= {name: (uses[name][0], len(graph.nodes)) for name in graph.output_names if name in uses}
    return uses


def overwritten(graph: Graph, node: Node, over: Collection[str]) -> tuple[int, ...]:
    """The inputs whose memory a node's output may take over; `over` has the nodes that may take over that of their first."""
    return (*node.op.inplace(graph.types(node)), *((0,) if node.name in over else ()))


def align(size: int, unit: int = ALIGNMENT) -> int:
    """`size` rounded up to a multiple of `unit`."""
    return -(-size // unit) * unit


def lower_bound(buffers: Iterable[Buffer], unit: int = ALIGNMENT) -> int:
    """The largest sum of bytes, each rounded to `unit`, of buffers that are live at once."""
    known = tuple(buffers)
    starts = {b.first for b in known}
    return max((sum(align(b.bytes, unit) for b in known if b.first <= at <= b.last) for at in starts), default=0)
