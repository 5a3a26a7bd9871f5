"""What a target is: a name, a chain of kernel folders, and a way to emit a graph."""
from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node, Op, Types


def no_scratch(op: Op, types: Types) -> int:
    return 0


@dataclass(frozen=True)
class Kernel:
    """A function of a kernel file. A Python file beside the kernel file lists in `KERNELS` those that need more than a call."""

    symbol: str
    scratch: Callable[[Op, Types], int] = no_scratch  # bytes of arena that it uses while it runs
    variadic: bool = False  # takes its inputs as one array of pointers
    inputs: int = 0  # how many it takes at least: NULL for those at the end that a node lacks


@dataclass(frozen=True)
class Target:
    """Something that can run a graph. `kernels` are the folders in which kernel files are looked up, first hit wins."""

    name: str
    kernels: tuple[Path, ...]

    def kernel(self, graph: Graph, node: Node) -> tuple[Path, Kernel]:
        """The kernel file and kernel for a node. Raises Unsupported that names the node and the symbol."""
        symbol = kernel_symbol(graph, node)
        names = (f"{node.op.name()}.h", f"{node.op.name()}_packed.h")
        for path in (folder / name for folder in self.kernels for name in names):
            if path.is_file() and symbol in symbols(path):
                return path, _declared(path).get(symbol, Kernel(symbol))
        raise Unsupported(f"{node.name}: target {self.name} has no kernel {symbol}")

    def scratch(self, graph: Graph) -> dict[str, int]:
        """Bytes of scratch by node name, for the nodes that need any."""
        needs = {n.name: self.kernel(graph, n)[1].scratch(n.op, graph.types(n)) for n in graph.nodes if not n.op.alias}
        return {name: size for name, size in needs.items() if size}


def kernel_symbol(graph: Graph, node: Node) -> str:
    """The function that runs a node, by the op's own rule."""
    return node.op.symbol(graph.types(node))


@cache
def symbols(path: Path) -> frozenset[str]:
    """The functions that a kernel file defines."""
    return frozenset(re.findall(r"^static inline \w+ (\w+)\(", path.read_text(), re.MULTILINE))


@cache
def _declared(path: Path) -> dict[str, Kernel]:
    """What the Python file beside a kernel file says of its kernels."""
    beside = path.with_suffix(".py")
    if not beside.is_file():
        return {}
    # As if it lay in targets/<target>/kernels, wherever it does, so that its relative imports hold.
    spec = importlib.util.spec_from_file_location(f"{__package__}.c.kernels.{beside.stem}", beside)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kernels: Sequence[Kernel] = module.KERNELS
    return {k.symbol: k for k in kernels}
