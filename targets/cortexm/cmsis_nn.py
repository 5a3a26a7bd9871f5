"""CMSIS-NN as the back end of a core: its kernels come first, and builds compile what they call from the user's checkout of it."""
from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import ClassVar

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph, Node

from ..target import Kernel, Library, kernel_symbol
from .kernels.cmsis_nn.layers import Unit, kernels, rounding_of
from .target import OWN, CortexM

VARIABLE = "TAPEOUT_CMSIS_NN"
FOLDER = OWN / "cmsis_nn"
_UNITS = {"cortex-m4": Unit.DSP, "cortex-m7": Unit.DSP, "cortex-m33": Unit.DSP, "cortex-m55": Unit.MVE}


@dataclass(frozen=True)
class CmsisNN(CortexM):
    """A core whose layers CMSIS-NN runs where it can."""

    BACK_END: ClassVar[str] = "cmsis-nn"

    @classmethod
    def of(cls, core: CortexM) -> CmsisNN:
        """Raises TapeoutError when the environment names no checkout."""
        checkout()
        values = {f.name: getattr(core, f.name) for f in fields(core)}
        return cls(**{**values, "kernels": (FOLDER, *core.kernels)})

    @property
    def back_end(self) -> str:
        return self.BACK_END

    @property
    def unit(self) -> Unit:
        return _UNITS.get(self.name, Unit.PLAIN)

    def variants(self, graph: Graph, node: Node) -> list[tuple[Path, Kernel]]:
        symbol = kernel_symbol(graph, node)
        found = [(FOLDER / f"{node.op.name()}_cmsis_nn.h", k) for k in kernels(self.unit, build_rounding(graph)) if k.of == symbol]
        return [*found, *super().variants(graph, node)]

    def refused(self, graph: Graph, node: Node) -> str | None:
        found = [kernel for path, kernel in self.variants(graph, node) if path.parent == FOLDER]
        reason = found[0].accepts(graph, node) if found else "no such kernel"
        return f"not by CMSIS-NN: {reason}" if reason else None

    def library(self, graph: Graph, kernels: Iterable[Path]) -> Library | None:
        called = {name for path in kernels if path.parent == FOLDER for name in re.findall(r"\barm_\w+(?=\()", path.read_text())}
        if not called:
            return None
        single = ("CMSIS_NN_USE_SINGLE_ROUNDING",) if build_rounding(graph) is Rounding.HALF_UP else ()
        return Library(VARIABLE, "Include", _needed(checkout(), called), single)


def checkout() -> Path:
    """The folder of CMSIS-NN. Raises TapeoutError when the environment names none."""
    name = os.environ.get(VARIABLE, "")
    do = "get github.com/ARM-software/CMSIS-NN and set it to that folder"
    if not name:
        raise TapeoutError(f"--kernels {CmsisNN.BACK_END}: the environment variable {VARIABLE} is not set; {do}")
    folder = Path(name).absolute()
    if not (folder / "Include" / "arm_nnfunctions.h").is_file() or not (folder / "Source").is_dir():
        raise TapeoutError(f"{VARIABLE}={name}: this is no CMSIS-NN checkout, it lacks Include/arm_nnfunctions.h or Source; {do}")
    return folder


def build_rounding(graph: Graph) -> Rounding:
    """The rounding that CMSIS-NN is built with for a graph: it has one for all layers, so that of most of them."""
    found = Counter(rounding for node in graph.nodes if (rounding := rounding_of(node)) in (Rounding.TFLITE, Rounding.HALF_UP))
    return Rounding.HALF_UP if found[Rounding.HALF_UP] > found[Rounding.TFLITE] else Rounding.TFLITE


def _needed(folder: Path, functions: Iterable[str]) -> tuple[str, ...]:
    """The source files that define these functions and all that they mention in turn, by their paths in the checkout."""
    definitions, mentions = _index(folder)
    waiting, found = sorted(functions), set()
    while waiting:
        file = definitions.get(waiting.pop())
        if file and file not in found:
            found.add(file)
            waiting += mentions[file]
    return tuple(sorted(found))


@cache
def _index(folder: Path) -> tuple[Mapping[str, str], Mapping[str, frozenset[str]]]:
    """The file that defines each global function, and the names of functions in each file."""
    definitions: dict[str, str] = {}
    mentions: dict[str, frozenset[str]] = {}
    for path in sorted((folder / "Source").rglob("*.c")):
        text, file = path.read_text(errors="replace"), path.relative_to(folder).as_posix()
        mentions[file] = frozenset(re.findall(r"\barm_\w+(?=\()", text))
        for name in re.findall(r"^(?!static|__STATIC)\w[\w *]*?\b(arm_\w+)\([^;{]*\{", text, re.MULTILINE):
            definitions.setdefault(name, file)
    return definitions, mentions
