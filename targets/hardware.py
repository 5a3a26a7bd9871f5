"""Targets that are designs of hardware: projects for high-level synthesis, and RTL.

A target is found by its file: every `targets/<folder>/hardware.py` has a tuple `HARDWARE`.
"""
from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class DesignOptions:
    """How a design is made. None leaves the choice to the target; each target takes those that it names in `Hardware.takes`.

    `stream` passes tensors between layers element by element, not as a whole; `reuse_factor` is how many multiplications one multiplier
    does; `strategy` names a way to multiply; `fold` gives layers their parallel hardware, as `LAYER=PExSIMD`; `part` is the device,
    `clock_ns` the period that is asked for; `fifo` gives queues their depths, as `NAME=BEATS`; `weight_memory` is `rom` or `loadable`.
    """

    stream: bool | None = None
    reuse_factor: int | None = None
    strategy: str | None = None
    fold: tuple[str, ...] | None = None
    part: str | None = None
    clock_ns: float | None = None
    fifo: tuple[str, ...] | None = None
    weight_memory: str | None = None


@dataclass(frozen=True)
class Hardware(ABC):
    """A way to write an integer Graph, whose ports hold codes, as a design."""

    name: str
    takes: frozenset[str]  # the fields of DesignOptions that mean something here

    def check(self, options: DesignOptions) -> None:
        """Raises TapeoutError for an option that this target does not take."""
        for field in fields(options):
            if getattr(options, field.name) is not None and field.name not in self.takes:
                taken = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(self.takes)) or "none"
                raise TapeoutError(f"--{field.name.replace('_', '-')}: target {self.name} takes {taken} of the options of designs")

    @abstractmethod
    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        """Writes the design into `folder`. Raises Unsupported that names the node that it has no hardware for."""


@dataclass(frozen=True)
class Design:
    """A graph written for a target; `name` prefixes its files."""

    folder: Path
    name: str
    graph: Graph
    hardware: Hardware


def all_hardware() -> tuple[Hardware, ...]:
    """Every target that is a design, by folder and then in the order of its file."""
    folders = sorted(path.parent.name for path in FOLDER.glob("*/hardware.py"))
    return tuple(h for f in folders for h in importlib.import_module(f"{__package__}.{f}.hardware").HARDWARE)


def find_hardware(name: str) -> Hardware | None:
    """The design target of this name, if it is one."""
    return next((hardware for hardware in all_hardware() if hardware.name == name), None)
