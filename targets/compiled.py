"""A graph compiled for one target: the folder of emitted C and all that a rerun needs."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.memory import Plan, check, plan

from .c.emit import Emitter
from .target import Target


@dataclass(frozen=True)
class Compiled:
    """`folder` holds the C of `graph` for `target`, laid out by `plan`; `name` prefixes its files and symbols."""

    folder: Path
    name: str
    target: Target
    graph: Graph
    plan: Plan

    @classmethod
    def write(cls, folder: Path, name: str, target: Target, graph: Graph, keep_inputs: bool = False) -> Compiled:
        """Plans the memory and writes the sources. Raises Unsupported for a node that the target has no kernel for."""
        scratch = target.scratch(graph)
        compiled = cls(folder, name, target, graph, plan(graph, scratch, keep_inputs))
        check(compiled.plan, graph)
        compiled.emit(folder)
        (folder / "plan.json").write_text(compiled.plan.to_json())
        return compiled

    @classmethod
    def load(cls, folder: Path, name: str, target: Target, graph: Graph) -> Compiled:
        """What `write` left in `folder`. Raises TapeoutError when its plan is damaged or is not one of the graph."""
        path = folder / "plan.json"
        try:
            found = Plan.from_json(path.read_text())
            check(found, graph)
        except TapeoutError as error:
            raise TapeoutError(f"{path}: damaged ({error}); compile again") from None
        return cls(folder, name, target, graph, found)

    def emit(self, folder: Path) -> None:
        """Writes the sources into `folder`, which may be another than the compiled one."""
        for path, text in Emitter(self.graph, self.plan, self.target, self.name).files().items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
