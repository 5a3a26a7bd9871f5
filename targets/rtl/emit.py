"""A Graph as a top module: no arithmetic, one instance for each node, streams between them, AXI streams at the edge."""
from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from math import ceil, gcd
from pathlib import Path

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Graph, Node

from ..c.names import identifier
from .deadlock import Network
from .instance import Fold, Instance, Stream
from .library import KERNELS, kernel_for, runs_in_wires
from .loadable import REGISTER_PORT, MemoryMap, bases, place_tables, widened, words_text
from .names import module_name

DEPTH = 2  # of the queue behind a node: as few as keep a beat moving each cycle
PIPELINE = 24  # beats on their way through a node, its queue and a change of lanes, at most

_HEAD = """\
// {title}
//
// Streams as AXI has them: a beat moves when tvalid and tready are 1, and tlast marks the last of a frame. Codes lie side by side in
// tdata, the first in the lowest bits, and the rest up to a whole byte is 0. Tables are read from the .hex files of this folder.
`default_nettype none
module {name} (
    input  wire aclk,
    input  wire aresetn,
{ports}
);
  wire rst = ~aresetn;

{body}
endmodule
`default_nettype wire
"""


@dataclass(frozen=True)
class PortStream:
    """A port of the top module: the value that it carries, and how."""

    value: str
    name: str
    stream: Stream

    @property
    def bytes(self) -> int:
        """Of a beat."""
        return -(-self.stream.width // 8)


@dataclass(frozen=True)
class Queue:
    """A queue of `depth` beats of a value, the instance `fifo_<wire>`, behind a node, or before input `index` of the node `join`, where
    `least` beats are proved to be enough for it to go on."""

    name: str
    value: str
    wire: str
    stream: Stream
    depth: int
    join: str = ""
    index: int = 0
    least: int = 1


@dataclass(frozen=True)
class Ports:
    """What `design.json` says of a design: its module, its AXI streams, the cycles that a frame takes at least, and its queues."""

    module: str
    inputs: tuple[PortStream, ...]
    outputs: tuple[PortStream, ...]
    interval: int
    queues: tuple[Queue, ...] = ()
    register_port: bool = False  # s_axil, AXI4-Lite

    def save(self, folder: Path) -> None:
        (folder / "design.json").write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Ports:
        read = json.loads((folder / "design.json").read_text())
        inputs, outputs = ([PortStream(p["value"], p["name"], Stream(**p["stream"])) for p in read[side]] for side in ("inputs", "outputs"))
        queues = tuple(Queue(**{**q, "stream": Stream(**q["stream"])}) for q in read["queues"])
        return cls(read["module"], tuple(inputs), tuple(outputs), read["interval"], queues=queues, register_port=read["register_port"])


def before_input(wire: str, index: int) -> str:
    """The name of the queue before an input of a join, whose output is the wire."""
    return f"{wire}_in_{index}"


def write_design(
    graph: Graph, folder: Path, folding: Mapping[str, Fold], name: str | None = None, depths: Mapping[str, int] | None = None,
    loadable: bool = False, unrolled: Mapping[str, Instance] | None = None,
) -> Ports:
    """Writes the top module, the modules and the tables of an integer graph, whose ports hold codes, into `folder`.

    `folding` has a fold for each node by name; `depths` the beats of queues by name, where that behind a node is not `DEPTH` or there is
    one before an input of a join. With `loadable` a register port writes the tables of layers; memory_map.json says where they are, and
    load.txt has the addresses and words, in hexadecimal, of those at hand. `unrolled` has nodes by name that have modules of their own.
    Raises Unsupported, or TapeoutError for the depth of a queue that there is not.
    """
    top = Top(graph, module_name(name or identifier(graph.name), KERNELS), folding, depths or {}, loadable, unrolled or {})
    text, ports = top.text(), top.ports()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{top.name}.sv").write_text(text)
    for module in sorted(top.modules):
        shutil.copyfile(KERNELS / f"{module}.sv", folder / f"{module}.sv")
    for module, source in top.sources.items():
        (folder / f"{module}.sv").write_text(source)
    for file, table in top.tables.items():
        (folder / file).write_text(table)
    ports.save(folder)
    if top.memory:
        top.memory.save(folder)
        (folder / "load.txt").write_text(words_text(top.memory.words(graph)))
    return ports


@dataclass
class Top:
    """Gathers the text of the top module, node by node."""

    graph: Graph
    name: str
    folding: Mapping[str, Fold]
    depths: Mapping[str, int]
    loadable: bool = False
    unrolled: Mapping[str, Instance] = field(default_factory=dict)
    memory: MemoryMap | None = None
    modules: set[str] = field(default_factory=set)
    sources: dict[str, str] = field(default_factory=dict)  # of modules written for a node, by name
    tables: dict[str, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _ends: dict[str, list[tuple[str, Stream]]] = field(default_factory=dict)  # of a value: the prefix of wires for each reader
    _names: dict[str, str] = field(default_factory=dict)
    _delays: dict[str, Fraction] = field(default_factory=dict)  # of a value: how much of a frame comes in before it
    _in: list[PortStream] = field(default_factory=list)
    _out: list[PortStream] = field(default_factory=list)
    _queues: list[Queue] = field(default_factory=list)
    _interval: int = 1

    def text(self) -> str:
        """Raises Unsupported that names the node that has no hardware."""
        instances = {n.name: self._instance(n) for n in self.graph.nodes if not runs_in_wires(n)}
        self._interval = max((i.cycles for i in instances.values()), default=1)
        if self.loadable:
            instances = {n.name: widened(self.graph, n, instances[n.name]) for n in self.graph.nodes if n.name in instances}
            self.memory = place_tables(self.graph, self.folding, instances)
            self._register_port(self.memory)
        for port in self.graph.inputs:
            self._input(port.value, instances)
        for node in self.graph.nodes:
            if runs_in_wires(node):
                self._ends[node.name] = [self._ends[node.inputs[0]].pop(0) for _ in range(self._readers(node.name))]
                self._delays[node.name] = self._delays[node.inputs[0]]
            else:
                self._node(node, instances[node.name])
        for port in self.graph.outputs:
            self._output(port.value)
        directions = [(p, "input ", "output") for p in self._in] + [(p, "output", "input ") for p in self._out]
        ports = ",\n".join(
            f"    {there} wire [{8 * p.bytes - 1}:0] {p.name}_tdata,\n    {there} wire {p.name}_tvalid,\n"
            f"    {there} wire {p.name}_tlast,\n    {back} wire {p.name}_tready"
            for p, there, back in directions
        )
        ports = (REGISTER_PORT if self.memory else "") + ports
        title = f"{self.graph.name}: {self._interval} cycles between frames at the least"
        self._check_depths(instances)
        least = self.network(instances).check()
        self._queues = [replace(q, least=max(least[q.join, q.index], 1)) if q.join else q for q in self._queues]
        return _HEAD.format(title=title, name=self.name, ports=ports, body="\n".join(self._lines).rstrip())

    def _check_depths(self, instances: Mapping[str, Instance]) -> None:
        names = [*instances, *(before_input(self._wire_name(name), i) for name, made in instances.items()
                               if len(made.inputs) > 1 for i in range(len(made.inputs)))]  # fmt: skip
        if unknown := [name for name in self.depths if name not in names]:
            raise TapeoutError(f"--fifo {unknown[0]}: there is no such queue; there are {', '.join(names)}")

    def network(self, instances: Mapping[str, Instance]) -> Network:
        depths = {queue.name: queue.depth for queue in self._queues}

        def before(join: str, index: int) -> int:
            return depths.get(before_input(self._wire_name(join), index), 0)

        lanes = {port.value: port.stream.lanes for port in self._in}
        return Network(self.graph, instances, lanes, lambda node: depths.get(node, 0), before)

    def ports(self) -> Ports:
        return Ports(self.name, tuple(self._in), tuple(self._out), self._interval, queues=tuple(self._queues), register_port=self.loadable)

    def _register_port(self, memory: MemoryMap) -> None:
        self.modules |= {"axi_lite_writes", "table_writer"}
        signals = re.findall(r"s_axil_(\w+)", REGISTER_PORT)
        self._lines += [
            "  wire [62:0] load;", f"  axi_lite_writes #(.WORDS({memory.size})) u_load (", "      .clk(aclk), .rst(rst),",
            *(f"      .{signal}(s_axil_{signal})," for signal in signals), "      .load(load));", "",
        ]  # fmt: skip

    def _load(self, node: str) -> tuple[dict[str, int], str]:
        """The parameters of a node whose tables are written at run time, and its port."""
        own = [memory for memory in self.memory.memories if memory.node == node] if self.memory else []
        return (bases(own), "load") if own else ({}, "")

    def _instance(self, node: Node) -> Instance:
        if len(node.outputs) != 1:
            raise Unsupported(f"{node.name}: target rtl runs nodes of one output")
        if not (made := self.unrolled.get(node.name)):
            made = kernel_for(self.graph, node).instance(self.graph, node, self.folding.get(node.name, Fold()))
        self.modules |= set(made.modules)
        if made.source:
            self.sources[made.module] = made.source
        else:
            self.modules.add(made.module)
        return made

    def _wire_name(self, value: str) -> str:
        """A name that no other value has, close to the model's."""
        if value not in self._names:
            base = candidate = re.sub("_+", "_", identifier(value))  # simulators write two underscores otherwise
            count = 1
            while candidate.lower() in (name.lower() for name in self._names.values()):
                count += 1
                candidate = f"{base}_{count}"
            self._names[value] = candidate
        return self._names[value]

    def _readers(self, value: str) -> int:
        """How many streams of the value are read, those of its views included."""
        readers = self.graph.consumers()[value]
        own = sum(n.inputs.count(value) for n in readers if not runs_in_wires(n)) + self.graph.output_names.count(value)
        return own + sum(self._readers(n.name) for n in readers if runs_in_wires(n))

    def _wires(self, prefix: str, stream: Stream) -> None:
        width = f"[{stream.width - 1}:0] " if stream.width > 1 else ""
        self._lines += [f"  wire {width}{prefix}_data;", f"  wire {prefix}_last, {prefix}_valid, {prefix}_ready;"]

    def _connected(
        self, module: str, params: Mapping[str, int | str], label: str, sources: Sequence[str], target: str, load: str = ""
    ) -> None:
        """An instance between bundles of wires: those of several sources side by side, the first in the lowest bits."""
        if module not in self.sources:
            self.modules.add(module)
        given = ", ".join(f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})" for k, v in params.items())
        head = f"  {module} #({given}) {label} (" if given else f"  {module} {label} ("
        self._lines += [
            head, f"      .clk(aclk), .rst(rst),{load and f' .load({load}),'}",
            "      " + ", ".join(f".in_{w}({_beside([f'{s}_{w}' for s in sources])})" for w in ("data", "last", "valid", "ready")) + ",",
            "      " + ", ".join(f".out_{w}({target}_{w})" for w in ("data", "last", "valid", "ready")) + ");",
        ]  # fmt: skip

    def _input(self, value: str, instances: Mapping[str, Instance]) -> None:
        name, type = self._wire_name(value), self.graph.values[value].type
        lanes = self._first_lanes(value, instances)
        port = PortStream(value, f"s_axis_{name}", Stream(lanes, type.quantized.bits, type.size))
        self._in.append(port)
        self._delays[value] = Fraction(0)
        self._wires(name, port.stream)
        if port.bytes * 8 > port.stream.width:
            self._lines.append(f"  wire unused_{name} = |{port.name}_tdata[{8 * port.bytes - 1}:{port.stream.width}];")
        self._lines += [
            f"  assign {name}_data = {port.name}_tdata[{port.stream.width - 1}:0];", f"  assign {name}_last = {port.name}_tlast;",
            f"  assign {name}_valid = {port.name}_tvalid;", f"  assign {port.name}_tready = {name}_ready;", "",
        ]  # fmt: skip
        self._split(value, name, port.stream)

    def _first_lanes(self, value: str, instances: Mapping[str, Instance]) -> int:
        """The lanes of a reader, so that what comes in needs no change of width; 1 for an output."""
        for node in self.graph.consumers()[value]:
            if runs_in_wires(node):
                return self._first_lanes(node.name, instances)
            return instances[node.name].inputs[node.inputs.index(value)].lanes
        return 1

    def _split(self, value: str, prefix: str, stream: Stream) -> None:
        """Makes a stream for each reader of the value."""
        count = self._readers(value)
        if count < 1:
            raise Unsupported(f"{value}: nothing reads it; drop it from the model")
        if count == 1:
            self._ends[value] = [(prefix, stream)]
            return
        self.modules.add("fork_stream")
        ends = [f"{prefix}_to_{index}" for index in range(count)]
        for end in ends:
            self._wires(end, stream)
            self._lines += [f"  assign {end}_data = {prefix}_data;", f"  assign {end}_last = {prefix}_last;"]
        every = {w: ", ".join(f"{end}_{w}" for end in reversed(ends)) for w in ("valid", "ready")}
        self._lines += [
            f"  fork_stream #(.COUNT({count})) fork_{prefix} (", "      .clk(aclk), .rst(rst),",
            f"      .in_valid({prefix}_valid), .in_ready({prefix}_ready),",
            f"      .out_valid({{{every['valid']}}}), .out_ready({{{every['ready']}}}));",
            "",
        ]  # fmt: skip
        self._ends[value] = [(end, stream) for end in ends]

    def _resized(self, prefix: str, have: Stream, lanes: int) -> tuple[str, Stream]:
        """The stream with other lanes: first narrowed to what divides both."""
        if have.lanes == lanes:
            return prefix, have
        common = gcd(have.lanes, lanes)
        for module, wanted in (("narrow", common), ("widen", lanes)):
            if wanted != have.lanes:
                self.modules.add(module)
                made = Stream(wanted, have.bits, have.size)
                target = f"{prefix}_x{wanted}"
                self._wires(target, made)
                parts = max(have.lanes, wanted) // min(have.lanes, wanted)
                params: dict[str, int | str] = {"WIDTH": min(have.width, made.width), "PARTS": parts}
                self._connected(module, params, f"{module}_{target}", [prefix], target)
                prefix, have = target, made
        return prefix, have

    def _inputs(self, node: Node, made: Instance, name: str) -> list[str]:
        """The streams of a node, in the lanes that it reads; where it joins several, behind queues for what the slowest of them is late."""
        ends, late = [], self._late(node, made)
        for index, (value, wanted) in enumerate(zip(node.inputs, made.inputs, strict=False)):
            prefix, have = self._ends[value].pop(0)
            end = self._resized(prefix, have, wanted.lanes)[0]
            depth = self.depths.get(before_input(name, index), late[index])
            if depth:
                source, end = end, before_input(name, index)
                self._wires(end, wanted)
                self._queue(Queue(end, value, end, wanted, depth, node.name, index), source)
            ends.append(end)
        return ends

    def _late(self, node: Node, made: Instance) -> list[int]:
        """The beats by which each input of a node comes before the last one; notes how much of a frame comes in before its output.

        What a layer holds of a frame is a bound of that: so deep a queue in front of a join is never full while the other branch
        still takes what the fork gives, and a whole frame is always enough, since a branch that has all of a frame gives all of it.
        """
        delays = [self._delays[value] for value in node.inputs[: len(made.inputs)]]
        own = Fraction(made.held, made.inputs[0].beats) + Fraction(PIPELINE, made.output.beats)
        self._delays[node.name] = max(delays) + min(own, Fraction(1))
        ahead = [min(max(delays) - delay + made.skew, Fraction(1)) for delay in delays]
        return [ceil(share * wanted.beats) for share, wanted in zip(ahead, made.inputs, strict=True)]

    def _node(self, node: Node, made: Instance) -> None:
        name = self._wire_name(node.name)
        shapes = " , ".join(self.graph.values[i].type.dims for i in node.inputs[: len(made.inputs)])
        ends = self._inputs(node, made, name)
        self._lines.append(f"  // {node.name}: {node.op.name()} {shapes} -> {self.graph.values[node.name].type.dims}")
        files: dict[str, int | str] = dict(made.params)
        for parameter, table in made.tables.items():
            file = f"{self.name}_{name}_{parameter.lower()}.hex"
            self.tables[file] = table.text()
            files[parameter] = file
        loads, load = self._load(node.name)
        files |= loads
        raw = f"{name}_made" if made.queued else name
        self._wires(raw, made.output)
        self._connected(made.module, files, f"u_{name}", ends, raw, load)
        if made.queued:
            self._wires(name, made.output)
            self._queue(Queue(node.name, node.name, name, made.output, self.depths.get(node.name, DEPTH)), raw)
        self._lines.append("")
        self._split(node.name, name, made.output)

    def _queue(self, queue: Queue, source: str) -> None:
        self.modules.add("fifo")
        self._queues.append(queue)
        name = queue.wire
        self._lines += [
            f"  fifo #(.WIDTH({queue.stream.width + 1}), .DEPTH({queue.depth})) fifo_{name} (", "      .clk(aclk), .rst(rst),",
            f"      .in_data({{{source}_last, {source}_data}}), .in_valid({source}_valid), .in_ready({source}_ready),",
            f"      .out_data({{{name}_last, {name}_data}}), .out_valid({name}_valid), .out_ready({name}_ready));",
        ]  # fmt: skip

    def _output(self, value: str) -> None:
        prefix, stream = self._ends[value].pop(0)
        port = PortStream(value, f"m_axis_{self._wire_name(value)}", stream)
        self._out.append(port)
        pad = 8 * port.bytes - stream.width
        data = f"{{{pad}'b0, {prefix}_data}}" if pad else f"{prefix}_data"
        self._lines += [
            f"  assign {port.name}_tdata = {data};", f"  assign {port.name}_tvalid = {prefix}_valid;",
            f"  assign {port.name}_tlast = {prefix}_last;", f"  assign {prefix}_ready = {port.name}_tready;",
        ]  # fmt: skip


def _beside(wires: Sequence[str]) -> str:
    """Wires side by side, the first in the lowest bits."""
    return wires[0] if len(wires) == 1 else f"{{{', '.join(reversed(wires))}}}"
