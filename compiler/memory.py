"""Memory planning: lifetimes, shared buffers and offsets in one static arena."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .ir import Graph

ALIGNMENT = 4  # bytes; the widest element is 32 bits, and no core needs more than its word


@dataclass(frozen=True)
class Buffer:
    """Bytes of the arena that hold one or several values, or a node's scratch, one after another.

    It is live while nodes `first` to `last` run, both included; `first` is -1 for a graph input, `last`
    is the number of nodes for a graph output.
    """

    name: str  # the first value held, or '<node>.scratch'
    values: tuple[str, ...]  # empty for scratch
    bytes: int
    first: int
    last: int
    offset: int = 0


@dataclass(frozen=True)
class Plan:
    """Where every buffer lies. `lower_bound_bytes` is the largest sum of buffers that are live at once."""

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    lower_bound_bytes: int

    def find(self, name: str) -> Buffer:
        """The buffer that holds a value, or the scratch '<node>.scratch'. Raises KeyError."""
        for buffer in self.buffers:
            if name == buffer.name or name in buffer.values:
                return buffer
        raise KeyError(name)

    def live(self, node: int) -> tuple[Buffer, ...]:
        """The buffers that are live while node number `node` runs."""
        return tuple(b for b in self.buffers if b.first <= node <= b.last)


def plan(graph: Graph, scratch: Mapping[str, int], keep_inputs: bool = False, guard: int = 0) -> Plan:
    """Places the values of a graph and the scratch bytes that nodes need, by node name.

    With `keep_inputs` no node overwrites a graph input; `guard` leaves that many free bytes before and
    after each buffer.
    """
    raise NotImplementedError
