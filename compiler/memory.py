"""Memory planning: lifetimes, shared buffers and offsets in one static arena."""
from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from .buffers import Buffer, Inputs, Sharing, align, lower_bound, overwritten
from .errors import TapeoutError
from .ir import Array, Graph, Port
from .place import Block, Trail, peak, place, place_greedily, spared
from .views import alignment, views


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

    def holds(self, name: str) -> bool:
        """Whether a value lies in the arena."""
        return any(name in buffer.values for buffer in self.buffers)

    def foreign(self, graph: Graph) -> list[Port]:
        """The inputs of a graph that lie in the caller's memory."""
        return [port for port in graph.inputs if not self.holds(port.value)]

    def offset(self, value: str) -> int:
        """The byte of the arena at which a value begins. Raises KeyError."""
        buffer = self.find(value)
        return buffer.offset + buffer.begin(value)

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
            buffers = tuple(Buffer(**{**b, "values": tuple(b["values"]), "begins": tuple(b["begins"])}) for b in fields.pop("buffers"))
            return Plan(buffers, **fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TapeoutError(f"not a memory plan: {error}") from None


Shared = tuple[list[Buffer], list[Block], list[Trail]]  # buffers, the blocks that they are, and which of them may overlap


@dataclass(frozen=True)
class Demands:
    """What the kernels of a graph's nodes ask of the memory, by node name, and where the inputs lie.

    `scratch` are bytes that a node needs while it runs. `trails` says how many bytes its first output has to begin before its first
    input to be written behind what is still to be read; the two may then overlap if the input dies there. A node of `over` may write
    over its first input.
    """

    scratch: Mapping[str, int] = field(default_factory=dict)
    trails: Mapping[str, int] = field(default_factory=dict)
    over: Collection[str] = ()
    inputs: Inputs = Inputs.ARENA


def plan(graph: Graph, demands: Demands = Demands(), guard: int = 0, solve: bool = True) -> Plan:
    """Places the values of a graph and its nodes' scratch.

    A view shares its host's buffer, and an output takes over the buffer of an input that dies at its node where the op or `demands.over`
    allow it. `guard` leaves that many free bytes before and after each buffer, rounded up to the graph's `alignment`; nothing trails then.
    Without `solve` the first placement that is found stands.
    """
    unit = alignment(graph)
    gap = align(guard, unit)
    buffers, blocks, found = _best_shared(graph, demands, gap)
    result = place(blocks, unit, found) if solve else place_greedily(blocks, found)
    placed = tuple(replace(b, offset=offset + gap) for b, offset in zip(buffers, result.offsets, strict=True))
    return Plan(placed, result.height + gap, peak(blocks, found) if found else lower_bound(buffers, unit), result.optimal)


def _shared(graph: Graph, demands: Demands, over: Collection[str], gap: int) -> Shared:
    unit = alignment(graph)
    buffers = [*Sharing(graph, demands.inputs, over).buffers(), *_scratch(graph, demands.scratch)]
    found = [] if gap else [
        Trail(buffers.index(input), buffers.index(output), _lead(lead + more, unit))
        for node, lead in demands.trails.items() for input, output, more in _trailing(graph, buffers, node)
    ]
    return buffers, [(b.first, b.last, align(b.bytes, unit) + gap) for b in buffers], found


def _best_shared(graph: Graph, demands: Demands, gap: int) -> Shared:
    """The buffers with which greedy placement needs least, when nodes of `over` are left apart one after the other.

    An output in place ties two lives together, which can keep both from where a neighbour could trail them.
    """
    over = frozenset(demands.over)
    best = _shared(graph, demands, over, gap)
    height = place_greedily(*best[1:]).height
    for name in sorted(over):
        trial = _shared(graph, demands, over - {name}, gap)
        if (lower := place_greedily(*trial[1:]).height) < height:
            best, height, over = trial, lower, over - {name}
    return best


@dataclass(frozen=True)
class Footprint:
    """What the arena must hold while each node of a graph runs, for any scratch and lead of that node's kernel: moments are independent."""

    graph: Graph
    buffers: tuple[Buffer, ...]

    @classmethod
    def of(cls, graph: Graph, inputs: Inputs) -> Footprint:
        return cls(graph, tuple(Sharing(graph, inputs).buffers()))

    def bytes(self, name: str, scratch: int, lead: int | None, over: bool) -> int:
        """The least bytes that node `name` needs; `lead` and `over` as in `plan`, a lead of None for an output apart from its input."""
        node, unit = self.graph.producer(name), alignment(self.graph)
        assert node is not None
        at = self.graph.nodes.index(node)
        live = sum(align(b.bytes, unit) for b in self.buffers if b.first <= at <= b.last) + align(scratch, unit)
        if over or lead is not None:
            for input, output, more in _trailing(self.graph, self.buffers, name):
                live -= spared(align(input.bytes, unit), align(output.bytes, unit), _lead((0 if over else lead or 0) + more, unit))
        return live


def _lead(bytes: int, unit: int) -> int:
    """A lead rounded up to a multiple of `unit`; also one below 0, which says how far the output may begin behind the input."""
    return -(-bytes // unit) * unit


def _trailing(graph: Graph, buffers: Sequence[Buffer], name: str) -> list[tuple[Buffer, Buffer, int]]:
    """The buffers of a node's first input and output, when the one ends its life at the node where the other begins it, and by how many
    bytes more the buffers must lie apart than the values in them."""
    node = graph.producer(name)
    at = graph.nodes.index(node) if node is not None else -1
    homes = {value: buffer for buffer in buffers for value in buffer.values}
    if node is None or node.inputs[0] not in homes:
        return []
    input, output = homes[node.inputs[0]], homes[node.name]
    if input.last != at or output.first != at or input == output or any(homes.get(i) == input for i in node.inputs[1:]):
        return []
    return [(input, output, output.begin(node.name) - input.begin(node.inputs[0]))]


def _scratch(graph: Graph, scratch: Mapping[str, int]) -> list[Buffer]:
    return [Buffer(f"{n.name}.scratch", (), scratch[n.name], at, at) for at, n in enumerate(graph.nodes) if scratch.get(n.name, 0) > 0]


def check(plan: Plan, graph: Graph, demands: Demands = Demands()) -> None:
    """Raises TapeoutError unless every node of the graph finds its inputs intact under the plan.

    Independent of how the plan was made: live buffers lie inside the arena and apart from each other, but for outputs that trail,
    lifetimes cover every use of the values held, and a value is overwritten only when it is no longer needed.
    """
    unit = alignment(graph)
    allowed = {
        frozenset((input.name, output.name)) for node, lead in demands.trails.items()
        for input, output, more in _trailing(graph, plan.buffers, node) if output.offset + lead + more <= input.offset
    }
    for number, buffer in enumerate(plan.buffers):
        if buffer.offset < 0 or buffer.offset % unit or buffer.offset + buffer.bytes > plan.arena_bytes:
            raise TapeoutError(f"{buffer.name}: bytes {_span(buffer)} do not fit the arena of {plan.arena_bytes} bytes")
        for other in plan.buffers[:number]:
            together = buffer.first <= other.last and other.first <= buffer.last
            apart = frozenset((buffer.name, other.name)) not in allowed
            if together and apart and buffer.offset < other.offset + other.bytes and other.offset < buffer.offset + buffer.bytes:
                raise TapeoutError(f"{buffer.name} at {_span(buffer)} overlaps {other.name} at {_span(other)} while both are live")
    _check_contents(plan, graph, demands.over)


def _span(buffer: Buffer) -> str:
    return f"{buffer.offset}..{buffer.offset + buffer.bytes - 1}"


def _check_contents(plan: Plan, graph: Graph, over: Collection[str]) -> None:
    """Follows what each byte of each buffer holds, node by node."""
    contents = _contents(graph)
    held = {b.name: np.full(b.bytes, -1, np.int64) for b in plan.buffers}
    homes = {value: buffer for buffer in plan.buffers for value in buffer.values}
    foreign = {name for name in graph.input_names if name not in homes}
    kept = {name for next, state in graph.states().items() for name in (next, state.name)}

    def bytes_of(value: str, at: int, reader: str) -> Array:
        """The bytes in which a value lies."""
        if value not in homes:
            raise TapeoutError(f"{value} has no buffer")
        home, size = homes[value], graph.values[value].type.bytes
        begin = home.begin(value)
        if not home.first <= at <= home.last or begin < 0 or home.bytes < begin + size:
            raise TapeoutError(f"{reader} uses {value} outside of the life of its buffer {home.name}, nodes {home.first} to {home.last}")
        return held[home.name][begin : begin + size]

    def read(value: str, at: int, reader: str) -> None:
        if views(graph).root(value)[0] in foreign or value in kept:
            return
        found = bytes_of(value, at, reader)
        if not np.array_equal(found, contents[value]):
            wrong = int(found[found != contents[value]][0])
            other = next((n for n, c in contents.items() if n not in views(graph).hosts and wrong in c), "nothing")
            raise TapeoutError(f"{reader} reads {value}, which {other} has overwritten")

    for name in graph.input_names:
        if name not in foreign:
            bytes_of(name, -1, "the caller")[:] = contents[name]
    for at, node in enumerate(graph.nodes):
        computed = {i: name for i, name in enumerate(node.inputs) if name and not graph.values[name].constant}
        if node.name in views(graph).free:
            read(node.name, at, node.name)
            continue
        for name in computed.values():
            read(name, at, node.name)
        for output in (o for o in node.outputs if o not in kept):
            written = bytes_of(output, at, node.name)
            for i, name in computed.items():
                if name in homes and np.shares_memory(written, found := bytes_of(name, at, node.name)):
                    same = i in overwritten(graph, node, over) and found.ctypes.data == written.ctypes.data
                    if not same or output != node.name:
                        raise TapeoutError(f"{node.name} overwrites its input {name}, which {node.op.name()} does not allow")
            written[:] = contents[output]
    for name in graph.output_names:
        if not graph.values[name].constant:
            read(name, len(graph.nodes), "the caller")


def _contents(graph: Graph) -> dict[str, Array]:
    """A number for each byte of each computed value, the same for bytes that a view has of another."""
    found, total = views(graph), 0
    roots: dict[str, Array] = {}
    contents: dict[str, Array] = {}
    for name in (*graph.input_names, *(o for node in graph.nodes for o in node.outputs)):
        root, begin = found.root(name)
        if root not in roots:
            size = graph.values[root].type.bytes
            roots[root], total = np.arange(total, total + size), total + size
        contents[name] = roots[root][begin : begin + graph.values[name].type.bytes]
    return contents
