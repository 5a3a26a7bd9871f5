"""Tables that are written at run time, over the register port: widths for other weights than those at hand, addresses, and words.

A word of a table takes as many addresses as it has parts of 32 bits, up to a power of two; a table begins at a multiple of its size.
"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node

from .instance import Fold, Instance, Table, signed_bits, word
from .layer import channel_table
from .library import kernel_for, runs_in_wires

MAP = "memory_map.json"
MODULES = ("dense", "conv2d", "requant", "threshold")  # whose tables `load` can write
_BITS = {"WEIGHTS": "W_BITS", "BIASES": "ACC_BITS", "MULS": "MUL_BITS", "THRESHOLDS": "T_BITS"}  # of a number in each table
_MARGIN = 2  # bits by which multipliers may grow, and by which they may become finer
_PART = 32
_PAGE = """\
# The tables of the register port, {bytes} bytes of addresses

AXI4-Lite, 32 bits, to be written alone, while no frame is in the design. Parts of 32 bits of a word lie one after another, the lowest
first; the last one writes the word. Numbers lie in a word as two's complement, the first in the lowest bits.

| address | node | table | words | bits of a word | bits of a number | times | bytes from word to word |
|---|---|---|---|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Memory:
    """A table in the design: `words` of `width` bits, in which numbers are `bits` wide, from the address `base` on, which counts words of
    32 bits. Multipliers are by `2**-shift`."""

    node: str
    table: str
    base: int
    width: int
    words: int
    bits: int
    shift: int

    @property
    def stride(self) -> int:
        """Addresses from word to word."""
        return 1 << (-(-self.width // _PART) - 1).bit_length()

    @property
    def size(self) -> int:
        return self.stride << max((self.words - 1).bit_length(), 1)

    def writes(self, table: Table) -> list[tuple[int, int]]:
        """The addresses in bytes and the words of 32 bits that write the table, in the order in which they have to be written."""
        parts = -(-self.width // _PART)
        return [
            (4 * (self.base + place * self.stride + part), number >> _PART * part & (1 << _PART) - 1)
            for place, number in enumerate(table.words) for part in range(parts)
        ]  # fmt: skip


@dataclass(frozen=True)
class Loadable:
    """A node whose tables can be written: its fold, and the parameters that other weights cannot change."""

    node: str
    fold: Fold
    fixed: Mapping[str, int]


@dataclass(frozen=True)
class MemoryMap:
    """What `memory_map.json` says: the tables that the register port writes, which has `size` addresses, each of a word of 32 bits."""

    size: int
    nodes: tuple[Loadable, ...]
    memories: tuple[Memory, ...]

    def save(self, folder: Path) -> None:
        (folder / MAP).write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / MAP).with_suffix(".md").write_text(self._page())

    @classmethod
    def load(cls, folder: Path) -> MemoryMap:
        read = json.loads((folder / MAP).read_text())
        nodes = [Loadable(n["node"], Fold(**n["fold"]), n["fixed"]) for n in read["nodes"]]
        return cls(read["size"], tuple(nodes), tuple(Memory(**m) for m in read["memories"]))

    def _page(self) -> str:
        rows = [
            f"| `0x{4 * m.base:06x}` | {m.node} | {m.table.lower()} | {m.words} | {m.width} | {m.bits} |"
            f" {f'2^-{m.shift}' if m.shift else '1'} | {4 * m.stride} |" for m in self.memories
        ]  # fmt: skip
        return _PAGE.format(bytes=4 * self.size, rows="\n".join(rows))

    def words(self, graph: Graph) -> list[tuple[int, int]]:
        """What loads the weights of a graph that differs from the design's in its constants alone: addresses in bytes, words of 32 bits.

        Raises Unsupported that names the node which does not fit.
        """
        nodes = {node.name: node for node in graph.nodes if not runs_in_wires(node)}
        writes: list[tuple[int, int]] = []
        for loadable in self.nodes:
            if loadable.node not in nodes:
                raise Unsupported(f"{loadable.node}: is a node of the design, and none of the network that is loaded")
            made = kernel_for(graph, nodes[loadable.node]).instance(graph, nodes[loadable.node], loadable.fold)
            _check_fixed(loadable, made)
            own = [m for m in self.memories if m.node == loadable.node]
            widths = {_BITS[m.table]: m.bits for m in own} 
            widths["SHIFT"] = max(m.shift for m in own)
            tables = _fitted(loadable.node, made, widths)
            for memory in own:
                writes += memory.writes(tables[memory.table])
        return writes


def _check_fixed(loadable: Loadable, made: Instance) -> None:
    for name, value in loadable.fixed.items():
        if made.params.get(name) != value:
            raise Unsupported(f"{loadable.node}: {name} is {value} in the design, {made.params.get(name)} with these weights; compile anew")


def widened(graph: Graph, node: Node, made: Instance) -> Instance:
    """The instance of a node with widths for all weights of its type; biases may double the sum that these can reach."""
    if made.module not in MODULES:
        return made
    params = dict(made.params)
    if "W_BITS" in params:
        params |= _layer_widths(graph, node, params)
    if "SHIFT" in params:
        params |= {"SHIFT": params["SHIFT"] + _MARGIN, "MUL_BITS": params["MUL_BITS"] + 2 * _MARGIN}
        params.pop("MUL", None)
    if "LEVELS" in params and "T_BITS" not in made.params:
        params["T_BITS"] = params["ACC_BITS"]
    tables = _fitted(node.name, made, params)
    if "T_BITS" not in made.params:
        params.pop("T_BITS", None)
    return replace(made, params=params, tables=tables)


def _layer_widths(graph: Graph, node: Node, params: Mapping[str, int]) -> dict[str, int]:
    w = graph.types(node)[1]
    assert w
    q, bipolar = w.quantized, params["BIPOLAR"]
    weight = 1 if bipolar else max(abs(q.min - max(q.zero)), abs(q.max - min(q.zero)))
    x = 1 if bipolar else 1 << (params["X_BITS"] - params["X_SIGNED"])
    reach = 2 * params["INPUTS"] * weight * x
    least = -weight if "LEVELS" in params else q.min - max(q.zero)  # falling thresholds negate a channel
    most = weight if "LEVELS" in params else q.max - min(q.zero)
    return {"W_BITS": 1 if bipolar else max(signed_bits(least, most), 2), "ACC_BITS": max(signed_bits(-reach, reach), params["ACC_BITS"])}


def _fitted(node: str, made: Instance, widths: Mapping[str, int]) -> dict[str, Table]:
    """The tables of an instance with numbers of other widths. Raises Unsupported when they do not fit."""
    own = dict(made.params)
    if own.get("SECOND") or own.get("EXTRA_BITS"):
        raise Unsupported(f"{node}: its scales are rounded twice, as TensorFlow Lite does, and cannot be loaded; leave them in ROM")
    own.setdefault("T_BITS", own.get("ACC_BITS", 0))
    tables = dict(made.tables)
    if "SHIFT" in own and "MULS" not in tables:
        channels = own["OUTPUTS" if "OUTPUTS" in own else "CHANNELS"]
        tables["MULS"] = channel_table([own["MUL"]] * channels, own["MUL_BITS"], own["PE"])
    fitted = {}
    for name, table in tables.items():
        bits, wanted = own[_BITS[name]], widths[_BITS[name]]
        up = widths["SHIFT"] - own["SHIFT"] if name == "MULS" else 0
        numbers = [[number << max(up, 0) for number in _numbers(row, table.width // bits, bits)] for row in table.words]
        if up < 0 or (wanted > 1 and any(signed_bits(min(row), max(row)) > wanted for row in numbers)):
            scaled = f" by 2^-{widths['SHIFT']}" if up else ""
            raise Unsupported(f"{node}: its {name.lower()} do not fit {wanted} bits{scaled}, which the design has; compile anew")
        fitted[name] = Table(table.width // bits * wanted, tuple(word(row, wanted) for row in numbers))
    return fitted


def _numbers(row: int, count: int, bits: int) -> list[int]:
    """The numbers in a word; bits alone for one bit."""
    codes = [row >> place * bits & (1 << bits) - 1 for place in range(count)]
    return codes if bits == 1 else [code - (code >> (bits - 1) << bits) for code in codes]


def place_tables(graph: Graph, folding: Mapping[str, Fold], instances: Mapping[str, Instance]) -> MemoryMap:
    """Addresses for the tables of widened instances, by node."""
    nodes, memories, next_free = [], [], 0
    for name, made in instances.items():
        if made.module not in MODULES:
            continue
        fixed = {k: v for k, v in made.params.items() if k not in (*_BITS.values(), "SHIFT", "EXTRA_BITS")}
        nodes.append(Loadable(name, folding.get(name, Fold()), fixed))
        for table, content in made.tables.items():
            bits = made.params.get(_BITS[table], made.params.get("ACC_BITS", 0))
            memory = Memory(name, table, 0, content.width, len(content.words), bits, made.params["SHIFT"] if table == "MULS" else 0)
            base = -(-next_free // memory.size) * memory.size
            memories.append(replace(memory, base=base))
            next_free = base + memory.size
    return MemoryMap(next_free, tuple(nodes), tuple(memories))


def bases(memories: Sequence[Memory]) -> dict[str, int]:
    """The parameters of a module that can be written, for its memories."""
    return {"LOADABLE": 1, **{f"{memory.table}_BASE": memory.base for memory in memories}}
