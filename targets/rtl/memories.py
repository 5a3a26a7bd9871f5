"""How yosys' memory_libmap makes a memory: block RAMs, tables that hold 16 words, or plain logic, whichever costs least by its files."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ROM_BIT, _RAM_BIT = 1 / 16, 1.0  # cost of a bit in plain logic: memory_libmap's own, where no option says otherwise


@dataclass(frozen=True)
class Memory:
    """`words` of `width` bits; a ROM has no write port. `clocked` reads into a register, as block RAMs do."""

    words: int
    width: int
    rom: bool
    clocked: bool = True


@dataclass(frozen=True)
class Blocks:
    """Block RAMs of a family, as <yosys>/share/<family>/brams.txt has them: words by width, and the cost of one. `tables`: whether there
    is RAM in tables, 16 words of 4 bits, of cost 4."""

    words: Mapping[int, int]
    cost: int
    tables: bool


_OF_18_KBIT = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}
BLOCKS = {
    "ecp5": Blocks(_OF_18_KBIT, 128, True),
    "gowin": Blocks(_OF_18_KBIT, 128, True),
    "ice40": Blocks({2: 2048, 4: 1024, 8: 512, 16: 256}, 64, False),
}
_TABLE_COST = 4


@dataclass(frozen=True)
class Made:
    """What a memory becomes: one of block RAMs, RAMs in tables of 16 words by 4 bits, bits of ROM or of flip-flops in plain logic."""

    blocks: int = 0
    tables: int = 0
    rom_bits: int = 0
    flip_flops: int = 0

    def __add__(self, other: Made) -> Made:
        return Made(
            self.blocks + other.blocks, self.tables + other.tables, self.rom_bits + other.rom_bits, self.flip_flops + other.flip_flops
        )


def made(memory: Memory, family: str) -> Made:
    """The cheapest way; of two alike the later one, which has blocks."""
    of, bits = BLOCKS[family], memory.words * memory.width
    if memory.rom:
        ways = [(bits * _ROM_BIT, Made(rom_bits=bits))]
    else:
        ways = [(bits * _RAM_BIT, Made(flip_flops=bits))]
        if of.tables:
            tables = -(-memory.words // 16) * -(-memory.width // 4)
            ways.append((tables * _TABLE_COST, Made(tables=tables)))
    if memory.clocked:
        blocks = min(-(-memory.width // width) * -(-memory.words // words) for width, words in of.words.items())
        ways.append((blocks * of.cost, Made(blocks=blocks)))
    return min(reversed(ways), key=lambda way: way[0])[1]
