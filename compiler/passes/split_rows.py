"""Computes a region of a graph strip by strip, so that of its values only some rows are held at a time.

A region is a run of nodes of which only the last one's output is needed elsewhere. A strip computes some rows of that output, and of each
value before it the rows that are missing for them; rows that a later strip needs as well are kept, so that nothing is computed twice. The
meaning of the graph is the same, element by element.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import TapeoutError
from ..ir import Builder, Graph, Node, Op
from ..ops.concat import INPUTS, Concat
from ..ops.slice import Slice
from ..rows import RowWindow, padded_by, row_window

MAX_STRIPS = INPUTS  # a concatenation joins them


@dataclass(frozen=True)
class Region:
    """The nodes `first` to `last`, computed in so many strips."""

    first: str
    last: str
    strips: int


@dataclass(frozen=True)
class Split:
    """A graph with split regions, and for each node that a strip added the node of the graph before that it does a part of."""

    graph: Graph
    sources: dict[str, str]


def split_rows(graph: Graph, region: Region) -> Split:
    """The graph with a region computed in strips. Raises TapeoutError when `refusal` has a reason."""
    names = [node.name for node in graph.nodes]
    if region.first not in names or region.last not in names:
        raise TapeoutError(f"strips from {region.first} to {region.last}: the graph has no such nodes")
    begin, end = names.index(region.first), names.index(region.last) + 1
    if reason := refusal(graph, begin, end):
        raise TapeoutError(f"strips from {region.first} to {region.last}: {reason}")
    height = graph.values[region.last].type.shape[1]
    if not 2 <= region.strips <= min(MAX_STRIPS, height):
        raise TapeoutError(f"strips from {region.first} to {region.last}: {region.strips} of {height} rows; 2 to {MAX_STRIPS} are possible")
    given = {name: value for name, value in graph.values.items() if value.constant or name in graph.input_names}
    build = Builder(given, list(graph.values))
    for node in graph.nodes[:begin]:
        build.copy(node)
    strips = _Strips(graph, graph.nodes[begin:end], build)
    for number in range(region.strips):
        strips.add(-(-height * (number + 1) // region.strips))
    build.add(Concat(1), strips.parts, region.last)
    for node in graph.nodes[end:]:
        build.copy(node)
    return Split(graph.replace(build.nodes, build.values), strips.sources)


def refusal(graph: Graph, begin: int, end: int) -> str | None:
    """Why the nodes number `begin` to `end`, not included, cannot be computed in strips of rows; None when they can."""
    nodes = graph.nodes[begin:end]
    inside = {node.name for node in nodes}
    for node in nodes:
        if row_window(graph, node) is None:
            return f"{node.name} ({node.op.name()}) does not compute rows from rows of one image"
    hidden = inside - {nodes[-1].name}
    if outside := hidden & set(graph.output_names):
        return f"{min(outside)} is an output of the network"
    for node in (*graph.nodes[:begin], *graph.nodes[end:]):
        if read := hidden & set(node.inputs):
            return f"{node.name} needs all of {min(read)}"
    unread = hidden - {i for node in nodes for i in node.inputs}
    return f"nothing needs {min(unread)}" if unread else None


class _Strips:
    """Adds one strip after the other to a graph."""

    def __init__(self, graph: Graph, nodes: Iterable[Node], build: Builder) -> None:
        self.graph, self.build = graph, build
        self.nodes = tuple(nodes)
        self.windows: dict[str, RowWindow] = {}
        for node in self.nodes:
            window = row_window(graph, node)
            assert window
            self.windows[node.name] = window
        self.readers = {node.name: [n for n in self.nodes if node.name in n.inputs] for node in self.nodes}
        self.done = {node.name: 0 for node in self.nodes}  # rows computed so far
        self.held: dict[str, tuple[str, int]] = {}  # what holds the latest rows of a value, and the first of them
        self.parts: list[str] = []  # of the region's output
        self.sources: dict[str, str] = {}

    def add(self, rows: int) -> None:
        """Computes the output's rows before `rows` that are missing."""
        wanted = self._wanted(rows)
        for node in self.nodes:
            first, end = self.done[node.name], wanted[node.name]
            if first < end:
                if node is self.nodes[-1]:
                    self.parts.append(self._compute(node, first, end))
                else:
                    self._hold(node, first, end)
                self.done[node.name] = end
            for name in dict.fromkeys(node.inputs):
                if name in self.readers and node is self.readers[name][-1]:
                    self._release(name)

    def _hold(self, node: Node, first: int, end: int) -> None:
        """Computes rows of a value, behind those that are kept from the strip before."""
        if node.name not in self.held:
            self.held[node.name] = self._compute(node, first, end), first
            return
        kept, begin = self.held[node.name]
        before = self._slice(kept, 0, first - begin, f"{node.name}_rows_{begin}_{first - 1}_again", node.name, copied=True)
        fresh = self._compute(node, first, end)
        self.held[node.name] = self._add(Concat(1), [before, fresh], f"{node.name}_rows_{begin}_{end - 1}", node.name), begin

    def _release(self, name: str) -> None:
        """Keeps only those rows of a value that later strips need."""
        if name not in self.held:
            return
        holder, begin = self.held[name]
        end = self.done[name]
        needed = min(self.windows[r.name].first(self.done[r.name]) for r in self.readers[name])
        if needed >= end:
            del self.held[name]
        elif needed > begin:
            kept = self._slice(holder, needed - begin, end - begin, f"{name}_rows_{needed}_{end - 1}_kept", name, copied=True)
            self.held[name] = kept, needed

    def _wanted(self, rows: int) -> dict[str, int]:
        """How many rows of each value must be there when the output has `rows`."""
        wanted = {self.nodes[-1].name: rows}
        for node in reversed(self.nodes[:-1]):
            height = self._height(node.name)
            needed = max(self.windows[r.name].end(wanted[r.name], height) for r in self.readers[node.name])
            wanted[node.name] = max(self.done[node.name], needed)
        return wanted

    def _compute(self, node: Node, first: int, end: int) -> str:
        """Rows `first` to `end`, not included, of a node's output."""
        window = self.windows[node.name]
        inputs, height = [], 0
        for name in node.inputs:
            if name and not self.graph.values[name].constant:
                height = self._height(name)
                inputs.append(self._rows(name, window.first(first), window.end(end, height), node.name))
            else:
                inputs.append(name)
        op = padded_by(node.op, *window.pads(first, end, height))
        return self._add(op, inputs, f"{node.name}_rows_{first}_{end - 1}", node.name)

    def _rows(self, name: str, first: int, end: int, reader: str) -> str:
        """Rows of a value for a node: they are computed or come from outside of the region."""
        holder, begin = self.held.get(name, (name, 0))
        if (first, end) == (begin, begin + self.build.values[holder].type.shape[1]):
            return holder
        return self._slice(holder, first - begin, end - begin, f"{name}_rows_{first}_{end - 1}_of", reader)

    def _slice(self, value: str, first: int, end: int, name: str, source: str, copied: bool = False) -> str:
        shape = self.build.values[value].type.shape
        op = Slice((0, first, 0, 0), (1, end - first, *shape[2:]), (1, 1, 1, 1), copied)
        return self._add(op, [value], name, source)

    def _add(self, op: Op, inputs: list[str], name: str, source: str) -> str:
        fresh = self.build.fresh(name)
        self.sources[fresh] = source
        return self.build.add(op, inputs, fresh)

    def _height(self, name: str) -> int:
        return self.graph.values[name].type.shape[1]
