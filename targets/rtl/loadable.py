"""Tables that are written at run time, over the register port: widths for other weights than those at hand, addresses, and words.

A word of a table takes as many addresses as it has parts of 32 bits, up to a power of two; a table begins at a multiple of its size.
"""
from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node

from .instance import Fold, Instance, Table, signed_bits, word
from .layer import channel_table
from .library import KERNELS, kernel_for, runs_in_wires

MAP = "memory_map.json"
MODULES = ("dense", "conv2d", "depthwise_conv2d", "requant", "threshold")  # whose tables `load` can write
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

_PORT = r"^    (input|output) +(?:wire|logic) +((?:\[.+\] *)?)([a-z]+),$"  # of axi_lite_writes.sv, but for clk, rst and load


def _register_port() -> str:
    """The port of the top module, in front of its others: that of axi_lite_writes.sv, with the prefix that AXI's tools look for."""
    found = re.findall(_PORT, (KERNELS / "axi_lite_writes.sv").read_text(), re.MULTILINE)
    return "".join(
        f"    {way:6} wire {width.strip()}{' ' if width else ''}s_axil_{name},\n"
        for way, width, name in found if name not in ("clk", "rst")
    )


REGISTER_PORT = _register_port()


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
class Fixed:
    """What other weights cannot change of a node: its fold, parameters, and the SHA-256 of tables that are not written."""

    node: str
    fold: Fold
    params: Mapping[str, int]
    tables: str

    @classmethod
    def of(cls, node: str, fold: Fold, made: Instance) -> Fixed:
        if made.module not in MODULES:
            return cls(node, fold, dict(made.params), sha256(repr(sorted(made.tables.items())).encode()).hexdigest())
        return cls(node, fold, {k: v for k, v in made.params.items() if k not in (*_BITS.values(), "SHIFT", "MUL", "EXTRA_BITS")}, "")

    def check(self, made: Instance) -> None:
        """Raises Unsupported when this instance of the node differs."""
        other = Fixed.of(self.node, self.fold, made)
        for name in self.params.keys() | other.params.keys():
            mine, theirs = self.params.get(name), other.params.get(name)
            if mine != theirs:
                raise Unsupported(f"{self.node}: {name} is {mine} in the design, {theirs} with these weights; compile anew")
        if self.tables != other.tables:
            raise Unsupported(f"{self.node}: its table, which is not loaded, differs with these weights; compile anew")


@dataclass(frozen=True)
class MemoryMap:
    """What `memory_map.json` says: the tables that the register port writes, which has `size` addresses, each of a word of 32 bits."""

    size: int
    nodes: tuple[Fixed, ...]
    memories: tuple[Memory, ...]

    def save(self, folder: Path) -> None:
        (folder / MAP).write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / MAP).with_suffix(".md").write_text(self._page())

    @classmethod
    def load(cls, folder: Path) -> MemoryMap:
        read = json.loads((folder / MAP).read_text())
        nodes = [Fixed(n["node"], Fold(**n["fold"]), n["params"], n["tables"]) for n in read["nodes"]]
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
        for fixed in self.nodes:
            if fixed.node not in nodes:
                raise Unsupported(f"{fixed.node}: is a node of the design, and none of the network that is loaded")
            made = kernel_for(graph, nodes[fixed.node]).instance(graph, nodes[fixed.node], fixed.fold)
            fixed.check(made)
            if not (own := [m for m in self.memories if m.node == fixed.node]):
                continue
            widths = {_BITS[m.table]: m.bits for m in own} 
            widths["SHIFT"] = max(m.shift for m in own)
            tables = _fitted(fixed.node, made, widths)
            for memory in own:
                writes += memory.writes(tables[memory.table])
        return writes


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
    q, bipolar = w.quantized, params.get("BIPOLAR")
    least, most = (-2, 2) if q.bipolar else (q.min - max(q.zero), q.max - min(q.zero))  # 2: where codes of x are 0 and 1, w * (2x - 1)
    weight = 1 if bipolar else max(-least, most)
    x = 1 if bipolar else 1 << (params["X_BITS"] - params["X_SIGNED"])
    reach = 2 * params.get("INPUTS", params.get("K_H", 1) * params.get("K_W", 1)) * weight * x
    if "LEVELS" in params:  # falling thresholds negate a channel
        least, most = -weight, weight
    return {"W_BITS": 1 if bipolar else max(signed_bits(least, most), 2), "ACC_BITS": max(signed_bits(-reach, reach), params["ACC_BITS"])}


def _fitted(node: str, made: Instance, widths: Mapping[str, int]) -> dict[str, Table]:
    """The tables of an instance with numbers of other widths. Raises Unsupported when they do not fit."""
    own = dict(made.params)
    if own.get("SECOND") or own.get("EXTRA_BITS"):
        raise Unsupported(f"{node}: its scales are rounded twice, as TensorFlow Lite does, and cannot be loaded; leave them in ROM")
    own.setdefault("T_BITS", own.get("ACC_BITS", 0))
    tables = dict(made.tables)
    if "SHIFT" in own and "MULS" not in tables:
        times = own.get("MULTIPLIER", 1)
        channels = own["OUTPUTS"] if "OUTPUTS" in own else own["CHANNELS"] * times
        tables["MULS"] = channel_table([own["MUL"]] * channels, own["MUL_BITS"], own["PE"] * times)
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
        nodes.append(Fixed.of(name, folding.get(name, Fold()), made))
        if made.module not in MODULES:
            continue
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


def words_text(words: Sequence[tuple[int, int]]) -> str:
    """A line for each word that the register port writes: its address and the word, in hexadecimal."""
    return "".join(f"{address:08x} {data:08x}\n" for address, data in words)
