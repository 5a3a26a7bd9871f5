"""Finds the module of an op: `kernels/<op>.sv`, and `kernels/<op>.py` beside it, which says how it is instantiated."""
from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.reshape import Reshape

from .instance import Fold, Instance

KERNELS = Path(__file__).parent / "kernels"


class Kernel(Protocol):
    """The Python file beside a module."""

    def folds(self, graph: Graph, node: Node) -> tuple[int, int]:
        """What PE and SIMD divide."""
        ...

    def cycles(self, graph: Graph, node: Node, fold: Fold) -> int:
        """Of a frame, when no stream stalls."""
        ...

    def instance(self, graph: Graph, node: Node, fold: Fold) -> Instance:
        """Raises Unsupported for what the module does not compute."""
        ...


def kernel_for(graph: Graph, node: Node) -> Kernel:
    """Raises Unsupported that names the node and the op."""
    op = node.op.name()
    if not (KERNELS / f"{op}.py").is_file():
        known = ", ".join(sorted(path.stem for path in KERNELS.glob("*.py") if path.stem != "__init__"))
        raise Unsupported(f"{node.name}: target rtl has no kernel {op}; end the design before it, or build it of what there is: {known}")
    return cast(Kernel, importlib.import_module(f"{__package__}.kernels.{op}"))


def runs_in_wires(node: Node) -> bool:
    """Whether the node's output is its input's stream."""
    return isinstance(node.op, Reshape)
