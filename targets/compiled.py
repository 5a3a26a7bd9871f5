"""A graph compiled for one target: the folder of emitted C and all that a rerun needs."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tapeout.compiler.buffers import Inputs
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph
from tapeout.compiler.memory import Plan, check
from tapeout.compiler.passes.split_rows import Region

from .c.emit import Emitter
from .selection import Objective, Selection, select, symbols_of
from .strips import Arrangement
from .target import Target


@dataclass(frozen=True)
class Compiled:
    """`folder` holds the C of `graph`, run by the kernels of `selection`, laid out by `plan`; `name` prefixes its files and symbols.

    `regions` of the graph that was compiled are computed in strips; `sources` has the node of which each node of a strip does a part.
    """

    folder: Path
    name: str
    selection: Selection
    graph: Graph
    plan: Plan
    regions: tuple[Region, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        return self.selection.target

    @classmethod
    def write(
        cls, folder: Path, name: str, target: Target, graph: Graph, objective: Objective = Objective.TIME,
        pins: Mapping[str, str] | None = None, inputs: Inputs = Inputs.ARENA,
    ) -> Compiled:
        """The graph as it is, node by node; see `write_arranged`."""
        return cls.write_arranged(folder, name, Arrangement(target, graph, objective, pins or {}, inputs=inputs))

    @classmethod
    def write_arranged(cls, folder: Path, name: str, arranged: Arrangement) -> Compiled:
        """Chooses kernels, plans the memory and writes the sources. Raises as `select` does."""
        graph, selection = arranged.graph, arranged.selection
        compiled = cls(folder, name, selection, graph, arranged.plan, arranged.regions, arranged.sources)
        check(compiled.plan, graph, arranged.demands)
        compiled.emit(folder)
        (folder / "plan.json").write_text(compiled.plan.to_json())
        (folder / "kernels.json").write_text(selection.to_json())
        (folder / "strips.json").write_text(json.dumps([asdict(region) for region in compiled.regions], indent=2) + "\n")
        return compiled

    @classmethod
    def load(cls, folder: Path, name: str, target: Target, graph: Graph) -> Compiled:
        """What `write` left in `folder`. Raises TapeoutError when its plan, kernels or strips are damaged or not those of the graph."""
        path, kernels, strips = folder / "plan.json", folder / "kernels.json", folder / "strips.json"
        try:
            arranged = Arrangement(target, graph).split(*(Region(**region) for region in json.loads(strips.read_text())))
        except (OSError, ValueError, TypeError, AttributeError, TapeoutError) as error:
            raise TapeoutError(f"{strips}: damaged ({error}); compile again") from None
        try:
            selection = select(target, arranged.graph, pins=symbols_of(kernels.read_text()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, TapeoutError) as error:
            raise TapeoutError(f"{kernels}: damaged ({error}); compile again") from None
        try:
            found = Plan.from_json(path.read_text())
            check(found, arranged.graph, selection.demands(arranged.graph))
        except TapeoutError as error:
            raise TapeoutError(f"{path}: damaged ({error}); compile again") from None
        return cls(folder, name, selection, arranged.graph, found, arranged.regions, arranged.sources)

    def emit(self, folder: Path) -> None:
        """Writes the sources into `folder`, which may be another than the compiled one."""
        for path, text in Emitter(self.graph, self.plan, self.selection, self.name).files().items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

