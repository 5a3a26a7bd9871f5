"""Families of microcontroller cores, and cores as targets.

A family is a folder of `targets` with a target.py, the C files that a bare core needs (`*.c`, `*.h`), memory.ld.in, boards and cycles.toml;
what co-simulation has to know of its instructions lies in the folder of the same name in cosim/cores.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..board import Board, load
from ..target import Target
from .rtl import RtlCore
from .toolchain import Toolchain


@dataclass(frozen=True)
class Family:
    """Cores that are built and simulated alike. `sections` are those of memory.ld.in that take memory, in its order;
    `simulator` is the program of QEMU, `simulator_options` are those that every core takes."""

    folder: Path
    toolchain: Toolchain
    sections: tuple[str, ...]
    simulator: str
    simulator_options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def sources(self) -> tuple[Path, ...]:
        """What every firmware is compiled with: the start of the core first."""
        return tuple(sorted(self.folder.glob("*.c"), key=lambda path: (path.stem != "startup", path.stem)))

    @property
    def headers(self) -> tuple[Path, ...]:
        """Those of the C library that the toolchain lacks."""
        return tuple(sorted(self.folder.glob("*.h")))


@dataclass(frozen=True)
class Microcontroller(Target):
    """A core. `flags` select it in the compiler; `qemu` names the boards with that core that QEMU runs, the first choice first,
    and `simulator_options` are what QEMU takes for that core besides the board's machine. `rtl` is its RTL, if there is;
    `beyond` names instructions of the core that QEMU lacks, so that the RTL alone runs it."""

    family: Family
    flags: tuple[str, ...]
    qemu: tuple[str, ...]
    simulator_options: tuple[str, ...] = ()
    rtl: RtlCore | None = None
    beyond: str = ""

    @property
    def code_flags(self) -> tuple[str, ...]:
        return (*super().code_flags, *(flag for flag in self.flags if flag.startswith("-f")))

    @property
    def qemu_boards(self) -> tuple[Board, ...]:
        return tuple(map(load, self.qemu))
