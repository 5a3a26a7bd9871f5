"""Which regions of a network are computed in strips of rows, so that its arena is small.

The search is greedy: the region that lowers the largest demand most comes first, then the next, as long as that is worth it. Regions are
sifted by the lower bound of what their values share, the best of them tried with their kernels' scratch.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from tapeout.compiler.buffers import Inputs, Sharing, lower_bound
from tapeout.compiler.ir import Graph
from tapeout.compiler.memory import Demands, Plan, plan
from tapeout.compiler.passes.split_rows import MAX_STRIPS, Region, refusal, split_rows
from tapeout.compiler.views import views

from .selection import Objective, Selection, select
from .target import Target

_STRIPS = (2, 3, 4, 6, 8, 12, MAX_STRIPS)
_USUAL = 8  # strips with which regions are compared
_TRIED = 3  # regions that are tried with their kernels
_WORTH = 0.98  # of the bytes before: less of a gain is not worth the calls


@dataclass(frozen=True)
class Arrangement:
    """A graph with regions in strips, its kernels, and for each node that a strip added the node that it does a part of."""

    target: Target
    graph: Graph
    objective: Objective = Objective.TIME
    pins: Mapping[str, str] = field(default_factory=dict)  # by node of the graph before
    tuned: Mapping[str, str] = field(default_factory=dict)  # what the autotuner chose, by node of this graph
    inputs: Inputs = Inputs.ARENA
    regions: tuple[Region, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def pinned(self) -> dict[str, str]:
        """The pins by node of this graph: every part of a pinned node has its pin."""
        free = views(self.graph).free
        parts = {
            n.name: self.pins[source] for n in self.graph.nodes
            if (source := self.sources.get(n.name, n.name)) in self.pins and n.name not in free and not self._moves(n.name)
        }
        return {name: symbol for name, symbol in self.pins.items() if name not in self.sources.values()} | parts

    @cached_property
    def selection(self) -> Selection:
        """Raises as `select` does."""
        return select(self.target, self.graph, self.objective, self.pinned, self.inputs, self.tuned)

    def _moves(self, name: str) -> bool:
        """Whether a node moves rows for a strip and computes none."""
        node = self.graph.producer(name)
        return name in self.sources and node is not None and node.op.name() in ("slice", "concat")

    @cached_property
    def demands(self) -> Demands:
        return self.selection.demands(self.graph, self.inputs)

    @cached_property
    def draft(self) -> Plan:
        """A plan that is found fast, by which arrangements are compared."""
        return plan(self.graph, self.demands, solve=False)

    @cached_property
    def plan(self) -> Plan:
        return plan(self.graph, self.demands)

    def split(self, *regions: Region) -> Arrangement:
        """With more regions in strips. Raises TapeoutError for one that is none."""
        found = self
        for region in regions:
            split = split_rows(found.graph, region)
            found = replace(
                found, graph=split.graph, tuned={}, regions=(*found.regions, region), sources={**found.sources, **split.sources}
            )
        return found


def arrange(whole: Arrangement, limit: int | None = None) -> Arrangement:
    """The arrangement with the smallest arena, or with a `limit` in bytes the first that was found to keep it."""
    best = whole
    while limit is None or best.plan.arena_bytes > limit:
        found = _improved(best, limit)
        if found is None or found.plan.arena_bytes > _WORTH * best.plan.arena_bytes:
            break
        best = found
    return best


def _improved(current: Arrangement, limit: int | None) -> Arrangement | None:
    """The best of the arrangements with one more region, around the node that needs most."""
    sifted = sorted(_candidates(current), key=lambda region: _bound(current, region))[:_TRIED]
    tried = [current.split(region) for region in sifted]
    if not tried:
        return None
    best = min(tried, key=_least).regions[-1]
    height = current.graph.values[best.last].type.shape[1]
    found = [current.split(Region(best.first, best.last, strips)) for strips in _STRIPS if strips <= height]
    enough = [a for a in found if limit is not None and a.draft.arena_bytes <= limit]
    near = [a for a in found if _WORTH * _least(a) <= min(map(_least, found))]
    return min(enough or near, key=lambda a: a.regions[-1].strips)


def _least(arrangement: Arrangement) -> int:
    """What the solver mostly reaches."""
    return arrangement.draft.lower_bound_bytes


def _candidates(current: Arrangement) -> Iterator[Region]:
    """Regions of whole nodes that hold the node at which the arena is fullest."""
    graph, nodes = current.graph, current.graph.nodes
    fullest = max(range(len(nodes)), key=current.plan.live_bytes)
    for begin in range(fullest, -1, -1):
        for end in range(max(fullest + 1, begin + 2), len(nodes) + 1):
            names = [node.name for node in nodes[begin:end]]
            if any(name in current.sources for name in names):
                break
            height = graph.values[names[-1]].type.shape[1:2]
            if refusal(graph, begin, end) is None and height[0] > 1:
                yield Region(names[0], names[-1], min(_USUAL, height[0]))


def _bound(current: Arrangement, region: Region) -> tuple[int, int]:
    """What the values of the graph with a region in strips need at least, and the number of its nodes."""
    split = split_rows(current.graph, region).graph
    return lower_bound(Sharing(split, current.inputs).buffers()), len(split.nodes)
