"""A graph compiled for one target: the folder of emitted C and all that a rerun needs."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.memory import Plan, check, plan

from .c.emit import Emitter
from .selection import Objective, Selection, select, symbols_of
from .target import Target


@dataclass(frozen=True)
class Compiled:
    """`folder` holds the C of `graph`, run by the kernels of `selection`, laid out by `plan`; `name` prefixes its files and symbols."""

    folder: Path
    name: str
    selection: Selection
    graph: Graph
    plan: Plan

    @property
    def target(self) -> Target:
        return self.selection.target

    @classmethod
    def write(
        cls, folder: Path, name: str, target: Target, graph: Graph, keep_inputs: bool = False, objective: Objective = Objective.TIME,
        pins: Mapping[str, str] | None = None, tuned: Mapping[str, str] | None = None,
    ) -> Compiled:
        """Chooses kernels, plans the memory and writes the sources. Raises as `select` does."""
        selection = select(target, graph, objective, pins, keep_inputs, tuned)
        compiled = cls(folder, name, selection, graph, _planned(selection, graph, keep_inputs))
        check(compiled.plan, graph, selection.trails(graph), selection.over(graph))
        compiled.emit(folder)
        (folder / "plan.json").write_text(compiled.plan.to_json())
        (folder / "kernels.json").write_text(selection.to_json())
        return compiled

    @classmethod
    def load(cls, folder: Path, name: str, target: Target, graph: Graph) -> Compiled:
        """What `write` left in `folder`. Raises TapeoutError when its plan or kernels are damaged or not those of the graph."""
        path, kernels = folder / "plan.json", folder / "kernels.json"
        try:
            selection = select(target, graph, pins=symbols_of(kernels.read_text()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, TapeoutError) as error:
            raise TapeoutError(f"{kernels}: damaged ({error}); compile again") from None
        try:
            found = Plan.from_json(path.read_text())
            check(found, graph, selection.trails(graph), selection.over(graph))
        except TapeoutError as error:
            raise TapeoutError(f"{path}: damaged ({error}); compile again") from None
        return cls(folder, name, selection, graph, found)

    def emit(self, folder: Path) -> None:
        """Writes the sources into `folder`, which may be another than the compiled one."""
        for path, text in Emitter(self.graph, self.plan, self.selection, self.name).files().items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


def _planned(selection: Selection, graph: Graph, keep_inputs: bool) -> Plan:
    return plan(graph, selection.scratch(graph), keep_inputs, trails=selection.trails(graph), over=selection.over(graph))
