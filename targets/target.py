"""What a target is: a name, a chain of kernel folders, and a way to emit a graph."""
from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Array, Graph, Node, Op, Param, Types

FOLDER = Path(__file__).parent


def no_scratch(op: Op, types: Types) -> int:
    return 0


def apart(op: Op, types: Types) -> int | None:
    return None


def never(op: Op, types: Types) -> bool:
    return False


def everything(graph: Graph, node: Node) -> str | None:
    return None


def unknown(graph: Graph, node: Node) -> int:
    return 0


@dataclass(frozen=True)
class Packed:
    """What a kernel takes in place of a node's constants and parameters.

    `constants` are named by what is added to the node's name, in the order of the call; arrays that are read by words are arrays of words.
    """

    constants: tuple[tuple[str, Array], ...]
    params: Mapping[str, Param]


@dataclass(frozen=True)
class Kernel:
    """A function of a kernel file. A Python file beside the kernel file lists in `KERNELS` those that need more than a call."""

    symbol: str
    of: str = ""  # the op's own symbol, for a variant that runs some of its nodes faster; see `Target.variants`
    accepts: Callable[[Graph, Node], str | None] = everything  # why a variant does not run a node; None when it does
    pack: Callable[[Graph, Node], Packed] | None = None  # a variant's layout of the node's constants
    cost: Callable[[Graph, Node], int] = unknown  # instructions of a variant for a node, by which it is chosen
    widens: bool = False  # whether its weights take more flash than their codes
    scratch: Callable[[Op, Types], int] = no_scratch  # bytes of arena that it uses while it runs; it takes NULL for 0 of them
    sparse: bool = False  # whether it may leave bytes of its scratch unwritten
    trail: Callable[[Op, Types], int | None] = apart  # bytes by which its output begins before its first input; see `memory.plan`
    inplace: Callable[[Op, Types], bool] = never  # whether its output may take over the memory of its first input, where the op's may not
    variadic: bool = False  # takes its inputs as one array of pointers
    inputs: int = 0  # how many it takes at least: NULL for those at the end that a node lacks


def on_all_cores(*symbols: str, accepts: Callable[[Graph, Node], str | None] = everything, inputs: int = 0) -> tuple[Kernel, ...]:
    """The variants `<symbol>_cluster` of kernels, which all cores of a cluster run; the rest as in `Kernel`."""
    return tuple(Kernel(f"{symbol}_cluster", of=symbol, accepts=accepts, inputs=inputs) for symbol in symbols)


@dataclass(frozen=True)
class Library:
    """Sources that kernels call and that are not emitted: the user has them in the folder that the environment variable names.

    `headers` and `sources` are paths below it; `defines` are the macros that its sources are built with.
    """

    variable: str
    headers: str
    sources: tuple[str, ...]
    defines: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return Path(os.environ[self.variable])


@dataclass(frozen=True)
class Target:
    """Something that can run a graph. `kernels` are the folders in which kernel files are looked up, first hit wins.

    `cluster` are those of them whose kernels run on all cores of a cluster at once, each core computing its part of the outputs; the
    other kernels then run on core 0 alone. A target without such a folder has one core.
    """

    name: str
    kernels: tuple[Path, ...]
    cluster: tuple[Path, ...] = field(default=(), kw_only=True)

    @property
    def code_flags(self) -> tuple[str, ...]:
        """The compiler's flags without which the emitted C does not mean on this target what it says."""
        return ("-ffp-contract=off",)

    @property
    def back_end(self) -> str:
        """Whose kernels come first, as --kernels names them."""
        return "own"

    def backed(self, back_end: str) -> Target:
        """This target with the kernels of a back end. Raises TapeoutError when it has no such."""
        if back_end != self.back_end:
            raise TapeoutError(f"--kernels {back_end}: target {self.name} has kernels of its own alone")
        return self

    def library(self, graph: Graph, kernels: Iterable[Path]) -> Library | None:
        """What a build of a graph with these kernel files needs besides the emitted sources."""
        return None

    def refused(self, graph: Graph, node: Node) -> str | None:
        """Why the back end does not run a node; None when it does or there is none."""
        return None

    def kernel(self, graph: Graph, node: Node) -> tuple[Path, Kernel]:
        """The kernel file and kernel for a node. Raises Unsupported that names the node and the symbol."""
        symbol = kernel_symbol(graph, node)
        names = (f"{node.op.name()}.h", f"{node.op.name()}_packed.h")
        for path in (folder / name for folder in self.kernels for name in names):
            if path.is_file() and symbol in symbols(path):
                return path, _declared(path).get(symbol, Kernel(symbol))
        raise Unsupported(f"{node.name}: target {self.name} has no kernel {symbol}")

    def variants(self, graph: Graph, node: Node) -> list[tuple[Path, Kernel]]:
        """The kernels that stand in for the node's own, with their files; whether one accepts the node is not asked.

        They are declared in files like `conv2d_pairs.py`, beside `conv2d_pairs.h`, which an earlier folder of the chain may replace.
        """
        symbol, found = kernel_symbol(graph, node), []
        for folder in self.kernels:
            for beside in sorted(folder.glob(f"{node.op.name()}_*.py")):
                path = next(f / f"{beside.stem}.h" for f in self.kernels if (f / f"{beside.stem}.h").is_file())
                found += [(path, kernel) for kernel in _declared(folder / f"{beside.stem}.h").values() if kernel.of == symbol]
        return found


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
    if beside.is_relative_to(FOLDER):
        own = importlib.import_module(".".join((__package__, *beside.relative_to(FOLDER).with_suffix("").parts)))
        return {k.symbol: k for k in own.KERNELS}
    # As if it lay in targets/<target>/kernels, wherever it does, so that its relative imports hold.
    spec = importlib.util.spec_from_file_location(f"{__package__}.c.kernels.{beside.stem}", beside)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kernels: Sequence[Kernel] = module.KERNELS
    return {k.symbol: k for k in kernels}
