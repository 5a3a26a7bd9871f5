"""What `design.json` says of a design, for those who simulate and synthesize it."""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .instance import Fold, Stream


@dataclass(frozen=True)
class PortStream:
    """A port of the top module: the value that it carries, and how."""

    value: str
    name: str
    stream: Stream

    @property
    def bytes(self) -> int:
        """Of a beat."""
        return -(-self.stream.width // 8)


@dataclass(frozen=True)
class Place:
    """Where a layer is in the top module: its instances, those that change the width of what it reads and the queue behind it included."""

    layer: str
    fold: Fold | None  # None for a layer in which every weight is wired
    cycles: int  # of a frame at least
    instances: tuple[str, ...]


@dataclass(frozen=True)
class Queue:
    """A queue of `depth` beats of a value, the instance `fifo_<wire>`, behind a node, or before input `index` of the node `join`, where
    `least` beats are proved to be enough for it to go on."""

    name: str
    value: str
    wire: str
    stream: Stream
    depth: int
    join: str = ""
    index: int = 0
    least: int = 1


@dataclass(frozen=True)
class Ports:
    """What `design.json` says of a design: its module, its AXI streams, the cycles that a frame takes at least, queues and layers."""

    module: str
    inputs: tuple[PortStream, ...]
    outputs: tuple[PortStream, ...]
    interval: int
    queues: tuple[Queue, ...] = ()
    register_port: bool = False  # s_axil, AXI4-Lite
    layers: tuple[Place, ...] = ()

    def save(self, folder: Path) -> None:
        (folder / "design.json").write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Ports:
        read = json.loads((folder / "design.json").read_text())
        inputs, outputs = ([PortStream(p["value"], p["name"], Stream(**p["stream"])) for p in read[side]] for side in ("inputs", "outputs"))
        queues = tuple(Queue(**{**q, "stream": Stream(**q["stream"])}) for q in read["queues"])
        places = [{**p, "fold": p["fold"] and Fold(**p["fold"]), "instances": tuple(p["instances"])} for p in read["layers"]]
        layers = tuple(Place(**place) for place in places)
        return cls(read["module"], tuple(inputs), tuple(outputs), read["interval"], queues, read["register_port"], layers)
