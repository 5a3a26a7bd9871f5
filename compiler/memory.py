"""Memory planning: lifetimes, shared buffers and offsets in one static arena."""
from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from .errors import TapeoutError
from .ir import Graph, Node
from .place import Block, Trail, peak, place, place_greedily, spared

ALIGNMENT = 4  # bytes, the widest element but for 64-bit sums; see `alignment`


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
    """Where every buffer lies. `lower_bound_bytes` is the largest sum of buffers that are live at once.

    `optimal` says that no smaller arena exists for these buffers: the arena equals the lower bound, or the
    solver proved it.
    """

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    lower_bound_bytes: int
    optimal: bool = False

    def find(self, name: str) -> Buffer:
        """The buffer that holds a value, or the scratch '<node>.scratch'. Raises KeyError."""
        for buffer in self.buffers:
            if name == buffer.name or name in buffer.values:
                return buffer
        raise KeyError(name)

    def live(self, node: int) -> tuple[Buffer, ...]:
        """The buffers that are live while node number `node` runs."""
        return tuple(b for b in self.buffers if b.first <= node <= b.last)

    def live_bytes(self, node: int) -> int:
        """How many bytes of the arena hold anything while node number `node` runs."""
        total, end = 0, 0
        for buffer in sorted(self.live(node), key=lambda b: b.offset):
            behind = buffer.offset + buffer.bytes
            total += max(0, behind - max(end, buffer.offset))
            end = max(end, behind)
        return total

    def to_json(self) -> str:
        """The plan as JSON text, one buffer a line."""
        rows = ",\n".join(f"    {json.dumps(asdict(b))}" for b in self.buffers)
        totals = {"arena_bytes": self.arena_bytes, "lower_bound_bytes": self.lower_bound_bytes, "optimal": self.optimal}
        head = "".join(f'  "{key}": {json.dumps(value)},\n' for key, value in totals.items())
        return f'{{\n{head}  "buffers": [\n{rows}\n  ]\n}}\n'

    @staticmethod
    def from_json(text: str) -> Plan:
        """The inverse of `to_json`. Raises TapeoutError when the text is no plan."""
        try:
            fields = json.loads(text)
            buffers = tuple(Buffer(**{**b, "values": tuple(b["values"])}) for b in fields.pop("buffers"))
            return Plan(buffers, **fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TapeoutError(f"not a memory plan: {error}") from None


Shared = tuple[list[Buffer], list[Block], list[Trail]]  # buffers, the blocks that they are, and which of them may overlap


def plan(
    graph: Graph, scratch: Mapping[str, int], keep_inputs: bool = False, guard: int = 0, trails: Mapping[str, int] | None = None,
    over: Collection[str] = (),
) -> Plan:
    """Places the values of a graph and the scratch bytes that nodes need, by node name.

    An alias op's output shares its input's buffer, and an output takes over the buffer of an input that dies at its node where the op
    allows it, or, of the first input, where `over` has the node. `trails` says of nodes, by name, how many bytes their first output has to
    begin before their first input to be written behind what is still to be read; the two may then overlap if the input dies there. With
    `keep_inputs` no node overwrites a graph input; `guard` leaves that many free bytes before and after each buffer, rounded up to the
    graph's `alignment`.
    """
    unit = alignment(graph)
    gap = align(guard, unit)

    def shared(over: Collection[str]) -> Shared:
        buffers = [*_share(graph, keep_inputs, over), *_scratch(graph, scratch)]
        found = [] if guard else [
            Trail(buffers.index(input), buffers.index(output), _lead(lead, unit))
            for node, lead in (trails or {}).items() for input, output in _trailing(graph, buffers, node)
        ]
        return buffers, [(b.first, b.last, align(b.bytes, unit) + gap) for b in buffers], found

    buffers, blocks, found = _best_shared(shared, frozenset(over))
    result = place(blocks, unit, found)
    placed = tuple(replace(b, offset=offset + gap) for b, offset in zip(buffers, result.offsets, strict=True))
    return Plan(placed, result.height + gap, peak(blocks, found) if found else lower_bound(buffers, unit), result.optimal)


def _best_shared(shared: Callable[[Collection[str]], Shared], over: frozenset[str]) -> Shared:
    """The buffers with which greedy placement needs least, when nodes of `over` are left apart one after the other.

    An output in place ties two lives together, which can keep both from where a neighbour could trail them.
    """
    best = shared(over)
    height = place_greedily(*best[1:]).height
    for name in sorted(over):
        trial = shared(over - {name})
        if (lower := place_greedily(*trial[1:]).height) < height:
            best, height, over = trial, lower, over - {name}
    return best


@dataclass(frozen=True)
class Footprint:
    """What the arena must hold while each node of a graph runs, for any scratch and lead of that node's kernel: moments are independent."""

    graph: Graph
    buffers: tuple[Buffer, ...]

    @classmethod
    def of(cls, graph: Graph, keep_inputs: bool = False) -> Footprint:
        return cls(graph, tuple(_share(graph, keep_inputs, ())))

    def bytes(self, name: str, scratch: int, lead: int | None, over: bool) -> int:
        """The least bytes that node `name` needs; `lead` and `over` as in `plan`, a lead of None for an output apart from its input."""
        node, unit = self.graph.producer(name), alignment(self.graph)
        assert node is not None
        at = self.graph.nodes.index(node)
        live = sum(align(b.bytes, unit) for b in self.buffers if b.first <= at <= b.last) + align(scratch, unit)
        if over or lead is not None:
            for input, output in _trailing(self.graph, self.buffers, name):
                live -= spared(align(input.bytes, unit), align(output.bytes, unit), 0 if over else _lead(lead or 0, unit))
        return live


def _lead(bytes: int, unit: int) -> int:
    """A lead rounded up to a multiple of `unit`; also one below 0, which says how far the output may begin behind the input."""
    return -(-bytes // unit) * unit


def _trailing(graph: Graph, buffers: Sequence[Buffer], name: str) -> list[tuple[Buffer, Buffer]]:
    """The buffers of a node's first input and output, when the one ends its life at the node where the other begins it."""
    node = graph.producer(name)
    at = graph.nodes.index(node) if node is not None else -1
    homes = {value: buffer for buffer in buffers for value in buffer.values}
    if node is None or node.inputs[0] not in homes:
        return []
    input, output = homes[node.inputs[0]], homes[node.name]
    return [(input, output)] if input.last == at == output.first and input != output else []


def alignment(graph: Graph) -> int:
    """What divides every offset: the bytes of the widest computed element, at least ALIGNMENT."""
    return max(ALIGNMENT, *(v.type.q.dtype.itemsize for v in graph.values.values() if not v.constant))


def align(size: int, unit: int = ALIGNMENT) -> int:
    """`size` rounded up to a multiple of `unit`."""
    return -(-size // unit) * unit


def lower_bound(buffers: Iterable[Buffer], unit: int = ALIGNMENT) -> int:
    """The largest sum of bytes, each rounded to `unit`, of buffers that are live at once."""
    known = tuple(buffers)
    starts = {b.first for b in known}
    return max((sum(align(b.bytes, unit) for b in known if b.first <= at <= b.last) for at in starts), default=0)


def _scratch(graph: Graph, scratch: Mapping[str, int]) -> list[Buffer]:
    return [Buffer(f"{n.name}.scratch", (), scratch[n.name], at, at) for at, n in enumerate(graph.nodes) if scratch.get(n.name, 0) > 0]


def _share(graph: Graph, keep_inputs: bool, over: Collection[str]) -> list[Buffer]:
    """The buffers of all computed values, with shared ones merged so that the lower bound is small.

    To take over a buffer of the same size never costs anything. To take over a larger one keeps its spare bytes
    live, so each such choice is undone when that lowers the bound.
    """
    separate: frozenset[str] = frozenset()
    best = _merge(graph, keep_inputs, separate, over)
    for name in _spacious(graph, best):
        trial = _merge(graph, keep_inputs, separate | {name}, over)
        if lower_bound(trial) < lower_bound(best):
            best, separate = trial, separate | {name}
    return best


def _spacious(graph: Graph, buffers: Iterable[Buffer]) -> list[str]:
    """The values behind the first in a buffer that is larger than they are."""
    return [v for b in buffers for v in b.values[1:] if align(graph.values[v].type.bytes) < align(b.bytes)]


def _merge(graph: Graph, keep_inputs: bool, separate: frozenset[str], over: Collection[str]) -> list[Buffer]:
    """The buffers when every output but the `separate` ones takes over a dying input where it may."""
    last = last_uses(graph, keep_inputs)
    buffers: dict[str, Buffer] = {}
    holder: dict[str, str] = {}  # the name of the buffer that holds a value

    def hold(value: str, at: int, into: str | None = None) -> None:
        if into is None:
            buffers[value] = Buffer(value, (value,), graph.values[value].type.bytes, at, last[value])
        else:
            host = buffers[into]
            buffers[into] = replace(host, values=(*host.values, value), last=max(host.last, last[value]))
        holder[value] = into or value

    for name in dict.fromkeys(graph.input_names):
        hold(name, -1)
    for at, node in enumerate(graph.nodes):
        if node.op.alias:
            if graph.values[node.inputs[0]].constant:
                raise TapeoutError(f"{node.name}: {node.op.name()} of the constant {node.inputs[0]} has no memory; fold it first")
            hold(node.name, at, holder[node.inputs[0]])
            continue
        dying = [] if node.name in separate else _dying(graph, node, at, buffers, holder, over)
        hold(node.name, at, min(dying, key=lambda b: b.bytes).name if dying else None)
        for output in node.outputs[1:]:
            hold(output, at)
    return list(buffers.values())


def _dying(
    graph: Graph, node: Node, at: int, buffers: Mapping[str, Buffer], holder: Mapping[str, str], over: Collection[str]
) -> list[Buffer]:
    """The buffers that a node may overwrite with its first output: it reads them last and only at inputs that allow it."""
    allowed = _overwritten(graph, node, over)
    read: dict[str, list[int]] = {}
    for index, name in enumerate(node.inputs):
        if name in holder:
            read.setdefault(holder[name], []).append(index)
    needed = graph.values[node.name].type.bytes
    return [
        buffers[name] for name, places in read.items()
        if set(places) <= set(allowed) and buffers[name].last == at and buffers[name].bytes >= needed
    ]


def _overwritten(graph: Graph, node: Node, over: Collection[str]) -> tuple[int, ...]:
    """The inputs whose memory a node's output may take over."""
    return (*node.op.inplace(graph.types(node)), *((0,) if node.name in over else ()))


def last_uses(graph: Graph, keep_inputs: bool = False) -> dict[str, int]:
    """The number of the last node that needs each computed value: the number of nodes for a graph output."""
    last = dict.fromkeys(graph.input_names, -1)
    for at, node in enumerate(graph.nodes):
        last.update(dict.fromkeys((i for i in node.inputs if i), at))
        last.update(dict.fromkeys(node.outputs, at))
    last.update(dict.fromkeys(graph.output_names, len(graph.nodes)))
    if keep_inputs:
        last.update(dict.fromkeys(graph.input_names, len(graph.nodes)))
    return {name: at for name, at in last.items() if not graph.values[name].constant}


def check(plan: Plan, graph: Graph, trails: Mapping[str, int] | None = None, over: Collection[str] = ()) -> None:
    """Raises TapeoutError unless every node of the graph finds its inputs intact under the plan.

    Independent of how the plan was made: live buffers lie inside the arena and apart from each other, but for outputs that trail,
    lifetimes cover every use of the values held, and a value is overwritten only when it is no longer needed.
    """
    unit = alignment(graph)
    allowed = {
        frozenset((input.name, output.name)) for node, lead in (trails or {}).items()
        for input, output in _trailing(graph, plan.buffers, node) if output.offset + lead <= input.offset
    }
    for number, buffer in enumerate(plan.buffers):
        if buffer.offset < 0 or buffer.offset % unit or buffer.offset + buffer.bytes > plan.arena_bytes:
            raise TapeoutError(f"{buffer.name}: bytes {_span(buffer)} do not fit the arena of {plan.arena_bytes} bytes")
        for other in plan.buffers[:number]:
            together = buffer.first <= other.last and other.first <= buffer.last
            apart = frozenset((buffer.name, other.name)) not in allowed
            if together and apart and buffer.offset < other.offset + other.bytes and other.offset < buffer.offset + buffer.bytes:
                raise TapeoutError(f"{buffer.name} at {_span(buffer)} overlaps {other.name} at {_span(other)} while both are live")
    _check_contents(plan, graph, over)


def _span(buffer: Buffer) -> str:
    return f"{buffer.offset}..{buffer.offset + buffer.bytes - 1}"


def _check_contents(plan: Plan, graph: Graph, over: Collection[str]) -> None:
    """Follows which values each buffer holds, node by node."""
    homes = {value: buffer for buffer in plan.buffers for value in buffer.values}
    held: dict[str, set[str]] = {b.name: set() for b in plan.buffers}

    def use(value: str, at: int, reader: str, write: bool = False) -> Buffer:
        if value not in homes:
            raise TapeoutError(f"{value} has no buffer")
        home = homes[value]
        if not home.first <= at <= home.last or home.bytes < graph.values[value].type.bytes:
            raise TapeoutError(f"{reader} uses {value} outside of the life of its buffer {home.name}, nodes {home.first} to {home.last}")
        if not write and value not in held[home.name]:
            raise TapeoutError(f"{reader} reads {value}, which {', '.join(sorted(held[home.name]))} has overwritten")
        return home

    for name in graph.input_names:
        held[use(name, -1, "the caller", write=True).name] = {name}
    for at, node in enumerate(graph.nodes):
        computed = {i: name for i, name in enumerate(node.inputs) if name and not graph.values[name].constant}
        sources = {i: use(name, at, node.name).name for i, name in computed.items()}
        for output in node.outputs:
            home = use(output, at, node.name, write=True).name
            if node.op.alias:
                held[home].add(output)
                continue
            refused = [computed[i] for i, source in sources.items() if source == home and i not in _overwritten(graph, node, over)]
            if refused:
                raise TapeoutError(f"{node.name} overwrites its input {refused[0]}, which {node.op.name()} does not allow")
            held[home] = {output}
    for name in graph.output_names:
        if not graph.values[name].constant:
            use(name, len(graph.nodes), "the caller")
