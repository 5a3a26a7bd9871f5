"""The folder that `tapeout compile` writes: its manifest, and where each part lies in it.

    tapeout.json        this manifest
    report.json         every figure (docs/report.md)
    graph.txt           the Graph that was emitted; constants.npz holds its constants
    model.onnx|.tflite  the source model, to measure quality against
    c/                  the Graph as portable C, which the host engines run
    <target>/           the Graph as C for the target; firmware/ in it holds what a bare board needs; or the design of hardware
"""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tapeout.compiler import text
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.staging import MARK

from . import find_target
from .compiled import Compiled
from .hardware import Design, Hardware, find_hardware

SCHEMA = "tapeout-bundle-1"


@dataclass(frozen=True)
class Manifest:
    """What was compiled, and how.

    `float_model` says that the source model computes in floats and has the same outputs, so that it can be compared with; `kernels`
    names the back end.
    """

    name: str
    target: str
    board: str | None
    model: str
    float_model: bool
    kernels: str = "own"
    schema: str = SCHEMA

    def write(self, folder: Path) -> None:
        (folder / MARK).write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Bundle:
    """A compiled network in a folder."""

    folder: Path
    manifest: Manifest
    graph: Graph

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Raises TapeoutError when `folder` was not written by `tapeout compile` or is damaged."""
        if not (folder / MARK).is_file():
            raise TapeoutError(f"{folder}: not a folder that 'tapeout compile' wrote (it has no {MARK})")
        try:
            data = json.loads((folder / MARK).read_text())
            if data.get("schema") != SCHEMA:
                raise TapeoutError(f"{folder / MARK}: schema {data.get('schema')!r}, this tapeout reads {SCHEMA!r}; compile again")
            manifest = Manifest(**data)
        except (ValueError, TypeError, AttributeError) as error:
            raise TapeoutError(f"{folder / MARK}: damaged manifest ({error}); compile again") from None
        return cls(folder, manifest, text.load(folder))

    @property
    def hardware(self) -> Hardware | None:
        """What the network was compiled to, if that is a design of hardware."""
        return find_hardware(self.manifest.target)

    def design(self) -> Design:
        """The design of a bundle for hardware. Raises TapeoutError when it is missing."""
        folder, hardware = self.folder / self.manifest.target, self.hardware
        if hardware is None or not folder.is_dir():
            raise TapeoutError(f"{folder}: is missing; compile again")
        return Design(folder, self.manifest.name, self.graph, hardware)

    def compiled(self, target: str | None = None) -> Compiled:
        """The emitted C for a target, the bundle's own unless another ('c') is named."""
        target = target or self.manifest.target
        folder = self.folder / target
        if not (folder / "plan.json").is_file():
            raise TapeoutError(f"{folder}: is missing; compile again")
        back_end = self.manifest.kernels if target == self.manifest.target else "own"
        return Compiled.load(folder, self.manifest.name, find_target(target, back_end), self.graph)

    @property
    def source(self) -> Path:
        """The copy of the source model."""
        return self.folder / self.manifest.model
