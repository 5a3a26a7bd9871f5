"""Boards: which core, which memories, which clock. One file per board in `targets/*/boards/`."""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tapeout.compiler.errors import TapeoutError


@dataclass(frozen=True)
class Memory:
    """A range of addresses."""

    origin: int
    bytes: int

    def holds(self, address: int) -> bool:
        return self.origin <= address < self.origin + self.bytes


@dataclass(frozen=True)
class Board:
    """A microcontroller board: the target its code is compiled for and the memories that a program may use."""

    name: str
    target: str
    clock_hz: int  # the highest of the core
    flash: Memory  # where code and constants lie; some form of RAM on boards that a debugger or QEMU loads
    ram: Memory
    source: str  # the documents that these figures are from
    power_mw: float | None = None  # while it computes at that clock; None when not known
    qemu: str = ""  # the machine of QEMU that models the board; empty when there is none


@cache
def boards() -> dict[str, Board]:
    """All boards by name, in alphabetical order."""
    files = sorted(Path(__file__).parent.glob("*/boards/*.toml"), key=lambda path: path.stem)
    return {path.stem: _read(path) for path in files}


def load(name: str) -> Board:
    """The board of that name, upper or lower case. Raises TapeoutError that lists the known boards."""
    try:
        return boards()[name.lower()]
    except KeyError:
        raise TapeoutError(f"no board {name!r}; there are {', '.join(boards())}") from None


def _read(path: Path) -> Board:
    entry = tomllib.loads(path.read_text())
    return Board(
        name=path.stem,
        target=entry["target"],
        clock_hz=entry["clock_hz"],
        flash=Memory(entry["flash"]["origin"], entry["flash"]["kib"] << 10),
        ram=Memory(entry["ram"]["origin"], entry["ram"]["kib"] << 10),
        source=entry["source"],
        power_mw=entry.get("power_mw"),
        qemu=entry.get("qemu", ""),
    )
